/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/file_error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        int reason;
        const char *message;
        const char *hint; /* NULL: there is none */
    } cases[] = {
        {ENOSPC, "cannot write /x/y: No space left on device", "free space"},
        {EDQUOT, "cannot write /x/y: Disk quota exceeded", "free space"},
        {EACCES, "cannot write /x/y: Permission denied", "write permission"},
        {EPERM, "cannot write /x/y: Operation not permitted", "write permission"},
        {EROFS, "cannot write /x/y: Read-only file system", "mounted read-only"},
        {ENOTDIR, "cannot write /x/y: Not a directory", "a file stands"},
        {EIO, "cannot write /x/y: Input/output error", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error = {0};
        errno = cases[i].reason;
        assert_false(file_error("write", "/x/y", &error));
        assert_int_equal(error.kind, ERROR_TARGET);
        assert_string_equal(error.message, cases[i].message);
        if (cases[i].hint)
            assert_non_null(strstr(error.hint, cases[i].hint));
        else
            assert_string_equal(error.hint, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_to_do)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
