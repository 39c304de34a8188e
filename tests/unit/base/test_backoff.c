/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include "base/cancel.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void never_retries_without_a_budget(void **state)
{
    (void)state;
    Backoff backoff;
    backoff_init(&backoff, 0);
    assert_false(backoff_wait(&backoff));
}

/* A long attempt that fails again must not find the budget spent by its own work. */
static void work_costs_no_budget(void **state)
{
    (void)state;
    Backoff backoff;
    backoff_init(&backoff, 600); /* the first wait takes 250 at most */
    assert_true(backoff_wait(&backoff));
    clock_sleep_ms(700);
    assert_true(backoff_wait(&backoff));
}

static void ends_with_its_budget(void **state)
{
    (void)state;
    Backoff backoff;
    backoff_init(&backoff, 300);
    int64_t start = clock_monotonic_ns();
    while (backoff_wait(&backoff))
        assert_true(backoff.next_ms <= backoff.max_ms);
    assert_true(backoff.tries >= 1);
    assert_true(clock_monotonic_ns() - start < 5000000000);
}

/* A server's wish is kept, or the wait is not begun. */
static void waits_as_long_as_asked(void **state)
{
    (void)state;
    Backoff backoff;
    backoff_init(&backoff, 1000);
    assert_true(backoff_wait_at_least(&backoff, 300, NULL));
    assert_true(backoff.waited_ms >= 300);
    assert_false(backoff_wait_at_least(&backoff, 1000, NULL));
    assert_true(backoff.waited_ms < 1000);
    StopFlag stop = {.stopped = true};
    assert_false(backoff_wait_at_least(&backoff, 1, &stop));
}

/* Last: a stop cannot be taken back. */
static void is_cut_short_by_a_stop(void **state)
{
    (void)state;
    Backoff backoff;
    backoff_init(&backoff, 60000);
    cancel_request();
    assert_false(backoff_wait(&backoff));
    Error error = {0};
    assert_false(cancel_check(&error));
    assert_int_equal(error.kind, ERROR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_retries_without_a_budget), cmocka_unit_test(work_costs_no_budget),
        cmocka_unit_test(ends_with_its_budget),           cmocka_unit_test(waits_as_long_as_asked),
        cmocka_unit_test(is_cut_short_by_a_stop),
    };
    return cmocka_run_group_tests_name("base/backoff", tests, NULL, NULL);
}
