/* SPDX-License-Identifier: Apache-2.0 */
/* base/memory.h: malloc that cannot return NULL (see base/arena.h for the reason). */
#pragma once

#include <stddef.h>

/* Says how much was asked for on standard error and ends the process with exit code 1. */
_Noreturn void memory_exhausted(size_t size);

void *memory_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *memory_zalloc(size_t count, size_t size)
    __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *memory_realloc(void *memory, size_t size) __attribute__((alloc_size(2), returns_nonnull));
char *memory_strdup(const char *text) __attribute__((malloc, returns_nonnull));
