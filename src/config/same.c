/* SPDX-License-Identifier: Apache-2.0 */
#include "config/same.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct Claim {
    const char *what; /* the name or target, as it is compared */
    const char *text; /* and as it is shown; label and what it is */
    const char *label;
    ConfigPlace place;
    size_t order;
} Claim;

typedef struct Claims {
    Claim *items;
    size_t count;
} Claims;

static int compare_claims(const void *left, const void *right)
{
    const Claim *a = left, *b = right;
    int order = strcmp(a->what, b->what);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static void add_claim(Claims *claims, Claim claim)
{
    claim.order = claims->count;
    claims->items[claims->count++] = claim;
}

static ConfigPlace place_of_name(const RawElement *element)
{
    const YamlNode *name = yaml_get(element->node, "name");
    return name && !element->name ? place_in(element->place.file, name->mark) : element->place;
}

static void report_names(Claims *claims, const char *kind, Mistakes *mistakes)
{
    qsort(claims->items, claims->count, sizeof *claims->items, compare_claims);
    for (size_t i = 1; i < claims->count; i++) {
        const Claim *claim = &claims->items[i], *first = claim - 1;
        if (strcmp(claim->what, first->what) == 0)
            mistakes_add(mistakes, claim->place, "%s: another %s has the name %s: see %s",
                         claim->label, kind, shown_text(claim->what, mistakes->arena),
                         place_text(first->place, mistakes->arena));
    }
}

static void check_connections(const RawConfig *raw, Mistakes *mistakes)
{
    Claims claims = {ARENA_ARRAY(mistakes->arena, Claim, raw->connection_count), 0};
    for (size_t i = 0; i < raw->connection_count; i++) {
        const RawElement *element = &raw->connections[i].element;
        add_claim(&claims,
                  (Claim){.what = element->name, .label = element->label, .place = element->place});
    }
    /* within one file it is a duplicate key, which was named when the file was read */
    report_names(&claims, "connection", mistakes);
}

static void check_jobs(const RawConfig *raw, Mistakes *mistakes)
{
    Claims claims = {ARENA_ARRAY(mistakes->arena, Claim, raw->job_count), 0};
    for (size_t i = 0; i < raw->job_count; i++) {
        const RawJob *job = &raw->jobs[i];
        if (job->config.name)
            add_claim(&claims,
                      (Claim){.what = job->config.name,
                              .label = arena_printf(mistakes->arena, "%s.name", job->element.label),
                              .place = place_of_name(&job->element)});
    }
    report_names(&claims, "job", mistakes);
}

/* The part after the last dot outside of quotes, without its quotes. */
static const char *own_name(const char *table, Arena *arena)
{
    const char *start = table;
    bool quoted = false;
    for (const char *at = table; *at; at++) {
        quoted ^= *at == '"';
        if (*at == '.' && !quoted)
            start = at + 1;
    }
    char *name = arena_alloc(arena, strlen(start) + 1), *end = name;
    for (; *start; start++) {
        if (*start != '"')
            *end++ = *start;
        else if (start[1] == '"')
            *end++ = *start++;
    }
    *end = '\0';
    return name;
}

/* In duckdb, names that differ by case only are the same. */
static const char *compared(const char *text, bool ignore_case, Arena *arena)
{
    char *copy = arena_strdup(arena, text);
    for (char *at = copy; *at && ignore_case; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

static Claim target_claim(const RawConfig *raw, const RawJob *job, const char *table, Arena *arena)
{
    const DestinationConfig *destination = &raw->destination;
    const JobConfig *config = &job->config;
    bool duckdb = destination->type && strcmp(destination->type, "duckdb") == 0;
    const char *dataset = config->target_dataset ? config->target_dataset : destination->dataset;
    if (!dataset && duckdb)
        dataset = "main";
    const char *prefix = destination->table_prefix;
    const char *name = config->target_table;
    if (!name)
        name = arena_printf(arena, "%s%s", prefix ? prefix : "", own_name(table, arena));
    const char *text = dataset ? arena_printf(arena, "%s.%s", dataset, name) : name;
    const YamlNode *target = yaml_get(job->element.node, "target");
    return (Claim){.what = compared(text, duckdb, arena),
                   .text = text,
                   .label = job->element.label,
                   .place = target ? place_in(job->element.place.file, target->mark)
                                   : job->element.place};
}

static size_t count_tables(const RawConfig *raw)
{
    size_t count = raw->job_count;
    for (size_t i = 0; i < raw->job_count; i++)
        count += raw->jobs[i].config.tables.count;
    return count;
}

/* Not when it was said but is wrong, which was named already. */
static bool is_target_known(const RawJob *job)
{
    const YamlNode *target = yaml_get(job->element.node, "target");
    if (!target || job->config.target_table)
        return !target || job->config.tables.count <= 1;
    return target->kind == YAML_MAPPING && !yaml_get(target, "table");
}

static void add_targets(Claims *claims, const RawConfig *raw, const RawJob *job, Arena *arena)
{
    const ConfigText *tables = &job->config.tables;
    if (!is_target_known(job))
        return;
    if (job->config.query && job->config.target_table)
        add_claim(claims, target_claim(raw, job, NULL, arena));
    for (size_t i = 0; i < tables->count && !job->config.query; i++) {
        if (!strchr(tables->items[i], '*'))
            add_claim(claims, target_claim(raw, job, tables->items[i], arena));
    }
}

static void check_targets(const RawConfig *raw, Mistakes *mistakes)
{
    Arena *arena = mistakes->arena;
    Claims claims = {ARENA_ARRAY(arena, Claim, count_tables(raw)), 0};
    for (size_t i = 0; i < raw->job_count; i++)
        add_targets(&claims, raw, &raw->jobs[i], arena);
    qsort(claims.items, claims.count, sizeof *claims.items, compare_claims);
    for (size_t i = 1; i < claims.count; i++) {
        const Claim *claim = &claims.items[i], *first = claim - 1;
        /* Two tables of one job's list are told apart, by their names, once the job is expanded. */
        if (strcmp(claim->what, first->what) == 0 && claim->label != first->label)
            mistakes_add(
                mistakes, claim->place,
                "%s.target: the target table %s is also that of %s (%s): name another with "
                "target.table or target.dataset",
                claim->label, shown_text(claim->text, arena), first->label,
                place_text(first->place, arena));
    }
}

void same_check(const RawConfig *raw, Mistakes *mistakes)
{
    check_connections(raw, mistakes);
    check_jobs(raw, mistakes);
    check_targets(raw, mistakes);
}
