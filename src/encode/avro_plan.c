/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/avro_plan.h"

#include "encode/copy.h"
#include "encode/text.h"
#include "encode/varint.h"

#include <string.h>

typedef enum AvroCode {
    AVRO_BOOL,
    AVRO_LONG, /* Avro's int as well: the same bytes */
    AVRO_DOUBLE,
    AVRO_DECIMAL,
    AVRO_BYTES,
    AVRO_INTERVAL,
    AVRO_RECORD,
    AVRO_ARRAY,
} AvroCode;

enum {
    UNION_NULL = 0,  /* index 0, zig-zag */
    UNION_VALUE = 2, /* index 1, zig-zag */
    LENGTH_MAX = 5,  /* varint of a 32-bit length */
    WRITE_SLACK = 8, /* the widest store that may pass the end of what it writes */
};

struct AvroOp {
    AvroCode code;
    uint32_t prefix; /* 1: a union index stands before the value */
    const Field *field;
    const AvroOp *members; /* of a record; the one element of an array */
    size_t member_count;
};

static const struct {
    AvroCode code;
    size_t max; /* bytes, without a union index and without bytes that the value brings */
} codes[TYPE_COUNT_] = {
    [TYPE_BOOL] = {AVRO_BOOL, 1},
    [TYPE_INT64] = {AVRO_LONG, VARINT_MAX},
    [TYPE_FLOAT64] = {AVRO_DOUBLE, sizeof(double)},
    [TYPE_NUMERIC] = {AVRO_DECIMAL, 1 + DECIMAL_BYTES_MAX},
    [TYPE_BIGNUMERIC] = {AVRO_DECIMAL, 1 + DECIMAL_BYTES_MAX},
    [TYPE_STRING] = {AVRO_BYTES, LENGTH_MAX},
    [TYPE_BYTES] = {AVRO_BYTES, LENGTH_MAX},
    [TYPE_DATE] = {AVRO_LONG, VARINT_MAX},
    [TYPE_TIME] = {AVRO_LONG, VARINT_MAX},
    [TYPE_DATETIME] = {AVRO_LONG, VARINT_MAX},
    [TYPE_TIMESTAMP] = {AVRO_LONG, VARINT_MAX},
    [TYPE_INTERVAL] = {AVRO_INTERVAL, 1 + TEXT_VALUE_MAX},
    [TYPE_JSON] = {AVRO_BYTES, LENGTH_MAX},
    [TYPE_GEOGRAPHY] = {AVRO_BYTES, LENGTH_MAX},
    [TYPE_STRUCT] = {AVRO_RECORD, 0},
};

static void compile_value(AvroOp *op, const Field *field, Arena *arena);

static void compile_field(AvroOp *op, const Field *field, Arena *arena)
{
    if (field->mode != MODE_REPEATED) {
        compile_value(op, field, arena);
        op->prefix = field->mode == MODE_NULLABLE;
        return;
    }
    AvroOp *element = ARENA_NEW(arena, AvroOp);
    compile_value(element, field, arena);
    *op = (AvroOp){.code = AVRO_ARRAY, .field = field, .members = element, .member_count = 1};
}

static void compile_value(AvroOp *op, const Field *field, Arena *arena)
{
    *op = (AvroOp){.code = codes[field->kind].code, .field = field};
    if (field->kind != TYPE_STRUCT)
        return;
    AvroOp *members = ARENA_ARRAY(arena, AvroOp, field->field_count);
    for (size_t i = 0; i < field->field_count; i++)
        compile_field(&members[i], &field->fields[i], arena);
    op->members = members;
    op->member_count = field->field_count;
}

static bool is_missing(const Value *value)
{
    return value->kind <= VALUE_ABSENT;
}

static size_t decimal_size(const Value *value)
{
    uint8_t bytes[DECIMAL_BYTES_MAX];
    if (value->kind == VALUE_DECIMAL64)
        return 1 + decimal64_to_big_endian(value->integer, bytes);
    return 1 + decimal_to_big_endian(value->decimal, bytes);
}

static size_t interval_size(const Value *value)
{
    char text[TEXT_VALUE_MAX];
    return 1 + (size_t)(text_write_interval(text, value->interval) - text);
}

static size_t value_size(const AvroOp *op, const Value *value);

static size_t list_size(const AvroOp *op, const Value *value)
{
    size_t size = 0;
    if (op->code == AVRO_ARRAY) {
        size = 1 + (value->length ? varint_size(value->length) : 0);
        for (uint32_t i = 0; i < value->length; i++)
            size += value_size(op->members, &value->items[i]);
        return size;
    }
    for (size_t i = 0; i < op->member_count; i++)
        size += value_size(&op->members[i], &value->items[i]);
    return size;
}

static size_t value_size(const AvroOp *op, const Value *value)
{
    if (is_missing(value))
        return 1;
    switch (op->code) {
    case AVRO_BOOL:
        return op->prefix + 1;
    case AVRO_LONG:
        return op->prefix + varint_size(value->integer);
    case AVRO_DOUBLE:
        return op->prefix + sizeof value->real;
    case AVRO_DECIMAL:
        return op->prefix + decimal_size(value);
    case AVRO_BYTES:
        return op->prefix + varint_size(value->length) + value->length;
    case AVRO_INTERVAL:
        return op->prefix + interval_size(value);
    case AVRO_RECORD:
    case AVRO_ARRAY:
        break;
    }
    return op->prefix + list_size(op, value);
}

static inline char *write_bytes(char *out, const char *bytes, uint32_t size)
{
    if (size < 64)
        *out++ = (char)(size << 1); /* zig-zag of a short length: one byte */
    else
        out = varint_write(out, size);
    return copy_bytes(out, bytes, size);
}

static inline char *write_decimal(char *out, const Value *value)
{
    uint8_t *bytes = (uint8_t *)out + 1;
    size_t size = value->kind == VALUE_DECIMAL64 ? decimal64_to_big_endian(value->integer, bytes)
                                                 : decimal_to_big_endian(value->decimal, bytes);
    *out = (char)(size << 1); /* zig-zag of a length up to 32: one byte */
    return out + 1 + size;
}

static inline char *write_double(char *out, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    bits = htole64(bits);
    memcpy(out, &bits, sizeof bits);
    return out + sizeof bits;
}

static char *write_interval(char *out, const Interval *interval)
{
    char *end = text_write_interval(out + 1, interval);
    *out = (char)((end - out - 1) << 1); /* below 64: one byte */
    return end;
}

static char *write_list(const AvroOp *op, const Value *value, char *out, const Field **ret_missing);

/* A value that is not there: the null of a union, no elements, or a mistake of the reader's. */
static char *write_missing(const AvroOp *op, const Value *value, char *out,
                           const Field **ret_missing)
{
    *out = UNION_NULL; /* the byte that also ends an array */
    if (value->kind != VALUE_NULL || (!op->prefix && op->code != AVRO_ARRAY))
        *ret_missing = op->field;
    return out + 1;
}

static inline char *write_value(const AvroOp *op, const Value *value, char *out,
                                const Field **ret_missing)
{
    if (__builtin_expect(is_missing(value), 0))
        return write_missing(op, value, out, ret_missing);
    *out = UNION_VALUE;
    out += op->prefix;
    switch (op->code) {
    case AVRO_BOOL:
        *out = value->boolean;
        return out + 1;
    case AVRO_LONG:
        return varint_write(out, value->integer);
    case AVRO_DOUBLE:
        return write_double(out, value->real);
    case AVRO_DECIMAL:
        return write_decimal(out, value);
    case AVRO_BYTES:
        return write_bytes(out, value->bytes, value->length);
    case AVRO_INTERVAL:
        return write_interval(out, value->interval);
    case AVRO_RECORD:
    case AVRO_ARRAY:
        return write_list(op, value, out, ret_missing);
    }
    __builtin_unreachable();
}

static char *write_list(const AvroOp *op, const Value *value, char *out, const Field **ret_missing)
{
    if (op->code == AVRO_RECORD) {
        for (size_t i = 0; i < op->member_count; i++)
            out = write_value(&op->members[i], &value->items[i], out, ret_missing);
        return out;
    }
    if (value->length)
        out = varint_write(out, value->length); /* one block of all elements */
    for (uint32_t i = 0; i < value->length; i++)
        out = write_value(op->members, &value->items[i], out, ret_missing);
    *out = 0;
    return out + 1;
}

void avro_plan_init(AvroPlan *plan, const Schema *schema, Arena *arena)
{
    AvroOp *ops = ARENA_ARRAY(arena, AvroOp, schema->field_count);
    uint32_t *sized = ARENA_ARRAY(arena, uint32_t, schema->field_count);
    *plan = (AvroPlan){.ops = ops, .count = schema->field_count, .sized = sized};
    for (size_t i = 0; i < schema->field_count; i++) {
        compile_field(&ops[i], &schema->fields[i], arena);
        plan->fixed_size += 1 + codes[schema->fields[i].kind].max;
        if (ops[i].code == AVRO_BYTES || ops[i].code == AVRO_RECORD || ops[i].code == AVRO_ARRAY)
            sized[plan->sized_count++] = (uint32_t)i;
    }
    plan->fixed_size += WRITE_SLACK;
}

size_t avro_plan_bound(const AvroPlan *plan, const Value *row)
{
    size_t bound = plan->fixed_size;
    for (size_t i = 0; i < plan->sized_count; i++) {
        const Value *value = &row[plan->sized[i]];
        if (value->kind == VALUE_BYTES)
            bound += value->length;
        else if (value->kind == VALUE_LIST)
            bound += list_size(&plan->ops[plan->sized[i]], value);
    }
    return bound;
}

size_t avro_plan_size(const AvroPlan *plan, const Value *row)
{
    size_t size = 0;
    for (size_t i = 0; i < plan->count; i++)
        size += value_size(&plan->ops[i], &row[i]);
    return size;
}

char *avro_plan_write(const AvroPlan *plan, const Value *row, char *out, const Field **ret_missing)
{
    const AvroOp *end = plan->ops + plan->count;
    for (const AvroOp *op = plan->ops; op < end; op++, row++)
        out = write_value(op, row, out, ret_missing);
    return out;
}
