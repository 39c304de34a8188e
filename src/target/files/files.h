/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/files.h: tables as Avro or NDJSON files in a folder or a bucket, with a manifest
 * (docs/files.md). */
#pragma once

#include "target/target.h"

/* The schema as BigQuery's own JSON, which is what a plan shows for files. */
bool files_ddl(Target *target, const Delivery *delivery, Arena *arena, const char **ret_text,
               Error *error);

extern const TargetDriver target_files_driver;
