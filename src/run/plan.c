/* SPDX-License-Identifier: Apache-2.0 */
#include "run/plan.h"

#include "base/cancel.h"
#include "base/memory.h"

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

static const char *target_column(const TablePlan *plan, const char *source_column)
{
    for (size_t i = 0; i < plan->column_count; i++) {
        if (strcmp(plan->columns[i].source->name, source_column) == 0)
            return plan->columns[i].field.name;
    }
    return NULL;
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
        key[i] = target_column(plan, table->key[i]);
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

static Delivery plan_delivery(const RunOptions *options, const RunJob *job,
                              const PlannedJob *planned, Arena *arena)
{
    const JobConfig *config = job->config;
    Delivery delivery = {
        .job = job->name,
        .load = options->full_refresh ? LOAD_REPLACE : config->load,
        .table = job->target,
        .schema = planned->plan.schema,
        .layout = layout_of(config, &planned->table, &planned->plan, arena),
        .source = source_text(job, arena),
        .replace_partitions = config->replace_partitions && !options->full_refresh,
        .wishes = &config->target,
    };
    if (config->target.description)
        delivery.schema.description = config->target.description;
    return delivery;
}

bool job_plan(Session *session, const RunOptions *options, const RunJob *job, Arena *arena,
              PlannedJob *ret_planned, Error *error)
{
    if (!session_source(session, job->config->connection, &ret_planned->source, error))
        return false;
    const Source *source = ret_planned->source;
    if (!source->ops->describe(ret_planned->source, &job->relation, arena, &ret_planned->table,
                               error))
        return false;
    MappingOptions mapping = mapping_options(options->config, job->config, arena);
    if (!mapping_plan(&ret_planned->table, &mapping, source->ops->map_column, arena,
                      &ret_planned->plan, error))
        return false;
    ret_planned->extract = (Extract){
        .plan = &ret_planned->plan,
        .relation = job->relation,
        .where = job->config->where,
        .limit = options->limit,
    };
    if (!job->relation.query)
        ret_planned->extract.relation.schema = ret_planned->table.schema;
    ret_planned->delivery = plan_delivery(options, job, ret_planned, arena);
    Target *target = session_target(session);
    ret_planned->one_shard_bytes = target->one_shard_bytes;
    return target->ops->validate(target, &ret_planned->delivery, error);
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
    if (planned->table.byte_size >= 0 && planned->table.byte_size < planned->one_shard_bytes)
        wanted = 1;
    if (planned->extract.limit > 0)
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

static bool plan_shards(Session *session, const RunJob *job, const PlannedJob *planned,
                        Arena *arena, JobPlan *plan, Error *error)
{
    SharedSnapshot *shared;
    if (!session_acquire_snapshot(session, job->config->connection, &shared, error))
        return false;
    Snapshot *snapshot = shared_snapshot_get(shared);
    bool cut = job_shards(snapshot, job, planned, arena, &plan->shards, error);
    if (cut)
        plan->workers = job_workers(snapshot, job, &plan->shards);
    if (snapshot->note)
        add_note(plan, arena, arena_strdup(arena, snapshot->note));
    if (snapshot->method && plan->workers > 1)
        add_note(plan, arena, arena_strdup(arena, snapshot->method));
    session_release_snapshot(shared, false);
    return cut;
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

static bool fill_plan(Session *session, const RunOptions *options, const RunJob *job, Arena *arena,
                      JobPlan *plan, Error *error)
{
    PlannedJob *planned = ARENA_NEW(arena, PlannedJob);
    if (job->error) {
        *error = *job->error;
        return false;
    }
    bool valid = job_plan(session, options, job, arena, planned, error);
    plan->table = planned->table;
    plan->plan = planned->plan;
    plan->load = options->full_refresh ? LOAD_REPLACE : job->config->load;
    if (!valid)
        return false;
    Target *target = session_target(session);
    if (!target->ops->describe(target, &job->target, arena, &plan->existing, error) ||
        !target->ops->ddl(target, &planned->delivery, arena, &plan->ddl, error) ||
        !plan_shards(session, job, planned, arena, plan, error))
        return false;
    if (plan->shards.note)
        add_note(plan, arena, plan->shards.note);
    if (!plan_forecast(target, job, planned, arena, plan, error))
        return false;
    if (plan->load == LOAD_APPEND)
        add_note(plan, arena, "append without a cursor adds all rows again on each run");
    return true;
}

bool run_plan(const RunOptions *options, RunPlan *ret_plan, Error *error)
{
    *ret_plan = (RunPlan){0};
    CLEANUP(session_close_ptr) Session *session = NULL;
    RunJobs jobs;
    if (!session_open(options, false, &session, error) ||
        !run_jobs_select(session, options, &ret_plan->arena, &jobs, error))
        return false;
    ret_plan->jobs = ARENA_ARRAY(&ret_plan->arena, JobPlan, jobs.count);
    ret_plan->job_count = jobs.count;
    for (size_t i = 0; i < jobs.count; i++) {
        JobPlan *plan = &ret_plan->jobs[i];
        plan->job = jobs.jobs[i].name;
        plan->connection = jobs.jobs[i].config->connection;
        plan->relation = jobs.jobs[i].relation_text;
        plan->target = jobs.jobs[i].target;
        if (!cancel_check(error))
            return false;
        fill_plan(session, options, &jobs.jobs[i], &ret_plan->arena, plan, &plan->error);
    }
    return true;
}

void run_plan_done(RunPlan *plan)
{
    arena_done(&plan->arena);
}
