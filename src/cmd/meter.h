/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/meter.h: from a job's counters to speed, percent and time left. */
#pragma once

#include "run/progress.h"

/* One a job, zeroed; remembers the reading of before. */
typedef struct Meter {
    int64_t last_ns;
    uint64_t last_rows, last_bytes;
    double rows_per_second, bytes_per_second;
} Meter;

typedef struct MeterReading {
    JobPhase phase;
    uint64_t rows, bytes;
    double rows_per_second; /* of the last seconds; of the whole job once it is finished */
    double bytes_per_second;
    int percent;          /* 0 to 99, 100 when done; −1: unknown */
    int64_t seconds_left; /* −1: unknown */
    int64_t elapsed_ns;
} MeterReading;

/* Reads the counters; `now_ns` is monotonic. Counters may fall back (a new attempt): no negative
 * speed. */
MeterReading meter_read(Meter *meter, const JobProgress *job, int64_t now_ns);
