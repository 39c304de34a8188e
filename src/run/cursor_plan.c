/* SPDX-License-Identifier: Apache-2.0 */
#include "run/cursor_plan.h"

#include "config/scalar.h"

#include <string.h>

enum { PLAIN_DATE_LENGTH = 10 };

static bool is_time(CursorKind kind)
{
    return kind == CURSOR_INSTANT || kind == CURSOR_WALL;
}

CursorRef cursor_ref_of(const CursorConfig *config)
{
    return (CursorRef){
        .column = config->columns.items[0],
        .key_column = config->columns.count > 1 ? config->columns.items[1] : NULL,
        .time_zone = config->time_zone,
        .grace_ms = config->grace_ms,
        .wait_ms = config->wait_ms,
    };
}

/* "5m" of times and dates, "1000" of numbers. */
static bool read_amount(const char *key, const char *text, CursorKind kind, int64_t *ret_places,
                        Error *error)
{
    int64_t amount;
    *ret_places = 0;
    if (!text)
        return true;
    if (kind == CURSOR_INTEGER) {
        if (scalar_integer(text, ret_places))
            return true;
        return error_set(error, ERROR_CONFIG,
                         "%s: the cursor is a number, so expected a count such as 1000, found %s",
                         key, text);
    }
    if (scalar_duration_ms(text, &amount)) {
        *ret_places = cursor_distance(kind, amount);
        return true;
    }
    return error_set(error, ERROR_CONFIG,
                     "%s: the cursor is a time, so expected a duration such as 5m or 7d, found %s",
                     key, text);
}

static bool read_start(const char *text, CursorPlan *plan, Error *error)
{
    int64_t age;
    if (!text || strcmp(text, "all") == 0)
        return true;
    plan->has_start = true;
    if (cursor_parse(plan->kind, text, &plan->start))
        return true;
    if (plan->kind != CURSOR_INTEGER && scalar_duration_ms(text, &age)) {
        plan->start_is_age = true;
        plan->start = cursor_distance(plan->kind, age);
        return true;
    }
    return error_set(error, ERROR_CONFIG, "cursor.start: expected %s%s, found %s",
                     cursor_kind_example(plan->kind),
                     plan->kind == CURSOR_INTEGER ? "" : ", an age such as 30d, or all", text);
}

bool cursor_plan_make(const CursorConfig *config, const char *window, CursorKind kind,
                      CursorPlan *ret_plan, Error *error)
{
    *ret_plan = (CursorPlan){
        .ref = cursor_ref_of(config),
        .kind = kind,
        .comparison = config->comparison,
    };
    return read_amount("cursor.lookback", config->lookback, kind, &ret_plan->lookback, error) &&
           read_amount("backfill.window", window, kind, &ret_plan->window, error) &&
           read_start(config->start, ret_plan, error);
}

/* Where reading begins; has_low stays false for the beginning of all. */
static void find_low(const CursorPlan *plan, const JobCursor *state, int64_t bound,
                     PlannedRange *range)
{
    if (state->column) {
        range->has_low = true;
        range->low = job_cursor_next(state);
        range->low_key = state->key;
    } else if (plan->has_start) {
        range->has_low = true;
        range->low = plan->start_is_age ? cursor_shift(bound, -plan->start) : plan->start;
    }
}

bool cursor_plan_next(const CursorPlan *plan, const JobCursor *state, int64_t bound, int64_t window,
                      const int64_t *first, PlannedRange *ret_range)
{
    PlannedRange range = {.high = bound, .is_last = true};
    find_low(plan, state, bound, &range);
    *ret_range = range;
    if (range.has_low && range.low >= bound && !range.low_key)
        return false;
    if (window == 0 || !first)
        return true;
    int64_t from = range.has_low && range.low > *first ? range.low : *first;
    int64_t high = cursor_shift(from, window);
    if (high < bound) {
        range.high = high;
        range.is_last = false;
    }
    *ret_range = range;
    return true;
}

static bool is_exclusive(const CursorPlan *plan)
{
    return strcmp(plan->comparison, ">") == 0;
}

const char *cursor_plan_value(const CursorPlan *plan, int64_t high, Arena *arena)
{
    return cursor_format(plan->kind, is_exclusive(plan) ? cursor_shift(high, -1) : high, arena);
}

CursorRange cursor_plan_range(const CursorPlan *plan, const PlannedRange *range, Arena *arena)
{
    bool exclusive = is_exclusive(plan);
    CursorRange made = {
        .cursor = &plan->ref,
        .kind = plan->kind,
        .high = cursor_plan_value(plan, range->high, arena),
        .through_high = exclusive,
    };
    if (!range->has_low)
        return made;
    made.low = cursor_plan_value(plan, cursor_shift(range->low, -plan->lookback), arena);
    made.after_low = exclusive;
    if (plan->lookback == 0)
        made.low_key = range->low_key;
    return made;
}

static bool same(const char *left, const char *right)
{
    return strcmp(left ? left : "", right ? right : "") == 0;
}

const char *cursor_plan_foreign(const JobCursor *state, const JobCursor *wanted, Arena *arena)
{
    if (!state->column)
        return NULL;
    if (!same(state->source, wanted->source))
        return arena_printf(arena, "it stands for rows of %s, and the job reads %s", state->source,
                            wanted->source);
    if (!same(state->column, wanted->column) || !same(state->key_column, wanted->key_column))
        return arena_printf(arena, "it goes by the column %s, and the job's cursor is %s",
                            state->column, wanted->column);
    if (!same(state->destination, wanted->destination) || !same(state->table, wanted->table))
        return arena_printf(arena, "its rows went to %s in %s, and the job writes %s in %s",
                            state->table, state->destination, wanted->table, wanted->destination);
    return NULL;
}

bool cursor_plan_place(CursorKind kind, const char *text, bool is_end, int64_t *ret_place,
                       Error *error)
{
    const int64_t day_ms = INT64_C(24) * 3600 * 1000;
    if (!cursor_parse(kind, text, ret_place))
        return error_set(error, ERROR_USAGE, "expected %s, found %s", cursor_kind_example(kind),
                         text);
    bool is_date = kind == CURSOR_DATE || (is_time(kind) && strlen(text) == PLAIN_DATE_LENGTH);
    if (is_end && is_date)
        *ret_place = cursor_shift(*ret_place, cursor_distance(kind, day_ms));
    return true;
}
