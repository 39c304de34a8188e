/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/forecast.h"

#include "target/bigquery/lookup.h"
#include "target/bigquery/way.h"

#include <inttypes.h>

/* Quotas: "Load jobs", "Partitioned tables"; revision of 2026-08. */
enum {
    LOAD_JOBS_PER_DAY = 100000,
    TABLE_CHANGES_PER_DAY = 1500,
    PARTITIONS_PER_JOB = 4000,
    URIS_PER_JOB = 10000,
    SOURCE_ROW_HEADER = 24, /* bytes that a source keeps beside a row's values */
    VARIABLE_MIN = 2,       /* of a text or bytes, before the first character */
};

/* US list prices, as noted from 2023 to 2025: docs/bigquery.md. */
static const double storage_usd_per_gib = 0.02, query_usd_per_tib = 6.25;
static const double gib = 1024.0 * 1024 * 1024, tib = 1024.0 * 1024 * 1024 * 1024;
static const double scan_bytes_min = 10.0 * 1024 * 1024;

static int64_t fixed_bytes(TypeKind kind)
{
    switch (kind) {
    case TYPE_BOOL:
        return 1;
    case TYPE_NUMERIC:
    case TYPE_INTERVAL:
        return 16;
    case TYPE_BIGNUMERIC:
        return 32;
    case TYPE_STRING:
    case TYPE_BYTES:
    case TYPE_JSON:
    case TYPE_GEOGRAPHY:
    case TYPE_STRUCT:
        return 0;
    default:
        return 8;
    }
}

int64_t forecast_row_bytes(const Schema *schema, int64_t source_row_bytes)
{
    int64_t least = 0;
    bool varies = false;
    for (size_t i = 0; i < schema->field_count; i++) {
        const Field *field = &schema->fields[i];
        int64_t bytes = fixed_bytes(field->kind);
        varies = varies || bytes == 0 || field->mode == MODE_REPEATED;
        least += field->mode == MODE_REPEATED ? 0 : bytes ? bytes : VARIABLE_MIN;
    }
    int64_t values = source_row_bytes - SOURCE_ROW_HEADER;
    return varies && values > least ? values : least;
}

static void add_cost(const Delivery *delivery, const TargetLoad *load, TargetForecast *forecast)
{
    if (load->rows < 0 || load->source_bytes < 0)
        return;
    int64_t source_row = load->rows ? load->source_bytes / load->rows : 0;
    forecast->storage_bytes = load->rows * forecast_row_bytes(&delivery->schema, source_row);
    double bytes = (double)forecast->storage_bytes;
    double scanned = bytes > scan_bytes_min ? bytes : scan_bytes_min;
    forecast->storage_month_usd = bytes / gib * storage_usd_per_gib;
    forecast->scan_usd = scanned / tib * query_usd_per_tib;
}

static void add_note(TargetForecast *forecast, const char *note)
{
    forecast->notes[forecast->note_count++] = note;
}

/* How much time, or how many numbers, one run may touch. */
static const char *partition_note(const Partitioning *by, Arena *arena)
{
    static const char *const spans[] = {
        [PARTITION_HOUR] = "5 months of hours",
        [PARTITION_DAY] = "10 years of days",
        [PARTITION_MONTH] = "300 years of months",
        [PARTITION_YEAR] = "all years",
    };
    uint64_t width = (uint64_t)by->end - (uint64_t)by->start; /* may be more than an int64_t */
    if (by->kind == PARTITION_RANGE && width / (uint64_t)by->interval < PARTITIONS_PER_JOB)
        return NULL;
    const char *span = by->kind == PARTITION_RANGE
                           ? arena_printf(arena, "%" PRIu64 " numbers",
                                          (uint64_t)by->interval * PARTITIONS_PER_JOB)
                           : spans[by->kind];
    return arena_printf(arena,
                        "one run may touch 4,000 partitions: %s; for more, choose larger "
                        "partitions, or load in parts (source.where)",
                        span);
}

static const char *way_text(const BigQuery *bq, const Delivery *delivery, const TargetLoad *load,
                            bool staged, Arena *arena)
{
    bool bucket = bq->config.bucket != NULL;
    const char *what =
        bucket ? arena_printf(arena, "%zu object%s in gs://%s", load->shards,
                              load->shards == 1 ? "" : "s", bq->config.bucket)
               : arena_printf(arena, "%zu upload%s", load->shards, load->shards == 1 ? "" : "s");
    if (!staged)
        return arena_printf(arena, "%s, one load job straight into the table", what);
    return arena_printf(arena, "%s, loaded into a staging table, then %s", what,
                        delivery_merges(delivery)      ? "one query that merges them"
                        : delivery->replace_partitions ? "a copy job for each partition"
                                                       : "one copy job");
}

static void note_changes(const BqScope *scope, const Delivery *delivery, Json *table,
                         TargetForecast *forecast)
{
    const char *names = bq_way_reclusters(delivery, table, scope->arena);
    if (names)
        add_note(forecast, arena_printf(scope->arena,
                                        "with its columns, what the table is clustered by changes: "
                                        "%s from then on",
                                        names));
    CLEANUP(wish_changes_done) WishChanges changes = bq_way_wishes(scope, delivery, table);
    if (changes.what)
        add_note(forecast, arena_printf(scope->arena,
                                        "before rows are read, the table is given what the "
                                        "configuration says of it: %s",
                                        changes.what));
    if (changes.left)
        add_note(forecast, changes.left);
}

bool bq_forecast(Target *target, const Delivery *delivery, const TargetLoad *load, Arena *arena,
                 TargetForecast *ret_forecast, Error *error)
{
    enum { NOTES_MAX = 5 };
    CLEANUP(bq_table_done) BqTable found = {0};
    BqScope scope = bq_scope(target, delivery, arena);
    const BigQuery *bq = scope.bq;
    bool rebuild = false;
    if (!bq_lookup(&scope, &delivery->table, LOOK_KEPT, &found, error) ||
        !bq_way_fits(delivery, found.json, &rebuild, error))
        return false;
    bool bucket = bq->config.bucket != NULL;
    bool staged = bq_way_stages(&scope, delivery, rebuild, load->shards);
    *ret_forecast = (TargetForecast){
        .way = way_text(bq, delivery, load, staged, arena),
        .format = bq_way_format(&scope, &delivery->schema),
        .load_jobs = bucket ? (int64_t)((load->shards + URIS_PER_JOB - 1) / URIS_PER_JOB)
                            : (int64_t)load->shards,
        .table_changes = delivery->replace_partitions ? -1 : 1,
        .load_jobs_per_day = LOAD_JOBS_PER_DAY,
        .table_changes_per_day = TABLE_CHANGES_PER_DAY,
        .storage_bytes = -1,
        .storage_month_usd = -1,
        .scan_usd = -1,
        .notes = ARENA_ARRAY(arena, const char *, NOTES_MAX),
    };
    add_cost(delivery, load, ret_forecast);
    const Partitioning *by = &delivery->layout.partitioning;
    const char *note = by->kind == PARTITION_NONE ? NULL : partition_note(by, arena);
    if (note)
        add_note(ret_forecast, note);
    if (!bucket && load->shards > URIS_PER_JOB / 100)
        add_note(ret_forecast, "each shard is a load job of its own: with destination.bucket, one "
                               "load job would take them all");
    note_changes(&scope, delivery, found.json, ret_forecast);
    return true;
}
