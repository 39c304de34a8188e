/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/logical.h"

#include <string.h>

static TypeKind kind_of(duckdb_type id)
{
    switch (id) {
    case DUCKDB_TYPE_BOOLEAN:
        return TYPE_BOOL;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
        return TYPE_INT64;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
        return TYPE_FLOAT64;
    default:
        return TYPE_STRING;
    }
}

static TypeKind other_kind_of(duckdb_type id)
{
    switch (id) {
    case DUCKDB_TYPE_UBIGINT:
        return TYPE_NUMERIC;
    case DUCKDB_TYPE_BLOB:
        return TYPE_BYTES;
    case DUCKDB_TYPE_DATE:
        return TYPE_DATE;
    case DUCKDB_TYPE_TIME:
        return TYPE_TIME;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
        return TYPE_DATETIME;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        return TYPE_TIMESTAMP;
    case DUCKDB_TYPE_INTERVAL:
        return TYPE_INTERVAL;
    default:
        return kind_of(id);
    }
}

static Field decimal_field(const DuckApi *api, duckdb_logical_type type)
{
    enum { NUMERIC_DIGITS = 38, NUMERIC_SCALE = 9, NUMERIC_WHOLE_DIGITS = 29 };
    int precision = api->decimal_width(type), scale = api->decimal_scale(type);
    if (precision == NUMERIC_DIGITS && scale == NUMERIC_SCALE)
        return (Field){.kind = TYPE_NUMERIC};
    bool fits = scale <= NUMERIC_SCALE && precision - scale <= NUMERIC_WHOLE_DIGITS;
    return (Field){
        .kind = fits ? TYPE_NUMERIC : TYPE_BIGNUMERIC, .precision = precision, .scale = scale};
}

static bool is_json(const DuckApi *api, duckdb_logical_type type)
{
    char *alias = api->logical_type_get_alias(type);
    bool json = alias && strcmp(alias, "JSON") == 0;
    if (alias)
        api->free(alias);
    return json;
}

static Field child_field(const DuckApi *api, duckdb_logical_type child, Arena *arena)
{
    Field field = duck_field_of(api, child, arena);
    api->destroy_logical_type(&child);
    return field;
}

static Field list_field(const DuckApi *api, duckdb_logical_type child, Arena *arena)
{
    Field field = child_field(api, child, arena);
    if (field.mode == MODE_REPEATED)
        return (Field){.kind = TYPE_JSON};
    field.mode = MODE_REPEATED;
    return field;
}

static Field struct_field(const DuckApi *api, duckdb_logical_type type, Arena *arena)
{
    size_t count = api->struct_type_child_count(type);
    Field *members = ARENA_ARRAY(arena, Field, count);
    for (size_t i = 0; i < count; i++) {
        members[i] = child_field(api, api->struct_type_child_type(type, i), arena);
        char *name = api->struct_type_child_name(type, i);
        members[i].name = arena_strdup(arena, name);
        api->free(name);
    }
    return (Field){.kind = TYPE_STRUCT, .fields = members, .field_count = count};
}

static Field map_field(const DuckApi *api, duckdb_logical_type type, Arena *arena)
{
    Field *members = ARENA_ARRAY(arena, Field, 2);
    members[0] = child_field(api, api->map_type_key_type(type), arena);
    members[0].name = "key";
    members[1] = child_field(api, api->map_type_value_type(type), arena);
    members[1].name = "value";
    return (Field){.kind = TYPE_STRUCT, .mode = MODE_REPEATED, .fields = members, .field_count = 2};
}

Field duck_field_of(const DuckApi *api, duckdb_logical_type type, Arena *arena)
{
    duckdb_type id = api->get_type_id(type);
    switch (id) {
    case DUCKDB_TYPE_DECIMAL:
        return decimal_field(api, type);
    case DUCKDB_TYPE_LIST:
        return list_field(api, api->list_type_child_type(type), arena);
    case DUCKDB_TYPE_ARRAY:
        return list_field(api, api->array_type_child_type(type), arena);
    case DUCKDB_TYPE_STRUCT:
        return struct_field(api, type, arena);
    case DUCKDB_TYPE_MAP:
        return map_field(api, type, arena);
    case DUCKDB_TYPE_VARCHAR:
        return (Field){.kind = is_json(api, type) ? TYPE_JSON : TYPE_STRING};
    default:
        return (Field){.kind = other_kind_of(id)};
    }
}
