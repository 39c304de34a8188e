/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/describe.h"

#include "schema/field_json.h"
#include "schema/layout_json.h"
#include "target/bigquery/compare.h"
#include "target/bigquery/lookup.h"
#include "target/bigquery/run_state.h"
#include "target/bigquery/sql.h"
#include "target/bigquery/way.h"

static bool is_known(const Json *field)
{
    TypeKind kind;
    const char *type = json_get_text(field, "type");
    const Json *members = json_get(field, "fields");
    bool known = type && type_kind_parse(type, &kind);
    for (size_t i = 0; known && i < json_count(members); i++)
        known = is_known(json_at(members, i));
    return known;
}

/* Columns of types that we do not know are left out: nothing of ours goes there. */
static Json *known_columns(const Json *table, Arena *arena, TargetTable *ret_table)
{
    const Json *fields = json_get(json_get(table, "schema"), "fields");
    const char **others = ARENA_ARRAY(arena, const char *, json_count(fields));
    Json *schema = json_object_new(), *known = json_array_new();
    for (size_t i = 0; i < json_count(fields); i++) {
        const Json *field = json_at(fields, i);
        if (is_known(field))
            json_append(known, json_clone(field));
        else
            others[ret_table->other_count++] = arena_strdup(arena, json_get_text(field, "name"));
    }
    ret_table->others = others;
    json_set(schema, "fields", known);
    if (json_get_text(table, "description"))
        json_set_text(schema, "description", json_get_text(table, "description"));
    return schema;
}

bool bq_describe(Target *target, const TableRef *table, Arena *arena, TargetTable *ret_table,
                 Error *error)
{
    enum { US_PER_MS = 1000 };
    CLEANUP(bq_table_done) BqTable found = {0};
    BqScope scope = {.bq = (BigQuery *)target, .arena = arena};
    if (!bq_lookup(&scope, table, LOOK_FRESH, &found, error))
        return false;
    *ret_table = (TargetTable){.exists = found.json != NULL, .row_count = -1, .byte_count = -1};
    if (!found.json)
        return true;
    CLEANUP(json_free_ptr) Json *schema = known_columns(found.json, arena, ret_table);
    ret_table->row_count = google_int(found.json, "numRows", -1);
    ret_table->byte_count = google_int(found.json, "numBytes", -1);
    ret_table->made_us = google_int(found.json, "creationTime", 0) * US_PER_MS;
    if (!layout_json_get(found.json, arena, &ret_table->layout, error))
        return error_prefix(error, "the table %s.%s", table->dataset, table->table);
    return json_count(json_get(schema, "fields")) == 0 ||
           field_json_to_schema(schema, arena, &ret_table->schema, error) ||
           error_prefix(error, "the table %s.%s", table->dataset, table->table);
}

bool bq_ddl(Target *target, const Delivery *delivery, Arena *arena, const char **ret_text,
            Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    BqScope scope = bq_scope(target, delivery, arena);
    TableDraft draft = bq_way_draft(&scope, delivery);
    TableLayout layout = *draft.layout;
    if (!layout_key_fits(&layout, draft.schema))
        layout.key_count = 0;
    const BqTableName name = {scope.bq->project, delivery->table.dataset, delivery->table.table};
    const BqTableOptions options = {
        .description = draft.description,
        .labels = draft.labels,
        .kms_key = draft.kms_key,
        .expiration_ms = delivery->wishes ? delivery->wishes->expiration_ms : 0,
    };
    buffer_init(&sql, BQ_SQL_TEXT_MAX);
    if (!bq_sql_create_table(&sql, &name, draft.schema, &layout, &options, error))
        return false;
    *ret_text = arena_strndup(arena, sql.data, sql.length);
    return true;
}

bool bq_validate(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(bq_table_done) BqTable found = {0};
    BqScope scope = bq_scope(target, delivery, &arena);
    bool rebuild;
    if (!bq_way_possible(&scope, delivery, error) ||
        !bq_lookup(&scope, &delivery->table, LOOK_AGAIN, &found, error))
        return false;
    return bq_way_fits(delivery, found.json, &rebuild, error) ||
           error_prefix(error, "table %s.%s", delivery->table.dataset, delivery->table.table);
}

bool bq_jobs(Target *target, const Delivery *delivery, Arena *arena, TargetJobs *ret_jobs,
             Error *error)
{
    (void)error;
    bq_run_jobs((BigQuery *)target, delivery, arena, ret_jobs);
    return true;
}
