/* SPDX-License-Identifier: Apache-2.0 */
/* base/cancel.h: SIGINT and SIGTERM ask the run to stop; a second one ends the process at once. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Installs the handlers. Call once, before any thread starts. */
void cancel_install(void);

/* True once a stop was asked for. Cheap enough for a loop over rows. */
bool cancel_requested(void);

/* What a signal would do; for tests and for an embedding caller. */
void cancel_request(void);

/* Fills ERROR_CANCELLED and returns false when a stop was asked for, else returns true. */
bool cancel_check(Error *error);
