/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/mapping.h"

#include "support/mapping_table.h"
#include "support/pg_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool check_row(const TextRow *row)
{
    Arena arena = {0};
    const char *text = row->cells[0];
    bool good = mapping_table_check(row, pg_type_parse(&text, &arena), mapping_postgres, &arena);
    arena_done(&arena);
    return good;
}

static void maps_every_type_as_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(text_table_check(TEST_DATA "/mapping/postgres.txt", check_row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_every_type_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
