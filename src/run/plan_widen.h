/* SPDX-License-Identifier: Apache-2.0 */
/* run/plan_widen.h: rows that are added to a table take the types that its columns have, where
 * those hold every value exactly. */
#pragma once

#include "run/plan.h"

/* The columns of planned->plan that planned->existing has in a wider type (schema/widen.h), or
 * REQUIRED where the source's are NOT NULL, as wishes beside those of `options`, which only count
 * where nothing is said. The same options when there are none. A note tells of types. */
MappingOptions plan_widen(PlannedJob *planned, const MappingOptions *options, Arena *arena);
