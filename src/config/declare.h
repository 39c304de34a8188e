/* SPDX-License-Identifier: Apache-2.0 */
/* config/declare.h: short words for the tables of keys (config/keys*.c). */
#pragma once

#include "config/keys.h"

#define FIELD(Struct, field) .offset = offsetof(Struct, field)
#define ELEMENTS(Struct, items, items_count)                                                       \
    .offset = offsetof(Struct, items), .count_offset = offsetof(Struct, items_count)
#define KEYS(table) .keys = (table), .count = sizeof(table) / sizeof *(table)
#define WORDS(...)                                                                                 \
    .words = (const char *const[])                                                                 \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define ONLY_FOR(...)                                                                              \
    .only_for = (const char *const[])                                                              \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

#define KMS_KEY_PATTERN "^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$"
#define KMS_KEY_EXPECTED "a key such as projects/P/locations/L/keyRings/R/cryptoKeys/K"

/* The sections of keys_destination.c and keys_target.c. */
extern const KeySection keys_destination;
extern const KeySection keys_target; /* of a job; its struct is RawJob */

/* The sections of keys_incremental.c; their struct is RawJob. */
extern const KeySection keys_cursor;
extern const KeySection keys_soft_delete;
extern const KeySection keys_deletes;
extern const KeySection keys_schema;
extern const KeySection keys_backfill;
