/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/endpoints.h"

#include "base/view.h"

size_t endpoint_count(const char *list)
{
    size_t count = 1;
    for (; list && *list; list++)
        count += *list == ',';
    return count;
}

static StrView entry(const char *list, size_t index)
{
    for (; index > 0; index--)
        list = strchr(list, ',') + 1;
    return (StrView){list, strcspn(list, ",")};
}

size_t endpoint_find(const char *host_list, const char *port_list, const char *host,
                     const char *port)
{
    size_t count = endpoint_count(host_list);
    bool with_ports = port_list && port && endpoint_count(port_list) == count;
    for (size_t i = 0; host_list && host && i < count; i++) {
        if (view_equals(entry(host_list, i), view_of(host)) &&
            (!with_ports || view_equals(entry(port_list, i), view_of(port))))
            return i;
    }
    return count;
}

const char *endpoint_without(const char *list, size_t count, size_t index, Arena *arena)
{
    if (!list || endpoint_count(list) != count || count < 2)
        return list;
    const char *gone = entry(list, index).data;
    if (index + 1 == count)
        return arena_strndup(arena, list, (size_t)(gone - list) - 1);
    return arena_printf(arena, "%.*s%s", (int)(gone - list), list, entry(list, index + 1).data);
}
