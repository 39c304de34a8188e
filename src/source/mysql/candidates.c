/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/candidates.h"

#include "base/digits.h"
#include "schema/mysql_types.h"
#include "source/mysql/sql.h"

#include <string.h>

typedef __int128 Wide;

KeyKind candidates_kind(const SourceType *type)
{
    static const struct {
        const char *base;
        KeyKind kind;
    } kinds[] = {{"date", KEY_DATE}, {"datetime", KEY_MOMENT}, {"timestamp", KEY_MOMENT},
                 {"char", KEY_TEXT}, {"varchar", KEY_TEXT},    {"binary", KEY_BYTES},
                 {"uuid", KEY_UUID}, {"varbinary", KEY_BYTES}};
    if (mysql_type(type)->digits > 0)
        return KEY_INTEGER;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(type->base, kinds[i].base) == 0)
            return kinds[i].kind;
    }
    return KEY_NONE;
}

/* Digits of up to 64 bits with a sign. */
static Wide read_number(const char *text)
{
    bool is_negative = *text == '-';
    Wide number = 0;
    for (text += is_negative; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    return is_negative ? -number : number;
}

static const char *print_number(Wide number, Arena *arena)
{
    char text[DIGITS_MAX + 2];
    char *end = text;
    if (number < 0)
        *end++ = '-';
    end = digits_write(end, (uint64_t)(number < 0 ? -number : number));
    return arena_strndup(arena, text, (size_t)(end - text));
}

size_t candidates_between(const char *low, const char *high, Arena *arena, const char **ret_found)
{
    Wide first = read_number(low), last = read_number(high), span = last - first;
    size_t count = 0;
    Wide before = first;
    for (int i = 1; i < CANDIDATES_MAX && span > 0; i++) {
        Wide next = first + span * i / CANDIDATES_MAX;
        if (next > before)
            ret_found[count++] = print_number(next, arena);
        before = next;
    }
    return count;
}

size_t candidates_prefixes(const char *low, const char *high, Arena *arena, const char **ret_found)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t same = 0, count = 0;
    while (low[same] && low[same] == high[same])
        same++;
    while (same > 0 && ((unsigned char)low[same] & 0xc0) == 0x80)
        same--; /* not in the middle of a character */
    for (const char *letter = letters; *letter && count < CANDIDATES_MAX; letter++)
        ret_found[count++] = arena_printf(arena, "%.*s%c", (int)same, low, *letter);
    return count;
}

/* The smallest and the largest key, in a form that can be counted with or spelled. */
static const char *extremes_of(KeyKind kind)
{
    switch (kind) {
    case KEY_DATE:
        return "DATEDIFF(%s(%s), '1970-01-01')";
    case KEY_MOMENT:
        return "TIMESTAMPDIFF(SECOND, '1970-01-01', %s(%s))";
    case KEY_BYTES:
        return "HEX(%s(%s))";
    default:
        return "%s(%s)";
    }
}

static const char *condition(const RangeQuestion *question, const CandidateRange *range)
{
    SqlText sql;
    sql_open(&sql);
    if (range->lower)
        fprintf(sql.out, " AND %s >= %s", question->column, range->lower);
    if (range->upper)
        fprintf(sql.out, " AND %s < %s", question->column, range->upper);
    if (question->further)
        fprintf(sql.out, " AND (%s)", question->further);
    return sql_take(&sql, question->arena);
}

static void print_extreme(FILE *out, KeyKind kind, const char *function, const char *column)
{
    const char *form = extremes_of(kind);
    for (int given = 0; *form; form++) {
        if (form[0] == '%' && form[1] == 's') {
            fputs(given++ ? column : function, out);
            form++;
        } else {
            fputc(*form, out);
        }
    }
}

static bool ask_extremes(const RangeQuestion *question, const CandidateRange *range,
                         const char **ret_low, const char **ret_high, Error *error)
{
    SqlText sql;
    sql_open(&sql);
    fputs("SELECT ", sql.out);
    print_extreme(sql.out, range->kind, "MIN", question->column);
    fputs(", ", sql.out);
    print_extreme(sql.out, range->kind, "MAX", question->column);
    fprintf(sql.out, " FROM %s WHERE TRUE%s", question->relation, condition(question, range));
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    if (!mysqld_ask_rows(question->connection, sql_take(&sql, question->arena), &question->action,
                         &rows, error))
        return false;
    MYSQL_ROW row = mysql_fetch_row(rows);
    *ret_low = row ? arena_strdup(question->arena, row[0]) : NULL;
    *ret_high = row ? arena_strdup(question->arena, row[1]) : NULL;
    return true;
}

/* Literals to look up the keys that follow them. */
static size_t probes(const CandidateRange *range, const char *low, const char *high, Arena *arena,
                     const char **ret_probes)
{
    if (range->kind == KEY_TEXT) {
        size_t count = candidates_prefixes(low, high, arena, ret_probes);
        for (size_t i = 0; i < count; i++)
            ret_probes[i] = mysql_literal(ret_probes[i], arena);
        return count;
    }
    size_t same = 0, count = 0;
    while (low[same] && low[same] == high[same])
        same++;
    same -= same % 2; /* whole bytes */
    for (unsigned byte = 4; byte < 256; byte += 4) {
        if (range->kind == KEY_UUID) /* every part differs: their order has changed */
            ret_probes[count++] = arena_printf(
                arena, "'%02x%02x%02x%02x-%02x%02x-4%01x%02x-8%01x%02x-%02x%02x%02x%02x%02x%02x'",
                byte, byte, byte, byte, byte, byte, byte >> 4, byte, byte >> 4, byte, byte, byte,
                byte, byte, byte, byte);
        else
            ret_probes[count++] = arena_printf(arena, "X'%.*s%02X'", (int)same, low, byte);
    }
    return count;
}

typedef struct Found {
    const char **literals;
    size_t count;
} Found;

/* Keys of the table that follow the probes, in the server's order. */
static bool look_up(const RangeQuestion *question, const CandidateRange *range, const char *low,
                    const char *high, Found *found, Error *error)
{
    Arena *arena = question->arena;
    const char *probe[CANDIDATES_MAX];
    size_t count = probes(range, low, high, arena, probe);
    bool is_bytes = range->kind == KEY_BYTES;
    SqlText sql;
    sql_open(&sql);
    fprintf(sql.out, "SELECT %s FROM (", is_bytes ? "HEX(k)" : "k");
    for (size_t i = 0; i < count; i++)
        fprintf(sql.out, "%s(SELECT %s AS k FROM %s WHERE %s >= %s%s ORDER BY %s LIMIT 1)",
                i > 0 ? " UNION " : "", question->column, question->relation, question->column,
                probe[i], condition(question, range), question->column);
    fputs(") AS bqferry_keys ORDER BY k", sql.out);
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    if (!mysqld_ask_rows(question->connection, sql_take(&sql, arena), &question->action, &rows,
                         error))
        return false;
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(rows)) && found->count < CANDIDATES_MAX) {
        if (!row[0] || strcmp(row[0], low) == 0) /* nothing is before it */
            continue;
        found->literals[found->count++] =
            is_bytes ? arena_printf(arena, "X'%s'", row[0]) : mysql_literal(row[0], arena);
    }
    return true;
}

bool candidates_find(const RangeQuestion *question, const CandidateRange *range,
                     const char **ret_found, size_t *ret_count, Error *error)
{
    Arena *arena = question->arena;
    const char *low, *high;
    *ret_count = 0;
    if (!ask_extremes(question, range, &low, &high, error))
        return false;
    if (!low || !high || strcmp(low, high) == 0)
        return true;
    if (range->kind == KEY_TEXT || range->kind == KEY_BYTES || range->kind == KEY_UUID) {
        Found found = {.literals = ret_found};
        bool looked = look_up(question, range, low, high, &found, error);
        *ret_count = found.count;
        return looked;
    }
    size_t count = candidates_between(low, high, arena, ret_found);
    for (size_t i = 0; i < count && range->kind != KEY_INTEGER; i++)
        ret_found[i] = arena_printf(arena,
                                    range->kind == KEY_DATE
                                        ? "('1970-01-01' + INTERVAL %s DAY)"
                                        : "(TIMESTAMP'1970-01-01 00:00:00' + INTERVAL %s SECOND)",
                                    ret_found[i]);
    *ret_count = count;
    return true;
}
