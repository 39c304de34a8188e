/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/widen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NUMERIC(p, s)                                                                              \
    {                                                                                              \
        .kind = TYPE_NUMERIC, .precision = (p), .scale = (s)                                       \
    }
#define BIGNUMERIC(p, s)                                                                           \
    {                                                                                              \
        .kind = TYPE_BIGNUMERIC, .precision = (p), .scale = (s)                                    \
    }

static const struct {
    Field existing, planned;
    bool widens;
} cases[] = {
    {NUMERIC(0, 0), {.kind = TYPE_INT64}, true},
    {BIGNUMERIC(0, 0), {.kind = TYPE_INT64}, true},
    {NUMERIC(19, 0), {.kind = TYPE_INT64}, true},
    {NUMERIC(18, 0), {.kind = TYPE_INT64}, false},
    {NUMERIC(27, 9), {.kind = TYPE_INT64}, false},
    {NUMERIC(28, 9), {.kind = TYPE_INT64}, true},
    {BIGNUMERIC(0, 0), NUMERIC(0, 0), true},
    {BIGNUMERIC(0, 0), NUMERIC(10, 2), true},
    {BIGNUMERIC(38, 9), NUMERIC(0, 0), true},
    {BIGNUMERIC(38, 10), NUMERIC(0, 0), false},
    {BIGNUMERIC(10, 2), NUMERIC(0, 0), false},
    {NUMERIC(0, 0), NUMERIC(10, 2), true},
    {NUMERIC(12, 2), NUMERIC(10, 2), true},
    {NUMERIC(12, 4), NUMERIC(10, 2), true},
    {NUMERIC(12, 1), NUMERIC(10, 2), false},
    {NUMERIC(10, 4), NUMERIC(10, 2), false},
    {NUMERIC(10, 2), NUMERIC(10, 2), false}, /* the same is no other type */
    {NUMERIC(0, 0), BIGNUMERIC(10, 2), false},
    {{.kind = TYPE_FLOAT64}, {.kind = TYPE_INT64}, false},
    {{.kind = TYPE_STRING}, {.kind = TYPE_INT64}, false},
    {{.kind = TYPE_INT64}, NUMERIC(10, 0), false},
    {{.kind = TYPE_TIMESTAMP}, {.kind = TYPE_DATE}, false},
    {{.kind = TYPE_NUMERIC, .mode = MODE_REPEATED}, {.kind = TYPE_INT64}, false},
    {{.kind = TYPE_NUMERIC, .mode = MODE_REPEATED},
     {.kind = TYPE_INT64, .mode = MODE_REPEATED},
     false},
    {{.kind = TYPE_NUMERIC, .mode = MODE_REQUIRED}, {.kind = TYPE_INT64}, true},
};

static void what_is_wider(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (field_widens(&cases[i].existing, &cases[i].planned) != cases[i].widens)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_wider)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
