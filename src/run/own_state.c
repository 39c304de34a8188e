/* SPDX-License-Identifier: Apache-2.0 */
#include "run/own_state.h"

#include "base/clock.h"
#include "run/cursor_plan.h"

#include <inttypes.h>
#include <string.h>

JobCursor own_cursor(Session *session, const RunJob *job, const char *set_by, Arena *arena)
{
    const ConfigText *columns = &job->config->cursor.columns;
    char now[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_us(), now);
    return (JobCursor){
        .column = columns->items[0],
        .key_column = columns->count > 1 ? columns->items[1] : NULL,
        .comparison = job->config->cursor.comparison,
        .source = job->relation_text,
        .where = job->config->where,
        .destination = session_destination(session),
        .table = arena_printf(arena, "%s%s%s", job->target.dataset, *job->target.dataset ? "." : "",
                              job->target.table),
        .set_by = set_by,
        .set_at = arena_strdup(arena, now),
    };
}

/* ERROR_CONFIG with the ways out. */
static bool refuse(const char *job, const char *why, Error *error)
{
    error_set(error, ERROR_CONFIG, "the state of job %s is not this job's: %s", job, why);
    return error_hint(
        error,
        "to load the table anew: --full-refresh; to begin again at `start`, adding to what is "
        "there: bqferry state reset %s; to go on from a place: bqferry state set %s "
        "--cursor VALUE; or give the job another name",
        job, job);
}

bool own_state_check(const PlanRequest *request, const PlannedJob *planned, CursorKind kind,
                     Arena *arena, Error *error)
{
    const JobCursor *own = &request->state->cursor;
    const RunJob *job = request->job;
    if (!own->column || request->options->full_refresh)
        return true;
    const JobCursor wanted = own_cursor(request->session, job, NULL, arena);
    const char *why = cursor_plan_foreign(own, &wanted, arena);
    if (!why && own->kind != kind)
        why = arena_printf(arena, "column %s was of kind %s, and is of kind %s now", own->column,
                           cursor_kind_name(own->kind), cursor_kind_name(kind));
    if (!why && planned->knows_existing && !planned->existing.exists)
        why = arena_printf(arena, "the target table %s is gone, and rows below %s were in it",
                           own->table, own->value);
    return !why || refuse(job->name, why, error);
}

static const char *other_condition(const PlanRequest *request, Arena *arena)
{
    const JobCursor *own = &request->state->cursor;
    const char *now = request->job->config->where;
    if (own->where && now ? strcmp(own->where, now) == 0 : own->where == now)
        return NULL;
    return arena_printf(arena,
                        "`where` has changed since the cursor came to %s: rows below it that only "
                        "the new condition takes are not read again; to have them: bqferry "
                        "backfill %s --start PLACE, or --full-refresh",
                        own->value, request->job->name);
}

/* The table's time is the target's, the state's our own: they may differ by some minutes. */
static const char *other_table(const PlanRequest *request, const TargetTable *table, Arena *arena)
{
    static const int64_t clocks_us = INT64_C(10) * 60 * 1000000;
    const JobCursor *own = &request->state->cursor;
    const char *success = request->state->succeeded_at;
    char made[CLOCK_TEXT_SIZE];
    int64_t set_us = 0, success_us = 0;
    bool is_set = own->set_at && cursor_parse(CURSOR_INSTANT, own->set_at, &set_us);
    if (!success || !cursor_parse(CURSOR_INSTANT, success, &success_us) || !is_set ||
        table->made_us - clocks_us <= (set_us > success_us ? set_us : success_us))
        return NULL;
    clock_format_utc(table->made_us, made);
    return arena_printf(arena,
                        "the target table was made anew at %s, after the last run: rows below %s "
                        "are not read again; unless they are there: --full-refresh",
                        made, own->value);
}

static const char *rows_without_state(const PlanRequest *request, const TargetTable *table,
                                      Arena *arena)
{
    const JobConfig *config = request->job->config;
    if (config->load != LOAD_APPEND || config->cursor.columns.count == 0 || table->row_count <= 0)
        return NULL;
    return arena_printf(arena,
                        "there is no cursor of this job yet, and the target table holds %" PRId64
                        " rows: all from `start` on are added to them; if they are there already: "
                        "bqferry state set %s --cursor VALUE before the run, or --full-refresh",
                        table->row_count, request->job->name);
}

const char *own_state_note(const PlanRequest *request, const PlannedJob *planned, Arena *arena)
{
    const TargetTable *table = &planned->existing;
    if (request->options->full_refresh)
        return NULL;
    if (!request->state->cursor.column)
        return rows_without_state(request, table, arena);
    const char *condition = other_condition(request, arena);
    const char *anew = other_table(request, table, arena);
    return condition && anew ? arena_printf(arena, "%s; %s", anew, condition)
           : anew            ? anew
                             : condition;
}
