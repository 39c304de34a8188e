/* SPDX-License-Identifier: Apache-2.0 */
/* base/cancel.h: SIGINT and SIGTERM ask the run to stop; a second one ends the process at once. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Installs the handlers. Call once, before any thread starts. */
void cancel_install(void);

/* True once a stop was asked for. Cheap enough for a loop over rows. */
bool cancel_requested(void);

/* Milliseconds since then; 0: no stop was asked for. */
int64_t cancel_age_ms(void);

/* What a signal would do; for tests and for an embedding caller. */
void cancel_request(void);

/* Fills ERROR_CANCELLED and returns false when a stop was asked for, else returns true. */
bool cancel_check(Error *error);
