/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/looks.h: a look at the rows where the declaration does not say what is meant. */
#pragma once

#include "source/mysql/mysql_source.h"

/* Settles each tinyint(1): "bool" when it holds nothing but 0, 1 and NULL, "tinyint(1)" when it
 * holds more, and as it was when seeing that took too long. One scan of the table at most. */
bool looks_at_truth(MysqlSource *source, SourceTable *table, const MysqlAction *action,
                    Arena *arena, Error *error);
