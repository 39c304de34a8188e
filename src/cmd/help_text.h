/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/help_text.h: help, printed from the option arrays. */
#pragma once

#include "cmd/command.h"

#include <stdio.h>

/* One line or more: "usage: bqferry run [JOB…] [--tag TAG] …". */
void help_print_usage(FILE *out, const Command *command, Arena *arena);

/* Everything about one command. */
void help_print_command(FILE *out, const Command *command, Arena *arena);

/* All commands in a line each, and where to begin. */
void help_print_overview(FILE *out, const App *app);

/* docs/cli.md */
void help_print_markdown(FILE *out, const App *app, Arena *arena);
