/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/meter.h"

#include <math.h>

static const double SECOND_NS = 1e9;
static const double SMOOTHING_SECONDS = 3;

/* Older seconds count less and less; the first reading counts whole. */
static double smooth(double before, double now, double seconds, bool first)
{
    double weight = first ? 1 : 1 - exp(-seconds / SMOOTHING_SECONDS);
    return before + weight * (now - before);
}

static void update_speed(Meter *meter, const MeterReading *reading, int64_t now_ns)
{
    bool first = meter->last_ns == 0;
    bool fell_back = reading->rows < meter->last_rows || reading->bytes < meter->last_bytes;
    double seconds = (double)(now_ns - meter->last_ns) / SECOND_NS;
    if (!first && !fell_back && seconds > 0) {
        double rows = (double)(reading->rows - meter->last_rows) / seconds;
        double bytes = (double)(reading->bytes - meter->last_bytes) / seconds;
        bool unknown = meter->rows_per_second <= 0;
        meter->rows_per_second = smooth(meter->rows_per_second, rows, seconds, unknown);
        meter->bytes_per_second = smooth(meter->bytes_per_second, bytes, seconds, unknown);
    }
    meter->last_ns = now_ns;
    meter->last_rows = reading->rows;
    meter->last_bytes = reading->bytes;
}

static void average(MeterReading *reading)
{
    double seconds = (double)reading->elapsed_ns / SECOND_NS;
    reading->rows_per_second = seconds > 0 ? (double)reading->rows / seconds : 0;
    reading->bytes_per_second = seconds > 0 ? (double)reading->bytes / seconds : 0;
}

static int percent_of(const MeterReading *reading, int64_t estimate)
{
    if (reading->phase == PHASE_DONE)
        return 100;
    if (estimate <= 0 || reading->phase < PHASE_EXTRACT || reading->phase == PHASE_FAILED)
        return -1;
    double percent = 100.0 * (double)reading->rows / (double)estimate;
    return percent < 99 ? (int)percent : 99;
}

static int64_t seconds_left(const MeterReading *reading, int64_t estimate)
{
    double left = (double)estimate - (double)reading->rows;
    if (reading->phase != PHASE_EXTRACT || estimate <= 0 || left <= 0 ||
        reading->rows_per_second <= 0)
        return -1;
    return (int64_t)ceil(left / reading->rows_per_second);
}

MeterReading meter_read(Meter *meter, const JobProgress *job, int64_t now_ns)
{
    int64_t estimate = atomic_load(&job->row_estimate);
    int64_t started = atomic_load(&job->started_ns);
    int64_t finished = atomic_load(&job->finished_ns);
    MeterReading reading = {.phase = (JobPhase)atomic_load(&job->phase),
                            .rows = atomic_load(&job->rows),
                            .bytes = atomic_load(&job->bytes)};
    if (started)
        reading.elapsed_ns = (finished ? finished : now_ns) - started;
    update_speed(meter, &reading, now_ns);
    reading.rows_per_second = meter->rows_per_second;
    reading.bytes_per_second = meter->bytes_per_second;
    if (finished)
        average(&reading);
    reading.percent = percent_of(&reading, estimate);
    reading.seconds_left = seconds_left(&reading, estimate);
    return reading;
}
