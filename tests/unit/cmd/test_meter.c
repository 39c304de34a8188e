/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t SECOND = 1000000000;

static void set(JobProgress *job, JobPhase phase, uint64_t rows, int64_t estimate)
{
    atomic_store(&job->phase, phase);
    atomic_store(&job->rows, rows);
    atomic_store(&job->bytes, rows * 100);
    atomic_store(&job->row_estimate, estimate);
}

static void a_steady_reader_has_a_steady_speed(void **state)
{
    (void)state;
    JobProgress job = {.name = "j"};
    Meter meter = {0};
    atomic_store(&job.started_ns, SECOND);
    MeterReading reading = {0};
    for (int tick = 0; tick <= 50; tick++) {
        set(&job, PHASE_EXTRACT, (uint64_t)tick * 200, 40000);
        reading = meter_read(&meter, &job, SECOND + tick * (SECOND / 5));
    }
    /* 10,000 rows in 10 s, of 40,000 */
    assert_float_equal(reading.rows_per_second, 1000, 1);
    assert_float_equal(reading.bytes_per_second, 100000, 100);
    assert_int_equal(reading.percent, 25);
    assert_int_equal(reading.seconds_left, 30);
    assert_int_equal(reading.elapsed_ns, 10 * SECOND);
}

static void the_speed_follows_within_seconds(void **state)
{
    (void)state;
    JobProgress job = {.name = "j"};
    Meter meter = {0};
    atomic_store(&job.started_ns, 1);
    set(&job, PHASE_EXTRACT, 0, -1);
    meter_read(&meter, &job, SECOND);
    set(&job, PHASE_EXTRACT, 1000, -1);
    assert_float_equal(meter_read(&meter, &job, 2 * SECOND).rows_per_second, 1000, 0.001);
    /* Nothing more comes: after 3 s e⁻¹ of the speed is left. */
    MeterReading reading = meter_read(&meter, &job, 5 * SECOND);
    assert_float_equal(reading.rows_per_second, 367.879, 0.01);
    assert_int_equal(reading.percent, -1);
    assert_int_equal(reading.seconds_left, -1);
}

static void a_new_attempt_never_makes_it_negative(void **state)
{
    (void)state;
    JobProgress job = {.name = "j"};
    Meter meter = {0};
    set(&job, PHASE_EXTRACT, 500, 1000);
    meter_read(&meter, &job, SECOND);
    set(&job, PHASE_EXTRACT, 1000, 1000);
    meter_read(&meter, &job, 2 * SECOND);
    set(&job, PHASE_EXTRACT, 10, 1000);
    MeterReading reading = meter_read(&meter, &job, 3 * SECOND);
    assert_float_equal(reading.rows_per_second, 500, 0.001);
    assert_int_equal(reading.percent, 1);
}

static void percent_stays_below_100_until_done(void **state)
{
    (void)state;
    JobProgress job = {.name = "j"};
    Meter meter = {0};
    set(&job, PHASE_EXTRACT, 999, 1000);
    assert_int_equal(meter_read(&meter, &job, SECOND).percent, 99);
    set(&job, PHASE_EXTRACT, 5000, 1000);
    assert_int_equal(meter_read(&meter, &job, SECOND).percent, 99);
    set(&job, PHASE_APPLY, 5000, 1000);
    assert_int_equal(meter_read(&meter, &job, SECOND).percent, 99);
    set(&job, PHASE_DONE, 5000, 1000);
    assert_int_equal(meter_read(&meter, &job, SECOND).percent, 100);
    set(&job, PHASE_FAILED, 500, 1000);
    assert_int_equal(meter_read(&meter, &job, SECOND).percent, -1);
    set(&job, PHASE_PLAN, 0, 1000);
    assert_int_equal(meter_read(&meter, &job, SECOND).percent, -1);
    set(&job, PHASE_EXTRACT, 0, 0);
    assert_int_equal(meter_read(&meter, &job, SECOND).percent, -1);
}

static void a_finished_job_has_its_average(void **state)
{
    (void)state;
    JobProgress job = {.name = "j"};
    Meter meter = {0};
    atomic_store(&job.started_ns, SECOND);
    atomic_store(&job.finished_ns, 5 * SECOND);
    set(&job, PHASE_DONE, 2000, 2000);
    MeterReading reading = meter_read(&meter, &job, 100 * SECOND);
    assert_float_equal(reading.rows_per_second, 500, 0.001);
    assert_float_equal(reading.bytes_per_second, 50000, 0.1);
    assert_int_equal(reading.elapsed_ns, 4 * SECOND);
    assert_int_equal(reading.seconds_left, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_reader_has_a_steady_speed),
        cmocka_unit_test(the_speed_follows_within_seconds),
        cmocka_unit_test(a_new_attempt_never_makes_it_negative),
        cmocka_unit_test(percent_stays_below_100_until_done),
        cmocka_unit_test(a_finished_job_has_its_average),
    };
    return cmocka_run_group_tests_name("cmd/meter", tests, NULL, NULL);
}
