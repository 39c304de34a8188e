/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report.h"

#include "base/clock.h"

enum { REPORT_VERSION = 1 };

void run_report_done(RunReport *report)
{
    arena_done(&report->arena);
}

static bool has_failed(const JobReport *job)
{
    return job->status == JOB_FAILED || job->status == JOB_NOT_RUN;
}

int run_report_exit_code(const RunReport *report)
{
    int code = 0;
    for (size_t i = 0; i < report->job_count; i++) {
        if (!has_failed(&report->jobs[i]))
            continue;
        ErrorKind kind = report->jobs[i].error.kind;
        int own = error_exit_code(kind == ERROR_NONE ? ERROR_INTERNAL : kind);
        code = code == 0 || code == own ? own : 1;
    }
    return code;
}

void report_set_place(JobReport *report, const JobCursor *cursor)
{
    CursorReport *own = &report->cursor;
    own->has_place = cursor->column && cursor->kind != CURSOR_INTEGER &&
                     cursor_parse(cursor->kind, cursor->value, &own->place_us);
    if (own->has_place && cursor->kind == CURSOR_DATE)
        own->place_us *= INT64_C(86400) * 1000 * 1000;
}

const char *job_status_name(JobStatus status)
{
    static const char *const names[] = {"succeeded", "settled", "failed", "not_run"};
    return names[status];
}

static Json *invalid_json(const JobReport *job)
{
    Json *json = json_object_new();
    for (size_t i = 0; i < job->invalid_count; i++) {
        Json *reasons = json_object_new();
        for (int reason = 0; reason < INVALID_REASON_COUNT_; reason++) {
            uint64_t count = job->invalid[i].counts.counts[reason];
            if (count)
                json_set_int(reasons, invalid_reason_name((InvalidReason)reason), (int64_t)count);
        }
        json_set(json, job->invalid[i].column, reasons);
    }
    return json;
}

static Json *phases_json(const JobReport *job)
{
    Json *json = json_object_new();
    for (int phase = PHASE_SETTLE; phase <= PHASE_COMMIT; phase++) {
        char key[32];
        snprintf(key, sizeof key, "%s_ms", job_phase_name((JobPhase)phase));
        json_set_int(json, key, job->phase_ns[phase] / 1000000);
    }
    return json;
}

static Json *counts_json(const JobReport *job)
{
    if (!job->merges)
        return NULL;
    Json *json = json_object_new();
    json_set_int(json, "inserted", (int64_t)job->counts.inserted);
    json_set_int(json, "updated", (int64_t)job->counts.updated);
    json_set_int(json, "unchanged", (int64_t)job->counts.unchanged);
    json_set_int(json, "superseded", (int64_t)job->counts.superseded);
    json_set_int(json, "vanished", (int64_t)job->counts.vanished);
    json_set_bool(json, "compared_keys", job->compared_keys);
    return json;
}

static Json *cursor_json(const CursorReport *cursor)
{
    if (!cursor->column && !cursor->method)
        return NULL;
    Json *json = json_object_new();
    json_set_text(json, "column", cursor->column);
    json_set_text(json, "operator", cursor->comparison);
    json_set_text(json, "low", cursor->low);
    json_set_text(json, "high", cursor->high);
    json_set_int(json, "ranges", (int64_t)cursor->ranges);
    json_set_text(json, "bound", cursor->method);
    json_set_int(json, "rows_without_value", (int64_t)cursor->unreachable);
    json_set_bool(json, "backfill", cursor->is_backfill);
    return json;
}

static Json *error_json(const Error *error)
{
    Json *json = json_object_new();
    json_set_text(json, "kind", error_kind_name(error->kind));
    json_set_text(json, "message", error->message);
    json_set_text(json, "hint", error->hint[0] ? error->hint : NULL);
    json_set_bool(json, "retryable", error->retryable);
    return json;
}

static Json *target_jobs_json(const TargetJobs *jobs)
{
    Json *list = json_array_new();
    for (size_t i = 0; i < jobs->count; i++) {
        const TargetJob *job = &jobs->jobs[i];
        Json *json = json_object_new();
        json_set_text(json, "kind", job->kind);
        json_set_text(json, "id", job->id);
        json_set_text(json, "link", job->link);
        json_set_int(json, "bytes_billed", job->bytes_billed);
        json_set_int(json, "slot_ms", job->slot_ms);
        json_append(list, json);
    }
    return list;
}

static Json *job_json(const JobReport *job)
{
    Json *json = json_object_new();
    json_set_text(json, "job", job->job);
    json_set_text(json, "status", job_status_name(job->status));
    json_set_text(json, "run_id", job->run_id[0] ? job->run_id : NULL);
    json_set_int(json, "attempt", job->attempt);
    json_set_text(json, "load", load_mode_name(job->load));
    Json *source = json_object_new();
    json_set_text(source, "connection", job->connection);
    json_set_text(source, "relation", job->relation);
    json_set(json, "source", source);
    json_set_text(json, "target", job->target);
    json_set_int(json, "workers", (int64_t)job->workers);
    json_set_int(json, "shards", (int64_t)job->shards);
    json_set_int(json, "rows_read", (int64_t)job->rows_read);
    json_set_int(json, "bytes_read", (int64_t)job->bytes_read);
    json_set_int(json, "rows_staged", (int64_t)job->rows_staged);
    json_set_int(json, "bytes_staged", (int64_t)job->bytes_staged);
    json_set_int(json, "rows_applied", (int64_t)job->rows_applied);
    json_set(json, "merged", counts_json(job));
    json_set(json, "cursor", cursor_json(&job->cursor));
    json_set(json, "invalid", invalid_json(job));
    json_set(json, "phases", phases_json(job));
    json_set_int(json, "retries", job->retries);
    json_set(json, "target_jobs", target_jobs_json(&job->target_jobs));
    Json *notes = json_array_new();
    for (size_t i = 0; i < job->note_count; i++)
        json_append_text(notes, job->notes[i]);
    json_set(json, "notes", notes);
    json_set(json, "error", has_failed(job) ? error_json(&job->error) : NULL);
    return json;
}

Json *run_report_json(const RunReport *report)
{
    char time[CLOCK_TEXT_SIZE];
    Json *json = json_object_new();
    json_set_int(json, "version", REPORT_VERSION);
    json_set_text(json, "id", report->id);
    clock_format_utc(report->started_us, time);
    json_set_text(json, "started_at", time);
    clock_format_utc(report->finished_us, time);
    json_set_text(json, "finished_at", time);
    json_set_int(json, "duration_ms", (report->finished_us - report->started_us) / 1000);
    json_set_int(json, "exit_code", run_report_exit_code(report));
    Json *jobs = json_array_new();
    for (size_t i = 0; i < report->job_count; i++)
        json_append(jobs, job_json(&report->jobs[i]));
    json_set(json, "jobs", jobs);
    return json;
}

bool run_report_write(const RunReport *report, const char *path, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = run_report_json(report);
    return json_write_file(path, json, error);
}
