/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/column_type.h"

#include "support/mapping_options.h"
#include "support/my_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BINARY = 63, UTF8MB4 = 45 };

typedef struct FieldCase {
    const char *declared;
    enum enum_field_types type;
    unsigned charset, flags;
    bool is_planned;
} FieldCase;

/* What servers say of a result's column, beside what the table's column is declared as. */
static const FieldCase cases[] = {
    {"int", MYSQL_TYPE_LONG, BINARY, 0, true},
    {"int", MYSQL_TYPE_LONGLONG, BINARY, 0, false},
    {"int", MYSQL_TYPE_LONG, BINARY, UNSIGNED_FLAG, false},
    {"varchar(9)", MYSQL_TYPE_VAR_STRING, UTF8MB4, 0, true},
    {"varchar(9)", MYSQL_TYPE_BLOB, UTF8MB4, BLOB_FLAG, true},
    {"varchar(9)", MYSQL_TYPE_VAR_STRING, BINARY, 0, false},
    {"varbinary(9)", MYSQL_TYPE_VAR_STRING, BINARY, 0, true},
    {"datetime", MYSQL_TYPE_TIMESTAMP, BINARY, 0, false},
    {"vector(3)", (enum enum_field_types)242, BINARY, BLOB_FLAG, true}, /* MySQL 9 */
    {"vector(3)", MYSQL_TYPE_VAR_STRING, BINARY, 0, true},              /* MariaDB 11.8 */
    {"vector(3)", MYSQL_TYPE_LONG, BINARY, 0, false},
};

static void what_the_server_says_is_what_was_planned(void **state)
{
    (void)state;
    Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SourceColumn column = {.name = "c", .type = my_type_parse(cases[i].declared, &arena)};
        ColumnOptions options = mapping_options_parse("", &arena);
        ColumnPlan plan = {.source = &column, .field = {.name = "c"}};
        Error error = {0};
        assert_true(mapping_mysql(&column, &options, &arena, &plan, &error));
        MYSQL_FIELD field = {
            .type = cases[i].type, .charsetnr = cases[i].charset, .flags = cases[i].flags};
        SourceType found = mysql_type_of_field(&field, &arena);
        if (mysql_type_is_planned(&found, &plan) != cases[i].is_planned)
            fail_msg("%s, found as %s", cases[i].declared, found.text);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_server_says_is_what_was_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
