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

/* SELECT the planned columns FROM the relation [WHERE …] [LIMIT …]. `shard` may be NULL:
 * everything.
 */
const char *mysql_select_rows(const Extract *extract, const Shard *shard, MysqlDialect dialect,
                              Arena *arena);

/* SELECT of one NULL-or-not for each zone that the server must know; NULL when it need know none.
 */
const char *mysql_select_zones(const TablePlan *plan, Arena *arena);
