/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode_step.h"
#include "source/postgres/decode_time.h"

#include "base/digits.h"

#include <stdio.h>

static void describe_numeric(Wire wire, char *text)
{
    Arena arena = {0};
    const char *digits = "a number";
    decode_numeric_text(wire, &arena, &digits);
    snprintf(text, DECODE_TEXT_MAX, "%.80s%s", digits, strlen(digits) > 80 ? "..." : "");
    arena_done(&arena);
}

static void describe_float(Wire wire, char *text)
{
    double real;
    if (wire.size == sizeof(float)) {
        uint32_t bits = load32(wire.bytes);
        float small;
        memcpy(&small, &bits, sizeof small);
        real = (double)small;
    } else {
        uint64_t bits = load64(wire.bytes);
        memcpy(&real, &bits, sizeof real);
    }
    decode_double_text(real, text);
}

static void describe_interval(Wire wire, char *text)
{
    snprintf(text, DECODE_TEXT_MAX, "%d months %d days %lld microseconds",
             (int32_t)load32(wire.bytes + 12), (int32_t)load32(wire.bytes + 8),
             (long long)load64(wire.bytes));
}

static void describe_point(Wire wire, char *text)
{
    char first[DECODE_TEXT_MAX], second[DECODE_TEXT_MAX];
    describe_float((Wire){wire.bytes, sizeof(double)}, first);
    describe_float((Wire){wire.bytes + sizeof(double), sizeof(double)}, second);
    snprintf(text, DECODE_TEXT_MAX, "(%s,%s)", first, second);
}

/* The decoder has seen that the size is right. */
void decode_describe(const Step *step, Wire wire, char *text)
{
    if (step->decode == decode_array) {
        snprintf(text, DECODE_TEXT_MAX, "an array of %u dimensions", load32(wire.bytes));
        return;
    }
    switch (step->wire) {
    case WIRE_INT2:
        snprintf(text, DECODE_TEXT_MAX, "%d", (int16_t)load16(wire.bytes));
        break;
    case WIRE_INT4:
        snprintf(text, DECODE_TEXT_MAX, "%d", (int32_t)load32(wire.bytes));
        break;
    case WIRE_INT8:
        snprintf(text, DECODE_TEXT_MAX, "%lld", (long long)load64(wire.bytes));
        break;
    case WIRE_OID:
        snprintf(text, DECODE_TEXT_MAX, "%u", load32(wire.bytes));
        break;
    case WIRE_XID8:
    case WIRE_LSN:
        snprintf(text, DECODE_TEXT_MAX, "%llu", (unsigned long long)load64(wire.bytes));
        break;
    case WIRE_FLOAT4:
    case WIRE_FLOAT8:
        describe_float(wire, text);
        break;
    case WIRE_NUMERIC:
        describe_numeric(wire, text);
        break;
    case WIRE_DATE:
        time_date_text((int32_t)load32(wire.bytes), text);
        break;
    case WIRE_TIME:
        time_of_day_text((int64_t)load64(wire.bytes), text);
        break;
    case WIRE_TIMESTAMP:
    case WIRE_TIMESTAMPTZ:
        time_timestamp_text((int64_t)load64(wire.bytes), text);
        break;
    case WIRE_INTERVAL:
        describe_interval(wire, text);
        break;
    case WIRE_POINT:
        describe_point(wire, text);
        break;
    case WIRE_TEXT:
    case WIRE_BPCHAR:
    case WIRE_CHAR:
    case WIRE_VERSIONED_TEXT:
    case WIRE_JSON:
    case WIRE_JSONB:
        describe_text(wire, text);
        break;
    default:
        describe_bytes(wire, text);
    }
}
