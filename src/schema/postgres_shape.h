/* SPDX-License-Identifier: Apache-2.0 */
/* schema/postgres_shape.h: what a PostgreSQL type becomes; shared by schema/postgres*.c only. */
#pragma once

#include "schema/mapping.h"
#include "schema/postgres_types.h"

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

/* What the type becomes when no type is asked for. */
Shape shape_of_type(Mapper *mapper, const SourceType *type);

Shape shape_text(Confidence confidence);
Shape shape_json(Confidence confidence);

/* A timestamp without zone as DATETIME, or as the instant that the options make of it. */
Shape shape_naive_timestamp(Mapper *mapper, TypeKind kind);

/* What is asked for by name (`columns: {x: {type: …}}`) in place of `shape`. ERROR_CONFIG names
 * what the type can become. */
bool shape_apply_wish(Mapper *mapper, const SourceColumn *column, const char *wish, Shape *shape,
                      Error *error);
