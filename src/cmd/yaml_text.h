/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/yaml_text.h: writing values into a configuration file so that they are read back as they
 * were. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

/* Writes the text plain where YAML reads it back as this very text, else in double quotes. `${` is
 * escaped so that nothing is expanded. */
void yaml_text_print(FILE *out, const char *text);

/* "[a, b]" */
void yaml_text_print_list(FILE *out, const char *const *items, size_t count);

/* ERROR_USAGE, naming `what`, unless a configuration file can hold the text: UTF-8. */
bool yaml_text_check(const char *what, const char *text, Error *error);
