/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/connect.h"
#include "cmd/discover_print.h"
#include "cmd/discover_target.h"
#include "run/jobs.h"

#include <string.h>

enum { SAMPLE_ROWS = 3 };

typedef struct DiscoverSettings {
    const char *connection;
    const char *what;
    bool json;
} DiscoverSettings;

static const Option options[] = {
    {OPTION_ARGUMENT, 0, "CONNECTION", NULL, NULL, NULL,
     "a connection of the configuration, a URL, or the word destination",
     offsetof(DiscoverSettings, connection)},
    {OPTION_OPTIONAL, 0, "WHAT", NULL, NULL, NULL,
     "a SCHEMA, a pattern (\"public.o*\"), or one SCHEMA.TABLE; without it, everything (of a "
     "destination: a DATASET or DATASET.TABLE)",
     offsetof(DiscoverSettings, what)},
    {OPTION_FLAG, 0, "json", NULL, NULL, NULL, "print all of it as JSON",
     offsetof(DiscoverSettings, json)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry discover shop", "every table and view of the connection shop, with sizes and keys"},
    {"bqferry discover shop public.orders",
     "one table: columns, the types they get, cursor candidates, three rows"},
    {"bqferry discover postgresql://me@localhost/shop public --json", "without a configuration"},
    {"bqferry discover destination raw_data.orders",
     "a table of the destination: columns, partitions, rows"},
    {NULL, NULL},
};

static bool is_pattern(const char *what)
{
    return !what || strchr(what, '*') || !strchr(what, '.');
}

static bool list(const CommandContext *context, Source *source, const DiscoverSettings *own,
                 Error *error)
{
    Arena *arena = context->arena;
    const char *pattern = own->what ? own->what : "*";
    if (own->what && !strchr(own->what, '.'))
        pattern = arena_printf(arena, "%s.*", own->what);
    RelationList relations = {0};
    if (!source->ops->list(source, pattern, true, arena, &relations, error))
        return false;
    if (own->json)
        discover_print_list_json(&relations, stdout);
    else
        discover_print_list(&relations, stdout, arena);
    return true;
}

/* A name that cannot be mapped (odd names, …) is shown with its error instead of a type. */
static void map_columns(const Source *source, DiscoveredTable *found, Arena *arena)
{
    found->mappings = ARENA_ARRAY(arena, ColumnPlan, found->table.column_count);
    found->errors = ARENA_ARRAY(arena, Error, found->table.column_count);
    for (size_t i = 0; i < found->table.column_count; i++) {
        MappingOptions mapping = {.select = &found->table.columns[i].name, .select_count = 1};
        TablePlan plan = {0};
        if (mapping_plan(&found->table, &mapping, source->ops->map_column, arena, &plan,
                         &found->errors[i]))
            found->mappings[i] = plan.columns[0];
    }
}

static bool describe(const CommandContext *context, Source *source, const DiscoverSettings *own,
                     Error *error)
{
    Arena *arena = context->arena;
    RelationRef relation = {0};
    DiscoveredTable found = {0};
    if (!relation_ref_parse(own->what, arena, &relation, error) ||
        !source->ops->describe(source, &relation, arena, &found.table, error) ||
        !source->ops->sample(source, &found.table, SAMPLE_ROWS, arena, &found.sample, error))
        return false;
    map_columns(source, &found, arena);
    if (own->json)
        discover_print_table_json(&found, stdout, arena);
    else
        discover_print_table(&found, stdout, arena);
    return true;
}

/* The destination, which is none of the connections. */
static bool is_destination(const Config *config, const char *name)
{
    return strcmp(name, "destination") == 0 && !config_connection(config, name);
}

static bool list_target(const CommandContext *context, Target *target, const char *dataset,
                        bool as_json, Error *error)
{
    TargetTableList list = {0};
    if (!target->ops->list) {
        error_set(error, ERROR_USAGE, "this destination cannot list what it holds");
        return error_hint(error, "name a table: bqferry discover destination DATASET.TABLE");
    }
    if (!target->ops->list(target, dataset, context->arena, &list, error))
        return false;
    if (as_json)
        discover_print_target_list_json(&list, stdout);
    else
        discover_print_target_list(&list, stdout, context->arena);
    return true;
}

static bool describe_target(const CommandContext *context, Target *target, const char *name,
                            bool as_json, Error *error)
{
    Arena *arena = context->arena;
    const char *dot = strchr(name, '.');
    const TableRef table = {arena_strndup(arena, name, (size_t)(dot - name)), dot + 1};
    TargetTable found = {0};
    if (!target->ops->describe(target, &table, arena, &found, error))
        return false;
    if (!found.exists)
        return error_set(error, ERROR_CONFIG, "the destination has no table %s", name);
    if (as_json)
        discover_print_target_json(&table, &found, stdout);
    else
        discover_print_target(&table, &found, stdout, arena);
    return true;
}

static bool discover_target(const CommandContext *context, const Config *config,
                            const DiscoverSettings *own, Error *error)
{
    CLEANUP(target_close_ptr) Target *target = NULL;
    if (!drivers_open_target(context->app->drivers, &config->destination, &target, error))
        return false;
    bool is_table = own->what && strchr(own->what, '.');
    return is_table ? describe_target(context, target, own->what, own->json, error)
                    : list_target(context, target, own->what, own->json, error);
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const DiscoverSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    CLEANUP(source_close_ptr) Source *source = NULL;
    *ret_exit_code = 0;
    if (strcmp(own->connection, "destination") == 0) {
        if (!command_load_config(context, &config, error))
            return false;
        if (is_destination(&config, own->connection))
            return discover_target(context, &config, own, error);
        config_done(&config);
    }
    if (!connect_source(context, own->connection, &config, &source, error))
        return false;
    return is_pattern(own->what) ? list(context, source, own, error)
                                 : describe(context, source, own, error);
}

const Command command_discover = {
    .name = "discover",
    .summary = "shows what a connection holds: tables, columns, types, keys, sizes, samples",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(DiscoverSettings),
    .run = run,
};
