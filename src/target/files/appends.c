/* SPDX-License-Identifier: Apache-2.0 */
#include "target/files/appends.h"

#include <string.h>

/* Names the first difference; files of one table all have the same columns. */
static bool check_same_columns(const Schema *there, const Schema *ours, Error *error)
{
    for (size_t i = 0; i < ours->field_count; i++) {
        const Field *field = schema_field(there, ours->fields[i].name);
        if (!field)
            return error_set(error, ERROR_CONFIG, "the files there have no column %s",
                             ours->fields[i].name);
        if (!field_same_type(field, &ours->fields[i]))
            return error_set(error, ERROR_CONFIG, "column %s has another type in the files there",
                             ours->fields[i].name);
    }
    for (size_t i = 0; i < there->field_count; i++) {
        if (!schema_field(ours, there->fields[i].name))
            return error_set(error, ERROR_CONFIG,
                             "the files there have a column %s, which is not read",
                             there->fields[i].name);
    }
    return true;
}

bool files_check_appends(const Stage *stage, const Manifest *manifest, Error *error)
{
    if (stage->delivery->load != LOAD_APPEND || !manifest->exists)
        return true;
    if (manifest->shard_count >= MANIFEST_SHARDS_MAX) {
        error_set(error, ERROR_CONFIG, "cannot append to %s: it has %zu files already",
                  stage->layout.folder, manifest->shard_count);
        return error_hint(error, "--full-refresh writes the table anew, in fewer files; or begin "
                                 "another one with target.table");
    }
    bool same_format = strcmp(manifest->format, stage->kind.format) == 0;
    if (!same_format)
        error_set(error, ERROR_CONFIG, "the files there are %s, these would be %s",
                  manifest->format, stage->kind.format);
    if (same_format && check_same_columns(&manifest->schema, &stage->delivery->schema, error))
        return true;
    error_prefix(error, "cannot append to %s", stage->layout.folder);
    return error_hint(error, "--full-refresh writes the table anew; or give target.table or "
                             "destination.path another name");
}
