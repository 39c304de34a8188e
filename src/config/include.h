/* SPDX-License-Identifier: Apache-2.0 */
/* config/include.h: the files that `include:` names, each into the same RawConfig. */
#pragma once

#include "config/bind.h"
#include "config/raw.h"

enum { INCLUDED_FILES_MAX = 1000 };

/* Parses a file's text and binds it; `file` is how messages name it. */
void include_text(const Binder *binder, const KeySection *section, StrView text, RawConfig *raw);

/* Every file of raw->include, once, in the order of the patterns and then of the names. `binder` is
 * the main file's, `main_path` that file's absolute path, which no pattern includes. */
void include_files(const Binder *binder, const char *main_path, RawConfig *raw);
