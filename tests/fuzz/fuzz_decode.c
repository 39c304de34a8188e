/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses a column's type and target, the second its policy; the rest is the
 * column's bytes. When the first byte is beyond the table, the rest is a whole row of several
 * columns. Whatever comes out must keep the promises of model/value.h. */
#include "source/postgres/decode.h"

#include "../support/mapping_options.h"
#include "../support/pg_type.h"
#include "../support/value_promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_SIZE = 6, ROW_COLUMNS = 6 };

static const char *const columns[][2] = {
    {"bool", ""},
    {"int2", ""},
    {"int4", ""},
    {"int8", ""},
    {"int8", "type=NUMERIC(10,2)"},
    {"int2", "type=BOOL"},
    {"xid8", ""},
    {"xid8", "type=NUMERIC"},
    {"float4", ""},
    {"float8", ""},
    {"float8", "type=INT64"},
    {"float4", "type=NUMERIC(20,5)"},
    {"float8", "type=BIGNUMERIC"},
    {"numeric", ""},
    {"numeric(15,2)", ""},
    {"numeric(38,9)", ""},
    {"numeric(76,38)", ""},
    {"numeric", "type=NUMERIC(5,2)"},
    {"numeric", "type=INT64"},
    {"numeric", "type=FLOAT64"},
    {"money", ""},
    {"date", ""},
    {"time", ""},
    {"timetz", ""},
    {"timestamp", ""},
    {"timestamptz", ""},
    {"interval", ""},
    {"interval", "type=TIME"},
    {"text", ""},
    {"bpchar(5)", ""},
    {"char", ""},
    {"uuid", ""},
    {"bytea", ""},
    {"bit(1)", "type=BOOL"},
    {"varbit", ""},
    {"inet", ""},
    {"macaddr", ""},
    {"pg_lsn", ""},
    {"jsonpath", ""},
    {"json", ""},
    {"jsonb", ""},
    {"text", "type=JSON"},
    {"ext:hstore", ""},
    {"ext:vector", ""},
    {"ext:halfvec", ""},
    {"ext:geography", ""},
    {"point", "type=GEOGRAPHY"},
    {"int2vector", ""},
    {"oidvector", ""},
    {"int4[]", ""},
    {"text[]", ""},
    {"numeric(10,2)[]", ""},
    {"date[]", ""},
    {"jsonb[]", ""},
    {"tsquery[]", ""},
    {"(a int4, b text)", ""},
    {"(a date[], b (c numeric, d interval))", ""},
    {"(a int4, b text[])[]", ""},
};
static const char *const row_types[ROW_COLUMNS] = {"int8",   "numeric(15,2)", "text",
                                                   "date[]", "timestamptz",   "(a int4)"};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static void plan_column(ColumnPlan *plan, const char *type, const char *wish, uint8_t policy,
                        Arena *arena)
{
    static const InvalidPolicy policies[] = {INVALID_FAIL, INVALID_NULL, INVALID_CLAMP};
    SourceColumn *column = ARENA_NEW(arena, SourceColumn);
    ColumnOptions options = mapping_options_parse(wish, arena);
    column->name = plan->field.name = "c";
    column->type = pg_type_parse(&type, arena);
    plan->source = column;
    plan->on_invalid = policies[policy % 3];
    PROMISE(mapping_postgres(column, &options, arena, plan, NULL));
}

/* The bytes as one field, in a block of exactly its size. */
static char *wrap(const uint8_t *bytes, size_t size)
{
    const uint8_t head[HEAD_SIZE] = {
        0, 1, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    char *tuple = malloc(HEAD_SIZE + size);
    memcpy(tuple, head, HEAD_SIZE);
    memcpy(tuple + HEAD_SIZE, bytes, size);
    return tuple;
}

static void run(const uint8_t *data, size_t size, Arena *arena)
{
    ColumnPlan plans[ROW_COLUMNS] = {0};
    TablePlan plan = {.columns = plans, .column_count = 1};
    bool is_row = data[0] >= COLUMN_COUNT;
    if (is_row) {
        plan.column_count = ROW_COLUMNS;
        for (size_t i = 0; i < ROW_COLUMNS; i++)
            plan_column(&plans[i], row_types[i], "", data[1], arena);
    } else {
        plan_column(&plans[0], columns[data[0]][0], columns[data[0]][1], data[1], arena);
    }

    CLEANUP(decoder_free_ptr) Decoder *decoder = NULL;
    CLEANUP(free_ptr) char *wrapped = is_row ? NULL : wrap(data + 2, size - 2);
    StrView tuple = {is_row ? (const char *)data + 2 : wrapped,
                     is_row ? size - 2 : size - 2 + HEAD_SIZE};
    Value values[ROW_COLUMNS];
    Error error = {0};
    PROMISE(decoder_new(&plan, &decoder, &error));
    if (!decoder_tuple(decoder, tuple, values, arena, &error)) {
        PROMISE(error.kind == ERROR_SOURCE || error.kind == ERROR_DATA);
        PROMISE(error.message[0] && utf8_is_valid(view_of(error.message)));
        return;
    }
    for (size_t i = 0; i < plan.column_count; i++)
        check_value(&values[i], &plans[i].field, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {0};
    if (size >= 2)
        run(data, size, &arena);
    arena_done(&arena);
    return 0;
}
