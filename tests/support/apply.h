/* SPDX-License-Identifier: Apache-2.0 */
/* tests/support/apply.h: a target's apply for tests that only want to know the rows. */
#pragma once

#include "target/target.h"

static inline bool apply_rows(Target *target, const Delivery *delivery, uint64_t *ret_rows,
                              Error *error)
{
    ApplyResult result = {0};
    bool applied = target->ops->apply(target, delivery, &result, error);
    if (ret_rows)
        *ret_rows = result.rows;
    return applied;
}
