/* SPDX-License-Identifier: Apache-2.0 */
/* net_sample COMMAND …: single pieces of src/net/, driven by tests/tools/test_net_sample.py against
 * servers that are not ours. Prints one JSON object: the result, and the calls that were made. */
#include "base/cancel.h"
#include "base/log.h"
#include "net/gcs.h"

#include <stdlib.h>
#include <string.h>

typedef struct Sample {
    HttpClient *http;
    Credentials *credentials;
    GoogleApi *bigquery;
    GoogleApi *storage;
    Arena arena;
    Json *result;
    Error error;
} Sample;

typedef struct Command {
    const char *name;
    int arguments;
    bool (*run)(Sample *sample, char **words);
} Command;

static bool open_sample(Sample *sample)
{
    Arena *arena = &sample->arena;
    Error *error = &sample->error;
    GoogleEndpoint bigquery, storage;
    if (!google_endpoint(&google_bigquery, NULL, "", arena, &bigquery, error) ||
        !google_endpoint(&google_storage, NULL, "", arena, &storage, error))
        return false;
    const char *budget = getenv("NET_SAMPLE_BUDGET_MS");
    int64_t budget_ms = budget ? strtoll(budget, NULL, 10) : 20000;
    sample->http = http_client_new(&(HttpOptions){.silence_ms = 2000});
    CredentialsOptions options = {
        .http = sample->http, .emulator = bigquery.plain, .retry_budget_ms = budget_ms};
    GoogleApiOptions api = {.service = &google_bigquery,
                            .endpoint = bigquery.url,
                            .http = sample->http,
                            .retry_budget_ms = budget_ms};
    if (!credentials_find(&options, &sample->credentials, error))
        return false;
    api.credentials = sample->credentials;
    if (!google_api_new(&api, &sample->bigquery, error))
        return false;
    api.service = &google_storage;
    api.endpoint = storage.url;
    return google_api_new(&api, &sample->storage, error);
}

static GcsScope scope_of(Sample *sample, const char *bucket)
{
    return (GcsScope){.api = sample->storage, .bucket = bucket};
}

static bool identity(Sample *sample, char **words)
{
    const char *who, *project, *place;
    GoogleCall call = {.id = "bigquery.datasets.list", .method = "GET"};
    (void)words;
    if (!credentials_identity(sample->credentials, &sample->arena, &who, &sample->error) ||
        !credentials_project(sample->credentials, &sample->arena, &project, &place, &sample->error))
        return false;
    json_set_text(sample->result, "kind", credentials_kind(sample->credentials));
    json_set_text(sample->result, "identity", who);
    json_set_text(sample->result, "project", project);
    call.path = url_path(&sample->arena, "/projects/%s/datasets", project ? project : "p");
    return google_call(sample->bigquery, &call, NULL, NULL, &sample->error);
}

/* What a test can expect without being told: the same as in test_net_sample.py. */
static char byte_at(uint64_t offset)
{
    return (char)((offset * 2654435761U) >> 13);
}

static bool write_pattern(Resumable *upload, uint64_t size, Error *error)
{
    for (uint64_t done = 0; done < size;) {
        char *at;
        size_t room;
        if (!resumable_reserve(upload, &at, &room, error))
            return false;
        size_t piece = room < size - done ? room : (size_t)(size - done);
        for (size_t i = 0; i < piece; i++)
            at[i] = byte_at(done + i);
        resumable_advance(upload, piece);
        done += piece;
    }
    return resumable_hold(upload, error);
}

/* BUCKET NAME SIZE CHUNK IF_GENERATION */
static bool upload(Sample *sample, char **words)
{
    CLEANUP(resumable_close_ptr) Resumable *upload = NULL;
    GcsScope scope = scope_of(sample, words[0]);
    GcsUpload options = {
        .name = words[1],
        .chunk_size = strtoull(words[3], NULL, 10),
        .if_generation = strtoll(words[4], NULL, 10),
    };
    GcsObject object;
    bool written;
    if (!gcs_upload_open(&scope, &options, &upload, &sample->error) ||
        !write_pattern(upload, strtoull(words[2], NULL, 10), &sample->error) ||
        !gcs_upload_finish(&scope, upload, &sample->arena, &object, &written, &sample->error))
        return false;
    json_set_bool(sample->result, "written", written);
    json_set_int(sample->result, "generation", object.generation);
    return true;
}

/* BUCKET NAME SIZE: held, then given up */
static bool abandon(Sample *sample, char **words)
{
    CLEANUP(resumable_close_ptr) Resumable *upload = NULL;
    GcsScope scope = scope_of(sample, words[0]);
    GcsUpload options = {.name = words[1], .if_generation = GCS_ABSENT, .chunk_size = 1};
    return gcs_upload_open(&scope, &options, &upload, &sample->error) &&
           write_pattern(upload, strtoull(words[2], NULL, 10), &sample->error);
}

/* BUCKET NAME TEXT IF_GENERATION */
static bool put(Sample *sample, char **words)
{
    GcsScope scope = scope_of(sample, words[0]);
    GcsWrite write = {
        .name = words[1],
        .content_type = "text/plain",
        .bytes = view_of(words[2]),
        .if_generation = strtoll(words[3], NULL, 10),
    };
    int64_t generation;
    bool written;
    if (!gcs_write(&scope, &write, &generation, &written, &sample->error))
        return false;
    json_set_bool(sample->result, "written", written);
    json_set_int(sample->result, "generation", generation);
    return true;
}

/* BUCKET NAME */
static bool get(Sample *sample, char **words)
{
    Buffer body;
    GcsScope scope = scope_of(sample, words[0]);
    GcsObject object;
    buffer_init(&body, 1024 * 1024);
    bool done = gcs_read(&scope, words[1], &sample->arena, &object, &body, &sample->error);
    if (done && object.generation != 0) {
        json_set_text(sample->result, "text",
                      arena_strndup(&sample->arena, body.length ? body.data : "", body.length));
        json_set_int(sample->result, "generation", object.generation);
    }
    buffer_done(&body);
    return done;
}

static bool check_piece(void *context, const void *bytes, size_t size, Error *error)
{
    uint64_t *offset = context;
    const char *text = bytes;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != byte_at(*offset + i))
            return error_set(error, ERROR_DATA, "byte %llu differs",
                             (unsigned long long)(*offset + i));
    }
    *offset += size;
    return true;
}

/* BUCKET NAME: an object that `upload` made, compared byte by byte */
static bool download(Sample *sample, char **words)
{
    GcsScope scope = scope_of(sample, words[0]);
    GcsObject object;
    bool found, gone;
    uint64_t size = 0;
    if (!gcs_stat(&scope, words[1], &sample->arena, &object, &found, &sample->error) || !found ||
        !gcs_download(&scope, &object, check_piece, &size, &gone, &sample->error))
        return false;
    json_set_int(sample->result, "size", (int64_t)size);
    return true;
}

/* BUCKET NAME IF_GENERATION */
static bool remove_object(Sample *sample, char **words)
{
    bool deleted;
    GcsScope scope = scope_of(sample, words[0]);
    if (!gcs_delete(&scope, words[1], strtoll(words[2], NULL, 10), &deleted, &sample->error))
        return false;
    json_set_bool(sample->result, "deleted", deleted);
    return true;
}

static bool add_name(void *context, const GcsObject *object, Error *error)
{
    (void)error;
    json_append_text(context, object->name);
    return true;
}

/* BUCKET PREFIX */
static bool list(Sample *sample, char **words)
{
    GcsScope scope = scope_of(sample, words[0]);
    Json *names = json_array_new();
    json_set(sample->result, "names", names);
    return gcs_list(&scope, words[1], add_name, names, &sample->error);
}

/* BUCKET */
static bool bucket(Sample *sample, char **words)
{
    GcsScope scope = scope_of(sample, words[0]);
    GcsBucket bucket;
    bool found;
    if (!gcs_bucket(&scope, &sample->arena, &bucket, &found, &sample->error))
        return false;
    json_set_bool(sample->result, "found", found);
    json_set_text(sample->result, "location", bucket.location);
    return true;
}

/* PROJECT JOB_JSON TEXT COPIES: a load job whose data is TEXT, COPIES times */
static bool load(Sample *sample, char **words)
{
    CLEANUP(resumable_close_ptr) Resumable *upload = NULL;
    CLEANUP(json_free_ptr) Json *job = NULL, *answer = NULL;
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    if (!json_parse(words[1], strlen(words[1]), "job", &job, &sample->error))
        return false;
    ResumableOptions options = {
        .api = sample->bigquery,
        .id = "bigquery.jobs.insert",
        .what = "load",
        .path = url_path(&sample->arena, "/projects/%s/jobs", words[0]),
        .metadata = job,
        .chunk_size = RESUMABLE_UNIT,
    };
    if (!resumable_open(&options, &upload, &sample->error))
        return false;
    for (long copies = strtol(words[3], NULL, 10); copies > 0; copies--) {
        if (!resumable_write(upload, words[2], strlen(words[2]), &sample->error))
            return false;
    }
    bool done = resumable_finish(upload, &answer, &failure, &sample->error);
    json_set_text(sample->result, "reason", failure.reason);
    json_set_int(sample->result, "status", failure.status);
    if (done)
        json_set(sample->result, "job", json_clone(answer));
    return done;
}

static void add_counts(Sample *sample)
{
    const HttpCount *counts;
    size_t count;
    Json *object = json_object_new();
    http_counts(sample->http, &sample->arena, &counts, &count);
    for (size_t i = 0; i < count; i++)
        json_set_int(object, counts[i].id, (int64_t)counts[i].calls);
    json_set(sample->result, "counts", object);
}

static int run(Sample *sample, const Command *command, char **words)
{
    sample->result = json_object_new();
    bool done = open_sample(sample) && command->run(sample, words);
    if (!done) {
        json_set_text(sample->result, "error", sample->error.message);
        json_set_text(sample->result, "hint", sample->error.hint);
        json_set_bool(sample->result, "retryable", sample->error.retryable);
    }
    if (sample->http)
        add_counts(sample);
    json_print(stdout, sample->result, false);
    json_free(sample->result);
    google_api_free(sample->bigquery);
    google_api_free(sample->storage);
    credentials_free(sample->credentials);
    http_client_free(sample->http);
    arena_done(&sample->arena);
    return done ? 0 : error_exit_code(sample->error.kind);
}

int main(int argument_count, char **arguments)
{
    static const Command commands[] = {
        {"identity", 0, identity},
        {"upload", 5, upload},
        {"abandon", 3, abandon},
        {"put", 4, put},
        {"get", 2, get},
        {"download", 2, download},
        {"delete", 3, remove_object},
        {"list", 2, list},
        {"bucket", 1, bucket},
        {"load", 4, load},
    };
    Sample sample = {0};
    cancel_install();
    log_configure(LOG_DEBUG, LOG_TEXT);
    for (size_t i = 0; argument_count > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, arguments[1]) == 0 &&
            argument_count == commands[i].arguments + 2)
            return run(&sample, &commands[i], arguments + 2);
    }
    fprintf(stderr, "usage: net_sample COMMAND …\n");
    return 2;
}
