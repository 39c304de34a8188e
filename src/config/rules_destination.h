/* SPDX-License-Identifier: Apache-2.0 */
/* config/rules_destination.h: what a destination's keys ask of each other, and Google's rules for
 * names and labels. */
#pragma once

#include "config/mistakes.h"
#include "config/raw.h"

/* Completes raw->destination; jobs are bound already. */
void rules_destination(RawConfig *raw, Mistakes *mistakes, Arena *arena);

/* Each label that BigQuery would refuse or that is set by ourselves ("Requirements for labels"). */
void rules_labels(const ConfigLabels *labels, const YamlNode *node, const char *file,
                  const char *label, Mistakes *mistakes);

bool rules_is_bigquery(const DestinationConfig *destination);

/* NULL when BigQuery takes the text as a dataset's or table's name, else what it should be. */
const char *rules_dataset_name(const char *name);
const char *rules_table_name(const char *name);
