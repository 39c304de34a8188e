/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/log.h"
#include "format/json.h"
#include "support/google_scene.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#define TOKEN(name, life)                                                                          \
    "200\nContent-Type: application/json\n\n{\"access_token\":\"" name "\",\"expires_in\":" life   \
    ",\"token_type\":\"Bearer\"}"

static char key_pem[8192]; /* made by openssl for this run */
static TempFolder keys;

static void run_openssl(const char *const *arguments)
{
    pid_t child;
    int status;
    if (posix_spawnp(&child, "openssl", NULL, NULL, (char *const *)(uintptr_t)arguments, environ) !=
            0 ||
        waitpid(child, &status, 0) != child || status != 0)
        abort();
}

static size_t read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, size - 1, file) : 0;
    text[length] = '\0';
    if (!file || fclose(file) != 0)
        abort();
    return length;
}

static int make_key(void **state)
{
    (void)state;
    temp_open(&keys);
    char pem[TEMP_PATH], public[TEMP_PATH];
    snprintf(pem, sizeof pem, "%s", temp_keep(&keys, "key.pem"));
    snprintf(public, sizeof public, "%s", temp_keep(&keys, "public.pem"));
    run_openssl((const char *[]){"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt",
                                 "rsa_keygen_bits:2048", "-out", pem, NULL});
    run_openssl((const char *[]){"openssl", "pkey", "-in", pem, "-pubout", "-out", public, NULL});
    read_file(pem, key_pem, sizeof key_pem);
    return 0;
}

static int remove_key(void **state)
{
    (void)state;
    temp_close(&keys);
    return 0;
}

typedef struct Scene {
    Script script;
    TempFolder folder;
    HttpClient *http;
    Credentials *credentials;
    Arena arena;
    Error error;
    char header[CREDENTIALS_HEADER_MAX];
} Scene;

static void scene_open(Scene *scene, const ScriptStep *steps, size_t count)
{
    memset(scene, 0, sizeof *scene);
    scene_clear_environment();
    script_start(&scene->script, steps, count);
    temp_open(&scene->folder);
    setenv("CLOUDSDK_CONFIG", scene->folder.path, 1); /* not the home of whoever runs this */
    scene->http = http_client_new(&(HttpOptions){.silence_ms = 5000});
}

#define SCENE_OPEN(scene, steps) scene_open((scene), (steps), sizeof(steps) / sizeof *(steps))

static void scene_close(Scene *scene)
{
    credentials_free(scene->credentials);
    http_client_free(scene->http);
    arena_done(&scene->arena);
    temp_close(&scene->folder);
    script_stop(&scene->script);
}

static bool find(Scene *scene, const char *path)
{
    CredentialsOptions options = {.http = scene->http, .path = path, .retry_budget_ms = 1000};
    credentials_free(scene->credentials);
    scene->error = (Error){0};
    return credentials_find(&options, &scene->credentials, &scene->error);
}

static bool header(Scene *scene)
{
    scene->error = (Error){0};
    return credentials_header(scene->credentials, NULL, scene->header, &scene->error);
}

static Json *service_account(Scene *scene)
{
    Json *key = json_object_new();
    json_set_text(key, "type", "service_account");
    json_set_text(key, "project_id", "of-the-file");
    json_set_text(key, "private_key_id", "key-7");
    json_set_text(key, "private_key", key_pem);
    json_set_text(key, "client_email", "robot@p.iam.gserviceaccount.com");
    json_set_text(key, "token_uri", arena_printf(&scene->arena, "%s/token", scene->script.url));
    return key;
}

/* Writes and frees. */
static const char *write_json(Scene *scene, const char *name, Json *json)
{
    const char *text = json_dump(json, &scene->arena);
    json_free(json);
    return arena_strdup(&scene->arena, temp_write(&scene->folder, name, text, strlen(text)));
}

static Json *parse_part(const char *text, size_t length, Arena *arena)
{
    char *copy = arena_alloc(arena, length + 4);
    for (size_t i = 0; i < length; i++)
        copy[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    while (length % 4 != 0)
        copy[length++] = '=';
    char *bytes = arena_alloc(arena, length);
    size_t size;
    Json *json = NULL;
    if (!base64_read((StrView){copy, length}, bytes, &size) ||
        !json_parse(bytes, size, "part", &json, NULL))
        abort();
    return json;
}

/* openssl itself says whether the signature is right. */
static void verify_signature(Scene *scene, const char *jwt)
{
    const char *dot = strrchr(jwt, '.');
    char *copy = arena_strdup(&scene->arena, dot + 1);
    size_t length = strlen(copy), size;
    char *text = arena_alloc(&scene->arena, length + 4),
         *bytes = arena_alloc(&scene->arena, length);
    for (size_t i = 0; i < length; i++)
        text[i] = copy[i] == '-' ? '+' : copy[i] == '_' ? '/' : copy[i];
    while (length % 4 != 0)
        text[length++] = '=';
    assert_true(base64_read((StrView){text, length}, bytes, &size));
    char signature[TEMP_PATH], signed_text[TEMP_PATH], public[TEMP_PATH];
    snprintf(signature, sizeof signature, "%s", temp_write(&scene->folder, "sig", bytes, size));
    snprintf(signed_text, sizeof signed_text, "%s",
             temp_write(&scene->folder, "signed", jwt, (size_t)(dot - jwt)));
    snprintf(public, sizeof public, "%s", temp_path(&keys, "public.pem"));
    run_openssl((const char *[]){"openssl", "dgst", "-sha256", "-verify", public, "-signature",
                                 signature, "-out", "/dev/null", signed_text, NULL});
}

static void check_claims(const char *jwt, int64_t now_s, Arena *arena)
{
    size_t first = strcspn(jwt, "."), second = strcspn(jwt + first + 1, ".");
    CLEANUP(json_free_ptr) Json *head = parse_part(jwt, first, arena);
    CLEANUP(json_free_ptr) Json *claims = parse_part(jwt + first + 1, second, arena);
    assert_string_equal(json_get_text(head, "alg"), "RS256");
    assert_string_equal(json_get_text(head, "typ"), "JWT");
    assert_string_equal(json_get_text(head, "kid"), "key-7");
    assert_string_equal(json_get_text(claims, "iss"), "robot@p.iam.gserviceaccount.com");
    assert_string_equal(json_get_text(claims, "aud"), "https://oauth2.googleapis.com/token");
    assert_string_equal(json_get_text(claims, "scope"),
                        "https://www.googleapis.com/auth/cloud-platform");
    int64_t iat = json_get_int(claims, "iat", 0);
    assert_true(llabs(iat - now_s) <= 60);
    assert_int_equal(json_get_int(claims, "exp", 0), iat + 3600);
}

static void a_key_signs_for_a_token(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /token", TOKEN("ya29.first", "3599")},
        {"POST /token", TOKEN("ya29.second", "3599")},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(find(&scene, write_json(&scene, "key.json", service_account(&scene))));
    assert_false(credentials_none(scene.credentials));
    assert_string_equal(credentials_kind(scene.credentials), "service account key");
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer ya29.first");
    assert_true(header(&scene)); /* kept */
    assert_string_equal(scene.header, "Bearer ya29.first");

    const char *body = script_body(&scene.script, 0);
    const char *prefix =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    assert_int_equal(strncmp(body, prefix, strlen(prefix)), 0);
    verify_signature(&scene, body + strlen(prefix));
    check_claims(body + strlen(prefix), clock_wall_us() / 1000000, &scene.arena);

    credentials_refused(scene.credentials, "Bearer something.else");
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer ya29.first");
    credentials_refused(scene.credentials, "Bearer ya29.first");
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer ya29.second");

    const char *identity, *project, *place;
    assert_true(credentials_identity(scene.credentials, &scene.arena, &identity, &scene.error));
    assert_string_equal(identity, "robot@p.iam.gserviceaccount.com");
    assert_true(
        credentials_project(scene.credentials, &scene.arena, &project, &place, &scene.error));
    assert_string_equal(project, "of-the-file");
    assert_non_null(strstr(place, "key.json"));
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

static void googles_clock_is_taken_when_ours_is_refused(void **state)
{
    (void)state;
    char refusal[512];
    /* Google's clock is two hours ahead. */
    time_t there = time(NULL) + 7200;
    char date[64];
    struct tm parts;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&there, &parts));
    snprintf(refusal, sizeof refusal,
             "400\nDate: %s\n\n{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: "
             "Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check "
             "your iat and exp values in the JWT claim.\"}",
             date);
    const ScriptStep steps[] = {{"POST /token", refusal}, {"POST /token", TOKEN("late", "3599")}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    log_configure(LOG_OFF, LOG_TEXT);
    assert_true(find(&scene, write_json(&scene, "key.json", service_account(&scene))));
    assert_true(header(&scene));
    const char *jwt = strstr(script_body(&scene.script, 1), "assertion=") + strlen("assertion=");
    check_claims(jwt, there, &scene.arena);
    assert_true(script_done(&scene.script));
    log_configure(LOG_INFO, LOG_TEXT);
    scene_close(&scene);
}

static void another_universe_signs_its_own_token(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Json *key = service_account(&scene);
    json_set_text(key, "universe_domain", "example-universe.goog");
    const char *path = write_json(&scene, "key.json", key);
    assert_true(find(&scene, path));
    assert_string_equal(credentials_universe(scene.credentials), "example-universe.goog");
    assert_true(header(&scene));
    verify_signature(&scene, scene.header + strlen("Bearer "));
    assert_int_equal(script_request_count(&scene.script), 0);
    setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "googleapis.com", 1);
    assert_false(find(&scene, path));
    assert_int_equal(scene.error.kind, ERROR_CONFIG);
    assert_non_null(strstr(scene.error.message, "example-universe.goog"));
    scene_close(&scene);
}

static void a_refusal_is_told_with_what_to_do(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /token",
         "400\n\n{\"error\":\"invalid_grant\",\"error_description\":\"Invalid grant: "
         "account not found\"}"},
        {"POST /token", "500\n\n{\"error\":\"internal_failure\"}"},
        {"POST /token", TOKEN("after", "3599")},
        {"POST /token", "400\n\n{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: "
                        "Token must be a short-lived token (60 minutes) and in a reasonable "
                        "timeframe. Check your iat and exp values in the JWT claim.\"}"},
        {"POST /token", "200\n\n{\"access_token\":\"with\\nline\"}"},
        {"POST /token", "200\n\n[]"},
        {"POST /token", "200\n\n{}"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    assert_true(find(&scene, write_json(&scene, "key.json", service_account(&scene))));
    assert_false(header(&scene));
    assert_int_equal(scene.error.kind, ERROR_TARGET);
    assert_false(scene.error.retryable);
    assert_non_null(strstr(scene.error.message, "Invalid grant: account not found"));
    assert_non_null(strstr(scene.error.message, "key.json"));
    assert_non_null(strstr(scene.error.hint, "make a new key"));
    assert_true(header(&scene)); /* what passes is waited for */
    assert_string_equal(scene.header, "Bearer after");
    credentials_refused(scene.credentials, "Bearer after");
    assert_false(header(&scene));
    assert_non_null(strstr(scene.error.hint, "the clock of this machine is off"));
    for (int i = 0; i < 3; i++) {
        credentials_refused(scene.credentials, "Bearer after");
        assert_false(header(&scene));
        assert_null(strstr(scene.error.message, "line"));
    }
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

/* Near its end a token is renewed; when that fails it is used as long as it is good. */
static void renewal_comes_before_the_end(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /token", TOKEN("short", "2")},
        {"POST /token", "400\n\n{\"error\":\"invalid_grant\"}"},
        {"POST /token", TOKEN("next", "\"3599\"")},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    log_configure(LOG_OFF, LOG_TEXT);
    assert_true(find(&scene, write_json(&scene, "key.json", service_account(&scene))));
    assert_true(header(&scene));
    assert_true(header(&scene));
    assert_int_equal(script_request_count(&scene.script), 1);
    clock_sleep_ms(1100); /* past the middle of its life */
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer short");
    clock_sleep_ms(1100); /* past its end */
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer next");
    assert_true(script_done(&scene.script));
    log_configure(LOG_INFO, LOG_TEXT);
    scene_close(&scene);
}

enum { THREADS = 8 };

static void *ask_for_header(void *argument)
{
    Scene *scene = argument;
    char text[CREDENTIALS_HEADER_MAX];
    Error error = {0};
    for (int i = 0; i < 20; i++) {
        if (!credentials_header(scene->credentials, NULL, text, &error) ||
            strcmp(text, "Bearer shared") != 0)
            abort();
    }
    return NULL;
}

static void threads_share_one_token(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"POST /token", TOKEN("shared", "3599")}};
    Scene scene;
    pthread_t threads[THREADS];
    SCENE_OPEN(&scene, steps);
    assert_true(find(&scene, write_json(&scene, "key.json", service_account(&scene))));
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, ask_for_header, &scene);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(script_request_count(&scene.script), 1);
    scene_close(&scene);
}

static void a_login_refreshes(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /token HTTP", TOKEN("user", "3599")},
        {"POST /token HTTP", TOKEN("user2", "3599")},
        {"GET /tokeninfo?access_token=user2 HTTP", "200\n\n{\"email\":\"ada@example.com\"}"},
        {"POST /token HTTP", TOKEN("user3", "3599")},
        {"GET /tokeninfo?access_token=user3 HTTP", "400\n\n{\"error\":\"invalid_request\"}"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Json *login = json_object_new();
    json_set_text(login, "type", "authorized_user");
    json_set_text(login, "client_id", "the id");
    json_set_text(login, "client_secret", "hush");
    json_set_text(login, "refresh_token", "1//refresh");
    json_set_text(login, "token_uri", arena_printf(&scene.arena, "%s/token", scene.script.url));
    json_set_text(login, "quota_project_id", "payer");
    json_set_text(login, "account", "");
    write_json(&scene, "application_default_credentials.json", login);
    assert_true(find(&scene, NULL)); /* in gcloud's folder */
    assert_string_equal(credentials_kind(scene.credentials), "gcloud user");
    assert_string_equal(credentials_quota_project(scene.credentials), "payer");
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer user");
    assert_string_equal(script_body(&scene.script, 0),
                        "grant_type=refresh_token&refresh_token=1%2F%2Frefresh&client_id=the%20id&"
                        "client_secret=hush");
    const char *identity;
    assert_true(credentials_identity(scene.credentials, &scene.arena, &identity, &scene.error));
    assert_string_equal(identity, "ada@example.com");

    assert_true(credentials_identity(scene.credentials, &scene.arena, &identity, &scene.error));
    assert_null(identity); /* nobody says */

    setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "other", 1);
    assert_true(find(&scene, NULL));
    assert_string_equal(credentials_quota_project(scene.credentials), "other");

    /* what is configured counts more than either */
    const CredentialsOptions said = {
        .http = scene.http, .quota_project = "said", .retry_budget_ms = 1000};
    credentials_free(scene.credentials);
    scene.credentials = NULL;
    assert_true(credentials_find(&said, &scene.credentials, &scene.error));
    assert_string_equal(credentials_quota_project(scene.credentials), "said");
    scene_close(&scene);
}

static Json *external_account(Scene *scene)
{
    Json *external = json_object_new();
    json_set_text(external, "type", "external_account");
    json_set_text(external, "audience",
                  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/"
                  "providers/x");
    json_set_text(external, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt");
    json_set_text(external, "token_url", arena_printf(&scene->arena, "%s/sts", scene->script.url));
    return external;
}

static void another_identity_is_exchanged(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /sts", TOKEN("federated", "3599")},
        {"POST /iam/serviceAccounts/robot@p.iam.gserviceaccount.com:generateAccessToken",
         "200\n\n{\"accessToken\":\"robot\",\"expireTime\":\"2099-01-01T00:00:00Z\"}"},
        {"GET /subject", "200\n\n{\"value\":\"subject-2\"}"},
        {"POST /sts", TOKEN("federated-2", "3599")},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Json *source = json_object_new(), *external = external_account(&scene);
    const char *url = scene.script.url;
    json_set_text(source, "file", temp_write(&scene.folder, "subject", "subject-1\n", 10));
    json_set(external, "credential_source", source);
    json_set_text(external, "service_account_impersonation_url",
                  arena_printf(&scene.arena,
                               "%s/iam/serviceAccounts/robot@p.iam.gserviceaccount.com:"
                               "generateAccessToken",
                               url));
    assert_true(find(&scene, write_json(&scene, "external.json", external)));
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer robot");
    const char *sent = script_body(&scene.script, 0);
    assert_non_null(
        strstr(sent, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&"));
    assert_non_null(strstr(sent, "&audience=%2F%2Fiam.googleapis.com%2Fprojects%2F1%2F"));
    assert_non_null(strstr(sent, "&subject_token=subject-1&"));
    assert_non_null(
        strstr(sent, "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt"));
    assert_non_null(strstr(script_request(&scene.script, 1), "Authorization: Bearer federated\n"));
    assert_string_equal(script_body(&scene.script, 1),
                        "{\"delegates\":[],\"scope\":[\"https://www.googleapis.com/auth/"
                        "cloud-platform\"],\"lifetime\":\"3600s\"}");
    const char *identity;
    assert_true(credentials_identity(scene.credentials, &scene.arena, &identity, &scene.error));
    assert_string_equal(identity, "robot@p.iam.gserviceaccount.com");

    Json *format = json_object_new(), *headers = json_object_new();
    source = json_object_new();
    external = external_account(&scene);
    json_set_text(source, "url", arena_printf(&scene.arena, "%s/subject", url));
    json_set_text(format, "type", "json");
    json_set_text(format, "subject_token_field_name", "value");
    json_set_text(headers, "X-Identity", "yes");
    json_set(source, "format", format);
    json_set(source, "headers", headers);
    json_set(external, "credential_source", source);
    assert_true(find(&scene, write_json(&scene, "external2.json", external)));
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer federated-2");
    assert_non_null(strstr(script_request(&scene.script, 2), "X-Identity: yes"));
    assert_non_null(strstr(script_body(&scene.script, 3), "&subject_token=subject-2&"));
    assert_true(credentials_identity(scene.credentials, &scene.arena, &identity, &scene.error));
    assert_non_null(strstr(identity, "workloadIdentityPools/p/providers/x"));
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

static void a_program_runs_only_when_allowed(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"POST /sts", TOKEN("program", "3599")}};
    static const char answer[] =
        "#!/bin/sh\necho \"{\\\"version\\\":1,\\\"success\\\":true,\\\"token_type\\\":"
        "\\\"urn:ietf:params:oauth:token-type:jwt\\\",\\\"id_token\\\":\\\"$1-"
        "$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE\\\"}\"\n";
    Scene scene;
    SCENE_OPEN(&scene, steps);
    const char *program = temp_write(&scene.folder, "program", answer, strlen(answer));
    chmod(program, 0700);
    Json *source = json_object_new(), *executable = json_object_new();
    Json *external = external_account(&scene);
    json_set_text(executable, "command", arena_printf(&scene.arena, "%s 'a b'", program));
    json_set(source, "executable", executable);
    json_set(external, "credential_source", source);
    const char *path = write_json(&scene, "external.json", external);
    assert_false(find(&scene, path));
    assert_int_equal(scene.error.kind, ERROR_CONFIG);
    assert_non_null(strstr(scene.error.hint, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"));
    setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1", 1);
    assert_true(find(&scene, path));
    assert_true(header(&scene));
    assert_non_null(strstr(script_body(&scene.script, 0), "&subject_token=a%20b-0&"));
    scene_close(&scene);
}

static void an_account_stands_for_another(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"POST /token", TOKEN("inner", "3599")},
        {"POST /iam/serviceAccounts/b@p:generateAccessToken",
         "403\n\n{\"error\":{\"code\":403,\"message\":\"denied\",\"status\":\"PERMISSION_DENIED\"}}"},
        {"POST /token", TOKEN("inner", "3599")},
        {"POST /iam/serviceAccounts/b@p:generateAccessToken",
         "200\n\n{\"accessToken\":\"outer\",\"expireTime\":\"2099-01-01T00:00:00Z\"}"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Json *file = json_object_new(), *delegates = json_array_new();
    json_append_text(delegates, "projects/-/serviceAccounts/middle@p");
    json_set_text(file, "type", "impersonated_service_account");
    json_set_text(file, "service_account_impersonation_url",
                  arena_printf(&scene.arena, "%s/iam/serviceAccounts/b@p:generateAccessToken",
                               scene.script.url));
    json_set(file, "delegates", delegates);
    json_set(file, "source_credentials", service_account(&scene));
    assert_true(find(&scene, write_json(&scene, "file.json", file)));
    assert_false(header(&scene));
    assert_non_null(strstr(scene.error.message, "denied"));
    assert_non_null(strstr(scene.error.hint, "roles/iam.serviceAccountTokenCreator"));
    assert_non_null(strstr(scene.error.hint, "on b@p"));
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer outer");
    assert_non_null(strstr(script_body(&scene.script, 3),
                           "\"delegates\":[\"projects/-/serviceAccounts/middle@p\"]"));
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

#define FLAVOR "200\nMetadata-Flavor: Google\n\n"

static void the_metadata_server_gives_tokens(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {
        {"GET /computeMetadata/v1/universe/universe-domain", "404\nMetadata-Flavor: Google\n\n"},
        {"GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww."
         "googleapis.com%2Fauth%2Fcloud-platform HTTP",
         FLAVOR "{\"access_token\":\"machine\",\"expires_in\":3599}"},
        {"GET /computeMetadata/v1/instance/service-accounts/default/email",
         FLAVOR "robot@developer.gserviceaccount.com\n"},
        {"GET /computeMetadata/v1/project/project-id", FLAVOR "of-the-machine"},
        {"GET /computeMetadata/v1/universe/universe-domain", "200\n\nan impostor"},
    };
    Scene scene;
    SCENE_OPEN(&scene, steps);
    setenv("GCE_METADATA_HOST", scene.script.url + strlen("http://"), 1);
    assert_true(find(&scene, NULL));
    assert_string_equal(credentials_kind(scene.credentials), "metadata server");
    assert_string_equal(credentials_universe(scene.credentials), "googleapis.com");
    assert_true(header(&scene));
    assert_string_equal(scene.header, "Bearer machine");
    assert_non_null(strstr(script_request(&scene.script, 1), "\nMetadata-Flavor: Google\n"));
    const char *identity, *project, *place;
    assert_true(credentials_identity(scene.credentials, &scene.arena, &identity, &scene.error));
    assert_string_equal(identity, "robot@developer.gserviceaccount.com");
    assert_true(
        credentials_project(scene.credentials, &scene.arena, &project, &place, &scene.error));
    assert_string_equal(project, "of-the-machine");
    assert_false(find(&scene, NULL));
    assert_non_null(strstr(scene.error.message, "no metadata server"));
    assert_true(script_done(&scene.script));
    scene_close(&scene);
}

static void nothing_is_told_with_where_was_looked(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
    assert_false(find(&scene, NULL));
    assert_non_null(strstr(scene.error.message, "metadata server 127.0.0.1:1"));
    assert_non_null(strstr(scene.error.message, "cannot connect"));
    setenv("NO_GCE_CHECK", "true", 1); /* counts more than the host, as in google-auth */
    assert_false(find(&scene, NULL));
    assert_non_null(strstr(scene.error.message, "no metadata server"));
    CredentialsOptions emulated = {.http = scene.http, .emulator = true};
    assert_true(credentials_find(&emulated, &scene.credentials, &scene.error));
    assert_true(credentials_none(scene.credentials));
    unsetenv("NO_GCE_CHECK");
    setenv("METADATA_SERVER_DETECTION", "none", 1);
    assert_false(find(&scene, NULL));
    assert_int_equal(scene.error.kind, ERROR_CONFIG);
    assert_non_null(strstr(scene.error.message, "GOOGLE_APPLICATION_CREDENTIALS"));
    assert_non_null(strstr(scene.error.message, scene.folder.path));
    assert_non_null(strstr(scene.error.message, "metadata"));
    assert_non_null(strstr(scene.error.hint, "gcloud auth application-default login"));

    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file.json", 1);
    assert_false(find(&scene, NULL));
    assert_non_null(strstr(scene.error.message, "/no/such/file.json"));
    assert_non_null(strstr(scene.error.message, "does not exist"));
    setenv("GOOGLE_APPLICATION_CREDENTIALS", scene.folder.path, 1);
    assert_false(find(&scene, NULL)); /* a folder */
    assert_int_equal(scene.error.kind, ERROR_CONFIG);

    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    CredentialsOptions options = {.http = scene.http, .emulator = true};
    assert_true(credentials_find(&options, &scene.credentials, &scene.error));
    assert_true(credentials_none(scene.credentials));
    assert_string_equal(credentials_kind(scene.credentials), "none");
    assert_true(header(&scene));
    assert_string_equal(scene.header, "");
    scene_close(&scene);
}

/* An emulator gets no token of a person who happens to be logged in. */
static void an_emulator_gets_only_what_is_named(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    write_json(&scene, "application_default_credentials.json", service_account(&scene));
    CredentialsOptions options = {.http = scene.http, .emulator = true};
    assert_true(credentials_find(&options, &scene.credentials, &scene.error));
    assert_true(credentials_none(scene.credentials));
    credentials_free(scene.credentials);
    setenv("GOOGLE_APPLICATION_CREDENTIALS",
           temp_path(&scene.folder, "application_default_credentials.json"), 1);
    assert_true(credentials_find(&options, &scene.credentials, &scene.error));
    assert_false(credentials_none(scene.credentials));
    scene_close(&scene);
}

/* Each names the file and the field, and none of what is in it. */
static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"", "is no JSON object"},
        {"[\"SECRET\"]", "is no JSON object"},
        {"{\"private_key\":\"SECRET", "is no JSON object"},
        {"{\"SECRET\":1,\"SECRET\":2}", "is no JSON object"},
        {"{}", "\"type\" is missing"},
        {"{\"type\":7}", "\"type\" is not a text"},
        {"{\"type\":\"SECRET\"}", "\"type\" is none that is known"},
        {"{\"installed\":{}}", "OAuth client"},
        {"{\"type\":\"service_account\"}", "\"client_email\" is missing"},
        {"{\"type\":\"service_account\",\"client_email\":\"a@b\"}", "\"private_key\" is missing"},
        {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"SECRET\"}",
         "\"private_key\": it is no private key in PEM form"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"SECRET\"}", "\"client_secret\" is missing"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"a\",\"client_secret\":\"SECRET\","
         "\"refresh_token\":\"SECRET\",\"token_uri\":\"http://remote.example/token\"}",
         "\"token_uri\" must be an https URL"},
        {"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\","
         "\"token_url\":\"https://sts.googleapis.com/v1/token\"}",
         "\"credential_source\" is missing"},
        {"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\","
         "\"token_url\":\"https://sts.googleapis.com/v1/token\",\"credential_source\":"
         "{\"environment_id\":\"aws1\"}}",
         "AWS"},
        {"{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":"
         "\"https://x\"}",
         "\"source_credentials\" is missing"},
        {"{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":"
         "\"https://x\",\"source_credentials\":{\"type\":\"impersonated_service_account\"}}",
         "\"delegates\""},
    };
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Scene scene;
        SCENE_OPEN(&scene, steps);
        const char *path =
            temp_write(&scene.folder, "bad.json", rows[i].text, strlen(rows[i].text));
        assert_false(find(&scene, path));
        assert_int_equal(scene.error.kind, ERROR_CONFIG);
        assert_non_null(strstr(scene.error.message, rows[i].said));
        assert_non_null(strstr(scene.error.message, "bad.json"));
        assert_null(strstr(scene.error.message, "SECRET"));
        assert_null(strstr(scene.error.hint, "SECRET"));
        scene_close(&scene);
    }
}

static void keys_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    Scene scene;
    SCENE_OPEN(&scene, steps);
    static const char *const algorithms[][2] = {{"RSA", "rsa_keygen_bits:1024"},
                                                {"EC", "ec_paramgen_curve:P-256"}};
    static const char *const said[] = {"1024 bits", "no RSA key"};
    for (size_t i = 0; i < 2; i++) {
        char pem[TEMP_PATH], text[8192];
        snprintf(pem, sizeof pem, "%s", temp_keep(&scene.folder, i ? "ec.pem" : "short.pem"));
        run_openssl((const char *[]){"openssl", "genpkey", "-quiet", "-algorithm", algorithms[i][0],
                                     "-pkeyopt", algorithms[i][1], "-out", pem, NULL});
        read_file(pem, text, sizeof text);
        Json *key = service_account(&scene);
        json_set_text(key, "private_key", text);
        assert_false(find(&scene, write_json(&scene, i ? "ec.json" : "short.json", key)));
        assert_non_null(strstr(scene.error.message, said[i]));
    }
    scene_close(&scene);
}

static void projects_are_looked_for_in_order(void **state)
{
    (void)state;
    static const ScriptStep steps[] = {{"NOTHING", ""}};
    static const char ini[] = "[compute]\nproject = wrong\n[core]\naccount = a@b\n"
                              "project = of-gcloud \n# project = commented\n";
    Scene scene;
    SCENE_OPEN(&scene, steps);
    Json *key = service_account(&scene);
    json_set(key, "project_id", NULL);
    const char *path = write_json(&scene, "key.json", key);
    temp_folder(&scene.folder, "configurations");
    temp_write(&scene.folder, "configurations/config_work", ini, strlen(ini));
    temp_write(&scene.folder, "active_config", "work", 4);
    const char *project, *place;
    assert_true(find(&scene, path));
    assert_true(
        credentials_project(scene.credentials, &scene.arena, &project, &place, &scene.error));
    assert_string_equal(project, "of-gcloud");
    setenv("CLOUDSDK_ACTIVE_CONFIG_NAME", "other", 1);
    assert_true(
        credentials_project(scene.credentials, &scene.arena, &project, &place, &scene.error));
    assert_null(project);
    setenv("CLOUDSDK_CORE_PROJECT", "of-the-variable", 1);
    assert_true(
        credentials_project(scene.credentials, &scene.arena, &project, &place, &scene.error));
    assert_string_equal(project, "of-the-variable");
    setenv("GCLOUD_PROJECT", "second", 1);
    setenv("GOOGLE_CLOUD_PROJECT", "first", 1);
    assert_true(
        credentials_project(scene.credentials, &scene.arena, &project, &place, &scene.error));
    assert_string_equal(project, "first");
    assert_string_equal(place, "GOOGLE_CLOUD_PROJECT");
    unsetenv("GOOGLE_CLOUD_PROJECT");
    assert_true(
        credentials_project(scene.credentials, &scene.arena, &project, &place, &scene.error));
    assert_string_equal(project, "second");
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_signs_for_a_token),
        cmocka_unit_test(googles_clock_is_taken_when_ours_is_refused),
        cmocka_unit_test(another_universe_signs_its_own_token),
        cmocka_unit_test(a_refusal_is_told_with_what_to_do),
        cmocka_unit_test(renewal_comes_before_the_end),
        cmocka_unit_test(threads_share_one_token),
        cmocka_unit_test(a_login_refreshes),
        cmocka_unit_test(another_identity_is_exchanged),
        cmocka_unit_test(a_program_runs_only_when_allowed),
        cmocka_unit_test(an_account_stands_for_another),
        cmocka_unit_test(the_metadata_server_gives_tokens),
        cmocka_unit_test(nothing_is_told_with_where_was_looked),
        cmocka_unit_test(an_emulator_gets_only_what_is_named),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(keys_that_do_not_fit_are_refused),
        cmocka_unit_test(projects_are_looked_for_in_order),
    };
    return cmocka_run_group_tests_name("net/credentials", tests, make_key, remove_key);
}
