/* SPDX-License-Identifier: Apache-2.0 */
/* support/tree.h: removes a test's folder with everything in it. */
#pragma once

#include <ftw.h>
#include <stdio.h>

static inline int tree_remove_entry(const char *path, const struct stat *status, int type,
                                    struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static inline int tree_remove(const char *folder)
{
    return nftw(folder, tree_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
