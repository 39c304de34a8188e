/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/check.h: `bqferry check`: who we are, where, and what we may not do. Changes
 * nothing: permissions are asked for where Google answers that (tables, buckets), else by dry runs,
 * which fail as the real thing would and do nothing. */
#pragma once

#include "target/bigquery/bq_state.h"

bool bq_check(Target *target, CheckReport *report, Error *error);
