/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/metrics.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "format/file.h"

#include <inttypes.h>
#include <stdlib.h>

/* One family: a value for each job, or none for some. */
typedef struct Metric {
    const char *name;
    const char *help;
    bool (*value)(const RunReport *report, const JobReport *job, double *ret_value);
} Metric;

static bool is_done(const JobReport *job)
{
    return job->status == JOB_SUCCEEDED || job->status == JOB_SETTLED;
}

static bool success(const RunReport *report, const JobReport *job, double *ret_value)
{
    (void)report;
    *ret_value = is_done(job);
    return true;
}

static bool exit_code(const RunReport *report, const JobReport *job, double *ret_value)
{
    (void)report;
    *ret_value = is_done(job) ? 0 : error_exit_code(job->error.kind);
    return true;
}

static bool finished(const RunReport *report, const JobReport *job, double *ret_value)
{
    (void)job;
    *ret_value = (double)report->finished_us / 1e6;
    return true;
}

static bool succeeded(const RunReport *report, const JobReport *job, double *ret_value)
{
    (void)report;
    *ret_value = (double)job->success_us / 1e6;
    return job->has_success;
}

static bool duration(const RunReport *report, const JobReport *job, double *ret_value)
{
    (void)report;
    int64_t sum = 0;
    for (int phase = 0; phase < PHASE_COUNT_; phase++)
        sum += job->phase_ns[phase];
    *ret_value = (double)sum / 1e9;
    return true;
}

static bool cursor(const RunReport *report, const JobReport *job, double *ret_value)
{
    (void)report;
    *ret_value = (double)job->cursor.place_us / 1e6;
    return job->cursor.has_place;
}

#define COUNT(name, expression)                                                                    \
    static bool name(const RunReport *report, const JobReport *job, double *ret_value)             \
    {                                                                                              \
        (void)report;                                                                              \
        *ret_value = (double)(expression);                                                         \
        return true;                                                                               \
    }

COUNT(rows_read, job->rows_read)
COUNT(rows_applied, job->rows_applied)
COUNT(bytes_read, job->bytes_read)
COUNT(rows_inserted, job->counts.inserted)
COUNT(rows_updated, job->counts.updated)
COUNT(rows_vanished, job->counts.vanished)
COUNT(rows_unreachable, job->cursor.unreachable)
COUNT(retries, job->retries)

static const Metric metrics[] = {
    {"bqferry_job_success", "1 when the job's last run did all, else 0.", success},
    {"bqferry_job_exit_code", "The exit code that the job's outcome stands for.", exit_code},
    {"bqferry_job_finished_timestamp_seconds", "When the job's last run ended.", finished},
    {"bqferry_job_last_success_timestamp_seconds",
     "When the job had last done all; absent before that.", succeeded},
    {"bqferry_job_duration_seconds", "How long the job's last run took.", duration},
    {"bqferry_job_rows_read", "Rows read from the source.", rows_read},
    {"bqferry_job_rows_applied", "Rows brought into the target.", rows_applied},
    {"bqferry_job_bytes_read", "Bytes of row data read from the source.", bytes_read},
    {"bqferry_job_rows_inserted", "Rows that a merge inserted.", rows_inserted},
    {"bqferry_job_rows_updated", "Rows that a merge updated.", rows_updated},
    {"bqferry_job_rows_vanished", "Rows marked, deleted or replaced.", rows_vanished},
    {"bqferry_job_rows_without_cursor", "Rows that have no value in the cursor's column.",
     rows_unreachable},
    {"bqferry_job_retries", "Attempts that were repeated.", retries},
    {"bqferry_job_cursor_timestamp_seconds",
     "How far the cursor is, as a time; absent for numbers and jobs without a cursor.", cursor},
};

/* Backslash, double quote and line feed are escaped. */
static void print_label(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\\' || *text == '"')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void print_metric(FILE *out, const Metric *metric, const RunReport *report)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", metric->name, metric->help, metric->name);
    for (size_t i = 0; i < report->job_count; i++) {
        double value;
        if (!metric->value(report, &report->jobs[i], &value))
            continue;
        fprintf(out, "%s{job=\"", metric->name);
        print_label(out, report->jobs[i].job);
        fprintf(out, "\"} %.17g\n", value);
    }
}

bool metrics_write(const RunReport *report, const char *path, Error *error)
{
    CLEANUP(free_ptr) char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        memory_exhausted(BUFSIZ);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        print_metric(out, &metrics[i], report);
    if (fclose(out) != 0)
        memory_exhausted(length);
    return file_replace(path, (StrView){text, length}, error);
}
