/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/ask.h: questions on a terminal. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>

/* True when somebody can answer: standard input and standard error are terminals. */
bool ask_possible(void);

/* Asks on standard error; an empty answer is `otherwise`. ERROR_CANCELLED at the end of the input.
 */
bool ask_text(const char *question, const char *otherwise, Arena *arena, const char **ret_answer,
              Error *error);

/* Anything but a word that begins with y is no. */
bool ask_yes(const char *question, Arena *arena, bool *ret_yes, Error *error);
