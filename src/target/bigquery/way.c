/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/way.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/type_text.h"
#include "schema/field_json.h"
#include "schema/layout_json.h"
#include "schema/widen.h"
#include "target/bigquery/calls.h"
#include "target/bigquery/compare.h"
#include "target/bigquery/description.h"
#include "target/bigquery/evolve.h"
#include "target/bigquery/label.h"
#include "target/bigquery/lookup.h"
#include "target/bigquery/sql_merge.h"

#include <ctype.h>
#include <string.h>

enum { DATASET_NAME_MAX = 1024, TABLE_NAME_MAX = 1024, STAGING_PART_MAX = 100, WAY_VERSION = 1 };

/* docs/datasets, docs/tables: names */
static bool check_names(const TableRef *table, Error *error)
{
    size_t length = strlen(table->dataset);
    if (length == 0)
        return error_set(error, ERROR_CONFIG,
                         "there is no dataset for the table %s: set "
                         "destination.dataset or target.dataset",
                         table->table);
    for (const char *at = table->dataset; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_')
            return error_set(error, ERROR_CONFIG,
                             "\"%s\" cannot be a dataset: only letters, digits and _ can be in "
                             "its name",
                             table->dataset);
    }
    if (length > DATASET_NAME_MAX || strlen(table->table) > TABLE_NAME_MAX || !*table->table)
        return error_set(error, ERROR_CONFIG, "\"%s\" cannot be a table: names have 1 to %d bytes",
                         table->table, TABLE_NAME_MAX);
    for (const char *at = table->table; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x80 && !isalnum(byte) && !strchr("_- ", byte))
            return error_set(error, ERROR_CONFIG,
                             "\"%s\" cannot be a table: only letters, marks, digits, spaces, _ and "
                             "- can be in its name (set target.table)",
                             table->table);
    }
    return true;
}

static bool has_kind(const Field *fields, size_t count, TypeKind kind)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].kind == kind || has_kind(fields[i].fields, fields[i].field_count, kind))
            return true;
    }
    return false;
}

/* What Avro loads do not document. */
static bool needs_ndjson(const Schema *schema)
{
    return has_kind(schema->fields, schema->field_count, TYPE_INTERVAL);
}

const char *bq_way_format(const BqScope *scope, const Schema *schema)
{
    const char *format = scope->bq->format;
    if (strcmp(format, "auto") != 0)
        return format;
    return needs_ndjson(schema) ? "ndjson" : "avro";
}

static bool check_partitions(const Delivery *delivery, Error *error)
{
    const Partitioning *by = &delivery->layout.partitioning;
    if (!delivery->replace_partitions)
        return true;
    if (delivery->load != LOAD_REPLACE)
        return error_set(error, ERROR_CONFIG, "replace: partition needs load: replace");
    if (by->kind != PARTITION_NONE && by->column)
        return true;
    error_set(error, ERROR_CONFIG,
              "replace: partition needs a table that is partitioned by a "
              "column, and this one is not");
    return error_hint(error, "set target.partition_by with a column, or replace the whole table");
}

bool bq_way_possible(const BqScope *scope, const Delivery *delivery, Error *error)
{
    if (!check_names(&delivery->table, error) || !bq_merge_key_fits(delivery, error))
        return false;
    if (!delivery->merge.keys_only && !layout_check(&delivery->layout, &delivery->schema, error))
        return false;
    if (strcmp(scope->bq->format, "avro") != 0 || !needs_ndjson(&delivery->schema))
        return true;
    error_set(error, ERROR_CONFIG, "BigQuery does not load INTERVAL columns from Avro files");
    return error_hint(error, "set destination.format to auto or ndjson, or choose another type for "
                             "the column (columns.<name>.type)");
}

static bool check_kind(const Json *table, Error *error)
{
    const char *kind = json_get_text(table, "type");
    if (!kind || strcmp(kind, "TABLE") == 0)
        return true;
    error_set(error, ERROR_CONFIG,
              "what is there under this name is a %s, which rows cannot be "
              "loaded into",
              kind);
    return error_hint(error, "choose another name with target.table");
}

static bool wants_rebuild(const Delivery *delivery)
{
    const char *word = delivery->wishes ? delivery->wishes->on_schema_change : NULL;
    return !word || strcmp(word, "rebuild") == 0;
}

/* Statements that widen the table's columns to those that come; NULL when that is not all there is
 * to do (docs/managing-table-schemas#change_a_columns_data_type). */
static const char *widening_text(const Delivery *delivery, const Json *table, Arena *arena)
{
    Schema existing;
    Error unreadable = {0};
    const char *text = NULL;
    if (!field_json_to_schema(json_get(table, "schema"), arena, &existing, &unreadable) ||
        existing.field_count != delivery->schema.field_count)
        return NULL;
    for (size_t i = 0; i < existing.field_count; i++) {
        const Field *now = &existing.fields[i];
        const Field *field = schema_field(&delivery->schema, now->name);
        if (!field || now->mode != field->mode)
            return NULL;
        if (field_same_type(now, field))
            continue;
        if (!field_widens(field, now))
            return NULL;
        Field scalar = *field;
        scalar.mode = MODE_NULLABLE;
        text = arena_printf(arena, "%s%sALTER TABLE `%s.%s` ALTER COLUMN `%s` SET DATA TYPE %s",
                            text ? text : "", text ? "; " : "", delivery->table.dataset,
                            delivery->table.table, now->name, type_text_of(&scalar, arena));
    }
    return text;
}

static bool fail_partitions(const Delivery *delivery, const Json *table, const char *changes,
                            Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const char *widening = widening_text(delivery, table, &arena);
    error_set(error, ERROR_CONFIG,
              "single partitions cannot be replaced when the columns change: %s", changes);
    if (widening)
        return error_hint(error,
                          "widen the table first: %s; or run once with --full-refresh, which "
                          "replaces the whole table",
                          widening);
    return error_hint(error, "run once with --full-refresh, which replaces the whole table");
}

static bool check_rebuild(const Delivery *delivery, const Json *table, Error *error)
{
    char changes[ERROR_MESSAGE_MAX / 2];
    compare_describe(table, &delivery->schema, changes, sizeof changes);
    if (delivery->replace_partitions)
        return fail_partitions(delivery, table, changes, error);
    if (!wants_rebuild(delivery)) {
        error_set(error, ERROR_CONFIG, "the columns would change: %s", changes);
        return error_hint(error, "on_schema_change: rebuild lets a replace change them");
    }
    CLEANUP(arena_done) Arena arena = {0};
    TableLayout layout;
    if (!layout_json_get(table, &arena, &layout, error))
        return false;
    layout.cluster_count = 0; /* which changes with the columns: recluster */
    Error misfit = {0};
    if (layout_check(&layout, &delivery->schema, &misfit))
        return true;
    error_set(error, ERROR_CONFIG,
              "the existing table is partitioned by a column that the rows do not have: %s",
              misfit.message);
    return error_hint(error,
                      "BigQuery never changes the partitioning of a table: load into a new one "
                      "(target.table), keep the column, or drop the table first: DROP TABLE %s.%s",
                      delivery->table.dataset, delivery->table.table);
}

/* Those of its columns that the table can be clustered by when its rows are replaced. */
static const char *const *kept_clustering(const Delivery *delivery, const TableLayout *existing,
                                          Arena *arena, size_t *ret_count)
{
    const char **kept = ARENA_ARRAY(arena, const char *, existing->cluster_count);
    *ret_count = 0;
    for (size_t i = 0; i < existing->cluster_count; i++) {
        const TableLayout one = {.cluster_by = &existing->cluster_by[i], .cluster_count = 1};
        Error misfit = {0};
        if (layout_check(&one, &delivery->schema, &misfit))
            kept[(*ret_count)++] = existing->cluster_by[i];
    }
    return kept;
}

/* How a rebuild changes what the table is clustered by. */
typedef struct Recluster {
    bool changes;
    TableLayout before; /* the rows come: columns of both, what the table was clustered by */
    TableLayout after;  /* what the job says, where it is something else: columns may be new */
} Recluster;

/* The copy that brings the rows wants both tables clustered alike
 * (docs/managing-partitioned-tables, "Copy partitioned tables"), and what a table is clustered by
 * can be changed at any time (docs/manage-clustered-tables, "Modify the clustering specification").
 * What is the default for new tables counts only where something is lost. */
static Recluster recluster(const Delivery *delivery, const Json *table, Arena *arena)
{
    Recluster none = {0}, recluster = {0};
    TableLayout existing;
    Error unreadable = {0};
    if (!table || delivery->load != LOAD_REPLACE || compare_same(table, &delivery->schema) ||
        !layout_json_get(table, arena, &existing, &unreadable))
        return none;
    TableLayout *before = &recluster.before, *after = &recluster.after;
    before->cluster_by = kept_clustering(delivery, &existing, arena, &before->cluster_count);
    bool lost = before->cluster_count < existing.cluster_count;
    const TableLayout *wanted = &delivery->layout;
    if (wanted->cluster_count && (lost || !wanted->clusters_by_default) &&
        !compare_same_clustering(before, wanted)) {
        after->cluster_by = wanted->cluster_by;
        after->cluster_count = wanted->cluster_count;
    }
    recluster.changes = lost || after->cluster_count > 0;
    return recluster.changes ? recluster : none;
}

/* For people; NULL when it stays as it is. */
static const char *clustered_by(const Recluster *own, Arena *arena)
{
    const TableLayout *layout = own->after.cluster_count ? &own->after : &own->before;
    if (!own->changes)
        return NULL;
    const char *names = layout->cluster_count ? layout->cluster_by[0] : "nothing";
    for (size_t i = 1; i < layout->cluster_count; i++)
        names = arena_printf(arena, "%s, %s", names, layout->cluster_by[i]);
    return names;
}

const char *bq_way_reclusters(const Delivery *delivery, const Json *table, Arena *arena)
{
    const Recluster own = recluster(delivery, table, arena);
    return clustered_by(&own, arena);
}

/* null: not at all. */
static void set_clustering(Json *json, const char *key, const TableLayout *layout)
{
    CLEANUP(json_free_ptr) Json *table = json_object_new();
    layout_json_set(table, layout);
    const Json *clustering = json_get(table, "clustering");
    json_set(json, key, clustering ? json_clone(clustering) : NULL);
}

/* Partitions are those of the table that is there. */
static bool check_partitions_of(const Delivery *delivery, const Json *table, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Delivery as_it_is = *delivery;
    return layout_json_get(table, &arena, &as_it_is.layout, error) &&
           check_partitions(&as_it_is, error);
}

bool bq_way_fits(const Delivery *delivery, const Json *table, bool *ret_rebuild, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    TableLayout wanted = delivery->layout;
    *ret_rebuild = false;
    if (!table)
        return check_partitions(delivery, error);
    if (recluster(delivery, table, &arena).changes)
        wanted.cluster_count = 0; /* it will be as the job says */
    if (!check_kind(table, error) || !compare_layout(table, &wanted, error) ||
        !check_partitions_of(delivery, table, error))
        return false;
    const CompareRules rules = bq_evolve_rules(delivery);
    if (delivery->load != LOAD_REPLACE)
        return compare_append(table, &delivery->schema, &rules, error);
    *ret_rebuild = !compare_same(table, &delivery->schema);
    return !*ret_rebuild || check_rebuild(delivery, table, error);
}

static const char *description_of(const Delivery *delivery, Arena *arena)
{
    const char *own = delivery->schema.description;
    if ((delivery->wishes && delivery->wishes->description) || !delivery->source)
        return description_fit(own, TABLE_DESCRIPTION_MAX, arena);
    const char *source = arena_printf(arena, "Loaded by bqferry from %s", delivery->source);
    source = description_fit(source, TABLE_DESCRIPTION_MAX / 2, arena);
    if (!own || !*own)
        return source;
    size_t room = TABLE_DESCRIPTION_MAX - strlen("\n\n") - strlen(source);
    return arena_printf(arena, "%s\n\n%s", description_fit(own, room, arena), source);
}

static ConfigLabels labels_of(const BqScope *scope, const Delivery *delivery, const char *run_id)
{
    const ConfigLabels *const lists[] = {
        &scope->bq->config.labels,
        delivery->wishes ? &delivery->wishes->labels : NULL,
    };
    const LabelSubject subject = {.job = delivery->job, .run_id = run_id};
    return label_list(&subject, lists, 2, scope->arena);
}

TableDraft bq_way_draft(const BqScope *scope, const Delivery *delivery)
{
    const char *key = delivery->wishes ? delivery->wishes->kms_key : NULL;
    return (TableDraft){
        .schema = description_fit_schema(&delivery->schema, scope->arena),
        .layout = &delivery->layout,
        .description = description_of(delivery, scope->arena),
        .labels = labels_of(scope, delivery, NULL),
        .kms_key = key ? key : scope->bq->config.kms_key,
    };
}

/* What is said of the table itself: neither the source's comment nor labels of our own. */
static TableWishes wishes_of(const BqScope *scope, const Delivery *delivery)
{
    const TargetTableConfig *said = delivery->wishes;
    const ConfigLabels *const lists[] = {&scope->bq->config.labels, &said->labels};
    const LabelSubject subject = {.job = delivery->job};
    const size_t own = 2; /* managed_by, job */
    ConfigLabels labels = label_list(&subject, lists, 2, scope->arena);
    return (TableWishes){
        .description = description_fit(said->description, TABLE_DESCRIPTION_MAX, scope->arena),
        .labels = {labels.items + own, labels.count - own},
        .expiration_ms = said->expiration_ms,
        .partition_expiration_ms = said->partition_by.expiration_ms,
        .require_filter = said->partition_by.require_filter,
        .kms_key = said->kms_key,
    };
}

WishChanges bq_way_wishes(const BqScope *scope, const Delivery *delivery, Json *table)
{
    enum { US_PER_MS = 1000 };
    if (!table || !delivery->wishes || delivery->merge.keys_only)
        return (WishChanges){0};
    const TableWishes wishes = wishes_of(scope, delivery);
    return wish_compare(&wishes, table, clock_wall_us() / US_PER_MS, scope->arena);
}

char *bq_staging_name(const Delivery *delivery, int attempt, Arena *arena)
{
    char part[STAGING_PART_MAX + 1];
    size_t length = 0;
    for (const char *at = delivery->table.table; *at && length < STAGING_PART_MAX; at++)
        part[length++] = isalnum((unsigned char)*at) ? *at : '_';
    part[length] = '\0';
    char *run = arena_strdup(arena, delivery->run_id);
    for (char *at = run; *at; at++) {
        if (*at == '-')
            *at = '_';
    }
    return arena_printf(arena, BQ_STAGING_PREFIX "%s_%s_%d", part, run, attempt);
}

/* A copy that replaces a table takes its row-level access policies away (docs/
 * using-row-level-security-with-features), which would open it to more readers; a load job with
 * WRITE_TRUNCATE_DATA does not. */
static bool check_row_policies(const BqScope *scope, const Delivery *delivery, Error *error)
{
    bool has;
    if (!bq_has_row_policies(scope, &delivery->table, &has, error))
        return false;
    if (!has)
        return true;
    error_set(error, ERROR_CONFIG,
              "the table has row-level access policies, which replacing it by way of a staging "
              "table would remove");
    return error_hint(error, "set destination.bucket or workers: 1 (then one load job replaces the "
                             "rows and nothing else), keep the columns as they are, or drop the "
                             "policies first");
}

/* A list, because an object would have to be walked to be read. */
static Json *labels_to_json(const ConfigLabels *labels)
{
    Json *list = json_array_new();
    for (size_t i = 0; i < labels->count; i++) {
        Json *pair = json_array_new();
        json_append_text(pair, labels->items[i].key);
        json_append_text(pair, labels->items[i].value);
        json_append(list, pair);
    }
    return list;
}

static ConfigLabels labels_from_json(const Json *list, Arena *arena)
{
    ConfigLabel *items = ARENA_ARRAY(arena, ConfigLabel, json_count(list));
    size_t count = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        const char *key = json_text_of(json_at(json_at(list, i), 0));
        const char *value = json_text_of(json_at(json_at(list, i), 1));
        if (key && value)
            items[count++] = (ConfigLabel){arena_strdup(arena, key), arena_strdup(arena, value)};
    }
    return (ConfigLabels){items, count};
}

/* "a/" and "a" mean the same; two slashes in a row BigQuery does not take. */
static char *object_prefix(const BqScope *scope, const Delivery *delivery)
{
    const char *prefix = scope->bq->config.prefix ? scope->bq->config.prefix : BQ_OBJECT_PREFIX;
    int length = (int)strlen(prefix);
    length -= length > 0 && prefix[length - 1] == '/';
    return arena_printf(scope->arena, "%.*s/%s/", length, prefix, delivery->run_id);
}

static Json *way_json(const BqScope *scope, const Delivery *delivery, const BqTable *table,
                      bool staged)
{
    const BigQueryConfig *config = &scope->bq->config;
    ConfigLabels labels = labels_of(scope, delivery, delivery->run_id);
    Json *json = json_object_new();
    json_set_int(json, "version", WAY_VERSION);
    json_set_text(json, "location", table->location);
    json_set_text(json, "job_project", scope->bq->job_project);
    json_set_bool(json, "exists", table->json != NULL);
    json_set_bool(json, "staged", staged);
    if (config->bucket) {
        json_set_text(json, "bucket", config->bucket);
        json_set_text(json, "prefix", object_prefix(scope, delivery));
    }
    json_set(json, "job_labels", labels_to_json(&labels));
    if (delivery->wishes && delivery->wishes->expiration_ms)
        json_set_int(json, "expiration_ms", delivery->wishes->expiration_ms);
    return json;
}

/* A new one. */
static Json *new_table(const Delivery *delivery, const BqTable *table, TableDraft draft)
{
    static const TableLayout plain;
    /* The dataset would say so anyway; the intent has to know it (keep_expiration). */
    TableLayout layout = *draft.layout;
    bool by_time =
        layout.partitioning.kind != PARTITION_NONE && layout.partitioning.kind != PARTITION_RANGE;
    if (by_time && layout.partitioning.expiration_ms == 0)
        layout.partitioning.expiration_ms = table->partition_default_ms;
    draft.layout = delivery->merge.keys_only ? &plain : &layout; /* keys alone make no table */
    return table_json_new(&draft);
}

/* *ret_evolves: it is not so yet. */
static Json *table_of_way(const BqScope *scope, const Delivery *delivery, const BqTable *table,
                          bool rebuild, bool *ret_evolves)
{
    TableDraft draft = bq_way_draft(scope, delivery);
    *ret_evolves = false;
    if (!table->json)
        return new_table(delivery, table, draft);
    if (rebuild)
        return table_json_rebuild(table->json, &draft);
    CLEANUP(json_free_ptr) Json *kept = table_json_keep(table->json);
    if (delivery->load == LOAD_REPLACE)
        return TAKE_PTR(kept);
    return bq_evolved(kept, delivery, ret_evolves);
}

/* The table's own layout; what it cannot tell stays as it is wished for. */
static bool take_layout(const Json *table, Arena *arena, Delivery *delivery, Error *error)
{
    bool immutable = delivery->layout.partitioning.immutable;
    if (!layout_json_get(table, arena, &delivery->layout, error))
        return false;
    delivery->layout.partitioning.immutable = immutable;
    return true;
}

/* A column that somebody added by hand goes away without another word. */
static void tell_changes(const Delivery *delivery, const Json *table, const char *clusters)
{
    char changes[ERROR_MESSAGE_MAX];
    compare_describe(table, &delivery->schema, changes, sizeof changes);
    log_warning(delivery->job, "the columns of %s.%s change with the rows: %s",
                delivery->table.dataset, delivery->table.table, changes);
    if (clusters)
        log_warning(delivery->job, "%s.%s is clustered by %s from then on", delivery->table.dataset,
                    delivery->table.table, clusters);
}

static void tell_wishes(const Delivery *delivery, const WishChanges *changes)
{
    const TableRef *table = &delivery->table;
    if (changes->what)
        log_info(delivery->job, "%s.%s is given what the configuration says of it: %s",
                 table->dataset, table->table, changes->what);
    if (changes->left)
        log_warning(delivery->job, "%s.%s: %s", table->dataset, table->table, changes->left);
}

/* What the target, and staging when that is something else, are or shall be. */
static void add_tables(const BqScope *scope, const Delivery *delivery, const BqTable *table,
                       bool rebuild, Json *json)
{
    bool evolves;
    Json *target = table_of_way(scope, delivery, table, rebuild, &evolves);
    if (delivery_merges(delivery) && delivery->load != LOAD_REPLACE)
        json_set(json, "stage", table_json_stage(target, &delivery->schema, !table->json));
    json_set(json, "table", target);
    json_set_bool(json, "evolves", evolves);
}

/* Before the rows come, as their staging; and afterwards, where the job says something else. */
static void add_clustering(Json *way, const Recluster *recluster)
{
    Json *json = json_object_new();
    set_clustering(json_get(way, "table"), "clustering", &recluster->before);
    set_clustering(json, "before", &recluster->before);
    if (recluster->after.cluster_count)
        set_clustering(json, "after", &recluster->after);
    json_set(way, "clustering", json);
}

bool bq_way_stages(const BqScope *scope, const Delivery *delivery, bool rebuild, size_t shards)
{
    return rebuild || delivery->replace_partitions || delivery_merges(delivery) ||
           (!scope->bq->config.bucket && shards > 1);
}

bool bq_way_choose(const BqScope *scope, Delivery *delivery, Error *error)
{
    CLEANUP(bq_table_done) BqTable table = {0};
    bool rebuild;
    if (!bq_way_possible(scope, delivery, error) ||
        !bq_lookup(scope, &delivery->table, LOOK_KEPT, &table, error) ||
        !bq_way_fits(delivery, table.json, &rebuild, error))
        return false;
    const Recluster clustering = recluster(delivery, table.json, scope->arena);
    CLEANUP(wish_changes_done) WishChanges changes = bq_way_wishes(scope, delivery, table.json);
    if (table.json && !take_layout(table.json, scope->arena, delivery, error))
        return false;
    bool staged = bq_way_stages(scope, delivery, rebuild, delivery->shard_count);
    if (staged && table.json && delivery->load == LOAD_REPLACE &&
        !check_row_policies(scope, delivery, error))
        return false;
    if (rebuild)
        tell_changes(delivery, table.json, clustered_by(&clustering, scope->arena));
    tell_wishes(delivery, &changes);
    delivery->format = bq_way_format(scope, &delivery->schema);
    CLEANUP(json_free_ptr) Json *json = way_json(scope, delivery, &table, staged);
    add_tables(scope, delivery, &table, rebuild, json);
    if (changes.patch)
        json_set(json, "patch", TAKE_PTR(changes.patch));
    if (clustering.changes)
        add_clustering(json, &clustering);
    delivery->arranged = json_dump(json, scope->arena);
    return true;
}

bool bq_way_read(const BqScope *scope, const Delivery *delivery, BqWay *ret_way, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    Arena *arena = scope->arena;
    const char *text = delivery->arranged ? delivery->arranged : "";
    if (!json_parse(text, strlen(text), "arranged", &json, error))
        return error_prefix(error, "the job's state is damaged");
    const char *location = json_get_text(json, "location");
    const char *job_project = json_get_text(json, "job_project");
    if (json_get_int(json, "version", 0) != WAY_VERSION || !location || !job_project ||
        !json_get(json, "table"))
        return error_set(error, ERROR_CONFIG,
                         "the interrupted run was arranged by another version of bqferry: bring it "
                         "to its end with that one");
    *ret_way = (BqWay){
        .location = arena_strdup(arena, location),
        .job_project = arena_strdup(arena, job_project),
        .staging = bq_staging_name(delivery, delivery->attempt, arena),
        .staged = json_get_bool(json, "staged"),
        .exists = json_get_bool(json, "exists"),
        .bucket = arena_strdup(arena, json_get_text(json, "bucket")),
        .prefix = arena_strdup(arena, json_get_text(json, "prefix")),
        .evolves = json_get_bool(json, "evolves"),
        .table = json_clone(json_get(json, "table")),
        .stage = json_get(json, "stage") ? json_clone(json_get(json, "stage")) : NULL,
        .patch = json_get(json, "patch") ? json_clone(json_get(json, "patch")) : NULL,
        .clustering =
            json_get(json, "clustering") ? json_clone(json_get(json, "clustering")) : NULL,
        .job_labels = labels_from_json(json_get(json, "job_labels"), arena),
        .expiration_ms = json_get_int(json, "expiration_ms", 0),
    };
    return true;
}

void bq_way_done(BqWay *way)
{
    json_free(way->stage);
    json_free(way->patch);
    json_free(way->clustering);
    json_free(way->table);
    *way = (BqWay){0};
}

const Json *bq_way_loaded(const BqWay *way)
{
    return way->stage ? way->stage : way->table;
}

const char *bq_way_kms_key(const BqWay *way)
{
    return json_get_text(json_get(way->table, "encryptionConfiguration"), "kmsKeyName");
}
