/* SPDX-License-Identifier: Apache-2.0 */
#include "config/env_file.h"

#include <ctype.h>
#include <string.h>

typedef struct EnvReader {
    const char *next;
    int line;
    const char *file;
    Mistakes *mistakes;
    EnvFile *env;
} EnvReader;

static void skip_blanks(EnvReader *reader)
{
    reader->next += strspn(reader->next, " \t\r");
}

static void skip_line(EnvReader *reader)
{
    reader->next += strcspn(reader->next, "\n");
}

static void mistake(EnvReader *reader, int line, const char *message)
{
    mistakes_add(reader->mistakes, (ConfigPlace){reader->file, line, 1}, "%s", message);
}

static char unescaped(char letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

static bool is_escape(const char *text, char quote)
{
    return quote == '"' && *text == '\\' && text[1] && strchr("nt\"\\$", text[1]);
}

static size_t quoted_length(const char *text, char quote)
{
    size_t length = 0;
    while (text[length] && text[length] != quote)
        length += is_escape(text + length, quote) ? 2 : 1;
    return length;
}

/* From the opening quote to after the closing one. NULL, with a mistake, when that is missing. */
static const char *read_quoted(EnvReader *reader)
{
    int line = reader->line;
    char quote = *reader->next++;
    const char *last = reader->next + quoted_length(reader->next, quote);
    char *value = arena_alloc(reader->mistakes->arena, (size_t)(last - reader->next) + 1);
    char *end = value;
    for (; reader->next < last; reader->next++) {
        reader->line += *reader->next == '\n';
        *end++ = is_escape(reader->next, quote) ? unescaped(*++reader->next) : *reader->next;
    }
    *end = '\0';
    if (*last != quote) {
        mistake(reader, line, "the quote that begins here is never closed");
        return NULL;
    }
    reader->next++;
    return value;
}

/* To the end of the line or to a # after a blank. */
static const char *read_bare(EnvReader *reader)
{
    const char *start = reader->next;
    size_t length = strcspn(start, "\n");
    for (size_t i = 0; i < length; i++) {
        if (start[i] == '#' && (i == 0 || isblank((unsigned char)start[i - 1])))
            length = i;
    }
    reader->next += length;
    while (length > 0 && isspace((unsigned char)start[length - 1]))
        length--;
    return arena_strndup(reader->mistakes->arena, start, length);
}

static const char *read_value(EnvReader *reader)
{
    skip_blanks(reader);
    if (*reader->next != '"' && *reader->next != '\'')
        return read_bare(reader);
    const char *value = read_quoted(reader);
    skip_blanks(reader);
    if (value && *reader->next && *reader->next != '\n' && *reader->next != '#') {
        mistake(reader, reader->line, "only a comment may follow the closing quote");
        return NULL;
    }
    return value;
}

static void read_assignment(EnvReader *reader)
{
    if (strncmp(reader->next, "export", 6) == 0 && isblank((unsigned char)reader->next[6])) {
        reader->next += 6;
        skip_blanks(reader);
    }
    const char *name = reader->next;
    size_t length = env_name_length(name);
    reader->next += length;
    skip_blanks(reader);
    if (length == 0 || *reader->next != '=') {
        mistake(reader, reader->line,
                "expected NAME=VALUE (letters, digits and _ in the name), or # and a comment");
        return;
    }
    reader->next++;
    const char *value = read_value(reader);
    if (!value)
        return;
    Arena *arena = reader->mistakes->arena;
    EnvEntry *entry = ARENA_NEW(arena, EnvEntry);
    *entry = (EnvEntry){arena_strndup(arena, name, length), value, (EnvEntry *)reader->env->newest};
    reader->env->newest = entry;
}

void env_file_parse(StrView text, const char *file, Mistakes *mistakes, EnvFile *ret_env)
{
    *ret_env = (EnvFile){0};
    if (memchr(text.data, '\0', text.length)) {
        mistakes_add(mistakes, (ConfigPlace){file, 0, 0},
                     "the file holds NUL bytes: it is not a text");
        return;
    }
    EnvReader reader = {arena_strndup(mistakes->arena, text.data, text.length), 1, file, mistakes,
                        ret_env};
    while (*reader.next) {
        skip_blanks(&reader);
        if (*reader.next && *reader.next != '#' && *reader.next != '\n')
            read_assignment(&reader);
        skip_line(&reader);
        if (*reader.next == '\n') {
            reader.next++;
            reader.line++;
        }
    }
}

const char *env_file_get(const EnvFile *env, const char *name)
{
    for (const EnvEntry *entry = env->newest; entry; entry = entry->older) {
        if (strcmp(entry->name, name) == 0)
            return entry->value;
    }
    return NULL;
}

size_t env_name_length(const char *text)
{
    size_t length = 0;
    while (text[length] == '_' || isalpha((unsigned char)text[length]) ||
           (length > 0 && isdigit((unsigned char)text[length])))
        length++;
    return length;
}
