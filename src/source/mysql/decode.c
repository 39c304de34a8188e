/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/decode.h"

#include "base/memory.h"
#include "source/mysql/decode_step.h"

enum { NULL_BITS_OFFSET = 2, ROW_HEADER = 0 };

/* How long a field is. */
typedef enum Layout {
    LAYOUT_FIXED,  /* known beforehand */
    LAYOUT_BYTE,   /* a byte says so: dates and times */
    LAYOUT_LENGTH, /* a length-encoded integer says so */
} Layout;

typedef struct RowField {
    Step step;
    Layout layout;
    size_t size; /* LAYOUT_FIXED */
} RowField;

struct RowDecoder {
    Arena arena; /* the fields */
    RowField *fields;
    size_t count;
    InvalidCounts *counts;
};

static void set_layout(RowField *field, MysqlWire wire)
{
    static const uint8_t sizes[MYSQL_WIRE_COUNT_] = {
        [MYSQL_WIRE_INT8] = 1,   [MYSQL_WIRE_UINT8] = 1,  [MYSQL_WIRE_INT16] = 2,
        [MYSQL_WIRE_UINT16] = 2, [MYSQL_WIRE_INT32] = 4,  [MYSQL_WIRE_UINT32] = 4,
        [MYSQL_WIRE_INT64] = 8,  [MYSQL_WIRE_UINT64] = 8, [MYSQL_WIRE_FLOAT] = 4,
        [MYSQL_WIRE_DOUBLE] = 8,
    };
    bool is_time = wire == MYSQL_WIRE_DATE || wire == MYSQL_WIRE_DATETIME ||
                   wire == MYSQL_WIRE_TIMESTAMP || wire == MYSQL_WIRE_TIME;
    field->size = sizes[wire];
    field->layout = is_time ? LAYOUT_BYTE : sizes[wire] ? LAYOUT_FIXED : LAYOUT_LENGTH;
}

static bool compile(const ColumnPlan *plan, const Column *column, RowField *field, Error *error)
{
    MysqlWire wire = mysql_planned_wire(plan);
    const Field *target = &plan->field;
    field->step = (Step){
        .takes_null = target->mode == MODE_NULLABLE,
        .is_required = target->mode == MODE_REQUIRED,
        .column = column,
        .field = target,
        .type = &plan->source->type,
        .wire = wire,
    };
    set_layout(field, wire);
    if (mysql_accepts(wire, target->kind))
        field->step.decode = mysql_decode_function(wire, target->kind);
    if (target->kind == TYPE_NUMERIC || target->kind == TYPE_BIGNUMERIC)
        step_set_decimal(&field->step);
    return field->step.decode ||
           error_set(error, ERROR_INTERNAL, "column \"%s\": there is no decoder from %s to %s",
                     plan->source->name, plan->source->type.text, type_kind_name(target->kind));
}

bool row_decoder_new(const TablePlan *plan, RowDecoder **ret_decoder, Error *error)
{
    CLEANUP(row_decoder_free_ptr) RowDecoder *decoder = memory_zalloc(1, sizeof *decoder);
    decoder->count = plan->column_count;
    decoder->fields = ARENA_ARRAY(&decoder->arena, RowField, plan->column_count);
    decoder->counts = ARENA_ARRAY(&decoder->arena, InvalidCounts, plan->column_count);
    Column *columns = ARENA_ARRAY(&decoder->arena, Column, plan->column_count);
    for (size_t i = 0; i < plan->column_count; i++) {
        const ColumnPlan *column = &plan->columns[i];
        columns[i] =
            (Column){column->source->name, column->on_invalid, &decoder->counts[i], mysql_describe};
        if (!compile(column, &columns[i], &decoder->fields[i], error))
            return false;
    }
    *ret_decoder = TAKE_PTR(decoder);
    return true;
}

void row_decoder_free(RowDecoder *decoder)
{
    if (!decoder)
        return;
    arena_done(&decoder->arena);
    free(decoder);
}

InvalidCounts *row_decoder_invalid(RowDecoder *decoder)
{
    return decoder->counts;
}

/* Where a row's rest begins and ends. */
typedef struct Cursor {
    const uint8_t *next;
    const uint8_t *end;
} Cursor;

/* Lengths of 251 and more: two, three or eight bytes follow. */
static __attribute__((noinline)) bool take_long_length(Cursor *cursor, size_t *ret_size)
{
    enum { TWO = 0xfc, THREE = 0xfd, EIGHT = 0xfe };
    unsigned first = *cursor->next;
    size_t width = first == TWO ? 2 : first == THREE ? 3 : first == EIGHT ? 8 : 0;
    if (width == 0 || (size_t)(cursor->end - cursor->next) <= width)
        return false;
    uint64_t size = 0;
    for (size_t i = width; i > 0; i--)
        size = size << 8 | cursor->next[i];
    cursor->next += width + 1;
    *ret_size = size;
    return true;
}

static inline bool take_size(const RowField *field, Cursor *cursor, size_t *ret_size)
{
    enum { SHORT_MAX = 250 };
    *ret_size = field->size;
    if (field->layout == LAYOUT_FIXED)
        return true;
    if (cursor->next == cursor->end)
        return false;
    if (*cursor->next > SHORT_MAX)
        return field->layout == LAYOUT_LENGTH && take_long_length(cursor, ret_size);
    *ret_size = *cursor->next++;
    return true;
}

static bool broken(const Step *step, Error *error)
{
    return error_set(error, ERROR_SOURCE,
                     "column \"%s\": the row ends inside the value: was the table altered while it "
                     "was read?",
                     step->column->name);
}

__attribute__((hot)) bool row_decode(RowDecoder *decoder, StrView packet, Value *values,
                                     Arena *scratch, Error *error)
{
    size_t null_bytes = (decoder->count + NULL_BITS_OFFSET + 7) / 8;
    const uint8_t *bytes = (const uint8_t *)packet.data, *nulls = bytes + 1;
    if (packet.length < 1 + null_bytes || bytes[0] != ROW_HEADER)
        return error_set(error, ERROR_SOURCE, "a packet of %zu bytes is no row of %zu columns",
                         packet.length, decoder->count);
    Cursor cursor = {nulls + null_bytes, bytes + packet.length};
    Decode decode = {scratch, error};
    for (size_t i = 0; i < decoder->count; i++, values++) {
        const RowField *field = &decoder->fields[i];
        const Step *step = &field->step;
        size_t bit = i + NULL_BITS_OFFSET, size;
        if (nulls[bit / 8] >> (bit % 8) & 1) {
            *values = value_null();
            if (!step->takes_null && !decode_missing(step, &decode, values))
                return false;
            continue;
        }
        if (!take_size(field, &cursor, &size) || size > (size_t)(cursor.end - cursor.next))
            return broken(step, error);
        if (!step->decode(step, &decode, (Wire){cursor.next, size}, values))
            return false;
        cursor.next += size;
    }
    if (cursor.next == cursor.end)
        return true;
    return error_set(error, ERROR_SOURCE,
                     "a row has %zu bytes after its last column: was the table altered while it "
                     "was read?",
                     (size_t)(cursor.end - cursor.next));
}
