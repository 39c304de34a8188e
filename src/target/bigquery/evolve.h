/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/evolve.h: an existing table's columns follow those of a delivery: new ones are
 * added as NULLABLE or REPEATED, REQUIRED is relaxed, nothing else (docs/managing-table-schemas).
 * What REST calls cannot do is left to the check before (compare.h). */
#pragma once

#include "target/bigquery/compare.h"
#include "target/bigquery/step.h"

/* What the delivery may change in the table. */
CompareRules bq_evolve_rules(const Delivery *delivery);

/* The table as it will be, to be freed; *ret_changed: other than it is. Pure. */
Json *bq_evolved(const Json *table, const Delivery *delivery, bool *ret_changed);

/* Carries it out, in one update, unless it is done already. */
bool bq_evolve(const BqWork *work, Error *error);
