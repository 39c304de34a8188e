/* SPDX-License-Identifier: Apache-2.0 */
/* delivery/merge_json.h: how a delivery merges, as part of an intent. */
#pragma once

#include "format/json.h"
#include "target/target.h"

/* What is in evolve, merge, metadata and at_us of the delivery. */
Json *merge_to_json(const Delivery *delivery);

/* Fills them. NULL leaves them as they are. ERROR_CONFIG when the object is not one. */
bool merge_from_json(const Json *json, Arena *arena, Delivery *delivery, Error *error);
