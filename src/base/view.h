/* SPDX-License-Identifier: Apache-2.0 */
/* base/view.h: borrowed bytes with a length; never owns, need not end in NUL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct StrView {
    const char *data;
    size_t length;
} StrView;

/* For printf("%.*s", VIEW_ARGS(view)). */
#define VIEW_ARGS(view) (int)(view).length, (view).data

static inline StrView view_of(const char *text)
{
    return (StrView){text, text ? strlen(text) : 0};
}

static inline bool view_equals(StrView left, StrView right)
{
    return left.length == right.length &&
           (left.length == 0 || memcmp(left.data, right.data, left.length) == 0);
}
