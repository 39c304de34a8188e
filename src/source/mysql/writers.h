/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/writers.h: transactions and statements that may still commit rows.
 *
 * NOW() is when a statement begins, waits for metadata locks included. What a transaction has
 * written before is stamped after it began (information_schema.innodb_trx); a statement that waits
 * for a lock may be in the process list only. Who may see both (PROCESS) knows when the oldest of
 * them began; who may not knows nothing. READ ONLY transactions, as our readers are, commit none.
 */
#pragma once

#include "source/mysql/mysql_source.h"

typedef struct WritersMoment {
    bool sees;           /* the account sees what others do */
    bool hides_prepared; /* it may not see the names of prepared XA transactions, nor, unless it
                            sees what others do, that there are any */
    bool hides_stopped;  /* it may not see that the server is a replica that stands still */
    const char *replica; /* why what is open elsewhere cannot be seen: "it is read only, …"; NULL:
                            the server is no replica, as far as can be seen */
    const char *zone;    /* of the server */
    int64_t now;         /* by its clock, before it was looked at what is open; microseconds */
    int64_t oldest;      /* when the oldest began, in whole seconds; INT64_MAX: none */
    const char *who;     /* has it, for people; NULL: none */
    const char *orphan;  /* InnoDB's number of a transaction that no session has; or NULL */
    const char *prepared; /* an XA transaction that is prepared, whose start nobody knows: its name,
                             or else what is known of it; NULL: none is seen */
} WritersMoment;

/* Asks for all of it. */
bool writers_look(MysqlConnection *connection, Arena *arena, WritersMoment *ret_moment,
                  Error *error);

/* Waits until those that are open now have ended, at most so long. NULL in *ret_who: all have; else
 * one of them, for people. What others begin meanwhile does not count. Needs PROCESS. */
bool writers_wait(MysqlConnection *connection, int64_t wait_ms, Arena *arena, const char **ret_who,
                  Error *error);

/* Waits until no XA transaction is prepared, at most so long, and looks again. */
bool writers_wait_prepared(MysqlConnection *connection, int64_t wait_ms, Arena *arena,
                           WritersMoment *moment, Error *error);
