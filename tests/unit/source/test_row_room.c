/* SPDX-License-Identifier: Apache-2.0 */
#include "source/row_room.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check_rows(size_t columns, size_t constants, size_t wanted_rows)
{
    const Value ends[] = {{.kind = VALUE_INT64, .integer = 7},
                          {.kind = VALUE_BOOL, .boolean = true}};
    const TablePlan plan = {.column_count = columns};
    const Extract extract = {.plan = &plan, .constants = ends, .constant_count = constants};
    RowRoom room;
    row_room_open(&room, &extract);
    assert_int_equal(room.column_count, columns + constants);
    assert_int_equal(room.rows_max, wanted_rows);
    for (size_t row = 0; row < room.rows_max; row++) {
        const Value *values = row_room_row(&room, row);
        for (size_t i = 0; i < columns; i++)
            assert_int_equal(values[i].kind, VALUE_NULL);
        for (size_t i = 0; i < constants; i++)
            assert_int_equal(values[columns + i].kind, ends[i].kind);
    }
    row_room_done(&room);
    assert_null(room.values);
}

static void rows_are_as_many_as_the_caches_hold(void **state)
{
    (void)state;
    check_rows(1, 0, 64);
    check_rows(64, 0, 64);
    check_rows(65, 0, 63);
    check_rows(1600, 0, 2);
    check_rows(10000, 0, 1);
}

static void rows_end_with_the_constants(void **state)
{
    (void)state;
    check_rows(3, 2, 64);
    check_rows(4096, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_many_as_the_caches_hold),
        cmocka_unit_test(rows_end_with_the_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
