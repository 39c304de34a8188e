/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

#include <string.h>

void check_add(CheckReport *report, CheckLevel level, const char *what, const char *text,
               const char *fix)
{
    /* Reports are a screen long: copying on each addition keeps them in the arena. */
    CheckItem *items = ARENA_ARRAY(report->arena, CheckItem, report->count + 1);
    if (report->count)
        memcpy(items, report->items, report->count * sizeof *items);
    items[report->count] = (CheckItem){
        .level = level,
        .what = arena_strdup(report->arena, what),
        .text = arena_strdup(report->arena, text),
        .fix = arena_strdup(report->arena, fix),
    };
    report->items = items;
    report->count++;
}

bool check_any_failed(const CheckReport *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->items[i].level == CHECK_FAILED)
            return true;
    }
    return false;
}
