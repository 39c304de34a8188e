/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro/decode.c: CPU time of the PostgreSQL decoder alone, over the rows of a file that
 * COPY … TO '…' (FORMAT binary) wrote:
 *
 *     decode FILE TYPE…     a type for each column, as tests/support/pg_type.h reads it */
#include "source/postgres/decode.h"

#include "base/cleanup.h"

#include "../../tests/support/pg_type.h"

#include <time.h>

enum { COLUMNS_MAX = 64, FILE_HEADER = 19, ROUNDS = 20, BATCH_ROWS = 256 };

typedef struct Tuples {
    StrView *items;
    size_t count;
} Tuples;

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static StrView read_all(const char *path)
{
    CLEANUP(close_file) FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) < 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = (size_t)ftell(file);
    char *bytes = malloc(size + 1);
    rewind(file);
    if (!bytes || fread(bytes, 1, size, file) != size) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return (StrView){bytes, size};
}

static uint32_t word_at(const char *bytes, int size)
{
    uint32_t word = 0;
    for (int i = 0; i < size; i++)
        word = word << 8 | (unsigned char)bytes[i];
    return word;
}

/* Follows the lengths; the file is trusted. */
static Tuples cut(StrView file, size_t columns, Arena *arena)
{
    Tuples tuples = {ARENA_ARRAY(arena, StrView, file.length / (2 + 4 * columns) + 1), 0};
    const char *at = file.data + FILE_HEADER;
    while (word_at(at, 2) == columns) {
        const char *first = at;
        at += 2;
        for (size_t i = 0; i < columns; i++) {
            int32_t length = (int32_t)word_at(at, 4);
            at += 4 + (length > 0 ? length : 0);
        }
        tuples.items[tuples.count++] = (StrView){first, (size_t)(at - first)};
    }
    return tuples;
}

static TablePlan plan_of(char **types, size_t count, Arena *arena)
{
    ColumnPlan *plans = ARENA_ARRAY(arena, ColumnPlan, count);
    Error error = {0};
    for (size_t i = 0; i < count; i++) {
        SourceColumn *column = ARENA_NEW(arena, SourceColumn);
        const char *text = types[i];
        column->name = arena_printf(arena, "c%zu", i);
        column->type = pg_type_parse(&text, arena);
        plans[i].source = column;
        if (!mapping_postgres(column, &(ColumnOptions){0}, arena, &plans[i], &error)) {
            fprintf(stderr, "%s\n", error.message);
            exit(EXIT_FAILURE);
        }
    }
    return (TablePlan){.columns = plans, .column_count = count};
}

static bool decode_all(Decoder *decoder, const Tuples *tuples, Arena *scratch, Error *error)
{
    Value values[COLUMNS_MAX];
    for (size_t i = 0; i < tuples->count; i++) {
        if (i % BATCH_ROWS == 0)
            arena_reset(scratch);
        if (!decoder_tuple(decoder, tuples->items[i], values, scratch, error))
            return false;
        __asm__ volatile("" : : "r"(values) : "memory");
    }
    return true;
}

int main(int count, char **words)
{
    Arena arena = {0}, scratch = {0};
    if (count < 3 || count - 2 > COLUMNS_MAX) {
        fprintf(stderr, "usage: decode FILE TYPE...\n");
        return EXIT_FAILURE;
    }
    size_t columns = (size_t)count - 2;
    TablePlan plan = plan_of(words + 2, columns, &arena);
    Tuples tuples = cut(read_all(words[1]), columns, &arena);
    CLEANUP(decoder_free_ptr) Decoder *decoder = NULL;
    Error error = {0};
    double best = 1e9;
    if (!decoder_new(&plan, &decoder, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < ROUNDS; i++) {
        double start = cpu_seconds();
        if (!decode_all(decoder, &tuples, &scratch, &error)) {
            fprintf(stderr, "%s\n", error.message);
            return EXIT_FAILURE;
        }
        double seconds = cpu_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    printf("%zu rows, %.1f ns a row (best of %d rounds)\n", tuples.count,
           best * 1e9 / (double)tuples.count, ROUNDS);
    arena_done(&scratch);
    arena_done(&arena);
    return EXIT_SUCCESS;
}
