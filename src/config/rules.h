/* SPDX-License-Identifier: Apache-2.0 */
/* config/rules.h: from what the files say to what a run needs: defaults merged in, parts checked
 * against each other. */
#pragma once

#include "config/mistakes.h"
#include "config/raw.h"

/* Fills connections, destination, state, column_defaults, parallel and jobs of *config, which lie
 * in its arena. What is wrong becomes a mistake; then *config is not to be used. */
void rules_apply(RawConfig *raw, Mistakes *mistakes, Config *config);
