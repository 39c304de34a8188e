/* SPDX-License-Identifier: Apache-2.0 */
#include "source/step.h"

#include <endian.h>
#include <math.h>
#include <string.h>

/* PostGIS's EWKB: byte order, type with flags, SRID when flagged, then what the type has; members
 * of a collection are geometries again (PostGIS: liblwgeom/lwin_wkb.c). */
enum {
    LITTLE_ENDIAN_MARK = 1,
    SRID_LONGITUDE_LATITUDE = 4326,
    LEVELS_MAX = 32,
    POINT_SIZE = 16,
    TEXT_PER_BYTE = 4, /* 16 bytes of a point become 50 characters, 9 of an empty collection 25 */
    TEXT_EXTRA = 64,
};

#define FLAG_Z 0x80000000U
#define FLAG_M 0x40000000U
#define FLAG_SRID 0x20000000U

typedef enum Outcome {
    GEOGRAPHY_GOOD,
    GEOGRAPHY_UNFIT,     /* well-formed, but BigQuery has no such thing */
    GEOGRAPHY_MALFORMED, /* not EWKB */
} Outcome;

typedef enum GeometryType {
    GEOMETRY_POINT = 1,
    GEOMETRY_LINE,
    GEOMETRY_POLYGON,
    GEOMETRY_MULTI_POINT,
    GEOMETRY_MULTI_LINE,
    GEOMETRY_MULTI_POLYGON,
    GEOMETRY_COLLECTION,
} GeometryType;

typedef struct Shaper {
    const uint8_t *next;
    const uint8_t *end;
    char *out;
    bool is_little;
} Shaper;

static size_t left(const Shaper *shaper)
{
    return (size_t)(shaper->end - shaper->next);
}

static bool take32(Shaper *shaper, uint32_t *ret_number)
{
    if (left(shaper) < sizeof *ret_number)
        return false;
    uint32_t number;
    memcpy(&number, shaper->next, sizeof number);
    *ret_number = shaper->is_little ? le32toh(number) : be32toh(number);
    shaper->next += sizeof number;
    return true;
}

static double take_double(Shaper *shaper)
{
    uint64_t bits;
    memcpy(&bits, shaper->next, sizeof bits);
    bits = shaper->is_little ? le64toh(bits) : be64toh(bits);
    shaper->next += sizeof bits;
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static void put(Shaper *shaper, const char *text)
{
    shaper->out = stpcpy(shaper->out, text);
}

static void put_pair(Shaper *shaper, double longitude, double latitude)
{
    shaper->out += decode_double_text(longitude, shaper->out);
    put(shaper, " ");
    shaper->out += decode_double_text(latitude, shaper->out);
}

static bool is_on_earth(double longitude, double latitude)
{
    return fabs(longitude) <= 180 && fabs(latitude) <= 90; /* false for NaN */
}

static Outcome shape_pair(Shaper *shaper)
{
    if (left(shaper) < POINT_SIZE)
        return GEOGRAPHY_MALFORMED;
    double longitude = take_double(shaper), latitude = take_double(shaper);
    if (!is_on_earth(longitude, latitude))
        return GEOGRAPHY_UNFIT;
    put_pair(shaper, longitude, latitude);
    return GEOGRAPHY_GOOD;
}

/* A point of NaN stands for none. */
static Outcome shape_point(Shaper *shaper)
{
    if (left(shaper) < POINT_SIZE)
        return GEOGRAPHY_MALFORMED;
    Shaper ahead = *shaper;
    double longitude = take_double(&ahead), latitude = take_double(&ahead);
    if (isnan(longitude) && isnan(latitude)) {
        shaper->next = ahead.next;
        put(shaper, " EMPTY");
        return GEOGRAPHY_GOOD;
    }
    put(shaper, "(");
    Outcome outcome = shape_pair(shaper);
    put(shaper, ")");
    return outcome;
}

typedef Outcome ShapeItem(Shaper *shaper, int level);

/* A count and as many items, each of at least `least` bytes. */
static Outcome shape_list(Shaper *shaper, ShapeItem *item, size_t least, int level)
{
    uint32_t count;
    if (!take32(shaper, &count) || count > left(shaper) / least)
        return GEOGRAPHY_MALFORMED;
    if (count == 0) {
        put(shaper, " EMPTY");
        return GEOGRAPHY_GOOD;
    }
    put(shaper, "(");
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            put(shaper, ", ");
        Outcome outcome = item(shaper, level);
        if (outcome != GEOGRAPHY_GOOD)
            return outcome;
    }
    put(shaper, ")");
    return GEOGRAPHY_GOOD;
}

static Outcome pair_item(Shaper *shaper, int level)
{
    (void)level;
    return shape_pair(shaper);
}

static Outcome ring_item(Shaper *shaper, int level)
{
    return shape_list(shaper, pair_item, POINT_SIZE, level);
}

static Outcome take_header(Shaper *shaper, GeometryType *ret_type)
{
    uint32_t type, srid = SRID_LONGITUDE_LATITUDE;
    if (left(shaper) < 1 || *shaper->next > LITTLE_ENDIAN_MARK)
        return GEOGRAPHY_MALFORMED;
    shaper->is_little = *shaper->next++ == LITTLE_ENDIAN_MARK;
    if (!take32(shaper, &type) || ((type & FLAG_SRID) && !take32(shaper, &srid)))
        return GEOGRAPHY_MALFORMED;
    *ret_type = type & ~(FLAG_Z | FLAG_M | FLAG_SRID);
    bool fits = !(type & (FLAG_Z | FLAG_M)) && *ret_type >= GEOMETRY_POINT &&
                *ret_type <= GEOMETRY_COLLECTION && srid == SRID_LONGITUDE_LATITUDE;
    return fits ? GEOGRAPHY_GOOD : GEOGRAPHY_UNFIT;
}

static Outcome shape_body(Shaper *shaper, GeometryType type, int level);

static Outcome member_item(Shaper *shaper, GeometryType wanted, int level)
{
    GeometryType type;
    Outcome outcome = take_header(shaper, &type);
    if (outcome != GEOGRAPHY_GOOD)
        return outcome;
    return type == wanted ? shape_body(shaper, type, level) : GEOGRAPHY_MALFORMED;
}

/* Without brackets of its own, as BigQuery writes it. */
static Outcome point_item(Shaper *shaper, int level)
{
    GeometryType type;
    (void)level;
    Outcome outcome = take_header(shaper, &type);
    if (outcome != GEOGRAPHY_GOOD)
        return outcome;
    return type == GEOMETRY_POINT ? shape_pair(shaper) : GEOGRAPHY_MALFORMED;
}

static Outcome line_item(Shaper *shaper, int level)
{
    return member_item(shaper, GEOMETRY_LINE, level);
}

static Outcome polygon_item(Shaper *shaper, int level)
{
    return member_item(shaper, GEOMETRY_POLYGON, level);
}

static Outcome shape_geometry(Shaper *shaper, int level)
{
    static const char *const names[] = {
        [GEOMETRY_POINT] = "POINT",
        [GEOMETRY_LINE] = "LINESTRING",
        [GEOMETRY_POLYGON] = "POLYGON",
        [GEOMETRY_MULTI_POINT] = "MULTIPOINT",
        [GEOMETRY_MULTI_LINE] = "MULTILINESTRING",
        [GEOMETRY_MULTI_POLYGON] = "MULTIPOLYGON",
        [GEOMETRY_COLLECTION] = "GEOMETRYCOLLECTION",
    };
    if (level > LEVELS_MAX)
        return GEOGRAPHY_UNFIT;
    GeometryType type;
    Outcome outcome = take_header(shaper, &type);
    if (outcome != GEOGRAPHY_GOOD)
        return outcome;
    put(shaper, names[type]);
    return shape_body(shaper, type, level + 1);
}

static Outcome shape_body(Shaper *shaper, GeometryType type, int level)
{
    enum { MEMBER_SIZE_MIN = 9, RING_SIZE_MIN = 4 };
    switch (type) {
    case GEOMETRY_POINT:
        return shape_point(shaper);
    case GEOMETRY_LINE:
        return shape_list(shaper, pair_item, POINT_SIZE, level);
    case GEOMETRY_POLYGON:
        return shape_list(shaper, ring_item, RING_SIZE_MIN, level);
    case GEOMETRY_MULTI_POINT:
        return shape_list(shaper, point_item, MEMBER_SIZE_MIN, level);
    case GEOMETRY_MULTI_LINE:
        return shape_list(shaper, line_item, MEMBER_SIZE_MIN, level);
    case GEOMETRY_MULTI_POLYGON:
        return shape_list(shaper, polygon_item, MEMBER_SIZE_MIN, level);
    case GEOMETRY_COLLECTION:
        return shape_list(shaper, shape_geometry, MEMBER_SIZE_MIN, level);
    }
    return GEOGRAPHY_UNFIT;
}

bool decode_ewkb(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    char *text = arena_alloc(decode->scratch, wire.size * TEXT_PER_BYTE + TEXT_EXTRA);
    Shaper shaper = {.next = wire.bytes, .end = wire.bytes + wire.size, .out = text};
    Outcome outcome = shape_geometry(&shaper, 0);
    MALFORMED_UNLESS(outcome != GEOGRAPHY_MALFORMED);
    if (outcome == GEOGRAPHY_UNFIT)
        return decode_refuse(step, decode, INVALID_RANGE, wire, NULL, ret_value);
    MALFORMED_UNLESS(left(&shaper) == 0);
    *ret_value = value_text(text, (size_t)(shaper.out - text));
    return true;
}

bool decode_point(const Step *step, Decode *decode, Wire wire, Value *ret_value)
{
    MALFORMED_UNLESS(wire.size == POINT_SIZE);
    char *text = arena_alloc(decode->scratch, POINT_SIZE * TEXT_PER_BYTE + TEXT_EXTRA);
    Shaper shaper = {.next = wire.bytes, .end = wire.bytes + wire.size, .out = text};
    put(&shaper, "POINT(");
    if (shape_pair(&shaper) != GEOGRAPHY_GOOD)
        return decode_refuse(step, decode, INVALID_RANGE, wire, NULL, ret_value);
    put(&shaper, ")");
    *ret_value = value_text(text, (size_t)(shaper.out - text));
    return true;
}
