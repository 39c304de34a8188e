/* SPDX-License-Identifier: Apache-2.0 */
/* net/credentials/gcloud.h: what gcloud leaves in its folder. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"

/* $CLOUDSDK_CONFIG, else ~/.config/gcloud; NULL when there is no home. */
const char *gcloud_folder(Arena *arena);

/* CLOUDSDK_CORE_PROJECT, else project in [core] of the active configuration; NULL: none. */
const char *gcloud_project(Arena *arena);

/* The value of `key` in a section of an INI file as gcloud writes it; NULL: not there. */
const char *gcloud_ini_value(StrView text, const char *section, const char *key, Arena *arena);
