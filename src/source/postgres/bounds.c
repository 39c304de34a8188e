/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/open_transactions.h"
#include "source/postgres/select.h"
#include "source/postgres/sql.h"

#include <inttypes.h>
#include <string.h>

enum {
    MILLISECOND = 1000,
    HELD_BACK_MS = 60 * 1000,         /* a bound this far behind is worth a note */
    PREPARED_MARGIN_MS = 3600 * 1000, /* a prepared transaction's start is not recorded */
    PRECISION_MAX = 6,                /* of timestamps that declare none */
};

/* One call of bounds(). */
typedef struct Bounding {
    PostgresSource *source;
    Arena *arena;
    Moment moment;
    OpenSet waited; /* transactions that some request waits for */
    OpenRest left;  /* those that did not end */
} Bounding;

/* One request on its way. */
typedef struct Request {
    const BoundRequest *asked;
    Bound *bound;
    PostgresAction action;
    const char *from;  /* FROM item */
    int precision;     /* of timestamps: digits of a second */
    OpenSet waits_for; /* part of the call's */
    const char
        *members; /* oids of the tables and sequences, "1,2"; NULL: unknown (a view, a query) */
} Request;

/* What is wrong with one request does not fail the others. */
typedef enum Step {
    STEP_DONE,
    STEP_REFUSED, /* the request has its error */
    STEP_FAILED,  /* the server does not answer */
} Step;

/* Asks about one request. */
static Step ask(Bounding *bounding, Request *request, const char *sql, PGresult **ret_result,
                Error *error)
{
    Error refused = {0};
    if (session_ask(bounding->source, sql, &request->action, ret_result, &refused))
        return STEP_DONE;
    bool is_own = !refused.retryable && refused.kind == ERROR_SOURCE;
    if (is_own)
        request->bound->error = refused;
    else if (error)
        *error = refused;
    return is_own ? STEP_REFUSED : STEP_FAILED;
}

static Step done_if(bool done)
{
    return done ? STEP_DONE : STEP_FAILED;
}

static bool kind_of(uint32_t oid, int modifier, CursorKind *ret_kind)
{
    enum { NUMERIC_HEADER = 4, NUMERIC_DIGITS_SAFE = 18 };
    switch (oid) {
    case 20:
    case 21:
    case 23:
        *ret_kind = CURSOR_INTEGER;
        return true;
    case 1082:
        *ret_kind = CURSOR_DATE;
        return true;
    case 1114:
        *ret_kind = CURSOR_WALL;
        return true;
    case POSTGRES_OID_TIMESTAMPTZ:
        *ret_kind = CURSOR_INSTANT;
        return true;
    case POSTGRES_OID_NUMERIC: /* whole numbers that fit */
        *ret_kind = CURSOR_INTEGER;
        return modifier >= NUMERIC_HEADER && ((modifier - NUMERIC_HEADER) & 0x7ff) == 0 &&
               (modifier - NUMERIC_HEADER) >> 16 <= NUMERIC_DIGITS_SAFE;
    default:
        return false;
    }
}

/* The column's type, from the shape of an empty selection; domains show as what they are over. */
static Step find_kind(Bounding *bounding, Request *request, Error *error)
{
    const CursorRef *cursor = &request->asked->cursor;
    const char *column = sql_relation(NULL, cursor->column, bounding->arena);
    const char *sql = arena_printf(
        bounding->arena, "SELECT %s%s%s FROM %s LIMIT 0", column, cursor->key_column ? ", " : "",
        cursor->key_column ? sql_relation(NULL, cursor->key_column, bounding->arena) : "",
        request->from);
    CLEANUP(PQclear_ptr) PGresult *shape = NULL;
    Step step = ask(bounding, request, sql, &shape, error);
    if (step != STEP_DONE)
        return step;
    int modifier = PQfmod(shape, 0);
    request->precision = modifier >= 0 ? modifier : PRECISION_MAX;
    if (kind_of(PQftype(shape, 0), modifier, &request->bound->kind))
        return STEP_DONE;
    error_set(&request->bound->error, ERROR_CONFIG,
              "column \"%s\" cannot be a cursor: it is no timestamp, date or whole number",
              cursor->column);
    return STEP_REFUSED;
}

/* The tables that a row of the relation may be written to. */
static Step find_members(Bounding *bounding, Request *request, Error *error)
{
    if (request->asked->relation.query)
        return STEP_DONE;
    const char *sql = arena_printf(
        bounding->arena,
        "WITH RECURSIVE rel AS (SELECT c.oid, c.relkind FROM pg_class c\n"
        "  WHERE c.oid = %s::regclass),\n"
        "tree AS (SELECT oid FROM rel WHERE relkind IN ('r', 'p') UNION\n"
        " SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid),\n"
        "owned AS (SELECT s.oid, q.seqcache, s.relname FROM tree\n"
        " JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = %s\n"
        " JOIN LATERAL (SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass\n"
        "   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = tree.oid\n"
        "   AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')\n"
        "  UNION SELECT d.refobjid FROM pg_attrdef f JOIN pg_depend d\n"
        "   ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid\n"
        "   AND d.refclassid = 'pg_class'::regclass\n"
        "   WHERE f.adrelid = tree.oid AND f.adnum = a.attnum) AS used(oid) ON true\n"
        " JOIN pg_class s ON s.oid = used.oid AND s.relkind = 'S'\n"
        " JOIN pg_sequence q ON q.seqrelid = s.oid)\n"
        "SELECT (SELECT string_agg(oid::text, ',') FROM (SELECT oid FROM tree UNION\n"
        "   SELECT oid FROM owned) AS all_of_them),\n"
        " (SELECT format('%%s (CACHE %%s)', relname, seqcache) FROM owned WHERE seqcache > 1 LIMIT 1)",
        sql_literal(request->from, bounding->arena),
        sql_literal(request->asked->cursor.column, bounding->arena));
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    Step step = ask(bounding, request, sql, &row, error);
    if (step != STEP_DONE)
        return step;
    request->members = arena_strdup(bounding->arena, postgres_text(row, 0, 0));
    const char *sequence = postgres_text(row, 0, 1);
    if (sequence && request->bound->kind == CURSOR_INTEGER)
        request->bound->note = arena_printf(
            bounding->arena,
            "the sequence %s hands out numbers in blocks, so rows may come in below the cursor: "
            "use `lookback` of a few blocks with `load: upsert`",
            sequence);
    return STEP_DONE;
}

/* The greatest number there is; then whoever may have been given a smaller one. In this order: a
 * number is given out before it can be seen, and its sequence is locked from then on. The greatest
 * bigint and NaN stand for the end of all numbers, as infinity does for times: nothing could come
 * after them. */
static Step sample_integer(Bounding *bounding, Request *request, Error *error)
{
    const char *column = sql_relation(NULL, request->asked->cursor.column, bounding->arena);
    const char *sql = arena_printf(
        bounding->arena, "SELECT max(%s)::pg_catalog.int8 FROM %s WHERE %s < " POSTGRES_INTEGER_END,
        column, request->from, column);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    Step step = ask(bounding, request, sql, &row, error);
    if (step != STEP_DONE)
        return step;
    /* An empty table has no greatest number: then nothing is below the bound. */
    int64_t greatest = postgres_int(row, 0, 0, 0);
    request->bound->place = PQgetisnull(row, 0, 0) ? INT64_MIN : cursor_shift(greatest, 1);
    request->bound->method = "pg_locks: those who may hold smaller numbers have ended";
    if (!request->members)
        return done_if(open_add_all(bounding->source, bounding->arena, &request->waits_for, error));
    return done_if(open_add_writers(bounding->source, request->members, bounding->arena,
                                    &request->waits_for, error));
}

static bool is_utc(const char *zone)
{
    static const char *const names[] = {"UTC",  "Etc/UTC", "GMT",       "Etc/GMT",  "UCT",
                                        "Zulu", "Etc/UCT", "Universal", "Etc/Zulu", "Greenwich"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(zone, names[i]) == 0)
            return true;
    }
    return false;
}

/* Whose clock naive values show. */
static const char *zone_of(const Bounding *bounding, Request *request)
{
    const char *said = request->asked->cursor.time_zone, *own = bounding->moment.zone;
    if (said || request->bound->kind == CURSOR_INSTANT)
        return said ? said : "UTC";
    if (own && is_utc(own))
        return "UTC";
    error_set(&request->bound->error, ERROR_CONFIG,
              "column \"%s\" has no time zone, and the server's is %s: what time it was when a row "
              "was stamped is not known",
              request->asked->cursor.column, own ? own : "unknown");
    error_hint(&request->bound->error,
               "say whose clock stamped it: cursor: {column: %s, time_zone: %s}",
               request->asked->cursor.column, own ? own : "Europe/Berlin");
    return NULL;
}

/* Stamps may be cut or rounded to the column's precision. */
static const char *unit_of(int precision)
{
    if (precision >= PRECISION_MAX)
        return "microseconds";
    return precision >= 3 ? "milliseconds" : "second";
}

/* What the bound (a wall time of UTC) is in the column's own terms. Where clocks are about to be
 * set back, later stamps will be smaller: the least of the coming day counts, looked at each
 * quarter of an hour, which is where clocks are changed. */
static const char *conversion(const Request *request, const char *zone, const char *utc,
                              Arena *arena)
{
    const char *instant = arena_printf(
        arena, "(%s::timestamp AT TIME ZONE 'UTC' - interval '%" PRId64 " milliseconds')",
        sql_literal(utc, arena), request->asked->cursor.grace_ms);
    if (request->bound->kind == CURSOR_INSTANT)
        return arena_printf(arena, "SELECT (date_trunc('%s', %s))::text",
                            unit_of(request->precision), instant);
    const char *wall =
        arena_printf(arena,
                     "SELECT min(t AT TIME ZONE %s) AS wall FROM (SELECT %s UNION ALL "
                     "SELECT to_timestamp((ceil(extract(epoch FROM %s) / 900) + i) "
                     "* 900) FROM generate_series(0, 96) AS i) AS times(t)",
                     sql_literal(zone, arena), instant, instant);
    if (request->bound->kind == CURSOR_DATE)
        return arena_printf(arena, "SELECT wall::date::text FROM (%s) AS least", wall);
    return arena_printf(arena, "SELECT date_trunc('%s', wall)::text FROM (%s) AS least",
                        unit_of(request->precision), wall);
}

static void note_held_back(Bounding *bounding, Request *request, const char *who, int64_t age_ms)
{
    request->bound->note = arena_printf(bounding->arena,
                                        "rows of the last %" PRId64
                                        " s must wait: a transaction is open since then (%s)",
                                        age_ms / 1000, who ? who : "prepared");
}

/* The earlier of the oldest open transaction's start and of what a prepared one may have begun at,
 * as a wall time of UTC. */
static bool find_time(Bounding *bounding, Request *request, const char **ret_utc, Error *error)
{
    const Moment *moment = &bounding->moment;
    const char *prepared = NULL;
    int64_t now, other;
    *ret_utc = moment->time;
    if (moment->sees_starts && moment->oldest && strcmp(moment->oldest, moment->time) < 0) {
        *ret_utc = moment->oldest;
        if (moment->age_ms > HELD_BACK_MS)
            note_held_back(bounding, request, moment->who, moment->age_ms);
    }
    if (!open_prepared(bounding->source, request->members, bounding->arena, &prepared, error))
        return false;
    if (prepared && cursor_parse(CURSOR_WALL, prepared, &other) &&
        cursor_parse(CURSOR_WALL, *ret_utc, &now)) {
        other -= PREPARED_MARGIN_MS * (int64_t)MILLISECOND;
        if (other < now) {
            *ret_utc = cursor_format(CURSOR_WALL, other, bounding->arena);
            note_held_back(bounding, request, NULL, (now - other) / (1000 * MILLISECOND));
        }
    }
    return true;
}

static Step sample_time(Bounding *bounding, Request *request, Error *error)
{
    const char *zone = zone_of(bounding, request), *utc;
    if (!zone)
        return STEP_REFUSED;
    if (!find_time(bounding, request, &utc, error))
        return STEP_FAILED;
    const char *sql = conversion(request, zone, utc, bounding->arena);
    CLEANUP(PQclear_ptr) PGresult *row = NULL;
    Step step = ask(bounding, request, sql, &row, error);
    if (step != STEP_DONE)
        return step;
    if (!cursor_parse(request->bound->kind, postgres_text(row, 0, 0), &request->bound->place))
        return done_if(error_set(error, ERROR_INTERNAL,
                                 "the server's time \"%s\" is not understood",
                                 postgres_text(row, 0, 0)));
    if (bounding->moment.sees_starts) {
        request->bound->method = "pg_stat_activity: the start of the oldest open transaction";
        return STEP_DONE;
    }
    request->bound->method = "pg_locks: the transactions that were open have ended (the role may "
                             "not see when they began)";
    return done_if(open_add_all(bounding->source, bounding->arena, &request->waits_for, error));
}

static Step refuse_standby(Request *request)
{
    error_set(&request->bound->error, ERROR_CONFIG,
              "the server is a standby, where the transactions that are open on its primary cannot "
              "be seen: a cursor could pass rows that they commit later");
    error_hint(&request->bound->error,
               "give the primary a connection of its own and name it in the sources of jobs with a "
               "cursor (it reads only what is new); a standby serves loads without a cursor");
    return STEP_REFUSED;
}

static Step sample(Bounding *bounding, Request *request, Error *error)
{
    if (bounding->moment.is_standby)
        return refuse_standby(request);
    Step step = find_kind(bounding, request, error);
    if (step == STEP_DONE)
        step = find_members(bounding, request, error);
    if (step != STEP_DONE)
        return step;
    return request->bound->kind == CURSOR_INTEGER ? sample_integer(bounding, request, error)
                                                  : sample_time(bounding, request, error);
}

static void start_request(Bounding *bounding, const BoundRequest *asked, Request *request,
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
    request->from = sql_relation(relation->schema, relation->name, arena);
    request->action = (PostgresAction){
        .doing = arena_printf(arena, "looking at the cursor of %s",
                              sql_label(relation->schema, relation->name, arena)),
        .relation = request->from,
    };
}

static void conclude(const Bounding *bounding, Request *request)
{
    Bound *bound = request->bound;
    if (bound->error.kind != ERROR_NONE)
        return;
    bound->known = true;
    for (size_t i = 0; i < request->waits_for.count; i++) {
        if (!open_has(&bounding->left.set, request->waits_for.names[i]))
            continue;
        bound->known = false;
        bound->note = arena_printf(
            bounding->arena,
            "new rows must wait: a transaction that may still commit some has not "
            "ended (%s)%s",
            bounding->left.who,
            bound->kind == CURSOR_INTEGER
                ? ""
                : "; GRANT pg_read_all_stats to the role, and only the rows since its start wait");
        return;
    }
}

static bool wait_for_all(Bounding *bounding, Request *requests, size_t count, Error *error)
{
    int64_t wait_ms = 0;
    for (size_t i = 0; i < count; i++) {
        const OpenSet *own = &requests[i].waits_for;
        if (own->count && requests[i].asked->cursor.wait_ms > wait_ms)
            wait_ms = requests[i].asked->cursor.wait_ms;
        open_join(&bounding->waited, own, bounding->arena);
    }
    return open_wait(bounding->source, &bounding->waited, wait_ms, bounding->arena, &bounding->left,
                     error);
}

bool postgres_bounds(Source *base, const BoundRequest *requests, size_t count, Arena *arena,
                     Bound *ret_bounds, Error *error)
{
    Bounding bounding = {.source = (PostgresSource *)base, .arena = arena};
    Request *own = ARENA_ARRAY(arena, Request, count);
    if (!open_moment(bounding.source, arena, &bounding.moment, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        start_request(&bounding, &requests[i], &own[i], &ret_bounds[i]);
        if (sample(&bounding, &own[i], error) == STEP_FAILED)
            return false;
    }
    if (!wait_for_all(&bounding, own, count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        conclude(&bounding, &own[i]);
    return true;
}
