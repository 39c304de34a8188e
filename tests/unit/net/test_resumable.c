/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resumable.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "support/google_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { UNIT = RESUMABLE_UNIT };

#define OPENED                                                                                     \
    {                                                                                              \
        "POST /upload/bigquery/v2/projects/p/jobs?uploadType=resumable&x=1 HTTP",                  \
            "200\nLocation: $URL/session?upload_id=SECRET\n\n"                                     \
    }
#define DONE "200\n\n{\"id\":\"job\"}"

/* Bytes that differ at every place within a few units. */
static char byte_at(size_t offset)
{
    return (char)(offset * 2654435761U >> 13);
}

typedef struct Scene {
    GoogleScene google;
    Json *metadata;
    Resumable *upload;
    Json *json;
    char *bytes;
} Scene;

static const UrlParam query[] = {{"x", "1"}, {NULL, NULL}};

static void open_upload(Scene *scene, const StopFlag *stop)
{
    ResumableOptions options = {
        .api = scene->google.api,
        .id = "bigquery.jobs.insert",
        .what = "upload of shard 3",
        .path = "/projects/p/jobs",
        .query = query,
        .metadata = scene->metadata,
        .content_type = "avro/binary",
        .chunk_size = UNIT - 1, /* rounded up */
        .stop = stop,
    };
    assert_true(resumable_open(&options, &scene->upload, &scene->google.error));
}

static void scene_open(Scene *scene, const ScriptStep *steps, size_t count)
{
    memset(scene, 0, sizeof *scene);
    google_scene_open(&scene->google, &google_bigquery, steps, count, false);
    scene->metadata = json_object_new();
    json_set_text(scene->metadata, "jobReference", "j");
    scene->bytes = memory_alloc(16 * UNIT);
    for (size_t i = 0; i < 16 * UNIT; i++)
        scene->bytes[i] = byte_at(i);
    open_upload(scene, NULL);
}

#define SCENE_OPEN(scene, steps) scene_open((scene), (steps), sizeof(steps) / sizeof *(steps))

static void scene_close(Scene *scene)
{
    resumable_close(scene->upload);
    json_free(scene->json);
    json_free(scene->metadata);
    free(scene->bytes);
    google_scene_close(&scene->google);
}

/* In pieces of odd sizes. */
static bool write_all(Scene *scene, size_t size)
{
    static const size_t pieces[] = {1, 1000, 70001, 300007};
    for (size_t done = 0, i = 0; done < size; i++) {
        size_t piece = pieces[i % 4] < size - done ? pieces[i % 4] : size - done;
        if (!resumable_write(scene->upload, scene->bytes + done, piece, &scene->google.error))
            return false;
        done += piece;
    }
    return true;
}

static bool finish(Scene *scene)
{
    return resumable_finish(scene->upload, &scene->json, &scene->google.failure,
                            &scene->google.error);
}

/* The request's Content-Range, and the bytes that go with it. */
static void put_is(Scene *scene, size_t index, const char *range, size_t offset, size_t size)
{
    char line[128];
    snprintf(line, sizeof line, "\nContent-Range: bytes %s\n", range);
    assert_true(index < script_request_count(&scene->google.script));
    const ScriptRequest *request = &scene->google.script.requests[index];
    assert_int_equal(strncmp(request->text, "PUT /session?upload_id=SECRET ", 30), 0);
    if (!strstr(request->text, line))
        fail_msg("request %zu lacks%s", index, line);
    assert_int_equal(request->body_size, size);
    assert_memory_equal(request->body, scene->bytes + offset, size);
}

static void a_small_upload_takes_two_calls(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {OPENED, {"PUT /session", DONE}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_all(&scene, 1000));
    assert_true(resumable_hold(scene.upload, &scene.google.error));
    assert_int_equal(script_request_count(&scene.google.script),
                     0); /* nothing exists before finish */
    assert_int_equal(resumable_size(scene.upload), 1000);
    assert_int_equal(resumable_crc32c(scene.upload), crc32c_extend(0, scene.bytes, 1000));
    assert_true(finish(&scene));
    assert_string_equal(json_get_text(scene.json, "id"), "job");
    const char *opened = script_request(&scene.google.script, 0);
    assert_non_null(strstr(opened, "\nX-Upload-Content-Type: avro/binary\n"));
    assert_non_null(strstr(opened, "\nContent-Type: application/json"));
    assert_string_equal(script_body(&scene.google.script, 0), "{\"jobReference\":\"j\"}");
    put_is(&scene, 1, "0-999/1000", 0, 1000);
    scene_close(&scene); /* closing after success sends nothing */
    assert_true(script_done(&scene.google.script));
}

static void an_empty_upload_is_an_upload(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {OPENED, {"PUT /session", DONE}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(finish(&scene));
    put_is(&scene, 1, "*/0", 0, 0);
    assert_int_equal(resumable_crc32c(scene.upload), 0);
    scene_close(&scene);
}

#define HAS(last) "308\nRange: bytes=0-" last "\n\n"

static void chunks_go_while_others_are_filled(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        OPENED,         {"PUT ", HAS("262143")}, {"PUT ", HAS("524287")}, {"PUT ", HAS("786431")},
        {"PUT ", DONE},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_all(&scene, 4 * UNIT)); /* the last full chunk stays back */
    assert_true(resumable_hold(scene.upload, &scene.google.error));
    assert_int_equal(script_request_count(&scene.google.script), 4);
    assert_int_equal(resumable_crc32c(scene.upload), crc32c_extend(0, scene.bytes, 4 * UNIT));
    assert_true(finish(&scene));
    put_is(&scene, 1, "0-262143/*", 0, UNIT);
    put_is(&scene, 2, "262144-524287/*", UNIT, UNIT);
    put_is(&scene, 3, "524288-786431/*", 2 * UNIT, UNIT);
    put_is(&scene, 4, "786432-1048575/1048576", 3 * UNIT, UNIT);
    assert_true(script_done(&scene.google.script));
    scene_close(&scene);
}

static void what_is_missing_is_sent_again(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        OPENED,
        {"PUT ", "CUT 200000"},  /* a reset in the middle … */
        {"PUT ", HAS("99999")},  /* … after which the server has this much */
        {"PUT ", HAS("199999")}, /* takes less than was sent: no failure */
        {"PUT ", HAS("262143")},
        {"PUT ", "503\n\n"},
        {"PUT ", "308\nRange: bytes=0-524287\n\n"}, /* it had all of it */
        {"PUT ", DONE},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_all(&scene, 2 * UNIT + 10));
    assert_true(finish(&scene));
    put_is(&scene, 2, "*/*", 0, 0);
    put_is(&scene, 3, "100000-262143/*", 100000, UNIT - 100000);
    put_is(&scene, 4, "200000-262143/*", 200000, UNIT - 200000);
    put_is(&scene, 5, "262144-524287/*", UNIT, UNIT);
    put_is(&scene, 6, "*/*", 0, 0);
    put_is(&scene, 7, "524288-524297/524298", 2 * UNIT, 10);
    assert_true(script_done(&scene.google.script));
    scene_close(&scene);
}

static void nothing_arrived_at_all(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        OPENED, {"PUT ", "RESET"}, {"PUT ", "503\n\n"}, {"PUT ", "308\n\n"}, {"PUT ", DONE},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_all(&scene, 10));
    assert_true(finish(&scene));
    put_is(&scene, 2, "*/10", 0, 0);
    put_is(&scene, 3, "*/10", 0, 0);
    put_is(&scene, 4, "0-9/10", 0, 10);
    scene_close(&scene);
}

static void a_lost_last_answer_is_asked_for(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {OPENED, {"PUT ", "RESET"}, {"PUT ", DONE}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_all(&scene, 10));
    assert_true(finish(&scene));
    put_is(&scene, 2, "*/10", 0, 0);
    assert_string_equal(json_get_text(scene.json, "id"), "job");
    scene_close(&scene);
}

/* Answers after which only a new upload helps, and those that nothing helps. */
static void sessions_that_cannot_go_on(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *said;
        bool retryable;
        int status;
    } rows[] = {
        {"404\n\n", "session cannot go on", true, 404},
        {"410\n\n", "session cannot go on", true, 410},
        {"308\nRange: bytes=0-3\n\n", "lost bytes", true, 0},
        {"308\n\n", "lost bytes", true, 0},
        {"308\nRange: bytes=0-999999\n\n", "more bytes than were sent", true, 0},
        {"308\nRange: nonsense\n\n", "cannot be read", true, 0},
        {"404\n\n{\"error\":{\"code\":404,\"message\":\"Not found: Dataset p:d\",\"errors\":"
         "[{\"reason\":\"notFound\",\"message\":\"Not found: Dataset p:d\"}]}}",
         "Not found: Dataset p:d (HTTP 404, notFound)", false, 404},
        {"409\n\n{\"error\":{\"code\":409,\"message\":\"Already Exists: Job\",\"errors\":"
         "[{\"reason\":\"duplicate\",\"message\":\"Already Exists: Job\"}]}}",
         "Already Exists", false, 409},
        {"200\n\nno json", "no JSON", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const ScriptStep steps[] = {OPENED,
                                    {"PUT ", HAS("262143")},
                                    {"PUT ", rows[i].answer},
                                    {"DELETE /session", "499\n\n"}};
        Scene scene;
        SCENE_OPEN(&scene, steps);
        assert_true(write_all(&scene, UNIT + 10));
        assert_false(finish(&scene));
        assert_int_equal(scene.google.error.kind, ERROR_TARGET);
        assert_non_null(strstr(scene.google.error.message, rows[i].said));
        assert_non_null(strstr(scene.google.error.message, "upload of shard 3"));
        assert_null(strstr(scene.google.error.message, "SECRET"));
        assert_int_equal(scene.google.error.retryable, rows[i].retryable);
        assert_int_equal(scene.google.failure.status, rows[i].status);
        assert_false(finish(&scene)); /* it stays failed */
        scene_close(&scene);
    }
}

static void a_failure_comes_out_of_the_next_write(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        OPENED,
        {"PUT ", "200\n\n{}"}, /* complete, before its end */
        {"DELETE /session", "499\n\n"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_false(write_all(&scene, 16 * UNIT));
    assert_non_null(strstr(scene.google.error.message, "complete before its end"));
    assert_true(scene.google.error.retryable);
    assert_false(resumable_hold(scene.upload, &scene.google.error));
    assert_false(finish(&scene));
    scene_close(&scene);
    assert_true(script_done(&scene.google.script));
}

static void opening_is_repeated_or_refused(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST ", "503\n\n"}, {"POST ", "RESET"}, OPENED, {"PUT ", DONE}};
    static const ScriptStep denied[] = {
        {"POST ",
         "403\n\n{\"error\":{\"code\":403,\"message\":\"Access Denied: Project p\",\"errors\":"
         "[{\"reason\":\"accessDenied\"}]}}"}};
    static const ScriptStep odd[] = {{"POST ", "200\n\n"}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_all(&scene, 5));
    assert_true(finish(&scene));
    scene_close(&scene);

    SCENE_OPEN(&scene, denied);
    assert_true(write_all(&scene, 5));
    assert_false(finish(&scene));
    assert_non_null(strstr(scene.google.error.message, "Access Denied: Project p"));
    assert_string_equal(scene.google.failure.reason, "accessDenied");
    assert_false(scene.google.error.retryable);
    scene_close(&scene); /* nothing to cancel */
    assert_true(script_done(&scene.google.script));

    SCENE_OPEN(&scene, odd);
    assert_false(finish(&scene));
    assert_non_null(strstr(scene.google.error.message, "Location"));
    scene_close(&scene);
}

/* The end may come from another thread, after those that wrote were told to stop. */
static void held_uploads_outlive_their_writers(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {OPENED, {"PUT ", HAS("262143")}, {"PUT ", DONE}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    resumable_close(scene.upload);
    StopFlag *stop = memory_zalloc(1, sizeof *stop);
    open_upload(&scene, stop);
    assert_true(write_all(&scene, UNIT + 1));
    assert_true(resumable_hold(scene.upload, &scene.google.error));
    stop_request(stop);
    free(stop);
    assert_true(finish(&scene));
    put_is(&scene, 2, "262144-262144/262145", UNIT, 1);
    scene_close(&scene);
}

static void a_stop_ends_and_cancels(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        OPENED, {"PUT ", "SILENCE"}, {"DELETE /session?upload_id=SECRET", "499\n\n"}};
    Scene scene;
    StopFlag stop = {0};
    SCENE_OPEN(&scene, steps);
    resumable_close(scene.upload);
    open_upload(&scene, &stop);
    assert_true(write_all(&scene, 2 * UNIT)); /* one on the wire, one full */
    while (script_request_count(&scene.google.script) < 2)
        usleep(1000);
    stop_request(&stop);
    assert_false(write_all(&scene, 1));
    assert_int_equal(scene.google.error.kind, ERROR_CANCELLED);
    scene_close(&scene);
    assert_true(script_done(&scene.google.script));
}

/* Closing does not wait for a server that says nothing. */
static void closing_cuts_a_chunk_short(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {OPENED, {"PUT ", "SILENCE"}, {"DELETE ", "499\n\n"}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_all(&scene, 2 * UNIT));
    while (script_request_count(&scene.google.script) < 2)
        usleep(1000);
    scene_close(&scene);
    assert_true(script_done(&scene.google.script));
}

static int quiet(void **state)
{
    (void)state;
    log_configure(LOG_OFF, LOG_TEXT);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_upload_takes_two_calls),
        cmocka_unit_test(an_empty_upload_is_an_upload),
        cmocka_unit_test(chunks_go_while_others_are_filled),
        cmocka_unit_test(what_is_missing_is_sent_again),
        cmocka_unit_test(nothing_arrived_at_all),
        cmocka_unit_test(a_lost_last_answer_is_asked_for),
        cmocka_unit_test(sessions_that_cannot_go_on),
        cmocka_unit_test(a_failure_comes_out_of_the_next_write),
        cmocka_unit_test(opening_is_repeated_or_refused),
        cmocka_unit_test(held_uploads_outlive_their_writers),
        cmocka_unit_test(a_stop_ends_and_cancels),
        cmocka_unit_test(closing_cuts_a_chunk_short),
    };
    return cmocka_run_group_tests_name("net/resumable", tests, quiet, NULL);
}
