/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/open_transactions.h: transactions of this database that may still commit rows.
 *
 * now() is a transaction's start, so a row may become visible long after the time it is stamped
 * with. Where the role may see when others' transactions began (pg_read_all_stats), nothing that
 * commits later is stamped before the oldest of them. Where it may not, the locks that everybody
 * can see tell when those that were open have ended.
 *
 * Our own readers write nothing: they carry a mark, an advisory lock, and are left out. */
#pragma once

#include "source/postgres/session.h"

/* SQL, inside a transaction of ours: marks it. Leaves a row that nobody needs. */
#define OPEN_MARK "SELECT pg_catalog.pg_advisory_xact_lock_shared(1651598969, 1);"

typedef struct Moment {
    bool is_standby;    /* what is open on the primary cannot be seen there */
    bool sees_starts;   /* the role sees when transactions of others began */
    const char *zone;   /* the session's time zone, before we set ours */
    const char *time;   /* of the question, in UTC: "2026-01-31 12:34:56.789012" */
    const char *oldest; /* when the oldest open transaction began; NULL: none, or not seen */
    int64_t age_ms;     /* since then */
    const char *who;    /* has it, for people; NULL: none */
} Moment;

/* Asks for all of it at once. */
bool open_moment(PostgresSource *source, Arena *arena, Moment *ret_moment, Error *error);

/* Names of transactions (virtual ones, "3/1234", and prepared ones, "-1/5678"). */
typedef struct OpenSet {
    const char **names;
    size_t count;
    size_t capacity;
} OpenSet;

/* Adds all that are open in this database now, but for the asking one and marked ones. */
bool open_add_all(PostgresSource *source, Arena *arena, OpenSet *set, Error *error);

/* Adds those that hold the lock of a writer on one of the relations ("16385,16390"). */
bool open_add_writers(PostgresSource *source, const char *oids, Arena *arena, OpenSet *set,
                      Error *error);

/* Those that have not ended, and one of them for people. */
typedef struct OpenRest {
    OpenSet set;
    const char *who; /* NULL: all have ended */
} OpenRest;

/* Waits until every transaction of the set has ended, at most so long. */
bool open_wait(PostgresSource *source, const OpenSet *set, int64_t wait_ms, Arena *arena,
               OpenRest *ret_rest, Error *error);

bool open_has(const OpenSet *set, const char *name);

/* Adds what `more` has. */
void open_join(OpenSet *set, const OpenSet *more, Arena *arena);

/* When the earliest prepared transaction that holds the lock of a writer on one of the relations
 * was prepared, in UTC; NULL in *ret_time: there is none. */
bool open_prepared(PostgresSource *source, const char *oids, Arena *arena, const char **ret_time,
                   Error *error);
