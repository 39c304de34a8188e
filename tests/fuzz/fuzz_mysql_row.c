/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses a column's type and target, the second its policy; the rest is a row's
 * bytes behind its header. When the first byte is beyond the table, the rest is a whole row of all
 * columns. Whatever comes out must keep the promises of model/value.h. */
#include "source/mysql/decode.h"

#include "../support/mapping_options.h"
#include "../support/my_type.h"
#include "../support/value_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const columns[][2] = {
    {"tinyint", ""},
    {"bool", ""},
    {"tinyint unsigned", ""},
    {"smallint", ""},
    {"smallint unsigned", ""},
    {"mediumint", "type=NUMERIC(5,0)"},
    {"int", ""},
    {"int unsigned", "type=BOOL"},
    {"bigint", ""},
    {"bigint", "type=NUMERIC(10,2)"},
    {"bigint unsigned", ""},
    {"bigint unsigned", "type=INT64"},
    {"year", ""},
    {"float", ""},
    {"float", "type=NUMERIC(20,5)"},
    {"double", "type=INT64"},
    {"double", "type=BIGNUMERIC"},
    {"decimal(10,2)", ""},
    {"decimal(38,9)", ""},
    {"decimal(65,30)", ""},
    {"decimal(65,0)", ""},
    {"decimal(10,2)", "type=INT64"},
    {"decimal(10,2)", "type=FLOAT64"},
    {"bit(64)", ""},
    {"bit(1)", "type=BOOL"},
    {"bit(9)", "type=NUMERIC(3,0)"},
    {"date", ""},
    {"datetime", ""},
    {"timestamp", ""},
    {"time", ""},
    {"time", "type=TIME"},
    {"varchar(10)", ""},
    {"varchar(10)", "type=JSON"},
    {"blob", ""},
    {"blob", "type=STRING"},
    {"json", ""},
    {"point", ""},
    {"point", "type=GEOGRAPHY"},
    {"geometry(4326)", ""},
    {"vector(2)", ""},
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns, HEAD_SIZE = 2 };

static void plan_column(ColumnPlan *plan, size_t index, uint8_t policy, Arena *arena)
{
    static const InvalidPolicy policies[] = {INVALID_FAIL, INVALID_NULL, INVALID_CLAMP};
    SourceColumn *column = ARENA_NEW(arena, SourceColumn);
    ColumnOptions options = mapping_options_parse(columns[index][1], arena);
    column->name = plan->field.name = "c";
    column->type = my_type_parse(columns[index][0], arena);
    plan->source = column;
    plan->on_invalid = policies[policy % 3];
    PROMISE(mapping_mysql(column, &options, arena, plan, NULL));
}

static void run(const ColumnPlan *plans, size_t count, StrView packet, Arena *arena)
{
    TablePlan table = {.columns = plans, .column_count = count};
    CLEANUP(row_decoder_free_ptr) RowDecoder *decoder = NULL;
    Value values[COLUMN_COUNT];
    Error error = {0};
    PROMISE(row_decoder_new(&table, &decoder, &error));
    if (!row_decode(decoder, packet, values, arena, &error)) {
        PROMISE(error.kind == ERROR_SOURCE || error.kind == ERROR_DATA);
        return;
    }
    for (size_t i = 0; i < count; i++)
        check_value(&values[i], &plans[i].field, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_SIZE)
        return 0;
    Arena arena = {0};
    ColumnPlan plans[COLUMN_COUNT] = {0};
    bool is_row = data[0] >= COLUMN_COUNT;
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        plan_column(&plans[i], i, data[1], &arena);
    /* In a block of exactly its size: the sanitizer sees a read past it. */
    size_t length = size - HEAD_SIZE + !is_row;
    CLEANUP(free_ptr) char *packet = malloc(length + (length == 0));
    packet[0] = '\0';
    memcpy(packet + !is_row, data + HEAD_SIZE, size - HEAD_SIZE);
    run(is_row ? plans : &plans[data[0]], is_row ? COLUMN_COUNT : 1, (StrView){packet, length},
        &arena);
    arena_done(&arena);
    return 0;
}
