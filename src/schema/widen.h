/* SPDX-License-Identifier: Apache-2.0 */
/* schema/widen.h: whether a column that is there can take rows that a narrower type would do for.
 * Pure. */
#pragma once

#include "model/type.h"

/* True when `existing` is another type than `planned` and holds each of its values exactly: more
 * digits, INT64 in NUMERIC or BIGNUMERIC, NUMERIC in BIGNUMERIC. Names and REQUIRED do not count.
 * FLOAT64 does not hold each INT64 above 2^53, a STRING is no number, and no array can be asked to
 * have other elements. */
bool field_widens(const Field *existing, const Field *planned);
