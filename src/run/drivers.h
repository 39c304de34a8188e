/* SPDX-License-Identifier: Apache-2.0 */
/* run/drivers.h: the drivers that main.c knows, looked up by their configured type. */
#pragma once

#include "config/config.h"
#include "source/source.h"
#include "state/state.h"
#include "target/target.h"

typedef struct Drivers {
    const SourceDriver *const *sources; /* each list ends with NULL */
    const TargetDriver *const *targets;
    const StateDriver *const *states;
} Drivers;

/* Each fails with ERROR_CONFIG, naming the types there are, when none matches. */
bool drivers_open_source(const Drivers *drivers, const ConnectionConfig *config,
                         Source **ret_source, Error *error);
bool drivers_open_target(const Drivers *drivers, const DestinationConfig *config,
                         Target **ret_target, Error *error);
bool drivers_open_state(const Drivers *drivers, const Config *config, bool changes,
                        StateStore **ret_store, Error *error);

/* The configured dataset, else the target's own default, else "". */
const char *drivers_default_dataset(const Drivers *drivers, const DestinationConfig *config);

/* The driver whose url_schemes hold the URL's scheme; NULL when none does. */
const SourceDriver *drivers_source_of_url(const Drivers *drivers, const char *url);
