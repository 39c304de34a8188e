/* SPDX-License-Identifier: Apache-2.0 */
/* config/rules_incremental.h: cursor, key, deletes and the like of one job, against each other. */
#pragma once

#include "config/mistakes.h"
#include "config/raw.h"

/* The job's load mode is known. Fills in what is not said; what is wrong becomes a mistake. */
void rules_incremental(const RawConfig *raw, Mistakes *mistakes, RawJob *job);
