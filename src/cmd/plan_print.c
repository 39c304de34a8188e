/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/plan_print.h"

#include "base/visible.h"
#include "cmd/human.h"
#include "cmd/model_json.h"
#include "cmd/output.h"
#include "cmd/text_width.h"
#include "model/type_text.h"
#include "schema/field_json.h"

#include <string.h>

enum { WIDTH = 100 };

static const OutputColumn plan_columns[] = {
    {.title = "column", .most = 40},
    {.title = "source type", .most = 40},
    {.title = "target type", .most = 60},
    {.title = "mode"},
    {.title = "confidence"},
    {.title = "target name", .most = 40},
    {0},
};

static const char *target_text(const TableRef *target, Arena *arena)
{
    return *target->dataset ? arena_printf(arena, "%s.%s", target->dataset, target->table)
                            : target->table;
}

static void print_columns(const JobPlan *job, FILE *out, Arena *arena)
{
    OutputTable table;
    output_table_init(&table, plan_columns, arena);
    for (size_t i = 0; i < job->plan.column_count; i++) {
        const ColumnPlan *column = &job->plan.columns[i];
        bool renamed = strcmp(column->source->name, column->field.name) != 0;
        const char *cells[] = {column->source->name,
                               column->source->type.text,
                               type_text_of(&column->field, arena),
                               field_mode_name(column->field.mode),
                               confidence_name(column->confidence),
                               renamed ? column->field.name : NULL};
        output_table_add(&table, cells);
    }
    output_table_print(&table, out, 2);
}

static void print_warnings(const JobPlan *job, FILE *out, Arena *arena)
{
    for (size_t i = 0; i < job->plan.column_count; i++) {
        const ColumnPlan *column = &job->plan.columns[i];
        for (size_t j = 0; j < column->warning_count; j++)
            output_wrapped(
                out,
                arena_printf(arena, "warning: %s: %s", column->source->name, column->warnings[j]),
                2, WIDTH);
    }
}

/* "3 shards by ctid and keyset, 2 workers" */
static void print_shards(const JobPlan *job, FILE *out)
{
    const char *word = " by ";
    fprintf(out, "  %zu shard%s", job->shards.count, job->shards.count == 1 ? "" : "s");
    for (size_t i = 0; i < job->shards.count; i++) {
        const char *method = job->shards.shards[i].method;
        bool seen = strcmp(method, "whole") == 0;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcmp(job->shards.shards[j].method, method) == 0;
        if (seen)
            continue;
        fprintf(out, "%s%s", word, method);
        word = " and ";
    }
    fprintf(out, ", %zu worker%s\n", job->workers, job->workers == 1 ? "" : "s");
}

static const char *usd_text(double usd, char *text)
{
    if (usd < 0.01)
        return "less than 0.01";
    snprintf(text, HUMAN_SIZE, "%.2f", usd);
    return text;
}

static void print_forecast(const TargetForecast *forecast, FILE *out)
{
    char load_jobs[HUMAN_SIZE], changes[HUMAN_SIZE], bytes[HUMAN_SIZE];
    char keep[HUMAN_SIZE], scan[HUMAN_SIZE];
    fprintf(out, "  %s, as %s\n", forecast->way, forecast->format);
    fprintf(out, "  a day has room for %s load jobs in the project, %lld of them a run",
            human_count(forecast->load_jobs_per_day, load_jobs), (long long)forecast->load_jobs);
    fprintf(out, ", and %s changes of the table, %s\n",
            human_count(forecast->table_changes_per_day, changes),
            forecast->table_changes < 0 ? "one a partition" : "1 a run");
    if (forecast->storage_bytes >= 0)
        fprintf(
            out,
            "  about %s in BigQuery: %s USD a month to keep, %s USD to read all of it once (list "
            "prices, US)\n",
            human_bytes(forecast->storage_bytes, bytes),
            usd_text(forecast->storage_month_usd, keep), usd_text(forecast->scan_usd, scan));
}

static void print_amounts(const JobPlan *job, FILE *out)
{
    char rows[HUMAN_SIZE], bytes[HUMAN_SIZE], existing[HUMAN_SIZE];
    fprintf(out, "  %s rows, %s in the source\n", human_estimate(job->table.row_estimate, rows),
            human_bytes(job->table.byte_size, bytes));
    print_shards(job, out);
    if (job->existing.exists)
        fprintf(out, "  the target table exists, with %s rows\n",
                human_count(job->existing.row_count, existing));
    else
        fputs("  the target table will be made\n", out);
    if (job->forecast)
        print_forecast(job->forecast, out);
}

static void print_incremental(const JobPlan *job, FILE *out)
{
    for (size_t i = 0; i < job->key_count; i++)
        fprintf(out, "%s%s%s", i ? ", " : "  by key ", job->key[i],
                i + 1 == job->key_count ? "\n" : "");
    if (job->interrupted)
        fprintf(out, "  run %s was interrupted, or is under way: the next run settles it first%s\n",
                job->interrupted, job->bound ? ", and may then begin further on" : "");
    if (job->cursor)
        fprintf(out, "  %s reads %s\n", job->cursor_value ? "the next run" : "a first run",
                job->cursor);
    else if (job->cursor_is_at_end)
        fputs("  the next run reads nothing: no row that is new can be read now\n", out);
    else if (job->bound)
        fputs("  how far the next run may read is not known now\n", out);
    if (job->cursor_value)
        fprintf(out, "  the cursor is at %s (%s, %s)\n", job->cursor_value, job->cursor_set_by,
                job->cursor_set_at);
    if (job->bound)
        fprintf(out, "  bound by %s\n", job->bound);
}

static void print_ddl(const JobPlan *job, FILE *out)
{
    for (const char *line = job->ddl; line && *line;) {
        int length = (int)strcspn(line, "\n");
        fputs("    ", out);
        visible_print(out, (StrView){line, (size_t)length});
        fputc('\n', out);
        line += length + (line[length] == '\n');
    }
}

static void print_error(const Error *error, FILE *out, Arena *arena)
{
    output_wrapped(out, arena_printf(arena, "cannot be planned: %s", error->message), 2, WIDTH);
    if (error->hint[0])
        output_wrapped(out, arena_printf(arena, "hint: %s", error->hint), 4, WIDTH);
}

static void print_job(const JobPlan *job, FILE *out, Arena *arena)
{
    bool planned = job->error.kind == ERROR_NONE;
    const char *head = arena_printf(arena, "%s: %s (%s)", job->job,
                                    job->relation ? job->relation : "?", job->connection);
    if (planned)
        head = arena_printf(arena, "%s to %s, %s", head, target_text(&job->target, arena),
                            load_mode_name(job->load));
    fprintf(out, "%s\n", text_visible(head, arena));
    print_columns(job, out, arena);
    print_warnings(job, out, arena);
    if (!planned) {
        print_error(&job->error, out, arena);
        return;
    }
    print_amounts(job, out);
    print_incremental(job, out);
    for (size_t i = 0; i < job->note_count; i++)
        output_wrapped(out, arena_printf(arena, "note: %s", job->notes[i]), 2, WIDTH);
    print_ddl(job, out);
}

void plan_print_text(const RunPlan *plan, FILE *out, Arena *arena)
{
    for (size_t i = 0; i < plan->job_count; i++) {
        if (i)
            fputc('\n', out);
        print_job(&plan->jobs[i], out, arena);
    }
}

static Json *columns_json(const JobPlan *job, Arena *arena)
{
    Json *json = json_array_new();
    for (size_t i = 0; i < job->plan.column_count; i++) {
        Json *column = json_object_new();
        json_set(column, "source", model_json_column(job->plan.columns[i].source));
        json_set(column, "target", model_json_mapping(&job->plan.columns[i], arena));
        json_append(json, column);
    }
    return json;
}

static Json *shards_json(const ShardList *shards)
{
    Json *json = json_array_new();
    for (size_t i = 0; i < shards->count; i++) {
        Json *shard = json_object_new();
        json_set_text(shard, "method", shards->shards[i].method);
        json_set_text(shard, "relation", shards->shards[i].relation);
        json_set_text(shard, "predicate", shards->shards[i].predicate);
        model_json_set_known(shard, "row_estimate", shards->shards[i].row_estimate);
        json_append(json, shard);
    }
    return json;
}

static Json *target_json(const JobPlan *job)
{
    Json *json = json_object_new();
    json_set_text(json, "dataset", job->target.dataset);
    json_set_text(json, "table", job->target.table);
    json_set_bool(json, "exists", job->existing.exists);
    model_json_set_known(json, "rows", job->existing.exists ? job->existing.row_count : -1);
    model_json_set_known(json, "bytes", job->existing.exists ? job->existing.byte_count : -1);
    return json;
}

static void set_price(Json *json, const char *key, double usd)
{
    if (usd >= 0)
        json_set_real(json, key, usd);
    else
        json_set(json, key, NULL);
}

static Json *forecast_json(const TargetForecast *forecast)
{
    Json *json = json_object_new();
    json_set_text(json, "way", forecast->way);
    json_set_text(json, "format", forecast->format);
    json_set_int(json, "load_jobs", forecast->load_jobs);
    json_set_int(json, "load_jobs_per_day", forecast->load_jobs_per_day);
    model_json_set_known(json, "table_changes", forecast->table_changes);
    json_set_int(json, "table_changes_per_day", forecast->table_changes_per_day);
    model_json_set_known(json, "storage_bytes", forecast->storage_bytes);
    set_price(json, "storage_month_usd", forecast->storage_month_usd);
    set_price(json, "scan_usd", forecast->scan_usd);
    return json;
}

static Json *job_json(const JobPlan *job, Arena *arena)
{
    bool failed = job->error.kind != ERROR_NONE;
    Json *json = json_object_new();
    json_set_text(json, "job", job->job);
    json_set_text(json, "load", load_mode_name(job->load));
    Json *source = json_object_new();
    json_set_text(source, "connection", job->connection);
    json_set_text(source, "relation", job->relation);
    json_set(source, "table", job->table.columns ? model_json_table(&job->table) : NULL);
    json_set(json, "source", source);
    json_set(json, "target", target_json(job));
    json_set(json, "columns", columns_json(job, arena));
    json_set(json, "schema",
             job->plan.column_count ? field_json_from_schema(&job->plan.schema) : NULL);
    json_set_text(json, "ddl", job->ddl);
    Json *key = json_array_new();
    for (size_t i = 0; i < job->key_count; i++)
        json_append_text(key, job->key[i]);
    json_set(json, "key", key);
    json_set_text(json, "cursor", job->cursor);
    json_set_text(json, "bound", job->bound);
    json_set_text(json, "saved_cursor", job->cursor_value);
    json_set_text(json, "interrupted_run", job->interrupted);
    json_set(json, "shards", shards_json(&job->shards));
    json_set_int(json, "workers", (int64_t)job->workers);
    Json *notes = json_array_new();
    for (size_t i = 0; i < job->note_count; i++)
        json_append_text(notes, job->notes[i]);
    json_set(json, "notes", notes);
    json_set(json, "forecast", job->forecast ? forecast_json(job->forecast) : NULL);
    json_set(json, "error", failed ? model_json_error(&job->error) : NULL);
    return json;
}

Json *plan_print_json(const RunPlan *plan, Arena *arena)
{
    Json *json = json_object_new();
    json_set_int(json, "version", 1);
    Json *jobs = json_array_new();
    for (size_t i = 0; i < plan->job_count; i++)
        json_append(jobs, job_json(&plan->jobs[i], arena));
    json_set(json, "jobs", jobs);
    return json;
}
