/* SPDX-License-Identifier: Apache-2.0 */
#include "run/jobs.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "run/session.h"

#include <string.h>
#include <strings.h>

enum { RELATION_PARTS_MAX = 2 };

typedef struct JobList {
    RunJob *jobs;
    size_t count;
    size_t capacity;
} JobList;

static void free_list(JobList *list)
{
    free(list->jobs);
}

static void add_job(JobList *list, const RunJob *job)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->jobs = memory_realloc(list->jobs, list->capacity * sizeof *list->jobs);
    }
    list->jobs[list->count++] = *job;
}

/* Reads one part, which ends at a dot or at the end; `""` inside quotes stands for one quote. NULL:
 * a quote that does not end, or ends before the part does. */
static const char *parse_part(const char *text, char *part)
{
    bool quoted = *text == '"';
    text += quoted;
    while (quoted ? *text != '\0' : *text != '\0' && *text != '.') {
        if (quoted && *text == '"' && *++text != '"') {
            quoted = false;
            break;
        }
        *part++ = *text++;
    }
    *part = '\0';
    return quoted || (*text != '\0' && *text != '.') ? NULL : text;
}

bool relation_ref_parse(const char *text, Arena *arena, RelationRef *ret_relation, Error *error)
{
    const char *parts[RELATION_PARTS_MAX] = {0};
    size_t count = 0;
    const char *rest = text;
    while (rest && count < RELATION_PARTS_MAX) {
        char *part = arena_alloc(arena, strlen(rest) + 1);
        rest = parse_part(rest, part);
        if (!rest || *part == '\0')
            break;
        parts[count++] = part;
        if (*rest == '\0') {
            *ret_relation = (RelationRef){
                .schema = count == 2 ? parts[0] : NULL,
                .name = part,
            };
            return true;
        }
        rest++;
    }
    return error_set(error, ERROR_CONFIG,
                     "\"%s\" is not a table name: expected schema.table, with double quotes "
                     "around a part that holds a dot",
                     text);
}

static bool has_tag(const JobConfig *job, const char *tag)
{
    for (size_t i = 0; i < job->tags.count; i++) {
        if (strcmp(job->tags.items[i], tag) == 0)
            return true;
    }
    return false;
}

/* "shop.orders" names one table of the job "shop", whose tables a pattern or a list gives. */
static bool names_table_of(const char *name, const JobConfig *job)
{
    size_t length = strlen(job->name);
    return strncmp(name, job->name, length) == 0 && name[length] == '.';
}

/* Asked again of each job once patterns are expanded. */
static bool is_wanted(const RunOptions *options, const JobConfig *job)
{
    if (options->tag && !has_tag(job, options->tag))
        return false;
    for (size_t i = 0; i < options->name_count; i++) {
        if (strcmp(options->names[i], job->name) == 0 || names_table_of(options->names[i], job))
            return true;
    }
    return options->name_count == 0;
}

static bool is_named(const RunOptions *options, const RunJob *job)
{
    for (size_t i = 0; i < options->name_count; i++) {
        if (strcmp(options->names[i], job->config->name) == 0 ||
            strcmp(options->names[i], job->name) == 0)
            return true;
    }
    return options->name_count == 0 || job->error;
}

static bool is_any_jobs(const Config *config, const char *name)
{
    for (size_t i = 0; i < config->job_count; i++) {
        if (strcmp(name, config->jobs[i].name) == 0 || names_table_of(name, &config->jobs[i]))
            return true;
    }
    return false;
}

static bool check_names(const RunOptions *options, Error *error)
{
    const Config *config = options->config;
    CLEANUP(free_ptr) const char **known = memory_zalloc(config->job_count, sizeof *known);
    for (size_t i = 0; i < config->job_count; i++)
        known[i] = config->jobs[i].name;
    for (size_t i = 0; i < options->name_count; i++) {
        if (is_any_jobs(config, options->names[i]))
            continue;
        const char *near = nearest_word(options->names[i], known, config->job_count);
        error_set(error, ERROR_USAGE, "there is no job named \"%s\" in %s", options->names[i],
                  config->path);
        if (near)
            error_hint(error, "did you mean \"%s\"?", near);
        return false;
    }
    return true;
}

static const char *target_name(const RunOptions *options, const JobConfig *config,
                               const char *table, Arena *arena)
{
    if (config->target_table)
        return config->target_table;
    const char *prefix = options->config->destination.table_prefix;
    return arena_printf(arena, "%s%s", prefix ? prefix : "", table);
}

static TableRef target_of(const RunOptions *options, const JobConfig *config, const char *table,
                          Arena *arena)
{
    const char *dataset = config->target_dataset;
    if (!dataset)
        dataset = drivers_default_dataset(options->drivers, &options->config->destination);
    return (TableRef){.dataset = dataset, .table = target_name(options, config, table, arena)};
}

static void add_query(const RunOptions *options, const JobConfig *config, Arena *arena,
                      JobList *list)
{
    RunJob job = {
        .config = config,
        .name = config->name,
        .relation = {.query = config->query},
        .relation_text = config->query,
        .target = target_of(options, config, config->name, arena),
    };
    add_job(list, &job);
}

static bool add_table(const RunOptions *options, const JobConfig *config, const char *text,
                      Arena *arena, JobList *list, Error *error)
{
    RunJob job = {.config = config, .name = config->name, .relation_text = text};
    if (!relation_ref_parse(text, arena, &job.relation, error))
        return error_prefix(error, "job %s", config->name);
    if (config->tables.count > 1)
        job.name = arena_printf(arena, "%s.%s", config->name, job.relation.name);
    job.target = target_of(options, config, job.relation.name, arena);
    add_job(list, &job);
    return true;
}

static bool list_pattern(Session *session, const JobConfig *config, const char *pattern,
                         Arena *arena, RelationList *ret_found, Error *error)
{
    Source *source;
    if (!session_source(session, config->connection, &source, error) ||
        !source->ops->list(source, pattern, config->with_views, arena, ret_found, error))
        return error_prefix(error, "looking for tables that match \"%s\"", pattern);
    if (ret_found->count > 0)
        return true;
    error_set(error, ERROR_SOURCE, "no table matches \"%s\"", pattern);
    return error_hint(error, "`bqferry discover` lists what there is");
}

static void add_unexpanded(const RunOptions *options, const JobConfig *config, const char *pattern,
                           const Error *error, Arena *arena, JobList *list)
{
    Error *kept = ARENA_NEW(arena, Error);
    *kept = *error;
    RunJob job = {
        .config = config,
        .name = config->name,
        .relation_text = pattern,
        .target = target_of(options, config, pattern, arena),
        .error = kept,
    };
    add_job(list, &job);
}

static void add_pattern(Session *session, const RunOptions *options, const JobConfig *config,
                        const char *pattern, Arena *arena, JobList *list)
{
    RelationList found = {0};
    Error error = {0};
    if (!list_pattern(session, config, pattern, arena, &found, &error))
        add_unexpanded(options, config, pattern, &error, arena, list);
    for (size_t i = 0; i < found.count; i++) {
        const SourceTable *table = &found.tables[i];
        RunJob job = {
            .config = config,
            .name = arena_printf(arena, "%s.%s", config->name, table->name),
            .relation = {.schema = table->schema, .name = table->name},
            .relation_text = arena_printf(arena, "%s.%s", table->schema, table->name),
            .target = target_of(options, config, table->name, arena),
        };
        add_job(list, &job);
    }
}

static bool add_config(Session *session, const RunOptions *options, const JobConfig *config,
                       Arena *arena, JobList *list, Error *error)
{
    if (config->query)
        add_query(options, config, arena, list);
    for (size_t i = 0; i < config->tables.count; i++) {
        const char *text = config->tables.items[i];
        bool is_pattern = strchr(text, '*') && !strchr(text, '"');
        if (is_pattern)
            add_pattern(session, options, config, text, arena, list);
        else if (!add_table(options, config, text, arena, list, error))
            return false;
    }
    return true;
}

static const char *qualified_name(const RunJob *job, Arena *arena)
{
    const RelationRef *relation = &job->relation;
    return arena_printf(arena, "%s.%s.%s", job->config->name,
                        relation->schema ? relation->schema : "",
                        relation->name ? relation->name : "");
}

static bool has_twin(const JobList *list, const RunJob *job)
{
    for (size_t i = 0; i < list->count; i++) {
        const RunJob *other = &list->jobs[i];
        if (other != job && other->config == job->config && strcmp(other->name, job->name) == 0)
            return true;
    }
    return false;
}

/* A name is where a job's state is kept: it must not depend on which other jobs run with it. So the
 * schema comes in when two tables of the job need it, or when any configured job has the name. */
static void qualify_names(const Config *config, JobList *list, Arena *arena)
{
    CLEANUP(free_ptr) const char **names = memory_zalloc(list->count, sizeof *names);
    for (size_t i = 0; i < list->count; i++) {
        const RunJob *job = &list->jobs[i];
        const JobConfig *namesake = config_job(config, job->name);
        bool taken = (namesake && namesake != job->config) || has_twin(list, job);
        names[i] = taken && !job->error ? qualified_name(job, arena) : job->name;
    }
    for (size_t i = 0; i < list->count; i++)
        list->jobs[i].name = names[i];
}

static bool check_unique_names(const JobList *list, Error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        for (size_t j = i + 1; j < list->count; j++) {
            const RunJob *left = &list->jobs[i], *right = &list->jobs[j];
            if (left->config == right->config || strcmp(left->name, right->name) != 0)
                continue;
            error_set(error, ERROR_CONFIG, "the jobs %s (%s) and %s (%s) would both be called %s",
                      left->config->name, left->relation_text, right->config->name,
                      right->relation_text, left->name);
            return error_hint(error, "rename one of them");
        }
    }
    return true;
}

static bool check_targets(const JobList *list, Error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        for (size_t j = i + 1; j < list->count; j++) {
            const RunJob *left = &list->jobs[i], *right = &list->jobs[j];
            if (left->error || right->error ||
                strcasecmp(left->target.table, right->target.table) != 0 ||
                strcasecmp(left->target.dataset, right->target.dataset) != 0)
                continue;
            error_set(error, ERROR_CONFIG, "%s (%s) and %s (%s) would both write the table %s",
                      left->name, left->relation_text, right->name, right->relation_text,
                      left->target.table);
            return error_hint(error, "give one of them its own `target:` table or dataset");
        }
    }
    return true;
}

/* A name below a pattern's job that none of its tables has. */
static bool check_found(const RunOptions *options, const RunJobs *jobs, Error *error)
{
    for (size_t i = 0; i < options->name_count; i++) {
        bool found = config_job(options->config, options->names[i]) != NULL;
        for (size_t j = 0; !found && j < jobs->count; j++)
            found = jobs->jobs[j].error || strcmp(jobs->jobs[j].name, options->names[i]) == 0;
        if (!found)
            return error_set(error, ERROR_USAGE,
                             "there is no job named \"%s\": no table of that name "
                             "is there",
                             options->names[i]);
    }
    return true;
}

bool run_jobs_select(Session *session, const RunOptions *options, Arena *arena, RunJobs *ret_jobs,
                     Error *error)
{
    if (!check_names(options, error))
        return false;
    CLEANUP(free_list) JobList list = {0};
    const Config *config = options->config;
    for (size_t i = 0; i < config->job_count; i++) {
        if (is_wanted(options, &config->jobs[i]) &&
            !add_config(session, options, &config->jobs[i], arena, &list, error))
            return false;
    }
    if (list.count == 0)
        return options->tag
                   ? error_set(error, ERROR_USAGE, "no job carries the tag \"%s\"", options->tag)
                   : error_set(error, ERROR_CONFIG, "%s has no jobs", config->path);
    qualify_names(config, &list, arena);
    if (!check_unique_names(&list, error) || !check_targets(&list, error))
        return false;
    RunJob *jobs = ARENA_ARRAY(arena, RunJob, list.count);
    size_t count = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (is_named(options, &list.jobs[i]))
            jobs[count++] = list.jobs[i];
    }
    *ret_jobs = (RunJobs){jobs, count};
    return check_found(options, ret_jobs, error);
}
