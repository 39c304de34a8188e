/* SPDX-License-Identifier: Apache-2.0 */
/* config/raw.h: the configuration as the files say it, before defaults are merged and the parts are
 * checked against each other (config/rules.c). The declaration (config/keys.c) points into these.
 */
#pragma once

#include "config/config.h"
#include "format/yaml.h"

enum { CONFIG_UNSET = -1 }; /* a number that was not said */

/* First member of everything that comes in lists or by name. */
typedef struct RawElement {
    const char *name;  /* of a named one */
    const char *label; /* "jobs[3]" */
    const YamlNode *node;
    ConfigPlace place;
} RawElement;

typedef struct NaiveTimestamps {
    const char *type;
    const char *zone;
} NaiveTimestamps;

/* config.h has the two side by side in each of its structs, so one section fills them all. */
#define NAIVE_TIMESTAMPS_FIT(Struct)                                                               \
    (offsetof(Struct, naive_timestamps_zone) - offsetof(Struct, naive_timestamps_type) ==          \
     offsetof(NaiveTimestamps, zone))
_Static_assert(NAIVE_TIMESTAMPS_FIT(ColumnConfig) && NAIVE_TIMESTAMPS_FIT(ConnectionConfig),
               "naive_timestamps_type must stand before naive_timestamps_zone");

typedef struct RetryConfig {
    int64_t budget_ms;
} RetryConfig;

typedef struct RawConnection {
    RawElement element;
    ConnectionConfig config;
} RawConnection;

typedef struct RawColumn {
    RawElement element;
    ColumnConfig config;
} RawColumn;

/* What `defaults` and a job have in common. */
typedef struct RawOptions {
    const char *load;
    bool changed_only;
    bool metadata_columns;
    ColumnConfig columns;
    int64_t workers;
    RetryConfig retries;
} RawOptions;

typedef struct RawPartitionBy {
    const char *column;
    const char *type;
    int64_t start, end, interval;
    int64_t expiration_ms;
    bool require_filter;
    bool immutable;
} RawPartitionBy;

typedef struct RawJob {
    RawElement element;
    JobConfig config;
    RawPartitionBy partition_by;
    const char *replace;
    RawOptions options;
    RawColumn *columns;
    size_t column_count;
} RawJob;

typedef struct RawConfig {
    RawElement element; /* of the main file */
    bool broken;        /* a file could not be read as YAML: what is missing may be there */
    int64_t version;
    RawConnection *connections;
    size_t connection_count;
    DestinationConfig destination;
    StateConfig state;
    int64_t parallel;
    ConfigText include;
    RawOptions defaults;
    RawJob *jobs;
    size_t job_count;
} RawConfig;

/* Of the value that the keys (ends with NULL) lead to, or of the last one on the way that is there:
 *     raw_place(&job->element, KEYS_TO("target", "table")) */
ConfigPlace raw_place(const RawElement *element, const char *const *keys);
#define KEYS_TO(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Whether the mapping (may be NULL) has the key, also when it is misspelt, which was named already.
 */
bool raw_is_said(const YamlNode *mapping, const char *key);
