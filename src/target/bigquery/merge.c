/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/merge.h"

#include "base/clock.h"
#include "base/fault.h"
#include "model/cursor.h"
#include "target/bigquery/apply.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/job.h"
#include "target/bigquery/run_state.h"
#include "target/bigquery/sql.h"
#include "target/bigquery/sql_merge.h"
#include "target/bigquery/way.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark_of_comment[] = "-- bqferry ";

/* What is known before the statement goes out. */
typedef struct Facts {
    uint64_t rows;
    uint64_t keys;      /* distinct */
    uint64_t vanishing; /* rows of the table that will be marked */
    const char *bounds; /* of the key, as a condition on rows of the table */
    const char *source;
} Facts;

static const char *whole_name(const BqWork *work, const char *table)
{
    CLEANUP(buffer_done) Buffer name;
    const BqTableName whole = {work->scope.bq->project, work->delivery->table.dataset, table};
    buffer_init(&name, BQ_SQL_TEXT_MAX);
    bool done = bq_sql_table(&name, &whole, NULL);
    (void)done; /* names are far below the maximum */
    return arena_strndup(work->scope.arena, name.data, name.length);
}

static TypeKind column_type(const Json *table, const char *column)
{
    const Json *fields = json_get(json_get(table, "schema"), "fields");
    TypeKind kind = TYPE_TIMESTAMP;
    for (size_t i = 0; column && i < json_count(fields); i++) {
        const Json *field = json_at(fields, i);
        const char *name = json_get_text(field, "name"), *type = json_get_text(field, "type");
        if (name && type && strcasecmp(name, column) == 0)
            type_kind_parse(type, &kind);
    }
    return kind;
}

static BqMergeSql merge_sql(const BqWork *work)
{
    const Delivery *delivery = work->delivery;
    BqMergeSql sql = {
        .delivery = delivery,
        .table = whole_name(work, delivery->table.table),
        .staging = whole_name(work, work->way->staging),
        .partition_type = column_type(work->way->table, delivery->layout.partitioning.column),
        .arena = work->scope.arena,
    };
    if (delivery->load == LOAD_REPLACE) /* staging is laid out as the table is */
        sql.staging = bq_sql_whole_table(sql.staging, &delivery->layout.partitioning, sql.arena);
    if (bq_merge_prunes(delivery))
        sql.partitions = bq_partition_union(delivery, sql.arena, &sql.partition_count);
    return sql;
}

static JobDraft draft_of(const BqWork *work)
{
    return (JobDraft){
        .project = work->scope.bq->job_project,
        .location = work->way->location,
        .labels = work->way->job_labels,
    };
}

static void note_query(const BqWork *work, const Json *answer)
{
    const char *id = json_get_text(json_get(answer, "jobReference"), "jobId");
    const TargetJob entry = {
        .kind = "query",
        .id = id,
        .link = id ? bq_job_link(work->way, id, work->scope.arena) : NULL,
        .bytes_billed = google_int(answer, "totalBytesBilled", 0),
        .slot_ms = google_int(answer, "totalSlotMs", 0),
    };
    if (id)
        bq_run_add_job(work->scope.bq, work->delivery, &entry);
}

static bool check_length(const char *statement, Error *error)
{
    if (strlen(statement) <= BQ_SQL_TEXT_MAX)
        return true;
    error_set(error, ERROR_CONFIG,
              "the statement for this table would have %zu bytes, and BigQuery "
              "takes %d",
              strlen(statement), BQ_SQL_TEXT_MAX);
    return error_hint(error, "carry fewer columns (source.columns), or load: replace");
}

/* One row of texts; a NULL is a NULL. */
static bool ask(const BqWork *work, const char *statement, size_t count, const char **cells,
                Error *error)
{
    const JobDraft draft = draft_of(work);
    const QueryDraft query = {.sql = statement};
    CLEANUP(json_free_ptr) Json *body = job_json_ask(&draft, &query);
    CLEANUP(json_free_ptr) Json *answer = NULL;
    if (!check_length(statement, error) || !bq_query(&work->scope, body, &answer, error))
        return false;
    note_query(work, answer);
    const Json *row = json_get(json_at(json_get(answer, "rows"), 0), "f");
    if (json_count(row) != count)
        return error_set_retryable(error, ERROR_TARGET, "a query gave %zu values instead of %zu",
                                   json_count(row), count);
    for (size_t i = 0; i < count; i++)
        cells[i] = arena_strdup(work->scope.arena, json_text_of(json_get(json_at(row, i), "v")));
    return true;
}

static uint64_t number_of(const char *cell)
{
    return cell ? strtoull(cell, NULL, 10) : 0;
}

static const char *key_names(const BqWork *work)
{
    const MergeSpec *merge = &work->delivery->merge;
    const char *text = "";
    for (size_t i = 0; i < merge->key_count; i++)
        text = arena_printf(work->scope.arena, "%s%s%s", text, i ? ", " : "", merge->key[i]);
    return text;
}

static bool fail_null(const BqWork *work, uint64_t nulls, Error *error)
{
    const TableRef *table = &work->delivery->table;
    error_set(error, ERROR_DATA,
              "%" PRIu64 " of %" PRIu64
              " rows have NULL in their key (%s): which row of %s.%s each "
              "of them is cannot be told",
              nulls, bq_staged_rows(work->delivery), key_names(work), table->dataset, table->table);
    return error_hint(error, "choose another `key`, or leave such rows out with source.where; "
                             "nothing was changed");
}

static bool find_facts(const BqWork *work, const BqMergeSql *sql, Facts *facts, Error *error)
{
    enum { FIRST = 3 };
    size_t count = FIRST + 2 * work->delivery->merge.key_count;
    const char **cells = ARENA_ARRAY(sql->arena, const char *, count);
    if (!ask(work, bq_sql_facts(sql), count, cells, error))
        return false;
    facts->rows = number_of(cells[0]);
    facts->keys = number_of(cells[2]);
    facts->bounds = bq_sql_key_bounds(sql, cells + FIRST);
    facts->source = bq_sql_source(sql, facts->keys < facts->rows);
    if (facts->rows != bq_staged_rows(work->delivery))
        return error_set_retryable(error, ERROR_TARGET,
                                   "the staging table %s holds %" PRIu64 " rows, but %" PRIu64
                                   " were sent to it",
                                   work->way->staging, facts->rows, bq_staged_rows(work->delivery));
    uint64_t nulls = number_of(cells[1]);
    return nulls == 0 || fail_null(work, nulls, error);
}

static bool fail_several(const BqWork *work, uint64_t keys, Error *error)
{
    const TableRef *table = &work->delivery->table;
    const char *names = key_names(work);
    error_set(error, ERROR_DATA,
              "%s.%s has several rows for one key (%s), for %" PRIu64
              " keys: which of them to update cannot be told",
              table->dataset, table->table, names, keys);
    return error_hint(error,
                      "remove the surplus rows (SELECT %s FROM %s.%s GROUP BY ALL HAVING COUNT(*) "
                      "> 1), or load the table anew with --full-refresh; nothing was changed",
                      names, table->dataset, table->table);
}

static bool fail_moved(const BqWork *work, uint64_t rows, Error *error)
{
    const TableRef *table = &work->delivery->table;
    error_set(error, ERROR_DATA,
              "%" PRIu64 " rows have another partition of %s.%s now than before (by %s), which "
              "partition_by.immutable says never happens",
              rows, table->dataset, table->table, work->delivery->layout.partitioning.column);
    return error_hint(error, "take `immutable` away: merges then look through all partitions; "
                             "nothing was changed");
}

/* What would make the statement do something else than what is meant. */
static bool look_at_table(const BqWork *work, const BqMergeSql *sql, Facts *facts, Error *error)
{
    enum { COUNT = 3 };
    const char *cells[COUNT];
    const char *statement = bq_sql_look(sql, facts->source, facts->bounds);
    if (!statement || !work->way->exists)
        return true;
    if (!ask(work, statement, COUNT, cells, error))
        return false;
    uint64_t several = number_of(cells[0]), moved = number_of(cells[1]);
    facts->vanishing = number_of(cells[2]);
    if (several && !work->delivery->merge.keys_only)
        return fail_several(work, several, error);
    return moved == 0 || fail_moved(work, moved, error);
}

/* The first line of the statement. */
static const char *comment_of(const BqWork *work, const Facts *facts)
{
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_text(json, "run", work->delivery->run_id);
    json_set_int(json, "rows", (int64_t)facts->rows);
    json_set_int(json, "keys", (int64_t)facts->keys);
    json_set_int(json, "vanishing", (int64_t)facts->vanishing);
    return arena_printf(work->scope.arena, "%s%s\n", mark_of_comment,
                        json_dump(json, work->scope.arena));
}

/* Only parameters that the statement names. */
static size_t params_of(const BqWork *work, const char *statement, QueryParam *params)
{
    Arena *arena = work->scope.arena;
    size_t count = 0;
    if (strstr(statement, " = @at"))
        params[count++] =
            (QueryParam){"at", "TIMESTAMP",
                         arena_printf(arena, "%s:00",
                                      cursor_format(CURSOR_INSTANT, work->delivery->at_us, arena))};
    if (strstr(statement, " = @run"))
        params[count++] = (QueryParam){"run", "STRING", work->delivery->run_id};
    return count;
}

static bool run_statement(const BqWork *work, const BqMergeSql *sql, const Facts *facts,
                          StepResult *ret_step, Error *error)
{
    QueryParam params[2];
    const char *statement = arena_printf(sql->arena, "%s%s", comment_of(work, facts),
                                         bq_sql_merge(sql, facts->source, facts->bounds));
    const QueryDraft query = {
        .sql = statement,
        .params = params,
        .param_count = params_of(work, statement, params),
    };
    const BqStep step = {.name = "merge", .query = &query};
    return check_length(statement, error) && fault_point("bigquery.merge.ready", error) &&
           bq_step_run(work, &step, ret_step, error);
}

/* Into a table that was made for this, or in the place of all rows of one: a copy is free. */
static bool copy_rows(const BqWork *work, const char *from, StepResult *ret_step, Error *error)
{
    const BigQuery *bq = work->scope.bq;
    const Delivery *delivery = work->delivery;
    const CopyDraft copy = {
        .from = {bq->project, delivery->table.dataset, from},
        .to = {bq->project, delivery->table.dataset, delivery->table.table},
        .truncate = delivery->load == LOAD_REPLACE,
        .kms_key = bq_way_kms_key(work->way),
    };
    const BqStep step = {.name = "merge", .copy = &copy};
    return bq_cluster(work, "before", error) && bq_step_run(work, &step, ret_step, error);
}

static const char *unique_name(const BqWork *work)
{
    return arena_printf(work->scope.arena, "%s_unique", work->way->staging);
}

/* The newest row of each key, in a table like staging. The step says whether they are there. */
static bool make_unique(const BqWork *work, const BqMergeSql *sql, const Facts *facts,
                        StepResult *ret_step, Error *error)
{
    const TableRef ref = {work->delivery->table.dataset, unique_name(work)};
    BqMergeSql into = *sql;
    into.table = whole_name(work, ref.table);
    const QueryDraft query = {.sql = bq_sql_insert(&into, facts->source)};
    const BqStep step = {.name = "unique", .query = &query};
    return check_length(query.sql, error) && bq_make_staging(work, ref.table, error) &&
           bq_step_run(work, &step, ret_step, error);
}

static bool replace_all(const BqWork *work, const BqMergeSql *sql, const Facts *facts,
                        StepResult *ret_step, Error *error)
{
    if (facts->keys == facts->rows)
        return copy_rows(work, work->way->staging, ret_step, error);
    if (!make_unique(work, sql, facts, ret_step, error))
        return false;
    return ret_step->state != STEP_DONE || copy_rows(work, unique_name(work), ret_step, error);
}

/* Nothing has to be asked of BigQuery. */
static bool is_nothing(const BqWork *work)
{
    const Delivery *delivery = work->delivery;
    bool is_empty = bq_staged_rows(delivery) == 0 && delivery->load != LOAD_REPLACE;
    if (delivery->merge.keys_only && !work->way->exists)
        return true;
    return is_empty &&
           (!work->way->exists || (!delivery->merge.range.column && !bq_merge_sees_all(delivery)));
}

bool bq_merge_run(const BqWork *work, StepResult *ret_step, Error *error)
{
    const MergeSpec *merge = &work->delivery->merge;
    const BqMergeSql sql = merge_sql(work);
    Facts facts = {.rows = bq_staged_rows(work->delivery), .bounds = "", .source = sql.staging};
    facts.keys = facts.rows;
    if (is_nothing(work)) {
        *ret_step = (StepResult){.state = STEP_DONE, .rows = 0};
        return true;
    }
    if (!merge->range.column && !find_facts(work, &sql, &facts, error))
        return false;
    if (work->delivery->load == LOAD_REPLACE)
        return replace_all(work, &sql, &facts, ret_step, error);
    bool is_new = !work->way->exists;
    if (is_new && (facts.keys == facts.rows || merge->present))
        return copy_rows(work, work->way->staging, ret_step, error);
    return look_at_table(work, &sql, &facts, error) &&
           run_statement(work, &sql, &facts, ret_step, error);
}

static uint64_t above(int64_t left, int64_t right)
{
    return left > right ? (uint64_t)(left - right) : 0;
}

/* What the statement's own comment says of it. */
static bool read_comment(const BqWork *work, const char *sql, Facts *facts)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    const size_t head = sizeof mark_of_comment - 1;
    const char *end = sql ? strchr(sql, '\n') : NULL;
    *facts = (Facts){.rows = bq_staged_rows(work->delivery)};
    facts->keys = facts->rows;
    if (!end || strncmp(sql, mark_of_comment, head) != 0 ||
        !json_parse(sql + head, (size_t)(end - sql) - head, "comment", &json, NULL))
        return false;
    facts->rows = (uint64_t)json_get_int(json, "rows", 0);
    facts->keys = (uint64_t)json_get_int(json, "keys", 0);
    facts->vanishing = (uint64_t)json_get_int(json, "vanishing", 0);
    return true;
}

/* A copy, or nothing at all. What a replace has left out had the key of another row. */
static void copy_result(const BqWork *work, const StepResult *step, ApplyResult *result)
{
    ApplyCounts *counts = &result->counts;
    uint64_t staged = bq_staged_rows(work->delivery);
    if (work->delivery->merge.keys_only) {
        counts->unchanged = result->rows = staged;
        return;
    }
    counts->inserted = step->rows < 0 ? staged : (uint64_t)step->rows;
    if (work->delivery->load == LOAD_REPLACE)
        counts->superseded = above((int64_t)staged, (int64_t)counts->inserted);
    result->rows = counts->inserted + counts->superseded;
}

/* Marking rows and updating them is one count of BigQuery's. */
void bq_merge_result(const BqWork *work, const StepResult *step, ApplyResult *ret_result)
{
    const MergeSpec *merge = &work->delivery->merge;
    const BqDml *dml = &step->dml;
    ApplyCounts *counts = &ret_result->counts;
    Facts facts;
    *ret_result = (ApplyResult){0};
    if (!read_comment(work, dml->sql, &facts)) {
        copy_result(work, step, ret_result);
        return;
    }
    bool marks = merge->vanished == VANISHED_MARKED && merge->whole;
    uint64_t marked = marks ? facts.vanishing : 0;
    bool by_row = merge->present || merge->range.column;
    int64_t all = (int64_t)(by_row ? facts.rows : facts.keys);
    counts->inserted = (uint64_t)dml->inserted;
    counts->updated = above(dml->updated, (int64_t)marked);
    counts->vanished = (uint64_t)dml->deleted + (dml->updated > 0 || marks ? marked : 0);
    counts->superseded = by_row ? 0 : above((int64_t)facts.rows, (int64_t)facts.keys);
    counts->unchanged = above(all, dml->inserted + (int64_t)counts->updated);
    ret_result->rows = counts->inserted + counts->updated + counts->unchanged + counts->superseded;
}
