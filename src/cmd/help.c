/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"
#include "cmd/help_text.h"

typedef struct HelpSettings {
    const char *command;
    bool markdown;
} HelpSettings;

static const Option options[] = {
    {OPTION_OPTIONAL, 0, "COMMAND", NULL, NULL, NULL, "explain this command",
     offsetof(HelpSettings, command)},
    {OPTION_FLAG, 0, "markdown", NULL, NULL, NULL,
     "print docs/cli.md: everything about all commands", offsetof(HelpSettings, markdown)},
    {0},
};

static const CommandExample examples[] = {
    {"bqferry help run", "the same as bqferry run --help"},
    {NULL, NULL},
};

static bool run(const CommandContext *context, void *settings, int *ret_exit_code, Error *error)
{
    const HelpSettings *own = settings;
    const App *app = context->app;
    *ret_exit_code = 0;
    if (own->markdown) {
        help_print_markdown(stdout, app, context->arena);
        return true;
    }
    if (!own->command) {
        help_print_overview(stdout, app);
        return true;
    }
    const Command *command = command_find(app, own->command);
    if (!command)
        return command_fail_unknown(app, own->command, context->arena, error);
    help_print_command(stdout, command, context->arena);
    return true;
}

const Command command_help = {
    .name = "help",
    .summary = "lists the commands, or explains one",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(HelpSettings),
    .without_config = true,
    .run = run,
};
