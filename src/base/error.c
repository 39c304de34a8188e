/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void print_capped(char *text, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(text, size, format, arguments);
    if (length < 0)
        snprintf(text, size, "(message could not be formatted)");
    else if ((size_t)length >= size)
        memcpy(text + size - 4, "...", 4);
}

static void fill(Error *error, ErrorKind kind, bool retryable, const char *format,
                 va_list arguments)
{
    error->kind = kind;
    error->retryable = retryable;
    error->tried = false;
    error->denied = false;
    error->hint[0] = '\0';
    print_capped(error->message, sizeof error->message, format, arguments);
}

bool error_set(Error *error, ErrorKind kind, const char *format, ...)
{
    if (!error)
        return false;
    va_list arguments;
    va_start(arguments, format);
    fill(error, kind, false, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_retryable(Error *error, ErrorKind kind, const char *format, ...)
{
    if (!error)
        return false;
    va_list arguments;
    va_start(arguments, format);
    fill(error, kind, true, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_errno(Error *error, ErrorKind kind, int errno_value, const char *format, ...)
{
    if (!error)
        return false;
    va_list arguments;
    va_start(arguments, format);
    fill(error, kind, false, format, arguments);
    va_end(arguments);

    char reason[128];
    size_t length = strlen(error->message);
    /* GNU strerror_r returns the text, which need not be in the buffer. */
    const char *text = strerror_r(errno_value, reason, sizeof reason);
    snprintf(error->message + length, sizeof error->message - length, ": %s", text);
    return false;
}

bool error_hint(Error *error, const char *format, ...)
{
    if (!error || error->hint[0] != '\0')
        return false;
    va_list arguments;
    va_start(arguments, format);
    print_capped(error->hint, sizeof error->hint, format, arguments);
    va_end(arguments);
    return false;
}

bool error_prefix(Error *error, const char *format, ...)
{
    if (!error)
        return false;
    char message[ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    print_capped(message, sizeof message, format, arguments);
    va_end(arguments);

    size_t length = strlen(message);
    int added = snprintf(message + length, sizeof message - length, ": %s", error->message);
    if (added >= (int)(sizeof message - length))
        memcpy(message + sizeof message - 4, "...", 4);
    memcpy(error->message, message, sizeof message);
    return false;
}

int error_exit_code(ErrorKind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return 0;
    case ERROR_INTERNAL:
    case ERROR_CANCELLED:
        return 1;
    case ERROR_USAGE:
    case ERROR_CONFIG:
        return 2;
    case ERROR_SOURCE:
        return 3;
    case ERROR_TARGET:
        return 4;
    case ERROR_DATA:
        return 5;
    case ERROR_VERIFY:
        return 6;
    case ERROR_LOCKED:
        return 7;
    }
    return 1;
}

const char *error_kind_name(ErrorKind kind)
{
    static const char *const names[] = {"none",   "internal", "cancelled", "usage",  "config",
                                        "source", "target",   "data",      "verify", "locked"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "internal";
}
