/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_text.h"

#include "base/utf8.h"

static void print_ascii(FILE *out, unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        fputc('\\', out);
        fputc(byte, out);
        return;
    case '\n':
        fputs("\\n", out);
        return;
    case '\t':
        fputs("\\t", out);
        return;
    case '\r':
        fputs("\\r", out);
        return;
    default:
        if (byte < 0x20 || byte == 0x7f)
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
}

void json_text_print(FILE *out, StrView text)
{
    fputc('"', out);
    for (size_t i = 0; i < text.length;) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x80) {
            print_ascii(out, byte);
            i++;
            continue;
        }
        size_t length = utf8_sequence_length((StrView){text.data + i, text.length - i});
        if (length == 0) {
            fputs("\xef\xbf\xbd", out);
            i++;
            continue;
        }
        fwrite(text.data + i, 1, length, out);
        i += length;
    }
    fputc('"', out);
}
