/* SPDX-License-Identifier: Apache-2.0 */
#include "format/file.h"

#include "base/cleanup.h"
#include "format/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct Folder {
    char path[64];
    char file[96]; /* PATH/doc.json */
} Folder;

static int make_folder(void **state)
{
    Folder *folder = calloc(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/test_file_XXXXXX");
    if (!mkdtemp(folder->path))
        return -1;
    snprintf(folder->file, sizeof folder->file, "%s/doc.json", folder->path);
    *state = folder;
    return 0;
}

/* Removes the folder; gives how many files were in it. */
static int count_and_empty(const char *path, bool remove)
{
    DIR *listing = opendir(path);
    int count = 0;
    const struct dirent *entry;
    while ((entry = readdir(listing))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (remove)
            unlinkat(dirfd(listing), entry->d_name, 0);
    }
    closedir(listing);
    return count;
}

static int remove_folder(void **state)
{
    Folder *folder = *state;
    unsetenv("BQFERRY_FAULT");
    count_and_empty(folder->path, true);
    int status = rmdir(folder->path);
    free(folder);
    return status;
}

static void assert_content(const char *path, const char *expected)
{
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    StrView text;
    assert_true(file_read(path, 1000, &arena, &text, &error));
    assert_string_equal(text.data, expected);
    assert_int_equal(text.length, strlen(expected));
}

static void writes_and_reads_back(void **state)
{
    const Folder *folder = *state;
    Error error = {0};
    assert_true(file_replace(folder->file, view_of("old"), &error));
    assert_content(folder->file, "old");
    assert_true(file_replace(folder->file, view_of("new and longer"), &error));
    assert_content(folder->file, "new and longer");
    assert_int_equal(count_and_empty(folder->path, false), 1);
}

static void writes_beside_the_working_directory(void **state)
{
    const Folder *folder = *state;
    Error error = {0};
    CLEANUP(free_ptr) char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(folder->path), 0);
    bool written = file_replace("plain", view_of("x"), &error);
    assert_int_equal(chdir(before), 0);
    assert_true(written);
    char path[96];
    snprintf(path, sizeof path, "%s/plain", folder->path);
    assert_content(path, "x");
}

static void reads_documents(void **state)
{
    const Folder *folder = *state;
    Error error = {0};
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_int(json, "rows", 3);
    assert_true(json_write_file(folder->file, json, &error));
    assert_content(folder->file, "{\n  \"rows\": 3\n}\n");
    CLEANUP(json_free_ptr) Json *back = NULL;
    assert_true(json_read_file(folder->file, &back, &error));
    assert_int_equal(json_get_int(back, "rows", 0), 3);

    Json *missing = back;
    char path[96];
    snprintf(path, sizeof path, "%s/none.json", folder->path);
    assert_true(json_read_file(path, &missing, &error));
    assert_null(missing);
}

static void refuses_what_is_no_small_file(void **state)
{
    const Folder *folder = *state;
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    StrView text;
    assert_false(file_read(folder->path, 1000, &arena, &text, &error));
    assert_non_null(strstr(error.message, "is not a regular file"));
    assert_int_equal(mkfifo(folder->file, 0600), 0);
    assert_false(file_read(folder->file, 1000, &arena, &text, &error));
    assert_non_null(strstr(error.message, "is not a regular file"));
    unlink(folder->file);

    assert_true(file_replace(folder->file, view_of("12345"), &error));
    assert_true(file_read(folder->file, 5, &arena, &text, &error));
    assert_false(file_read(folder->file, 4, &arena, &text, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_non_null(strstr(error.message, "is larger than 4 bytes"));
    assert_true(file_read("/proc/self/status", 100 * 1000, &arena, &text, &error));
    assert_true(text.length > 0);
}

static void keeps_the_old_file_when_writing_fails(void **state)
{
    const Folder *folder = *state;
    Error error = {0};
    assert_true(file_replace(folder->file, view_of("old"), &error));
#ifdef BQFERRY_FAULT_POINTS
    setenv("BQFERRY_FAULT", "state.written=fail", 1);
    assert_false(file_replace(folder->file, view_of("new"), &error));
    unsetenv("BQFERRY_FAULT");
    assert_non_null(strstr(error.message, "doc.json: fault point state.written"));
    assert_content(folder->file, "old");
    assert_int_equal(count_and_empty(folder->path, false), 1);
#endif
    char path[128];
    snprintf(path, sizeof path, "%s/no/such/folder", folder->path);
    assert_false(file_replace(path, view_of("new"), &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_non_null(strstr(error.message, "No such file or directory"));
}

/* A limit on file sizes stands for the full disk: write() fails half-way with an errno. */
static void says_why_when_the_disk_is_full(void **state)
{
    const Folder *folder = *state;
    Error error = {0};
    assert_true(file_replace(folder->file, view_of("old"), &error));
    struct rlimit before, small = {.rlim_cur = 4096};
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    static char bytes[100 * 1000];
    bool written = file_replace(folder->file, (StrView){bytes, sizeof bytes}, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(written);
    assert_int_equal(error.kind, ERROR_INTERNAL);
    assert_non_null(strstr(error.message, "cannot write"));
    assert_non_null(strstr(error.message, "File too large"));
    assert_content(folder->file, "old");
    assert_int_equal(count_and_empty(folder->path, false), 1);

    if (access("/dev/full", W_OK) == 0) {
        /* a link in the place of the temp file is not followed */
        char temporary[128];
        snprintf(temporary, sizeof temporary, "%s/.doc.json.tmp", folder->path);
        assert_int_equal(symlink("/dev/full", temporary), 0);
        assert_false(file_replace(folder->file, view_of("new"), &error));
        assert_content(folder->file, "old");
    }
}

static void takes_over_the_leftover_of_a_crash(void **state)
{
#ifdef BQFERRY_FAULT_POINTS
    const Folder *folder = *state;
    Error error = {0};
    assert_true(file_replace(folder->file, view_of("old"), &error));
    pid_t child = fork();
    if (child == 0) {
        setenv("BQFERRY_FAULT", "state.written", 1);
        file_replace(folder->file, view_of("a longer text that never arrived"), NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_content(folder->file, "old");
    assert_int_equal(count_and_empty(folder->path, false), 2);
    assert_true(file_replace(folder->file, view_of("new"), &error));
    assert_content(folder->file, "new");
    assert_int_equal(count_and_empty(folder->path, false), 1);
#else
    (void)state;
    skip();
#endif
}

static void lets_one_of_two_writers_fail(void **state)
{
    const Folder *folder = *state;
    Error error = {0};
    char temporary[128];
    snprintf(temporary, sizeof temporary, "%s/.doc.json.tmp", folder->path);
    CLEANUP(close_fd) int other = open(temporary, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(flock(other, LOCK_EX), 0);
    assert_false(file_replace(folder->file, view_of("mine"), &error));
    assert_non_null(strstr(error.message, "is being written by another process"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_and_reads_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(writes_beside_the_working_directory, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(reads_documents, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_small_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(keeps_the_old_file_when_writing_fails, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(says_why_when_the_disk_is_full, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(takes_over_the_leftover_of_a_crash, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(lets_one_of_two_writers_fail, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("format/file", tests, NULL, NULL);
}
