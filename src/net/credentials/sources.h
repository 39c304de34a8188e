/* SPDX-License-Identifier: Apache-2.0 */
/* net/credentials/sources.h: the kinds of credentials. Each constructor takes the parsed file and
 * its place for messages; ERROR_CONFIG names a field that is missing or wrong. */
#pragma once

#include "net/credentials/token.h"

/* A key of a service account: signs a short JWT with it and exchanges that at token_uri (RFC 7523,
 * https://developers.google.com/identity/protocols/oauth2/service-account). In another universe
 * than googleapis.com there is no exchange: the JWT itself, with the scope in it, is the token
 * (https://google.aip.dev/auth/4111). */
bool source_service_account(Json *file, const char *place, TokenSource **ret_source, Error *error);

/* A person's refresh token (authorized_user, external_account_authorized_user). */
bool source_refresh_token(Json *file, const char *place, TokenSource **ret_source, Error *error);

/* Workload identity federation (RFC 8693, https://google.aip.dev/auth/4117): a token of another
 * identity provider, from a file, a URL or a program, exchanged at token_url. */
bool source_external(Json *file, const char *place, TokenSource **ret_source, Error *error);

typedef struct ImpersonationOptions {
    const char *url;       /* …/serviceAccounts/EMAIL:generateAccessToken; copied */
    const Json *delegates; /* may be NULL; copied */
    int64_t lifetime_s;
} ImpersonationOptions;

/* Another account's token with the right to make tokens of it: takes `inner` over, also on failure.
 */
bool source_impersonated(const ImpersonationOptions *options, TokenSource *inner, const char *place,
                         TokenSource **ret_source, Error *error);

/* The metadata server of the machine, http://HOST/computeMetadata/v1/. */
TokenSource *source_metadata(const char *host);

/* By the file's "type"; impersonated_service_account brings its inner file along. */
bool source_of_file(Json *file, const char *place, TokenSource **ret_source, Error *error);

/* The account's email in …/serviceAccounts/EMAIL:generateAccessToken; NULL when it is not there. */
const char *impersonated_email(const char *url, Arena *arena);

/* A member that must be a text; NULL and ERROR_CONFIG when it is not. */
const char *file_text(const Json *file, const char *key, const char *place, Error *error);
