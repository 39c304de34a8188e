/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/description.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void what_fits_stays(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    assert_null(description_fit(NULL, 3, &arena));
    assert_string_equal(description_fit("", 3, &arena), "");
    assert_string_equal(description_fit("abc", 3, &arena), "abc");
    assert_string_equal(description_fit("äß€", 3, &arena), "äß€");
}

/* Characters are counted, not bytes, and none is cut through. */
static void what_is_longer_ends_with_dots(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    assert_string_equal(description_fit("abcd", 3, &arena), "ab…");
    assert_string_equal(description_fit("äß€😀", 3, &arena), "äß…");
    assert_string_equal(description_fit("abcdefgh", 1, &arena), "…");
}

static void columns_of_structs_are_looked_at(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    char text[COLUMN_DESCRIPTION_MAX + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const Field inner = {.name = "b", .kind = TYPE_INT64, .description = text};
    const Field outer = {.name = "a", .kind = TYPE_STRUCT, .fields = &inner, .field_count = 1};
    const Schema schema = {.fields = &outer, .field_count = 1, .description = text};
    const Schema *fitted = description_fit_schema(&schema, &arena);
    const char *words = fitted->fields[0].fields[0].description;
    assert_int_equal(strlen(words), COLUMN_DESCRIPTION_MAX - 1 + strlen("…"));
    assert_null(fitted->fields[0].description);
    assert_string_equal(fitted->fields[0].name, "a");
    assert_string_equal(fitted->description, text); /* the table's has room */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_stays),
        cmocka_unit_test(what_is_longer_ends_with_dots),
        cmocka_unit_test(columns_of_structs_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
