/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.h: how every function that can fail says why.
 *
 * A function that can fail returns bool and takes `Error *error` last. On failure it fills the
 * error once, where it happened; callers add context with error_prefix() on the way up; the top
 * logs it once. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

/* The kinds are few because they are the program's exit codes (docs/cli.md). */
typedef enum ErrorKind {
    ERROR_NONE = 0,
    ERROR_INTERNAL,  /* a bug or an exhausted machine: exit 1 */
    ERROR_CANCELLED, /* SIGINT, SIGTERM or a sibling's failure: exit 1 */
    ERROR_USAGE,     /* command line: exit 2 */
    ERROR_CONFIG,    /* configuration file or a plan it cannot have: exit 2 */
    ERROR_SOURCE,    /* source unreachable, refused, or failing: exit 3 */
    ERROR_TARGET,    /* target unreachable, refused, or failing: exit 4 */
    ERROR_DATA,      /* a value refused by policy: exit 5 */
    ERROR_VERIFY,    /* source and target differ: exit 6 */
    ERROR_LOCKED,    /* another run holds the job or the target: exit 7 */
} ErrorKind;

enum { ERROR_MESSAGE_MAX = 2048, ERROR_HINT_MAX = 512 };

/* Plain data; zero-initialise with `Error error = {0};`. Messages that do not fit are cut with
 * "...". */
typedef struct Error {
    ErrorKind kind;
    bool retryable; /* the same call may succeed later: lost connection, quota, busy server */
    bool tried;  /* over and over, until a budget of waits was spent: not again in a loop around */
    bool denied; /* the other side knows who asks, and does not let him */
    char message[ERROR_MESSAGE_MAX];
    char hint[ERROR_HINT_MAX]; /* what to do about it; may be empty */
} Error;

/* Fills *error and returns false, so that `return error_set(error, …)` ends a failing function.
 * `error` may be NULL when the caller does not want to know. */
bool error_set(Error *error, ErrorKind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* Whether whoever has a budget of waits of his own should try again. */
static inline bool error_may_pass(const Error *error)
{
    return error->retryable && !error->tried;
}

/* As error_set, and marks the error as worth a retry. */
bool error_set_retryable(Error *error, ErrorKind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* As error_set with strerror(errno_value) appended: "cannot open x: No such file or directory". */
bool error_set_errno(Error *error, ErrorKind kind, int errno_value, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

/* Sets what to do about the error; keeps a hint that is already there. Returns false. */
bool error_hint(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Puts context before the message: "job orders: shard 2: …". Returns false. */
bool error_prefix(Error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* The process exit code that stands for a kind (design: command line). */
int error_exit_code(ErrorKind kind);

/* A stable lower-case word for reports and JSON logs: "source", "data", … */
const char *error_kind_name(ErrorKind kind);
