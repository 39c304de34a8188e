/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rules_target.h"

#include "config/rules_destination.h"

#include <string.h>

enum {
    CLUSTER_COLUMNS_MAX = 4,
    PARTITIONS_MAX = 10000, /* of a table */
};

typedef struct TargetRules {
    const RawConfig *raw;
    RawJob *job;
    Mistakes *mistakes;
    const YamlNode *partition_by; /* NULL: not said */
} TargetRules;

static ConfigPlace place_of(const TargetRules *rules, const char *key)
{
    return raw_place(&rules->job->element, KEYS_TO("target", key));
}

static ConfigPlace place_in_partition_by(const TargetRules *rules, const char *key)
{
    return raw_place(&rules->job->element, KEYS_TO("target", "partition_by", key));
}

/* "NUMERIC" of "numeric(20, 4)", when the configuration says the column's type; else "". */
static const char *said_type(const TargetRules *rules, const char *column)
{
    const JobConfig *config = &rules->job->config;
    for (size_t i = 0; i < config->column_count; i++) {
        const ColumnConfig *own = &config->columns[i];
        if (own->type && strcasecmp(own->target_name ? own->target_name : own->name, column) == 0)
            return arena_strndup(rules->mistakes->arena, own->type, strcspn(own->type, "(< "));
    }
    return "";
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(text, *words) == 0)
            return true;
    }
    return false;
}

static void check_cluster_columns(const TargetRules *rules)
{
    static const char *const refused[] = {"FLOAT64",  "FLOAT", "BYTES",  "TIME", "JSON",
                                          "INTERVAL", "ARRAY", "STRUCT", NULL};
    const ConfigText *columns = &rules->job->config.target.cluster_by;
    const char *label = rules->job->element.label;
    ConfigPlace place = place_of(rules, "cluster_by");
    if (columns->count > CLUSTER_COLUMNS_MAX)
        mistakes_add(rules->mistakes, place,
                     "%s.target.cluster_by: at most %d columns, found %zu: keep those that queries "
                     "filter by, the most used one first",
                     label, CLUSTER_COLUMNS_MAX, columns->count);
    for (size_t i = 0; i < columns->count; i++) {
        const char *column = columns->items[i], *type = said_type(rules, column);
        if (is_one_of(type, refused))
            mistakes_add(rules->mistakes, place,
                         "%s.target.cluster_by: BigQuery cannot cluster by the column %s: its type "
                         "is %s",
                         label, shown_text(column, rules->mistakes->arena), type);
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(columns->items[j], column) == 0)
                mistakes_add(rules->mistakes, place,
                             "%s.target.cluster_by: the column %s is named twice", label,
                             shown_text(column, rules->mistakes->arena));
        }
    }
}

static PartitionKind kind_of(const char *word)
{
    static const char *const words[] = {
        [PARTITION_HOUR] = "hour", [PARTITION_DAY] = "day",     [PARTITION_MONTH] = "month",
        [PARTITION_YEAR] = "year", [PARTITION_RANGE] = "range",
    };
    for (int kind = PARTITION_HOUR; word && kind <= PARTITION_RANGE; kind++) {
        if (strcmp(word, words[kind]) == 0)
            return (PartitionKind)kind;
    }
    return PARTITION_NONE;
}

static void check_column_type(const TargetRules *rules, const Partitioning *partitioning)
{
    static const char *const times[] = {"DATETIME", "TIMESTAMP", "DATE", NULL};
    static const char *const numbers[] = {"INT64",    "INTEGER", "INT",     "BIGINT",
                                          "SMALLINT", "TINYINT", "BYTEINT", NULL};
    const char *type = said_type(rules, partitioning->column);
    bool is_range = partitioning->kind == PARTITION_RANGE;
    bool hour_of_date = partitioning->kind == PARTITION_HOUR && strcasecmp(type, "DATE") == 0;
    if (!*type || (is_one_of(type, is_range ? numbers : times) && !hour_of_date))
        return;
    mistakes_add(rules->mistakes, place_in_partition_by(rules, "column"),
                 "%s.target.partition_by.column: a partition by %s needs a column of type %s; that "
                 "of %s is %s",
                 rules->job->element.label, rules->job->partition_by.type,
                 is_range                               ? "INT64"
                 : partitioning->kind == PARTITION_HOUR ? "DATETIME or TIMESTAMP"
                                                        : "DATE, DATETIME or TIMESTAMP",
                 shown_text(partitioning->column, rules->mistakes->arena), type);
}

static void check_range(const TargetRules *rules, const Partitioning *range)
{
    const char *label = rules->job->element.label;
    static const char *const needed[] = {"column", "start", "end", "interval"};
    bool whole = true;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (raw_is_said(rules->partition_by, needed[i]))
            continue;
        whole = false;
        mistakes_add(rules->mistakes, place_of(rules, "partition_by"),
                     "%s.target.partition_by.%s: is required for the type range", label, needed[i]);
    }
    uint64_t width = (uint64_t)range->end - (uint64_t)range->start;
    if (!whole || range->interval < 1)
        return;
    if (range->end <= range->start)
        mistakes_add(rules->mistakes, place_in_partition_by(rules, "end"),
                     "%s.target.partition_by.end: expected a number above start", label);
    else if ((width - 1) / (uint64_t)range->interval >= PARTITIONS_MAX)
        mistakes_add(rules->mistakes, place_in_partition_by(rules, "interval"),
                     "%s.target.partition_by.interval: makes %llu partitions, and BigQuery takes "
                     "%d: choose at least %llu",
                     label, (unsigned long long)((width - 1) / (uint64_t)range->interval) + 1,
                     PARTITIONS_MAX, (unsigned long long)((width - 1) / PARTITIONS_MAX) + 1);
}

static void apply_partition_by(const TargetRules *rules)
{
    const RawPartitionBy *own = &rules->job->partition_by;
    if (!rules->partition_by || yaml_is_null(rules->partition_by))
        return;
    const Partitioning partitioning = {
        .kind = kind_of(own->type),
        .column = own->column,
        .start = own->start,
        .end = own->end,
        .interval = own->interval,
        .expiration_ms = own->expiration_ms,
        .require_filter = own->require_filter,
        .immutable = own->immutable,
    };
    rules->job->config.target.partition_by = partitioning;
    if (partitioning.kind == PARTITION_RANGE)
        check_range(rules, &partitioning);
    if (partitioning.kind != PARTITION_NONE && partitioning.column)
        check_column_type(rules, &partitioning);
}

static void check_replace(const TargetRules *rules)
{
    RawJob *job = rules->job;
    const Partitioning *partitioning = &job->config.target.partition_by;
    ConfigPlace place = raw_place(&job->element, KEYS_TO("replace"));
    const char *problem = NULL;
    if (!job->replace)
        return;
    job->config.replace_partitions = strcmp(job->replace, "partition") == 0;
    if (job->config.load != LOAD_REPLACE)
        problem = "only for load: replace";
    else if (!job->config.replace_partitions)
        return;
    else if (partitioning->kind == PARTITION_NONE || !partitioning->column)
        problem = "partition needs target.partition_by with a column";
    else if (rules->raw->destination.type && !rules_is_bigquery(&rules->raw->destination))
        problem = "partition is only for a destination of type bigquery: duckdb and files have no "
                  "partitions";
    if (problem)
        mistakes_add(rules->mistakes, place, "%s.replace: %s", job->element.label, problem);
}

static void check_schema_change(const TargetRules *rules)
{
    const JobConfig *config = &rules->job->config;
    const char *word = config->target.on_schema_change;
    if (!word || strcmp(word, "rebuild") != 0 || config->load == LOAD_REPLACE)
        return;
    mistakes_add(rules->mistakes, place_of(rules, "on_schema_change"),
                 "%s.target.on_schema_change: rebuild needs load: replace, because only then are "
                 "all rows there to build the table from",
                 rules->job->element.label);
}

static void check_names(const TargetRules *rules)
{
    const JobConfig *config = &rules->job->config;
    const char *label = rules->job->element.label;
    const char *dataset =
        config->target_dataset ? rules_dataset_name(config->target_dataset) : NULL;
    const char *table = config->target_table ? rules_table_name(config->target_table) : NULL;
    const YamlNode *target = yaml_get(rules->job->element.node, "target");
    bool apart = target && yaml_get(target, "dataset");
    if (dataset)
        mistakes_add(rules->mistakes, place_of(rules, apart ? "dataset" : "table"),
                     "%s.target.%s: expected %s, found %s", label, apart ? "dataset" : "table",
                     dataset, shown_text(config->target_dataset, rules->mistakes->arena));
    if (table && !strchr(config->target_table, '.')) /* more dots were named already */
        mistakes_add(rules->mistakes, place_of(rules, "table"),
                     "%s.target.table: expected %s, found %s", label, table,
                     shown_text(config->target_table, rules->mistakes->arena));
}

void rules_target_table(const RawConfig *raw, RawJob *job, Mistakes *mistakes, Arena *arena)
{
    const YamlNode *target = yaml_get(job->element.node, "target");
    const TargetRules rules = {raw, job, mistakes,
                               target ? yaml_get(target, "partition_by") : NULL};
    job->config.target.partition_by_said = rules.partition_by != NULL;
    job->config.target.cluster_by_said = target && yaml_get(target, "cluster_by");
    check_cluster_columns(&rules);
    apply_partition_by(&rules);
    check_replace(&rules);
    check_schema_change(&rules);
    rules_labels(&job->config.target.labels, target ? yaml_get(target, "labels") : NULL,
                 job->element.place.file,
                 arena_printf(arena, "%s.target.labels", job->element.label), mistakes);
    if (rules_is_bigquery(&raw->destination))
        check_names(&rules);
}
