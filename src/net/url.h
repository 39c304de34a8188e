/* SPDX-License-Identifier: Apache-2.0 */
/* net/url.h: URLs taken apart and put together (RFC 3986). */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>

typedef struct Url {
    const char *scheme; /* "https" or "http" */
    const char *host;   /* lower case; IPv6 without brackets */
    int port;           /* the scheme's own when the text names none */
    const char *path;   /* begins with "/", or is ""; still escaped; no query */
    const char *query;  /* without "?"; "" when there is none */
} Url;

/* Takes http and https URLs of at most 8 KiB without user, password, fragment, spaces or control
 * characters; anything else is ERROR_CONFIG, saying what was expected but never the query. Strings
 * live in the arena. */
bool url_parse(const char *text, Arena *arena, Url *ret_url, Error *error);

/* True for a host that cannot leave this machine: localhost, *.localhost, 127.0.0.0/8, ::1. */
bool url_is_loopback(const Url *url);

/* Escapes everything but unreserved characters, so that the text is one path segment or one query
 * value: "a/b c" → "a%2Fb%20c". */
char *url_escape(Arena *arena, const char *text);

/* Each %s of the format is replaced by its argument, escaped:
 *     url_path(arena, "/projects/%s/datasets/%s", project, dataset)
 * No other conversion is known. */
char *url_path(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef struct UrlParam {
    const char *name;
    const char *value; /* NULL: the parameter is left out */
} UrlParam;

/* base + path + "?name=value&…"; `params` ends with {NULL, NULL} and may be NULL. Names and values
 * are escaped here; base and path are taken as they are. */
char *url_join(Arena *arena, const char *base, const char *path, const UrlParam *params);
