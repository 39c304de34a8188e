/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gcs.h"

#include "base/log.h"
#include "support/google_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* CRC32C of "123456789" is e3069283 (RFC 3720's check value); base64 of those bytes: */
#define CRC_OF_DIGITS "4waSgw=="
#define OBJECT(writer)                                                                                 \
    "{\"name\":\"a/b\",\"generation\":\"1700000000000001\",\"size\":\"9\",\"crc32c\":\"" CRC_OF_DIGITS \
    "\",\"updated\":\"2026-01-01T00:00:00Z\",\"metadata\":{\"bqferry-writer\":\"" writer "\"}}"
#define NOT_MET                                                                                       \
    "412\n\n{\"error\":{\"code\":412,\"message\":\"At least one of the pre-conditions you specified " \
    "did not hold.\",\"errors\":[{\"reason\":\"conditionNotMet\"}]}}"
#define MISSING                                                                                    \
    "404\n\n{\"error\":{\"code\":404,\"message\":\"No such object: b/a\",\"errors\":[{\"reason\":" \
    "\"notFound\"}]}}"

typedef struct Scene {
    GoogleScene google;
    GcsScope scope;
    Arena arena;
    GcsObject object;
    Buffer body;
    bool found;
    bool written;
    int64_t generation;
} Scene;

static void scene_open(Scene *scene, const ScriptStep *steps, size_t count)
{
    memset(scene, 0, sizeof *scene);
    google_scene_open(&scene->google, &google_storage, steps, count, false);
    scene->scope = (GcsScope){.api = scene->google.api, .bucket = "b"};
    buffer_init(&scene->body, 100);
}

#define SCENE_OPEN(scene, steps) scene_open((scene), (steps), sizeof(steps) / sizeof *(steps))

static void scene_close(Scene *scene)
{
    assert_true(script_done(&scene->google.script));
    buffer_done(&scene->body);
    arena_done(&scene->arena);
    google_scene_close(&scene->google);
}

static bool stat_object(Scene *scene)
{
    return gcs_stat(&scene->scope, "a/b", &scene->arena, &scene->object, &scene->found,
                    &scene->google.error);
}

static void metadata_is_read(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /storage/v1/b/b/o/a%2Fb?prettyPrint=false HTTP", "200\n\n" OBJECT("w")},
        {"GET ", MISSING},
        {"GET ",
         "403\n\n{\"error\":{\"message\":\"no access\",\"errors\":[{\"reason\":\"forbidden\"}]}}"},
        {"GET ", "200\n\n{\"name\":\"a\",\"generation\":\"1\",\"size\":\"0\",\"crc32c\":\"odd\"}"},
        {"GET ", "200\n\n{}"},
        {"GET ", "200\n\n{\"generation\":\"1\",\"size\":\"0\"}"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(stat_object(&scene));
    assert_true(scene.found);
    assert_string_equal(scene.object.name, "a/b");
    assert_int_equal(scene.object.generation, 1700000000000001);
    assert_int_equal(scene.object.size, 9);
    assert_true(scene.object.has_crc32c);
    assert_int_equal(scene.object.crc32c, 0xe3069283);
    assert_string_equal(scene.object.writer, "w");
    assert_true(stat_object(&scene));
    assert_false(scene.found);
    assert_int_equal(scene.google.error.kind, ERROR_NONE);
    assert_false(stat_object(&scene));
    assert_non_null(strstr(scene.google.error.message, "gs://b/a/b"));
    assert_non_null(strstr(scene.google.error.message, "no access"));
    assert_true(stat_object(&scene));
    assert_false(scene.object.has_crc32c);
    assert_false(stat_object(&scene)); /* some proxy's answer: it must not mean "absent" */
    assert_true(scene.google.error.retryable);
    assert_true(stat_object(&scene));
    assert_string_equal(scene.object.name, "a/b");
    scene_close(&scene);
}

static bool read_object(Scene *scene)
{
    scene->google.error = (Error){0};
    return gcs_read(&scene->scope, "a/b", &scene->arena, &scene->object, &scene->body,
                    &scene->google.error);
}

static void content_is_checked(void **state)
{
    (void)state;
    static const char big[] = "200\n\n{\"name\":\"a/b\",\"generation\":\"1\",\"size\":\"101\"}";
    static const ScriptStep steps[] = {
        {"GET /storage/v1/b/b/o/a%2Fb?prettyPrint", "200\n\n" OBJECT("w")},
        {"GET /storage/v1/b/b/o/a%2Fb?alt=media&generation=1700000000000001 HTTP",
         "200\n\n123456789"},
        {"GET ", "200\n\n" OBJECT("w")},
        {"GET ", "200\n\n123456780"}, /* damaged on its way */
        {"GET ", "200\n\n" OBJECT("w")},
        {"GET ", "200\n\n1234"}, /* short */
        {"GET ", big},
        {"GET ", MISSING},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(read_object(&scene));
    assert_int_equal(scene.body.length, 9);
    assert_memory_equal(scene.body.data, "123456789", 9);
    for (int i = 0; i < 2; i++) {
        assert_false(read_object(&scene));
        assert_true(scene.google.error.retryable);
        assert_non_null(strstr(scene.google.error.message, "gs://b/a/b"));
    }
    assert_false(read_object(&scene));
    assert_non_null(strstr(scene.google.error.message, "101 bytes"));
    assert_true(read_object(&scene));
    assert_int_equal(scene.object.generation, 0);
    scene_close(&scene);
}

/* A lock is, every few seconds. */
static void what_is_replaced_meanwhile_is_read_again(void **state)
{
    (void)state;
    static const char newer[] =
        "200\n\n{\"name\":\"a/b\",\"generation\":\"1700000000000002\",\"size\":\"4\"}";
    static const ScriptStep steps[] = {
        {"GET ", "200\n\n" OBJECT("w")},
        {"GET /storage/v1/b/b/o/a%2Fb?alt=media&generation=1700000000000001 HTTP", MISSING},
        {"GET ", newer},
        {"GET /storage/v1/b/b/o/a%2Fb?alt=media&generation=1700000000000002 HTTP", "200\n\n1234"},
        {"GET ", newer},
        {"GET ", MISSING},
        {"GET ", MISSING}, /* it was removed, not replaced */
        {"GET ", newer},
        {"GET ", MISSING},
        {"GET ", newer},
        {"GET ", MISSING},
        {"GET ", newer},
        {"GET ", MISSING},
        {"GET ", newer},
        {"GET ", MISSING},
        {"GET ", newer},
        {"GET ", MISSING},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(read_object(&scene));
    assert_int_equal(scene.object.generation, 1700000000000002);
    assert_memory_equal(scene.body.data, "1234", 4);
    assert_true(read_object(&scene));
    assert_int_equal(scene.object.generation, 0);
    assert_false(read_object(&scene)); /* each time */
    assert_true(scene.google.error.retryable);
    scene_close(&scene);
}

static bool write_object(Scene *scene, int64_t if_generation)
{
    GcsWrite write = {
        .name = "a/b",
        .content_type = "application/json",
        .bytes = {"123456789", 9},
        .if_generation = if_generation,
        .writer = "me",
    };
    scene->google.error = (Error){0};
    return gcs_write(&scene->scope, &write, &scene->generation, &scene->written,
                     &scene->google.error);
}

static void writes_carry_their_condition(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /upload/storage/v1/b/b/o?uploadType=multipart&ifGenerationMatch=0 HTTP",
         "200\n\n" OBJECT("me")},
        {"POST /upload/storage/v1/b/b/o?uploadType=multipart&ifGenerationMatch=17 HTTP", NOT_MET},
        {"POST /upload/storage/v1/b/b/o?uploadType=multipart HTTP", "200\n\n" OBJECT("me")},
        {"POST ", "403\n\n{\"error\":{\"message\":\"no access\"}}"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_object(&scene, GCS_ABSENT));
    assert_true(scene.written);
    assert_int_equal(scene.generation, 1700000000000001);
    const char *text = script_request(&scene.google.script, 0);
    const char *boundary = strstr(text, "Content-Type: multipart/related; boundary=");
    assert_non_null(boundary);
    char mark[64];
    assert_int_equal(sscanf(boundary, "Content-Type: multipart/related; boundary=%60s", mark), 1);
    char wanted[1024];
    snprintf(wanted, sizeof wanted,
             "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{\"name\":\"a/b\","
             "\"contentType\":\"application/json\",\"metadata\":{\"bqferry-writer\":\"me\"},"
             "\"crc32c\":\"" CRC_OF_DIGITS "\"}\r\n--%s\r\nContent-Type: application/json\r\n\r\n"
             "123456789\r\n--%s--\r\n",
             mark, mark, mark);
    assert_string_equal(script_body(&scene.google.script, 0), wanted);

    assert_true(write_object(&scene, 17));
    assert_false(scene.written);
    assert_int_equal(scene.google.error.kind, ERROR_NONE);
    assert_true(write_object(&scene, GCS_ANY));
    assert_true(scene.written);
    assert_false(write_object(&scene, GCS_ABSENT));
    assert_false(scene.written);
    assert_non_null(strstr(scene.google.error.message, "gs://b/a/b"));
    scene_close(&scene);
}

/* A write whose answer was lost meets its own success as a 412. */
static void a_repeated_write_knows_its_own(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST ", "503\n\n"}, {"POST ", NOT_MET}, {"GET ", "200\n\n" OBJECT("me")},
        {"POST ", "503\n\n"}, {"POST ", NOT_MET}, {"GET ", "200\n\n" OBJECT("somebody")},
        {"POST ", "429\n\n"}, {"POST ", NOT_MET}, /* that one surely did nothing: no need to look */
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(write_object(&scene, GCS_ABSENT));
    assert_true(scene.written);
    assert_int_equal(scene.generation, 1700000000000001);
    assert_true(write_object(&scene, GCS_ABSENT));
    assert_false(scene.written);
    assert_true(write_object(&scene, GCS_ABSENT));
    assert_false(scene.written);
    scene_close(&scene);
}

static void deletes_are_conditional(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"DELETE /storage/v1/b/b/o/a%2Fb?prettyPrint=false&ifGenerationMatch=5 HTTP", "204\n\n"},
        {"DELETE ", MISSING},
        {"DELETE ", NOT_MET},
        {"DELETE /storage/v1/b/b/o/a%2Fb?prettyPrint=false HTTP", "204\n\n"},
        {"DELETE ", "403\n\n"},
    };
    static const bool deleted[] = {true, true, false, true};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    for (size_t i = 0; i < 5; i++) {
        bool done = false;
        bool passed =
            gcs_delete(&scene.scope, "a/b", i == 3 ? GCS_ANY : 5, &done, &scene.google.error);
        assert_int_equal(passed, i < 4);
        if (i < 4)
            assert_int_equal(done, deleted[i]);
    }
    scene_close(&scene);
}

typedef struct Seen {
    char names[64];
    size_t stop_after;
} Seen;

static bool see(void *context, const GcsObject *object, Error *error)
{
    Seen *seen = context;
    (void)error;
    strncat(seen->names, object->name, sizeof seen->names - strlen(seen->names) - 1);
    return strlen(seen->names) < seen->stop_after;
}

static void lists_go_through_all_pages(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /storage/v1/b/b/o?prettyPrint=false&prefix=x%2F&maxResults=1000&fields=",
         "200\n\n{\"items\":[{\"name\":\"1\"},{\"name\":\"2\"}],\"nextPageToken\":\"t\"}"},
        {"GET ", "200\n\n{\"items\":[{\"name\":\"3\"}]}"},
        {"GET ", "200\n\n{}"},
        {"GET ", "200\n\n{\"items\":[{\"name\":\"1\"},{\"name\":\"2\"}],\"nextPageToken\":\"t\"}"},
        {"GET ", "200\n\n{\"items\":[{}]}"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Seen seen = {.stop_after = 99};
    assert_true(gcs_list(&scene.scope, "x/", see, &seen, &scene.google.error));
    assert_string_equal(seen.names, "123");
    assert_non_null(strstr(script_request(&scene.google.script, 1), "&pageToken=t "));
    assert_true(gcs_list(&scene.scope, "x/", see, &seen, &scene.google.error));
    seen = (Seen){.stop_after = 1};
    assert_true(gcs_list(&scene.scope, "x/", see, &seen, &scene.google.error));
    assert_string_equal(seen.names, "1");
    assert_false(gcs_list(&scene.scope, "x/", see, &seen, &scene.google.error));
    scene_close(&scene);
}

static Resumable *upload_digits(Scene *scene)
{
    Resumable *upload;
    GcsUpload options = {.name = "a/b", .if_generation = GCS_ABSENT, .writer = "me"};
    scene->google.error = (Error){0};
    assert_true(gcs_upload_open(&scene->scope, &options, &upload, &scene->google.error));
    assert_true(resumable_write(upload, "123456789", 9, &scene->google.error));
    return upload;
}

static bool finish(Scene *scene, Resumable *upload)
{
    return gcs_upload_finish(&scene->scope, upload, &scene->arena, &scene->object, &scene->written,
                             &scene->google.error);
}

#define OPENED                                                                                     \
    {                                                                                              \
        "POST /upload/storage/v1/b/b/o?uploadType=resumable&ifGenerationMatch=0 HTTP",             \
            "200\nLocation: $URL/session\n\n"                                                      \
    }

static void uploads_are_compared(void **state)
{
    (void)state;
    static const char damaged[] = "200\n\n{\"name\":\"a/b\",\"generation\":\"7\",\"size\":\"9\","
                                  "\"crc32c\":\"AAAAAA==\"}";
    static const char cut[] = "200\n\n{\"name\":\"a/b\",\"generation\":\"8\",\"size\":\"5\"}";
    static const ScriptStep steps[] = {
        OPENED,
        {"PUT /session", "200\n\n" OBJECT("me")},
        OPENED,
        {"PUT /session", damaged},
        {"DELETE /storage/v1/b/b/o/a%2Fb?prettyPrint=false&ifGenerationMatch=7 ", "204\n\n"},
        OPENED,
        {"PUT /session", cut},
        {"DELETE /storage/v1/b/b/o/a%2Fb?prettyPrint=false&ifGenerationMatch=8 ", "204\n\n"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Resumable *upload = upload_digits(&scene);
    assert_true(finish(&scene, upload));
    assert_true(scene.written);
    assert_int_equal(scene.object.generation, 1700000000000001);
    resumable_close(upload);
    for (int i = 0; i < 2; i++) {
        upload = upload_digits(&scene);
        assert_false(finish(&scene, upload));
        assert_true(scene.google.error.retryable);
        assert_int_equal(scene.google.error.kind, ERROR_TARGET);
        resumable_close(upload);
    }
    scene_close(&scene);
}

static void an_upload_knows_its_own(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        OPENED,
        {"PUT /session", NOT_MET},
        {"GET ", "200\n\n" OBJECT("somebody")},
        {"DELETE /session", "499\n\n"},
        OPENED,
        {"PUT /session", "RESET"},
        {"PUT /session", "404\n\n"},
        {"GET ", "200\n\n" OBJECT("me")},
        {"DELETE /session", "499\n\n"},
        OPENED,
        {"PUT /session", "410\n\n"},
        {"GET ", MISSING},
        {"DELETE /session", "499\n\n"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Resumable *upload = upload_digits(&scene);
    assert_true(finish(&scene, upload));
    assert_false(scene.written);
    resumable_close(upload);
    upload = upload_digits(&scene);
    assert_true(finish(&scene, upload)); /* forgotten because it was complete */
    assert_true(scene.written);
    assert_int_equal(scene.object.size, 9);
    resumable_close(upload);
    upload = upload_digits(&scene);
    assert_false(finish(&scene, upload));
    assert_true(scene.google.error.retryable);
    resumable_close(upload);
    scene_close(&scene);
}

static void buckets_tell_where_they_are(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /storage/v1/b/b?prettyPrint=false HTTP",
         "200\n\n{\"location\":\"EU\",\"locationType\":\"multi-region\",\"storageClass\":\"STANDARD\"}"},
        {"GET ", "404\n\n"},
        {"GET /storage/v1/b/b/iam/testPermissions?prettyPrint=false&permissions=storage.objects.get&"
         "permissions=storage.objects.create HTTP",
         "200\n\n{\"permissions\":[\"storage.objects.create\"]}"},
        {"GET ", "200\n\n{\"kind\":\"storage#testIamPermissionsResponse\"}"},
    };
    static const char *const wanted[] = {"storage.objects.get", "storage.objects.create"};
    Scene scene;
    GcsBucket bucket;
    bool granted[2];
    SCENE_OPEN(&scene, steps);
    assert_true(gcs_bucket(&scene.scope, &scene.arena, &bucket, &scene.found, &scene.google.error));
    assert_true(scene.found);
    assert_string_equal(bucket.location, "EU");
    assert_string_equal(bucket.location_type, "multi-region");
    assert_true(gcs_bucket(&scene.scope, &scene.arena, &bucket, &scene.found, &scene.google.error));
    assert_false(scene.found);
    assert_true(gcs_permissions(&scene.scope, wanted, 2, granted, &scene.google.error));
    assert_false(granted[0]);
    assert_true(granted[1]);
    assert_true(gcs_permissions(&scene.scope, wanted, 2, granted, &scene.google.error));
    assert_false(granted[0] || granted[1]);
    scene_close(&scene);
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
        cmocka_unit_test(metadata_is_read),
        cmocka_unit_test(content_is_checked),
        cmocka_unit_test(what_is_replaced_meanwhile_is_read_again),
        cmocka_unit_test(writes_carry_their_condition),
        cmocka_unit_test(a_repeated_write_knows_its_own),
        cmocka_unit_test(deletes_are_conditional),
        cmocka_unit_test(lists_go_through_all_pages),
        cmocka_unit_test(uploads_are_compared),
        cmocka_unit_test(an_upload_knows_its_own),
        cmocka_unit_test(buckets_tell_where_they_are),
    };
    return cmocka_run_group_tests_name("net/gcs", tests, quiet, NULL);
}
