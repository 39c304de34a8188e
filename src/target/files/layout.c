/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/layout.h"

#include "base/cleanup.h"
#include "format/json.h"

#include <string.h>

enum {
    SHARD_DIGITS = 5, /* at least */
    NAME_MAX_BYTES = 255,
};

static const FileKind kinds[] = {
    {"avro", "zstd", ".avro", true},
    {"avro", "none", ".avro", false},
    {"ndjson", "gzip", ".ndjson.gz", true},
    {"ndjson", "none", ".ndjson", false},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static const char prefix[] = "part-";

static bool check_name(const char *what, const char *name, Error *error)
{
    size_t length = strlen(name);
    if (length > 0 && length <= NAME_MAX_BYTES && name[0] != '.' && !strchr(name, '/'))
        return true;
    error_set(error, ERROR_CONFIG,
              "\"%s\" cannot be the %s of a files destination: it has to name "
              "a folder",
              name, what);
    return error_hint(error, "give the target another name: target.table, or target.dataset");
}

/* Steps over the characters of a set that end the text before `end`; returns where they begin. */
static const char *back_over(const char *begin, const char *end, const char *set)
{
    while (end > begin && strchr(set, end[-1]))
        end--;
    return end;
}

/* "part-RUN-ATTEMPT-00000.EXT": returns the end of RUN, which begins after the prefix; NULL: not
 * so. */
static const char *end_of_run(const char *name)
{
    static const char digits[] = "0123456789";
    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return NULL;
    const char *run = name + strlen(prefix);
    const char *dot = strchr(run, '.');
    bool known = false;
    for (size_t i = 0; dot && i < KIND_COUNT; i++)
        known = known || strcmp(dot, kinds[i].extension) == 0;
    if (!known)
        return NULL;
    const char *shard = back_over(run, dot, digits);
    if (dot - shard < SHARD_DIGITS || shard == run || shard[-1] != '-')
        return NULL;
    const char *attempt = back_over(run, shard - 1, digits);
    if (attempt == shard - 1 || attempt == run || attempt[-1] != '-' || attempt - 1 == run)
        return NULL;
    const char *run_end = attempt - 1;
    bool plain = back_over(run, run_end, "abcdefghijklmnopqrstuvwxyz0123456789-") == run;
    return plain ? run_end : NULL;
}

bool layout_init(Layout *layout, const char *root, const TableRef *table, const char *run_id,
                 Arena *arena, Error *error)
{
    bool nested = *table->dataset;
    if ((nested && !check_name("dataset", table->dataset, error)) ||
        !check_name("table", table->table, error))
        return false;
    const char *folder = arena_printf(arena, "%s%s%s%s%s", root, *root ? "/" : "", table->dataset,
                                      nested ? "/" : "", table->table);
    *layout = (Layout){.folder = folder};
    layout->manifest = arena_printf(arena, "%s/manifest.json", folder);
    if (run_id)
        layout->staging = arena_printf(arena, "%s/.staging-%s", folder, run_id);
    return true;
}

bool layout_kind(const char *format, const char *compression, FileKind *ret_kind, Error *error)
{
    const char *wanted = format ? format : "avro";
    bool any = !compression || strcmp(compression, "auto") == 0;
    bool known = false;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].format, wanted) != 0)
            continue;
        known = true;
        if (any || strcmp(kinds[i].compression, compression) == 0) {
            *ret_kind = kinds[i];
            return true;
        }
    }
    if (!known)
        error_set(error, ERROR_CONFIG, "destination.format: \"%s\" is none of avro and ndjson",
                  wanted);
    else
        error_set(error, ERROR_CONFIG,
                  "destination.compression: %s files cannot be compressed "
                  "with \"%s\"",
                  wanted, compression);
    return error_hint(error, "avro goes with zstd or none, ndjson with gzip or none");
}

const char *layout_arrange(const FileKind *kind, Arena *arena)
{
    CLEANUP(json_free_ptr) Json *json = json_object_new();
    json_set_text(json, "format", kind->format);
    json_set_text(json, "compression", kind->compression);
    return json_dump(json, arena);
}

bool layout_arranged_kind(const char *arranged, FileKind *ret_kind, Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    return json_parse(arranged, strlen(arranged), "the run's arrangement", &json, error) &&
           layout_kind(json_get_text(json, "format"), json_get_text(json, "compression"), ret_kind,
                       error);
}

const char *layout_shard_name(const Delivery *delivery, const FileKind *kind, size_t shard,
                              Arena *arena)
{
    return arena_printf(arena, "%s%s-%d-%0*zu%s", prefix, delivery->run_id, delivery->attempt,
                        SHARD_DIGITS, shard, kind->extension);
}

bool layout_is_shard(const char *name)
{
    return end_of_run(name) != NULL;
}

bool layout_is_shard_of(const char *name, const char *run_id)
{
    const char *end = end_of_run(name);
    const char *run = name + strlen(prefix);
    return end && (size_t)(end - run) == strlen(run_id) &&
           strncmp(run, run_id, strlen(run_id)) == 0;
}
