/* SPDX-License-Identifier: Apache-2.0 */
/* net/range.h: what an upload session says it has. */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of "bytes=0-LAST" (or "0-LAST"): LAST + 1. No header (data = NULL) is 0 bytes. False for
 * anything else. */
bool range_committed(StrView header, uint64_t *ret_bytes);
