/* SPDX-License-Identifier: Apache-2.0 */
#include "run/own_state.h"

#include "base/clock.h"
#include "run/cursor_plan.h"

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

const char *own_state_note(const PlanRequest *request, Arena *arena)
{
    const JobCursor *own = &request->state->cursor;
    const char *now = request->job->config->where;
    if (!own->column || request->options->full_refresh)
        return NULL;
    if (own->where && now ? strcmp(own->where, now) == 0 : own->where == now)
        return NULL;
    return arena_printf(arena,
                        "`where` has changed since the cursor came to %s: rows below it that only "
                        "the new condition takes are not read again; to have them: bqferry "
                        "backfill %s --start PLACE, or --full-refresh",
                        own->value, request->job->name);
}
