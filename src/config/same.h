/* SPDX-License-Identifier: Apache-2.0 */
/* config/same.h: what must not be there twice: names of connections and of jobs, and target tables.
 */
#pragma once

#include "config/mistakes.h"
#include "config/raw.h"

/* Jobs with patterns have targets that only the source can tell; they are looked at when they run.
 */
void same_check(const RawConfig *raw, Mistakes *mistakes);
