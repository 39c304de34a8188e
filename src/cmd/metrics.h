/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/metrics.h: what a run did, in Prometheus' text format (exposition format 0.0.4), for
 * node-exporter's textfile collector. */
#pragma once

#include "run/report.h"

/* Replaces the file atomically: a collector reads the old or the new one whole. */
bool metrics_write(const RunReport *report, const char *path, Error *error);
