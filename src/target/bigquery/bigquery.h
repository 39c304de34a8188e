/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/bigquery.h: Google BigQuery over its REST API, with load and copy jobs. How it
 * works and why it loses and doubles nothing: docs/internals/bigquery.md. */
#pragma once

#include "target/target.h"

extern const TargetDriver target_bigquery_driver;
