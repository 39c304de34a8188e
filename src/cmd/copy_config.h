/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/copy_config.h: the configuration that a `copy` command amounts to. */
#pragma once

#include "base/arena.h"
#include "cmd/options.h"
#include "cmd/url.h"

#include <stdint.h>

typedef struct CopyRequest {
    const char *source_type; /* "postgresql" */
    const char *source_url;
    const char *table; /* exactly one of table and query */
    const char *query;
    const char *target_table; /* NULL: the source's name; for a query never NULL */
    TargetUrl target;
    const char *format;
    const char *load;
    const char *on_invalid;
    const char *where;
    TextList columns;
    int64_t workers; /* 0: not said */
    int64_t limit;   /* not a key of the configuration; part of the job's identity */
    const char *state;
} CopyRequest;

/* A name of what is read: "orders" for "public.orders", "public" for "public.*", "query". */
const char *copy_table_name(const CopyRequest *request, Arena *arena);

/* "copy-orders-1f2e3d4c": the same for the same request from the same working directory,
 * whatever the password, so that a copy that was killed finds its own intent; another one for a
 * request that would deliver other rows. */
const char *copy_job_name(const CopyRequest *request, const char *directory, Arena *arena);

/* The environment variable that stands for the URL in the text. */
#define COPY_URL_VARIABLE "SOURCE_URL"

/* Somebody waits before the terminal: a server that restarts is worth this long, a wrong port no
 * more. */
#define COPY_RETRY_BUDGET "10s"

/* YAML. The URL itself is written when it holds no password and `for_people`; else a reference to
 * the variable, and for people a comment that says so. */
const char *copy_config_text(const CopyRequest *request, const char *job, bool for_people,
                             Arena *arena);
