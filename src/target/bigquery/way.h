/* SPDX-License-Identifier: Apache-2.0 */
/* target/bigquery/way.h: which way a delivery takes, chosen once and stored with its intent.
 *
 *   rows → one upload → load job → target               one shard, no bucket
 *   rows → objects → load job → target                  a bucket
 *   rows → uploads → load jobs → staging → copy job → target
 *   rows → objects → load jobs → staging → copy job → target
 * *   rows → … → load jobs → staging → MERGE → target     rows that meet others (merge.h)
 *
 * Staging is for what one load job cannot do in one atomic step: several uploads, more objects than
 * one job takes, other columns (on_schema_change: rebuild), single partitions. */
#pragma once

#include "target/bigquery/bq_state.h"
#include "target/bigquery/table_json.h"
#include "target/bigquery/wish.h"

/* ERROR_CONFIG for what can never work, whatever the table is like: names, layout, format. */
bool bq_way_possible(const BqScope *scope, const Delivery *delivery, Error *error);

/* ERROR_CONFIG when the table (NULL: there is none) cannot take the delivery. *ret_rebuild: its
 * columns change with the rows. */
bool bq_way_fits(const Delivery *delivery, const Json *table, bool *ret_rebuild, Error *error);

/* "avro" or "ndjson": as configured, or what the columns need. */
const char *bq_way_format(const BqScope *scope, const Schema *schema);

/* What a new table shall be, as a draft that borrows from the delivery. */
TableDraft bq_way_draft(const BqScope *scope, const Delivery *delivery);

/* What the configuration says of the table that is there (NULL: none) and is not so yet; the table
 * becomes what it will be. */
WishChanges bq_way_wishes(const BqScope *scope, const Delivery *delivery, Json *table);

/* What the table (NULL: none) is clustered by after a rebuild that changes that, for people; NULL
 * when it stays as it is. */
const char *bq_way_reclusters(const Delivery *delivery, const Json *table, Arena *arena);

/* Whether rows of so many shards go through staging; `rebuild` as bq_way_fits says. */
bool bq_way_stages(const BqScope *scope, const Delivery *delivery, bool rebuild, size_t shards);

/* Fills delivery->arranged, layout and format. */
bool bq_way_choose(const BqScope *scope, Delivery *delivery, Error *error);

/* Reads delivery->arranged. bq_way_done frees. */
bool bq_way_read(const BqScope *scope, const Delivery *delivery, BqWay *ret_way, Error *error);
void bq_way_done(BqWay *way);

#define BQ_STAGING_PREFIX "bqferry_staging_"
#define BQ_OBJECT_PREFIX "bqferry" /* of objects' names, when the configuration says nothing */

/* Name of an attempt's staging table. */
char *bq_staging_name(const Delivery *delivery, int attempt, Arena *arena);

/* The table that files are loaded into (Table): staging when rows go through it, or the target. */
const Json *bq_way_loaded(const BqWay *way);

/* The key of encryption of the target, as jobs must name it; NULL: Google's own. */
const char *bq_way_kms_key(const BqWay *way);
