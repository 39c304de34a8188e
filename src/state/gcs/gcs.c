/* SPDX-License-Identifier: Apache-2.0 */
#include "state/gcs/gcs.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/memory.h"
#include "state/gcs/gcs_store.h"
#include "state/name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_MAX = 64 * 1024 * 1024, LOCK_NAP_MS = 1000 };

GcsScope gcs_store_scope(const GcsStore *store)
{
    return (GcsScope){.api = store->api, .bucket = store->bucket};
}

const char *gcs_store_name(const GcsStore *store, const char *kind, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%ss/%s.json", store->prefix, kind, state_file_name(name, arena));
}

const char *gcs_store_place(const GcsStore *store, const char *name, Arena *arena)
{
    return arena_printf(arena, "gs://%s/%s", store->bucket, name);
}

bool gcs_store_read(const GcsStore *store, const char *name, Json **ret_json, GcsObject *ret_object,
                    Arena *arena, Error *error)
{
    CLEANUP(buffer_done) Buffer body;
    GcsScope scope = gcs_store_scope(store);
    *ret_json = NULL;
    *ret_object = (GcsObject){0};
    buffer_init(&body, DOCUMENT_MAX);
    if (!gcs_read(&scope, name, arena, ret_object, &body, error))
        return false;
    return ret_object->generation == GCS_ABSENT ||
           json_parse(body.data ? body.data : "", body.length, gcs_store_place(store, name, arena),
                      ret_json, error);
}

bool gcs_store_write(const GcsStore *store, GcsDocument *document, bool *ret_written, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    GcsScope scope = gcs_store_scope(store);
    const char *text = arena_printf(&arena, "%s\n", json_dump(document->json, &arena));
    const GcsWrite write = {
        .name = document->name,
        .content_type = "application/json",
        .bytes = {text, strlen(text)},
        .if_generation = document->if_generation,
    };
    return fault_point("state.write", error) &&
           gcs_write(&scope, &write, &document->if_generation, ret_written, error) &&
           fault_point("state.written", error);
}

/* What was seen last of a job's object; GCS_ABSENT: nothing. */
static int64_t seen_generation(GcsStore *store, const char *name)
{
    int64_t generation = GCS_ABSENT;
    pthread_mutex_lock(&store->mutex);
    for (const SeenObject *seen = store->seen; seen; seen = seen->next) {
        if (strcmp(seen->name, name) == 0)
            generation = seen->generation;
    }
    pthread_mutex_unlock(&store->mutex);
    return generation;
}

static void note_seen(GcsStore *store, const char *name, int64_t generation)
{
    pthread_mutex_lock(&store->mutex);
    SeenObject *seen = store->seen;
    while (seen && strcmp(seen->name, name) != 0)
        seen = seen->next;
    if (!seen) {
        seen = ARENA_NEW(&store->arena, SeenObject);
        seen->name = arena_strdup(&store->arena, name);
        seen->next = store->seen;
        store->seen = seen;
    }
    seen->generation = generation;
    pthread_mutex_unlock(&store->mutex);
}

static bool load(StateStore *base, const char *job, Json **ret_state, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *state = NULL;
    GcsStore *store = gcs_store_of(base);
    const char *name = gcs_store_name(store, "job", job, &arena);
    GcsObject object;
    Error problem = {0};
    *ret_state = NULL;
    if (!gcs_store_read(store, name, &state, &object, &arena, &problem)) {
        if (error)
            *error = problem;
        error_prefix(error, "state of job %s", job);
        return problem.kind == ERROR_CONFIG ? state_hint_damaged(job, error) : false;
    }
    note_seen(store, name, object.generation);
    if (state && !state_check_document(state, job, gcs_store_place(store, name, &arena), error))
        return false;
    *ret_state = TAKE_PTR(state);
    return true;
}

static bool fail_overtaken(const char *job, const char *place, Error *error)
{
    error_set(error, ERROR_LOCKED,
              "state of job %s: another process has written %s meanwhile, so that this one's lock "
              "is lost",
              job, place);
    return error_hint(error, "nothing was overwritten; run the job again when the other one has "
                             "ended");
}

static bool save(StateStore *base, const char *job, const Json *state, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    GcsStore *store = gcs_store_of(base);
    const char *name = gcs_store_name(store, "job", job, &arena);
    GcsDocument document = {name, state, seen_generation(store, name)};
    bool written;
    if (json_get_int(state, "version", 0) != STATE_FORMAT)
        return error_set(error, ERROR_INTERNAL, "state of job %s: its version must be %d", job,
                         STATE_FORMAT);
    if (!gcs_store_write(store, &document, &written, error))
        return error_prefix(error, "state of job %s", job);
    if (!written)
        return fail_overtaken(job, gcs_store_place(store, name, &arena), error);
    note_seen(store, name, document.if_generation);
    return true;
}

static bool remove_state(StateStore *base, const char *job, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    GcsStore *store = gcs_store_of(base);
    const char *name = gcs_store_name(store, "job", job, &arena);
    const GcsScope scope = gcs_store_scope(store);
    if (!gcs_delete(&scope, name, GCS_ANY, NULL, error))
        return error_prefix(error, "state of job %s", job);
    note_seen(store, name, GCS_ABSENT);
    return true;
}

/* Names of objects below a folder, without it and ".json". */
typedef struct NameList {
    Arena *arena;
    size_t head; /* bytes of the prefix */
    const char **names;
    size_t count, room;
} NameList;

static bool take_name(void *context, const GcsObject *object, Error *error)
{
    enum { TAIL = sizeof ".json" - 1 };
    NameList *list = context;
    size_t length = strlen(object->name);
    (void)error;
    if (length <= list->head + TAIL || strcmp(object->name + length - TAIL, ".json") != 0)
        return true;
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        const char **grown = ARENA_ARRAY(list->arena, const char *, list->room);
        if (list->count)
            memcpy(grown, list->names, list->count * sizeof *grown);
        list->names = grown;
    }
    list->names[list->count++] =
        arena_strndup(list->arena, object->name + list->head, length - list->head - TAIL);
    return true;
}

static bool list_folder(const GcsStore *store, const char *kind, Arena *arena, TextArray *ret_names,
                        Error *error)
{
    const GcsScope scope = gcs_store_scope(store);
    const char *folder = arena_printf(arena, "%s/%ss/", store->prefix, kind);
    NameList list = {.arena = arena, .head = strlen(folder)};
    if (!gcs_list(&scope, folder, take_name, &list, error))
        return false;
    *ret_names = (TextArray){list.names, list.count};
    return true;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Long names are cut in objects' names: the whole one stands inside. */
static bool jobs(StateStore *base, Arena *arena, TextArray *ret_names, Error *error)
{
    GcsStore *store = gcs_store_of(base);
    TextArray files;
    if (!list_folder(store, "job", arena, &files, error))
        return false;
    const char **names = ARENA_ARRAY(arena, const char *, files.count);
    for (size_t i = 0; i < files.count; i++) {
        CLEANUP(json_free_ptr) Json *state = NULL;
        GcsObject object;
        Error problem = {0};
        const char *name = arena_printf(arena, "%s/jobs/%s.json", store->prefix, files.items[i]);
        if (!gcs_store_read(store, name, &state, &object, arena, &problem) &&
            problem.kind != ERROR_CONFIG) {
            if (error)
                *error = problem;
            return false;
        }
        const char *job = json_get_text(state, "job");
        names[i] = job ? arena_strdup(arena, job) : files.items[i];
    }
    if (files.count)
        qsort(names, files.count, sizeof *names, compare_texts);
    *ret_names = (TextArray){names, files.count};
    return true;
}

static bool report_save(StateStore *base, const char *id, const Json *report, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const GcsStore *store = gcs_store_of(base);
    GcsDocument own = {gcs_store_name(store, "report", id, &arena), report, GCS_ANY};
    GcsDocument last = {arena_printf(&arena, "%s/report.json", store->prefix), report, GCS_ANY};
    bool written;
    return gcs_store_write(store, &own, &written, error) &&
           gcs_store_write(store, &last, &written, error);
}

static bool report_load(StateStore *base, const char *id, Json **ret_report, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const GcsStore *store = gcs_store_of(base);
    GcsObject object;
    return gcs_store_read(store, gcs_store_name(store, "report", id, &arena), ret_report, &object,
                          &arena, error);
}

static bool report_remove(StateStore *base, const char *id, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const GcsStore *store = gcs_store_of(base);
    const GcsScope scope = gcs_store_scope(store);
    return gcs_delete(&scope, gcs_store_name(store, "report", id, &arena), GCS_ANY, NULL, error);
}

static bool report_list(StateStore *base, Arena *arena, TextArray *ret_ids, Error *error)
{
    return list_folder(gcs_store_of(base), "report", arena, ret_ids, error);
}

static void store_close(StateStore *base)
{
    if (!base)
        return;
    GcsStore *store = gcs_store_of(base);
    gcs_locks_close(store);
    google_api_free(store->api);
    credentials_free(store->credentials);
    http_client_free(store->http);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->mutex);
    arena_done(&store->arena);
    free(store);
}

static bool connect_store(GcsStore *store, const StateConfig *config, Error *error)
{
    GoogleEndpoint endpoint;
    if (!google_endpoint(&google_storage, config->endpoint, "state.endpoint", &store->arena,
                         &endpoint, error))
        return false;
    store->http = http_client_new(NULL);
    const CredentialsOptions credentials = {
        .http = store->http,
        .path = config->credentials,
        .emulator = endpoint.plain,
        .retry_budget_ms = config->retry_budget_ms,
    };
    if (!credentials_find(&credentials, &store->credentials, error))
        return false;
    const GoogleApiOptions api = {
        .service = &google_storage,
        .endpoint = endpoint.url,
        .http = store->http,
        .credentials = store->credentials,
        .retry_budget_ms = config->retry_budget_ms,
    };
    return google_api_new(&api, &store->api, error);
}

/* Whoever may write objects need not be allowed to look at their bucket: only a bucket that is not
 * there is known to be wrong. */
static bool find_bucket(const GcsStore *store, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    const GcsScope scope = gcs_store_scope(store);
    GcsBucket bucket;
    bool found = true;
    Error problem = {0};
    if (!gcs_bucket(&scope, &arena, &bucket, &found, &problem)) {
        if (!problem.retryable)
            return true;
        if (error)
            *error = problem;
        return error_prefix(error, "the state in gs://%s", store->bucket);
    }
    if (found)
        return true;
    error_set(error, ERROR_CONFIG, "state.bucket: there is no bucket %s", store->bucket);
    return error_hint(error,
                      "make it: gcloud storage buckets create gs://%s --location=… "
                      "--uniform-bucket-level-access",
                      store->bucket);
}

static void init_sync(GcsStore *store)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

static bool gcs_open(const StateConfig *config, StateStore **ret_store, Error *error)
{
    static const StateOps ops = {
        .close = store_close,
        .lock = gcs_lock,
        .unlock = gcs_unlock,
        .keep = gcs_keep,
        .load = load,
        .save = save,
        .remove = remove_state,
        .jobs = jobs,
        .report_save = report_save,
        .report_load = report_load,
        .report_remove = report_remove,
        .report_list = report_list,
    };
    GcsStore *store = memory_zalloc(1, sizeof *store);
    CLEANUP(state_close_ptr) StateStore *base = &store->base;
    base->ops = &ops;
    base->lock_nap_ms = LOCK_NAP_MS;
    init_sync(store);
    store->bucket = arena_strdup(&store->arena, config->bucket);
    store->prefix = arena_strdup(&store->arena, config->prefix ? config->prefix : "bqferry-state");
    if (!connect_store(store, config, error) || !find_bucket(store, error))
        return false;
    *ret_store = TAKE_PTR(base);
    return true;
}

const StateDriver state_gcs_driver = {.type = "gcs", .open = gcs_open};
