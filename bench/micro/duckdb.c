/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro/duckdb.c: the duckdb target alone, from values to an applied table, over rows shaped
 * like TPC-H's lineitem:
 *
 *     duckdb FILE [SINKS [ROWS [MEMORY_LIMIT_MIB [append]]]] */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "target/duckdb/duckdb_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { COLUMNS = 16, SAMPLE_ROWS = 64 * 1024, BATCH_ROWS = 1024 };

#define DECIMAL(text)                                                                              \
    {                                                                                              \
        .name = (text), .kind = TYPE_NUMERIC, .precision = 15, .scale = 2                          \
    }

static const Field fields[COLUMNS] = {
    {.name = "id", .kind = TYPE_INT64},
    {.name = "order_id", .kind = TYPE_INT64},
    {.name = "part_id", .kind = TYPE_INT64},
    {.name = "line", .kind = TYPE_INT64},
    DECIMAL("quantity"),
    DECIMAL("price"),
    DECIMAL("discount"),
    DECIMAL("tax"),
    {.name = "flag", .kind = TYPE_STRING},
    {.name = "status", .kind = TYPE_STRING},
    {.name = "shipped", .kind = TYPE_DATE},
    {.name = "committed", .kind = TYPE_DATE},
    {.name = "created_at", .kind = TYPE_TIMESTAMP},
    {.name = "mode", .kind = TYPE_STRING},
    {.name = "instructions", .kind = TYPE_STRING},
    {.name = "comment", .kind = TYPE_STRING},
};

typedef struct Scene {
    Target *target;
    Delivery delivery;
    const Value *sample;
    uint64_t rows_per_sink;
    ShardResult results[64];
} Scene;

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

static void fill_row(Arena *arena, uint64_t *state, int64_t number, Value *row)
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
    row[15] =
        text_value(arena_printf(arena, "%016llx%016llx", (unsigned long long)next_random(state),
                                (unsigned long long)next_random(state)));
}

static bool fill_sink(void *context, size_t index, size_t worker, const StopFlag *stop,
                      Error *error)
{
    Scene *scene = context;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(sink_close_ptr) Sink *sink = NULL;
    (void)worker;
    if (!scene->target->ops->sink_open(scene->target, &scene->delivery, index, &sink, error))
        return false;
    for (uint64_t row = 0; row < scene->rows_per_sink && !stop_requested(stop); row += BATCH_ROWS) {
        Batch batch = {.row_count = BATCH_ROWS,
                       .column_count = COLUMNS,
                       .values = scene->sample + row % SAMPLE_ROWS * COLUMNS};
        if (!sink->ops->write(sink, &batch, error))
            return false;
    }
    return sink->ops->finish(sink, &arena, &scene->results[index], error);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_monotonic_ns() - start_ns) / 1e9;
}

static bool deliver(Scene *scene, Error *error)
{
    const TargetOps *ops = scene->target->ops;
    ParallelOptions options = {.count = scene->delivery.shard_count,
                               .threads = scene->delivery.shard_count};
    ApplyResult result = {0};
    int64_t start = clock_monotonic_ns();
    if (!ops->prepare(scene->target, &scene->delivery, error) ||
        !parallel_run(&options, fill_sink, scene, error))
        return false;
    double staged = seconds_since(start);
    if (!ops->apply(scene->target, &scene->delivery, &result, error))
        return false;
    double applied = seconds_since(start);
    ops->close(TAKE_PTR(scene->target));
    printf("%llu rows: staged in %.2f s, applied after %.2f s, closed after %.2f s\n",
           (unsigned long long)result.rows, staged, applied, seconds_since(start));
    return true;
}

static void print_usage(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("CPU %.2f s, peak memory %ld MiB\n",
           (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
           usage.ru_maxrss / 1024);
}

int main(int count, char **words)
{
    CLEANUP(arena_done) Arena arena = {0};
    Value *values = arena_alloc(&arena, sizeof *values * COLUMNS * SAMPLE_ROWS);
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < SAMPLE_ROWS; i++)
        fill_row(&arena, &state, (int64_t)i, values + i * COLUMNS);

    Error error = {0};
    size_t sinks = count > 2 ? strtoull(words[2], NULL, 10) : 2;
    uint64_t rows = count > 3 ? strtoull(words[3], NULL, 10) : 4000000;
    char run_id[64];
    snprintf(run_id, sizeof run_id, "bench-%lld", (long long)clock_wall_us());
    DestinationConfig config = {.type = "duckdb",
                                .path = count > 1 ? words[1] : "bench.duckdb",
                                .memory_limit = count > 4 ? strtoll(words[4], NULL, 10) << 20 : 0};
    Scene scene = {.delivery = {.job = "bench",
                                .run_id = run_id,
                                .attempt = 1,
                                .load = count > 5 ? LOAD_APPEND : LOAD_REPLACE,
                                .table = {"main", "lineitem"},
                                .schema = {.fields = fields, .field_count = COLUMNS},
                                .shard_count = sinks},
                   .sample = values,
                   .rows_per_sink = rows / sinks};
    bool good = sinks <= sizeof scene.results / sizeof *scene.results &&
                target_duckdb_driver.open(&config, &scene.target, &error) &&
                deliver(&scene, &error);
    if (!good)
        fprintf(stderr, "%s\n%s\n", error.message, error.hint);
    print_usage();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
