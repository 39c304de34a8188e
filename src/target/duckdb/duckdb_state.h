/* SPDX-License-Identifier: Apache-2.0 */
/* target/duckdb/duckdb_state.h: what the files of this driver share. */
#pragma once

#include "target/duckdb/database.h"
#include "target/target.h"

typedef struct DuckTarget {
    Target base;
    Arena arena; /* of the configuration's texts and the library's */
    DuckSettings settings;
    const char *library_path; /* as configured; NULL: look for it */
    pthread_mutex_t lock;     /* of opening, and of making schemas */
    DuckLibrary library;
    bool library_loaded;
    DuckDatabase database; /* opened when first needed */
} DuckTarget;

/* TargetDriver.open. */
bool duck_target_open(const DestinationConfig *config, Target **ret_target, Error *error);

/* A dataset that is not named is DuckDB's own schema, "main". */
TableRef duck_table_ref(const TableRef *table);

/* The delivery, with its table named as above. */
Delivery duck_delivery(const Delivery *delivery);

/* Rows are updated and inserted by key: staging is made from the table's own definition then, where
 * it may take the table's place, and can have further columns, in another order. */
static inline bool delivery_upserts(const Delivery *delivery)
{
    return delivery->load == LOAD_UPSERT || delivery->load == LOAD_SOFT_DELETE;
}

/* A connection to the file, which is opened, and made, when it is not open yet. */
bool duck_target_connect(DuckTarget *target, DuckConnection *ret_connection, Error *error);

/* False when there is no file yet: then there is nothing to ask it. */
bool duck_target_has_file(DuckTarget *target);

/* describe.c: TargetOps.describe, ddl, validate. */
bool duck_describe(Target *target, const TableRef *table, Arena *arena, TargetTable *ret_table,
                   Error *error);
bool duck_ddl(Target *target, const Delivery *delivery, Arena *arena, const char **ret_text,
              Error *error);
bool duck_validate(Target *target, const Delivery *delivery, Error *error);

/* The same on a connection; *ret_exists: the table is there. */
bool duck_validate_in(DuckConnection *connection, const Delivery *delivery, bool *ret_exists,
                      Error *error);

/* stage.c: prepare, status, apply, discard. */
bool duck_prepare(Target *target, const Delivery *delivery, Error *error);
bool duck_status(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
                 uint64_t *ret_rows, Error *error);
bool duck_apply(Target *target, const Delivery *delivery, ApplyResult *ret_result, Error *error);
bool duck_discard(Target *target, const Delivery *delivery, Error *error);

/* gc.c: gc. */
bool duck_gc(Target *target, const GcRequest *request, Arena *arena, GcList *ret_list,
             Error *error);

/* sink.c: sink_open. The delivery's texts and schema outlive the sink. */
bool duck_sink_open(Target *target, const Delivery *delivery, size_t shard, Sink **ret_sink,
                    Error *error);

/* check.c: check. */
bool duck_check(Target *target, CheckReport *report, Error *error);
