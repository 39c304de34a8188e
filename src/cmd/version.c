/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>

typedef struct VersionSettings {
    char nothing;
} VersionSettings;

static const Option options[] = {{0}};

static const CommandExample examples[] = {
    {"bqferry version", "the version, and the sources and targets that this build has"},
    {NULL, NULL},
};

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    (void)settings;
    (void)error;
    const Drivers *drivers = context->app->drivers;
    printf("bqferry %s\nsources:", BQFERRY_VERSION);
    for (size_t i = 0; drivers->sources[i]; i++)
        printf(" %s", drivers->sources[i]->type);
    fputs("\ntargets:", stdout);
    for (size_t i = 0; drivers->targets[i]; i++)
        printf(" %s", drivers->targets[i]->type);
    putchar('\n');
    *ret_exit_code = 0;
    return true;
}

const Command command_version = {
    .name = "version",
    .summary = "prints the version and what this build can read and write",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(VersionSettings),
    .without_config = true,
    .run = run,
};
