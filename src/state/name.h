/* SPDX-License-Identifier: Apache-2.0 */
/* state/name.h: any job's name as a file's name. */
#pragma once

#include "base/arena.h"

/* Letters, digits, _, - and dots (not the first) stay; other bytes become %XX. Long names are cut
 * and end in ~ and a hash. Different names give different files. */
const char *state_file_name(const char *job, Arena *arena);
