/* SPDX-License-Identifier: Apache-2.0 */
#include "state/state.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"

#include <ctype.h>
#include <inttypes.h>

enum { NAP_MS = 100 };

bool state_lock(StateStore *store, const LockRequest *request, StateLock **ret_lock, Error *error)
{
    int64_t until = clock_monotonic_ns() + request->wait_ms * 1000000;
    bool said = false;
    for (;;) {
        Error locked = {0};
        if (store->ops->lock(store, request, ret_lock, &locked))
            return true;
        if (!cancel_check(error))
            return false;
        if (locked.kind != ERROR_LOCKED || clock_monotonic_ns() >= until) {
            if (error)
                *error = locked;
            return false;
        }
        if (!said)
            log_info(request->holder, "waits for a lock: %s", locked.message);
        said = true;
        clock_sleep_ms(NAP_MS);
    }
}

/* Some targets' names do not tell cases apart: one lock too many does no harm. */
const char *state_table_lock_name(const char *destination, const char *dataset, const char *table,
                                  Arena *arena)
{
    char *name = arena_printf(arena, "table %s %s.%s", destination, dataset, table);
    for (char *letter = name; *letter; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    return name;
}

bool state_keep_report(StateStore *store, const char *id, const Json *report, size_t keep,
                       Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    TextArray ids;
    if (!store->ops->report_save(store, id, report, error) ||
        !store->ops->report_list(store, &arena, &ids, error))
        return false;
    for (size_t i = 0; i + keep < ids.count; i++) {
        if (!store->ops->report_remove(store, ids.items[i], error))
            return false;
    }
    return true;
}
