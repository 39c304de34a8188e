/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/display_line.h"

#include "cmd/human.h"

#include <stdio.h>

static const char *count_text(double count, char *text)
{
    return human_count((int64_t)(count + 0.5), text);
}

static void print_speed(const MeterReading *reading, char *text)
{
    char rows[HUMAN_SIZE], bytes[HUMAN_SIZE];
    snprintf(text, DISPLAY_LINE_MAX, ", %s rows/s, %s/s",
             count_text(reading->rows_per_second, rows),
             human_bytes((int64_t)reading->bytes_per_second, bytes));
}

static void print_outlook(const MeterReading *reading, char *text)
{
    char left[HUMAN_SIZE];
    size_t length = 0;
    text[0] = '\0';
    if (reading->percent > 0 && reading->phase != PHASE_DONE)
        length = (size_t)snprintf(text, DISPLAY_LINE_MAX, ", %d%%", reading->percent);
    if (reading->seconds_left >= 0)
        snprintf(text + length, DISPLAY_LINE_MAX - length, ", %s left",
                 human_seconds(reading->seconds_left, left));
}

const char *display_line(const MeterReading *reading, char *text)
{
    char rows[HUMAN_SIZE], time[HUMAN_SIZE], speed[DISPLAY_LINE_MAX] = "";
    char outlook[DISPLAY_LINE_MAX];
    human_duration(reading->elapsed_ns, time);
    if (reading->phase == PHASE_FAILED || reading->phase < PHASE_EXTRACT) {
        snprintf(text, DISPLAY_LINE_MAX, "%s, %s", job_phase_name(reading->phase), time);
        return text;
    }
    bool reads = reading->phase == PHASE_EXTRACT || reading->phase == PHASE_DONE;
    if (reads && reading->rows_per_second > 0)
        print_speed(reading, speed);
    print_outlook(reading, outlook);
    snprintf(text, DISPLAY_LINE_MAX, "%s, %s rows in %s%s%s", job_phase_name(reading->phase),
             human_count((int64_t)reading->rows, rows), time, speed, outlook);
    return text;
}
