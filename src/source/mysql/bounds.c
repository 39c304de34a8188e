/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/column_type.h"
#include "source/mysql/range.h"
#include "source/mysql/sql.h"
#include "source/mysql/writers.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define SECOND INT64_C(1000000)
#define MARGIN SECOND /* what is said of others has a resolution of one second */
#define HELD_BACK (60 * SECOND)

enum { PRECISION_MAX = 6, NUMERIC_DIGITS_SAFE = 18 };

/* One call of bounds(). */
typedef struct Bounding {
    MysqlConnection *connection;
    Arena *arena;
    WritersMoment moment;
} Bounding;

/* One request on its way. */
typedef struct Request {
    const BoundRequest *asked;
    Bound *bound;
    MysqlAction action;
    const char *from; /* FROM item */
    int precision;    /* of times: digits of a second */
} Request;

/* What is wrong with one request does not fail the others. */
typedef enum Step {
    STEP_DONE,
    STEP_REFUSED, /* the request has its error */
    STEP_FAILED,  /* the server does not answer */
} Step;

static Step ask(Bounding *bounding, Request *request, const char *sql, MYSQL_RES **ret_rows,
                Error *error)
{
    Error refused = {0};
    if (mysqld_ask_rows(bounding->connection, sql, &request->action, ret_rows, &refused))
        return STEP_DONE;
    bool is_own = !refused.retryable && refused.kind == ERROR_SOURCE;
    if (is_own)
        request->bound->error = refused;
    else if (error)
        *error = refused;
    return is_own ? STEP_REFUSED : STEP_FAILED;
}

static bool kind_of(const SourceType *type, CursorKind *ret_kind)
{
    static const struct {
        const char *base;
        CursorKind kind;
    } times[] = {{"timestamp", CURSOR_INSTANT}, {"datetime", CURSOR_WALL}, {"date", CURSOR_DATE}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        *ret_kind = times[i].kind;
        if (strcmp(type->base, times[i].base) == 0)
            return true;
    }
    *ret_kind = CURSOR_INTEGER;
    if (strncmp(type->base, "decimal", 7) == 0) /* whole numbers that fit */
        return type->modifier >= 0 && type->modifier % 256 == 0 &&
               type->modifier / 256 <= NUMERIC_DIGITS_SAFE;
    return mysql_type(type)->digits > 0;
}

/* The column's type, from the shape of an empty selection. */
static Step find_kind(Bounding *bounding, Request *request, Error *error)
{
    const CursorRef *cursor = &request->asked->cursor;
    Arena *arena = bounding->arena;
    const char *key = cursor->key_column ? mysql_identifier(cursor->key_column, arena) : NULL;
    const char *sql = arena_printf(arena, "SELECT %s%s%s FROM %s LIMIT 0",
                                   mysql_identifier(cursor->column, arena), key ? ", " : "",
                                   key ? key : "", request->from);
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *shape = NULL;
    Step step = ask(bounding, request, sql, &shape, error);
    if (step != STEP_DONE)
        return step;
    const MYSQL_FIELD *field = mysql_fetch_field_direct(shape, 0);
    SourceType type = mysql_type_of_field(field, arena);
    request->precision = field->decimals <= PRECISION_MAX ? (int)field->decimals : PRECISION_MAX;
    if (kind_of(&type, &request->bound->kind))
        return STEP_DONE;
    error_set(&request->bound->error, ERROR_CONFIG,
              "column \"%s\" cannot be a cursor: it is no timestamp, date or whole number",
              cursor->column);
    return STEP_REFUSED;
}

static const char *advise(const Bounding *bounding, const char *what)
{
    return arena_printf(bounding->arena,
                        "the account may not see open transactions, so %s may come in below the "
                        "cursor: GRANT PROCESS ON *.* TO the account, or use `lookback` of longer "
                        "than transactions take",
                        what);
}

/* The greatest number there is; then whoever may have been given a smaller one has to end. In this
 * order: a number is given out before it can be seen. */
static Step sample_integer(Bounding *bounding, Request *request, Error *error)
{
    const char *sql = arena_printf(bounding->arena, "SELECT CAST(max(%s) AS CHAR) FROM %s",
                                   mysql_identifier(request->asked->cursor.column, bounding->arena),
                                   request->from);
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    Step step = ask(bounding, request, sql, &rows, error);
    if (step != STEP_DONE)
        return step;
    MYSQL_ROW row = mysql_fetch_row(rows);
    int64_t greatest = 0;
    /* An empty table has no greatest number: then nothing is below the bound. */
    bool is_empty = !row || !row[0];
    if (!is_empty && !cursor_parse(CURSOR_INTEGER, row[0], &greatest)) {
        error_set(&request->bound->error, ERROR_CONFIG,
                  "column \"%s\" cannot be a cursor: its value %s does not fit 64 bits with a sign",
                  request->asked->cursor.column, row[0]);
        return STEP_REFUSED;
    }
    request->bound->place = is_empty ? INT64_MIN : cursor_shift(greatest, 1);
    request->bound->method =
        bounding->moment.sees
            ? "innodb_trx: those who may hold smaller numbers have ended"
            : "the greatest number (the account may not see who holds smaller ones)";
    if (!bounding->moment.sees)
        request->bound->note = advise(bounding, "rows with smaller numbers");
    return STEP_DONE;
}

static bool is_utc(const char *zone)
{
    static const char *const names[] = {"UTC",  "Etc/UTC", "GMT",       "Etc/GMT", "UCT",
                                        "Zulu", "Etc/UCT", "Universal", "+00:00",  "-00:00"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(zone, names[i]) == 0)
            return true;
    }
    return false;
}

/* Whose clock naive values show; NULL: the request has its error. */
static const char *zone_of(const Bounding *bounding, Request *request)
{
    const char *said = request->asked->cursor.time_zone, *own = bounding->moment.zone;
    if (request->bound->kind == CURSOR_INSTANT)
        return "UTC";
    if (said || is_utc(own))
        return said ? said : "UTC";
    error_set(&request->bound->error, ERROR_CONFIG,
              "column \"%s\" has no time zone, and the server's is %s: what time it was when a row "
              "was stamped is not known",
              request->asked->cursor.column, own);
    error_hint(&request->bound->error,
               "say whose clock stamped it: cursor: {column: %s, time_zone: Europe/Berlin}",
               request->asked->cursor.column);
    return NULL;
}

/* Where clocks are about to be set back, later stamps will be smaller: the least of the coming day
 * counts, looked at each quarter of an hour, which is where clocks are changed. */
static const char *conversion(const char *zone, int64_t utc, Arena *arena)
{
    enum { QUARTERS = 96 };
    const int64_t quarter = 900 * SECOND;
    SqlText sql;
    sql_open(&sql);
    fputs("SELECT CAST(LEAST(", sql.out);
    for (int i = 0; i <= QUARTERS; i++) {
        int64_t time = i == 0 ? utc : (utc / quarter + i) * quarter;
        fprintf(sql.out, "%sCONVERT_TZ(%s, '+00:00', %s)", i > 0 ? ", " : "",
                mysql_place_literal(CURSOR_WALL, time, arena), mysql_literal(zone, arena));
    }
    fputs(") AS CHAR)", sql.out);
    return sql_take(&sql, arena);
}

static Step to_wall(Bounding *bounding, Request *request, const char *zone, int64_t utc,
                    Error *error)
{
    CLEANUP(mysql_free_result_ptr) MYSQL_RES *rows = NULL;
    request->bound->place = utc;
    if (is_utc(zone))
        return STEP_DONE;
    Step step = ask(bounding, request, conversion(zone, utc, bounding->arena), &rows, error);
    if (step != STEP_DONE)
        return step;
    MYSQL_ROW row = mysql_fetch_row(rows);
    if (row && row[0] && cursor_parse(CURSOR_WALL, row[0], &request->bound->place))
        return STEP_DONE;
    error_set(&request->bound->error, ERROR_CONFIG, "the server does not know the time zone \"%s\"",
              zone);
    error_hint(&request->bound->error,
               "fill its tables of time zones (mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql "
               "mysql), or say an offset such as +01:00");
    return STEP_REFUSED;
}

static int64_t round_down(int64_t place, int64_t unit)
{
    int64_t rest = place % unit;
    return place - (rest < 0 ? rest + unit : rest);
}

/* Stamps are cut to the column's precision. */
static int64_t to_precision(const Request *request, int64_t place)
{
    int64_t unit = 1;
    for (int i = request->precision; i < PRECISION_MAX; i++)
        unit *= 10;
    if (request->bound->kind == CURSOR_DATE)
        return round_down(place, 86400 * SECOND) / (86400 * SECOND);
    return round_down(place, unit);
}

static Step sample_time(Bounding *bounding, Request *request, Error *error)
{
    const WritersMoment *moment = &bounding->moment;
    const char *zone = zone_of(bounding, request);
    if (!zone)
        return STEP_REFUSED;
    int64_t safe = moment->oldest < moment->now ? moment->oldest : moment->now;
    int64_t utc = safe - MARGIN - cursor_distance(CURSOR_INSTANT, request->asked->cursor.grace_ms);
    Step step = to_wall(bounding, request, zone, utc, error);
    if (step != STEP_DONE)
        return step;
    request->bound->place = to_precision(request, request->bound->place);
    request->bound->method =
        moment->sees ? "innodb_trx and processlist: the start of the oldest that is open"
                     : "the server's clock (the account may not see who writes)";
    if (!moment->sees)
        request->bound->note = advise(bounding, "rows of long transactions");
    else if (moment->now - safe > HELD_BACK)
        request->bound->note = arena_printf(
            bounding->arena,
            "rows of the last %" PRId64 " s must wait: a transaction or statement is open since "
            "then (%s)",
            (moment->now - safe) / SECOND, moment->who);
    return STEP_DONE;
}

static Step refuse_replica(Request *request, const char *why)
{
    error_set(&request->bound->error, ERROR_CONFIG,
              "the server is a replica (%s), where the transactions that are open on its source "
              "cannot be seen: a cursor could pass rows that they commit later",
              why);
    error_hint(&request->bound->error,
               "let the connection of jobs with a cursor lead to the source of the replica; on a "
               "server that is none any more: RESET SLAVE ALL, SET GLOBAL read_only = OFF");
    return STEP_REFUSED;
}

static Step sample(Bounding *bounding, Request *request, Error *error)
{
    if (bounding->moment.replica)
        return refuse_replica(request, bounding->moment.replica);
    Step step = find_kind(bounding, request, error);
    if (step != STEP_DONE)
        return step;
    return request->bound->kind == CURSOR_INTEGER ? sample_integer(bounding, request, error)
                                                  : sample_time(bounding, request, error);
}

static void start_request(const Bounding *bounding, const BoundRequest *asked, Request *request,
                          Bound *bound)
{
    const RelationRef *relation = &asked->relation;
    Arena *arena = bounding->arena;
    *bound = (Bound){0};
    *request = (Request){.asked = asked, .bound = bound};
    if (relation->query) {
        request->from = arena_printf(arena, "(\n%s\n) AS bqferry_query",
                                     sql_bare_query(relation->query, arena));
        request->action.doing = "looking at the cursor of the query";
        return;
    }
    request->from = mysql_relation(relation->schema, relation->name, arena);
    request->action = (MysqlAction){
        .doing = arena_printf(arena, "looking at the cursor of %s",
                              sql_label(relation->schema, relation->name, arena)),
        .relation = request->from,
    };
}

static void conclude(const Bounding *bounding, Bound *bound, const char *holder)
{
    const char *prepared = bounding->moment.prepared;
    bound->known = bound->error.kind == ERROR_NONE;
    if (bound->known && prepared) {
        bound->known = false;
        bound->note = arena_printf(bounding->arena,
                                   "new rows must wait: nobody knows when the prepared XA "
                                   "transaction %s began; XA COMMIT or XA ROLLBACK ends it",
                                   prepared);
    } else if (bound->known && holder && bound->kind == CURSOR_INTEGER) {
        bound->known = false;
        bound->note = arena_printf(bounding->arena,
                                   "new rows must wait: a transaction that may still commit some "
                                   "has not ended (%s)",
                                   holder);
    }
}

static int64_t longest_wait(const BoundRequest *requests, size_t count)
{
    int64_t wait_ms = 0;
    for (size_t i = 0; i < count; i++) {
        if (requests[i].cursor.wait_ms > wait_ms)
            wait_ms = requests[i].cursor.wait_ms;
    }
    return wait_ms;
}

static bool find_bounds(Bounding *bounding, const BoundRequest *requests, size_t count,
                        Bound *ret_bounds, Error *error)
{
    int64_t wait_ms = longest_wait(requests, count);
    const char *holder = NULL;
    bool has_integers = false;
    if (!writers_look(bounding->connection, bounding->arena, &bounding->moment, error) ||
        !writers_wait_prepared(bounding->connection, wait_ms, bounding->arena, &bounding->moment,
                               error))
        return false;
    for (size_t i = 0; i < count; i++) {
        Request request;
        start_request(bounding, &requests[i], &request, &ret_bounds[i]);
        if (sample(bounding, &request, error) == STEP_FAILED)
            return false;
        has_integers = has_integers || ret_bounds[i].kind == CURSOR_INTEGER;
    }
    if (has_integers && bounding->moment.sees &&
        !writers_wait(bounding->connection, wait_ms, bounding->arena, &holder, error))
        return false;
    for (size_t i = 0; i < count; i++)
        conclude(bounding, &ret_bounds[i], holder);
    return true;
}

bool mysqld_bounds(Source *base, const BoundRequest *requests, size_t count, Arena *arena,
                   Bound *ret_bounds, Error *error)
{
    MysqlSource *source = (MysqlSource *)base;
    Bounding bounding = {.arena = arena};
    if (!mysqld_connect(source->config, &bounding.connection, error))
        return error_prefix(error, "connection %s",
                            source->config->name ? source->config->name : "to MySQL");
    bool found = find_bounds(&bounding, requests, count, ret_bounds, error);
    if (found)
        mysqld_return(source, bounding.connection);
    else
        mysqld_disconnect(bounding.connection); /* its session may be in another zone */
    return found;
}
