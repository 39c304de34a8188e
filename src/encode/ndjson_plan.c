/* SPDX-License-Identifier: Apache-2.0 */
#include "encode/ndjson_plan.h"

#include "base/digits.h"
#include "base/real_text.h"
#include "encode/copy.h"
#include "encode/json_string.h"
#include "encode/text.h"

#include <math.h>

enum {
    PIECE = 4095, /* bytes of a long value written at once; a multiple of 3 for base64 */
    SHORT = 64,   /* up to here a value of bytes needs no more room than any other */
    VALUE_ROOM = SHORT * JSON_STRING_GROWTH + 2 * JSON_STRING_SLACK,
    PIECE_ROOM = PIECE * JSON_STRING_GROWTH + JSON_STRING_SLACK,
};

static const int64_t exact_integer_max = (int64_t)1 << 53; /* a JSON reader may use doubles */

struct NdjsonOp {
    TypeKind kind;
    bool repeated;
    bool required;
    const char *key; /* with what stands before and after it: ,"name": */
    size_t key_size;
    const Field *field;
    const NdjsonOp *members; /* of a STRUCT */
};

static const char *make_key(const char *name, bool first, Arena *arena, size_t *ret_size)
{
    size_t length = strlen(name);
    char *key = arena_alloc(arena, length * JSON_STRING_GROWTH + JSON_STRING_SLACK + 4);
    char *end = key;
    *end++ = first ? '{' : ',';
    *end++ = '"';
    end = json_string_write(end, name, length);
    *end++ = '"';
    *end++ = ':';
    *ret_size = (size_t)(end - key);
    return key;
}

static const NdjsonOp *compile(const Field *fields, size_t count, NdjsonPlan *plan, Arena *arena)
{
    NdjsonOp *ops = ARENA_ARRAY(arena, NdjsonOp, count);
    for (size_t i = 0; i < count; i++) {
        NdjsonOp *op = &ops[i];
        *op = (NdjsonOp){.kind = fields[i].kind,
                         .repeated = fields[i].mode == MODE_REPEATED,
                         .required = fields[i].mode == MODE_REQUIRED,
                         .field = &fields[i]};
        op->key = make_key(fields[i].name, i == 0, arena, &op->key_size);
        if (plan->room < op->key_size + VALUE_ROOM)
            plan->room = op->key_size + VALUE_ROOM;
        if (fields[i].kind == TYPE_STRUCT)
            op->members = compile(fields[i].fields, fields[i].field_count, plan, arena);
    }
    return ops;
}

static inline void make_room(NdjsonOut *out, size_t size)
{
    if (__builtin_expect((size_t)(out->end - out->next) < size, 0))
        out->drain(out);
}

static inline void put(NdjsonOut *out, char c)
{
    *out->next++ = c;
}

typedef char *WritePiece(char *out, const char *bytes, size_t size);

static char *write_base64_piece(char *out, const char *bytes, size_t size)
{
    return text_write_base64(out, (StrView){bytes, size});
}

/* For a short value the column's room is enough; a long one goes piece by piece. */
static inline void write_pieces(NdjsonOut *out, const Value *value, WritePiece *write)
{
    const char *bytes = value->bytes;
    size_t left = value->length;
    while (left > SHORT) {
        size_t size = left < PIECE ? left : PIECE;
        make_room(out, PIECE_ROOM);
        out->next = write(out->next, bytes, size);
        bytes += size;
        left -= size;
    }
    if (value->length > SHORT)
        make_room(out, VALUE_ROOM);
    out->next = write(out->next, bytes, left);
}

static inline void write_quoted(NdjsonOut *out, const Value *value, WritePiece *write)
{
    put(out, '"');
    write_pieces(out, value, write);
    put(out, '"');
}

static void write_integer(NdjsonOut *out, int64_t integer)
{
    bool quoted = integer > exact_integer_max || integer < -exact_integer_max;
    *out->next = '"';
    out->next = digits_write_signed(out->next + quoted, integer);
    *out->next = '"';
    out->next += quoted;
}

static void write_real(NdjsonOut *out, double real)
{
    if (isfinite(real))
        out->next = real_text_write(out->next, real);
    else if (isnan(real))
        out->next = mempcpy(out->next, "\"NaN\"", 5);
    else if (real > 0)
        out->next = mempcpy(out->next, "\"Infinity\"", 10);
    else
        out->next = mempcpy(out->next, "\"-Infinity\"", 11);
}

static void write_boolean(NdjsonOut *out, bool boolean)
{
    memcpy(out->next, boolean ? "true " : "false", 5);
    out->next += boolean ? 4 : 5;
}

/* Values that are text of their own between quotes. */
static inline char *write_text(char *next, const NdjsonOp *op, const Value *value)
{
    switch (op->kind) {
    case TYPE_NUMERIC:
    case TYPE_BIGNUMERIC:
        return text_write_decimal(next, op->field, value);
    case TYPE_DATE:
        return text_write_date(next, value->integer);
    case TYPE_TIME:
        return text_write_time(next, value->integer);
    case TYPE_DATETIME:
        return text_write_datetime(next, value->integer);
    case TYPE_TIMESTAMP:
        next = text_write_datetime(next, value->integer);
        *next = 'Z';
        return next + 1;
    default:
        return text_write_interval_iso(next, value->interval);
    }
}

static void write_struct(NdjsonOut *out, const NdjsonOp *op, const Value *value);

static inline void write_one(NdjsonOut *out, const NdjsonOp *op, const Value *value)
{
    switch (op->kind) {
    case TYPE_BOOL:
        write_boolean(out, value->boolean);
        return;
    case TYPE_INT64:
        write_integer(out, value->integer);
        return;
    case TYPE_FLOAT64:
        write_real(out, value->real);
        return;
    case TYPE_STRING:
    case TYPE_GEOGRAPHY:
        write_quoted(out, value, json_string_write);
        return;
    case TYPE_BYTES:
        write_quoted(out, value, write_base64_piece);
        return;
    case TYPE_JSON:
        write_pieces(out, value, json_string_write_value);
        return;
    case TYPE_STRUCT:
        write_struct(out, op, value);
        return;
    default:
        put(out, '"');
        out->next = write_text(out->next, op, value);
        put(out, '"');
    }
}

static void write_array(NdjsonOut *out, const NdjsonOp *op, const Value *value)
{
    put(out, '[');
    for (uint32_t i = 0; i < value->length; i++) {
        make_room(out, VALUE_ROOM);
        if (i)
            put(out, ',');
        write_one(out, op, &value->items[i]);
    }
    make_room(out, VALUE_ROOM);
    put(out, ']');
}

static void write_missing(NdjsonOut *out, const NdjsonOp *op, const Value *value)
{
    if (value->kind != VALUE_NULL || op->required)
        out->missing = op->field;
    if (op->repeated) /* a NULL array is an empty one */
        out->next = mempcpy(out->next, "[]", 2);
    else
        out->next = mempcpy(out->next, "null", 4);
}

static inline void write_member(NdjsonOut *out, const NdjsonOp *op, const Value *value)
{
    make_room(out, op->key_size + VALUE_ROOM);
    out->next = copy_bytes(out->next, op->key, op->key_size);
    if (__builtin_expect(value->kind <= VALUE_ABSENT, 0))
        write_missing(out, op, value);
    else if (op->repeated)
        write_array(out, op, value);
    else
        write_one(out, op, value);
}

static void write_struct(NdjsonOut *out, const NdjsonOp *op, const Value *value)
{
    for (size_t i = 0; i < op->field->field_count; i++)
        write_member(out, &op->members[i], &value->items[i]);
    make_room(out, VALUE_ROOM);
    put(out, '}');
}

void ndjson_plan_init(NdjsonPlan *plan, const Schema *schema, Arena *arena)
{
    *plan = (NdjsonPlan){.count = schema->field_count, .room = PIECE_ROOM};
    plan->ops = compile(schema->fields, schema->field_count, plan, arena);
}

void ndjson_plan_write(const NdjsonPlan *plan, const Value *row, NdjsonOut *out)
{
    for (size_t i = 0; i < plan->count; i++)
        write_member(out, &plan->ops[i], &row[i]);
    make_room(out, VALUE_ROOM);
    out->next = mempcpy(out->next, "}\n", 2);
}
