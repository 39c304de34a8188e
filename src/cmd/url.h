/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/url.h: the URLs of a command line: hiding their passwords, and reading a target's.
 * A source's URL is libpq's own business, percent signs and all. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Replaces every password in place by at most three stars (in user:password@ and password=…) and
 * fills what is left over at the end with NUL; true when there was one. Any text may be given. */
bool url_hide_passwords(char *text);

/* A copy fit for messages. */
const char *url_shown(const char *text, Arena *arena);

typedef struct TargetParameter {
    const char *key; /* a key of `destination:` */
    const char *value;
} TargetParameter;

/* "duckdb:warehouse.duckdb?dataset=raw", "bigquery://PROJECT/DATASET?location=EU" */
typedef struct TargetUrl {
    const char *type;
    const char *path; /* NULL for bigquery, whose project and dataset are the first parameters */
    const TargetParameter *parameters;
    size_t parameter_count;
} TargetUrl;

/* ERROR_USAGE names what is missing. `//` after the colon is allowed, as in any URL. Whether the
 * type and the keys exist is for the configuration to say. */
bool url_parse_target(const char *text, Arena *arena, TargetUrl *ret_url, Error *error);
