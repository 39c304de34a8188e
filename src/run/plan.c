/* SPDX-License-Identifier: Apache-2.0 */
#include "run/plan.h"

#include "base/cancel.h"
#include "base/memory.h"
#include "delivery/delivery.h"
#include "run/own_state.h"
#include "run/plan_merge.h"
#include "run/plan_next.h"
#include "run/plan_widen.h"

#include <string.h>

enum {
    /* A lost connection voids a shard at most this large; small enough to keep workers busy. */
    SHARD_BYTES = 256 * 1024 * 1024,
    SHARDS_MAX = 512,
};

static const char *first_of(const char *own, const char *inherited)
{
    return own ? own : inherited;
}

static InvalidPolicy policy_of(const char *word)
{
    for (int policy = INVALID_FAIL; policy <= INVALID_STRING; policy++) {
        if (strcmp(word, invalid_policy_name((InvalidPolicy)policy)) == 0)
            return (InvalidPolicy)policy;
    }
    return INVALID_FAIL;
}

static ColumnOptions column_options(const ColumnConfig *config)
{
    return (ColumnOptions){
        .name = config->name,
        .type = config->type,
        .target_name = config->target_name,
        .description = config->description,
        .has_on_invalid = config->on_invalid != NULL,
        .on_invalid = config->on_invalid ? policy_of(config->on_invalid) : INVALID_FAIL,
        .has_required = config->mode != NULL,
        .required = config->mode && strcmp(config->mode, "required") == 0,
        .naive_timestamp_type = config->naive_timestamps_type,
        .naive_timestamp_zone = config->naive_timestamps_zone,
        .arrays = config->arrays,
        .composites = config->composites,
    };
}

/* The connection's word on naive timestamps, then the defaults, then the job: the nearer one wins.
 */
static ColumnOptions merged_defaults(const Config *config, const JobConfig *job)
{
    const ConnectionConfig *connection = config_connection(config, job->connection);
    ColumnConfig merged = config->column_defaults;
    const ColumnConfig *own = &job->options;
    merged.on_invalid = first_of(own->on_invalid, merged.on_invalid);
    merged.mode = first_of(own->mode, merged.mode);
    merged.arrays = first_of(own->arrays, merged.arrays);
    merged.composites = first_of(own->composites, merged.composites);
    if (!merged.naive_timestamps_type) {
        merged.naive_timestamps_type = connection->naive_timestamps_type;
        merged.naive_timestamps_zone = connection->naive_timestamps_zone;
    }
    if (own->naive_timestamps_type) {
        merged.naive_timestamps_type = own->naive_timestamps_type;
        merged.naive_timestamps_zone = own->naive_timestamps_zone;
    }
    return column_options(&merged);
}

static MappingOptions mapping_options(const Config *config, const JobConfig *job, Arena *arena)
{
    ColumnOptions *columns = ARENA_ARRAY(arena, ColumnOptions, job->column_count);
    for (size_t i = 0; i < job->column_count; i++)
        columns[i] = column_options(&job->columns[i]);
    return (MappingOptions){
        .defaults = merged_defaults(config, job),
        .columns = columns,
        .column_count = job->column_count,
        .select = job->columns_wanted.items,
        .select_count = job->columns_wanted.count,
    };
}

/* The source's primary key holds in the target only where the target is the source's rows and
 * nothing else; a key that is declared but does not hold gives wrong answers. */
static bool keeps_key(const JobConfig *job, const SourceTable *table)
{
    return table->key_is_primary && job->load == LOAD_REPLACE && !job->replace_partitions;
}

static void set_key(const SourceTable *table, const TablePlan *plan, Arena *arena,
                    TableLayout *layout)
{
    const char **key = ARENA_ARRAY(arena, const char *, table->key_count);
    for (size_t i = 0; i < table->key_count; i++) {
        key[i] = plan_target_name(plan, table->key[i]);
        if (!key[i])
            return; /* a column of it is not carried */
    }
    layout->key = key;
    layout->key_count = table->key_count;
}

static TableLayout layout_of(const JobConfig *job, const SourceTable *table, const TablePlan *plan,
                             Arena *arena)
{
    TableLayout layout = {
        .partitioning = job->target.partition_by,
        .cluster_by = job->target.cluster_by.items,
        .cluster_count = job->target.cluster_by.count,
    };
    if (keeps_key(job, table))
        set_key(table, plan, arena, &layout);
    return layout;
}

static const char *source_text(const RunJob *job, Arena *arena)
{
    return job->relation.query
               ? arena_printf(arena, "a query of %s", job->config->connection)
               : arena_printf(arena, "%s %s", job->config->connection, job->relation_text);
}

/* What the source's columns decide of it. */
static Delivery plan_delivery(const RunJob *job, const PlannedJob *planned, Arena *arena)
{
    const JobConfig *config = job->config;
    Delivery delivery = planned->delivery;
    delivery.table = job->target;
    delivery.schema = planned->plan.schema;
    delivery.layout = layout_of(config, &planned->table, &planned->plan, arena);
    delivery.source = source_text(job, arena);
    delivery.wishes = &config->target;
    if (config->target.description)
        delivery.schema.description = config->target.description;
    return delivery;
}

/* What the table is now, where it matters what the rows will meet. */
static bool describe_target(Session *session, const RunJob *job, Arena *arena, PlannedJob *planned,
                            Error *error)
{
    Target *target = session_target(session);
    planned->existing = (TargetTable){0};
    planned->knows_existing =
        planned->delivery.load != LOAD_REPLACE || planned->delivery.replace_partitions;
    return !planned->knows_existing ||
           target->ops->describe(target, &job->target, arena, &planned->existing, error);
}

/* Once more, with the types of the table that rows are added to. Where the source does not give a
 * column as such a type, all stays as it was, and validate says what is in the way. */
static void map_wider(PlannedJob *planned, MappingOptions *mapping, Arena *arena)
{
    Error ignored = {0};
    TablePlan plan;
    const MappingOptions wider = plan_widen(planned, mapping, arena);
    if (wider.columns == mapping->columns ||
        !mapping_plan(&planned->table, &wider, planned->source->ops->map_column, arena, &plan,
                      &ignored))
        return;
    planned->plan = plan;
    *mapping = wider;
}

/* Maps the columns; then once more, when some of them are to be left out. */
static bool map_columns(const RunOptions *options, const RunJob *job, Arena *arena,
                        PlannedJob *planned, Error *error)
{
    MappingOptions mapping = mapping_options(options->config, job->config, arena);
    MapColumn *map_column = planned->source->ops->map_column;
    const char *const *kept;
    if (!mapping_plan(&planned->table, &mapping, map_column, arena, &planned->plan, error))
        return false;
    if (planned->existing.exists)
        map_wider(planned, &mapping, arena);
    plan_left_out(job, planned, arena, &kept, &mapping.select_count);
    mapping.select = kept;
    return !kept ||
           mapping_plan(&planned->table, &mapping, map_column, arena, &planned->plan, error);
}

static bool describe_source(Session *session, const RunJob *job, Arena *arena, Source **ret_source,
                            SourceTable *ret_table, Error *error)
{
    if (!session_source(session, job->config->connection, ret_source, error) ||
        !(*ret_source)->ops->describe(*ret_source, &job->relation, arena, ret_table, error))
        return false;
    if (!ret_table->hides_columns || job->config->columns_wanted.count > 0)
        return true;
    error_set(error, ERROR_SOURCE, "%s has columns that the account may not see",
              job->relation_text);
    return error_hint(error, "GRANT SELECT on the whole of it, or list the columns to carry in "
                             "source.columns");
}

static bool is_wanted(const ConfigText *wanted, const char *column)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (strcmp(wanted->items[i], column) == 0)
            return true;
    }
    return wanted->count == 0;
}

/* Refuses columns that are carried and that the account may not read. `plan` NULL: not mapped yet,
 * so all that the job asks for count as carried. */
static bool check_readable(const RunJob *job, const SourceTable *table, const TablePlan *plan,
                           Arena *arena, Error *error)
{
    const char *denied = NULL;
    for (size_t i = 0; i < table->column_count; i++) {
        const SourceColumn *column = &table->columns[i];
        bool carried = plan ? plan_target_name(plan, column->name) != NULL
                            : is_wanted(&job->config->columns_wanted, column->name);
        if (column->is_denied && carried)
            denied = arena_printf(arena, "%s%s%s", denied ? denied : "", denied ? ", " : "",
                                  column->name);
    }
    if (!denied)
        return true;
    error_set(error, ERROR_SOURCE, "%s: no permission to read column %s", job->relation_text,
              denied);
    return error_hint(error,
                      "as the table's owner: GRANT SELECT (%s) ON %s to the connection's user; or "
                      "list the columns to carry in source.columns",
                      denied, job->relation_text);
}

bool job_describe(Session *session, const RunJob *job, Arena *arena, Source **ret_source,
                  SourceTable *ret_table, Error *error)
{
    return describe_source(session, job, arena, ret_source, ret_table, error) &&
           check_readable(job, ret_table, NULL, arena, error);
}

bool job_plan(const PlanRequest *request, Arena *arena, PlannedJob *ret_planned, Error *error)
{
    const RunJob *job = request->job;
    const RunOptions *options = request->options;
    Session *session = request->session;
    *ret_planned = (PlannedJob){0};
    ret_planned->delivery = (Delivery){
        .job = job->name,
        .load = options->full_refresh ? LOAD_REPLACE : job->config->load,
        .replace_partitions = job->config->replace_partitions && !options->full_refresh,
    };
    if (!describe_source(session, job, arena, &ret_planned->source, &ret_planned->table, error) ||
        !describe_target(session, job, arena, ret_planned, error) ||
        !map_columns(options, job, arena, ret_planned, error) ||
        !check_readable(job, &ret_planned->table, &ret_planned->plan, arena, error))
        return false;
    ret_planned->extract = (Extract){
        .plan = &ret_planned->plan,
        .relation = job->relation,
        .where = job->config->where,
        .limit = options->limit,
    };
    if (!job->relation.query)
        ret_planned->extract.relation.schema = ret_planned->table.schema;
    ret_planned->delivery = plan_delivery(job, ret_planned, arena);
    ret_planned->one_shard_bytes = session_target(session)->one_shard_bytes;
    ret_planned->one_shard_columns = session_target(session)->one_shard_columns;
    return plan_merge(request, arena, ret_planned, error);
}

bool job_validate(Session *session, const PlannedJob *planned, Error *error)
{
    Target *target = session_target(session);
    return target->ops->validate(target, &planned->delivery, error);
}

bool job_plan_keys(const PlannedJob *planned, Arena *arena, PlannedJob *ret_keys, Error *error)
{
    *ret_keys = *planned;
    const MergeSpec *merge = &planned->delivery.merge;
    ColumnPlan *columns = ARENA_ARRAY(arena, ColumnPlan, merge->key_count);
    Field *fields = ARENA_ARRAY(arena, Field, merge->key_count);
    for (size_t i = 0; i < merge->key_count; i++) {
        for (size_t j = 0; j < planned->plan.column_count; j++) {
            if (strcmp(planned->plan.columns[j].field.name, merge->key[i]) == 0)
                columns[i] = planned->plan.columns[j];
        }
        if (!columns[i].source)
            return error_set(error, ERROR_INTERNAL, "the key's column %s is not planned",
                             merge->key[i]);
        fields[i] = columns[i].field;
    }
    ret_keys->plan.columns = columns;
    ret_keys->plan.column_count = merge->key_count;
    ret_keys->plan.schema = (Schema){.fields = fields, .field_count = merge->key_count};
    ret_keys->extract.plan = &ret_keys->plan;
    ret_keys->extract.range = NULL;
    ret_keys->extract.constants = NULL;
    ret_keys->extract.constant_count = 0;
    ret_keys->delivery.schema = ret_keys->plan.schema;
    ret_keys->delivery.merge.keys_only = true;
    ret_keys->delivery.merge.whole = true;
    return true;
}

/* What the target wishes to have as one shard. */
static bool is_one_shard(const PlannedJob *planned)
{
    bool is_small =
        planned->table.byte_size >= 0 && planned->table.byte_size < planned->one_shard_bytes;
    bool is_wide = planned->one_shard_columns > 0 &&
                   planned->plan.schema.field_count >= planned->one_shard_columns;
    return is_small || is_wide;
}

bool job_shards(Snapshot *snapshot, const RunJob *job, const PlannedJob *planned, Arena *arena,
                ShardList *ret_shards, Error *error)
{
    size_t wanted = (size_t)job->config->workers;
    if (snapshot->max_readers < wanted)
        wanted = snapshot->max_readers;
    int64_t by_size = planned->table.byte_size / SHARD_BYTES;
    if (by_size > (int64_t)wanted)
        wanted = by_size < SHARDS_MAX ? (size_t)by_size : SHARDS_MAX;
    if (is_one_shard(planned) || planned->extract.limit > 0)
        wanted = 1; /* a limit over several shards would be a limit for each */
    return planned->source->ops->shards(snapshot, &planned->extract, wanted, arena, ret_shards,
                                        error);
}

size_t job_workers(const Snapshot *snapshot, const RunJob *job, const ShardList *shards)
{
    size_t workers = (size_t)job->config->workers;
    if (snapshot->max_readers < workers)
        workers = snapshot->max_readers;
    return shards->count < workers ? shards->count : workers;
}

static void add_note(JobPlan *plan, Arena *arena, const char *note)
{
    const char **notes = ARENA_ARRAY(arena, const char *, plan->note_count + 1);
    if (plan->note_count)
        memcpy(notes, plan->notes, plan->note_count * sizeof *notes);
    notes[plan->note_count++] = note;
    plan->notes = notes;
}

static bool plan_shards(const PlanRequest *request, PlannedJob *planned, Arena *arena,
                        JobPlan *plan, Error *error)
{
    const RunJob *job = request->job;
    SharedSnapshot *shared;
    if (!session_acquire_snapshot(request->session, job->config->connection, 0, &shared, error))
        return false;
    Snapshot *snapshot = shared_snapshot_get(shared);
    const Bound *bound = shared_snapshot_bound(shared, job);
    bool cut = plan_next(request, bound, planned, arena, plan, error) &&
               job_shards(snapshot, job, planned, arena, &plan->shards, error);
    if (bound && bound->note)
        add_note(plan, arena, arena_strdup(arena, bound->note));
    const char *changed = own_state_note(request, planned, arena);
    if (changed)
        add_note(plan, arena, changed);
    if (cut)
        plan->workers = job_workers(snapshot, job, &plan->shards);
    if (snapshot->note)
        add_note(plan, arena, arena_strdup(arena, snapshot->note));
    if (snapshot->method && plan->workers > 1)
        add_note(plan, arena, arena_strdup(arena, snapshot->method));
    session_release_snapshot(shared, false);
    return cut;
}

static bool is_indexed(const PlannedJob *planned, const char *column)
{
    for (size_t i = 0; i < planned->table.column_count; i++) {
        if (strcmp(planned->table.columns[i].name, column) == 0)
            return planned->table.columns[i].leads_an_index;
    }
    return true;
}

static const char *names_text(const char *const *names, size_t count, Arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", names[i]);
    return text;
}

static void note_layout(const PlannedJob *planned, Arena *arena, JobPlan *plan)
{
    const TableLayout *layout = &planned->delivery.layout;
    if (planned->existing.exists || !plan->forecast)
        return; /* only BigQuery has them */
    if (layout->partitions_by_default)
        add_note(plan, arena,
                 arena_printf(arena,
                              "in BigQuery a new table is partitioned by day of %s, the cursor, "
                              "unless target.partition_by says otherwise",
                              layout->partitioning.column));
    if (layout->clusters_by_default)
        add_note(plan, arena,
                 arena_printf(arena,
                              "in BigQuery a new table is clustered by %s, unless "
                              "target.cluster_by says otherwise",
                              names_text(layout->cluster_by, layout->cluster_count, arena)));
}

/* The source keeps a column that says which rows are new, and the job reads all of them. */
static void note_cursor(const RunJob *job, const PlannedJob *planned, Arena *arena, JobPlan *plan)
{
    const SourceTable *table = &planned->table;
    for (size_t i = 0; job->config->cursor.columns.count == 0 && i < table->column_count; i++) {
        if (!table->columns[i].set_on_write)
            continue;
        add_note(
            plan, arena,
            arena_printf(arena,
                         "the source sets %s whenever a row is inserted or updated: with `load: "
                         "upsert` and `cursor: %s` each run would read only such rows",
                         table->columns[i].name, table->columns[i].name));
        return;
    }
}

/* What people should know before they lean on it. */
static void note_modes(const RunJob *job, const PlannedJob *planned, Arena *arena, JobPlan *plan)
{
    const JobConfig *config = job->config;
    const ConfigText *cursor = &config->cursor.columns;
    if (plan->load == LOAD_APPEND && cursor->count == 0)
        add_note(plan, arena, "append without a cursor adds all rows again on each run");
    if (plan->load == LOAD_UPSERT && !config->deletes.action)
        add_note(
            plan, arena,
            "upsert alone does not see deletes: rows that the source deletes stay in the target "
            "(`deletes: hard` removes them, `load: soft_delete` marks them)");
    if (cursor->count && planned->table.name && !is_indexed(planned, cursor->items[0]))
        add_note(plan, arena,
                 arena_printf(arena,
                              "no index leads with %s: each run reads the whole table to find "
                              "what is new",
                              cursor->items[0]));
    note_layout(planned, arena, plan);
}

/* What the configuration says of the table and the target has no use for. */
static void note_unused(const RunJob *job, Arena *arena, JobPlan *plan)
{
    const TargetTableConfig *wishes = &job->config->target;
    const struct {
        const char *key;
        bool said;
    } keys[] = {
        {"partition_by", wishes->partition_by.kind != PARTITION_NONE},
        {"cluster_by", wishes->cluster_by.count > 0},
        {"labels", wishes->labels.count > 0},
        {"expiration", wishes->expiration_ms > 0},
        {"kms_key", wishes->kms_key != NULL},
    };
    const char *names = "";
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].said)
            names = arena_printf(arena, "%s%s%s", names, *names ? ", " : "", keys[i].key);
    }
    if (*names)
        add_note(
            plan, arena,
            arena_printf(arena, "%s: only BigQuery has a use for it, not this destination", names));
}

static bool plan_forecast(Target *target, const RunJob *job, const PlannedJob *planned,
                          Arena *arena, JobPlan *plan, Error *error)
{
    if (!target->ops->forecast) {
        note_unused(job, arena, plan);
        return true;
    }
    TargetForecast *forecast = ARENA_NEW(arena, TargetForecast);
    const TargetLoad load = {
        .rows = planned->table.row_estimate,
        .source_bytes = planned->table.byte_size,
        .shards = plan->shards.count,
    };
    if (!target->ops->forecast(target, &planned->delivery, &load, arena, forecast, error))
        return false;
    plan->forecast = forecast;
    for (size_t i = 0; i < forecast->note_count; i++)
        add_note(plan, arena, forecast->notes[i]);
    return true;
}

static bool fill_plan(const PlanRequest *request, Arena *arena, JobPlan *plan, Error *error)
{
    Session *session = request->session;
    const RunJob *job = request->job;
    PlannedJob *planned = ARENA_NEW(arena, PlannedJob);
    bool valid = job_plan(request, arena, planned, error) && job_validate(session, planned, error);
    plan->table = planned->table;
    plan->plan = planned->plan;
    plan->load = request->options->full_refresh ? LOAD_REPLACE : job->config->load;
    if (!valid)
        return false;
    if (delivery_merges(&planned->delivery)) {
        plan->key = planned->delivery.merge.key;
        plan->key_count = planned->delivery.merge.key_count;
    }
    for (size_t i = 0; i < planned->note_count; i++)
        add_note(plan, arena, planned->notes[i]);
    Target *target = session_target(session);
    if (!target->ops->describe(target, &job->target, arena, &plan->existing, error) ||
        !target->ops->ddl(target, &planned->delivery, arena, &plan->ddl, error) ||
        !plan_shards(request, planned, arena, plan, error))
        return false;
    if (plan->shards.note)
        add_note(plan, arena, plan->shards.note);
    if (!plan_forecast(target, job, planned, arena, plan, error))
        return false;
    note_modes(job, planned, arena, plan);
    note_cursor(job, planned, arena, plan);
    return true;
}

static void plan_job(Session *session, const RunOptions *options, StateStore *store,
                     const RunJob *job, Arena *arena, JobPlan *plan)
{
    DeliveryPast *past = ARENA_NEW(arena, DeliveryPast);
    *plan = (JobPlan){
        .job = job->name,
        .connection = job->config->connection,
        .relation = job->relation_text,
        .target = job->target,
    };
    if (job->error) {
        plan->error = *job->error;
        return;
    }
    if (!delivery_look(store, job->name, arena, past, &plan->error))
        return;
    plan->interrupted = past->interrupted;
    const PlanRequest request = {session, options, job, &past->state};
    (void)fill_plan(&request, arena, plan, &plan->error);
}

bool run_plan(const RunOptions *options, RunPlan *ret_plan, Error *error)
{
    *ret_plan = (RunPlan){0};
    CLEANUP(session_close_ptr) Session *session = NULL;
    CLEANUP(state_close_ptr) StateStore *store = NULL;
    RunJobs jobs;
    if (!drivers_open_state(options->drivers, options->config, false, &store, error) ||
        !session_open(options, false, &session, error) ||
        !run_jobs_select(session, options, &ret_plan->arena, &jobs, error))
        return false;
    session_set_jobs(session, &jobs, false);
    ret_plan->jobs = ARENA_ARRAY(&ret_plan->arena, JobPlan, jobs.count);
    ret_plan->job_count = jobs.count;
    for (size_t i = 0; i < jobs.count; i++) {
        if (!cancel_check(error))
            return false;
        plan_job(session, options, store, &jobs.jobs[i], &ret_plan->arena, &ret_plan->jobs[i]);
    }
    return true;
}

void run_plan_done(RunPlan *plan)
{
    arena_done(&plan->arena);
}
