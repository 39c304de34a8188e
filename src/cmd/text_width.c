/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/text_width.h"

#include "base/utf8.h"
#include "base/visible.h"

#include <stdint.h>
#include <stdio.h>

typedef struct Range {
    uint32_t first, last;
} Range;

/* Unicode 15: general category Mn and Me of the scripts that people have, and format characters. */
static const Range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x0900, 0x0902}, {0x093C, 0x093C},   {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0E31, 0x0E31},
    {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},   {0x1AB0, 0x1ACE}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F},
    {0x2060, 0x2064}, {0x20D0, 0x20F0},   {0x302A, 0x302D}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};

/* East_Asian_Width W and F, and emoji. */
static const Range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
    {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF}, {0x1B000, 0x1B2FF},
    {0x1F18E, 0x1F19A}, {0x1F200, 0x1F265}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
    {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

static bool in_ranges(const Range *ranges, size_t count, uint32_t letter)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = (low + count) / 2;
        if (letter > ranges[middle].last)
            low = middle + 1;
        else if (letter < ranges[middle].first)
            count = middle;
        else
            return true;
    }
    return false;
}

static uint32_t decode(const char *bytes, size_t length)
{
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t letter = (unsigned char)bytes[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        letter = letter << 6 | ((unsigned char)bytes[i] & 0x3F);
    return letter;
}

static size_t letter_width(uint32_t letter)
{
    if (letter < 0x300)
        return 1;
    if (in_ranges(zero_width, sizeof zero_width / sizeof *zero_width, letter))
        return 0;
    return in_ranges(double_width, sizeof double_width / sizeof *double_width, letter) ? 2 : 1;
}

/* Bytes of the longest beginning that takes at most `most` columns; *ret_width: what it takes. */
static size_t fit(StrView text, size_t most, size_t *ret_width)
{
    size_t at = 0;
    *ret_width = 0;
    while (at < text.length) {
        size_t length = utf8_sequence_length((StrView){text.data + at, text.length - at});
        size_t width = length ? letter_width(decode(text.data + at, length)) : 1;
        if (*ret_width + width > most)
            break;
        *ret_width += width;
        at += length ? length : 1;
    }
    return at;
}

size_t text_width(StrView text)
{
    size_t width;
    fit(text, SIZE_MAX, &width);
    return width;
}

const char *text_cut(const char *text, size_t width, Arena *arena)
{
    StrView whole = view_of(text);
    size_t taken;
    if (fit(whole, width, &taken) == whole.length)
        return arena_strdup(arena, text);
    size_t length = fit(whole, width ? width - 1 : 0, &taken);
    return arena_printf(arena, "%.*s%s", (int)length, text, width ? "…" : "");
}

const char *text_visible(const char *text, Arena *arena)
{
    StrView whole = view_of(text);
    char *copy = arena_alloc(arena, whole.length * 4 + VISIBLE_MAX);
    char *out = copy;
    *out = '\0';
    for (size_t at = 0; at < whole.length; out += strlen(out))
        at += visible_letter((StrView){text + at, whole.length - at}, out);
    return copy;
}
