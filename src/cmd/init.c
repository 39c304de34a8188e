/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ask.h"
#include "cmd/connect.h"
#include "cmd/init_files.h"
#include "cmd/yaml_text.h"
#include "format/file.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ENV_FILE_MAX = 1024 * 1024, TABLES_SHOWN = 40 };

#define DEFAULT_VARIABLE "SOURCE_URL"
#define DEFAULT_TARGET "duckdb:warehouse.duckdb"
#define DEFAULT_TABLE "public.*"

typedef struct InitSettings {
    const char *source;
    const char *source_url_env;
    TextList tables;
    const char *to;
    bool write_env;
    bool force;
} InitSettings;

static const Option options[] = {
    {OPTION_TEXT, 0, "source", "URL", NULL, NULL,
     "the source; a password in it is never written to the configuration",
     offsetof(InitSettings, source)},
    {OPTION_TEXT, 0, "source-url-env", "NAME", NULL, NULL,
     "let this environment variable stand for the source's URL; SOURCE_URL when one is needed and "
     "none is named",
     offsetof(InitSettings, source_url_env)},
    {OPTION_LIST, 0, "table", "SCHEMA.TABLE", NULL, NULL,
     "a table or a pattern, one job each; public.* when none is given, of MySQL and MariaDB the "
     "database's",
     offsetof(InitSettings, tables)},
    {OPTION_TEXT, 0, "to", "TARGET_URL", NULL, NULL,
     "bigquery://PROJECT/DATASET, duckdb:FILE or files:DIR; duckdb:warehouse.duckdb when not given",
     offsetof(InitSettings, to)},
    {OPTION_FLAG, 0, "write-env", NULL, NULL, NULL,
     "write the URL with its password to .env, readable by its owner only",
     offsetof(InitSettings, write_env)},
    {OPTION_FLAG, 0, "force", NULL, NULL, NULL, "overwrite files that are there",
     offsetof(InitSettings, force)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry init", "ask for everything, on a terminal"},
    {"bqferry init --source-url-env SHOP_URL --table public.orders --to duckdb:warehouse.duckdb",
     "without questions; SHOP_URL is set elsewhere"},
    {"bqferry init --source \"$SHOP_URL\" --table 'public.*' --to files:exports/ --write-env",
     "without questions; the password goes into .env"},
    {"bqferry init --source-url-env SHOP_URL --table 'public.*' --to bigquery://my-project/raw_data",
     "into BigQuery"},
    {NULL, NULL},
};

typedef struct Init {
    const CommandContext *context;
    const InitSettings *own;
    InitChoices choices;
    const char *directory; /* of the configuration, with a slash, or "" */
    bool asks;
    bool write_env;
} Init;

static void show_tables(const Init *init, const char *url)
{
    Error error = {0};
    Arena *arena = init->context->arena;
    CLEANUP(source_close_ptr) Source *source = NULL;
    RelationList list = {0};
    if (!connect_url(init->context, url, &source, &error) ||
        !source->ops->list(source, "*", false, arena, &list, &error)) {
        fprintf(stderr, "  (not reachable now: %s)\n", error.message);
        return;
    }
    for (size_t i = 0; i < list.count && i < TABLES_SHOWN; i++)
        fprintf(stderr, "  %s.%s\n", list.tables[i].schema, list.tables[i].name);
    if (list.count > TABLES_SHOWN)
        fprintf(stderr, "  … and %zu more\n", list.count - TABLES_SHOWN);
}

/* A variable that is set already says what its URL will be. */
static const SourceDriver *driver_of(const Drivers *drivers, const char *url, const char *variable)
{
    const char *known = url || !variable ? url : getenv(variable);
    return known ? drivers_source_of_url(drivers, known) : drivers->sources[0];
}

static bool choose_source(Init *init, Error *error)
{
    const InitSettings *own = init->own;
    const Drivers *drivers = init->context->app->drivers;
    Arena *arena = init->context->arena;
    const char *scheme = drivers->sources[0]->url_schemes[0];
    const char *url = own->source;
    if (!url && !own->source_url_env && init->asks &&
        !ask_text(arena_printf(arena, "Source, %s://USER:PASSWORD@HOST/DATABASE", scheme), NULL,
                  arena, &url, error))
        return false;
    const SourceDriver *driver = driver_of(drivers, url, own->source_url_env);
    if (!driver)
        return error_set(error, ERROR_USAGE, "the source should begin with one of %s",
                         connect_known_schemes(drivers, arena));
    init->choices.source_type = driver->type;
    init->choices.source_url = url;
    char *shown = arena_strdup(arena, url);
    bool secret = url && url_hide_passwords(shown);
    init->choices.url_variable = own->source_url_env;
    if (!own->source_url_env && (secret || !url))
        init->choices.url_variable = DEFAULT_VARIABLE;
    init->write_env = own->write_env;
    if (secret && !own->write_env && init->asks)
        return ask_yes("Write the URL with its password to .env (readable by you only)", arena,
                       &init->write_env, error);
    return true;
}

/* public.*, or where a schema is a database: that of the URL, which ends in /NAME?… */
static const char *default_tables(const InitChoices *choices, Arena *arena)
{
    if (strcmp(choices->source_type, "postgresql") == 0)
        return DEFAULT_TABLE;
    const char *authority = choices->source_url ? strstr(choices->source_url, "://") : NULL;
    const char *path = authority ? strchr(authority + 3, '/') : NULL;
    size_t length = path ? strcspn(path + 1, "?") : 0;
    return length ? arena_printf(arena, "%.*s.*", (int)length, path + 1) : "*";
}

static bool choose_tables(Init *init, Error *error)
{
    Arena *arena = init->context->arena;
    init->choices.tables = init->own->tables;
    if (init->own->tables.count)
        return true;
    const char *usual = default_tables(&init->choices, arena), *answer = usual;
    if (init->asks) {
        if (init->choices.source_url)
            show_tables(init, init->choices.source_url);
        if (!ask_text("Tables or patterns, separated by commas", usual, arena, &answer, error))
            return false;
    }
    init->choices.tables = text_list_split(answer, arena);
    return init->choices.tables.count || error_set(error, ERROR_USAGE, "no table was named");
}

static bool choose_target(Init *init, Error *error)
{
    Arena *arena = init->context->arena;
    const char *target = init->own->to ? init->own->to : DEFAULT_TARGET;
    if (!init->own->to && init->asks &&
        !ask_text("Target, bigquery://PROJECT/DATASET, duckdb:FILE or files:DIR", DEFAULT_TARGET,
                  arena, &target, error))
        return false;
    return url_parse_target(target, arena, &init->choices.target, error);
}

static bool check_variable(const char *name, Error *error)
{
    size_t length = name ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_")
                         : 0;
    if (!name || (length && name[length] == '\0' && !isdigit((unsigned char)name[0])))
        return true;
    return error_set(error, ERROR_USAGE, "--source-url-env: \"%s\" is no name of a variable", name);
}

static bool check_choices(const InitChoices *choices, Error *error)
{
    bool fine = check_variable(choices->url_variable, error) &&
                yaml_text_check("the source", choices->source_url, error) &&
                yaml_text_check("the target", choices->target.path, error);
    for (size_t i = 0; fine && i < choices->tables.count; i++)
        fine = yaml_text_check("--table", choices->tables.items[i], error);
    return fine;
}

/* The text must be what `config validate` accepts: what a person typed may not be. */
static bool validate(const Init *init, const char *text, Error *error)
{
    CLEANUP(config_done) Config config = {0};
    ConfigErrors errors = {0};
    char directory[PATH_MAX];
    const char *variable = init->choices.url_variable;
    if (!realpath(*init->directory ? init->directory : ".", directory))
        return error_set(error, ERROR_CONFIG, "there is no folder %s", init->directory);
    if (variable && !getenv(variable))
        setenv(variable, init->choices.source_url ? init->choices.source_url : "postgresql://", 0);
    if (config_parse(text, init->context->globals->config, directory, &config, &errors, error))
        return true;
    if (errors.count == 0)
        return false;
    return command_fail_config(&errors, "what was chosen", error);
}

static bool may_write(const Init *init, const char *path, Error *error)
{
    if (init->own->force || access(path, F_OK) != 0)
        return true;
    error_set(error, ERROR_CONFIG, "%s is there already; nothing was written", path);
    return error_hint(error, "--force overwrites it, --config FILE writes another one");
}

static bool write_env(const Init *init, Error *error)
{
    const InitChoices *choices = &init->choices;
    Arena *arena = init->context->arena;
    const char *path = arena_printf(arena, "%s.env", init->directory);
    StrView before = {0};
    if (!choices->source_url || !choices->url_variable)
        return error_set(error, ERROR_USAGE,
                         "--write-env needs --source with a password in its URL");
    if (!file_read(path, ENV_FILE_MAX, arena, &before, error))
        return false;
    bool replaces;
    const char *text =
        init_env_text(before.data, choices->url_variable, choices->source_url, arena, &replaces);
    if (replaces && !init->own->force) {
        error_set(error, ERROR_CONFIG, "%s has a value for %s already; nothing was written", path,
                  choices->url_variable);
        return error_hint(error, "--force replaces it");
    }
    /* The file is never, not even for a moment, readable by others. */
    mode_t mask = umask(S_IRWXG | S_IRWXO);
    bool written = file_replace(path, view_of(text), error);
    umask(mask);
    return written;
}

static bool write_files(const Init *init, const char *text, Error *error)
{
    Arena *arena = init->context->arena;
    const char *path = init->context->globals->config;
    const char *example = arena_printf(arena, "%senv.example", init->directory);
    if (!may_write(init, path, error) || !may_write(init, example, error))
        return false;
    if (init->write_env && !write_env(init, error))
        return false;
    return file_replace(example, view_of(init_example_text(&init->choices, arena)), error) &&
           file_replace(path, view_of(text), error);
}

static void print_next(const Init *init)
{
    const InitChoices *choices = &init->choices;
    printf("wrote %s and %senv.example%s\n\nNext:\n", init->context->globals->config,
           init->directory, init->write_env ? " and .env" : "");
    if (choices->url_variable && !init->write_env)
        printf("  export %s=%s://USER:PASSWORD@HOST/DATABASE   # or put it into .env\n",
               choices->url_variable, choices->source_type);
    fputs("  bqferry check\n  bqferry plan\n  bqferry run\n", stdout);
}

static const char *folder_of(const char *path, Arena *arena)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_strndup(arena, path, (size_t)(slash - path) + 1) : "";
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    Init init = {
        .context = context,
        .own = settings,
        .directory = folder_of(context->globals->config, context->arena),
        .asks = ask_possible() && !context->globals->quiet,
    };
    /* Said before the questions, not after. */
    if (!may_write(&init, context->globals->config, error))
        return false;
    if (!choose_source(&init, error) || !choose_tables(&init, error) ||
        !choose_target(&init, error) || !check_choices(&init.choices, error))
        return false;
    const char *text = init_config_text(&init.choices, context->arena);
    if (!validate(&init, text, error) || !write_files(&init, text, error))
        return false;
    if (!context->globals->quiet)
        print_next(&init);
    *ret_exit_code = 0;
    return true;
}

const Command command_init = {
    .name = "init",
    .summary = "writes a commented bqferry.yaml and an env.example, asking or from options",
    .description =
        "On a terminal it asks for what the options do not say, and lists the tables when the source "
        "can be reached. Nothing that is there is overwritten without --force.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(InitSettings),
    .run = run,
};
