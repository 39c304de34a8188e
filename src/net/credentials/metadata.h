/* SPDX-License-Identifier: Apache-2.0 */
/* net/credentials/metadata.h: the metadata server of Compute Engine, Cloud Run and GKE
 * (docs.cloud.google.com/compute/docs/metadata/querying-metadata). */
#pragma once

#include "net/credentials/token.h"

/* Whether this machine has one: *ret_host is its host (and port), or NULL. NO_GCE_CHECK=true and
 * METADATA_SERVER_DETECTION=none say no; GCE_METADATA_HOST is believed; else it is asked, for at
 * most GCE_METADATA_TIMEOUT (3) seconds. */
bool metadata_find(HttpClient *http, Arena *arena, const char **ret_host, Error *error);

/* One value ("project/project-id"), NULL when the server does not have it. */
bool metadata_get(const TokenContext *context, const char *host, const char *key, Arena *arena,
                  const char **ret_text, Error *error);
