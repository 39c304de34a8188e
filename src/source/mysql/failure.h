/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/failure.h: what MySQL, MariaDB and their client library say when something fails, as
 * an Error: the server's own words and number, whether a new attempt may help, and what to do.
 * Numbers: MySQL's "Server Error Message Reference" and MariaDB's "MariaDB Error Codes". */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* What was being done, for messages. */
typedef struct MysqlAction {
    const char *doing;    /* "reading shop.orders" */
    const char *relation; /* quoted for SQL, to spell out a GRANT; NULL: unknown */
} MysqlAction;

/* What failed, as the server or the library says it. */
typedef struct MysqlFailure {
    unsigned number;
    const char *sqlstate;
    const char *text;
    const char *user; /* 'me'@'host' or a name, for a GRANT; NULL: unknown */
} MysqlFailure;

/* True when the role lacks a privilege for what it asked. */
bool mysqld_is_denied(unsigned number);

/* Fills ERROR_SOURCE and returns false. */
bool mysqld_fail_with(const MysqlFailure *failure, const MysqlAction *action, Error *error);
