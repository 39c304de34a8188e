/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/vector.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "target/duckdb/sql.h"

#include <string.h>

enum { INLINE_MAX = 12, SLAB_SIZE = 256 * 1024 };

static inline bool is_null(const Value *value)
{
    return value->kind == VALUE_NULL || value->kind == VALUE_ABSENT;
}

static void set_null(DuckVector *vector, size_t row)
{
    if (!vector->validity) {
        vector->chunk->api->vector_ensure_validity_writable(vector->handle);
        vector->validity = vector->chunk->api->vector_get_validity(vector->handle);
    }
    vector->validity[row / 64] &= ~(1ULL << (row % 64));
}

/* A value that is not of the kind its field has: a bug of the reader, not of the data. */
static bool wrong_kind(const DuckVector *vector, const Value *value, Error *error)
{
    return error_set(error, ERROR_INTERNAL, "column %s: a value of kind %d is not one of type %s",
                     vector->field->name, (int)value->kind, type_kind_name(vector->field->kind));
}

static inline bool null_or_wrong(DuckVector *vector, size_t row, const Value *value, Error *error)
{
    if (!is_null(value))
        return wrong_kind(vector, value, error);
    set_null(vector, row);
    return true;
}

/* Appenders of types whose values all have one size. */
#define DEFINE_APPEND_FIXED(name, kind_wanted, Type, expression)                                   \
    static bool name(DuckVector *vector, const Value *values, size_t stride, size_t count,         \
                     Error *error)                                                                 \
    {                                                                                              \
        Type *out = (Type *)vector->data + vector->count;                                          \
        const Value *value = values;                                                               \
        for (size_t i = 0; i < count; i++, value += stride) {                                      \
            if (__builtin_expect(value->kind == (kind_wanted), 1))                                 \
                out[i] = (expression);                                                             \
            else if (!null_or_wrong(vector, vector->count + i, value, error))                      \
                return false;                                                                      \
        }                                                                                          \
        vector->count += count;                                                                    \
        vector->chunk->bytes += count * sizeof(Type);                                              \
        return true;                                                                               \
    }

DEFINE_APPEND_FIXED(append_bool, VALUE_BOOL, bool, value->boolean)
DEFINE_APPEND_FIXED(append_int64, VALUE_INT64, int64_t, value->integer)
DEFINE_APPEND_FIXED(append_double, VALUE_FLOAT64, double, value->real)
DEFINE_APPEND_FIXED(append_date, VALUE_INT64, int32_t, (int32_t)value->integer)
DEFINE_APPEND_FIXED(append_interval, VALUE_INTERVAL, duckdb_interval,
                    ((duckdb_interval){.months = value->interval->months,
                                       .days = value->interval->days,
                                       .micros = value->interval->microseconds}))

static bool too_wide(const DuckVector *vector, Error *error)
{
    return error_set(error, ERROR_DATA,
                     "column %s: a number has more than the %d digits of its type",
                     vector->field->name, field_decimal_precision(vector->field));
}

/* The number of a decimal column of up to 18 digits; NULL becomes 0 and its validity is set. */
static bool small_decimal(DuckVector *vector, size_t row, const Value *value, int64_t *ret_number,
                          Error *error)
{
    *ret_number = 0;
    if (value->kind != VALUE_DECIMAL64)
        return value->kind == VALUE_DECIMAL ? too_wide(vector, error)
                                            : null_or_wrong(vector, row, value, error);
    if (value->integer >= vector->limit || value->integer <= -vector->limit)
        return too_wide(vector, error);
    *ret_number = value->integer;
    return true;
}

#define DEFINE_APPEND_DECIMAL(name, Type)                                                          \
    static bool name(DuckVector *vector, const Value *values, size_t stride, size_t count,         \
                     Error *error)                                                                 \
    {                                                                                              \
        Type *out = (Type *)vector->data + vector->count;                                          \
        const Value *value = values;                                                               \
        for (size_t i = 0; i < count; i++, value += stride) {                                      \
            int64_t number;                                                                        \
            if (!small_decimal(vector, vector->count + i, value, &number, error))                  \
                return false;                                                                      \
            out[i] = (Type)number;                                                                 \
        }                                                                                          \
        vector->count += count;                                                                    \
        vector->chunk->bytes += count * sizeof(Type);                                              \
        return true;                                                                               \
    }

DEFINE_APPEND_DECIMAL(append_decimal16, int16_t)
DEFINE_APPEND_DECIMAL(append_decimal32, int32_t)
DEFINE_APPEND_DECIMAL(append_decimal64, int64_t)

static bool append_decimal128(DuckVector *vector, const Value *values, size_t stride, size_t count,
                              Error *error)
{
    duckdb_hugeint *out = (duckdb_hugeint *)vector->data + vector->count;
    int digits = field_decimal_precision(vector->field);
    const Value *value = values;
    for (size_t i = 0; i < count; i++, value += stride) {
        if (value->kind == VALUE_DECIMAL64) /* 19 digits and more: every 64-bit number fits */
            out[i] = (duckdb_hugeint){.lower = (uint64_t)value->integer,
                                      .upper = value->integer < 0 ? -1 : 0};
        else if (value->kind != VALUE_DECIMAL) {
            if (!null_or_wrong(vector, vector->count + i, value, error))
                return false;
        } else if (!decimal_fits_digits(value->decimal, digits) ||
                   !decimal_to_int128(value->decimal, &out[i].upper, &out[i].lower)) {
            return too_wide(vector, error);
        }
    }
    vector->count += count;
    vector->chunk->bytes += count * sizeof *out;
    return true;
}

/* Memory that stays until the chunk is reset. */
static char *chunk_memory(DuckChunk *chunk, size_t size)
{
    if (size > SLAB_SIZE - chunk->slab_used)
        return arena_alloc(&chunk->overflow, size);
    char *memory = chunk->slab + chunk->slab_used;
    chunk->slab_used += size;
    return memory;
}

static inline void put_text(DuckChunk *chunk, duckdb_string_t *out, const char *bytes,
                            uint32_t length)
{
    if (length <= INLINE_MAX) {
        *out = (duckdb_string_t){.value.inlined.length = length};
        memcpy(out->value.inlined.inlined, bytes, length);
        return;
    }
    out->value.pointer.length = length;
    memcpy(out->value.pointer.prefix, bytes, sizeof out->value.pointer.prefix);
    out->value.pointer.ptr = memcpy(chunk_memory(chunk, length), bytes, length);
}

static bool append_text(DuckVector *vector, const Value *values, size_t stride, size_t count,
                        Error *error)
{
    duckdb_string_t *out = (duckdb_string_t *)vector->data + vector->count;
    const Value *value = values;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++, value += stride) {
        if (__builtin_expect(value->kind == VALUE_BYTES, 1)) {
            put_text(vector->chunk, &out[i], value->bytes, value->length);
            bytes += value->length;
        } else if (null_or_wrong(vector, vector->count + i, value, error)) {
            out[i] = (duckdb_string_t){0};
        } else {
            return false;
        }
    }
    vector->count += count;
    vector->chunk->bytes += bytes + count * sizeof *out;
    return true;
}

/* Zeros after the point say nothing when the column declares no scale. */
static size_t trim_zeros(const char *text, size_t length)
{
    if (!memchr(text, '.', length))
        return length;
    while (text[length - 1] == '0')
        length--;
    return text[length - 1] == '.' ? length - 1 : length;
}

static bool append_decimal_text(DuckVector *vector, const Value *values, size_t stride,
                                size_t count, Error *error)
{
    int scale = field_decimal_scale(vector->field);
    char text[DECIMAL_TEXT_MAX];
    for (size_t i = 0; i < count; i++) {
        const Value *value = values + i * stride;
        Value written = *value;
        if (value->kind == VALUE_DECIMAL64 || value->kind == VALUE_DECIMAL) {
            size_t length = value->kind == VALUE_DECIMAL64
                                ? decimal64_to_text(value->integer, scale, text)
                                : decimal_to_text(value->decimal, scale, text);
            if (vector->field->precision == 0)
                length = trim_zeros(text, length);
            written = (Value){.kind = VALUE_BYTES, .length = (uint32_t)length, .bytes = text};
        } else if (!is_null(value)) {
            return wrong_kind(vector, value, error);
        }
        if (!append_text(vector, &written, 1, 1, error))
            return false;
    }
    return true;
}

/* Takes over DuckDB's memory of a vector and of those below it, which moves when a list grows. */
static void bind(DuckVector *vector, duckdb_vector handle)
{
    const DuckApi *api = vector->chunk->api;
    vector->handle = handle;
    vector->data = api->vector_get_data(handle);
    vector->validity = api->vector_get_validity(handle);
    for (size_t i = 0; i < vector->child_count; i++)
        bind(&vector->children[i], vector->is_list ? api->list_vector_get_child(handle)
                                                   : api->struct_vector_get_child(handle, i));
}

/* The members of a struct are as long as the struct; the elements of a list are not. */
static void set_capacity(DuckVector *vector, size_t capacity)
{
    vector->capacity = capacity;
    for (size_t i = 0; !vector->is_list && i < vector->child_count; i++)
        set_capacity(&vector->children[i], capacity);
}

static bool make_room(DuckVector *list, size_t more, Error *error)
{
    DuckVector *element = &list->children[0];
    size_t capacity = element->capacity;
    if (more <= capacity - element->count)
        return true;
    while (capacity - element->count < more)
        capacity *= 2;
    const DuckApi *api = list->chunk->api;
    if (api->list_vector_reserve(list->handle, capacity) != DuckDBSuccess)
        return error_set(error, ERROR_TARGET,
                         "column %s: DuckDB has no room for %zu array elements", list->field->name,
                         capacity);
    bind(element, api->list_vector_get_child(list->handle));
    set_capacity(element, capacity);
    return true;
}

/* A NULL array is an empty one: what reads it counted that (INVALID_NULL_ARRAY). */
static bool append_list(DuckVector *vector, const Value *values, size_t stride, size_t count,
                        Error *error)
{
    DuckVector *element = &vector->children[0];
    for (size_t i = 0; i < count; i++) {
        const Value *value = values + i * stride;
        if (value->kind != VALUE_LIST && !is_null(value))
            return wrong_kind(vector, value, error);
        size_t length = value->kind == VALUE_LIST ? value->length : 0;
        duckdb_list_entry *entry = (duckdb_list_entry *)vector->data + vector->count++;
        *entry = (duckdb_list_entry){.offset = element->count, .length = length};
        if (length > 0 && (!make_room(vector, length, error) ||
                           !element->append(element, value->items, 1, length, error)))
            return false;
    }
    vector->chunk->bytes += count * sizeof(duckdb_list_entry);
    return true;
}

static void append_null(DuckVector *vector)
{
    size_t row = vector->count++;
    set_null(vector, row);
    if (vector->is_list)
        ((duckdb_list_entry *)vector->data)[row] =
            (duckdb_list_entry){.offset = vector->children[0].count};
    else if (vector->append == append_text || vector->append == append_decimal_text)
        ((duckdb_string_t *)vector->data)[row] = (duckdb_string_t){0};
    for (size_t i = 0; !vector->is_list && i < vector->child_count; i++)
        append_null(&vector->children[i]);
}

static bool append_struct(DuckVector *vector, const Value *values, size_t stride, size_t count,
                          Error *error)
{
    for (size_t i = 0; i < count; i++) {
        const Value *value = values + i * stride;
        if (is_null(value)) {
            append_null(vector);
            continue;
        }
        if (value->kind != VALUE_LIST || value->length != vector->child_count)
            return wrong_kind(vector, value, error);
        vector->count++;
        for (size_t member = 0; member < vector->child_count; member++) {
            DuckVector *child = &vector->children[member];
            if (!child->append(child, &value->items[member], 1, 1, error))
                return false;
        }
    }
    return true;
}

static DuckAppend *choose_decimal(DuckVector *vector)
{
    int digits = field_decimal_precision(vector->field);
    if (sql_decimal_is_text(vector->field))
        return append_decimal_text;
    if (digits > 18)
        return append_decimal128;
    vector->limit = 1;
    for (int i = 0; i < digits; i++)
        vector->limit *= 10;
    if (digits > 9)
        return append_decimal64;
    return digits > 4 ? append_decimal32 : append_decimal16;
}

static DuckAppend *choose_append(DuckVector *vector)
{
    switch (vector->field->kind) {
    case TYPE_BOOL:
        return append_bool;
    case TYPE_INT64:
    case TYPE_TIME:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
        return append_int64;
    case TYPE_FLOAT64:
        return append_double;
    case TYPE_NUMERIC:
    case TYPE_BIGNUMERIC:
        return choose_decimal(vector);
    case TYPE_DATE:
        return append_date;
    case TYPE_INTERVAL:
        return append_interval;
    case TYPE_STRUCT:
        return append_struct;
    default:
        return append_text;
    }
}

static void build(DuckVector *vector, DuckChunk *chunk, const Field *field, bool is_element)
{
    *vector = (DuckVector){.chunk = chunk, .field = field, .capacity = chunk->capacity};
    if (field->mode == MODE_REPEATED && !is_element) {
        vector->is_list = true;
        vector->append = append_list;
        vector->child_count = 1;
        vector->children = ARENA_NEW(&chunk->arena, DuckVector);
        build(&vector->children[0], chunk, field, true);
        return;
    }
    vector->append = choose_append(vector);
    vector->child_count = field->kind == TYPE_STRUCT ? field->field_count : 0;
    vector->children = ARENA_ARRAY(&chunk->arena, DuckVector, vector->child_count);
    for (size_t i = 0; i < vector->child_count; i++)
        build(&vector->children[i], chunk, &field->fields[i], false);
    if (vector->child_count == 0)
        chunk->leaf_count++;
}

static void restart(DuckVector *vector, size_t capacity)
{
    vector->count = 0;
    vector->capacity = capacity;
    for (size_t i = 0; i < vector->child_count; i++)
        restart(&vector->children[i], capacity);
}

static void seal(const DuckVector *vector)
{
    if (vector->is_list)
        vector->chunk->api->list_vector_set_size(vector->handle, vector->children[0].count);
    for (size_t i = 0; i < vector->child_count; i++)
        seal(&vector->children[i]);
}

static void start_chunk(DuckChunk *chunk)
{
    chunk->row_count = 0;
    chunk->slab_used = 0;
    arena_reset(&chunk->overflow);
    for (size_t i = 0; i < chunk->column_count; i++) {
        restart(&chunk->columns[i], chunk->capacity);
        bind(&chunk->columns[i], chunk->api->data_chunk_get_vector(chunk->handle, i));
    }
}

void duck_chunk_init(DuckChunk *chunk, const DuckApi *api, const Schema *schema,
                     duckdb_logical_type *types)
{
    *chunk = (DuckChunk){.api = api,
                         .handle = api->create_data_chunk(types, schema->field_count),
                         .column_count = schema->field_count,
                         .capacity = api->vector_size(),
                         .slab = memory_alloc(SLAB_SIZE)};
    chunk->columns = ARENA_ARRAY(&chunk->arena, DuckVector, schema->field_count);
    for (size_t i = 0; i < schema->field_count; i++)
        build(&chunk->columns[i], chunk, &schema->fields[i], false);
    start_chunk(chunk);
}

void duck_chunk_done(DuckChunk *chunk)
{
    if (chunk->handle)
        chunk->api->destroy_data_chunk(&chunk->handle);
    arena_done(&chunk->arena);
    arena_done(&chunk->overflow);
    free(TAKE_PTR(chunk->slab));
}

bool duck_chunk_append(DuckChunk *chunk, const Batch *batch, size_t first, size_t count,
                       Error *error)
{
    const Value *row = batch_row(batch, first);
    for (size_t i = 0; i < chunk->column_count; i++) {
        DuckVector *column = &chunk->columns[i];
        if (!column->append(column, row + i, batch->column_count, count, error))
            return false;
    }
    chunk->row_count += count;
    return true;
}

void duck_chunk_seal(DuckChunk *chunk)
{
    for (size_t i = 0; i < chunk->column_count; i++)
        seal(&chunk->columns[i]);
    chunk->api->data_chunk_set_size(chunk->handle, chunk->row_count);
}

void duck_chunk_reset(DuckChunk *chunk)
{
    chunk->api->data_chunk_reset(chunk->handle);
    start_chunk(chunk);
}
