/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "base/cleanup.h"
#include "config/include.h"
#include "config/read.h"
#include "config/rules.h"
#include "format/file.h"

#include <string.h>

enum { ENV_FILE_MAX = 1024 * 1024 };

/* The part of a path before its last slash, with the slash; may be empty. */
static const char *folder_part(const char *path, Arena *arena)
{
    const char *slash = strrchr(path, '/');
    return arena_strndup(arena, path, slash ? (size_t)(slash - path) + 1 : 0);
}

static const char *absolute_directory(const char *directory, Arena *arena)
{
    if (*directory == '\0')
        directory = ".";
    CLEANUP(free_ptr) char *resolved = realpath(directory, NULL);
    CLEANUP(free_ptr) char *working = resolved ? NULL : getcwd(NULL, 0);
    return resolved ? arena_strdup(arena, resolved)
                    : path_in(working ? working : "/", directory, arena);
}

static void read_env_file(const Expander *expander, Mistakes *mistakes, EnvFile *ret_env)
{
    Error error = {0};
    StrView text;
    const char *path = path_in(expander->directory, ".env", mistakes->arena);
    if (!file_read(path, ENV_FILE_MAX, mistakes->arena, &text, &error))
        mistakes_add(mistakes, (ConfigPlace){expander->env_path, 0, 0}, "%s", error.message);
    else if (text.data)
        env_file_parse(text, expander->env_path, mistakes, ret_env);
}

/* The mistakes become *error: their number and the first. */
static bool fail(const ConfigErrors *errors, const Mistakes *mistakes, Error *error)
{
    return error_set(error, ERROR_CONFIG, "%zu mistake%s in the configuration: %s", mistakes->total,
                     mistakes->total == 1 ? "" : "s", errors->messages[0]);
}

static bool missing_file(Config *config, ConfigErrors *ret_errors, Error *error)
{
    const char **message = ARENA_NEW(&config->arena, const char *);
    *message = arena_printf(&config->arena, "%s: there is no such file", config->path);
    *ret_errors = (ConfigErrors){message, 1};
    error_set(error, ERROR_CONFIG, "there is no configuration %s", config->path);
    return error_hint(error, "`bqferry init` writes one; --config FILE names another");
}

bool config_read(const ConfigInput *input, Config *config, ConfigErrors *ret_errors, Error *error)
{
    Arena *arena = &config->arena;
    EnvFile env = {0};
    RawConfig raw = {0};
    Mistakes mistakes;
    config->path = arena_strdup(arena, input->name);
    config->directory = absolute_directory(input->directory, arena);
    const char *env_path = arena_printf(arena, "%s.env", folder_part(config->path, arena));
    const Expander expander = {&env, config->directory, env_path, input->sealed};
    mistakes_init(&mistakes, arena, config->path);
    if (!input->sealed)
        read_env_file(&expander, &mistakes, &env);

    const Binder binder = {arena, &mistakes, &expander, config->path};
    bind_defaults(&binder, &keys_main, &raw);
    include_text(&binder, &keys_main, input->text, &raw);
    const char *name = config->path + strlen(folder_part(config->path, arena));
    include_files(&binder, path_in(config->directory, name, arena), &raw);
    if (!raw.broken)
        rules_apply(&raw, &mistakes, config);
    *ret_errors = mistakes_sorted(&mistakes);
    return mistakes.total == 0 || fail(ret_errors, &mistakes, error);
}

bool config_load(const char *path, Config *config, ConfigErrors *ret_errors, Error *error)
{
    StrView text;
    *config = (Config){0};
    *ret_errors = (ConfigErrors){0};
    config->path = arena_strdup(&config->arena, path);
    if (!file_read(path, YAML_SIZE_MAX, &config->arena, &text, error)) {
        const char **message = ARENA_NEW(&config->arena, const char *);
        *message = arena_strdup(&config->arena, error ? error->message : path);
        *ret_errors = (ConfigErrors){message, 1};
        return false;
    }
    if (!text.data)
        return missing_file(config, ret_errors, error);
    const ConfigInput input = {text, path, folder_part(path, &config->arena), false};
    return config_read(&input, config, ret_errors, error);
}

bool config_parse(const char *text, const char *name, const char *directory, Config *config,
                  ConfigErrors *ret_errors, Error *error)
{
    *config = (Config){0};
    const ConfigInput input = {view_of(text), name, directory, false};
    return config_read(&input, config, ret_errors, error);
}

void config_done(Config *config)
{
    arena_done(&config->arena);
    *config = (Config){0};
}

const ConnectionConfig *config_connection(const Config *config, const char *name)
{
    for (size_t i = 0; i < config->connection_count; i++) {
        if (strcmp(config->connections[i].name, name) == 0)
            return &config->connections[i];
    }
    return NULL;
}

const JobConfig *config_job(const Config *config, const char *name)
{
    for (size_t i = 0; i < config->job_count; i++) {
        if (strcmp(config->jobs[i].name, name) == 0)
            return &config->jobs[i];
    }
    return NULL;
}

const char *load_mode_name(LoadMode mode)
{
    static const char *const names[LOAD_MODE_COUNT_] = {"append", "replace", "upsert",
                                                        "soft_delete"};
    return names[mode];
}

bool load_mode_parse(const char *name, LoadMode *ret_mode)
{
    for (int mode = 0; mode < LOAD_MODE_COUNT_; mode++) {
        if (strcmp(name, load_mode_name((LoadMode)mode)) == 0) {
            *ret_mode = (LoadMode)mode;
            return true;
        }
    }
    *ret_mode = LOAD_APPEND;
    return false;
}
