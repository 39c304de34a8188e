/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/app.h"

#include "base/log.h"
#include "base/nearest.h"
#include "cmd/help_text.h"
#include "cmd/url.h"
#include "config/scalar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};

const Option global_options[] = {
    {OPTION_TEXT, 0, "config", "FILE", "bqferry.yaml", NULL, "the configuration",
     offsetof(Globals, config)},
    {OPTION_TEXT, 0, "log-format", NULL, "text", log_formats,
     "how lines on standard error look; json has Cloud Logging's fields",
     offsetof(Globals, log_format)},
    {OPTION_TEXT, 0, "log-level", NULL, "info", log_levels, "the least that is logged",
     offsetof(Globals, log_level)},
    {OPTION_FLAG, 'q', "quiet", NULL, NULL, NULL, "print nothing but errors",
     offsetof(Globals, quiet)},
    {OPTION_FLAG, 'h', "help", NULL, NULL, NULL, "print this help", offsetof(Globals, help)},
    {OPTION_FLAG, 'V', "version", NULL, NULL, NULL, "print the version",
     offsetof(Globals, version)},
    {0},
};

const Command *command_find(const App *app, const char *name)
{
    for (const Command *const *command = app->commands; *command; command++) {
        if (strcmp((*command)->name, name) == 0)
            return *command;
    }
    return NULL;
}

bool command_fail_unknown(const App *app, const char *name, Arena *arena, Error *error)
{
    size_t count = 0;
    while (app->commands[count])
        count++;
    const char **names = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        names[i] = app->commands[i]->name;
    const char *near = nearest_word(name, names, count);
    error_set(error, ERROR_USAGE, "there is no command \"%s\"", name);
    return near ? error_hint(error, "did you mean bqferry %s?", near)
                : error_hint(error, "bqferry help lists the commands");
}

int command_fold_exit_code(int before, int own)
{
    if (own == 0)
        return before;
    return before == 0 || before == own ? own : error_exit_code(ERROR_INTERNAL);
}

bool command_duration(const char *option, const char *text, int64_t *ret_milliseconds, Error *error)
{
    return scalar_duration_ms(text, ret_milliseconds) ||
           error_set(error, ERROR_USAGE, "%s: expected a duration such as 30s, 5m or 2h, found %s",
                     option, text);
}

bool command_fail_config(const ConfigErrors *errors, const char *name, Error *error)
{
    if (errors->count == 0)
        return false;
    for (size_t i = 0; i < errors->count; i++)
        log_event(LOG_ERROR, NULL, "%s", errors->messages[i]);
    return error_set(error, ERROR_CONFIG, "%s has %zu mistake%s; nothing was done", name,
                     errors->count, errors->count == 1 ? "" : "s");
}

bool command_load_config(const CommandContext *context, Config *config, Error *error)
{
    const char *path = context->globals->config;
    ConfigErrors errors = {0};
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        error_set(error, ERROR_CONFIG, "there is no configuration %s", path);
        return error_hint(error, "bqferry init writes one; --config FILE names another");
    }
    if (config_load(path, config, &errors, error))
        return true;
    command_fail_config(&errors, path, error);
    return error_hint(error, "bqferry config docs explains every key");
}

static void configure_log(const Globals *globals)
{
    LogLevel level = LOG_INFO;
    for (size_t i = 0; log_levels[i]; i++) {
        if (strcmp(globals->log_level, log_levels[i]) == 0)
            level = (LogLevel)i;
    }
    if (globals->quiet && level < LOG_ERROR)
        level = LOG_ERROR;
    log_configure(level, strcmp(globals->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT);
}

static Words hide_words(int argc, char **argv, Arena *arena)
{
    size_t count = argc > 1 ? (size_t)argc - 1 : 0;
    const char **items = ARENA_ARRAY(arena, const char *, count);
    const char **shown = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        items[i] = arena_strdup(arena, argv[i + 1]);
        url_hide_passwords(argv[i + 1]);
        shown[i] = argv[i + 1];
    }
    return (Words){items, shown, count};
}

static Words words_after(const Words *words, size_t used)
{
    return (Words){words->items + used, words->shown + used, words->count - used};
}

static bool config_was_named(const Globals *globals)
{
    return strcmp(globals->config, global_options[0].otherwise) != 0;
}

/* One call of the program. */
typedef struct Invocation {
    const App *app;
    Arena arena;
    Globals globals;
    const Command *command; /* NULL until it is known */
    bool understood;        /* its words were read */
    int exit_code;
} Invocation;

static bool run_command(Invocation *call, const Words *words, Error *error)
{
    const Command *command = call->command;
    Arena *arena = &call->arena;
    OptionGroup groups[] = {{command->options, arena_zalloc(arena, 1, command->settings_size)},
                            {global_options, &call->globals}};
    if (!options_parse(groups, 2, words, arena, error))
        return false;
    configure_log(&call->globals);
    if (call->globals.help) {
        help_print_command(stdout, command, arena);
        return true;
    }
    if (!options_complete(&groups[0], error))
        return false;
    if (command->without_config && config_was_named(&call->globals))
        return error_set(error, ERROR_USAGE,
                         "bqferry %s reads no configuration: leave --config out", command->name);
    call->understood = true;
    CommandContext context = {call->app, &call->globals, arena};
    return command->run(&context, groups[0].settings, &call->exit_code, error);
}

static bool dispatch(Invocation *call, const Words *words, Error *error)
{
    OptionGroup group = {global_options, &call->globals};
    size_t used = 0;
    if (!options_parse_leading(&group, words, &call->arena, &used, error))
        return false;
    configure_log(&call->globals);
    if (call->globals.version) {
        call->command = &command_version;
        Words none = {0};
        return run_command(call, &none, error);
    }
    if (used == words->count) {
        help_print_overview(stdout, call->app);
        call->exit_code = call->globals.help ? 0 : error_exit_code(ERROR_USAGE);
        return true;
    }
    call->command = command_find(call->app, words->items[used]);
    if (!call->command)
        return command_fail_unknown(call->app, words->shown[used], &call->arena, error);
    Words rest = words_after(words, used + 1);
    return run_command(call, &rest, error);
}

/* Nobody sees results that could not be written: that is a failure. */
static int flush_results(int exit_code)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed)
        return exit_code;
    if (errno != EPIPE) {
        Error error = {0};
        error_set_errno(&error, ERROR_INTERNAL, errno, "cannot write to standard output");
        log_error(NULL, &error);
    }
    return exit_code ? exit_code : error_exit_code(ERROR_INTERNAL);
}

int app_main(const App *app, int argc, char **argv)
{
    Invocation call = {.app = app};
    Words words = hide_words(argc, argv, &call.arena);
    Error error = {0};
    if (!dispatch(&call, &words, &error)) {
        log_error(NULL, &error);
        call.exit_code = error_exit_code(error.kind);
        bool text = !call.globals.log_format || strcmp(call.globals.log_format, "text") == 0;
        if (call.command && !call.understood && text)
            help_print_usage(stderr, call.command, &call.arena);
    }
    int exit_code = flush_results(call.exit_code);
    arena_done(&call.arena);
    return exit_code;
}
