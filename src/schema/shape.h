/* SPDX-License-Identifier: Apache-2.0 */
/* schema/shape.h: what a source type becomes: the parts that the drivers' mappings share. */
#pragma once

#include "schema/mapping.h"

/* One column being mapped. */
typedef struct Mapper {
    const ColumnOptions *options;
    Arena *arena;
    ColumnPlan *plan; /* takes the warnings */
} Mapper;

/* A type's place in the target; `field` has no name yet. */
typedef struct Shape {
    Field field;
    SelectForm select;
    Confidence confidence;
} Shape;

/* Adds a warning; `path` names the member it is about ("member \"a\": "), "" for the column.
 */
void shape_warn(Mapper *mapper, const char *path, const char *warning);

Shape shape_plain(TypeKind kind, Confidence confidence);
Shape shape_text(Confidence confidence);
Shape shape_json(Confidence confidence);

/* NUMERIC or BIGNUMERIC by declared digits (0 <= scale <= precision); text where neither holds
 * them. */
Shape shape_decimal(Mapper *mapper, int precision, int scale, const char *path);

/* GEOGRAPHY, with the warning that belongs to it. */
Shape shape_geography(Mapper *mapper, const char *path);

/* A timestamp without zone as DATETIME, or as the instant that the options make of it. */
Shape shape_naive_timestamp(Mapper *mapper, TypeKind kind);

/* True for UTC's names and for no zone. */
bool shape_is_utc(const char *zone);

/* True when the option has that word, case ignored. */
bool shape_wants(const char *option, const char *word);

/* INT64, NUMERIC, BIGNUMERIC. */
bool shape_is_number(TypeKind kind);

/* True when every number of `digits` before the point and `scale` after it is one of the field's.
 */
bool shape_holds_digits(const Field *field, int digits, int scale);

/* ERROR_CONFIG that names what the column can become besides STRING: bits of TypeKind. */
bool shape_refuse_wish(const Mapper *mapper, const SourceColumn *column, const char *wish,
                       unsigned kinds, Error *error);

/* Applies on_invalid: string (`may_refuse`: some value may not fit) and mode: required, and writes
 * the shape into the mapper's plan. */
void shape_finish(Mapper *mapper, Shape shape, bool may_refuse);
