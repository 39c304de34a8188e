/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/files.h: tables as Avro or NDJSON files in a folder, with a manifest
 * (docs/files.md). */
#pragma once

#include "target/target.h"

extern const TargetDriver target_files_driver;
