/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/candidates.h: where a range of a key might be cut, by the key's type. */
#pragma once

#include "source/mysql/ranges.h"

typedef enum KeyKind {
    KEY_NONE, /* cannot be divided */
    KEY_INTEGER,
    KEY_DATE,
    KEY_MOMENT, /* datetime, timestamp */
    KEY_TEXT,   /* in the order of its collation, which only the server knows */
    KEY_BYTES,
    KEY_UUID,
} KeyKind;

typedef struct CandidateRange {
    KeyKind kind;
    const char *lower, *upper; /* SQL literals, the upper one excluded; NULL: open */
} CandidateRange;

enum { CANDIDATES_MAX = 64 };

KeyKind candidates_kind(const SourceType *type);

/* Ascending SQL literals inside the range, without its ends, as ret_found[CANDIDATES_MAX]. None
 * when the range has fewer than two keys. */
bool candidates_find(const RangeQuestion *question, const CandidateRange *range,
                     const char **ret_found, size_t *ret_count, Error *error);

/* Numbers between two, evenly: at most CANDIDATES_MAX − 1. Pure; texts are decimal digits. */
size_t candidates_between(const char *low, const char *high, Arena *arena, const char **ret_found);

/* Texts that begin as both do and go on differently, for the server to look up. Pure. */
size_t candidates_prefixes(const char *low, const char *high, Arena *arena, const char **ret_found);
