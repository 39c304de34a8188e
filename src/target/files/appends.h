/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/appends.h: what files that are there ask of those that are added. */
#pragma once

#include "target/files/manifest.h"
#include "target/files/stage.h"

enum { MANIFEST_SHARDS_MAX = 150000 }; /* of those before a run; the manifest stays readable */

/* ERROR_CONFIG when the delivery appends and cannot: another format, other columns, or a list that
 * would become too long. */
bool files_check_appends(const Stage *stage, const Manifest *manifest, Error *error);
