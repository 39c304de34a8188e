/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/decode_step.h"

/* A geometry is its SRID and its WKB, longitude (X) first whatever the SRID's own axis order is
 * (MySQL manual, "Geometry Well-Formedness and Internal Storage"). */
enum { SRID_SIZE = 4, SRID_NONE = 0, SRID_LONGITUDE_LATITUDE = 4326 };

bool mysql_decode_geography(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size > SRID_SIZE);
    uint32_t srid = load_le32(wire.bytes);
    if (srid != SRID_NONE && srid != SRID_LONGITUDE_LATITUDE)
        return decode_refuse(step, decode, INVALID_RANGE, wire, NULL, ret_value);
    return decode_ewkb(step, decode, (Wire){wire.bytes + SRID_SIZE, wire.size - SRID_SIZE},
                       ret_value);
}

bool mysql_decode_wkb(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size > SRID_SIZE);
    *ret_value = value_text((const char *)wire.bytes + SRID_SIZE, wire.size - SRID_SIZE);
    return true;
}

bool mysql_decode_vector(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size % sizeof(float) == 0);
    size_t count = wire.size / sizeof(float);
    Value *items = arena_alloc(decode->scratch, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        Wire item = {wire.bytes + i * sizeof(float), sizeof(float)};
        items[i] = (Value){.kind = VALUE_FLOAT64, .real = load_real(item)};
    }
    *ret_value = (Value){.kind = VALUE_LIST, .length = (uint32_t)count, .items = items};
    return true;
}
