/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

enum { PIECES = 100 };

typedef struct Work {
    atomic_int done[PIECES];
    atomic_int total;
    size_t fails_at;
} Work;

static bool count_piece(void *context, size_t index, size_t worker, const StopFlag *stop,
                        Error *error)
{
    (void)worker;
    (void)stop;
    Work *work = context;
    atomic_fetch_add(&work->done[index], 1);
    atomic_fetch_add(&work->total, 1);
    if (index == work->fails_at)
        return error_set(error, ERROR_DATA, "piece %zu", index);
    return true;
}

static void does_every_piece_once(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 8; threads++) {
        Work work = {.fails_at = PIECES};
        Error error = {0};
        ParallelOptions options = {.count = PIECES, .threads = threads};
        assert_true(parallel_run(&options, count_piece, &work, &error));
        for (size_t i = 0; i < PIECES; i++)
            assert_int_equal(work.done[i], 1);
    }
    ParallelOptions nothing = {.threads = 4};
    assert_true(parallel_run(&nothing, count_piece, NULL, NULL));
}

static void the_first_failure_stops_the_rest(void **state)
{
    (void)state;
    Work work = {.fails_at = 3};
    Error error = {0};
    ParallelOptions options = {.count = PIECES, .threads = 1};
    assert_false(parallel_run(&options, count_piece, &work, &error));
    assert_int_equal(work.total, 4);
    assert_string_equal(error.message, "piece 3");
}

static void goes_on_when_told_to(void **state)
{
    (void)state;
    Work work = {.fails_at = 3};
    Error error = {0};
    ParallelOptions options = {.count = PIECES, .threads = 2, .keep_going = true};
    assert_false(parallel_run(&options, count_piece, &work, &error));
    assert_int_equal(work.total, PIECES);
    assert_string_equal(error.message, "piece 3");
}

/* Piece 0 ends as cancelled once it sees the stop that piece 1's failure caused. */
static bool wait_for_stop(void *context, size_t index, size_t worker, const StopFlag *stop,
                          Error *error)
{
    (void)context;
    (void)worker;
    if (index == 1)
        return error_set(error, ERROR_SOURCE, "the reason");
    while (!stop_requested(stop))
        clock_sleep_ms(1);
    return error_set(error, ERROR_CANCELLED, "the echo");
}

static void a_real_failure_beats_its_echo(void **state)
{
    (void)state;
    Error error = {0};
    ParallelOptions options = {.count = 2, .threads = 2};
    assert_false(parallel_run(&options, wait_for_stop, NULL, &error));
    assert_string_equal(error.message, "the reason");
}

static void a_parent_stops_the_pieces(void **state)
{
    (void)state;
    StopFlag parent = {0};
    stop_request(&parent);
    Work work = {.fails_at = PIECES};
    Error error = {0};
    ParallelOptions options = {.count = PIECES, .threads = 2, .parent = &parent};
    assert_false(parallel_run(&options, count_piece, &work, &error));
    assert_int_equal(work.total, 0);
    assert_int_equal(error.kind, ERROR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_every_piece_once),
        cmocka_unit_test(the_first_failure_stops_the_rest),
        cmocka_unit_test(goes_on_when_told_to),
        cmocka_unit_test(a_real_failure_beats_its_echo),
        cmocka_unit_test(a_parent_stops_the_pieces),
    };
    return cmocka_run_group_tests_name("base/parallel", tests, NULL, NULL);
}
