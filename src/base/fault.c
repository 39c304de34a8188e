/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#ifdef BQFERRY_FAULT_POINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long hits;

/* Says where, for whoever asked for "any": every point is tried without a list of their names. */
static void die(const char *name)
{
    dprintf(STDERR_FILENO, "killed at %s\n", name);
    kill(getpid(), SIGKILL);
}

bool fault_point(const char *name, Error *error)
{
    const char *wanted = getenv("BQFERRY_FAULT");
    if (wanted && *wanted == '?')
        dprintf(STDERR_FILENO, "fault point %s\n", name);
    bool any = wanted && *wanted == '*';
    size_t length = any ? 1 : strlen(name);
    if (!wanted || (!any && strncmp(wanted, name, length) != 0))
        return true;
    const char *rest = wanted + length;
    if (strcmp(rest, "=fail") == 0)
        return error_set(error, ERROR_INTERNAL, "fault point %s", name);
    bool stops = strcmp(rest, "=stop") == 0;
    if (*rest != '\0' && *rest != ':' && !stops)
        return true;
    long due = *rest == ':' ? strtol(rest + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&hits, 1) + 1 != due)
        return true;
    if (stops)
        kill(getpid(), SIGSTOP); /* until somebody wakes it */
    else
        die(name);
    return true;
}

int64_t fault_limit(const char *name, int64_t limit)
{
    const char *wanted = getenv("BQFERRY_LIMIT");
    size_t length = strlen(name);
    bool is_meant = wanted && strncmp(wanted, name, length) == 0 && wanted[length] == '=';
    return is_meant ? strtoll(wanted + length + 1, NULL, 10) : limit;
}

#endif
