/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help_text.h"

#include "cmd/output.h"
#include "cmd/text_width.h"

#include <ctype.h>
#include <string.h>

enum { WIDTH = 100, INDENT = 2 };

/* "SOURCE_URL", "[JOB…]", "--load replace|append", "-q, --quiet" */
static const char *option_head(const Option *option, bool with_letter, Arena *arena)
{
    if (option_is_position(option))
        return option->name;
    const char *value = option_value_text(option, arena);
    const char *letter =
        with_letter && option->letter ? arena_printf(arena, "-%c, ", option->letter) : "";
    return arena_printf(arena, "%s--%s%s%s", letter, option->name, *value ? " " : "", value);
}

static const char *option_usage(const Option *option, Arena *arena)
{
    const char *head = option_head(option, false, arena);
    switch (option->kind) {
    case OPTION_ARGUMENT:
        return option->choices ? option_value_text(option, arena) : head;
    case OPTION_REST:
        return arena_printf(arena, "[%s…]", head);
    case OPTION_LIST:
        return arena_printf(arena, "[%s]…", head);
    default:
        return arena_printf(arena, "[%s]", head);
    }
}

static const char *option_help(const Option *option, Arena *arena)
{
    if (!option->otherwise)
        return option->help;
    return arena_printf(arena, "%s (default: %s)", option->help, option->otherwise);
}

/* Parts are kept whole: only between them may a line end. */
static void print_part(FILE *out, const char *part, size_t indent, size_t *column)
{
    size_t width = text_width(view_of(part));
    if (*column + 1 + width > WIDTH) {
        fprintf(out, "\n%*s", (int)indent, "");
        *column = indent;
    }
    fprintf(out, " %s", part);
    *column += 1 + width;
}

void help_print_usage(FILE *out, const Command *command, Arena *arena)
{
    size_t column = (size_t)fprintf(out, "usage: bqferry %s", command->name);
    size_t indent = column;
    for (const Option *option = command->options; option->name; option++) {
        if (option_is_position(option))
            print_part(out, option_usage(option, arena), indent, &column);
    }
    for (const Option *option = command->options; option->name; option++) {
        if (!option_is_position(option))
            print_part(out, option_usage(option, arena), indent, &column);
    }
    fputc('\n', out);
}

/* "  head      help, wrapped under itself" */
static void print_entry(FILE *out, const char *head, const char *help, size_t head_width)
{
    size_t width = text_width(view_of(head));
    fprintf(out, "%*s%s", INDENT, "", head);
    size_t indent = INDENT + head_width + 2;
    if (width > head_width)
        fprintf(out, "\n%*s", (int)indent, "");
    else
        fprintf(out, "%*s", (int)(head_width - width + 2), "");
    size_t column = indent;
    while (*help) {
        size_t length = strcspn(help, " ");
        size_t taken = text_width((StrView){help, length});
        if (column > indent && column + 1 + taken > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        column += (size_t)fprintf(out, "%s", column > indent ? " " : "") + taken;
        fwrite(help, 1, length, out);
        help += length + (help[length] == ' ');
    }
    fputc('\n', out);
}

static void print_options(FILE *out, const char *title, const Option *options, bool positions,
                          Arena *arena)
{
    enum { HEAD_MOST = 26 };
    size_t head_width = 0;
    bool any = false;
    for (const Option *option = options; option->name; option++) {
        size_t width = text_width(view_of(option_head(option, true, arena)));
        if (option_is_position(option) != positions)
            continue;
        any = true;
        head_width = width <= HEAD_MOST && width > head_width ? width : head_width;
    }
    if (!any)
        return;
    fprintf(out, "\n%s\n", title);
    for (const Option *option = options; option->name; option++) {
        if (option_is_position(option) == positions)
            print_entry(out, option_head(option, true, arena), option_help(option, arena),
                        head_width);
    }
}

void help_print_command(FILE *out, const Command *command, Arena *arena)
{
    fprintf(out, "bqferry %s: %s\n\n", command->name, command->summary);
    help_print_usage(out, command, arena);
    if (command->description) {
        fputc('\n', out);
        output_wrapped(out, command->description, 0, WIDTH);
    }
    print_options(out, "Arguments:", command->options, true, arena);
    print_options(out, "Options:", command->options, false, arena);
    /* --config comes first in the table. */
    const Option *shared = global_options + command->without_config;
    print_options(out, "Options of every command:", shared, false, arena);
    fputs("\nExamples:\n", out);
    for (const CommandExample *example = command->examples; example->line; example++)
        fprintf(out, "  %s\n      %s\n", example->line, example->does);
}

void help_print_overview(FILE *out, const App *app)
{
    fputs(
        "bqferry carries PostgreSQL, MySQL and MariaDB tables into a warehouse: Google BigQuery, a DuckDB\n"
        "file, or Avro and NDJSON files.\n"
        "\n"
        "Begin with one table and no configuration:\n"
        "  bqferry copy postgresql://user:password@host/shop public.orders duckdb:warehouse.duckdb\n"
        "\n"
        "or write a configuration and run it:\n"
        "  bqferry init && bqferry check && bqferry plan && bqferry run\n"
        "\nCommands:\n",
        out);
    size_t widest = 0;
    for (const Command *const *command = app->commands; *command; command++) {
        size_t width = strlen((*command)->name);
        widest = width > widest ? width : widest;
    }
    for (const Command *const *command = app->commands; *command; command++)
        print_entry(out, (*command)->name, (*command)->summary, widest);
    fputs("\nMore: bqferry COMMAND --help\n", out);
}

static void print_markdown_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        if (*text == '<')
            fputs("&lt;", out);
        else
            fputc(*text, out);
    }
}

static void print_markdown_options(FILE *out, const Option *options, Arena *arena)
{
    if (!options->name)
        return;
    fputs("\n| Option | Meaning |\n|---|---|\n", out);
    for (const Option *option = options; option->name; option++) {
        fputs("| `", out);
        for (const char *at = option_head(option, true, arena); *at; at++)
            fprintf(out, "%s%c", *at == '|' ? "\\" : "", *at);
        fputs("` | ", out);
        print_markdown_text(out, option_help(option, arena));
        fputs(" |\n", out);
    }
}

static void print_markdown_command(FILE *out, const Command *command, Arena *arena)
{
    fprintf(out, "\n## bqferry %s\n\n", command->name);
    fputc(toupper((unsigned char)command->summary[0]), out);
    print_markdown_text(out, command->summary + 1);
    fputs(".\n\n```\n", out);
    help_print_usage(out, command, arena);
    fputs("```\n", out);
    if (command->description) {
        fputc('\n', out);
        output_wrapped(out, command->description, 0, WIDTH);
    }
    print_markdown_options(out, command->options, arena);
    fputs("\n```sh\n", out);
    for (const CommandExample *example = command->examples; example->line; example++)
        fprintf(out, "# %s\n%s\n", example->does, example->line);
    fputs("```\n", out);
}

static const char exit_codes[] =
    "\n## Exit codes\n\n"
    "| Code | Meaning |\n|---|---|\n"
    "| 0 | everything was done |\n"
    "| 1 | jobs failed for different reasons, the run was stopped by a signal, or an internal error |\n"
    "| 2 | the command line or the configuration is wrong |\n"
    "| 3 | the source cannot be reached, or refused |\n"
    "| 4 | the target cannot be reached, or refused |\n"
    "| 5 | a value was refused by the column's `on_invalid` policy |\n"
    "| 6 | verification found differences |\n"
    "| 7 | another run holds the job or the target |\n"
    "\nWhen all failed jobs of a run failed for the same kind of reason, the code is that kind's; otherwise "
    "it is 1.\n"
    "Results go to standard output; logs and progress go to standard error.\n";

void help_print_markdown(FILE *out, const App *app, Arena *arena)
{
    fputs(
        "# Command line\n\n"
        "This page is printed by `bqferry help --markdown`; change the option tables in `src/cmd/`.\n\n"
        "```\nbqferry COMMAND [options]\n```\n\n"
        "| Command | Does |\n|---|---|\n",
        out);
    for (const Command *const *command = app->commands; *command; command++) {
        fprintf(out, "| [`%s`](#bqferry-%s) | ", (*command)->name, (*command)->name);
        print_markdown_text(out, (*command)->summary);
        fputs(" |\n", out);
    }
    fputs("\n## Options of every command\n", out);
    print_markdown_options(out, global_options, arena);
    for (const Command *const *command = app->commands; *command; command++)
        print_markdown_command(out, *command, arena);
    fputs(exit_codes, out);
}
