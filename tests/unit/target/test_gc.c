/* SPDX-License-Identifier: Apache-2.0 */
#include "target/gc.h"

#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OLD "20260101t000000-0a1b2c3d4e5f"
#define LIVE "20260101t000001-0a1b2c3d4e5f"

static void only_what_is_old_and_nobodys_goes(void **state)
{
    (void)state;
    static const char *const live[] = {LIVE, "20260102t000000-0123456789ab"};
    GcRequest request = {.live = live, .live_count = 2};
    assert_true(id_time("20260103t000000-000000000000", &request.before_us));
    static const struct {
        const char *name;
        bool goes;
    } cases[] = {
        {OLD, true},
        {OLD "_1", true},
        {"20260101t000000_0a1b2c3d4e5f", true},
        {LIVE, false},
        {"20260101t000001_0a1b2c3d4e5f", false}, /* the same, as tables spell it */
        {LIVE "/shard-0.avro", false},
        {"20260103t000000-0a1b2c3d4e5f", false}, /* as young as the limit */
        {"20270101t000000-0a1b2c3d4e5f", false}, /* from the future */
        {"20260101t000000-0a1b2c3d4e5", false},  /* too short */
        {"20260101t000000-0a1b2c3d4e5g", false},
        {"20260101t000000x0a1b2c3d4e5f", false},
        {"2026-01-01t0000-0a1b2c3d4e5f", false},
        {"customers", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (gc_is_ownerless(&request, cases[i].name) != cases[i].goes)
            fail_msg("%s", cases[i].name);
    }
    request.live_count = 0;
    assert_true(gc_is_ownerless(&request, LIVE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_old_and_nobodys_goes),
    };
    return cmocka_run_group_tests_name("target/gc", tests, NULL, NULL);
}
