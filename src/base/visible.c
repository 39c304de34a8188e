/* SPDX-License-Identifier: Apache-2.0 */
#include "base/visible.h"

#include "base/utf8.h"

#include <string.h>

static void escape(char *out, char byte)
{
    static const char named[] = "\a\b\t\n\v\f\r";
    const char *known = byte ? strchr(named, byte) : NULL;
    if (known)
        snprintf(out, 5, "\\%c", "abtnvfr"[known - named]);
    else
        snprintf(out, 5, "\\x%02x", (unsigned char)byte);
}

/* U+0080 to U+009F are C2 80 to C2 9F. */
static bool is_control(const char *letter)
{
    unsigned char first = (unsigned char)letter[0];
    return first < 0x20 || first == 0x7F || (first == 0xC2 && (unsigned char)letter[1] < 0xA0);
}

size_t visible_letter(StrView text, char shown[VISIBLE_MAX])
{
    size_t length = utf8_sequence_length(text);
    if (length && !is_control(text.data)) {
        memcpy(shown, text.data, length);
        shown[length] = '\0';
        return length;
    }
    length = length ? length : 1;
    shown[0] = '\0';
    for (size_t i = 0; i < length; i++)
        escape(shown + strlen(shown), text.data[i]);
    return length;
}

void visible_print(FILE *out, StrView text)
{
    char shown[VISIBLE_MAX];
    for (size_t at = 0; at < text.length;) {
        at += visible_letter((StrView){text.data + at, text.length - at}, shown);
        fputs(shown, out);
    }
}
