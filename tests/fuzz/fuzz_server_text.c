/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a server or libpq says around the rows: frames, error texts, lists of hosts. */
#include "base/cleanup.h"
#include "source/postgres/copy_format.h"
#include "source/postgres/endpoints.h"
#include "source/postgres/failure.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void frame(const char *bytes, size_t size)
{
    StrView message = {bytes, size};
    if (copy_take_header(&message, NULL)) {
        check(message.data >= bytes && message.data + message.length == bytes + size);
        (void)copy_is_trailer(message);
    }
}

static void failure(const char *text)
{
    Error error = {0};
    check(!postgres_fail_connect(text, &error));
    check(error.kind == ERROR_SOURCE && error.message[0] != '\0');
    check(memchr(error.message, '\0', sizeof error.message) != NULL);
    check(strpbrk(error.message, "\n\t") == NULL);
    char clean[64];
    memset(clean, 'x', sizeof clean);
    postgres_redact(text, clean, sizeof clean);
    check(memchr(clean, '\0', sizeof clean) != NULL);
}

static void hosts(const char *list)
{
    CLEANUP(arena_done) Arena arena = {0};
    size_t count = endpoint_count(list);
    check(endpoint_find(list, list, list, NULL) <= count);
    for (size_t i = 0; i < count && count < 100; i++) {
        const char *rest = endpoint_without(list, count, i, &arena);
        check(endpoint_count(rest) == (count < 2 ? count : count - 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    check(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    frame(text, size);
    failure(text);
    hosts(text);
    free(text);
    return 0;
}
