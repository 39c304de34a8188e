/* SPDX-License-Identifier: Apache-2.0 */
/* base/cleanup.h: resources are released by their declaration, so an early return is always safe.
 *
 *     CLEANUP(free_ptr) char *name = strdup(text);
 *     …
 *     return TAKE_PTR(name);    (hands the pointer over: the declaration no longer frees it) */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* Yields the pointer and leaves NULL behind. */
#define TAKE_PTR(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

/* Yields the descriptor and leaves -1 behind. */
#define TAKE_FD(descriptor)                                                                        \
    ({                                                                                             \
        int taken_ = (descriptor);                                                                 \
        (descriptor) = -1;                                                                         \
        taken_;                                                                                    \
    })

/* Defines `static inline void free_function##_ptr(Type **p)` for use with CLEANUP. */
#define DEFINE_CLEANUP(Type, free_function)                                                        \
    static inline void free_function##_ptr(Type **pointer_)                                        \
    {                                                                                              \
        if (*pointer_)                                                                             \
            free_function(*pointer_);                                                              \
    }

/* CLEANUP(free_ptr) for anything that came from malloc. */
static inline void free_ptr(void *pointer)
{
    free(*(void **)pointer);
}

static inline void close_fd(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

static inline void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}
