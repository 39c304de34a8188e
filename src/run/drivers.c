/* SPDX-License-Identifier: Apache-2.0 */
#include "run/drivers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 256 };

static void add_name(char *names, const char *name)
{
    size_t length = strlen(names);
    snprintf(names + length, NAMES_MAX - length, "%s%s", length ? ", " : "", name);
}

bool drivers_open_source(const Drivers *drivers, const ConnectionConfig *config,
                         Source **ret_source, Error *error)
{
    char names[NAMES_MAX] = "";
    for (size_t i = 0; drivers->sources[i]; i++) {
        if (strcmp(drivers->sources[i]->type, config->type) == 0)
            return drivers->sources[i]->open(config, ret_source, error);
        add_name(names, drivers->sources[i]->type);
    }
    return error_set(error, ERROR_CONFIG,
                     "connection %s: there is no source of type \"%s\" (known: %s)", config->name,
                     config->type, names);
}

static const TargetDriver *find_target(const Drivers *drivers, const char *type, char *names)
{
    for (size_t i = 0; drivers->targets[i]; i++) {
        if (strcmp(drivers->targets[i]->type, type) == 0)
            return drivers->targets[i];
        add_name(names, drivers->targets[i]->type);
    }
    return NULL;
}

bool drivers_open_target(const Drivers *drivers, const DestinationConfig *config,
                         Target **ret_target, Error *error)
{
    char names[NAMES_MAX] = "";
    const TargetDriver *driver = find_target(drivers, config->type, names);
    if (!driver)
        return error_set(error, ERROR_CONFIG,
                         "destination: there is no target of type \"%s\" (known: %s)", config->type,
                         names);
    return driver->open(config, ret_target, error);
}

const char *drivers_default_dataset(const Drivers *drivers, const DestinationConfig *config)
{
    char names[NAMES_MAX] = "";
    const TargetDriver *driver = find_target(drivers, config->type, names);
    if (config->dataset)
        return config->dataset;
    return driver && driver->default_dataset ? driver->default_dataset : "";
}

bool drivers_open_state(const Drivers *drivers, const Config *config, bool changes,
                        StateStore **ret_store, Error *error)
{
    char names[NAMES_MAX] = "";
    StateConfig state = config->state;
    state.only_looks = !changes;
    const char *type = config->state.type ? config->state.type : drivers->states[0]->type;
    for (size_t i = 0; drivers->states[i]; i++) {
        if (strcmp(drivers->states[i]->type, type) == 0)
            return drivers->states[i]->open(&state, ret_store, error);
        add_name(names, drivers->states[i]->type);
    }
    return error_set(error, ERROR_CONFIG, "state: there is no store of type \"%s\" (known: %s)",
                     type, names);
}

const SourceDriver *drivers_source_of_url(const Drivers *drivers, const char *url)
{
    const char *colon = strstr(url, "://");
    if (!colon)
        return NULL;
    for (size_t i = 0; drivers->sources[i]; i++) {
        for (const char *const *scheme = drivers->sources[i]->url_schemes; *scheme; scheme++) {
            if (strlen(*scheme) == (size_t)(colon - url) &&
                strncasecmp(url, *scheme, strlen(*scheme)) == 0)
                return drivers->sources[i];
        }
    }
    return NULL;
}
