/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro/encode.c: CPU time of the encoders alone, over rows shaped like TPC-H's lineitem:
 *
 *     encode FORMAT [compress [LEVEL [ROWS]]]    FORMAT: avro, ndjson */
#include "encode/encode.h"
#include "base/arena.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { COLUMNS = 16, SAMPLE_ROWS = 64 * 1024, BATCH_ROWS = 256 };

static const Field fields[COLUMNS] = {
    {.name = "id", .kind = TYPE_INT64},
    {.name = "order_id", .kind = TYPE_INT64},
    {.name = "part_id", .kind = TYPE_INT64},
    {.name = "line", .kind = TYPE_INT64},
    {.name = "quantity", .kind = TYPE_NUMERIC, .precision = 15, .scale = 2},
    {.name = "price", .kind = TYPE_NUMERIC, .precision = 15, .scale = 2},
    {.name = "discount", .kind = TYPE_NUMERIC, .precision = 15, .scale = 2},
    {.name = "tax", .kind = TYPE_NUMERIC, .precision = 15, .scale = 2},
    {.name = "flag", .kind = TYPE_STRING},
    {.name = "status", .kind = TYPE_STRING},
    {.name = "shipped", .kind = TYPE_DATE},
    {.name = "committed", .kind = TYPE_DATE},
    {.name = "created_at", .kind = TYPE_TIMESTAMP},
    {.name = "mode", .kind = TYPE_STRING},
    {.name = "instructions", .kind = TYPE_STRING},
    {.name = "comment", .kind = TYPE_STRING},
};
static const Schema schema = {.fields = fields, .field_count = COLUMNS};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int64_t between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)(next_random(state) % (uint64_t)(high - low + 1));
}

static Value text_value(const char *text)
{
    return (Value){.kind = VALUE_BYTES, .length = (uint32_t)strlen(text), .bytes = text};
}

static Value pick(uint64_t *state, const char *const *texts, size_t count)
{
    return text_value(texts[next_random(state) % count]);
}

static Value decimal_value(int64_t integer)
{
    return (Value){.kind = VALUE_DECIMAL64, .integer = integer};
}

static const char *comment(Arena *arena, uint64_t *state, bool words)
{
    static const char *const list[] = {
        "carefully", "final",   "deposits", "quickly",   "regular",  "ironic",      "packages",
        "furiously", "express", "accounts", "sleep",     "blithely", "pending",     "requests",
        "even",      "the",     "among",    "above",     "foxes",    "theodolites", "instructions",
        "bold",      "slyly",   "unusual",  "platelets",
    };
    if (!words)
        return arena_printf(arena, "%016llx%016llx", (unsigned long long)next_random(state),
                            (unsigned long long)next_random(state));
    char text[64] = "";
    while (strlen(text) < 32)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ",
                 list[next_random(state) % (sizeof list / sizeof *list)]);
    text[32] = 0;
    return arena_strdup(arena, text);
}

static void fill_row(Arena *arena, uint64_t *state, int64_t number, bool words, Value *row)
{
    static const char *const flags[] = {"A", "N", "R"};
    static const char *const statuses[] = {"O", "F"};
    static const char *const modes[] = {"AIR", "REG AIR", "MAIL", "SHIP", "TRUCK", "FOB", "RAIL"};
    static const char *const instructions[] = {"DELIVER IN PERSON", "COLLECT COD", "NONE",
                                               "TAKE BACK RETURN"};
    int64_t shipped = between(state, 8035, 10590);
    row[0] = value_integer(number);
    row[1] = value_integer(between(state, 1, 1000000));
    row[2] = value_integer(between(state, 1, 200000));
    row[3] = value_integer(between(state, 1, 7));
    row[4] = decimal_value(between(state, 1, 50) * 100);
    row[5] = decimal_value(between(state, 90000, 10494950));
    row[6] = decimal_value(between(state, 0, 10));
    row[7] = decimal_value(between(state, 0, 8));
    row[8] = pick(state, flags, 3);
    row[9] = pick(state, statuses, 2);
    row[10] = value_integer(shipped);
    row[11] = value_integer(shipped + between(state, -30, 60));
    row[12] = value_integer(1700000000000000 + number * 1000000 + between(state, 0, 999999));
    row[13] = pick(state, modes, 7);
    row[14] = pick(state, instructions, 4);
    row[15] = text_value(comment(arena, state, words));
}

static bool count_output(void *context, const void *bytes, size_t size, Error *error)
{
    (void)bytes;
    (void)error;
    FILE *file = context;
    return !file || fwrite(bytes, 1, size, file) == size;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    const char *format = count > 1 ? words[1] : "avro";
    bool compress = count > 2 && strcmp(words[2], "compress") == 0;
    size_t rows = count > 4 ? strtoull(words[4], NULL, 10) : 4000000;
    CLEANUP(arena_done) Arena arena = {0};
    Value *values = arena_alloc(&arena, sizeof *values * COLUMNS * SAMPLE_ROWS);
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < SAMPLE_ROWS; i++)
        fill_row(&arena, &state, (int64_t)i + 1000000, getenv("WORDS"), values + i * COLUMNS);

    Error error = {0};
    CLEANUP(encoder_free_ptr) Encoder *encoder = NULL;
    CLEANUP(close_file) FILE *file = getenv("OUT") ? fopen(getenv("OUT"), "wb") : NULL;
    EncoderOptions options = {.schema = &schema,
                              .output = count_output,
                              .output_context = file,
                              .compress = compress,
                              .compression_level = count > 3 ? (int)strtol(words[3], NULL, 10) : 0};
    bool good = encoder_new(format, &options, &encoder, &error);
    double begin = cpu_seconds();
    for (size_t row = 0; good && row < rows; row += BATCH_ROWS) {
        Batch batch = {.row_count = BATCH_ROWS,
                       .column_count = COLUMNS,
                       .values = values + row % SAMPLE_ROWS * COLUMNS};
        good = encoder->ops->write(encoder, &batch, &error);
    }
    good = good && encoder->ops->finish(encoder, &error);
    double seconds = cpu_seconds() - begin;
    if (!good) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    printf(
        "%s%s level %d: %.0f ns a row, %.1f raw bytes a row, %.1f written, %.0f MB/s raw\n", format,
        compress ? " compressed" : "", options.compression_level,
        seconds * 1e9 / (double)encoder->rows, (double)encoder->raw_bytes / (double)encoder->rows,
        (double)encoder->bytes / (double)encoder->rows, (double)encoder->raw_bytes / seconds / 1e6);
    return EXIT_SUCCESS;
}
