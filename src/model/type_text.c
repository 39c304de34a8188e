/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_text.h"

#include "base/nearest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TYPE_WORD_MAX = 32 };

static void skip_space(const char **text)
{
    while (isspace((unsigned char)**text))
        (*text)++;
}

static bool take(const char **text, char expected)
{
    skip_space(text);
    if (**text != expected)
        return false;
    (*text)++;
    return true;
}

/* Letters and digits, cut to fit: a longer word is no type's name anyway. */
static void take_word(const char **text, char *word)
{
    skip_space(text);
    size_t length = 0;
    for (; isalnum((unsigned char)**text) || **text == '_'; (*text)++) {
        if (length < TYPE_WORD_MAX - 1)
            word[length++] = **text;
    }
    word[length] = '\0';
}

static bool take_number(const char **text, int *ret_number)
{
    skip_space(text);
    if (!isdigit((unsigned char)**text))
        return false;
    char *end;
    long number = strtol(*text, &end, 10);
    *text = end;
    *ret_number = number > 1000 ? 1000 : (int)number;
    return true;
}

static bool unknown_type(const char *text, const char *word, Error *error)
{
    const char *names[TYPE_COUNT_];
    for (size_t i = 0; i < TYPE_COUNT_; i++)
        names[i] = type_kind_name((TypeKind)i);
    error_set(error, ERROR_CONFIG, "type \"%s\" is unknown", text);
    const char *nearest = nearest_word(word, names, TYPE_COUNT_);
    if (nearest)
        return error_hint(error, "did you mean %s?", nearest);
    return error_hint(error, "types are BOOL, INT64, FLOAT64, NUMERIC(p,s), BIGNUMERIC(p,s), "
                             "STRING, BYTES, DATE, TIME, DATETIME, TIMESTAMP, INTERVAL, JSON and "
                             "GEOGRAPHY");
}

/* BigQuery's rule for parameterized decimals: max(1, s) <= p <= s + 29 (or 38), s <= 9 (or 38). */
static bool check_decimal(const char *text, const Field *field, Error *error)
{
    int scale_max = field->kind == TYPE_NUMERIC ? 9 : 38;
    int integer_max = field->kind == TYPE_NUMERIC ? 29 : 38;
    int least = field->scale > 1 ? field->scale : 1;
    if (field->scale <= scale_max && field->precision >= least &&
        field->precision <= field->scale + integer_max)
        return true;
    return error_set(error, ERROR_CONFIG,
                     "type \"%s\": %s has at most %d digits after the point and %d before it", text,
                     type_kind_name(field->kind), scale_max, integer_max);
}

static bool parse_parameters(const char *text, const char **rest, Field *field, Error *error)
{
    if (!take(rest, '('))
        return true;
    if (field->kind != TYPE_NUMERIC && field->kind != TYPE_BIGNUMERIC)
        return error_set(error, ERROR_CONFIG, "type \"%s\": %s takes no parameters here", text,
                         type_kind_name(field->kind));
    bool good = take_number(rest, &field->precision);
    if (good && take(rest, ','))
        good = take_number(rest, &field->scale);
    if (!good || !take(rest, ')'))
        return error_set(error, ERROR_CONFIG, "type \"%s\": expected %s(precision, scale)", text,
                         type_kind_name(field->kind));
    return check_decimal(text, field, error);
}

bool type_text_parse(const char *text, Field *ret_field, Error *error)
{
    Field field = {.name = ret_field->name, .description = ret_field->description};
    const char *rest = text;
    char word[TYPE_WORD_MAX];
    take_word(&rest, word);
    if (strcasecmp(word, "ARRAY") == 0) {
        if (!take(&rest, '<'))
            return error_set(error, ERROR_CONFIG, "type \"%s\": expected ARRAY<type>", text);
        field.mode = MODE_REPEATED;
        take_word(&rest, word);
    }
    if (!type_kind_parse(word, &field.kind))
        return unknown_type(text, word, error);
    if (field.kind == TYPE_STRUCT)
        return error_set(error, ERROR_CONFIG, "type \"%s\": a STRUCT cannot be asked for", text);
    if (!parse_parameters(text, &rest, &field, error))
        return false;
    if (field.mode == MODE_REPEATED && !take(&rest, '>'))
        return error_set(error, ERROR_CONFIG, "type \"%s\": the > of ARRAY<type> is missing", text);
    skip_space(&rest);
    if (*rest)
        return error_set(error, ERROR_CONFIG, "type \"%s\": \"%s\" is left over", text, rest);
    *ret_field = field;
    return true;
}

static const char *member_list(const Field *field, Arena *arena)
{
    const char **texts = ARENA_ARRAY(arena, const char *, field->field_count);
    size_t size = 1;
    for (size_t i = 0; i < field->field_count; i++) {
        texts[i] = arena_printf(arena, "%s%s %s", i ? ", " : "", field->fields[i].name,
                                type_text_of(&field->fields[i], arena));
        size += strlen(texts[i]);
    }
    char *list = arena_alloc(arena, size);
    char *end = list;
    for (size_t i = 0; i < field->field_count; i++)
        end = stpcpy(end, texts[i]);
    *end = '\0';
    return list;
}

const char *type_text_of(const Field *field, Arena *arena)
{
    const char *text = type_kind_name(field->kind);
    bool is_decimal = field->kind == TYPE_NUMERIC || field->kind == TYPE_BIGNUMERIC;
    if (field->kind == TYPE_STRUCT)
        text = arena_printf(arena, "STRUCT<%s>", member_list(field, arena));
    else if (is_decimal && field->precision && field->scale)
        text = arena_printf(arena, "%s(%d, %d)", text, field->precision, field->scale);
    else if (is_decimal && field->precision)
        text = arena_printf(arena, "%s(%d)", text, field->precision);
    return field->mode == MODE_REPEATED ? arena_printf(arena, "ARRAY<%s>", text) : text;
}
