/* SPDX-License-Identifier: Apache-2.0 */
/* state/file/file.h: state in a folder: jobs/JOB.json, replaced atomically; locks/NAME.lock,
 * held with flock() so that the kernel frees it when its holder dies; reports/ID.json, and the last
 * of them as report.json. */
#pragma once

#include "state/state.h"

extern const StateDriver state_file_driver;
