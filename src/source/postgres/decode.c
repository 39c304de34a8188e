/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/decode.h"

#include "base/memory.h"
#include "source/postgres/decode_step.h"

enum { LENGTH_BYTES = 4, NULL_LENGTH = -1, LEVELS_MAX = 32 };

struct Decoder {
    Arena arena; /* the steps */
    Step *steps;
    size_t count;
    InvalidCounts *counts;
};

typedef struct Compiler {
    Arena *arena;
    const ColumnPlan *plan;
    const Column *column;
    Error *error;
} Compiler;

static bool no_decoder(const Compiler *compiler, const SourceType *type, const Field *field)
{
    return error_set(compiler->error, ERROR_INTERNAL,
                     "column \"%s\": there is no decoder from %s to %s",
                     compiler->plan->source->name, type->text ? type->text : type->base,
                     type_kind_name(field->kind));
}

/* What is selected as text, JSON or number has that form whatever the column's own is. */
static PostgresWire wire_of(SelectForm select, const SourceType *type, TypeKind kind)
{
    switch (select) {
    case SELECT_TEXT:
    case SELECT_JSON:
        return kind == TYPE_JSON ? WIRE_JSON : WIRE_TEXT;
    case SELECT_NUMERIC:
        return WIRE_NUMERIC;
    case SELECT_AT_TIME_ZONE:
        return WIRE_TIMESTAMPTZ;
    case SELECT_PLAIN:
        break;
    }
    return postgres_type(type)->wire;
}

static bool compile_value(Compiler *compiler, const SourceType *type, const Field *field,
                          Step *step)
{
    step->wire = wire_of(compiler->plan->select, type, field->kind);
    if (postgres_accepts(step->wire, field->kind))
        step->decode = decode_function(step->wire, field->kind);
    if (!step->decode)
        return no_decoder(compiler, type, field);
    if (field->kind == TYPE_NUMERIC || field->kind == TYPE_BIGNUMERIC)
        step_set_decimal(step);
    return true;
}

static bool compile(Compiler *compiler, const SourceType *type, const Field *field, int level,
                    Step *step);

static bool compile_array(Compiler *compiler, const SourceType *type, const Field *field, int level,
                          Step *step)
{
    Step *element = ARENA_NEW(compiler->arena, Step);
    Field *element_field = ARENA_NEW(compiler->arena, Field);
    *element_field = *field;
    element_field->mode = MODE_NULLABLE;
    step->decode = decode_array;
    step->parts = element;
    step->part_count = 1;
    return compile(compiler, type->element, element_field, level + 1, element);
}

/* int2vector and the like, and pgvector's types: one base type that becomes an array. */
static bool compile_vector(Compiler *compiler, const SourceType *type, const Field *field,
                           Step *step)
{
    static const SourceType elements[] = {
        {.base = "int2", .schema = "pg_catalog", .has_binary = true, .modifier = -1},
        {.base = "oid", .schema = "pg_catalog", .has_binary = true, .modifier = -1},
    };
    PostgresWire wire = postgres_type(type)->wire;
    if (compiler->plan->select != SELECT_PLAIN || !postgres_type(type)->is_repeated)
        return no_decoder(compiler, type, field);
    if (wire != WIRE_INT2_ARRAY && wire != WIRE_OID_ARRAY)
        return compile_value(compiler, type, field, step);
    SourceType *array = ARENA_NEW(compiler->arena, SourceType);
    *array = *type;
    array->element = &elements[wire == WIRE_OID_ARRAY];
    return compile_array(compiler, array, field, LEVELS_MAX - 1, step);
}

static bool compile_composite(Compiler *compiler, const SourceType *type, const Field *field,
                              int level, Step *step)
{
    if (type->class != SOURCE_TYPE_COMPOSITE || compiler->plan->select != SELECT_PLAIN ||
        type->field_count != field->field_count)
        return no_decoder(compiler, type, field);
    Step *members = ARENA_ARRAY(compiler->arena, Step, field->field_count);
    step->decode = decode_composite;
    step->parts = members;
    step->part_count = field->field_count;
    for (size_t i = 0; i < field->field_count; i++) {
        if (!compile(compiler, &type->fields[i].type, &field->fields[i], level + 1, &members[i]))
            return false;
    }
    return true;
}

static bool compile(Compiler *compiler, const SourceType *type, const Field *field, int level,
                    Step *step)
{
    *step = (Step){
        .takes_null = field->mode == MODE_NULLABLE,
        .is_required = field->mode == MODE_REQUIRED,
        .column = compiler->column,
        .field = field,
        .type = type,
    };
    if (level > LEVELS_MAX)
        return no_decoder(compiler, type, field);
    if (field->mode == MODE_REPEATED)
        return type->class == SOURCE_TYPE_ARRAY ? compile_array(compiler, type, field, level, step)
                                                : compile_vector(compiler, type, field, step);
    if (field->kind == TYPE_STRUCT)
        return compile_composite(compiler, type, field, level, step);
    bool is_built = type->class != SOURCE_TYPE_BASE && type->class != SOURCE_TYPE_ENUM;
    if (is_built && compiler->plan->select == SELECT_PLAIN)
        return no_decoder(compiler, type, field);
    return compile_value(compiler, type, field, step);
}

bool decoder_new(const TablePlan *plan, Decoder **ret_decoder, Error *error)
{
    CLEANUP(decoder_free_ptr) Decoder *decoder = memory_zalloc(1, sizeof *decoder);
    decoder->count = plan->column_count;
    decoder->steps = ARENA_ARRAY(&decoder->arena, Step, plan->column_count);
    decoder->counts = ARENA_ARRAY(&decoder->arena, InvalidCounts, plan->column_count);
    Column *columns = ARENA_ARRAY(&decoder->arena, Column, plan->column_count);
    for (size_t i = 0; i < plan->column_count; i++) {
        const ColumnPlan *column = &plan->columns[i];
        columns[i] = (Column){column->source->name, column->on_invalid, &decoder->counts[i],
                              decode_describe};
        Compiler compiler = {&decoder->arena, column, &columns[i], error};
        if (!compile(&compiler, &column->source->type, &column->field, 0, &decoder->steps[i]))
            return false;
    }
    *ret_decoder = TAKE_PTR(decoder);
    return true;
}

void decoder_free(Decoder *decoder)
{
    if (!decoder)
        return;
    arena_done(&decoder->arena);
    free(decoder);
}

InvalidCounts *decoder_invalid(Decoder *decoder)
{
    return decoder->counts;
}

static bool wrong_count(const Decoder *decoder, size_t count, Error *error)
{
    return error_set(
        error, ERROR_SOURCE,
        "a row has %zu fields instead of %zu: was the table altered while it was read?", count,
        decoder->count);
}

static bool wrong_length(const Step *step, Error *error)
{
    return error_set(error, ERROR_SOURCE,
                     "column \"%s\": the row ends inside the value: the data stream is broken",
                     step->column->name);
}

__attribute__((hot)) bool decoder_tuple(Decoder *decoder, StrView tuple, Value *values,
                                        Arena *scratch, Error *error)
{
    const uint8_t *next = (const uint8_t *)tuple.data;
    const uint8_t *end = next + tuple.length;
    if (tuple.length < sizeof(uint16_t))
        return wrong_count(decoder, 0, error);
    if (load16(next) != decoder->count)
        return wrong_count(decoder, load16(next), error);
    next += sizeof(uint16_t);

    Decode decode = {scratch, error};
    const Step *last = decoder->steps + decoder->count;
    for (const Step *step = decoder->steps; step < last; step++, values++) {
        if (end - next < LENGTH_BYTES)
            return wrong_length(step, error);
        int32_t length = (int32_t)load32(next);
        next += LENGTH_BYTES;
        if (length == NULL_LENGTH) {
            *values = value_null();
            if (!step->takes_null && !decode_missing(step, &decode, values))
                return false;
            continue;
        }
        if (length < 0 || length > end - next)
            return wrong_length(step, error);
        if (!step->decode(step, &decode, (Wire){next, (size_t)length}, values))
            return false;
        next += length;
    }
    if (next == end)
        return true;
    return error_set(error, ERROR_SOURCE,
                     "a row has %zu bytes after its last field: the data "
                     "stream is broken",
                     (size_t)(end - next));
}
