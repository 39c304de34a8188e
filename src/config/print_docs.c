/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "config/keys.h"

#include <string.h>

enum { COMMENT_WIDTH = 90, SECTIONS_MAX = 32, DOCS_MAX = 192, EXPECTATION_SIZE = 256 };

/* Sections that were printed, so that a shared one is printed once. */
typedef struct Printed {
    const KeySection *sections[SECTIONS_MAX];
    size_t count;
} Printed;

/* Where the example stands. */
typedef struct Example {
    FILE *out;
    int indent;
    bool item;         /* the next key begins an item of a list */
    bool commented;    /* all of it stands behind a # */
    const char **said; /* comments that stand further up already; DOCS_MAX of them, then NULL */
} Example;

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Printed by `bqferry config docs`; do not edit. -->\n"
    "\n"
    "bqferry reads `bqferry.yaml` from the working directory, or the file that `--config` names. "
    "`bqferry init` writes a first one, `bqferry config validate` looks it over, and `bqferry config "
    "schema` prints a JSON Schema (draft 2020-12) for editors. Unknown keys, wrong types and missing "
    "variables are errors with file, line and column, all of them at once.\n"
    "\n"
    "## Values\n"
    "\n"
    "- `${VAR}` stands for an environment variable; a missing one is an error. `${VAR:-default}` has a "
    "default for one that is missing or empty. `${file:PATH}` stands for a file's content without its "
    "last line break. Write `$${` for the two characters `${`.\n"
    "- They are expanded after the YAML is read: what comes in is always part of that one value, never "
    "new keys or items. A key whose value expands to nothing counts as not said. Inside `{ }` and "
    "`[ ]`, put a value with `${…}` in quotes.\n"
    "- A file `.env` beside the configuration is read too: lines `NAME=VALUE`, `export` allowed before "
    "them, `#` comments, single and double quotes. The environment wins.\n"
    "- Relative paths start at the folder of the configuration, also in included files.\n"
    "- Durations are numbers with `ms`, `s`, `m`, `h` or `d`: `90s`, `1h30m`. Sizes are numbers with "
    "`B`, `kB`, `MB`, `GB`, `TB` (powers of 1,000) or `KiB`, `MiB`, `GiB`, `TiB` (powers of 1,024).\n"
    "- Included files hold `connections` and `jobs` (and `version`, if you like), nothing else.\n"
    "- Tags (`!…`) and merge keys (`<<`) are refused; anchors and aliases work.\n";

/* A | would end the table's cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_words(FILE *out, const char *const *words)
{
    for (const char *const *word = words; *word; word++)
        fprintf(out, "%s`%s`", word == words ? "" : ", ", *word);
}

static void print_type(FILE *out, const ConfigKey *key)
{
    char text[EXPECTATION_SIZE];
    if (key->type == KEY_WORD)
        print_words(out, key->words);
    else if (key->type == KEY_SECTION || key->type == KEY_NAMED_SECTIONS ||
             key->type == KEY_SECTION_LIST)
        fprintf(out, "%s [`%s`](#%s)", key->type == KEY_SECTION_LIST ? "list of" : "mapping",
                key->section->title, key->section->id);
    else
        print_cell(out, key_expectation(key, text, sizeof text));
}

static void print_default(FILE *out, const ConfigKey *key)
{
    if (key->required)
        fputs("**required**", out);
    else if (key->otherwise_text)
        print_cell(out, key->otherwise_text);
    else if (key->otherwise)
        fprintf(out, "`%s`", key->otherwise);
}

static void print_section(FILE *out, const KeySection *section)
{
    fprintf(out, "\n## <a id=\"%s\"></a>`%s`\n\n", section->id, section->title);
    if (*section->doc)
        fprintf(out, "%s\n\n", section->doc);
    fputs("| Key | Value | Default | Meaning |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < section->count; i++) {
        const ConfigKey *key = &section->keys[i];
        fprintf(out, "| `%s` | ", key->name);
        print_type(out, key);
        fputs(" | ", out);
        print_default(out, key);
        fputs(" | ", out);
        print_cell(out, key->doc);
        if (key->only_for) {
            fputs(" Only for type ", out);
            print_words(out, key->only_for);
            fputc('.', out);
        }
        fputs(" |\n", out);
    }
}

static bool was_printed(const Printed *printed, const KeySection *section)
{
    for (size_t i = 0; i < printed->count; i++) {
        if (printed->sections[i] == section)
            return true;
    }
    return printed->count == SECTIONS_MAX;
}

static void print_sections(FILE *out, const KeySection *section, Printed *printed)
{
    if (was_printed(printed, section))
        return;
    printed->sections[printed->count++] = section;
    print_section(out, section);
    for (size_t i = 0; i < section->count; i++) {
        if (section->keys[i].section)
            print_sections(out, section->keys[i].section, printed);
    }
}

static bool is_said_already(const Example *example, const char *text)
{
    size_t i = 0;
    for (; i < DOCS_MAX && example->said[i]; i++) {
        if (strcmp(example->said[i], text) == 0)
            return true;
    }
    if (i < DOCS_MAX)
        example->said[i] = text;
    return false;
}

/* Cut between words; only the first time that it would be said. */
static void print_comment(const Example *example, const char *text)
{
    if (is_said_already(example, text))
        return;
    int width = COMMENT_WIDTH - example->indent;
    while (*text) {
        int length = (int)strlen(text);
        if (length > width) {
            for (length = width; length > 1 && text[length] != ' ';)
                length--;
        }
        fprintf(example->out, "%*s# %.*s\n", example->indent, "", length, text);
        text += length;
        text += *text == ' ';
    }
}

static void print_key(Example *example, const ConfigKey *key)
{
    int indent = example->item ? example->indent - 2 : example->indent;
    fprintf(example->out, "%*s%s%s%s:", indent, "", example->item ? "- " : "",
            key->commented || example->commented ? "# " : "", key->name);
    example->item = false;
}

static void print_example(const Example *outer, const KeySection *section);

static void print_inner_example(const Example *outer, const ConfigKey *key)
{
    Example inner = {outer->out, outer->indent + 2, false, outer->commented || key->commented,
                     outer->said};
    if (key->type == KEY_NAMED_SECTIONS) {
        fprintf(outer->out, "%*s%s:\n", inner.indent, "", key->section->example_name);
        inner.indent += 2;
    } else if (key->type == KEY_SECTION_LIST) {
        inner.indent += 2;
        inner.item = true;
    }
    print_example(&inner, key->section);
}

static void print_example(const Example *outer, const KeySection *section)
{
    Example example = *outer;
    for (size_t i = 0; i < section->count; i++) {
        const ConfigKey *key = &section->keys[i];
        print_comment(&example, key->doc);
        print_key(&example, key);
        if (key->section) {
            fputc('\n', example.out);
            print_inner_example(&example, key);
        } else {
            fprintf(example.out, " %s\n", key->example);
        }
    }
}

void config_print_docs(FILE *out)
{
    Printed printed = {0};
    const char *said[DOCS_MAX] = {0};
    const Example example = {out, 0, false, false, said};
    fputs(introduction, out);
    print_sections(out, &keys_main, &printed);
    fputs("\n## A complete example\n\n"
          "Every key there is; lines behind a `#` are alternatives to others.\n\n```yaml\n",
          out);
    print_example(&example, &keys_main);
    fputs("```\n", out);
}
