/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/clock.h"
#include "support/http_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct Scene {
    Script script;
    HttpClient *client;
    HttpResponse response;
    Error error;
    char url[128];
} Scene;

static void scene_open(Scene *scene, const ScriptStep *steps, size_t count)
{
    memset(scene, 0, sizeof *scene);
    script_start(&scene->script, steps, count);
    scene->client = http_client_new(&(HttpOptions){.connect_ms = 5000, .silence_ms = 5000});
}

#define SCENE_OPEN(scene, steps) scene_open((scene), (steps), sizeof(steps) / sizeof *(steps))

static void scene_close(Scene *scene)
{
    http_response_done(&scene->response);
    http_client_free(scene->client);
    script_stop(&scene->script);
}

static HttpRequest request_of(Scene *scene, const char *method, const char *path)
{
    snprintf(scene->url, sizeof scene->url, "%s%s", scene->script.url, path);
    return (HttpRequest){.id = "test", .method = method, .url = scene->url};
}

static bool ask(Scene *scene, const HttpRequest *request)
{
    scene->error = (Error){0};
    return http_send(scene->client, request, &scene->response, &scene->error);
}

static void header_is(const HttpResponse *response, const char *name, const char *value)
{
    StrView found = http_header(response, name);
    assert_non_null(found.data);
    assert_int_equal(found.length, strlen(value));
    assert_memory_equal(found.data, value, found.length);
}

static void asks_and_reads(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /one?x=1", "200\nX-Thing:  a b \nx-thing: last\nContent-Type: text/plain\n\nhello"},
        {"POST /two", "404\n\n"},
        {"DELETE /three", "204\n\n"},
        {"PATCH /four", "200\n\n{}"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    HttpRequest request = request_of(&scene, "GET", "/one?x=1");
    HttpHeader header = {"X-Mine", "yes"};
    request.headers = &header;
    request.header_count = 1;
    assert_true(ask(&scene, &request));
    assert_int_equal(scene.response.status, 200);
    assert_int_equal(scene.response.body.length, 5);
    assert_memory_equal(scene.response.body.data, "hello", 5);
    header_is(&scene.response, "X-THING", "last");
    assert_null(http_header(&scene.response, "X-Thin").data);
    const char *text = script_request(&scene.script, 0);
    assert_non_null(strstr(text, "\nX-Mine: yes\n"));
    assert_non_null(strstr(text, "\nUser-Agent: bqferry/" BQFERRY_VERSION " (gzip)\n"));
    assert_non_null(strstr(text, "\nAccept-Encoding: gzip\n"));
    assert_null(strstr(text, "Expect"));

    request = request_of(&scene, "POST", "/two");
    StrView body = {"a=b", 3};
    request.body = &body;
    request.body_count = 1;
    assert_true(ask(&scene, &request));
    assert_int_equal(scene.response.status, 404);
    assert_string_equal(script_body(&scene.script, 1), "a=b");
    assert_null(strcasestr(script_request(&scene.script, 1), "content-type"));

    request = request_of(&scene, "DELETE", "/three");
    assert_true(ask(&scene, &request));
    assert_int_equal(scene.response.status, 204);

    StrView parts[] = {{"one ", 4}, {"", 0}, {"two ", 4}, {"three", 5}};
    request = request_of(&scene, "PATCH", "/four");
    request.body = parts;
    request.body_count = 4;
    assert_true(ask(&scene, &request));
    assert_string_equal(script_body(&scene.script, 3), "one two three");
    assert_true(script_done(&scene.script));
    assert_int_equal(script_connections(&scene.script), 1); /* one connection served all of them */
    scene_close(&scene);
}

static void a_redirect_is_an_answer(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"PUT /u", "308\nRange: bytes=0-99\nLocation: $URL/elsewhere\n\n"},
        {"GET /u", "302\nLocation: $URL/elsewhere\n\n"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    HttpRequest request = request_of(&scene, "PUT", "/u");
    assert_true(ask(&scene, &request));
    assert_int_equal(scene.response.status, 308);
    header_is(&scene.response, "range", "bytes=0-99");
    assert_non_null(strstr(script_request(&scene.script, 0), "Content-Length: 0"));
    request = request_of(&scene, "GET", "/u");
    assert_true(ask(&scene, &request));
    assert_int_equal(scene.response.status, 302);
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

/* What is told, whether it may have counted, whether it may pass. */
static void names_every_failure(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /reset", "RESET"},
        {"GET /close", "CLOSE"},
        {"GET /short", "RAW HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
        {"GET /half", "RAW HTTP/1.1 200 OK\r\nContent-Le"},
        {"GET /noise", "RAW SSH-2.0-OpenSSH_9.2\r\n"},
        {"GET /silence", "SILENCE"},
        {"GET /large", "200\n\n0123456789012345678901234567890"},
        {"GET /zip",
         "RAW HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"},
    };
    static const struct {
        const char *path;
        HttpOutcome outcome;
        bool retryable;
        const char *said;
    } rows[] = {
        {"/reset", HTTP_LOST, true, "connection lost"},
        {"/close", HTTP_LOST, true, "connection lost"},
        {"/short", HTTP_LOST, true, "connection lost"},
        {"/half", HTTP_LOST, true, "connection lost"},
        {"/noise", HTTP_INVALID, false, "no valid HTTP"},
        {"/silence", HTTP_TIMEOUT, true, "timed out: not a byte moved for 300 ms"},
        {"/large", HTTP_TOO_LARGE, false, "larger than expected"},
        {"/zip", HTTP_LOST, true, "connection lost"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        HttpRequest request = request_of(&scene, "GET", rows[i].path);
        request.response_max = 30;
        request.silence_ms = 300;
        assert_false(ask(&scene, &request));
        assert_int_equal(scene.response.outcome, rows[i].outcome);
        assert_int_equal(scene.error.kind, ERROR_TARGET);
        assert_int_equal(scene.error.retryable, rows[i].retryable);
        assert_true(scene.response.may_count);
        assert_non_null(strstr(scene.error.message, rows[i].said));
        assert_non_null(strstr(scene.error.message, "GET to 127.0.0.1:"));
    }
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

static void names_what_cannot_be_reached(void **state)
{
    (void)state;
    Scene scene;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    SCENE_OPEN(&scene, steps);
    HttpRequest request = {.id = "test", .method = "GET", .url = "http://127.0.0.1:1/"};
    assert_false(ask(&scene, &request));
    assert_int_equal(scene.response.outcome, HTTP_NO_CONNECTION);
    assert_true(scene.error.retryable);
    assert_false(scene.response.may_count);

    request.url = "http://no-such-host.invalid/";
    assert_false(ask(&scene, &request));
    assert_int_equal(scene.response.outcome, HTTP_NO_HOST);
    assert_true(scene.error.retryable);
    assert_false(scene.response.may_count);

    /* Plain HTTP where TLS was wanted. */
    snprintf(scene.url, sizeof scene.url, "https%s/", scene.script.url + 4);
    request.url = scene.url;
    request.silence_ms = 500;
    request.total_ms = 3000;
    assert_false(ask(&scene, &request));
    assert_int_not_equal(scene.response.outcome, HTTP_ANSWERED);
    assert_false(scene.response.may_count);

    request.url = "http://u@h/";
    assert_false(ask(&scene, &request));
    assert_int_equal(scene.response.outcome, HTTP_INVALID);
    scene_close(&scene);
}

static void headers_have_a_maximum(void **state)
{
    (void)state;
    enum { SIZE = 70 * 1024 };
    char *answer = memory_alloc(SIZE + 64), *end = stpcpy(answer, "RAW HTTP/1.1 200 OK\r\n");
    while (end - answer < SIZE - 1200)
        end += snprintf(end, 1200, "X-Long: %01000d\r\n", 7);
    snprintf(end, 64, "Content-Length: 0\r\n\r\n");
    ScriptStep steps[] = {{"GET /", answer}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    HttpRequest request = request_of(&scene, "GET", "/");
    assert_false(ask(&scene, &request));
    assert_int_equal(scene.response.outcome, HTTP_TOO_LARGE);
    scene_close(&scene);
    free(answer);
}

/* A kept connection that the server has closed meanwhile. */
static void a_stale_connection_is_replaced(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /a", "200\n\n"}, {"POST /b", "CLOSE"}, {"POST /b", "200\n\n"},
        {"GET /c", "200\n\n"}, {"POST /d", "CLOSE"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    HttpRequest request = request_of(&scene, "GET", "/a");
    assert_true(ask(&scene, &request));
    StrView parts[] = {{"one", 3}, {"two", 3}};
    request = request_of(&scene, "POST", "/b");
    request.body = parts;
    request.body_count = 2;
    assert_true(ask(&scene, &request));
    assert_true(scene.response.resent);
    assert_string_equal(script_body(&scene.script, 2), "onetwo"); /* from the start again */

    request = request_of(&scene, "GET", "/c");
    assert_true(ask(&scene, &request));
    assert_false(scene.response.resent);
    request = request_of(&scene, "POST", "/d");
    request.once = true;
    assert_false(ask(&scene, &request));
    assert_int_equal(scene.response.outcome, HTTP_LOST);
    assert_true(scene.response.may_count);
    assert_true(scene.error.retryable);
    assert_true(script_done(&scene.script));

    CLEANUP(arena_done) Arena arena = {0};
    const HttpCount *counts;
    size_t count;
    http_counts(scene.client, &arena, &counts, &count);
    assert_int_equal(count, 1);
    assert_string_equal(counts[0].id, "test");
    assert_int_equal(counts[0].calls, script_request_count(&scene.script));
    scene_close(&scene);
}

static void *stop_soon(void *argument)
{
    struct timespec wait = {.tv_nsec = 200000000};
    nanosleep(&wait, NULL);
    stop_request(argument);
    return NULL;
}

static void a_stop_ends_a_request(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"GET /", "SILENCE"}, {"DELETE /", "204\n\n"}};
    Scene scene;
    StopFlag stop = {0};
    pthread_t thread;
    SCENE_OPEN(&scene, steps);
    HttpRequest request = request_of(&scene, "GET", "/");
    request.stop = &stop;
    request.silence_ms = 60000;
    pthread_create(&thread, NULL, stop_soon, &stop);
    assert_false(ask(&scene, &request));
    pthread_join(thread, NULL);
    assert_int_equal(scene.response.outcome, HTTP_STOPPED);
    assert_int_equal(scene.error.kind, ERROR_CANCELLED);
    assert_false(ask(&scene, &request)); /* and keeps the next from being sent */
    assert_int_equal(script_request_count(&scene.script), 1);

    request = request_of(&scene, "DELETE", "/");
    request.stop = &stop;
    request.last_words = true;
    request.total_ms = 5000;
    assert_true(ask(&scene, &request));
    scene_close(&scene);
}

static void reads_dates_and_waits(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /", "503\nRetry-After: 7\n\n"},
        {"GET /",
         "503\nDate: Sun, 06 Nov 1994 08:49:37 GMT\nRetry-After: Sun, 06 Nov 1994 08:50:00 "
         "GMT\n\n"},
        {"GET /", "503\nRetry-After: 99999999\n\n"},
        {"GET /", "503\nRetry-After: -5\n\n"},
        {"GET /", "503\nRetry-After: soon\n\n"},
        {"GET /", "503\n\n"},
    };
    static const int64_t waits_ms[] = {7000, 23000, 3600000, 0, 0, 0};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        HttpRequest request = request_of(&scene, "GET", "/");
        assert_true(ask(&scene, &request));
        assert_int_equal(http_retry_after_ms(&scene.response), waits_ms[i]);
        if (i == 1)
            assert_int_equal(http_date(&scene.response), 784111777); /* RFC 9110's own example */
    }
    scene_close(&scene);
}

static void proxies_are_the_environments(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET http://far.invalid/x HTTP", "200\n\nby proxy"},
        {"CONNECT far.invalid:443 HTTP", "407\n\n"},
        {"GET /near HTTP", "200\n\n"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    setenv("http_proxy", scene.script.url, 1);
    setenv("https_proxy", scene.script.url, 1);
    HttpRequest request = {.id = "test", .method = "GET", .url = "http://far.invalid/x"};
    assert_true(ask(&scene, &request));
    assert_memory_equal(scene.response.body.data, "by proxy", 8);
    request.url = "https://far.invalid/x";
    assert_false(ask(&scene, &request));
    assert_int_equal(scene.response.outcome, HTTP_NO_PROXY);
    assert_non_null(strstr(scene.error.message, "407"));
    request = request_of(&scene, "GET", "/near"); /* this machine is reached directly */
    assert_true(ask(&scene, &request));
    request = (HttpRequest){.id = "test", .method = "GET", .url = "http://far.invalid/x"};
    request.no_proxy = true;
    assert_false(ask(&scene, &request));
    assert_int_equal(scene.response.outcome, HTTP_NO_HOST);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

enum { THREADS = 8, CALLS = 20 };

static void *call_often(void *argument)
{
    Scene *scene = argument;
    char url[128];
    snprintf(url, sizeof url, "%s/x", scene->script.url);
    HttpResponse response = {0};
    for (int i = 0; i < CALLS; i++) {
        HttpRequest request = {.id = i % 2 ? "odd" : "even", .method = "GET", .url = url};
        Error error = {0};
        if (!http_send(scene->client, &request, &response, &error) || response.status != 599)
            abort();
    }
    http_response_done(&response);
    return NULL;
}

static void threads_share_a_client(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    Scene scene;
    pthread_t threads[THREADS];
    SCENE_OPEN(&scene, steps);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, call_often, &scene);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CLEANUP(arena_done) Arena arena = {0};
    const HttpCount *counts;
    size_t count;
    http_counts(scene.client, &arena, &counts, &count);
    assert_int_equal(count, 2);
    assert_int_equal(counts[0].calls + counts[1].calls, THREADS * CALLS);
    assert_int_equal(counts[0].failures + counts[1].failures, THREADS * CALLS);
    assert_true(script_connections(&scene.script) <= THREADS);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_and_reads),
        cmocka_unit_test(a_redirect_is_an_answer),
        cmocka_unit_test(names_every_failure),
        cmocka_unit_test(names_what_cannot_be_reached),
        cmocka_unit_test(headers_have_a_maximum),
        cmocka_unit_test(a_stale_connection_is_replaced),
        cmocka_unit_test(a_stop_ends_a_request),
        cmocka_unit_test(reads_dates_and_waits),
        cmocka_unit_test(proxies_are_the_environments),
        cmocka_unit_test(threads_share_a_client),
    };
    return cmocka_run_group_tests_name("net/http", tests, NULL, NULL);
}
