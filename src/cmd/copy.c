/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "cmd/command.h"
#include "cmd/connect.h"
#include "cmd/copy_config.h"
#include "cmd/display.h"
#include "cmd/execute.h"
#include "cmd/results.h"
#include "cmd/yaml_text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct CopySettings {
    const char *source_url, *table, *target_url;
    const char *query, *target_table;
    const char *load, *columns, *where, *on_invalid, *format;
    int64_t workers, limit;
    const char *state, *report, *progress;
    bool write_config;
} CopySettings;

static const char *const loads[] = {"replace", "append", NULL};
static const char *const formats[] = {"avro", "ndjson", NULL};
static const char *const policies[] = {"fail", "null", "clamp", "string", NULL};

static const Option options[] = {
    {OPTION_ARGUMENT, 0, "SOURCE_URL", NULL, NULL, NULL,
     "postgresql://user:password@host:port/database; what is left out is taken from PG* variables and "
     "~/.pgpass, as psql does",
     offsetof(CopySettings, source_url)},
    {OPTION_OPTIONAL, 0, "TABLE", NULL, NULL, NULL,
     "schema.table, or a pattern such as \"public.*\" for one copy a table; left out with --query",
     offsetof(CopySettings, table)},
    {OPTION_ARGUMENT, 0, "TARGET_URL", NULL, NULL, NULL,
     "bigquery://PROJECT/DATASET[?location=EU&bucket=NAME], duckdb:FILE[?dataset=SCHEMA], "
     "files:DIR[?format=ndjson] or files:gs://BUCKET/PREFIX",
     offsetof(CopySettings, target_url)},
    {OPTION_TEXT, 0, "load", NULL, "replace", loads, "replace the target's rows, or add to them",
     offsetof(CopySettings, load)},
    {OPTION_TEXT, 0, "columns", "A,B,…", NULL, NULL, "only these columns, in this order",
     offsetof(CopySettings, columns)},
    {OPTION_TEXT, 0, "where", "SQL", NULL, NULL, "only rows for which this condition holds",
     offsetof(CopySettings, where)},
    {OPTION_TEXT, 0, "query", "SQL", NULL, NULL, "read this query instead of a table",
     offsetof(CopySettings, query)},
    {OPTION_TEXT, 0, "as", "NAME", NULL, NULL,
     "the target table's name; without it the source table's, or query for a query",
     offsetof(CopySettings, target_table)},
    {OPTION_TEXT, 0, "on-invalid", NULL, NULL, policies,
     "what becomes of a value that the target's type cannot hold; without it the copy fails",
     offsetof(CopySettings, on_invalid)},
    {OPTION_POSITIVE, 0, "workers", "N", NULL, NULL, "readers of one table at once",
     offsetof(CopySettings, workers)},
    {OPTION_COUNT, 0, "limit", "N", NULL, NULL, "at most this many rows of each table; 0 for all",
     offsetof(CopySettings, limit)},
    {OPTION_TEXT, 0, "format", NULL, NULL, formats, "of a files: or bigquery: target",
     offsetof(CopySettings, format)},
    {OPTION_TEXT, 0, "state", "DIR", ".bqferry/", NULL,
     "where the copy remembers how far it is, so that it can be repeated after a crash",
     offsetof(CopySettings, state)},
    {OPTION_TEXT, 0, "report", "FILE", NULL, NULL,
     "write what was done as JSON, also on failure; - is standard output",
     offsetof(CopySettings, report)},
    {OPTION_TEXT, 0, "progress", NULL, "auto", display_choices,
     "how progress is shown; auto: live lines on a terminal, else plain lines",
     offsetof(CopySettings, progress)},
    {OPTION_FLAG, 0, "write-config", NULL, NULL, NULL,
     "print the configuration file that this command amounts to, and copy nothing",
     offsetof(CopySettings, write_config)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry copy postgresql://me@localhost/shop public.orders duckdb:warehouse.duckdb",
     "one table into a DuckDB file"},
    {"bqferry copy postgresql://me@localhost/shop 'public.*' files:exports/ --format ndjson",
     "a whole schema into compressed NDJSON files"},
    {"bqferry copy \"$SHOP_URL\" public.orders bigquery://my-project/raw_data",
     "one table into BigQuery, with the credentials that gcloud knows"},
    {"bqferry copy \"$SHOP_URL\" --query 'SELECT id, total FROM orders' --as totals duckdb:w.duckdb",
     "a query's rows into a table named totals"},
    {"bqferry copy \"$SHOP_URL\" public.orders duckdb:w.duckdb --write-config > bqferry.yaml",
     "keep it as a configuration and go on with bqferry run"},
    {NULL, NULL},
};

static bool check_target_type(const Drivers *drivers, const char *type, Arena *arena, Error *error)
{
    size_t count = 0;
    while (drivers->targets[count])
        count++;
    const char **names = ARENA_ARRAY(arena, const char *, count);
    const char *known = "";
    for (size_t i = 0; i < count; i++) {
        names[i] = drivers->targets[i]->type;
        if (strcmp(names[i], type) == 0)
            return true;
        known = arena_printf(arena, "%s%s%s:", known, i ? ", " : "", names[i]);
    }
    const char *near = nearest_word(type, names, count);
    error_set(error, ERROR_USAGE, "TARGET_URL: there is no target \"%s:\" (known: %s)", type,
              known);
    return near ? error_hint(error, "did you mean %s:?", near) : false;
}

static bool has_parameter(const TargetUrl *target, const char *key)
{
    for (size_t i = 0; i < target->parameter_count; i++) {
        if (strcmp(target->parameters[i].key, key) == 0)
            return true;
    }
    return false;
}

static bool check_texts(const CopyRequest *request, Error *error)
{
    bool fine = yaml_text_check("SOURCE_URL", request->source_url, error) &&
                yaml_text_check("TABLE", request->table, error) &&
                yaml_text_check("TARGET_URL", request->target.path, error) &&
                yaml_text_check("--query", request->query, error) &&
                yaml_text_check("--where", request->where, error) &&
                yaml_text_check("--as", request->target_table, error) &&
                yaml_text_check("--state", request->state, error);
    for (size_t i = 0; fine && i < request->columns.count; i++)
        fine = yaml_text_check("--columns", request->columns.items[i], error);
    for (size_t i = 0; fine && i < request->target.parameter_count; i++)
        fine = yaml_text_check("TARGET_URL", request->target.parameters[i].value, error) &&
               yaml_text_check("TARGET_URL", request->target.parameters[i].key, error);
    return fine;
}

static bool check_what(const CopySettings *own, const CopyRequest *request, Error *error)
{
    if (own->table && own->query)
        return error_set(error, ERROR_USAGE, "give a TABLE or --query, not both") ||
               error_hint(error, "--as NAME names the target table of a query");
    if (!own->table && !own->query)
        return error_set(error, ERROR_USAGE, "copy needs three words: SOURCE_URL TABLE TARGET_URL");
    if (own->format && has_parameter(&request->target, "format"))
        return error_set(error, ERROR_USAGE,
                         "the format is said twice: in TARGET_URL and by --format");
    return true;
}

static bool make_request(const CommandContext *context, const CopySettings *own,
                         CopyRequest *ret_request, Error *error)
{
    const Drivers *drivers = context->app->drivers;
    const SourceDriver *driver = drivers_source_of_url(drivers, own->source_url);
    *ret_request = (CopyRequest){
        .source_type = driver ? driver->type : NULL,
        .source_url = own->source_url,
        .table = own->table,
        .query = own->query,
        .target_table = own->query && !own->target_table ? "query" : own->target_table,
        .format = own->format,
        .load = own->load,
        .on_invalid = own->on_invalid,
        .where = own->where,
        .columns = text_list_split(own->columns, context->arena),
        .workers = own->workers,
        .limit = own->limit,
        .state = own->state,
    };
    if (!driver)
        return error_set(error, ERROR_USAGE, "SOURCE_URL should begin with one of %s",
                         connect_known_schemes(drivers, context->arena));
    return url_parse_target(own->target_url, context->arena, &ret_request->target, error) &&
           check_target_type(drivers, ret_request->target.type, context->arena, error) &&
           check_what(own, ret_request, error) && check_texts(ret_request, error);
}

static void print_shell_word(const char *word)
{
    if (word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-")] ==
            0 &&
        *word) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, stdout);
    putchar('\'');
}

/* As the bq command line spells it: "PROJECT:DATASET", or "DATASET". */
static const char *bigquery_name(const TargetUrl *target, Arena *arena)
{
    const TargetParameter *first = target->parameters;
    bool has_project = strcmp(first->key, "project") == 0;
    return has_project ? arena_printf(arena, "%s:%s", first->value, first[1].value) : first->value;
}

static void print_next(const CopyRequest *request, const RunReport *report, Arena *arena)
{
    if (report->job_count == 0 || run_report_exit_code(report) != 0)
        return;
    fputs("\nNext:\n  ", stdout);
    if (strcmp(request->target.type, "duckdb") == 0) {
        fputs("duckdb ", stdout);
        print_shell_word(request->target.path);
        fputs(" 'SHOW ALL TABLES'", stdout);
    } else if (!request->target.path) {
        fputs("bq ls ", stdout);
        print_shell_word(bigquery_name(&request->target, arena));
    } else {
        fputs(strstr(request->target.path, "://") ? "gcloud storage ls " : "ls ", stdout);
        print_shell_word(request->target.path);
    }
    fputs(
        "   # what arrived\n  bqferry copy … --write-config > bqferry.yaml   # keep it: then bqferry run\n",
        stdout);
}

static bool copy(const CommandContext *context, const CopySettings *own, const CopyRequest *request,
                 int *ret_exit_code, Error *error)
{
    char directory[PATH_MAX];
    if (!getcwd(directory, sizeof directory))
        return error_set(error, ERROR_CONFIG, "the working directory does not exist any more");
    Arena *arena = context->arena;
    const char *job = copy_job_name(request, directory, arena);
    const char *text = copy_config_text(request, job, false, arena);
    setenv(COPY_URL_VARIABLE, request->source_url, 1);
    CLEANUP(config_done) Config config = {0};
    ConfigErrors errors = {0};
    if (!config_parse(text, "copy", directory, &config, &errors, error)) {
        command_fail_config(&errors, "the configuration that this command amounts to", error);
        return error_hint(error, "--write-config prints that configuration");
    }
    ExecuteOptions execute = {
        .run = {.config = &config, .limit = request->limit},
        .progress = own->progress,
        .by_table = true,
        .report_path = own->report,
    };
    CLEANUP(run_report_done) RunReport report = {0};
    if (!execute_jobs(context, &execute, &report, ret_exit_code, error))
        return false;
    bool report_on_stdout = own->report && strcmp(own->report, "-") == 0;
    if (!context->globals->quiet && !report_on_stdout)
        print_next(request, &report, arena);
    return true;
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const CopySettings *own = settings;
    CopyRequest request;
    execute_remove_report(own->report);
    if (!make_request(context, own, &request, error))
        return false;
    if (!own->write_config)
        return copy(context, own, &request, ret_exit_code, error);
    const char *name = copy_table_name(&request, context->arena);
    fputs(copy_config_text(&request, name, true, context->arena), stdout);
    return true;
}

const Command command_copy = {
    .name = "copy",
    .summary = "copies a table without a configuration file",
    .description =
        "Reads one table (or all that match a pattern, or a query) under one snapshot and makes its rows "
        "visible in the target in one atomic step. Killed at any moment, the same command brings it to "
        "its end: nothing arrives twice and nothing is missing.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(CopySettings),
    .without_config = true,
    .run = run,
};
