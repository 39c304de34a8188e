/* SPDX-License-Identifier: Apache-2.0 */
/* model/policy.h: what happens to a value that its target type cannot hold, and the count of it. */
#pragma once

#include <stdint.h>

typedef enum InvalidPolicy {
    INVALID_FAIL,   /* the run stops with ERROR_DATA, naming column and value */
    INVALID_NULL,   /* the value becomes NULL (an element of an array is left out) */
    INVALID_CLAMP,  /* the nearest value that fits, where that has a meaning; else as fail */
    INVALID_STRING, /* decided when planned: the column becomes a STRING that can hold everything */
} InvalidPolicy;

/* Why a value was refused; the names appear in reports. */
typedef enum InvalidReason {
    INVALID_INFINITY,     /* infinite date, timestamp, interval, numeric */
    INVALID_NAN,          /* NaN where the type has none */
    INVALID_RANGE,        /* outside the type's range: BC, year 10000, too many digits */
    INVALID_DATE,         /* no day of the calendar: a zero date, a zero month or day */
    INVALID_MIDNIGHT_24,  /* 24:00:00 */
    INVALID_DIMENSIONS,   /* an array of more than one dimension */
    INVALID_NULL_ELEMENT, /* NULL inside an array */
    INVALID_UTF8,         /* bytes that are not UTF-8 text */
    INVALID_NULL_ARRAY, /* a NULL array that arrives as an empty one (always counted, never refused)
                         */
    INVALID_DUPLICATE_KEY, /* JSON object with a repeated key (always counted, never refused) */
    INVALID_REQUIRED,      /* NULL in a REQUIRED column (always refused) */
    INVALID_ROW_SIZE,      /* the row is over the load format's limit (always refused) */
    INVALID_REASON_COUNT_,
} InvalidReason;

/* One per column and reader; readers' counts are added up for the report. */
typedef struct InvalidCounts {
    uint64_t counts[INVALID_REASON_COUNT_];
} InvalidCounts;

/* "fail", "null", "clamp", "string". */
const char *invalid_policy_name(InvalidPolicy policy);

/* "infinity", "nan", "range", "midnight_24", … */
const char *invalid_reason_name(InvalidReason reason);
