/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pass_range.h"

#include "base/clock.h"
#include "run/own_state.h"
#include "run/plan_merge.h"

#include <inttypes.h>
#include <string.h>

enum { SECOND_US = 1000 * 1000 };

#define WINDOW_BYTES (INT64_C(4) << 30) /* of the source's table, when the job says no window */

static const char *now_text(Arena *arena)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_us(), now);
    return arena_strdup(arena, now);
}

static bool is_full_refresh(const RangeRequest *request)
{
    return request->run->options->full_refresh;
}

static bool leads_an_index(const PlannedJob *planned, const char *column)
{
    for (size_t i = 0; i < planned->table.column_count; i++) {
        if (strcmp(planned->table.columns[i].name, column) == 0)
            return planned->table.columns[i].leads_an_index;
    }
    return false;
}

/* Long ranges are the first run's and a backfill's; what gathers between runs is read in one go
 * unless the job says a window. */
static bool may_be_long(const RangeRequest *request)
{
    return request->kind == PASS_BACKFILL || !request->state->cursor.column;
}

static bool wants_windows(const RangeRequest *request, const CursorPlan *cursor)
{
    const PlannedJob *planned = request->planned;
    if (is_full_refresh(request) || request->run->options->limit > 0)
        return false; /* one step, or a taste */
    return cursor->window > 0 || (may_be_long(request) && planned->table.byte_size > WINDOW_BYTES &&
                                  leads_an_index(planned, cursor->ref.column));
}

/* By size, as if rows were spread evenly. */
static int64_t window_of(const RangeRequest *request, const CursorPlan *cursor, int64_t first,
                         int64_t bound)
{
    if (cursor->window > 0)
        return cursor->window;
    double parts = (double)request->planned->table.byte_size / (double)WINDOW_BYTES;
    int64_t window = (int64_t)(((double)bound - (double)first) / parts);
    return window > 0 ? window : 1;
}

/* Looks at the source's rows from `low` on: for windows, and once a run for rows without a place.
 */
static bool survey(const RangeRequest *request, PassRange *range, bool wants_first,
                   const int64_t **ret_first, Error *error)
{
    JobRun *run = request->run;
    Snapshot *snapshot = shared_snapshot_get(request->shared);
    Extract *extract = &request->planned->extract;
    CursorSurvey seen;
    *ret_first = NULL;
    if (run->surveyed && !wants_first)
        return true;
    range->source = cursor_plan_range(&range->cursor, &range->range, request->arena);
    extract->range = &range->source;
    if (!request->planned->source->ops->survey(snapshot, extract, wants_first, request->arena,
                                               &seen, error))
        return false;
    if (!run->surveyed && seen.unreachable) {
        run->report->cursor.unreachable = seen.unreachable;
        job_note(run, arena_printf(request->arena,
                                   "%" PRIu64 " rows have no value in %s, and are not read",
                                   seen.unreachable, range->cursor.ref.column));
    }
    run->surveyed = true;
    int64_t *first = ARENA_NEW(request->arena, int64_t);
    if (wants_first && seen.first && cursor_parse(range->cursor.kind, seen.first, first))
        *ret_first = first;
    return true;
}

/* Clocks that were set back stamp rows below the cursor. */
static void note_backwards(const RangeRequest *request, const CursorPlan *cursor, int64_t bound)
{
    const JobCursor *own = &request->state->cursor;
    if (!own->column || cursor->kind == CURSOR_INTEGER)
        return;
    int64_t slack = cursor_distance(cursor->kind, cursor->ref.grace_ms + 1000);
    if (bound >= cursor_shift(job_cursor_next(own), -slack))
        return;
    job_note(request->run,
             arena_printf(
                 request->arena,
                 "the cursor (%s) lies above what can be read now (%s): the clock was set back, "
                 "or something open reaches back further than before; rows that are stamped in "
                 "between are only seen with `lookback`",
                 own->value, cursor_format(cursor->kind, bound, request->arena)));
}

static bool next_range(const RangeRequest *request, PassRange *range, int64_t bound,
                       PassOutcome *outcome, Error *error)
{
    static const JobCursor none = {0};
    const JobCursor *from = is_full_refresh(request) ? &none : &request->state->cursor;
    const CursorPlan *cursor = &range->cursor;
    const int64_t *first;
    note_backwards(request, cursor, bound);
    outcome->nothing = !cursor_plan_next(cursor, from, bound, 0, NULL, &range->range);
    bool is_first_run = !from->column;
    if (outcome->nothing && !is_first_run)
        return true;
    outcome->nothing = false; /* a first run makes the table, even of no rows */
    bool windows = wants_windows(request, cursor);
    if (!survey(request, range, windows, &first, error))
        return false;
    if (windows && first)
        cursor_plan_next(cursor, from, bound, window_of(request, cursor, *first, bound), first,
                         &range->range);
    outcome->is_last = range->range.is_last;
    return true;
}

/* An append must not add a row twice: of a range that is read again, or may have been read before.
 */
static bool protect_append(const RangeRequest *request, PassRange *range, Error *error)
{
    static const TypeKind types[CURSOR_KIND_COUNT_] = {TYPE_TIMESTAMP, TYPE_DATETIME, TYPE_DATE,
                                                       TYPE_INT64};
    Delivery *delivery = &request->planned->delivery;
    const CursorPlan *cursor = &range->cursor;
    bool again =
        request->kind == PASS_BACKFILL || (cursor->lookback > 0 && request->state->cursor.column);
    if (delivery->load != LOAD_APPEND || !again)
        return true;
    const char *name = plan_target_name(&request->planned->plan, cursor->ref.column);
    if (name && delivery->merge.key_count > 0) {
        delivery->merge.present = true;
        return true;
    }
    const Schema *schema = &delivery->schema;
    for (size_t i = 0; name && i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, name) != 0 || schema->fields[i].mode == MODE_REPEATED ||
            schema->fields[i].kind != types[cursor->kind])
            continue;
        delivery->merge.range = (MergeRange){
            .column = name,
            .has_low = range->range.has_low,
            .low = cursor_shift(range->range.low, -cursor->lookback),
            .high = range->range.high,
        };
        return true;
    }
    error_set(
        error, ERROR_CONFIG,
        "an append that reads rows again (lookback, backfill) needs a key, or the cursor's column %s "
        "as it is, to tell which rows are in the target already",
        cursor->ref.column);
    return error_hint(error, "carry the column, say `key:`, or choose load: upsert");
}

static void set_columns(const RangeRequest *request, JobState *next)
{
    next->columns = request->planned->columns;
    next->column_count = request->planned->column_count;
}

static void advance(const RangeRequest *request, PassRange *range)
{
    JobState next = *request->state;
    if (is_full_refresh(request)) {
        next.backfill = (JobBackfill){0};
        next.compared_at = now_text(request->arena);
    } else if (!request->state->cursor.column && !request->planned->existing.exists) {
        next.compared_at = now_text(request->arena); /* the table holds nothing else */
    }
    set_columns(request, &next);
    next.cursor = range->wanted;
    next.cursor.kind = range->cursor.kind;
    next.cursor.value = cursor_plan_value(&range->cursor, range->range.high, request->arena);
    range->next = next;
    range->has_next = request->run->options->limit == 0 && range->range.high != INT64_MIN;
}

typedef struct BackfillSpan {
    int64_t start;
    int64_t end;
} BackfillSpan;

/* What the running cursor has yet to read is not the backfill's. */
static bool read_span(const RangeRequest *request, CursorKind kind, int64_t bound,
                      BackfillSpan *ret_span, Error *error)
{
    const BackfillOptions *asked = request->run->options->backfill;
    const JobCursor *own = &request->state->cursor;
    int64_t end = bound, wanted;
    if (own->column && job_cursor_next(own) < end)
        end = job_cursor_next(own);
    if (!cursor_plan_place(kind, asked->start, false, &ret_span->start, error))
        return error_prefix(error, "--start");
    if (asked->end && !cursor_plan_place(kind, asked->end, true, &wanted, error))
        return error_prefix(error, "--end");
    if (asked->end && wanted <= ret_span->start)
        return error_set(error, ERROR_USAGE, "--end %s does not lie behind --start %s", asked->end,
                         asked->start);
    ret_span->end = asked->end && wanted < end ? wanted : end;
    if (asked->end && wanted > end && end > ret_span->start)
        job_note(request->run,
                 arena_printf(request->arena,
                              "the backfill ends at %s: what comes after is left to the job's runs",
                              cursor_format(kind, end, request->arena)));
    return true;
}

/* Where the backfill goes on: at what is left of the same one. */
static const char *resume_place(const RangeRequest *request, const JobBackfill *backfill,
                                const BackfillSpan *span)
{
    const JobBackfill *before = &request->state->backfill;
    int64_t done;
    bool goes_on = before->start && before->done && before->kind == backfill->kind &&
                   strcmp(before->start, backfill->start) == 0 &&
                   cursor_parse(backfill->kind, before->done, &done) && done < span->end;
    return goes_on ? before->done : backfill->start;
}

static bool next_window(const RangeRequest *request, PassRange *range, int64_t bound,
                        PassOutcome *outcome, Error *error)
{
    const CursorPlan *cursor = &range->cursor;
    BackfillSpan span;
    if (!read_span(request, cursor->kind, bound, &span, error))
        return false;
    JobBackfill backfill = {
        .kind = cursor->kind,
        .start = cursor_format(cursor->kind, span.start, request->arena),
        .end = cursor_format(cursor->kind, span.end, request->arena),
    };
    const JobCursor from = {
        .column = cursor->ref.column,
        .kind = cursor->kind,
        .comparison = ">=",
        .value = resume_place(request, &backfill, &span),
    };
    outcome->nothing = !cursor_plan_next(cursor, &from, span.end, 0, NULL, &range->range);
    outcome->is_last = true;
    if (outcome->nothing) {
        job_note(request->run,
                 arena_printf(request->arena,
                              "nothing was read: what comes after %s is left to the job's runs",
                              backfill.end));
        return true;
    }
    const int64_t *first;
    bool windows = wants_windows(request, cursor);
    if (!survey(request, range, windows, &first, error))
        return false;
    if (windows && first)
        cursor_plan_next(cursor, &from, span.end, window_of(request, cursor, *first, span.end),
                         first, &range->range);
    outcome->is_last = range->range.is_last;
    backfill.done = cursor_format(cursor->kind, range->range.high, request->arena);
    range->next = *request->state;
    set_columns(request, &range->next);
    range->next.backfill = backfill;
    range->has_next = true;
    return true;
}

static bool find_bound(const RangeRequest *request, const Bound **ret_bound, PassOutcome *outcome,
                       Error *error)
{
    JobRun *run = request->run;
    const Bound *bound = shared_snapshot_bound(request->shared, run->job);
    if (!bound)
        return error_set(error, ERROR_INTERNAL, "the cursor of %s has no bound", run->job->name);
    if (bound->error.kind != ERROR_NONE) {
        if (error)
            *error = bound->error;
        return false;
    }
    if (bound->note)
        job_note(run, bound->note);
    run->report->cursor.method = job_keep_text(run, bound->method);
    *ret_bound = bound;
    outcome->nothing = !bound->known;
    if (bound->known || (!is_full_refresh(request) && request->kind != PASS_BACKFILL))
        return true;
    return error_set_retryable(error, ERROR_SOURCE, "how far can be read is not known now: %s",
                               bound->note ? bound->note : "transactions are open");
}

static bool with_cursor(const RangeRequest *request, PassRange *range, PassOutcome *outcome,
                        Error *error)
{
    const JobConfig *config = request->run->job->config;
    const Bound *bound = NULL;
    JobRun *run = request->run;
    const PlanRequest plan = {run->session, run->options, run->job, request->state};
    range->wanted = own_cursor(run->session, run->job, request->run_id, request->arena);
    outcome->is_last = true;
    if (!find_bound(request, &bound, outcome, error) ||
        !own_state_check(&plan, request->planned, bound->kind, request->arena, error))
        return false;
    const char *changed = request->kind == PASS_BACKFILL
                              ? NULL
                              : own_state_note(&plan, request->planned, request->arena);
    if (changed)
        job_note(run, changed);
    if (outcome->nothing)
        return true;
    if (!cursor_plan_make(&config->cursor, config->window, bound->kind, &range->cursor, error))
        return false;
    bool is_backfill = request->kind == PASS_BACKFILL;
    if (is_backfill)
        range->cursor.lookback = 0;
    if (is_backfill ? !next_window(request, range, bound->place, outcome, error)
                    : !next_range(request, range, bound->place, outcome, error))
        return false;
    if (outcome->nothing)
        return true;
    if (!is_backfill)
        advance(request, range);
    range->source = cursor_plan_range(&range->cursor, &range->range, request->arena);
    request->planned->extract.range = &range->source;
    return protect_append(request, range, error);
}

bool pass_range(const RangeRequest *request, PassRange *ret_range, PassOutcome *ret_outcome,
                Error *error)
{
    *ret_range = (PassRange){0};
    *ret_outcome = (PassOutcome){.is_last = true};
    bool has_cursor = request->run->job->config->cursor.columns.count > 0;
    if (request->kind != PASS_KEYS && has_cursor)
        return with_cursor(request, ret_range, ret_outcome, error);
    ret_range->next = *request->state;
    set_columns(request, &ret_range->next);
    if (request->kind == PASS_KEYS)
        ret_range->next.compared_at = now_text(request->arena);
    ret_range->has_next = true;
    return true;
}
