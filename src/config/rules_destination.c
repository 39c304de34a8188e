/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rules_destination.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    PROJECT_LENGTH_MIN = 6,
    PROJECT_LENGTH_MAX = 30,
    LABEL_CHARACTERS_MAX = 63,
    LABELS_MAX = 60, /* BigQuery takes 64 of a resource, and some are ours */
    NAME_BYTES_MAX = 1024,
};

static const char gs[] = "gs://";

bool rules_is_bigquery(const DestinationConfig *destination)
{
    return destination->type && strcmp(destination->type, "bigquery") == 0;
}

static bool is_letter_or_digit(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

const char *rules_dataset_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        if (!is_letter_or_digit(name[i]) && name[i] != '_')
            return "a dataset's name in BigQuery: letters, digits and _";
    }
    return length <= NAME_BYTES_MAX ? NULL : "a dataset's name in BigQuery: at most 1,024 bytes";
}

/* Letters of any script are bytes above ASCII here; which of those are none is rare, and BigQuery's
 * own to say. */
const char *rules_table_name(const char *name)
{
    for (const char *at = name; *at; at++) {
        if ((unsigned char)*at < 0x80 && !is_letter_or_digit(*at) && !strchr("_- ", *at))
            return "a table's name in BigQuery: letters, digits, _, - and spaces";
    }
    return strlen(name) <= NAME_BYTES_MAX ? NULL
                                          : "a table's name in BigQuery: at most 1,024 bytes";
}

/* Lower-case letters of any script, digits, _ and -; at most 63 of them. */
static bool is_label_text(const char *text)
{
    size_t characters = 0;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x80 && !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *text))
            return false;
        characters += (byte & 0xC0) != 0x80;
    }
    return characters <= LABEL_CHARACTERS_MAX;
}

static const char *label_key_problem(const char *key)
{
    static const char *const own[] = {"managed_by", "job", "run_id"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(key, own[i]) == 0)
            return "is set by bqferry itself: choose another key";
    }
    if (!*key || strchr("0123456789_-", *key) || !is_label_text(key))
        return "a label's key is 1 to 63 lower-case letters, digits, _ or -, and begins with a "
               "letter";
    return NULL;
}

void rules_labels(const ConfigLabels *labels, const YamlNode *node, const char *file,
                  const char *label, Mistakes *mistakes)
{
    if (!node || node->kind != YAML_MAPPING)
        return;
    for (size_t i = 0; i < labels->count; i++) {
        const ConfigLabel *own = &labels->items[i];
        const YamlNode *value = yaml_get(node, own->key);
        ConfigPlace place = place_in(file, value ? value->mark : node->mark);
        const char *problem = label_key_problem(own->key);
        if (problem)
            mistakes_add(mistakes, place, "%s.%s: %s", label, own->key, problem);
        if (!is_label_text(own->value))
            mistakes_add(mistakes, place,
                         "%s.%s: a label's value is at most 63 lower-case letters, digits, _ or -, "
                         "found %s",
                         label, own->key, shown_text(own->value, mistakes->arena));
    }
    if (labels->count > LABELS_MAX)
        mistakes_add(mistakes, place_in(file, node->mark), "%s: at most %d labels, found %zu",
                     label, LABELS_MAX, labels->count);
}

static void check_compression(const RawConfig *raw, Mistakes *mistakes)
{
    const DestinationConfig *destination = &raw->destination;
    const char *format = destination->format, *compression = destination->compression;
    bool is_auto = !format || strcmp(format, "auto") == 0;
    const char *own = format && strcmp(format, "ndjson") == 0 ? "gzip" : "zstd";
    if (!compression || strcmp(compression, "auto") == 0 || strcmp(compression, "none") == 0 ||
        strcmp(compression, own) == 0)
        return;
    ConfigPlace place = raw_place(&raw->element, KEYS_TO("destination", "compression"));
    mistakes_add(mistakes, place,
                 "destination.compression: %s files are compressed with %s, not with %s: choose "
                 "auto, none or %s",
                 is_auto ? "avro" : format, own, compression, own);
}

/* The words of google_endpoint (net/google.h): plain http, which is also meant where nothing is. */
static bool is_emulator(const char *endpoint, const char *variable)
{
    const char *said = endpoint ? endpoint : getenv(variable);
    return said && *said && strncasecmp(said, "https://", strlen("https://")) != 0;
}

/* What the keys' pattern leaves over. Ids below a domain ("example.com:shop") are older than the
 * rule about lengths. */
static bool is_project_id(const char *id)
{
    size_t length = strlen(id);
    bool fits = length >= PROJECT_LENGTH_MIN && length <= PROJECT_LENGTH_MAX;
    return (fits || strchr(id, ':')) && id[length - 1] != '-';
}

/* An emulator takes any name. */
static void check_projects(const RawConfig *raw, Mistakes *mistakes)
{
    const BigQueryConfig *google = &raw->destination.bigquery;
    const EndpointsConfig *endpoints = &google->endpoints;
    const struct {
        const char *key;
        const char *id;
    } projects[] = {{"project", google->project},
                    {"job_project", google->job_project},
                    {"quota_project", google->quota_project}};
    if (rules_is_bigquery(&raw->destination)
            ? is_emulator(endpoints->bigquery, "BIGQUERY_EMULATOR_HOST")
            : is_emulator(endpoints->storage, "STORAGE_EMULATOR_HOST"))
        return;
    for (size_t i = 0; i < sizeof projects / sizeof *projects; i++) {
        if (projects[i].id && !is_project_id(projects[i].id))
            mistakes_add(mistakes,
                         raw_place(&raw->element, KEYS_TO("destination", projects[i].key)),
                         "destination.%s: expected a project's id of 6 to 30 letters, digits and "
                         "hyphens, the last one no hyphen, found %s",
                         projects[i].key, shown_text(projects[i].id, mistakes->arena));
    }
}

/* gs://BUCKET or gs://BUCKET/PREFIX; the last slash is not part of it. */
static void check_bucket_path(RawConfig *raw, Mistakes *mistakes, Arena *arena)
{
    const char *path = raw->destination.path;
    const char *bucket = path + strlen(gs);
    size_t length = strlen(path);
    while (length > strlen(gs) && path[length - 1] == '/')
        length--;
    if (strchr(bucket, '/') != bucket && *bucket && !strstr(bucket, "//")) {
        raw->destination.path = arena_strndup(arena, path, length);
        return;
    }
    mistakes_add(mistakes, raw_place(&raw->element, KEYS_TO("destination", "path")),
                 "destination.path: expected gs://BUCKET or gs://BUCKET/PREFIX, found %s",
                 shown_text(path, arena));
}

/* What only an export to Cloud Storage has a use for. */
static void check_local_files(const RawConfig *raw, Mistakes *mistakes)
{
    static const char *const keys[] = {"credentials", "quota_project", "endpoints"};
    const YamlNode *destination = yaml_get(raw->element.node, "destination");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (destination && yaml_get(destination, keys[i]))
            mistakes_add(
                mistakes, raw_place(&raw->element, KEYS_TO("destination", keys[i])),
                "destination.%s: only for type bigquery, or for type files with a path that "
                "begins with gs://",
                keys[i]);
    }
}

static void check_files(RawConfig *raw, Mistakes *mistakes, Arena *arena)
{
    DestinationConfig *destination = &raw->destination;
    if (destination->format && strcmp(destination->format, "auto") == 0)
        destination->format = NULL;
    if (!destination->path)
        return;
    if (strncmp(destination->path, gs, strlen(gs)) != 0) {
        check_local_files(raw, mistakes);
        return;
    }
    check_bucket_path(raw, mistakes, arena);
    check_projects(raw, mistakes);
}

static const RawJob *job_without_dataset(const RawConfig *raw)
{
    for (size_t i = 0; i < raw->job_count; i++) {
        const JobConfig *job = &raw->jobs[i].config;
        bool named = job->target_dataset || (job->target_table && strchr(job->target_table, '.'));
        if (!named && raw->jobs[i].element.node->kind == YAML_MAPPING)
            return &raw->jobs[i];
    }
    return NULL;
}

static void check_bigquery(const RawConfig *raw, Mistakes *mistakes)
{
    const DestinationConfig *destination = &raw->destination;
    const YamlNode *node = yaml_get(raw->element.node, "destination");
    ConfigPlace place = raw_place(&raw->element, KEYS_TO("destination", "dataset"));
    const char *wanted = destination->dataset ? rules_dataset_name(destination->dataset) : NULL;
    const RawJob *job = destination->dataset ? NULL : job_without_dataset(raw);
    bool said = raw_is_said(node, "dataset") && !destination->dataset;
    if (wanted)
        mistakes_add(mistakes, place, "destination.dataset: expected %s, found %s", wanted,
                     shown_text(destination->dataset, mistakes->arena));
    if (job && !said)
        mistakes_add(mistakes, place,
                     "destination.dataset: is required: %s names no dataset of its own "
                     "(target: DATASET.TABLE)",
                     job->element.label);
    check_projects(raw, mistakes);
    rules_labels(&destination->bigquery.labels, yaml_get(node, "labels"), raw->element.place.file,
                 "destination.labels", mistakes);
}

void rules_destination(RawConfig *raw, Mistakes *mistakes, Arena *arena)
{
    DestinationConfig *destination = &raw->destination;
    destination->place = raw_place(&raw->element, KEYS_TO("destination"));
    destination->retry_budget_ms = raw->defaults.retries.budget_ms;
    check_compression(raw, mistakes);
    if (destination->type && strcmp(destination->type, "files") == 0)
        check_files(raw, mistakes, arena);
    if (rules_is_bigquery(destination))
        check_bigquery(raw, mistakes);
}
