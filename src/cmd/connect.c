/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/connect.h"

#include "base/nearest.h"

#include <string.h>

const char *connect_known_schemes(const Drivers *drivers, Arena *arena)
{
    const char *known = "";
    for (size_t i = 0; drivers->sources[i]; i++) {
        for (const char *const *scheme = drivers->sources[i]->url_schemes; *scheme; scheme++)
            known = arena_printf(arena, "%s%s%s://", known, *known ? ", " : "", *scheme);
    }
    return known;
}

bool connect_url(const CommandContext *context, const char *url, Source **ret_source, Error *error)
{
    const Drivers *drivers = context->app->drivers;
    const SourceDriver *driver = drivers_source_of_url(drivers, url);
    if (!driver)
        return error_set(error, ERROR_USAGE, "no source is known for this URL (known: %s)",
                         connect_known_schemes(drivers, context->arena));
    ConnectionConfig *config = ARENA_NEW(context->arena, ConnectionConfig);
    *config = (ConnectionConfig){.name = "source", .type = driver->type, .url = url};
    return drivers_open_source(drivers, config, ret_source, error);
}

static bool fail_unknown(const Config *config, const char *name, Arena *arena, Error *error)
{
    const char **names = ARENA_ARRAY(arena, const char *, config->connection_count);
    for (size_t i = 0; i < config->connection_count; i++)
        names[i] = config->connections[i].name;
    const char *near = nearest_word(name, names, config->connection_count);
    error_set(error, ERROR_USAGE, "%s has no connection \"%s\"", config->path, name);
    return near ? error_hint(error, "did you mean %s?", near) : false;
}

bool connect_source(const CommandContext *context, const char *name_or_url, Config *config,
                    Source **ret_source, Error *error)
{
    if (strstr(name_or_url, "://"))
        return connect_url(context, name_or_url, ret_source, error);
    if (!command_load_config(context, config, error))
        return false;
    const ConnectionConfig *connection = config_connection(config, name_or_url);
    if (!connection)
        return fail_unknown(config, name_or_url, context->arena, error);
    return drivers_open_source(context->app->drivers, connection, ret_source, error);
}
