/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/init_files.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "cmd/copy_config.h"
#include "cmd/yaml_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A text that is being written. */
typedef struct Draft {
    FILE *out;
    char *bytes;
    size_t size;
} Draft;

static void draft_init(Draft *draft)
{
    draft->out = open_memstream(&draft->bytes, &draft->size);
    if (!draft->out)
        memory_exhausted(0);
}

static const char *draft_take(Draft *draft, Arena *arena)
{
    fclose(draft->out);
    const char *text = arena_strndup(arena, draft->bytes, draft->size);
    free(draft->bytes);
    return text;
}

static void print_connections(FILE *out, const InitChoices *choices)
{
    bool is_postgres = strcmp(choices->source_type, "postgresql") == 0;
    fprintf(
        out,
        "# Where rows come from. ${NAME} is read from the environment, or from a file .env beside\n"
        "# this one.%s\n"
        "connections:\n"
        "  source:\n"
        "    type: %s\n"
        "    url: ",
        is_postgres
            ? " What a URL leaves out comes from PG* variables, ~/.pgpass and service files."
            : "",
        choices->source_type);
    if (choices->url_variable)
        fprintf(out, "\"${%s}\"", choices->url_variable);
    else
        yaml_text_print(out, choices->source_url);
    fputs(
        "\n    # naive_timestamps: { type: TIMESTAMP, time_zone: Europe/Berlin }   # timestamp columns are "
        "instants\n",
        out);
}

static bool has_key(const TargetUrl *target, const char *key)
{
    for (size_t i = 0; i < target->parameter_count; i++) {
        if (strcmp(target->parameters[i].key, key) == 0)
            return true;
    }
    return false;
}

/* Those that the URL does not say, each behind a #. */
static void print_bigquery_keys(FILE *out, const TargetUrl *target)
{
    static const struct {
        const char *key;
        const char *example;
        const char *why;
    } keys[] = {
        {"project", "my-project", "else that of the credentials"},
        {"location", "EU", "of datasets that are made; it can never change"},
        {"bucket", "my-staging", "for large tables: rows wait there, one load job takes them all"},
        {"credentials", "key.json", "else GOOGLE_APPLICATION_CREDENTIALS, gcloud's, the machine's"},
        {"labels", "{ team: data }", "on jobs and tables: costs can be grouped by them"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!has_key(target, keys[i].key))
            fprintf(out, "  # %s: %-*s # %s\n", keys[i].key, (int)(20 - strlen(keys[i].key)),
                    keys[i].example, keys[i].why);
    }
}

static void print_destination(FILE *out, const TargetUrl *target)
{
    fputs("\n"
          "# Where rows go: BigQuery, a DuckDB file, or a folder of Avro or NDJSON files.\n"
          "destination:\n"
          "  type: ",
          out);
    yaml_text_print(out, target->type);
    if (target->path) {
        fputs("\n  path: ", out);
        yaml_text_print(out, target->path);
    }
    for (size_t i = 0; i < target->parameter_count; i++) {
        fprintf(out, "\n  %s: ", target->parameters[i].key);
        yaml_text_print(out, target->parameters[i].value);
    }
    fputc('\n', out);
    if (target->path)
        fputs("  # dataset: raw          # a schema in duckdb, a folder in files\n", out);
    else
        print_bigquery_keys(out, target);
    fputs("  # table_prefix: shop_   # before every target table's name\n", out);
    if (target->path)
        fputs(
            "# destination: { type: bigquery, project: my-project, dataset: raw, location: EU }\n",
            out);
    else
        fputs("# destination: { type: duckdb, path: warehouse.duckdb }   # the same, without an "
              "account\n",
              out);
    fputs("# destination: { type: files, path: exports/, format: ndjson }\n", out);
}

static void print_rest(FILE *out)
{
    fputs(
        "\n"
        "# What must be known again after a crash. Keep this folder: it is why nothing arrives twice.\n"
        "state:\n"
        "  type: file\n"
        "  path: .bqferry/\n"
        "\n"
        "# Jobs that run at once.\n"
        "parallel: 2\n"
        "\n"
        "# For every job that does not say otherwise.\n"
        "defaults:\n"
        "  load: replace       # or append: adds all rows again on each run\n"
        "  on_invalid: fail    # a value that the target's type cannot hold: fail, null, clamp, string\n"
        "  # workers: 2        # readers of one table at once\n"
        "\n"
        "# Files with more connections and jobs.\n"
        "# include: [jobs/*.yaml]\n",
        out);
}

static bool is_taken(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* "orders", and "sales-orders" when that is taken. */
static const char *job_name(const char *const *names, size_t count, const char *table, Arena *arena)
{
    CopyRequest request = {.table = table};
    const char *name = copy_table_name(&request, arena);
    if (!is_taken(names, count, name))
        return name;
    char *whole = arena_strdup(arena, table);
    for (char *dot = strchr(whole, '.'); dot; dot = strchr(dot, '.'))
        *dot = '-';
    request.table = whole;
    const char *base = copy_table_name(&request, arena);
    name = base;
    for (int number = 2; is_taken(names, count, name); number++)
        name = arena_printf(arena, "%s-%d", base, number);
    return name;
}

static void print_job(FILE *out, const char *name, const char *table, bool first, bool bigquery,
                      Arena *arena)
{
    CopyRequest request = {.table = table};
    fputs("  - name: ", out);
    yaml_text_print(out, name);
    fputs("\n    source:\n      connection: source\n      table: ", out);
    yaml_text_print(out, table);
    fputc('\n', out);
    /* Two tables of one name: the second one's target is told apart as its job is. */
    if (strcmp(copy_table_name(&request, arena), name) != 0 && !strchr(table, '*')) {
        char *target = arena_strdup(arena, name);
        for (char *dash = strchr(target, '-'); dash; dash = strchr(dash, '-'))
            *dash = '_';
        fprintf(out, "    target: %s\n", target);
    }
    if (first)
        fputs("      # columns: [id, total]        # only these, in this order\n"
              "      # where: \"total > 0\"          # only these rows\n"
              "    # tags: [hourly]                # bqferry run --tag hourly\n"
              "    # target: other_name            # without it, the source table's name\n"
              "    # columns: { note: { on_invalid: \"null\" }, total: { type: NUMERIC } }\n",
              out);
    if (first && bigquery)
        fputs(
            "    # target: { partition_by: { column: created_at, type: day }, cluster_by: [id] }\n",
            out);
}

static void print_jobs(FILE *out, const InitChoices *choices, Arena *arena)
{
    const TextList *tables = &choices->tables;
    const char **names = ARENA_ARRAY(arena, const char *, tables->count);
    fputs(
        "\n"
        "# What goes where. A pattern such as \"public.*\" becomes one job a table, named JOB.TABLE.\n"
        "jobs:\n",
        out);
    for (size_t i = 0; i < tables->count; i++) {
        names[i] = job_name(names, i, tables->items[i], arena);
        print_job(out, names[i], tables->items[i], i == 0, !choices->target.path, arena);
    }
}

const char *init_config_text(const InitChoices *choices, Arena *arena)
{
    Draft draft;
    draft_init(&draft);
    fputs("# bqferry: which tables go where. Every key is explained by: bqferry config docs\n"
          "# Look first: bqferry check, then bqferry plan. Then: bqferry run\n"
          "version: 1\n\n",
          draft.out);
    print_connections(draft.out, choices);
    print_destination(draft.out, &choices->target);
    print_rest(draft.out);
    print_jobs(draft.out, choices, arena);
    return draft_take(&draft, arena);
}

const char *init_example_text(const InitChoices *choices, Arena *arena)
{
    static const char google[] =
        "# A key file, where gcloud's own credentials or the machine's are not to be used:\n"
        "# GOOGLE_APPLICATION_CREDENTIALS=/path/of/key.json\n"
        "# An emulator instead of the real service:\n"
        "# BIGQUERY_EMULATOR_HOST=localhost:9050\n"
        "# STORAGE_EMULATOR_HOST=localhost:4443\n";
    const char *more = choices->target.type && !choices->target.path ? google : "";
    bool is_postgres = strcmp(choices->source_type, "postgresql") == 0;
    if (!choices->url_variable)
        return arena_printf(arena, "# The configuration needs no variables.%s\n%s",
                            is_postgres ? " Others of use: PGPASSWORD, PGSSLMODE, PGSERVICE" : "",
                            more);
    return arena_printf(
        arena,
        "# Copy this file to .env, fill it in, and keep .env out of version control.\n"
        "%s=%s://USER:PASSWORD@HOST:%s/DATABASE\n%s",
        choices->url_variable, choices->source_type, is_postgres ? "5432" : "3306", more);
}

/* Whether the line assigns the name; the same forms as config/env_file.h reads. */
static bool assigns(const char *line, const char *name)
{
    size_t length = strlen(name);
    line += strspn(line, " \t");
    if (strncmp(line, "export", 6) == 0 && isblank((unsigned char)line[6]))
        line += 6 + strspn(line + 6, " \t");
    return strncmp(line, name, length) == 0 && line[length + strspn(line + length, " \t")] == '=';
}

static void print_assignment(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    for (; *value; value++)
        fprintf(out, "%s%c", strchr("\"\\$", *value) ? "\\" : "", *value);
    fputs("\"\n", out);
}

const char *init_env_text(const char *before, const char *name, const char *value, Arena *arena,
                          bool *ret_replaces)
{
    Draft draft;
    draft_init(&draft);
    *ret_replaces = false;
    for (const char *line = before; line && *line;) {
        size_t length = strcspn(line, "\n");
        if (assigns(line, name))
            *ret_replaces = true;
        else
            fprintf(draft.out, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    print_assignment(draft.out, name, value);
    return draft_take(&draft, arena);
}
