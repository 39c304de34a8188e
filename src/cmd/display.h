/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/display.h: shows the progress of a run on standard error from a thread of its own. */
#pragma once

#include "base/cleanup.h"
#include "cmd/meter.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum DisplayMode {
    DISPLAY_NONE,
    DISPLAY_LIVE,  /* a line a job, redrawn; log lines step aside */
    DISPLAY_PLAIN, /* log lines: at the end of each phase and every ten seconds */
    DISPLAY_JSON,  /* one object a line: at the end of each phase and every second */
} DisplayMode;

/* The values of --progress, ends with NULL. */
extern const char *const display_choices[];

/* "auto" is DISPLAY_LIVE on a terminal that can do it, else DISPLAY_PLAIN; with `quiet`
 * DISPLAY_NONE. */
DisplayMode display_mode(const char *name, bool quiet);

typedef struct Display Display;

/* NULL for DISPLAY_NONE. `out` is standard error but in tests. */
Display *display_new(DisplayMode mode, FILE *out);
void display_free(Display *display); /* accepts NULL */
DEFINE_CLEANUP(Display, display_free)

/* For RunOptions; NULL for NULL. */
const ProgressDisplay *display_progress(Display *display);
