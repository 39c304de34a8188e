/* SPDX-License-Identifier: Apache-2.0 */
/* Against openssl's own server. */
#include "net/http.h"

#include "support/temp_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

typedef struct Scene {
    TempFolder folder;
    char certificate[TEMP_PATH];
    char key[TEMP_PATH];
    pid_t server;
    int port;
    HttpClient *client;
} Scene;

static pid_t spawn(const char *const *arguments, int output)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (output >= 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (posix_spawnp(&child, "openssl", &actions, NULL, (char *const *)(uintptr_t)arguments,
                     environ) != 0)
        abort();
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

static void make_certificate(Scene *scene)
{
    snprintf(scene->key, TEMP_PATH, "%s", temp_keep(&scene->folder, "key.pem"));
    snprintf(scene->certificate, TEMP_PATH, "%s", temp_keep(&scene->folder, "cert.pem"));
    int status;
    pid_t child = spawn((const char *[]){"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                         "-keyout", scene->key, "-out", scene->certificate, "-days",
                                         "2", "-subj", "/CN=here", "-addext",
                                         "subjectAltName=DNS:localhost", NULL},
                        -1);
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
}

/* The server says "ACCEPT 127.0.0.1:PORT". */
static int read_port(int output)
{
    char text[4096];
    size_t used = 0;
    while (used + 1 < sizeof text) {
        ssize_t got = read(output, text + used, sizeof text - used - 1);
        if (got <= 0)
            break;
        used += (size_t)got;
        text[used] = '\0';
        char *line = strstr(text, "ACCEPT ");
        char *colon = line && strchr(line, '\n') ? strchr(line, ':') : NULL;
        if (colon)
            return (int)strtol(colon + 1, NULL, 10);
    }
    abort();
}

static void scene_open(Scene *scene)
{
    int ends[2];
    memset(scene, 0, sizeof *scene);
    temp_open(&scene->folder);
    make_certificate(scene);
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    scene->server = spawn((const char *[]){"openssl", "s_server", "-accept", "127.0.0.1:0", "-key",
                                           scene->key, "-cert", scene->certificate, "-www", NULL},
                          ends[1]);
    close(ends[1]);
    scene->port = read_port(ends[0]);
    close(ends[0]);
    scene->client = http_client_new(&(HttpOptions){.connect_ms = 5000, .silence_ms = 5000});
    unsetenv("https_proxy");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

static void scene_close(Scene *scene)
{
    kill(scene->server, SIGKILL);
    waitpid(scene->server, NULL, 0);
    http_client_free(scene->client);
    temp_close(&scene->folder);
}

static void certificates_are_verified(void **state)
{
    (void)state;
    Scene scene;
    HttpResponse response = {0};
    Error error = {0};
    char url[64];
    scene_open(&scene);
    snprintf(url, sizeof url, "https://localhost:%d/", scene.port);
    HttpRequest request = {.id = "test", .method = "GET", .url = url};
    assert_false(http_send(scene.client, &request, &response, &error));
    assert_int_equal(response.outcome, HTTP_NO_TRUST);
    assert_int_equal(error.kind, ERROR_TARGET);
    assert_false(error.retryable);
    assert_false(response.may_count);
    assert_non_null(strstr(error.message, "TLS failed"));
    assert_non_null(strcasestr(error.message, "self")); /* "self-signed certificate" */
    assert_non_null(strstr(error.hint, "SSL_CERT_FILE"));

    setenv("SSL_CERT_FILE", scene.certificate, 1);
    assert_true(http_send(scene.client, &request, &response, &error));
    assert_int_equal(response.status, 200);

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", scene.port); /* not its name */
    assert_false(http_send(scene.client, &request, &response, &error));
    assert_int_equal(response.outcome, HTTP_NO_TRUST);
    unsetenv("SSL_CERT_FILE");
    http_response_done(&response);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(certificates_are_verified)};
    return cmocka_run_group_tests_name("net/http_tls", tests, NULL, NULL);
}
