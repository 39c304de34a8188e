/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer of a token's server: what is taken can stand in a header. */
#include "net/credentials/token.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    Error error = {0};
    Token token = {0};
    if (!json_parse((const char *)data, size, "fuzz", &json, NULL))
        return 0;
    if (!token_read(json, "fuzz", &token, &error)) {
        if (error.kind != ERROR_TARGET || token.text)
            abort();
        return 0;
    }
    if (strpbrk(token.text, "\r\n \t") || *token.text == '\0' || token.lives_ms < 0)
        abort();
    secret_free(token.text);
    return 0;
}
