/* SPDX-License-Identifier: Apache-2.0 */
/* base/arena.h: memory that is freed all at once: a table's metadata, a batch's decoded values.
 *
 * Out of memory ends the process with a message: there is nothing a caller could do that would not
 * itself need memory, and every state that must survive is on disk before anything is sent. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

typedef struct ArenaBlock ArenaBlock;

/* Zero-initialise: `Arena arena = {0};`. */
typedef struct Arena {
    ArenaBlock *block; /* newest first */
    char *next;        /* free space inside the newest block */
    char *end;
} Arena;

/* Frees everything; the arena can be used again. */
void arena_done(Arena *arena);

/* Forgets every allocation but keeps one block, so that a loop settles without malloc. */
void arena_reset(Arena *arena);

/* Uninitialised memory, aligned to 16. Never NULL; size 0 gives a valid pointer. */
void *arena_alloc(Arena *arena, size_t size) __attribute__((alloc_size(2), returns_nonnull));

/* Zeroed memory for count objects of `size` bytes; ends the process when the product overflows. */
void *arena_zalloc(Arena *arena, size_t count, size_t size)
    __attribute__((alloc_size(2, 3), returns_nonnull));

/* Copies with a NUL added. NULL text gives NULL. */
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t length);

/* printf into the arena. */
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, Type) ((Type *)arena_zalloc((arena), 1, sizeof(Type)))
#define ARENA_ARRAY(arena, Type, count) ((Type *)arena_zalloc((arena), (count), sizeof(Type)))
