/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/files.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "schema/field_json.h"
#include "target/files/bucket.h"
#include "target/files/file_error.h"
#include "target/files/gc.h"
#include "target/files/layout.h"
#include "target/files/manifest.h"
#include "target/files/shard_file.h"
#include "target/files/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

typedef struct FilesTarget {
    Target base;
    char *root;
    char *format;      /* NULL: avro */
    char *compression; /* NULL: the format's own */
} FilesTarget;

static const uint64_t little_space = 1ull << 30;

static char *copy_or_null(const char *text)
{
    return text ? memory_strdup(text) : NULL;
}

static bool stage_init(Stage *stage, Target *target, const Delivery *delivery, Arena *arena,
                       Error *error)
{
    const FilesTarget *files = (const FilesTarget *)target;
    return stage_init_kind(stage, delivery, files->format, files->compression, error) &&
           layout_init(&stage->layout, files->root, &delivery->table, delivery->run_id, arena,
                       error);
}

static void files_close(Target *target)
{
    FilesTarget *files = (FilesTarget *)target;
    if (!files)
        return;
    free(files->root);
    free(files->format);
    free(files->compression);
    free(files);
}

/* The nearest folder above `path`, or itself, that exists. */
static const char *existing_folder(const char *path, Arena *arena)
{
    char *part = arena_strdup(arena, path);
    struct stat status;
    while (stat(part, &status) < 0) {
        char *slash = strrchr(part, '/');
        if (!slash || slash == part)
            return "/";
        *slash = '\0';
    }
    return part;
}

static void check_space(const char *folder, CheckReport *report)
{
    struct statvfs space;
    if (statvfs(folder, &space) < 0)
        return;
    uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    const char *text =
        arena_printf(report->arena, "%.1f GB", (double)free_bytes / (double)little_space);
    if (free_bytes < little_space)
        check_add(report, CHECK_WARNING, "free space", text, "make room before a large run");
    else
        check_add(report, CHECK_OK, "free space", text, NULL);
}

static bool files_check(Target *target, CheckReport *report, Error *error)
{
    (void)error;
    const FilesTarget *files = (const FilesTarget *)target;
    const char *folder = existing_folder(files->root, report->arena);
    bool is_there = strcmp(folder, files->root) == 0;
    struct stat status;
    if (stat(folder, &status) < 0 || !S_ISDIR(status.st_mode))
        check_add(report, CHECK_FAILED, "folder",
                  is_there ? arena_printf(report->arena, "%s is not a folder", folder)
                           : arena_printf(report->arena, "%s cannot be made: %s is not a folder",
                                          files->root, folder),
                  "move the file away, or choose another destination.path");
    else if (access(folder, W_OK | X_OK) < 0)
        check_add(report, CHECK_FAILED, "folder",
                  arena_printf(report->arena, "%s cannot be written: %s", folder, strerror(errno)),
                  "give the user that runs this write permission, or choose another "
                  "destination.path");
    else
        check_add(
            report, CHECK_OK, "folder",
            arena_printf(report->arena, "%s%s", files->root, is_there ? "" : " (will be made)"),
            NULL);
    check_space(folder, report);
    return true;
}

static bool files_describe(Target *target, const TableRef *table, Arena *arena,
                           TargetTable *ret_table, Error *error)
{
    const FilesTarget *files = (const FilesTarget *)target;
    Layout layout;
    Manifest manifest;
    if (!layout_init(&layout, files->root, table, NULL, arena, error) ||
        !manifest_read(layout.manifest, arena, &manifest, error))
        return false;
    *ret_table = (TargetTable){.exists = manifest.exists, .row_count = -1, .byte_count = -1};
    if (!manifest.exists)
        return true;
    ret_table->schema = manifest.schema;
    ret_table->row_count = (int64_t)manifest_rows(&manifest, NULL);
    ret_table->byte_count = (int64_t)manifest_bytes(&manifest);
    return true;
}

bool files_ddl(Target *target, const Delivery *delivery, Arena *arena, const char **ret_text,
               Error *error)
{
    (void)target;
    CLEANUP(json_free_ptr) Json *json = field_json_from_schema(&delivery->schema);
    CLEANUP(free_ptr) char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return error_set_errno(error, ERROR_INTERNAL, errno, "cannot print the schema");
    json_print(out, json, true);
    if (fclose(out) != 0)
        return error_set_errno(error, ERROR_INTERNAL, errno, "cannot print the schema");
    *ret_text = arena_strndup(arena, text, length);
    return true;
}

/* Files are written once: rows in them cannot be updated, and not be taken out. */
static bool check_load(const Delivery *delivery, Error *error)
{
    if (!delivery_merges(delivery))
        return true;
    if (delivery->load == LOAD_APPEND) {
        error_set(
            error, ERROR_CONFIG,
            "a files destination cannot leave out rows that it has, so a range cannot be read "
            "twice into it");
        return error_hint(error, "leave `lookback` out, or choose another destination");
    }
    error_set(error, ERROR_CONFIG, "a files destination cannot do load: %s",
              load_mode_name(delivery->load));
    return error_hint(error, "choose append or replace, or another destination");
}

static bool files_validate(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Stage stage;
    return check_load(delivery, error) && stage_init(&stage, target, delivery, &arena, error) &&
           stage_validate(&stage, error);
}

static bool files_arrange(Target *target, Delivery *delivery, Arena *arena, Error *error)
{
    Stage stage;
    if (!stage_init(&stage, target, delivery, arena, error))
        return false;
    delivery->arranged = layout_arrange(&stage.kind, arena);
    return true;
}

static bool files_prepare(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Stage stage;
    return stage_init(&stage, target, delivery, &arena, error) && stage_prepare(&stage, error);
}

static bool files_gc(Target *target, const GcRequest *request, Arena *arena, GcList *ret_list,
                     Error *error)
{
    const FilesTarget *files = (const FilesTarget *)target;
    return folder_gc(files->root, request, arena, ret_list, error);
}

static bool files_sink_open(Target *target, const Delivery *delivery, size_t shard, Sink **ret_sink,
                            Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Stage stage;
    if (!stage_init(&stage, target, delivery, &arena, error))
        return false;
    const char *path = arena_printf(&arena, "%s/%s", stage.layout.staging,
                                    layout_shard_name(delivery, &stage.kind, shard, &arena));
    return shard_file_open(path, &delivery->schema, &stage.kind, ret_sink, error);
}

static bool files_status(Target *target, const Delivery *delivery, DeliveryStatus *ret_status,
                         uint64_t *ret_rows, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Stage stage;
    return stage_init(&stage, target, delivery, &arena, error) &&
           stage_status(&stage, ret_status, ret_rows, error);
}

static bool files_apply(Target *target, const Delivery *delivery, ApplyResult *ret_result,
                        Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Stage stage;
    return stage_init(&stage, target, delivery, &arena, error) &&
           stage_apply(&stage, &ret_result->rows, error);
}

static bool files_discard(Target *target, const Delivery *delivery, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    Stage stage;
    return stage_init(&stage, target, delivery, &arena, error) && stage_discard(&stage, error);
}

static bool files_open(const DestinationConfig *config, Target **ret_target, Error *error)
{
    static const TargetOps ops = {
        .close = files_close,
        .check = files_check,
        .describe = files_describe,
        .ddl = files_ddl,
        .validate = files_validate,
        .arrange = files_arrange,
        .prepare = files_prepare,
        .sink_open = files_sink_open,
        .status = files_status,
        .apply = files_apply,
        .discard = files_discard,
        .gc = files_gc,
    };
    FileKind kind;
    if (!config->path || !*config->path)
        return error_set(error, ERROR_CONFIG,
                         "destination.path is missing: a files destination "
                         "needs a folder");
    if (!layout_kind(config->format, config->compression, &kind, error))
        return false;
    if (strncmp(config->path, "gs://", 5) == 0)
        return bucket_open(config, ret_target, error);
    FilesTarget *files = memory_zalloc(1, sizeof *files);
    files->base.ops = &ops;
    files->root = memory_strdup(config->path);
    size_t length = strlen(files->root);
    while (length > 1 && files->root[length - 1] == '/')
        files->root[--length] = '\0';
    files->format = copy_or_null(config->format);
    files->compression = copy_or_null(config->compression);
    *ret_target = &files->base;
    return true;
}

const TargetDriver target_files_driver = {.type = "files", .open = files_open};
