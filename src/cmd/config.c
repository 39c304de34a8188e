/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>
#include <string.h>

typedef struct ConfigSettings {
    const char *what;
} ConfigSettings;

static const char *const choices[] = {"schema", "docs", "validate", NULL};

static const Option options[] = {
    {OPTION_ARGUMENT, 0, "WHAT", NULL, NULL, choices,
     "schema: a JSON Schema for editors; docs: docs/configuration.md; validate: read the "
     "configuration and name every mistake in it",
     offsetof(ConfigSettings, what)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry config validate", "every mistake of bqferry.yaml, with file, line and column"},
    {"bqferry config schema > bqferry.schema.json",
     "completion in editors: begin the file with # yaml-language-server: $schema=bqferry.schema.json"},
    {"bqferry config docs | less", "every key, its default and its meaning"},
    {NULL, NULL},
};

static bool validate(const CommandContext *context, Error *error)
{
    CLEANUP(config_done) Config config = {0};
    if (!command_load_config(context, &config, error))
        return false;
    if (!context->globals->quiet)
        printf("%s is valid: %zu connection%s, %zu job%s\n", context->globals->config,
               config.connection_count, config.connection_count == 1 ? "" : "s", config.job_count,
               config.job_count == 1 ? "" : "s");
    return true;
}

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const ConfigSettings *own = settings;
    *ret_exit_code = 0;
    if (strcmp(own->what, "validate") == 0)
        return validate(context, error);
    if (strcmp(own->what, "schema") == 0)
        config_print_schema(stdout);
    else
        config_print_docs(stdout);
    return true;
}

const Command command_config = {
    .name = "config",
    .summary = "checks the configuration, or prints its reference and its JSON Schema",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(ConfigSettings),
    .run = run,
};
