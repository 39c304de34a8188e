/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rules.h"

#include "base/nearest.h"
#include "config/rules_destination.h"
#include "config/rules_incremental.h"
#include "config/rules_target.h"
#include "config/same.h"
#include "model/type_text.h"

#include <string.h>

enum { NAMES_SHOWN = 10 };

typedef struct Rules {
    RawConfig *raw;
    Mistakes *mistakes;
    Arena *arena;
    Config *config;
    const char *const *names; /* of the connections */
} Rules;

/* A bad name may be a URL with a password. */
static const char *name_text(const Rules *rules, const char *name)
{
    const KeyPath path = {NULL, name, 0};
    return key_path_text(&path, rules->arena);
}

/* "a, b, c", cut after a few. */
static const char *connection_names(const Rules *rules)
{
    const char *text = "";
    if (mistakes_full(rules->mistakes))
        return text;
    for (size_t i = 0; i < rules->raw->connection_count && i < NAMES_SHOWN; i++)
        text = arena_printf(rules->arena, "%s%s%s", text, i ? ", " : "",
                            name_text(rules, rules->names[i]));
    return rules->raw->connection_count > NAMES_SHOWN ? arena_printf(rules->arena, "%s, …", text)
                                                      : text;
}

/* The length of "postgresql" in "postgresql://…"; 0 when the text has no scheme. */
static size_t scheme_length(const char *url)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-";
    size_t length = strspn(url, letters);
    return length <= 20 && strncmp(url + length, "://", 3) == 0 ? length : 0;
}

/* The type that a URL's scheme says; NULL when it says none. */
static const char *type_of_scheme(const char *url, size_t length)
{
    static const struct {
        const char *scheme;
        const char *type;
    } schemes[] = {{"postgresql", "postgresql"},
                   {"postgres", "postgresql"},
                   {"mysql", "mysql"},
                   {"mariadb", "mariadb"}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strlen(schemes[i].scheme) == length && strncmp(url, schemes[i].scheme, length) == 0)
            return schemes[i].type;
    }
    return NULL;
}

static bool is_mysql(const char *type)
{
    return strcmp(type, "mysql") == 0 || strcmp(type, "mariadb") == 0;
}

/* mysql and mariadb are one. */
static bool same_type(const char *left, const char *right)
{
    return strcmp(left, right) == 0 || (is_mysql(left) && is_mysql(right));
}

/* "host=… dbname=…" */
static bool is_keywords(const char *url)
{
    return scheme_length(url) == 0 && strchr(url, '=');
}

static void check_url(const Rules *rules, RawConnection *connection)
{
    const RawElement *element = &connection->element;
    const char *url = connection->config.url;
    size_t length = scheme_length(url);
    const char *type = type_of_scheme(url, length);
    if (type) {
        if (!connection->config.type)
            connection->config.type = type;
        else if (!same_type(connection->config.type, type))
            mistakes_add(rules->mistakes, raw_place(element, KEYS_TO("url")),
                         "%s.url: expected one for type: %s, found one that begins with %.*s://",
                         element->label, connection->config.type, (int)length, url);
        return;
    }
    if (is_keywords(url))
        return;
    const char *found = length ? arena_printf(rules->arena, ", found one that begins with %.*s://",
                                              (int)length, url)
                               : "";
    mistakes_add(
        rules->mistakes, raw_place(element, KEYS_TO("url")),
        "%s.url: expected a URL that begins with postgresql://, mysql:// or mariadb://, or "
        "keywords such as host=db.example.com dbname=shop%s",
        element->label, found);
}

static void check_type(const Rules *rules, const RawConnection *connection)
{
    const RawElement *element = &connection->element;
    const YamlNode *url = yaml_get(element->node, "url");
    bool url_is_empty = !url || (url->kind == YAML_SCALAR && *url->text == '\0');
    bool url_has_none = connection->config.url && is_keywords(connection->config.url);
    if (connection->config.type || element->node->kind != YAML_MAPPING ||
        raw_is_said(element->node, "type") || !(url_is_empty || url_has_none))
        return;
    mistakes_add(
        rules->mistakes, element->place,
        "%s.type: is required: postgresql, mysql or mariadb (a url that begins with one of these "
        "says it too)",
        element->label);
}

static void apply_connections(const Rules *rules)
{
    RawConfig *raw = rules->raw;
    ConnectionConfig *connections =
        ARENA_ARRAY(rules->arena, ConnectionConfig, raw->connection_count);
    for (size_t i = 0; i < raw->connection_count; i++) {
        RawConnection *connection = &raw->connections[i];
        if (connection->config.url)
            check_url(rules, connection);
        check_type(rules, connection);
        connection->config.name = connection->element.name;
        connection->config.place = connection->element.place;
        connections[i] = connection->config;
    }
    rules->config->connections = connections;
    rules->config->connection_count = raw->connection_count;
}

static const char *near_connection(const Rules *rules, const char *wanted)
{
    if (mistakes_full(rules->mistakes))
        return "";
    const char *near = nearest_word(wanted, rules->names, rules->raw->connection_count);
    return near ? arena_printf(rules->arena, "; did you mean %s?", shown_text(near, rules->arena))
                : "";
}

static bool has_connection(const Rules *rules, const char *wanted)
{
    for (size_t i = 0; i < rules->raw->connection_count; i++) {
        if (strcmp(rules->names[i], wanted) == 0)
            return true;
    }
    return false;
}

static void check_connection_of(const Rules *rules, RawJob *job)
{
    const char *wanted = job->config.connection, *label = job->element.label;
    size_t count = rules->raw->connection_count;
    ConfigPlace place = raw_place(&job->element, KEYS_TO("source", "connection"));
    if (wanted && has_connection(rules, wanted))
        return;
    if (count == 0)
        mistakes_add(
            rules->mistakes, place,
            "%s.source.connection: there are no connections: declare one under connections:",
            label);
    else if (wanted)
        mistakes_add(rules->mistakes, place,
                     "%s.source.connection: no connection is named %s%s (there are: %s)", label,
                     shown_text(wanted, rules->arena), near_connection(rules, wanted),
                     connection_names(rules));
    else if (count == 1)
        job->config.connection = rules->names[0];
    else
        mistakes_add(rules->mistakes, place, "%s.source.connection: is required: one of %s", label,
                     connection_names(rules));
}

static bool takes_several_tables(const JobConfig *job)
{
    return job->tables.count > 1 || (job->tables.count == 1 && strchr(job->tables.items[0], '*'));
}

/* DATASET.NAME becomes its two parts. */
static void split_target(const Rules *rules, RawJob *job)
{
    JobConfig *config = &job->config;
    const char *dot = config->target_table ? strchr(config->target_table, '.') : NULL;
    if (!dot)
        return;
    const char *problem = NULL;
    if (config->target_dataset)
        problem = "has a dot, and target.dataset is said as well: write NAME here";
    else if (strchr(dot + 1, '.') || dot == config->target_table || dot[1] == '\0')
        problem = "expected NAME or DATASET.NAME";
    if (problem) {
        mistakes_add(rules->mistakes, raw_place(&job->element, KEYS_TO("target", "table")),
                     "%s.target.table: %s", job->element.label, problem);
        return;
    }
    config->target_dataset =
        arena_strndup(rules->arena, config->target_table, (size_t)(dot - config->target_table));
    config->target_table = dot + 1;
}

static void check_target(const Rules *rules, RawJob *job)
{
    const JobConfig *config = &job->config;
    if (config->query && !config->target_table)
        mistakes_add(rules->mistakes, raw_place(&job->element, KEYS_TO("source", "query")),
                     "%s.target.table: is required, because a query has no name to take it from",
                     job->element.label);
    if (config->target_table && takes_several_tables(config))
        mistakes_add(
            rules->mistakes, raw_place(&job->element, KEYS_TO("target", "table")),
            "%s.target.table: one table cannot take the several of source.table: leave it out "
            "(each keeps its own name), or write a job for each",
            job->element.label);
    split_target(rules, job);
}

static void check_load(const Rules *rules, RawJob *job)
{
    const char *load = job->options.load ? job->options.load : rules->raw->defaults.load;
    bool said = raw_is_said(job->element.node, "load") ||
                raw_is_said(yaml_get(rules->raw->element.node, "defaults"), "load");
    if (load)
        load_mode_parse(load, &job->config.load);
    else if (!said)
        mistakes_add(
            rules->mistakes, job->element.place,
            "%s.load: is required: choose append (adds rows to those in the target, again on "
            "each run), replace (puts them in the place of those in the target), upsert (updates "
            "and adds by key) or soft_delete (that, and marks what has vanished), here or in "
            "defaults.load",
            job->element.label);
}

/* Whether the source's column can become that type is for the plan to say. */
static void check_column_type(const Rules *rules, const RawElement *column, const char *type)
{
    Field field = {0};
    Error error = {0};
    if (type && !type_text_parse(type, &field, &error))
        mistakes_add(rules->mistakes, raw_place(column, KEYS_TO("type")), "%s: %s%s%s",
                     column->label, error.message, *error.hint ? "; " : "", error.hint);
}

static void apply_columns(const Rules *rules, RawJob *job)
{
    ColumnConfig *columns = ARENA_ARRAY(rules->arena, ColumnConfig, job->column_count);
    for (size_t i = 0; i < job->column_count; i++) {
        columns[i] = job->columns[i].config;
        columns[i].name = job->columns[i].element.name;
        columns[i].place = job->columns[i].element.place;
        check_column_type(rules, &job->columns[i].element, columns[i].type);
    }
    job->config.columns = columns;
    job->config.column_count = job->column_count;
}

static void apply_job(const Rules *rules, RawJob *job)
{
    const RawOptions *own = &job->options, *defaults = &rules->raw->defaults;
    job->config.place = job->element.place;
    if (job->element.node->kind != YAML_MAPPING)
        return;
    check_load(rules, job);
    rules_incremental(rules->raw, rules->mistakes, job);
    if (job->config.tables.count || job->config.query)
        check_connection_of(rules, job);
    check_target(rules, job);
    apply_columns(rules, job);
    rules_target_table(rules->raw, job, rules->mistakes, rules->arena);
    job->config.options = own->columns;
    job->config.options.place = job->element.place;
    job->config.workers = own->workers == CONFIG_UNSET ? defaults->workers : own->workers;
    job->config.retry_budget_ms = own->retries.budget_ms == CONFIG_UNSET
                                      ? defaults->retries.budget_ms
                                      : own->retries.budget_ms;
}

static void apply_jobs(const Rules *rules)
{
    JobConfig *jobs = ARENA_ARRAY(rules->arena, JobConfig, rules->raw->job_count);
    for (size_t i = 0; i < rules->raw->job_count; i++) {
        apply_job(rules, &rules->raw->jobs[i]);
        jobs[i] = rules->raw->jobs[i].config;
    }
    rules->config->jobs = jobs;
    rules->config->job_count = rules->raw->job_count;
}

/* What is not said of Cloud Storage is as for the destination. */
static void apply_state(const Rules *rules)
{
    StateConfig *own = &rules->raw->state;
    const BigQueryConfig *google = &rules->raw->destination.bigquery;
    Config *config = rules->config;
    config->reports_kept = own->reports;
    config->state_path = own->path;
    if (own->type && strcmp(own->type, "gcs") == 0) {
        own->prefix = own->prefix ? own->prefix : "bqferry-state";
        own->credentials = own->credentials ? own->credentials : google->credentials;
        own->endpoint = own->endpoint ? own->endpoint : google->endpoints.storage;
        own->retry_budget_ms = rules->raw->destination.retry_budget_ms;
        config->state_path =
            arena_printf(rules->arena, "gs://%s/%s", own->bucket ? own->bucket : "", own->prefix);
        if (!own->bucket)
            mistakes_add(rules->mistakes, raw_place(&rules->raw->element, KEYS_TO("state")),
                         "state.bucket: is required for the type gcs");
    }
    config->state = *own;
}

void rules_apply(RawConfig *raw, Mistakes *mistakes, Config *config)
{
    const char **names = ARENA_ARRAY(&config->arena, const char *, raw->connection_count);
    for (size_t i = 0; i < raw->connection_count; i++)
        names[i] = raw->connections[i].element.name;
    const Rules rules = {raw, mistakes, &config->arena, config, names};
    apply_connections(&rules);
    rules_destination(raw, mistakes, &config->arena);
    config->destination = raw->destination;
    apply_jobs(&rules);
    apply_state(&rules);
    config->parallel = raw->parallel;
    config->column_defaults = raw->defaults.columns;
    config->column_defaults.place = raw_place(&raw->element, KEYS_TO("defaults"));
    same_check(raw, mistakes);
}
