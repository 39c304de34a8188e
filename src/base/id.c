/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

void id_new_run(char *id)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        random = (uint64_t)clock_monotonic_ns() * 0x9e3779b97f4a7c15u;
    int64_t now_us = clock_wall_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char when[24];
    strftime(when, sizeof when, "%Y%m%dt%H%M%S", &parts);
    snprintf(id, ID_SIZE, "%s-%05x%07x", when, (unsigned)(now_us % 1000000),
             (unsigned)(random & 0xfffffffu));
}

bool id_time(const char *id, int64_t *ret_us)
{
    enum { DASH = 15 };
    struct tm parts = {0};
    if (strnlen(id, ID_LENGTH) < ID_LENGTH || (id[DASH] != '-' && id[DASH] != '_'))
        return false;
    for (size_t i = DASH + 1; i < ID_LENGTH; i++) {
        if (!isxdigit((unsigned char)id[i]))
            return false;
    }
    const char *end = strptime(id, "%Y%m%dt%H%M%S", &parts);
    *ret_us = end == id + DASH ? (int64_t)timegm(&parts) * 1000000 : 0;
    return end == id + DASH;
}
