/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/gc.h: staging folders that no run will come back to. */
#pragma once

#include "target/target.h"

/* Looks through all tables' folders below root. */
bool folder_gc(const char *root, const GcRequest *request, Arena *arena, GcList *ret_list,
               Error *error);
