/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/display_line.h: where a job is, in one line. */
#pragma once

#include "cmd/meter.h"

enum { DISPLAY_LINE_MAX = 256 };

/* "extract, 1,234,567 rows in 3.00 s, 412,345 rows/s, 52 MB/s, 45%, 2m10s left", without a line
 * feed, into text[DISPLAY_LINE_MAX]; returns it. */
const char *display_line(const MeterReading *reading, char *text);
