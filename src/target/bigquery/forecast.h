/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/forecast.h: what a run will make BigQuery do, held against its quotas
 * (docs.cloud.google.com/bigquery/quotas) and list prices. */
#pragma once

#include "target/bigquery/bq_state.h"

bool bq_forecast(Target *target, const Delivery *delivery, const TargetLoad *load, Arena *arena,
                 TargetForecast *ret_forecast, Error *error);

/* Bytes of a row as BigQuery counts them ("Data type sizes"), at least; the source's own bytes
 * count where values have no fixed size. Pure. */
int64_t forecast_row_bytes(const Schema *schema, int64_t source_row_bytes);
