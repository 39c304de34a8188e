/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials/sources.h"

#include <string.h>

const char *file_text(const Json *file, const char *key, const char *place, Error *error)
{
    const char *text = json_get_text(file, key);
    if (text && *text)
        return text;
    error_set(error, ERROR_CONFIG, "%s: \"%s\" is %s", place, key,
              json_get(file, key) ? "not a text, or empty" : "missing");
    error_hint(error, "the file is not whole: fetch it again from where it came");
    return NULL;
}

static bool source_impersonating(Json *file, const char *place, TokenSource **ret_source,
                                 Error *error)
{
    const char *url = file_text(file, "service_account_impersonation_url", place, error);
    Json *inner_file = json_get(file, "source_credentials");
    TokenSource *inner = NULL;
    if (!url)
        return false;
    if (!json_is_object(inner_file))
        return error_set(error, ERROR_CONFIG, "%s: \"source_credentials\" is missing", place);
    const char *type = json_get_text(inner_file, "type");
    if (type && strcmp(type, "impersonated_service_account") == 0)
        return error_set(error, ERROR_CONFIG,
                         "%s: \"source_credentials\" impersonates as well: use \"delegates\"",
                         place);
    ImpersonationOptions options = {url, json_get(file, "delegates"), 3600};
    return source_of_file(inner_file, place, &inner, error) &&
           source_impersonated(&options, inner, place, ret_source, error);
}

bool source_of_file(Json *file, const char *place, TokenSource **ret_source, Error *error)
{
    static const struct {
        const char *type;
        bool (*make)(Json *file, const char *place, TokenSource **ret_source, Error *error);
    } types[] = {
        {"service_account", source_service_account},
        {"authorized_user", source_refresh_token},
        {"external_account", source_external},
        {"external_account_authorized_user", source_refresh_token},
        {"impersonated_service_account", source_impersonating},
    };
    const char *type = file_text(file, "type", place, error);
    if (!type) {
        if (json_get(file, "installed") || json_get(file, "web"))
            error_set(error, ERROR_CONFIG, "%s: this is an OAuth client, not credentials", place);
        return false;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].type, type) == 0)
            return types[i].make(file, place, ret_source, error);
    }
    return error_set(error, ERROR_CONFIG,
                     "%s: \"type\" is none that is known (service_account, authorized_user, "
                     "external_account, external_account_authorized_user, "
                     "impersonated_service_account)",
                     place);
}
