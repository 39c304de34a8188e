/* SPDX-License-Identifier: Apache-2.0 */
/* target/files/file_error.h: what a failed system call means to a person. */
#pragma once

#include "base/error.h"

/* "cannot <verb> <path>: …" from errno, as ERROR_TARGET, with what to do about it. Returns false.
 */
bool file_error(const char *verb, const char *path, Error *error);
