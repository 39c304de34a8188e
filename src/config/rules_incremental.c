/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rules_incremental.h"

#include "config/scalar.h"
#include "model/cursor.h"

#include <string.h>

enum { CURSOR_COLUMNS_MAX = 2, DAY_MS = 24 * 3600 * 1000 };

typedef struct IncrementalRules {
    Mistakes *mistakes;
    RawJob *job;
} IncrementalRules;

static ConfigPlace place_in_job(const RawJob *job, const char *first, const char *second)
{
    const YamlNode *outer = yaml_get(job->element.node, first);
    const YamlNode *inner = outer && second ? yaml_get(outer, second) : NULL;
    return outer ? place_in(job->element.place.file, inner ? inner->mark : outer->mark)
                 : job->element.place;
}

static bool is_there(const RawJob *job, const char *key)
{
    return yaml_get(job->element.node, key) != NULL;
}

static void check_start(const IncrementalRules *rules)
{
    const char *start = rules->job->config.cursor.start;
    int64_t number;
    if (!start || strcmp(start, "all") == 0 || scalar_duration_ms(start, &number))
        return;
    for (int kind = 0; kind < CURSOR_KIND_COUNT_; kind++) {
        if (cursor_parse((CursorKind)kind, start, &number))
            return;
    }
    mistakes_add(rules->mistakes, place_in_job(rules->job, "cursor", "start"),
                 "%s.cursor.start: expected a time such as 2024-01-01 or 2024-01-01T12:00:00Z, a "
                 "whole number, an age such as 30d, or all; found %s",
                 rules->job->element.label, shown_text(start, rules->mistakes->arena));
}

static void check_cursor(const IncrementalRules *rules)
{
    const RawJob *job = rules->job;
    const char *label = job->element.label;
    if (!is_there(job, "cursor"))
        return;
    if (job->config.cursor.columns.count > CURSOR_COLUMNS_MAX)
        mistakes_add(rules->mistakes, place_in_job(job, "cursor", "column"),
                     "%s.cursor.column: expected one column, or two: a timestamp and a key", label);
    if (job->config.load == LOAD_REPLACE)
        mistakes_add(
            rules->mistakes, place_in_job(job, "cursor", NULL),
            "%s.cursor: with load: replace the target would keep the newest rows only: choose "
            "upsert, soft_delete or append, or leave the cursor out",
            label);
    check_start(rules);
}

/* What belongs to a cursor, or to one load mode, says nothing without it. */
static void check_company(const IncrementalRules *rules)
{
    const RawJob *job = rules->job;
    const char *label = job->element.label;
    LoadMode load = job->config.load;
    bool is_merge = load == LOAD_UPSERT || load == LOAD_SOFT_DELETE;
    if (is_there(job, "backfill") && !is_there(job, "cursor"))
        mistakes_add(rules->mistakes, place_in_job(job, "backfill", NULL),
                     "%s.backfill: windows are cut along a cursor, and the job has none", label);
    if (is_there(job, "soft_delete") && load != LOAD_SOFT_DELETE)
        mistakes_add(rules->mistakes, place_in_job(job, "soft_delete", NULL),
                     "%s.soft_delete: only with load: soft_delete", label);
    if (is_there(job, "deletes") && !is_merge)
        mistakes_add(rules->mistakes, place_in_job(job, "deletes", NULL),
                     "%s.deletes: only with load: upsert or soft_delete: %s", label,
                     load == LOAD_APPEND ? "an append keeps every row" : "a replace keeps none");
}

static void apply_deletes(const IncrementalRules *rules)
{
    RawJob *job = rules->job;
    DeletesConfig *deletes = &job->config.deletes;
    bool is_soft = job->config.load == LOAD_SOFT_DELETE;
    if (!deletes->action && is_soft)
        deletes->action = "soft";
    else if (!deletes->action && is_there(job, "deletes") && job->config.load == LOAD_UPSERT)
        mistakes_add(rules->mistakes, place_in_job(job, "deletes", NULL),
                     "%s.deletes.action: is required with load: upsert: hard deletes the rows; to "
                     "keep and mark them, choose load: soft_delete",
                     job->element.label);
    else if (deletes->action && strcmp(deletes->action, "soft") == 0 && !is_soft)
        mistakes_add(rules->mistakes, place_in_job(job, "deletes", "action"),
                     "%s.deletes.action: soft needs the mark of load: soft_delete",
                     job->element.label);
    if (deletes->every_ms == CONFIG_UNSET)
        deletes->every_ms = DAY_MS;
}

void rules_incremental(const RawConfig *raw, Mistakes *mistakes, RawJob *job)
{
    const IncrementalRules rules = {mistakes, job};
    bool own_changed = is_there(job, "changed_only"),
         own_metadata = is_there(job, "metadata_columns");
    job->config.changed_only = own_changed ? job->options.changed_only : raw->defaults.changed_only;
    job->config.metadata_columns =
        own_metadata ? job->options.metadata_columns : raw->defaults.metadata_columns;
    check_cursor(&rules);
    check_company(&rules);
    apply_deletes(&rules);
}
