/* SPDX-License-Identifier: Apache-2.0 */
#include "run/plan_next.h"

#include "run/cursor_plan.h"
#include "run/own_state.h"

static const char *range_text(const CursorRange *range, Arena *arena)
{
    const char *column = range->cursor->column;
    const char *high = arena_printf(arena, "%s %s", range->through_high ? "<=" : "<", range->high);
    if (!range->low)
        return arena_printf(arena, "%s %s", column, high);
    const char *low =
        arena_printf(arena, "%s %s %s", column, range->after_low ? ">" : ">=", range->low);
    if (range->low_key)
        low = arena_printf(arena, "%s (there from %s %s on)", low, range->cursor->key_column,
                           range->low_key);
    return arena_printf(arena, "%s and %s", low, high);
}

static void fill(const CursorPlan *cursor, const PlannedRange *range, Arena *arena,
                 PlannedJob *planned, JobPlan *plan)
{
    CursorRange *source = ARENA_NEW(arena, CursorRange);
    CursorRef *ref = ARENA_NEW(arena, CursorRef);
    *source = cursor_plan_range(cursor, range, arena);
    *ref = cursor->ref;
    source->cursor = ref;
    planned->extract.range = source;
    plan->cursor = plan->cursor_is_at_end ? NULL : range_text(source, arena);
}

bool plan_next(const PlanRequest *request, const Bound *bound, PlannedJob *planned, Arena *arena,
               JobPlan *plan, Error *error)
{
    static const JobCursor none = {0};
    const JobConfig *config = request->job->config;
    const JobCursor *from = request->options->full_refresh ? &none : &request->state->cursor;
    CursorPlan cursor;
    PlannedRange range;
    if (!bound)
        return true;
    if (bound->error.kind != ERROR_NONE) {
        if (error)
            *error = bound->error;
        return false;
    }
    if (!own_state_check(request, planned, bound->kind, arena, error) ||
        !cursor_plan_make(&config->cursor, config->window, bound->kind, &cursor, error))
        return false;
    plan->bound = arena_strdup(arena, bound->method);
    plan->cursor_value = from->value;
    plan->cursor_set_by = from->set_by;
    plan->cursor_set_at = from->set_at;
    if (!bound->known)
        return true;
    bool any = cursor_plan_next(&cursor, from, bound->place, 0, NULL, &range);
    plan->cursor_is_at_end = !any && from->column;
    fill(&cursor, &range, arena, planned, plan);
    return true;
}
