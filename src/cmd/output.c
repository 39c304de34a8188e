/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"

#include "base/visible.h"
#include "cmd/text_width.h"

#include <string.h>

void output_table_init(OutputTable *table, const OutputColumn *columns, Arena *arena)
{
    *table = (OutputTable){.arena = arena, .columns = columns};
    while (columns[table->column_count].title)
        table->column_count++;
}

static void grow(OutputTable *table)
{
    if (table->row_count < table->capacity)
        return;
    size_t capacity = table->capacity ? table->capacity * 2 : 16;
    const char **cells = ARENA_ARRAY(table->arena, const char *, capacity * table->column_count);
    if (table->row_count)
        memcpy(cells, table->cells, table->row_count * table->column_count * sizeof *cells);
    table->cells = cells;
    table->capacity = capacity;
}

void output_table_add(OutputTable *table, const char *const *cells)
{
    grow(table);
    const char **row = table->cells + table->row_count++ * table->column_count;
    for (size_t i = 0; i < table->column_count; i++) {
        const char *text = text_visible(cells[i] ? cells[i] : "", table->arena);
        size_t most = table->columns[i].most;
        row[i] = most ? text_cut(text, most, table->arena) : text;
    }
}

static void print_spaces(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* 0 for a column that holds no text at all. */
static size_t column_width(const OutputTable *table, size_t column)
{
    size_t widest = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        size_t width = text_width(view_of(table->cells[row * table->column_count + column]));
        widest = width > widest ? width : widest;
    }
    size_t title = text_width(view_of(table->columns[column].title));
    return widest && title > widest ? title : widest;
}

/* Spaces are owed until a later text needs them, so that no line ends in spaces. */
static void print_row(const OutputTable *table, const char *const *cells, const size_t *widths,
                      FILE *out)
{
    size_t owed = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] == 0)
            continue;
        size_t pad = widths[i] - text_width(view_of(cells[i]));
        bool right = table->columns[i].right;
        if (cells[i][0]) {
            print_spaces(out, owed + (right ? pad : 0));
            fputs(cells[i], out);
            owed = right ? 0 : pad;
        } else {
            owed += pad;
        }
        owed += 2;
    }
    fputc('\n', out);
}

void output_table_print(const OutputTable *table, FILE *out, size_t indent)
{
    if (table->row_count == 0)
        return;
    size_t *widths = ARENA_ARRAY(table->arena, size_t, table->column_count);
    const char **titles = ARENA_ARRAY(table->arena, const char *, table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = column_width(table, i);
        titles[i] = table->columns[i].title;
    }
    print_spaces(out, indent);
    print_row(table, titles, widths, out);
    for (size_t row = 0; row < table->row_count; row++) {
        print_spaces(out, indent);
        print_row(table, table->cells + row * table->column_count, widths, out);
    }
}

/* Prints one line's words; returns where the next line of the text begins, or NULL. */
static const char *wrap_line(FILE *out, const char *line, size_t indent, size_t width)
{
    const char *end = line + strcspn(line, "\n");
    size_t column = 0;
    while (line < end) {
        size_t length = strcspn(line, " \n");
        size_t taken = text_width((StrView){line, length});
        if (column == 0 || column + 1 + taken > width) {
            if (column)
                fputc('\n', out);
            print_spaces(out, indent);
            column = indent + taken;
        } else {
            fputc(' ', out);
            column += 1 + taken;
        }
        visible_print(out, (StrView){line, length});
        line += length;
        line += strspn(line, " ");
    }
    fputc('\n', out);
    return *end ? end + 1 : NULL;
}

void output_wrapped(FILE *out, const char *text, size_t indent, size_t width)
{
    while (text && *text) {
        if (*text != ' ') {
            text = wrap_line(out, text, indent, width);
            continue;
        }
        size_t length = strcspn(text, "\n");
        print_spaces(out, indent);
        visible_print(out, (StrView){text, length});
        fputc('\n', out);
        text = text[length] ? text + length + 1 : NULL;
    }
}
