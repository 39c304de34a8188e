/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "format/json_scan.h"
#include "source/step.h"

#include <stdio.h>
#include <string.h>

enum { EXCERPT_BYTES = 60, EXCERPT_HEX_BYTES = 20 };

bool decode_text(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    StrView text = {(const char *)wire.bytes, wire.size};
    if (!utf8_is_valid(text))
        return decode_refuse(step, decode, INVALID_UTF8, wire, NULL, ret_value);
    *ret_value = value_text(text.data, text.length);
    return true;
}

bool decode_bytes(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    (void)step;
    (void)decode;
    *ret_value = value_text((const char *)wire.bytes, wire.size);
    return true;
}

bool decode_json(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    StrView text = {(const char *)wire.bytes, wire.size};
    if (!utf8_is_valid(text))
        return decode_refuse(step, decode, INVALID_UTF8, wire, NULL, ret_value);
    JsonScan found = json_scan(text, decode->scratch);
    if (found == JSON_SCAN_INVALID)
        return decode_refuse(step, decode, INVALID_RANGE, wire, NULL, ret_value);
    if (found == JSON_SCAN_REPEATED_KEY)
        step->column->counts->counts[INVALID_DUPLICATE_KEY]++;
    *ret_value = value_text(text.data, text.length);
    return true;
}

/* What is not printable ASCII appears as \xNN; what does not fit is cut. */
void describe_text(Wire wire, char *text)
{
    char *end = text;
    *end++ = '"';
    for (size_t i = 0; i < wire.size; i++) {
        if (end - text > EXCERPT_BYTES) {
            end = stpcpy(end, "...");
            break;
        }
        unsigned char c = wire.bytes[i];
        if (c >= ' ' && c < 0x7f && c != '\\')
            *end++ = (char)c;
        else
            end += snprintf(end, sizeof "\\xff", "\\x%02x", c);
    }
    *end++ = '"';
    *end = '\0';
}

void describe_bytes(Wire wire, char *text)
{
    char *end = stpcpy(text, "\\x");
    for (size_t i = 0; i < wire.size && i < EXCERPT_HEX_BYTES; i++)
        end += snprintf(end, sizeof "ff", "%02x", wire.bytes[i]);
    if (wire.size > EXCERPT_HEX_BYTES)
        end = stpcpy(end, "...");
    *end = '\0';
}
