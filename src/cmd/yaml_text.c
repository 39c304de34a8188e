/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/yaml_text.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What YAML 1.1 reads as something else than a text. */
static bool is_reserved(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_plain(const char *text)
{
    if ((!is_letter(text[0]) && text[0] != '/') || is_reserved(text))
        return false;
    for (const char *at = text; *at; at++) {
        if (!is_letter(*at) && !strchr("0123456789.-/", *at))
            return false;
    }
    return true;
}

static void print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte == '\n')
            fputs("\\n", out);
        else if (byte < 0x20 || byte == 0x7F)
            fprintf(out, "\\x%02x", byte);
        else if (strncmp(at, "${", 2) == 0)
            fputs("$$", out);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

void yaml_text_print(FILE *out, const char *text)
{
    if (is_plain(text))
        fputs(text, out);
    else
        print_quoted(out, text);
}

void yaml_text_print_list(FILE *out, const char *const *items, size_t count)
{
    fputc('[', out);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        yaml_text_print(out, items[i]);
    }
    fputc(']', out);
}

bool yaml_text_check(const char *what, const char *text, Error *error)
{
    if (!text || utf8_is_valid(view_of(text)))
        return true;
    return error_set(error, ERROR_USAGE, "%s is not valid UTF-8 text", what);
}
