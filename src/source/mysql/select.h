/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/select.h: the SELECT of an extract, as SQL. Pure. */
#pragma once

#include "base/arena.h"
#include "source/source.h"

/* Which of two dialects. */
typedef struct MysqlDialect {
    bool is_mariadb;
    unsigned long version;
} MysqlDialect;

/* The FROM item of an extract: `shop`.`orders`, or (the query) under a name. */
const char *mysql_select_from(const Extract *extract, Arena *arena);

/* " WHERE (…) AND …": `further` (may be NULL), the cursor's range and the job's condition; "" when
 * there is none. */
const char *mysql_select_conditions(const Extract *extract, const char *further, Arena *arena);

/* SELECT the planned columns FROM the relation [WHERE …] [LIMIT …]. `shard` may be NULL:
 * everything.
 */
const char *mysql_select_rows(const Extract *extract, const Shard *shard, MysqlDialect dialect,
                              Arena *arena);

/* SELECT of one NULL-or-not for each zone that the server must know; NULL when it need know none.
 */
const char *mysql_select_zones(const TablePlan *plan, Arena *arena);
