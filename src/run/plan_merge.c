/* SPDX-License-Identifier: Apache-2.0 */
#include "run/plan_merge.h"

#include "base/nearest.h"

#include <string.h>
#include <strings.h>

#define SYNCED_AT "_bqferry_synced_at"
#define RUN_ID "_bqferry_run_id"

enum { CONSTANTS_MAX = 3, CLUSTER_MAX = 4 };

void planned_note(PlannedJob *planned, Arena *arena, const char *note)
{
    const char **notes = ARENA_ARRAY(arena, const char *, planned->note_count + 1);
    if (planned->note_count)
        memcpy(notes, planned->notes, planned->note_count * sizeof *notes);
    notes[planned->note_count++] = note;
    planned->notes = notes;
}

/* A job that lists its columns means those: new ones of the source are not among them, and what is
 * new in the list is wanted. */
static SchemaEvolve plan_evolve(const JobConfig *job)
{
    if (job->evolve && strcmp(job->evolve, "fail") == 0)
        return EVOLVE_FAIL;
    return job->evolve && strcmp(job->evolve, "ignore") == 0 ? EVOLVE_RELAX : EVOLVE_COLUMNS;
}

void plan_left_out(const RunJob *job, PlannedJob *planned, Arena *arena,
                   const char *const **ret_select, size_t *ret_count)
{
    const TablePlan *plan = &planned->plan;
    const char **kept = ARENA_ARRAY(arena, const char *, plan->column_count);
    size_t count = 0;
    *ret_select = NULL;
    if (plan_evolve(job->config) != EVOLVE_RELAX || !planned->existing.exists)
        return;
    for (size_t i = 0; i < plan->column_count; i++) {
        const char *name = plan->columns[i].source->name;
        if (schema_field(&planned->existing.schema, plan->columns[i].field.name))
            kept[count++] = name;
        else
            planned_note(planned, arena,
                         arena_printf(arena,
                                      "the source's column %s is left out: the target does "
                                      "not have it (schema.evolve: ignore)",
                                      name));
    }
    if (count == plan->column_count)
        return;
    *ret_select = kept;
    *ret_count = count;
}

const char *plan_target_name(const TablePlan *plan, const char *source_column)
{
    for (size_t i = 0; i < plan->column_count; i++) {
        if (strcmp(plan->columns[i].source->name, source_column) == 0)
            return plan->columns[i].field.name;
    }
    return NULL;
}

static bool has_column(const SourceTable *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    }
    return false;
}

/* ERROR_CONFIG, with the nearest name, when the source has no such column. */
static bool check_column(const SourceTable *table, const char *key, const char *name, Arena *arena,
                         Error *error)
{
    if (has_column(table, name))
        return true;
    const char **names = ARENA_ARRAY(arena, const char *, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    const char *near = nearest_word(name, names, table->column_count);
    error_set(error, ERROR_CONFIG, "%s: the source has no column \"%s\"", key, name);
    return near ? error_hint(error, "did you mean \"%s\"?", near) : false;
}

static bool check_cursor(const RunJob *job, const PlannedJob *planned, Arena *arena, Error *error)
{
    const ConfigText *columns = &job->config->cursor.columns;
    for (size_t i = 0; i < columns->count; i++) {
        if (!check_column(&planned->table, "cursor.column", columns->items[i], arena, error))
            return false;
    }
    return columns->count == 0 || planned->source->ops->bounds ||
           error_set(error, ERROR_CONFIG, "connection %s: its source has no cursors",
                     job->config->connection);
}

/* The key, in the source's names: the configured one, else the source's own. */
static ConfigText source_key(const RunJob *job, const PlannedJob *planned)
{
    if (job->config->key.count)
        return job->config->key;
    return (ConfigText){planned->table.key, planned->table.key_count};
}

/* Also a full refresh of such a job: later runs meet what it leaves. */
static bool needs_key(const RunJob *job)
{
    return job->config->load == LOAD_UPSERT || job->config->load == LOAD_SOFT_DELETE;
}

static bool is_sources_key(const SourceTable *table, const ConfigText *key)
{
    if (key->count != table->key_count)
        return false;
    for (size_t i = 0; i < key->count; i++) {
        bool found = false;
        for (size_t j = 0; j < table->key_count; j++)
            found = found || strcmp(key->items[i], table->key[j]) == 0;
        if (!found)
            return false;
    }
    return true;
}

static bool fail_keyless(const RunJob *job, const PlannedJob *planned, Error *error)
{
    error_set(error, ERROR_CONFIG,
              "load: %s needs a key, and %s has neither a primary key nor a unique one that is NOT "
              "NULL",
              load_mode_name(job->config->load),
              planned->table.name ? planned->table.name : "a query");
    return error_hint(error, "say which columns tell rows apart: key: [id]");
}

/* A column of the key that the table does not have yet would be NULL in all of its rows: none of
 * them would be found, and all of them would seem to have vanished. */
static bool check_key_is_there(const RunJob *job, PlannedJob *planned, Error *error)
{
    Delivery *delivery = &planned->delivery;
    const MergeSpec *merge = &delivery->merge;
    for (size_t i = 0; planned->existing.exists && i < merge->key_count; i++) {
        if (delivery->load == LOAD_REPLACE ||
            schema_field(&planned->existing.schema, merge->key[i]))
            continue;
        if (!needs_key(job)) { /* other ways to tell are left */
            delivery->merge.key_count = 0;
            return true;
        }
        error_set(
            error, ERROR_CONFIG,
            "key: the table %s%s%s has no column \"%s\", so its rows could not be found by it",
            delivery->table.dataset, *delivery->table.dataset ? "." : "", delivery->table.table,
            merge->key[i]);
        return error_hint(error,
                          "was the column renamed in the source? Keep its name in the table "
                          "(columns: {%s: {name: …}}), or load the table anew with "
                          "--full-refresh",
                          merge->key[i]);
    }
    return true;
}

/* merge.key in the target's names. A key that is not wholly carried is none. */
static bool plan_key(const RunJob *job, Arena *arena, PlannedJob *planned, Error *error)
{
    ConfigText key = source_key(job, planned);
    Delivery *delivery = &planned->delivery;
    const char **names = ARENA_ARRAY(arena, const char *, key.count);
    for (size_t i = 0; i < key.count; i++) {
        if (!check_column(&planned->table, "key", key.items[i], arena, error))
            return false;
        names[i] = plan_target_name(&planned->plan, key.items[i]);
        if (names[i])
            continue;
        if (!needs_key(job) && job->config->key.count == 0)
            return true;
        error_set(error, ERROR_CONFIG, "the key's column \"%s\" is not carried", key.items[i]);
        return error_hint(error, "add it to source.columns, or choose another key");
    }
    if (key.count == 0 && needs_key(job))
        return fail_keyless(job, planned, error);
    delivery->merge.key = names;
    delivery->merge.key_count = key.count;
    delivery->merge.key_is_sources = is_sources_key(&planned->table, &key);
    if (needs_key(job)) { /* a merge makes it hold */
        delivery->merge.unique = delivery->load == LOAD_REPLACE;
        delivery->layout.key = names;
        delivery->layout.key_count = key.count;
    }
    return check_key_is_there(job, planned, error);
}

static void plan_order(const RunJob *job, Arena *arena, PlannedJob *planned)
{
    const ConfigText *columns = &job->config->cursor.columns;
    const char **names = ARENA_ARRAY(arena, const char *, columns->count);
    MergeSpec *merge = &planned->delivery.merge;
    for (size_t i = 0; i < columns->count; i++) {
        const char *name = plan_target_name(&planned->plan, columns->items[i]);
        if (name)
            names[merge->order_count++] = name;
    }
    merge->order = names;
}

/* Columns that came from the source once, are in the target still, and come no more. */
static void plan_emptied(const JobState *state, Arena *arena, PlannedJob *planned)
{
    const Schema *schema = &planned->plan.schema;
    size_t before = state ? state->column_count : 0;
    const char **all = ARENA_ARRAY(arena, const char *, schema->field_count + before);
    const char **gone = ARENA_ARRAY(arena, const char *, before);
    MergeSpec *merge = &planned->delivery.merge;
    for (size_t i = 0; i < schema->field_count; i++)
        all[planned->column_count++] = schema->fields[i].name;
    for (size_t i = 0; i < before; i++) {
        const char *name = state->columns[i];
        if (schema_field(schema, name) || !schema_field(&planned->existing.schema, name))
            continue;
        gone[merge->emptied_count++] = all[planned->column_count++] = arena_strdup(arena, name);
        planned_note(planned, arena,
                     arena_printf(arena,
                                  "column %s is no longer in the source: it stays in the "
                                  "target, NULL in rows that are loaded from now on",
                                  name));
    }
    merge->emptied = gone;
    planned->columns = all;
}

/* Adds a column of our own making. */
static bool add_constant(Arena *arena, PlannedJob *planned, const Field *field, Value value,
                         Error *error)
{
    Schema *schema = &planned->delivery.schema;
    Value *constants = (Value *)(uintptr_t)planned->extract.constants;
    if (schema_field(schema, field->name)) {
        error_set(error, ERROR_CONFIG, "the source has a column \"%s\" of its own", field->name);
        return error_hint(error, "give it another name: columns: {%s: {name: …}}", field->name);
    }
    if (!constants)
        planned->extract.constants = constants = ARENA_ARRAY(arena, Value, CONSTANTS_MAX);
    constants[planned->extract.constant_count++] = value;
    Field *fields = ARENA_ARRAY(arena, Field, schema->field_count + 1);
    memcpy(fields, schema->fields, schema->field_count * sizeof *fields);
    fields[schema->field_count] = *field;
    schema->fields = fields;
    schema->field_count++;
    return true;
}

static bool plan_mark(const RunJob *job, Arena *arena, PlannedJob *planned, Error *error)
{
    MergeSpec *merge = &planned->delivery.merge;
    if (job->config->load != LOAD_SOFT_DELETE)
        return true;
    merge->mark = job->config->soft_delete.column;
    merge->mark_is_bool = strcmp(job->config->soft_delete.type, "BOOL") == 0;
    const Field field = {
        .name = merge->mark,
        .kind = merge->mark_is_bool ? TYPE_BOOL : TYPE_TIMESTAMP,
        .description = "since when the source no longer has the row",
    };
    Value unmarked = merge->mark_is_bool ? (Value){.kind = VALUE_BOOL} : value_null();
    return add_constant(arena, planned, &field, unmarked, error);
}

/* The values are filled in when the run's id is known: plan_stamp. */
static bool plan_metadata(const RunJob *job, Arena *arena, PlannedJob *planned, Error *error)
{
    static const Field synced_at = {
        .name = SYNCED_AT, .kind = TYPE_TIMESTAMP, .description = "when the run began"};
    static const Field run_id = {
        .name = RUN_ID, .kind = TYPE_STRING, .description = "the run that loaded the row"};
    if (!job->config->metadata_columns)
        return true;
    planned->delivery.metadata = (MetadataColumns){SYNCED_AT, RUN_ID};
    return add_constant(arena, planned, &synced_at, value_null(), error) &&
           add_constant(arena, planned, &run_id, value_null(), error);
}

static const Field *field_of(const Schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcasecmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    }
    return NULL;
}

static bool is_time(const Field *field)
{
    return field->kind == TYPE_TIMESTAMP || field->kind == TYPE_DATETIME ||
           field->kind == TYPE_DATE;
}

/* BigQuery, "Clustered tables", column types. */
static bool can_cluster(const Field *field)
{
    return field->mode != MODE_REPEATED &&
           (is_time(field) || field->kind == TYPE_INT64 || field->kind == TYPE_NUMERIC ||
            field->kind == TYPE_BIGNUMERIC || field->kind == TYPE_STRING ||
            field->kind == TYPE_BOOL);
}

static void cluster_by(const char *const *names, size_t count, Arena *arena, PlannedJob *planned)
{
    TableLayout *layout = &planned->delivery.layout;
    const char **columns = ARENA_ARRAY(arena, const char *, CLUSTER_MAX);
    layout->cluster_count = 0;
    for (size_t i = 0; i < count && layout->cluster_count < CLUSTER_MAX; i++) {
        const Field *field = field_of(&planned->delivery.schema, names[i]);
        if (field && can_cluster(field))
            columns[layout->cluster_count++] = names[i];
    }
    layout->cluster_by = columns;
    layout->clusters_by_default = layout->cluster_count > 0;
}

/* How a new table is laid out when the job does not say: so that merges find rows by their key, and
 * questions for some days by the cursor. */
static void plan_layout(const JobConfig *job, Arena *arena, PlannedJob *planned)
{
    const MergeSpec *merge = &planned->delivery.merge;
    TableLayout *layout = &planned->delivery.layout;
    bool by_key = job->load == LOAD_UPSERT || job->load == LOAD_SOFT_DELETE;
    if (by_key && !job->target.cluster_by_said)
        cluster_by(merge->key, merge->key_count, arena, planned);
    const Field *cursor = job->load == LOAD_APPEND && merge->order_count
                              ? field_of(&planned->delivery.schema, merge->order[0])
                              : NULL;
    if (!cursor || !is_time(cursor) || job->target.partition_by_said)
        return;
    layout->partitioning = (Partitioning){.kind = PARTITION_DAY, .column = cursor->name};
    layout->partitions_by_default = true;
    if (!job->target.cluster_by_said)
        cluster_by(merge->order, 1, arena, planned);
}

static Vanished vanished_of(const JobConfig *job)
{
    if (!job->deletes.action)
        return VANISHED_KEPT;
    return strcmp(job->deletes.action, "hard") == 0 ? VANISHED_DELETED : VANISHED_MARKED;
}

bool plan_merge(const PlanRequest *request, Arena *arena, PlannedJob *planned, Error *error)
{
    const RunJob *job = request->job;
    MergeSpec *merge = &planned->delivery.merge;
    const JobConfig *config = job->config;
    planned->delivery.evolve = plan_evolve(config);
    merge->changed_only = config->changed_only;
    merge->vanished = vanished_of(config);
    merge->whole = config->cursor.columns.count == 0 && request->options->limit == 0;
    plan_order(job, arena, planned);
    plan_emptied(request->state, arena, planned);
    if (!check_cursor(job, planned, arena, error) || !plan_key(job, arena, planned, error) ||
        !plan_mark(job, arena, planned, error) || !plan_metadata(job, arena, planned, error))
        return false;
    plan_layout(config, arena, planned);
    return true;
}
