/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/stage.h: the life of one delivery's files: staged, moved into place, listed. */
#pragma once

#include "target/files/layout.h"
#include "target/target.h"

#include <stdint.h>

/* What every step needs to know; all of it outlives the call. */
typedef struct Stage {
    Layout layout;
    FileKind kind;
    const Delivery *delivery;
} Stage;

/* Fills delivery and kind: as the run arranged it, else as the configuration says now. */
bool stage_init_kind(Stage *stage, const Delivery *delivery, const char *format,
                     const char *compression, Error *error);

bool stage_prepare(const Stage *stage, Error *error);
bool stage_status(const Stage *stage, DeliveryStatus *ret_status, uint64_t *ret_rows, Error *error);
bool stage_apply(const Stage *stage, uint64_t *ret_rows, Error *error);
bool stage_discard(const Stage *stage, Error *error);

/* ERROR_CONFIG when the delivery cannot be applied to the table that is there. */
bool stage_validate(const Stage *stage, Error *error);
