/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"
#include "run/upkeep.h"

#include <stdio.h>

typedef struct GcSettings {
    const char *older_than;
    bool dry_run;
} GcSettings;

static const Option options[] = {
    {OPTION_TEXT, 0, "older-than", "TIME", "1d", NULL,
     "only what was begun at least so long ago: 6h, 2d; runs with a state elsewhere may be younger",
     offsetof(GcSettings, older_than)},
    {OPTION_FLAG, 0, "dry-run", NULL, NULL, NULL, "say what would be removed, and leave it",
     offsetof(GcSettings, dry_run)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry gc --dry-run", "what is left over in the destination"},
    {NULL, NULL},
};

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const GcSettings *own = settings;
    CLEANUP(config_done) Config config = {0};
    int64_t older_than_ms;
    GcList list;
    *ret_exit_code = 0;
    if (!command_duration("--older-than", own->older_than, &older_than_ms, error) ||
        !command_load_config(context, &config, error))
        return false;
    RunOptions run_options = {.config = &config, .drivers = context->app->drivers};
    if (!upkeep_gc(&run_options, older_than_ms, own->dry_run, context->arena, &list, error))
        return false;
    for (size_t i = 0; i < list.count; i++)
        printf("%s %s (run %s)\n", own->dry_run ? "would remove" : "removed", list.items[i].what,
               list.items[i].run_id);
    if (list.count == 0 && !context->globals->quiet)
        printf("nothing to remove%s\n", older_than_ms > 0
                                            ? arena_printf(context->arena,
                                                           ": nothing was begun more than %s "
                                                           "ago that no state knows",
                                                           own->older_than)
                                            : "");
    return true;
}

const Command command_gc = {
    .name = "gc",
    .summary = "removes staging tables and files that no run owns",
    .description =
        "A run that is interrupted leaves what it staged, and its state knows of it: the job's next run "
        "removes it. What is left when the state is gone as well is removed here. Interrupted runs that a "
        "state of this configuration knows are never touched.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(GcSettings),
    .run = run,
};
