/* SPDX-License-Identifier: Apache-2.0 */
#include "state/file/file.h"

#include "state/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct Fixture {
    char folder[64];
    char where[96]; /* FOLDER/made/here */
    StateStore *store;
} Fixture;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/test_state_XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    chmod(fixture->folder, 0755);
    snprintf(fixture->where, sizeof fixture->where, "%s/made/here", fixture->folder);
    *state = fixture;
    Error error = {0};
    return state_file_driver.open(&(StateConfig){.path = fixture->where}, &fixture->store, &error)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    unsetenv("BQFERRY_FAULT");
    state_close_ptr(&fixture->store);
    int status = nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return status;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static bool save(const Fixture *fixture, const char *job, const char *text, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    assert_true(json_parse(text, strlen(text), "test", &json, error));
    return fixture->store->ops->save(fixture->store, job, json, error);
}

static void assert_state(const Fixture *fixture, const char *job, const char *expected)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    Error error = {0};
    if (!fixture->store->ops->load(fixture->store, job, &json, &error))
        fail_msg("%s", error.message);
    if (!expected)
        assert_null(json);
    else
        assert_string_equal(json_dump(json, &arena), expected);
}

static void write_state(const Fixture *fixture, const char *job, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/jobs/%s.json", fixture->where, job);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void makes_a_private_folder(void **state)
{
    const Fixture *fixture = *state;
    struct stat status;
    assert_int_equal(stat(fixture->where, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    StateStore *again = NULL;
    Error error = {0};
    assert_true(state_file_driver.open(&(StateConfig){.path = fixture->where}, &again, &error));
    state_close_ptr(&again);
    assert_string_equal(state_file_driver.type, "file");
}

/* For those who only look, what is not there is empty, and is not made. */
static void looks_without_a_trace(void **state)
{
    CLEANUP(arena_done) Arena arena = {0};
    const Fixture *fixture = *state;
    char path[160];
    StateStore *store = NULL;
    Json *json = NULL;
    TextArray names = {.count = 1};
    struct stat status;
    Error error = {0};
    snprintf(path, sizeof path, "%s/nothing", fixture->folder);
    assert_true(state_file_driver.open(&(StateConfig){.path = path, .only_looks = true}, &store,
                                       &error));
    assert_true(store->ops->load(store, "orders", &json, &error));
    assert_null(json);
    assert_true(store->ops->jobs(store, &arena, &names, &error));
    assert_int_equal(names.count, 0);
    assert_true(store->ops->report_list(store, &arena, &names, &error));
    assert_int_equal(names.count, 0);
    assert_int_not_equal(stat(path, &status), 0);
    state_close_ptr(&store);
}

static void says_why_a_folder_cannot_be_made(void **state)
{
    const Fixture *fixture = *state;
    char path[160];
    StateStore *store = NULL;
    Error error = {0};
    write_state(fixture, "x", "{}");
    snprintf(path, sizeof path, "%s/jobs/x.json", fixture->where);
    assert_false(state_file_driver.open(&(StateConfig){.path = path}, &store, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.message, "cannot make the state folder /tmp/test_state_");
    assert_contains(error.message, "jobs/x.json: Not a directory");
    assert_contains(error.hint, "state.path");
    assert_false(state_file_driver.open(&(StateConfig){.path = "/proc/no/such"}, &store, &error));
    assert_contains(error.message, "cannot make the state folder /proc/no: No such file");
    assert_null(store);
}

static void keeps_a_document_a_job(void **state)
{
    const Fixture *fixture = *state;
    Error error = {0};
    assert_state(fixture, "orders", NULL);
    assert_true(
        save(fixture, "orders", "{\"version\":2,\"job\":\"orders\",\"intent\":null}", &error));
    assert_true(save(fixture, "events", "{\"version\":2,\"job\":\"events\"}", &error));
    assert_state(fixture, "orders", "{\"version\":2,\"job\":\"orders\",\"intent\":null}");
    assert_true(save(fixture, "orders",
                     "{\"version\":2,\"job\":\"orders\",\"intent\":{\"run\":\"x\"}}", &error));
    assert_state(fixture, "orders",
                 "{\"version\":2,\"job\":\"orders\",\"intent\":{\"run\":\"x\"}}");
    assert_state(fixture, "events", "{\"version\":2,\"job\":\"events\"}");
}

static void refuses_to_save_another_version(void **state)
{
    Error error = {0};
    assert_false(save(*state, "orders", "{\"intent\":null}", &error));
    assert_string_equal(error.message, "state of job orders: its version must be 2");
    assert_state(*state, "orders", NULL);
}

typedef struct BadState {
    const char *text;
    const char *message;
    const char *hint;
} BadState;

static void names_the_way_out_of_bad_state(void **state)
{
    static const BadState cases[] = {
        {"{\"version\":3}", "/jobs/orders.json has version 3, this bqferry knows 2",
         "a newer bqferry wrote it: run that one"},
        {"{\"intent\":null}", "/jobs/orders.json is damaged: it has no version", "restore it"},
        {"{\"version\":\"1\"}", "/jobs/orders.json is damaged: it has no version", "restore it"},
        {"[1]", "/jobs/orders.json is damaged: it has no version", "restore it"},
        {"{\"version\":1", "/jobs/orders.json:1:12: '}' expected", "restore it"},
        {"{\"version\":2,\"job\":\"events\"}",
         "/jobs/orders.json is the state of job events, not of orders",
         "state reset orders --force"},
        {"{\"version\":2}", "/jobs/orders.json is damaged: it does not say whose", "restore it"},
        {"", "/jobs/orders.json:1:1: '[' or '{' expected", "restore it"},
    };
    const Fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error = {0};
        Json *json;
        write_state(fixture, "orders", cases[i].text);
        assert_false(fixture->store->ops->load(fixture->store, "orders", &json, &error));
        assert_null(json);
        assert_int_equal(error.kind, ERROR_CONFIG);
        assert_contains(error.message, cases[i].message);
        assert_contains(error.hint, cases[i].hint);
    }
}

static void keeps_the_old_state_when_saving_fails(void **state)
{
#ifdef BQFERRY_FAULT_POINTS
    Error error = {0};
    assert_true(save(*state, "orders", "{\"version\":2,\"job\":\"orders\",\"n\":1}", &error));
    setenv("BQFERRY_FAULT", "state.written=fail", 1);
    assert_false(save(*state, "orders", "{\"version\":2,\"job\":\"orders\",\"n\":2}", &error));
    unsetenv("BQFERRY_FAULT");
    assert_contains(error.message, "state of job orders: cannot write /tmp/test_state_");
    assert_state(*state, "orders", "{\"version\":2,\"job\":\"orders\",\"n\":1}");
#else
    (void)state;
    skip();
#endif
}

static void takes_the_state_of_before(void **state)
{
    write_state(*state, "orders", "{\"version\":1,\"job\":\"orders\",\"intent\":null}");
    assert_state(*state, "orders", "{\"version\":1,\"job\":\"orders\",\"intent\":null}");
}

static void lists_and_removes_states(void **state)
{
    const Fixture *fixture = *state;
    const StateOps *ops = fixture->store->ops;
    CLEANUP(arena_done) Arena arena = {0};
    Error error = {0};
    TextArray names;
    const char *long_name = arena_printf(&arena, "%0300d", 7); /* cut in the file's name */
    assert_true(save(fixture, "b/odd name", "{\"version\":2,\"job\":\"b/odd name\"}", &error));
    assert_true(save(fixture, "a", "{\"version\":2,\"job\":\"a\"}", &error));
    assert_true(save(fixture, long_name,
                     arena_printf(&arena, "{\"version\":2,\"job\":\"%s\"}", long_name), &error));
    assert_true(ops->jobs(fixture->store, &arena, &names, &error));
    assert_int_equal(names.count, 3);
    assert_string_equal(names.items[0], long_name);
    assert_string_equal(names.items[1], "a");
    assert_string_equal(names.items[2], "b/odd name");
    assert_true(ops->remove(fixture->store, "a", &error));
    assert_true(ops->remove(fixture->store, "a", &error)); /* again: there is nothing to do */
    assert_state(fixture, "a", NULL);
}

static void keeps_so_many_reports(void **state)
{
    const Fixture *fixture = *state;
    const StateOps *ops = fixture->store->ops;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *loaded = NULL;
    Error error = {0};
    TextArray ids;
    for (int i = 0; i < 5; i++) {
        CLEANUP(json_free_ptr) Json *report = json_object_new();
        json_set_int(report, "n", i);
        assert_true(state_keep_report(fixture->store, arena_printf(&arena, "2026013%d-x", i),
                                      report, 3, &error));
    }
    assert_true(ops->report_list(fixture->store, &arena, &ids, &error));
    assert_int_equal(ids.count, 3);
    assert_string_equal(ids.items[0], "20260132-x");
    assert_true(ops->report_load(fixture->store, ids.items[2], &loaded, &error));
    assert_int_equal(json_get_int(loaded, "n", 0), 4);
    json_free(loaded);
    const char *last = arena_printf(&arena, "%s/report.json", fixture->where);
    assert_true(json_read_file(last, &loaded, &error));
    assert_int_equal(json_get_int(loaded, "n", 0), 4);
}

static StateLock *lock(const Fixture *fixture, const char *job, Error *error)
{
    StateLock *held = NULL;
    *error = (Error){0};
    const LockRequest request = {.name = job, .what = "job orders", .holder = job};
    bool locked = fixture->store->ops->lock(fixture->store, &request, &held, error);
    assert_int_equal(locked, held != NULL);
    return held;
}

static void holds_a_job_once(void **state)
{
    const Fixture *fixture = *state;
    char self[64], host[256];
    Error error;
    StateLock *held = lock(fixture, "orders", &error), *other = lock(fixture, "events", &error);
    assert_non_null(held);
    assert_non_null(other);
    assert_null(lock(fixture, "orders", &error));
    assert_int_equal(error.kind, ERROR_LOCKED);
    gethostname(host, sizeof host);
    snprintf(self, sizeof self, "job orders is locked by process %d on ", (int)getpid());
    assert_contains(error.message, self);
    assert_contains(error.message, host);
    assert_contains(error.message, ", since 20");
    fixture->store->ops->unlock(fixture->store, held);
    fixture->store->ops->unlock(fixture->store, NULL);
    held = lock(fixture, "orders", &error);
    assert_non_null(held);
    fixture->store->ops->unlock(fixture->store, held);
    fixture->store->ops->unlock(fixture->store, other);
}

/* A process that takes the lock, says so, and waits to be killed. */
static pid_t start_holder(const Fixture *fixture)
{
    int pipe_ends[2];
    char byte;
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
        StateStore *store = NULL;
        StateLock *held = NULL;
        const LockRequest request = {.name = "orders", .what = "job orders", .holder = "orders"};
        bool locked =
            state_file_driver.open(&(StateConfig){.path = fixture->where}, &store, NULL) &&
            store->ops->lock(store, &request, &held, NULL);
        if (!locked || write(pipe_ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    close(pipe_ends[0]);
    return child;
}

static void names_another_process_and_outlives_it(void **state)
{
    const Fixture *fixture = *state;
    Error error;
    char expected[64];
    int status;
    pid_t child = start_holder(fixture);
    assert_null(lock(fixture, "orders", &error));
    assert_int_equal(error.kind, ERROR_LOCKED);
    snprintf(expected, sizeof expected, "job orders is locked by process %d on ", (int)child);
    assert_contains(error.message, expected);
    assert_contains(error.hint, "a lock ends with its process");

    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    StateLock *held = lock(fixture, "orders", &error);
    assert_non_null(held);
    fixture->store->ops->unlock(fixture->store, held);
}

static void names_the_file_of_a_holder_that_wrote_nothing(void **state)
{
    const Fixture *fixture = *state;
    Error error;
    char path[160];
    StateLock *held = lock(fixture, "orders", &error);
    snprintf(path, sizeof path, "%s/locks/orders.lock", fixture->where);
    assert_int_equal(truncate(path, 0), 0);
    assert_null(lock(fixture, "orders", &error));
    assert_contains(error.message, "job orders is locked by another process (");
    assert_contains(error.message, "/locks/orders.lock)");
    fixture->store->ops->unlock(fixture->store, held);
}

/* root may write anywhere, so another user tries */
static void says_when_the_folder_is_read_only(void **state)
{
    const Fixture *fixture = *state;
    const struct passwd *nobody = getpwnam("nobody");
    bool is_root = geteuid() == 0;
    if (is_root && !nobody) {
        skip();
        return;
    }
    char jobs[128], locks[128], made[128];
    snprintf(made, sizeof made, "%s/made", fixture->folder);
    snprintf(jobs, sizeof jobs, "%s/jobs", fixture->where);
    snprintf(locks, sizeof locks, "%s/locks", fixture->where);
    chmod(made, 0755);
    chmod(fixture->where, 0555);
    chmod(jobs, 0555);
    chmod(locks, 0555);
    uid_t before = geteuid();
    if (is_root && nobody)
        assert_int_equal(seteuid(nobody->pw_uid), 0);
    Error locking, saving = {0};
    StateLock *held = lock(fixture, "orders", &locking);
    bool saved = save(fixture, "orders", "{\"version\":2,\"job\":\"orders\"}", &saving);
    assert_int_equal(seteuid(before), 0);
    chmod(fixture->where, 0700);
    chmod(jobs, 0700);
    chmod(locks, 0700);
    assert_null(held);
    assert_false(saved);
    assert_int_equal(locking.kind, ERROR_CONFIG);
    assert_contains(locking.message, "orders.lock: Permission denied");
    assert_contains(locking.hint, "must be writable");
    assert_int_equal(saving.kind, ERROR_CONFIG);
    assert_contains(saving.message, "Permission denied");
}

static void makes_safe_file_names(void **state)
{
    static const char *const cases[][2] = {
        {"orders", "orders"},
        {"shop.public_orders-2", "shop.public_orders-2"},
        {".", "%2E"},
        {"..", "%2E."},
        {"../../etc", "%2E.%2F..%2Fetc"},
        {"a/b", "a%2Fb"},
        {"a%2Fb", "a%252Fb"},
        {"größe", "gr%C3%B6%C3%9Fe"},
        {"", ""},
        {"A b", "A%20b"},
        {"a~b", "a%7Eb"},
    };
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(state_file_name(cases[i][0], &arena), cases[i][1]);

    char job[302] = {0};
    memset(job, 'a', 300);
    job[300] = 'b';
    const char *first = state_file_name(job, &arena);
    job[300] = 'c';
    const char *second = state_file_name(job, &arena);
    assert_int_equal(strlen(first), 200);
    assert_string_not_equal(first, second);
    assert_int_equal(first[183], '~');
}

static void keeps_odd_names_inside_the_folder(void **state)
{
    const Fixture *fixture = *state;
    Error error = {0};
    assert_true(save(fixture, "../../escape", "{\"version\":2,\"job\":\"../../escape\"}", &error));
    assert_state(fixture, "../../escape", "{\"version\":2,\"job\":\"../../escape\"}");
    char path[160];
    snprintf(path, sizeof path, "%s/jobs/%%2E.%%2F..%%2Fescape.json", fixture->where);
    assert_int_equal(access(path, F_OK), 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(makes_a_private_folder),
        WITH_STORE(looks_without_a_trace),
        WITH_STORE(says_why_a_folder_cannot_be_made),
        WITH_STORE(keeps_a_document_a_job),
        WITH_STORE(refuses_to_save_another_version),
        WITH_STORE(names_the_way_out_of_bad_state),
        WITH_STORE(keeps_the_old_state_when_saving_fails),
        WITH_STORE(takes_the_state_of_before),
        WITH_STORE(lists_and_removes_states),
        WITH_STORE(keeps_so_many_reports),
        WITH_STORE(holds_a_job_once),
        WITH_STORE(names_another_process_and_outlives_it),
        WITH_STORE(names_the_file_of_a_holder_that_wrote_nothing),
        WITH_STORE(says_when_the_folder_is_read_only),
        cmocka_unit_test(makes_safe_file_names),
        WITH_STORE(keeps_odd_names_inside_the_folder),
    };
    return cmocka_run_group_tests_name("state/file", tests, NULL, NULL);
}
