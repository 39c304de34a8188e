/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/pace.h"

int64_t pace_take(Pace *pace, size_t limit, int64_t now_ns)
{
    const int64_t period_ns = 10LL * 1000 * 1000 * 1000, ms_ns = 1000 * 1000;
    int64_t *place = &pace->begun_ns[pace->count % limit];
    int64_t begin_ns = now_ns;
    if (pace->count >= limit && *place + period_ns > now_ns)
        begin_ns = *place + period_ns;
    *place = begin_ns;
    pace->count++;
    return (begin_ns - now_ns + ms_ns - 1) / ms_ns;
}
