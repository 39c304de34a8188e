/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the tables in tests/data/decode: a type, options, a field's bytes, and the value. */
#include "source/postgres/decode.h"

#include "support/mapping_options.h"
#include "support/pg_type.h"
#include "support/text_table.h"
#include "support/value_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One field as a tuple in a block of exactly its size, so that the sanitizer sees a read past it.
 */
static uint8_t *tuple_of(const char *hex, size_t *ret_size)
{
    bool is_null = strcmp(hex, "NULL") == 0;
    char digits[3] = "";
    size_t count = 0;
    uint8_t *tuple = malloc(strlen(hex) + 6);
    for (const char *at = hex; !is_null && *at; at++) {
        if (*at == ' ')
            continue;
        digits[count % 2] = *at;
        if (count++ % 2)
            tuple[6 + count / 2 - 1] = (uint8_t)strtoul(digits, NULL, 16);
    }
    uint32_t length = is_null ? UINT32_MAX : (uint32_t)(count / 2);
    const uint8_t head[] = {0,
                            1,
                            (uint8_t)(length >> 24),
                            (uint8_t)(length >> 16),
                            (uint8_t)(length >> 8),
                            (uint8_t)length};
    memcpy(tuple, head, sizeof head);
    *ret_size = sizeof head + count / 2;
    return realloc(tuple, *ret_size);
}

static const char *with_counts(const char *text, const InvalidCounts *invalid, Arena *arena)
{
    for (InvalidReason i = 0; i < INVALID_REASON_COUNT_; i++) {
        if (invalid->counts[i])
            text = arena_printf(arena, "%s (%s %llu)", text, invalid_reason_name(i),
                                (unsigned long long)invalid->counts[i]);
    }
    return text;
}

static bool complain(const TextRow *row, const char *got)
{
    printf("%s:%d: %s %s: wanted %s\n    got %s\n", row->file, row->line, row->cells[0],
           row->cells[2], row->cells[3], got);
    return false;
}

static bool check_error(const TextRow *row, const Error *error, Arena *arena)
{
    const char *wanted;
    const char *got =
        arena_printf(arena, "error %s: %s", error_kind_name(error->kind), error->message);
    if (!option_starts(row->cells[3], "error ", &wanted))
        return complain(row, got);
    bool good = option_starts(wanted, error_kind_name(error->kind), &wanted) &&
                option_starts(wanted, ": ", &wanted) &&
                (strstr(error->message, wanted) || strstr(error->hint, wanted));
    return good || complain(row, arena_printf(arena, "%s (%s)", got, error->hint));
}

static bool check_row_in(const TextRow *row, Arena *arena)
{
    const char *text = row->cells[0];
    SourceColumn column = {.name = "c", .type = pg_type_parse(&text, arena)};
    ColumnOptions options = mapping_options_parse(row->cells[1], arena);
    ColumnPlan plan = {.source = &column, .field = {.name = "c"}, .on_invalid = options.on_invalid};
    TablePlan table = {.columns = &plan, .column_count = 1};
    Error error = {0};
    CLEANUP(decoder_free_ptr) Decoder *decoder = NULL;
    if (!mapping_postgres(&column, &options, arena, &plan, &error) ||
        !decoder_new(&table, &decoder, &error))
        return complain(row, error.message);

    size_t size;
    CLEANUP(free_ptr) uint8_t *tuple = tuple_of(row->cells[2], &size);
    Value value;
    if (!decoder_tuple(decoder, (StrView){(const char *)tuple, size}, &value, arena, &error))
        return check_error(row, &error, arena);
    const char *got =
        with_counts(value_text(&value, &plan.field, arena), decoder_invalid(decoder), arena);
    return strcmp(got, row->cells[3]) == 0 || complain(row, got);
}

static bool check_row(const TextRow *row)
{
    Arena arena = {0};
    bool good = check_row_in(row, &arena);
    arena_done(&arena);
    return good;
}

static void decodes_what_is_written_down(void **state)
{
    (void)state;
    assert_int_equal(text_table_check(TEST_DATA "/decode/values.txt", check_row), 0);
}

static void meets_policies(void **state)
{
    (void)state;
    assert_int_equal(text_table_check(TEST_DATA "/decode/policies.txt", check_row), 0);
}

static void refuses_malformed_bytes(void **state)
{
    (void)state;
    assert_int_equal(text_table_check(TEST_DATA "/decode/malformed.txt", check_row), 0);
}

static void agrees_with_the_server(void **state)
{
    (void)state;
    assert_int_equal(text_table_check(TEST_DATA "/decode/server.txt", check_row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_is_written_down),
        cmocka_unit_test(meets_policies),
        cmocka_unit_test(refuses_malformed_bytes),
        cmocka_unit_test(agrees_with_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
