/* SPDX-License-Identifier: Apache-2.0 */
/* encode_sample FORMAT PLAIN|COMPRESS TIMES: the rows of tests/tools/test_encode_sample.py, encoded
 * to standard output TIMES over, for readers that are not ours. */
#include "base/cleanup.h"
#include "encode/encode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INT(number)                                                                                \
    {                                                                                              \
        .kind = VALUE_INT64, .integer = (number)                                                   \
    }
#define REAL(number)                                                                               \
    {                                                                                              \
        .kind = VALUE_FLOAT64, .real = (number)                                                    \
    }
#define BOOL(truth)                                                                                \
    {                                                                                              \
        .kind = VALUE_BOOL, .boolean = (truth)                                                     \
    }
#define SMALL(number)                                                                              \
    {                                                                                              \
        .kind = VALUE_DECIMAL64, .integer = (number)                                               \
    }
#define WIDE(number)                                                                               \
    {                                                                                              \
        .kind = VALUE_DECIMAL, .decimal = &(number)                                                \
    }
#define TEXT(text)                                                                                 \
    {                                                                                              \
        .kind = VALUE_BYTES, .length = sizeof(text) - 1, .bytes = (text)                           \
    }
#define SPAN(span)                                                                                 \
    {                                                                                              \
        .kind = VALUE_INTERVAL, .interval = &(span)                                                \
    }
#define LIST(array)                                                                                \
    {                                                                                              \
        .kind = VALUE_LIST, .length = sizeof(array) / sizeof *(array), .items = (array)            \
    }
#define NONE                                                                                       \
    {                                                                                              \
        .kind = VALUE_LIST, .length = 0, .items = NULL                                             \
    }
#define NIL                                                                                        \
    {                                                                                              \
        .kind = VALUE_NULL                                                                         \
    }

static const Field inner[] = {
    {.name = "x", .kind = TYPE_FLOAT64},
    {.name = "days", .kind = TYPE_DATE, .mode = MODE_REPEATED},
};

static const Field members[] = {
    {.name = "n", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
    {.name = "inner", .kind = TYPE_STRUCT, .fields = inner, .field_count = 2},
};

static const Field fields[] = {
    {.name = "required", .kind = TYPE_INT64, .mode = MODE_REQUIRED, .description = "a key"},
    {.name = "bool", .kind = TYPE_BOOL},
    {.name = "int64", .kind = TYPE_INT64},
    {.name = "float64", .kind = TYPE_FLOAT64},
    {.name = "numeric", .kind = TYPE_NUMERIC},
    {.name = "numeric_15_2", .kind = TYPE_NUMERIC, .precision = 15, .scale = 2},
    {.name = "bignumeric", .kind = TYPE_BIGNUMERIC},
    {.name = "string", .kind = TYPE_STRING},
    {.name = "bytes", .kind = TYPE_BYTES},
    {.name = "date", .kind = TYPE_DATE},
    {.name = "time", .kind = TYPE_TIME},
    {.name = "datetime", .kind = TYPE_DATETIME},
    {.name = "timestamp", .kind = TYPE_TIMESTAMP},
    {.name = "interval", .kind = TYPE_INTERVAL},
    {.name = "json", .kind = TYPE_JSON},
    {.name = "geography", .kind = TYPE_GEOGRAPHY},
    {.name = "struct", .kind = TYPE_STRUCT, .fields = members, .field_count = 2},
    {.name = "strings", .kind = TYPE_STRING, .mode = MODE_REPEATED},
    {.name = "structs",
     .kind = TYPE_STRUCT,
     .mode = MODE_REPEATED,
     .fields = members,
     .field_count = 2},
};
enum { COLUMNS = sizeof fields / sizeof *fields };

/* 10^38 − 1 and its negative, and 10^76 − 1 */
static const Decimal numeric_max = {{0x098a223fffffffff, 0x4b3b4ca85a86c47a, 0, 0}};
static const Decimal numeric_min = {
    {0xf675ddc000000001, 0xb4c4b357a5793b85, UINT64_MAX, UINT64_MAX}};
static const Decimal bignumeric_max = {
    {UINT64_MAX, 0x7775a5f171950fff, 0x0764b4abe8652979, 0x161bcca7119915b5}};

static const Interval span_typical = {14, -3, 14706700000};
static const Interval span_min = {-120000, -3660000, -316224000000000000};
static const Interval span_max = {120000, 3660000, 316224000000000000};
static const Interval span_zero = {0, 0, 0};

static const Value texts[] = {TEXT("a"), TEXT(""),
                              TEXT("gr\xc3\xb6\xc3\x9f\x65r \xf0\x9f\x98\x80")};
static const Value days[] = {INT(-719162), INT(0), INT(2932896)};
static const Value inner_full[] = {REAL(0.1), LIST(days)};
static const Value inner_nulls[] = {NIL, NONE};
static const Value struct_full[] = {INT(1), LIST(inner_full)};
static const Value struct_nulls[] = {INT(2), LIST(inner_nulls)};
static const Value struct_null[] = {INT(3), NIL};
static const Value structs[] = {LIST(struct_full), LIST(struct_nulls), LIST(struct_null)};

#define JSON_TEXT "{\n\t\"a\" : [1, 2.50, \"\\n\"],\r\n \"b\":null}"

static const Value rows[][COLUMNS] = {
    {INT(1), BOOL(true), INT(42), REAL(0.1), SMALL(1500000000), SMALL(1234567), SMALL(1),
     TEXT("line\nbreak \"quoted\" back\\slash \x01\x1f\x7f"), TEXT("\x00\xff\x10"), INT(19782),
     INT(45296000700), INT(1700000000123456), INT(1700000000000000), SPAN(span_typical),
     TEXT(JSON_TEXT), TEXT("POINT(1 2)"), LIST(struct_full), LIST(texts), LIST(structs)},
    {INT(INT64_MIN), BOOL(false), INT(INT64_MIN), REAL(-1.7976931348623157e308), WIDE(numeric_min),
     SMALL(-999999999999999), SMALL(-1), TEXT(""), TEXT(""), INT(-719162), INT(0),
     INT(-62135596800000000), INT(-62135596800000000), SPAN(span_min), TEXT("\"text\""),
     TEXT("POINT EMPTY"), LIST(struct_nulls), NONE, NONE},
    {INT(INT64_MAX), BOOL(true), INT(INT64_MAX), REAL(5e-324), WIDE(numeric_max),
     SMALL(999999999999999), WIDE(bignumeric_max), TEXT("\xf4\x8f\xbf\xbf"), TEXT("\x00"),
     INT(2932896), INT(86399999999), INT(253402300799999999), INT(253402300799999999),
     SPAN(span_max), TEXT("-0.5e10"), TEXT("LINESTRING(0 0, 1 1)"), LIST(struct_null), LIST(texts),
     LIST(structs)},
    {INT(0), NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL,
     NIL},
    {INT(-1), BOOL(false), INT(9007199254740993), REAL(INFINITY), SMALL(0), SMALL(0), SMALL(0),
     TEXT(" "), TEXT("\n"), INT(0), INT(1), INT(-1), INT(-1), SPAN(span_zero), TEXT("null"),
     TEXT("POINT(0 0)"), LIST(struct_nulls), NONE, NONE},
    {INT(-2), BOOL(false), INT(-9007199254740993), REAL(-INFINITY), SMALL(-1), SMALL(-5),
     SMALL(1000000000000000000), TEXT("0123456789abcdef"), TEXT("0123456789abcdefg"), INT(-1),
     INT(1000000), INT(1000000), INT(999999), SPAN(span_zero), TEXT("[]"), TEXT("POINT(0 0)"), NIL,
     NONE, NONE},
};
enum { ROWS = sizeof rows / sizeof *rows };

static bool to_file(void *context, const void *bytes, size_t size, Error *error)
{
    return fwrite(bytes, 1, size, context) == size ||
           error_set(error, ERROR_INTERNAL, "cannot write");
}

static bool write_rows(Encoder *encoder, unsigned long times, Error *error)
{
    const Batch batch = {.row_count = ROWS, .column_count = COLUMNS, .values = rows[0]};
    for (unsigned long i = 0; i < times; i++) {
        if (!encoder->ops->write(encoder, &batch, error))
            return false;
    }
    return encoder->ops->finish(encoder, error);
}

int main(int count, char **words)
{
    if (count != 4)
        return EXIT_FAILURE;
    static const Schema schema = {fields, COLUMNS, "every type"};
    const EncoderOptions options = {.schema = &schema,
                                    .output = to_file,
                                    .output_context = stdout,
                                    .compress = strcmp(words[2], "compress") == 0};
    CLEANUP(encoder_free_ptr) Encoder *encoder = NULL;
    Error error = {0};
    if (encoder_new(words[1], &options, &encoder, &error) &&
        write_rows(encoder, strtoul(words[3], NULL, 10), &error))
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    fprintf(stderr, "%s\n", error.message);
    return EXIT_FAILURE;
}
