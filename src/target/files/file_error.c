/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/file_error.h"

#include <errno.h>

bool file_error(const char *verb, const char *path, Error *error)
{
    int reason = errno;
    error_set_errno(error, ERROR_TARGET, reason, "cannot %s %s", verb, path);
    switch (reason) {
    case ENOSPC:
    case EDQUOT:
        return error_hint(error, "free space there, then run again; what readers see is unchanged");
    case EACCES:
    case EPERM:
        return error_hint(error, "give the user that runs this write permission on the folder, or "
                                 "choose another destination.path");
    case EROFS:
        return error_hint(error, "the file system is mounted read-only: choose another "
                                 "destination.path");
    case ENOTDIR:
    case EEXIST:
        return error_hint(error, "a file stands where a folder is needed: move it away, or choose "
                                 "another destination.path");
    default:
        return false;
    }
}
