/* SPDX-License-Identifier: Apache-2.0 */
/* support/json_given.h: JSON that a test has as text. */
#pragma once

#include "format/json.h"

#include <string.h>

/* The caller frees. Fails the test when the text is no JSON. */
static inline Json *json_given(const char *text)
{
    Json *json = NULL;
    Error error = {0};
    if (!json_parse(text, strlen(text), "test", &json, &error))
        fail_msg("%s", error.message);
    return json;
}
