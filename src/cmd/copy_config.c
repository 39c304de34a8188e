/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/copy_config.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "cmd/yaml_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 40 };

/* Letters, digits and _ stay; anything between them becomes one dash. */
static const char *plain_name(const char *text, size_t length, Arena *arena)
{
    char *name = arena_alloc(arena, NAME_MAX_LENGTH + 1);
    size_t used = 0;
    for (size_t i = 0; i < length && used < NAME_MAX_LENGTH; i++) {
        bool plain = isalnum((unsigned char)text[i]) || text[i] == '_';
        if (plain || (used && name[used - 1] != '-'))
            name[used++] = plain ? text[i] : '-';
    }
    while (used && name[used - 1] == '-')
        used--;
    name[used] = '\0';
    return used ? name : "tables";
}

const char *copy_table_name(const CopyRequest *request, Arena *arena)
{
    const char *text = request->target_table ? request->target_table : request->table;
    if (!text)
        return "query";
    const char *dot = strrchr(text, '.');
    if (!dot)
        return plain_name(text, strlen(text), arena);
    if (strchr(text, '*'))
        return plain_name(text, (size_t)(dot - text), arena);
    return plain_name(dot + 1, strlen(dot + 1), arena);
}

/* FNV-1a; the NUL is part of each text, so that ("ab","c") and ("a","bc") differ. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    const unsigned char *bytes = (const unsigned char *)(text ? text : "");
    do {
        hash = (hash ^ *bytes) * 1099511628211u;
    } while (*bytes++);
    return hash;
}

/* Whether the target is the same one from every working directory. */
static bool is_absolute(const TargetUrl *target)
{
    return !target->path || target->path[0] == '/' || strstr(target->path, "://");
}

const char *copy_job_name(const CopyRequest *request, const char *directory, Arena *arena)
{
    const char *texts[] = {url_shown(request->source_url, arena),
                           request->table,
                           request->query,
                           request->target_table,
                           request->target.type,
                           is_absolute(&request->target) ? "" : directory,
                           request->target.path,
                           request->format,
                           request->load,
                           request->on_invalid,
                           request->where,
                           arena_printf(arena, "%lld", (long long)request->limit)};
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = hash_text(hash, texts[i]);
    for (size_t i = 0; i < request->target.parameter_count; i++)
        hash = hash_text(hash_text(hash, request->target.parameters[i].key),
                         request->target.parameters[i].value);
    for (size_t i = 0; i < request->columns.count; i++)
        hash = hash_text(hash, request->columns.items[i]);
    return arena_printf(arena, "copy-%s-%08llx", copy_table_name(request, arena),
                        (unsigned long long)(hash ^ hash >> 32) & 0xFFFFFFFF);
}

static void print_key(FILE *out, const char *key, const char *text)
{
    if (!text)
        return;
    fputs(key, out);
    yaml_text_print(out, text);
    fputc('\n', out);
}

static void print_connection(FILE *out, const CopyRequest *request, bool for_people, Arena *arena)
{
    char *shown = arena_strdup(arena, request->source_url);
    bool secret = url_hide_passwords(shown);
    fputs("version: 1\n", out);
    if (for_people && secret)
        fprintf(out,
                "# The URL holds a password, so it is not written here: set " COPY_URL_VARIABLE
                " in the environment,\n# or in a file .env beside this one:\n"
                "# " COPY_URL_VARIABLE "=%s\n",
                shown);
    fputs("connections:\n  source:\n", out);
    print_key(out, "    type: ", request->source_type);
    if (for_people && !secret)
        print_key(out, "    url: ", request->source_url);
    else
        fputs("    url: \"${" COPY_URL_VARIABLE "}\"\n", out);
}

static void print_destination(FILE *out, const CopyRequest *request)
{
    const TargetUrl *target = &request->target;
    fputs("destination:\n", out);
    print_key(out, "  type: ", target->type);
    print_key(out, "  path: ", target->path);
    for (size_t i = 0; i < target->parameter_count; i++) {
        const char *value = target->parameters[i].value;
        fputs("  ", out);
        yaml_text_print(out, target->parameters[i].key);
        fputs(": ", out);
        /* Numbers and sizes stay plain: which key wants which is for the configuration to say. */
        if (value[strspn(value, "0123456789KMGTiB")] == '\0')
            fprintf(out, "%s\n", value);
        else
            print_key(out, "", value);
    }
    print_key(out, "  format: ", request->format);
    fputs("state:\n  type: file\n", out);
    print_key(out, "  path: ", request->state);
}

static void print_job(FILE *out, const CopyRequest *request, const char *job)
{
    fputs("jobs:\n", out);
    print_key(out, "  - name: ", job);
    fputs("    source:\n      connection: source\n", out);
    print_key(out, "      table: ", request->table);
    print_key(out, "      query: ", request->query);
    if (request->columns.count) {
        fputs("      columns: ", out);
        yaml_text_print_list(out, request->columns.items, request->columns.count);
        fputc('\n', out);
    }
    print_key(out, "      where: ", request->where);
    print_key(out, "    target: ", request->target_table);
    print_key(out, "    load: ", request->load);
    print_key(out, "    on_invalid: ", request->on_invalid);
    fputs("    retries:\n      budget: " COPY_RETRY_BUDGET "\n", out);
    if (request->workers)
        fprintf(out, "    workers: %lld\n", (long long)request->workers);
}

const char *copy_config_text(const CopyRequest *request, const char *job, bool for_people,
                             Arena *arena)
{
    CLEANUP(free_ptr) char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    if (!out)
        memory_exhausted(0);
    print_connection(out, request, for_people, arena);
    print_destination(out, request);
    print_job(out, request, job);
    fclose(out);
    return arena_strndup(arena, bytes, size);
}
