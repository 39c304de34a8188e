/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/command.h: what a command is. Each has a file of its own; main.c lists them. */
#pragma once

#include "cmd/options.h"
#include "run/drivers.h"

typedef struct Command Command;

/* The options that every command takes. */
typedef struct Globals {
    const char *config;
    const char *log_format;
    const char *log_level;
    bool quiet;
    bool help;
    bool version;
} Globals;

/* What main.c knows. */
typedef struct App {
    const Command *const *commands; /* ends with NULL */
    const Drivers *drivers;
} App;

typedef struct CommandContext {
    const App *app;
    const Globals *globals;
    Arena *arena; /* lives as long as the command */
} CommandContext;

typedef struct CommandExample {
    const char *line;
    const char *does;
} CommandExample;

struct Command {
    const char *name;
    const char *summary;     /* one line */
    const char *description; /* paragraphs, a line each; may be NULL */
    const Option *options;
    const CommandExample *examples; /* ends with a line of NULL */
    size_t settings_size;           /* of the struct that the options write to */
    bool without_config;            /* --config means nothing to it */
    /* Returns false with an error that nobody has printed yet; else *ret_exit_code is set. */
    bool (*run)(const CommandContext *context, void *settings, int *ret_exit_code, Error *error);
};

/* The options of Globals. */
extern const Option global_options[];

extern const Command command_backfill;
extern const Command command_check;
extern const Command command_config;
extern const Command command_copy;
extern const Command command_discover;
extern const Command command_gc;
extern const Command command_help;
extern const Command command_init;
extern const Command command_plan;
extern const Command command_run;
extern const Command command_runs;
extern const Command command_state;
extern const Command command_version;

/* NULL when there is none. */
const Command *command_find(const App *app, const char *name);

/* ERROR_USAGE with the nearest name. */
bool command_fail_unknown(const App *app, const char *name, Arena *arena, Error *error);

/* What several exit codes come to: 0, the one that all that are not 0 share, or 1. */
int command_fold_exit_code(int before, int own);

/* "30s", "5m", "0" of an option, in milliseconds; ERROR_USAGE. */
bool command_duration(const char *option, const char *text, int64_t *ret_milliseconds,
                      Error *error);

/* Reads the file that --config names. On failure every mistake but the summary, which is *error,
 * has been printed. Call config_done either way. */
bool command_load_config(const CommandContext *context, Config *config, Error *error);

/* Prints what config_load or config_parse found and makes *error the summary. Returns false. */
bool command_fail_config(const ConfigErrors *errors, const char *name, Error *error);
