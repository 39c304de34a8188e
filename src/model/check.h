/* SPDX-License-Identifier: Apache-2.0 */
/* model/check.h: what `bqferry check` found, as data: text and JSON are printed from it. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum CheckLevel { CHECK_OK, CHECK_WARNING, CHECK_FAILED } CheckLevel;

typedef struct CheckItem {
    CheckLevel level;
    const char *what; /* "server version" */
    const char *text; /* "PostgreSQL 15.4" */
    const char *fix;  /* what to do; NULL when all is well */
} CheckItem;

typedef struct CheckReport {
    Arena *arena;
    CheckItem *items;
    size_t count;
} CheckReport;

/* Adds one line; all texts are copied. `fix` may be NULL. */
void check_add(CheckReport *report, CheckLevel level, const char *what, const char *text,
               const char *fix);

bool check_any_failed(const CheckReport *report);
