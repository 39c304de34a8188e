/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body of a refusal: first byte: the status. */
#include "net/google.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GoogleApi *api_of_fuzz(void)
{
    static GoogleApi *api;
    static Credentials *credentials;
    if (api)
        return api;
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    unsetenv("GCE_METADATA_HOST");
    CredentialsOptions options = {.emulator = true};
    GoogleApiOptions api_options = {.service = &google_bigquery, .endpoint = "http://127.0.0.1:1"};
    if (!credentials_find(&options, &credentials, NULL))
        abort();
    api_options.credentials = credentials;
    if (!google_api_new(&api_options, &api, NULL))
        abort();
    return api;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    Error error = {0};
    if (size == 0)
        return 0;
    HttpResponse response = {
        .status = 300 + data[0],
        .body = {.data = (char *)(uintptr_t)data + 1, .length = size - 1},
    };
    if (google_refused(api_of_fuzz(), "fuzz", &response, &failure, &error))
        abort();
    if (!failure.reason || !failure.message || error.kind != ERROR_TARGET)
        abort();
    if (failure.entry_count > 0)
        (void)reason_error("fuzz", &failure.entries[0], failure.entries, failure.entry_count,
                           &error);
    if (strlen(error.message) >= sizeof error.message)
        abort();
    return 0;
}
