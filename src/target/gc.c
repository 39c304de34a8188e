/* SPDX-License-Identifier: Apache-2.0 */
#include "target/gc.h"

#include "base/id.h"

#include <string.h>

static bool is_same_run(const char *left, const char *right)
{
    for (size_t i = 0; i < ID_LENGTH; i++) {
        bool both_dashes =
            (left[i] == '-' || left[i] == '_') && (right[i] == '-' || right[i] == '_');
        if (left[i] != right[i] && !both_dashes)
            return false;
        if (left[i] == '\0')
            break;
    }
    return true;
}

bool gc_is_ownerless(const GcRequest *request, const char *run_id)
{
    int64_t begun_us;
    if (!id_time(run_id, &begun_us) || begun_us >= request->before_us)
        return false;
    for (size_t i = 0; i < request->live_count; i++) {
        if (is_same_run(request->live[i], run_id))
            return false;
    }
    return true;
}

const char *gc_run_id(const char *text, Arena *arena)
{
    char *id = arena_strndup(arena, text, ID_LENGTH);
    for (char *letter = id; *letter; letter++) {
        if (*letter == '_')
            *letter = '-';
    }
    return id;
}
