/* SPDX-License-Identifier: Apache-2.0 */
/* state/gcs/gcs.h: state in a bucket of Cloud Storage, so that jobs can run on any machine:
 * PREFIX/jobs/JOB.json, PREFIX/locks/NAME.json, PREFIX/reports/ID.json, and the last report as
 * PREFIX/report.json. Every write says which generation it replaces
 * (docs.cloud.google.com/storage/docs/request-preconditions): of two writers one is told. */
#pragma once

#include "state/state.h"

extern const StateDriver state_gcs_driver;
