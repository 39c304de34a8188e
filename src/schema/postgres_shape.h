/* SPDX-License-Identifier: Apache-2.0 */
/* schema/postgres_shape.h: what a PostgreSQL type becomes; shared by schema/postgres*.c only. */
#pragma once

#include "schema/postgres_types.h"
#include "schema/shape.h"

/* What the type becomes when no type is asked for. */
Shape shape_of_type(Mapper *mapper, const SourceType *type);

/* What is asked for by name (`columns: {x: {type: …}}`) in place of `shape`. ERROR_CONFIG names
 * what the type can become. */
bool shape_apply_wish(Mapper *mapper, const SourceColumn *column, const char *wish, Shape *shape,
                      Error *error);
