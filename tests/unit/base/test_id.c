/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Runs of one second, too: lists of runs are sorted by their ids. */
static void sort_by_time(void **state)
{
    (void)state;
    const struct timespec pause = {.tv_nsec = 50 * 1000};
    char before[ID_SIZE], after[ID_SIZE];
    id_new_run(before);
    for (int i = 0; i < 500; i++) {
        nanosleep(&pause, NULL);
        id_new_run(after);
        assert_int_equal(strlen(after), ID_LENGTH);
        assert_true(strcmp(before, after) < 0);
        memcpy(before, after, sizeof before);
    }
}

static void tell_their_time(void **state)
{
    (void)state;
    char id[ID_SIZE];
    int64_t time_us, now = (int64_t)time(NULL);
    id_new_run(id);
    assert_true(id_time(id, &time_us));
    assert_in_range(time_us / 1000000 - now + 2, 0, 4);
    assert_false(id_time("20260131t123456-1a2b3c4d5e6x", &time_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sort_by_time),
        cmocka_unit_test(tell_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
