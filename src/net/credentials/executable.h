/* SPDX-License-Identifier: Apache-2.0 */
/* net/credentials/executable.h: tokens of another identity provider from a program
 * (https://google.aip.dev/auth/4117, "Executable-sourced credentials"). It runs only where
 * GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1: a credentials file alone must not start programs. */
#pragma once

#include "base/error.h"
#include "base/parallel.h"
#include "format/json.h"

typedef struct ExecutableOptions {
    const Json *settings; /* {"command", "timeout_millis", "output_file"} */
    const char *audience;
    const char *subject_type;
    const char *email; /* of the impersonated account; NULL: none */
    const char *place;
    const StopFlag *stop;
} ExecutableOptions;

/* ERROR_CONFIG when the environment does not allow it. */
bool executable_allowed(const char *place, Error *error);

/* Runs the command (words split at spaces, quotes as in a shell, no shell), or reads an answer in
 * output_file that is still good. *ret_subject: secret_free. */
bool executable_subject(const ExecutableOptions *options, char **ret_subject, Error *error);
