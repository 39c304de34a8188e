/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/connect.h: a source for commands that look at one connection. */
#pragma once

#include "cmd/command.h"

/* Opens the source that a URL names; ERROR_USAGE when no driver knows its scheme. The URL outlives
 * it. */
bool connect_url(const CommandContext *context, const char *url, Source **ret_source, Error *error);

/* Opens a URL, or a connection of the configuration by its name (*config is loaded then and
 * outlives the source). ERROR_USAGE with the nearest name when there is none. */
bool connect_source(const CommandContext *context, const char *name_or_url, Config *config,
                    Source **ret_source, Error *error);

/* "postgresql://, postgres://, mysql://, …": what a source's URL can begin with. */
const char *connect_known_schemes(const Drivers *drivers, Arena *arena);
