/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of tests/data/mysql/values.txt: a type, options, a field's bytes, and the value. */
#include "source/mysql/decode.h"

#include "support/mapping_options.h"
#include "support/my_type.h"
#include "support/text_table.h"
#include "support/value_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A row of one field in a block of exactly its size, so that the sanitizer sees a read past it. */
static uint8_t *row_of(const char *hex, size_t *ret_size)
{
    enum { HEAD = 2, NULL_OF_FIRST = 4 };
    bool is_null = strcmp(hex, "NULL") == 0;
    char digits[3] = "";
    size_t count = 0;
    uint8_t *row = malloc(strlen(hex) + HEAD);
    for (const char *at = hex; !is_null && *at; at++) {
        if (*at == ' ')
            continue;
        digits[count % 2] = *at;
        if (count++ % 2)
            row[HEAD + count / 2 - 1] = (uint8_t)strtoul(digits, NULL, 16);
    }
    row[0] = 0;
    row[1] = is_null ? NULL_OF_FIRST : 0;
    *ret_size = HEAD + count / 2;
    return realloc(row, *ret_size);
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
    SourceColumn column = {.name = "c", .type = my_type_parse(row->cells[0], arena)};
    ColumnOptions options = mapping_options_parse(row->cells[1], arena);
    ColumnPlan plan = {.source = &column, .field = {.name = "c"}, .on_invalid = options.on_invalid};
    TablePlan table = {.columns = &plan, .column_count = 1};
    Error error = {0};
    CLEANUP(row_decoder_free_ptr) RowDecoder *decoder = NULL;
    if (!mapping_mysql(&column, &options, arena, &plan, &error) ||
        !row_decoder_new(&table, &decoder, &error))
        return complain(row, error.message);

    size_t size;
    CLEANUP(free_ptr) uint8_t *bytes = row_of(row->cells[2], &size);
    Value value;
    if (!row_decode(decoder, (StrView){(const char *)bytes, size}, &value, arena, &error))
        return check_error(row, &error, arena);
    const char *got =
        with_counts(value_text(&value, &plan.field, arena), row_decoder_invalid(decoder), arena);
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
    assert_int_equal(text_table_check(TEST_DATA "/mysql/values.txt", check_row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decodes_what_is_written_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
