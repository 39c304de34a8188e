/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGNMENT = 16, ARENA_BLOCK_SIZE = 16 * 1024 };

struct ArenaBlock {
    ArenaBlock *older;
    size_t size;
    _Alignas(ARENA_ALIGNMENT) char bytes[];
};

static void add_block(Arena *arena, size_t at_least)
{
    size_t size = at_least > ARENA_BLOCK_SIZE ? at_least : ARENA_BLOCK_SIZE;
    ArenaBlock *block = memory_alloc(sizeof *block + size);
    block->older = arena->block;
    block->size = size;
    arena->block = block;
    arena->next = block->bytes;
    arena->end = block->bytes + size;
}

void arena_done(Arena *arena)
{
    while (arena->block) {
        ArenaBlock *older = arena->block->older;
        free(arena->block);
        arena->block = older;
    }
    *arena = (Arena){0};
}

void arena_reset(Arena *arena)
{
    if (!arena->block)
        return;
    while (arena->block->older) {
        ArenaBlock *older = arena->block->older;
        free(arena->block);
        arena->block = older;
    }
    arena->next = arena->block->bytes;
    arena->end = arena->block->bytes + arena->block->size;
}

void *arena_alloc(Arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        memory_exhausted(size);
    size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (!arena->block || (size_t)(arena->end - arena->next) < rounded)
        add_block(arena, rounded);
    void *memory = arena->next;
    arena->next += rounded;
    return memory;
}

void *arena_zalloc(Arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        memory_exhausted(SIZE_MAX);
    return memset(arena_alloc(arena, total), 0, total);
}

char *arena_strndup(Arena *arena, const char *text, size_t length)
{
    if (!text)
        return NULL;
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);
    text[0] = '\0';
    if (length > 0)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
