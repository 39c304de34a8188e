/* SPDX-License-Identifier: Apache-2.0 */
/* support/value_text.h: a value for test tables, as PostgreSQL prints it where it prints it:
 *
 *   true  42  0.1  12.50  2024-02-29  23:59:59.5  2024-02-29 12:00:00  1 mons 2 days 3 us
 *   text as it is, other bytes as \xNN; BYTES in hexadecimal; [a, b] for arrays, {a, b} for
 * STRUCTs. */
#pragma once

#include "base/arena.h"
#include "model/type.h"
#include "model/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *value_text_time(int64_t microseconds, Arena *arena)
{
    int64_t seconds = microseconds / 1000000, fraction = microseconds % 1000000;
    const char *text = arena_printf(arena, "%02d:%02d:%02d", (int)(seconds / 3600),
                                    (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (fraction == 0)
        return text;
    char *with_fraction = arena_printf(arena, "%s.%06d", text, (int)fraction);
    for (size_t i = strlen(with_fraction); with_fraction[i - 1] == '0'; i--)
        with_fraction[i - 1] = '\0';
    return with_fraction;
}

/* By the C library, not by code of ours. */
static const char *value_text_date(int64_t days, Arena *arena)
{
    time_t seconds = days * 86400;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    return arena_printf(arena, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1,
                        parts.tm_mday);
}

static const char *value_text_moment(int64_t microseconds, Arena *arena)
{
    const int64_t day = INT64_C(86400000000);
    int64_t days = microseconds / day - (microseconds % day < 0);
    return arena_printf(arena, "%s %s", value_text_date(days, arena),
                        value_text_time(microseconds - days * day, arena));
}

static const char *value_text_integer(const Value *value, const Field *field, Arena *arena)
{
    switch (field->kind) {
    case TYPE_DATE:
        return value_text_date(value->integer, arena);
    case TYPE_TIME:
        return value_text_time(value->integer, arena);
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
        return value_text_moment(value->integer, arena);
    default:
        return arena_printf(arena, "%lld", (long long)value->integer);
    }
}

static const char *value_text_bytes(const Value *value, const Field *field, Arena *arena)
{
    char *text = arena_alloc(arena, (size_t)value->length * 4 + 1), *end = text;
    for (size_t i = 0; i < value->length; i++) {
        unsigned char c = (unsigned char)value->bytes[i];
        if (field->kind == TYPE_BYTES)
            end += snprintf(end, 3, "%02x", c);
        else if (c < ' ' || c == 0x7f)
            end += snprintf(end, 5, "\\x%02x", c);
        else
            *end++ = (char)c;
    }
    *end = '\0';
    return text;
}

static const char *value_text_decimal(const Value *value, const Field *field, Arena *arena)
{
    char text[DECIMAL_TEXT_MAX];
    int scale = field_decimal_scale(field);
    size_t length = value->kind == VALUE_DECIMAL64 ? decimal64_to_text(value->integer, scale, text)
                                                   : decimal_to_text(value->decimal, scale, text);
    while (!field->precision && scale && text[length - 1] == '0')
        length--;
    if (!field->precision && text[length - 1] == '.')
        length--;
    return arena_strndup(arena, text, length);
}

static const char *value_text(const Value *value, const Field *field, Arena *arena);

static const char *value_text_list(const Value *value, const Field *field, Arena *arena)
{
    bool is_array = field->mode == MODE_REPEATED;
    Field element = *field;
    element.mode = MODE_NULLABLE;
    const char *text = is_array ? "[" : "{";
    for (size_t i = 0; i < value->length; i++)
        text = arena_printf(
            arena, "%s%s%s", text, i ? ", " : "",
            value_text(&value->items[i], is_array ? &element : &field->fields[i], arena));
    return arena_printf(arena, "%s%c", text, is_array ? ']' : '}');
}

static const char *value_text_real(double real, Arena *arena)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    return arena_strdup(arena, text);
}

static const char *value_text(const Value *value, const Field *field, Arena *arena)
{
    switch (value->kind) {
    case VALUE_NULL:
        return "NULL";
    case VALUE_ABSENT:
        return "ABSENT";
    case VALUE_BOOL:
        return value->boolean ? "true" : "false";
    case VALUE_INT64:
        return value_text_integer(value, field, arena);
    case VALUE_FLOAT64:
        return value_text_real(value->real, arena);
    case VALUE_DECIMAL64:
    case VALUE_DECIMAL:
        return value_text_decimal(value, field, arena);
    case VALUE_INTERVAL:
        return arena_printf(arena, "%d mons %d days %lld us", value->interval->months,
                            value->interval->days, (long long)value->interval->microseconds);
    case VALUE_BYTES:
        return value_text_bytes(value, field, arena);
    case VALUE_LIST:
        return value_text_list(value, field, arena);
    }
    return "?";
}
