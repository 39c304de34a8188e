/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gcs.h"

#include "base/base64.h"
#include "base/crc32c.h"
#include "base/id.h"
#include "net/retry.h"

#include <stdio.h>
#include <string.h>

enum { CRC_TEXT = 9, INT_TEXT = 24, PIECE = 4 * 1024 * 1024, REFUSAL_MAX = 64 * 1024 };

static const char writer_key[] = "bqferry-writer";
static const char octets[] = "application/octet-stream";

static void int_text(int64_t number, char *text)
{
    snprintf(text, INT_TEXT, "%lld", (long long)number);
}

/* Big-endian, base64. */
static void crc_text(uint32_t crc, char *text)
{
    unsigned char bytes[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                              (unsigned char)(crc >> 8), (unsigned char)crc};
    *base64_write(text, bytes, sizeof bytes) = '\0';
}

static bool read_crc(const char *text, uint32_t *ret_crc)
{
    unsigned char bytes[6];
    size_t size;
    if (!text || strlen(text) != CRC_TEXT - 1 || !base64_read(view_of(text), bytes, &size) ||
        size != 4)
        return false;
    *ret_crc =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return true;
}

static char *object_path(const GcsScope *scope, const char *name, Arena *arena)
{
    return url_path(arena, "/b/%s/o/%s", scope->bucket, name);
}

static GoogleCall call_of(const GcsScope *scope, const char *id, const char *method,
                          const char *path)
{
    return (GoogleCall){
        .id = id,
        .method = method,
        .path = path,
        .stop = scope->stop,
        .job = scope->job,
        .last_words = scope->last_words,
    };
}

static GcsObject object_of(const Json *json, Arena *arena)
{
    GcsObject object = {
        .name = arena_strdup(arena, json_get_text(json, "name")),
        .generation = google_int(json, "generation", 0),
        .size = (uint64_t)google_int(json, "size", 0),
        .updated = arena_strdup(arena, json_get_text(json, "updated")),
        .writer = arena_strdup(arena, json_get_text(json_get(json, "metadata"), writer_key)),
    };
    object.has_crc32c = read_crc(json_get_text(json, "crc32c"), &object.crc32c);
    return object;
}

static bool with_object(const GcsScope *scope, const char *name, Error *error)
{
    if (error && error->kind != ERROR_CANCELLED)
        error_prefix(error, "gs://%s/%s", scope->bucket, name);
    return false;
}

/* *error is touched only by what fails for the caller, too. */
static bool fail_at(const GcsScope *scope, const char *name, const Error *problem, Error *error)
{
    if (error)
        *error = *problem;
    return with_object(scope, name, error);
}

bool gcs_stat(const GcsScope *scope, const char *name, Arena *arena, GcsObject *ret_object,
              bool *ret_found, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    GoogleCall call = call_of(scope, "storage.objects.get", "GET", object_path(scope, name, arena));
    *ret_object = (GcsObject){0};
    Error problem = {0};
    *ret_found = google_call(scope->api, &call, &json, &failure, &problem);
    if (!*ret_found)
        return failure.status == 404 || fail_at(scope, name, &problem, error);
    *ret_object = object_of(json, arena);
    if (!ret_object->name)
        ret_object->name = arena_strdup(arena, name);
    if (ret_object->generation > 0)
        return true;
    error_set_retryable(error, ERROR_TARGET, "the answer names no generation");
    return with_object(scope, name, error);
}

/* Requests whose bodies are not JSON: one exchange, tried again as google_call does. */
typedef struct Raw {
    const GcsScope *scope;
    HttpRequest request;
    HttpResponse response;
    GoogleFailure failure;
    bool repeated; /* an earlier try may have been carried out */
} Raw;

static void raw_done(Raw *raw)
{
    http_response_done(&raw->response);
    google_failure_done(&raw->failure);
}

static bool raw_exchange(Raw *raw, Error *error)
{
    google_failure_done(&raw->failure);
    raw->failure = (GoogleFailure){.reason = "", .message = ""};
    if (!google_send(raw->scope->api, &raw->request, &raw->response, error))
        return false;
    if (raw->response.status >= 200 && raw->response.status < 300)
        return true;
    return google_refused(raw->scope->api, "Cloud Storage", &raw->response, &raw->failure, error);
}

static bool raw_send(Raw *raw, Error *error)
{
    const GcsScope *scope = raw->scope;
    RetryOptions options = {
        .budget_ms = scope->last_words ? 0 : google_api_retry_budget_ms(scope->api),
        .id = raw->request.id,
        .job = scope->job,
        .stop = scope->stop,
        .counts = google_api_http(scope->api),
    };
    Error own = {0};
    error = error ? error : &own;
    raw->request.stop = scope->stop;
    raw->request.job = scope->job;
    raw->request.last_words = scope->last_words;
    raw->request.total_ms = scope->last_words ? google_last_words_ms() : 0;
    Retry retry;
    retry_init(&retry, &options);
    for (;;) {
        bool done = raw_exchange(raw, error);
        raw->repeated |= raw->response.resent;
        if (done)
            return true;
        bool effect = raw->response.outcome == HTTP_ANSWERED ? raw->response.status >= 500
                                                             : raw->response.may_count;
        if (!retry_again(&retry, http_retry_after_ms(&raw->response), error))
            return false;
        raw->repeated |= effect;
    }
}

/* A piece of an object's content, into raw->response.body. */
static bool get_piece(const GcsScope *scope, const GcsObject *object, uint64_t offset, size_t size,
                      Raw *raw, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    char generation[INT_TEXT], range[64];
    int_text(object->generation, generation);
    snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)offset,
             (unsigned long long)(offset + size - 1));
    const UrlParam query[] = {{"alt", "media"}, {"generation", generation}, {NULL, NULL}};
    HttpHeader headers[] = {{"Accept-Encoding", "gzip"}, {"Range", range}};
    bool whole = offset == 0 && size == object->size;
    *raw = (Raw){
        .scope = scope,
        .request =
            {
                .id = "storage.objects.get",
                .method = "GET",
                .url = url_join(&arena, google_api_url(scope->api),
                                object_path(scope, object->name, &arena), query),
                .headers = headers,
                .header_count = whole ? 1 : 2,
                .response_max = size + REFUSAL_MAX,
                .as_stored = true,
            },
    };
    if (!raw_send(raw, error)) {
        if (raw->failure.status == 404 && error)
            error->retryable = true; /* replaced meanwhile: look again */
        return with_object(scope, object->name, error);
    }
    if (raw->response.body.length == size)
        return true;
    error_set_retryable(error, ERROR_TARGET,
                        "Cloud Storage gave %zu bytes where %zu were asked for",
                        raw->response.body.length, size);
    return with_object(scope, object->name, error);
}

static bool check_crc(const GcsScope *scope, const GcsObject *object, uint32_t crc, Error *error)
{
    if (!object->has_crc32c || object->crc32c == crc)
        return true;
    error_set_retryable(error, ERROR_TARGET,
                        "the content's CRC32C is %08x where Cloud Storage keeps %08x",
                        (unsigned)crc, (unsigned)object->crc32c);
    return with_object(scope, object->name, error);
}

bool gcs_download(const GcsScope *scope, const GcsObject *object, GcsTake *take, void *context,
                  bool *ret_gone, Error *error)
{
    uint32_t crc = 0;
    *ret_gone = false;
    for (uint64_t offset = 0; offset < object->size;) {
        CLEANUP(raw_done) Raw raw = {0};
        uint64_t left = object->size - offset;
        size_t size = left < PIECE ? (size_t)left : PIECE;
        if (!get_piece(scope, object, offset, size, &raw, error)) {
            *ret_gone = raw.failure.status == 404;
            return false;
        }
        crc = crc32c_extend(crc, raw.response.body.data, size);
        if (!take(context, raw.response.body.data, size, error))
            return false;
        offset += size;
    }
    return check_crc(scope, object, crc, error);
}

static bool append_piece(void *context, const void *bytes, size_t size, Error *error)
{
    return buffer_append(context, bytes, size, error);
}

static bool check_size(const GcsScope *scope, const GcsObject *object, const Buffer *body,
                       Error *error)
{
    if (object->size <= body->max)
        return true;
    error_set(error, ERROR_TARGET, "it has %llu bytes, at most %zu are expected",
              (unsigned long long)object->size, body->max);
    return with_object(scope, object->name, error);
}

bool gcs_read(const GcsScope *scope, const char *name, Arena *arena, GcsObject *ret_object,
              Buffer *body, Error *error)
{
    enum { TRIES = 5 };
    Error problem = {0};
    bool gone = true, found;
    for (int try = 0; gone && try < TRIES; try++) { /* a lock is written anew all the time */
        problem = (Error){0};
        gone = false;
        buffer_clear(body);
        if (!gcs_stat(scope, name, arena, ret_object, &found, &problem))
            break;
        if (!found)
            return true;
        if (check_size(scope, ret_object, body, &problem) &&
            gcs_download(scope, ret_object, append_piece, body, &gone, &problem))
            return true;
    }
    if (error)
        *error = problem;
    return false;
}

/* The object resource of an upload. */
static Json *resource_of(const char *name, const char *content_type, const char *writer)
{
    Json *resource = json_object_new(), *metadata = json_object_new();
    json_set_text(resource, "name", name);
    json_set_text(resource, "contentType", content_type ? content_type : octets);
    json_set_text(metadata, writer_key, writer);
    json_set(resource, "metadata", metadata);
    return resource;
}

/* NULL for GCS_ANY. */
static const char *condition_text(int64_t if_generation, char *text)
{
    if (if_generation == GCS_ANY)
        return NULL;
    int_text(if_generation, text);
    return text;
}

/* Is what is there of this writer? */
static bool is_mine(const GcsScope *scope, const char *name, const char *writer, Arena *arena,
                    GcsObject *ret_object, Error *error)
{
    bool found = false;
    Error problem = {0};
    if (!gcs_stat(scope, name, arena, ret_object, &found, &problem)) {
        if (error)
            *error = problem;
        return false;
    }
    return found && ret_object->writer && strcmp(ret_object->writer, writer) == 0;
}

static bool send_multipart(Raw *raw, const GcsWrite *write, const char *writer, Arena *arena,
                           Error *error)
{
    const GcsScope *scope = raw->scope;
    CLEANUP(json_free_ptr) Json *resource = resource_of(write->name, write->content_type, writer);
    char boundary[ID_SIZE], crc[CRC_TEXT], condition[INT_TEXT];
    id_new_run(boundary);
    crc_text(crc32c_extend(0, write->bytes.data, write->bytes.length), crc);
    json_set_text(resource, "crc32c", crc);
    const UrlParam query[] = {
        {"uploadType", "multipart"},
        {"ifGenerationMatch", condition_text(write->if_generation, condition)},
        {NULL, NULL},
    };
    const char *head =
        arena_printf(arena,
                     "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n%s\r\n--%s\r\n"
                     "Content-Type: %s\r\n\r\n",
                     boundary, json_dump(resource, arena), boundary,
                     write->content_type ? write->content_type : octets);
    const char *tail = arena_printf(arena, "\r\n--%s--\r\n", boundary);
    StrView parts[] = {view_of(head), write->bytes, view_of(tail)};
    HttpHeader header = {"Content-Type",
                         arena_printf(arena, "multipart/related; boundary=%s", boundary)};
    raw->request = (HttpRequest){
        .id = "storage.objects.insert",
        .method = "POST",
        .url = url_join(arena, google_api_upload_url(scope->api),
                        url_path(arena, "/b/%s/o", scope->bucket), query),
        .headers = &header,
        .header_count = 1,
        .body = parts,
        .body_count = sizeof parts / sizeof *parts,
    };
    return raw_send(raw, error);
}

bool gcs_write(const GcsScope *scope, const GcsWrite *write, int64_t *ret_generation,
               bool *ret_written, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(raw_done) Raw raw = {.scope = scope};
    char made_up[ID_SIZE];
    const char *writer = write->writer ? write->writer : made_up;
    GcsObject object = {0};
    Error problem = {0};
    id_new_run(made_up);
    *ret_generation = 0;
    *ret_written = send_multipart(&raw, write, writer, &arena, &problem);
    if (*ret_written) {
        CLEANUP(json_free_ptr) Json *json = NULL;
        (void)json_parse(raw.response.body.data ? raw.response.body.data : "",
                         raw.response.body.length, "answer", &json, NULL);
        object = object_of(json, &arena);
    } else if (raw.failure.status != 412) {
        return fail_at(scope, write->name, &problem, error);
    } else if (raw.repeated) {
        problem = (Error){0};
        *ret_written = is_mine(scope, write->name, writer, &arena, &object, &problem);
        if (problem.kind != ERROR_NONE) {
            if (error)
                *error = problem;
            return false;
        }
    }
    *ret_generation = object.generation;
    if (!*ret_written || object.generation > 0)
        return true;
    error_set(error, ERROR_TARGET, "the answer to a write names no generation");
    return with_object(scope, write->name, error);
}

bool gcs_delete(const GcsScope *scope, const char *name, int64_t if_generation, bool *ret_deleted,
                Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    char condition[INT_TEXT];
    const UrlParam query[] = {
        {"ifGenerationMatch", condition_text(if_generation, condition)},
        {NULL, NULL},
    };
    GoogleCall call =
        call_of(scope, "storage.objects.delete", "DELETE", object_path(scope, name, &arena));
    call.query = query;
    Error problem = {0};
    bool deleted =
        google_call(scope->api, &call, NULL, &failure, &problem) || failure.status == 404;
    if (ret_deleted)
        *ret_deleted = deleted;
    if (deleted || failure.status == 412)
        return true;
    return fail_at(scope, name, &problem, error);
}

typedef struct Listing {
    GcsEach *take;
    void *context;
} Listing;

static bool list_page(void *context, const Json *page, Error *error)
{
    const Listing *listing = context;
    const Json *items = json_get(page, "items");
    for (size_t i = 0; i < json_count(items); i++) {
        CLEANUP(arena_done) Arena arena = {0};
        GcsObject object = object_of(json_at(items, i), &arena);
        if (!object.name)
            return error_set(error, ERROR_TARGET, "Cloud Storage lists an object without a name");
        if (!listing->take(listing->context, &object, error))
            return false;
    }
    return true;
}

bool gcs_list(const GcsScope *scope, const char *prefix, GcsEach *take, void *context, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    const UrlParam query[] = {
        {"prefix", prefix},
        {"maxResults", "1000"},
        {"fields", "items(name,generation,size,crc32c,updated,metadata),nextPageToken"},
        {NULL, NULL},
    };
    GoogleCall call =
        call_of(scope, "storage.objects.list", "GET", url_path(&arena, "/b/%s/o", scope->bucket));
    call.query = query;
    Listing listing = {take, context};
    Error problem = {0};
    return google_pages(scope->api, &call, list_page, &listing, &failure, &problem) ||
           failure.status == 404 || fail_at(scope, prefix ? prefix : "", &problem, error);
}

bool gcs_upload_open(const GcsScope *scope, const GcsUpload *options, Resumable **ret_upload,
                     Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    char made_up[ID_SIZE], condition[INT_TEXT];
    id_new_run(made_up);
    CLEANUP(json_free_ptr)
    Json *resource = resource_of(options->name, options->content_type,
                                 options->writer ? options->writer : made_up);
    const UrlParam query[] = {
        {"ifGenerationMatch", condition_text(options->if_generation, condition)},
        {NULL, NULL},
    };
    ResumableOptions upload = {
        .api = scope->api,
        .id = "storage.objects.insert",
        .what = arena_printf(&arena, "gs://%s/%s", scope->bucket, options->name),
        .path = url_path(&arena, "/b/%s/o", scope->bucket),
        .query = query,
        .metadata = resource,
        .content_type = options->content_type ? options->content_type : octets,
        .chunk_size = options->chunk_size,
        .stop = scope->stop,
        .job = scope->job,
    };
    return resumable_open(&upload, ret_upload, error);
}

/* Removes what did not arrive as it was sent. */
static bool check_upload(const GcsScope *scope, const Resumable *upload, const GcsObject *object,
                         Error *error)
{
    uint32_t crc = resumable_crc32c(upload);
    if (object->size == resumable_size(upload) && check_crc(scope, object, crc, error))
        return true;
    if (object->size != resumable_size(upload)) {
        error_set_retryable(error, ERROR_TARGET, "%llu bytes arrived where %llu were sent",
                            (unsigned long long)object->size,
                            (unsigned long long)resumable_size(upload));
        with_object(scope, object->name, error);
    }
    if (object->generation > 0)
        (void)gcs_delete(scope, object->name, object->generation, NULL, NULL);
    return false;
}

bool gcs_upload_finish(const GcsScope *scope, Resumable *upload, Arena *arena,
                       GcsObject *ret_object, bool *ret_written, Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *json = NULL, *resource = NULL;
    Error problem = {0};
    *ret_object = (GcsObject){0};
    *ret_written = resumable_hold(upload, &problem);
    if (*ret_written) {
        resumable_follow(upload, scope->stop);
        *ret_written = resumable_finish(upload, &json, &failure, &problem);
    }
    if (*ret_written) {
        *ret_object = object_of(json, arena);
        return check_upload(scope, upload, ret_object, error);
    }
    /* The object may be there all the same: a session that was finished is forgotten. */
    const char *text = resumable_metadata(upload);
    bool unsure = failure.status == 412 || failure.status == 404 || failure.status == 410;
    if (unsure && json_parse(text, strlen(text), "metadata", &resource, NULL)) {
        const char *writer = json_get_text(json_get(resource, "metadata"), writer_key);
        Error stat_problem = {0};
        *ret_written = is_mine(scope, json_get_text(resource, "name"), writer ? writer : "", arena,
                               ret_object, &stat_problem);
    }
    if (*ret_written)
        return check_upload(scope, upload, ret_object, error);
    if (failure.status == 412)
        return true;
    if (error)
        *error = problem;
    return false;
}

bool gcs_bucket(const GcsScope *scope, Arena *arena, GcsBucket *ret_bucket, bool *ret_found,
                Error *error)
{
    CLEANUP(google_failure_done) GoogleFailure failure = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    GoogleCall call =
        call_of(scope, "storage.buckets.get", "GET", url_path(arena, "/b/%s", scope->bucket));
    *ret_bucket = (GcsBucket){0};
    Error problem = {0};
    *ret_found = google_call(scope->api, &call, &json, &failure, &problem);
    if (!*ret_found)
        return failure.status == 404 || fail_at(scope, "", &problem, error);
    ret_bucket->location = arena_strdup(arena, json_get_text(json, "location"));
    ret_bucket->location_type = arena_strdup(arena, json_get_text(json, "locationType"));
    ret_bucket->storage_class = arena_strdup(arena, json_get_text(json, "storageClass"));
    return true;
}

bool gcs_permissions(const GcsScope *scope, const char *const *permissions, size_t count,
                     bool *ret_granted, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *json = NULL;
    UrlParam *query = ARENA_ARRAY(&arena, UrlParam, count + 1);
    for (size_t i = 0; i < count; i++)
        query[i] = (UrlParam){"permissions", permissions[i]};
    GoogleCall call = call_of(scope, "storage.buckets.testIamPermissions", "GET",
                              url_path(&arena, "/b/%s/iam/testPermissions", scope->bucket));
    call.query = query;
    if (!google_call(scope->api, &call, &json, NULL, error))
        return with_object(scope, "", error);
    const Json *granted = json_get(json, "permissions");
    for (size_t i = 0; i < count; i++) {
        ret_granted[i] = false;
        for (size_t j = 0; j < json_count(granted); j++) {
            const char *name = json_text_of(json_at(granted, j));
            ret_granted[i] |= name && strcmp(name, permissions[i]) == 0;
        }
    }
    return true;
}
