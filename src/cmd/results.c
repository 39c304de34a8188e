/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/results.h"

#include "cmd/human.h"
#include "cmd/output.h"
#include "cmd/text_width.h"

static const OutputColumn invalid_columns[] = {
    {.title = "job"},
    {.title = "column"},
    {.title = "reason"},
    {.title = "values", .right = true},
    {0},
};

static int64_t total_ns(const JobReport *job)
{
    int64_t total = 0;
    for (int phase = 0; phase < PHASE_COUNT_; phase++)
        total += job->phase_ns[phase];
    return total;
}

static void add_job(OutputTable *table, const JobReport *job, bool by_table)
{
    char rows[HUMAN_SIZE], time[HUMAN_SIZE], bytes[HUMAN_SIZE];
    human_count((int64_t)job->rows_applied, rows);
    human_duration(total_ns(job), time);
    human_bytes((int64_t)job->bytes_read, bytes);
    bool applied = job->status == JOB_SUCCEEDED || job->status == JOB_SETTLED;
    bool ran = job->status != JOB_NOT_RUN;
    const char *status = job->status == JOB_NOT_RUN ? "not run" : job_status_name(job->status);
    const char *cells[] = {
        by_table ? job->relation : job->job, status,     applied ? rows : "", ran ? time : "",
        job->bytes_read ? bytes : "",        job->target};
    output_table_add(table, cells);
}

static void print_invalid(const RunReport *report, FILE *out, Arena *arena)
{
    OutputTable table;
    output_table_init(&table, invalid_columns, arena);
    for (size_t i = 0; i < report->job_count; i++) {
        const JobReport *job = &report->jobs[i];
        for (size_t column = 0; column < job->invalid_count; column++) {
            for (int reason = 0; reason < INVALID_REASON_COUNT_; reason++) {
                char count[HUMAN_SIZE];
                uint64_t values = job->invalid[column].counts.counts[reason];
                const char *cells[] = {job->job, job->invalid[column].column,
                                       invalid_reason_name((InvalidReason)reason),
                                       human_count((int64_t)values, count)};
                if (values)
                    output_table_add(&table, cells);
            }
        }
    }
    if (table.row_count)
        fputs("\nValues that the target's types cannot hold, treated as on_invalid says:\n", out);
    output_table_print(&table, out, 2);
}

static const OutputColumn target_job_columns[] = {
    {.title = "job", .most = 40},      {.title = "kind"},
    {.title = "in the target"},        {.title = "billed", .right = true},
    {.title = "slots", .right = true}, {0},
};

static void add_target_job(OutputTable *table, const char *name, const TargetJob *job)
{
    char billed[HUMAN_SIZE], slots[HUMAN_SIZE];
    const char *cells[] = {name, job->kind, job->id,
                           job->bytes_billed ? human_bytes(job->bytes_billed, billed) : "free",
                           human_duration(job->slot_ms * 1000000, slots)};
    output_table_add(table, cells);
}

/* A run has a job for each shard or partition: hundreds would push everything else off the screen.
 */
static void add_earlier_jobs(OutputTable *table, const char *name, const TargetJob *jobs,
                             size_t count, Arena *arena)
{
    TargetJob sum = {.kind = "", .id = arena_printf(arena, "(%zu before these)", count)};
    for (size_t i = 0; i < count; i++) {
        sum.bytes_billed += jobs[i].bytes_billed;
        sum.slot_ms += jobs[i].slot_ms;
    }
    add_target_job(table, name, &sum);
}

/* What was done there, under which names, at what cost. */
static void print_target_jobs(const RunReport *report, FILE *out, Arena *arena)
{
    enum { SHOWN = 10 };
    OutputTable table;
    output_table_init(&table, target_job_columns, arena);
    for (size_t i = 0; i < report->job_count; i++) {
        const char *name = report->jobs[i].job;
        const TargetJobs *done = &report->jobs[i].target_jobs;
        size_t begin = done->count > SHOWN ? done->count - SHOWN : 0;
        if (begin > 0)
            add_earlier_jobs(&table, name, done->jobs, begin, arena);
        for (size_t j = begin; j < done->count; j++)
            add_target_job(&table, name, &done->jobs[j]);
    }
    if (table.row_count)
        fputs("\nJobs in the target (the report has all of them, with links):\n", out);
    output_table_print(&table, out, 2);
}

static void print_notes(const RunReport *report, FILE *out, Arena *arena)
{
    for (size_t i = 0; i < report->job_count; i++) {
        const JobReport *job = &report->jobs[i];
        for (size_t note = 0; note < job->note_count; note++)
            fprintf(out, "%s: %s\n", text_visible(job->job, arena),
                    text_visible(job->notes[note], arena));
    }
}

void results_print(const RunReport *report, bool by_table, FILE *out, Arena *arena)
{
    const OutputColumn columns[] = {
        {.title = by_table ? "table" : "job", .most = 60},
        {.title = "status"},
        {.title = "rows", .right = true},
        {.title = "time", .right = true},
        {.title = "read", .right = true},
        {.title = "target", .most = 80},
        {0},
    };
    OutputTable table;
    output_table_init(&table, columns, arena);
    for (size_t i = 0; i < report->job_count; i++)
        add_job(&table, &report->jobs[i], by_table);
    output_table_print(&table, out, 0);
    print_invalid(report, out, arena);
    print_target_jobs(report, out, arena);
    print_notes(report, out, arena);
}
