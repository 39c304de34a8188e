/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXAMPLE                                                                                    \
    "as in mysql://user:password@host:3306/database?sslmode=require; special characters as %%40 "  \
    "for @, %%2F for /, %%3A for :"

enum { PORT_MAX = 65535 };

static bool wrong(Error *error, const char *what)
{
    error_set(error, ERROR_CONFIG, "url: %s", what);
    return error_hint(error, EXAMPLE);
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    int letter = tolower((unsigned char)digit);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The text with its %XX resolved; NULL when one is malformed or stands for NUL. */
static const char *unescape(const char *text, size_t length, Arena *arena)
{
    char *plain = arena_strndup(arena, text, length), *end = plain;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%') {
            *end++ = text[i];
            continue;
        }
        int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low < 0 || (high == 0 && low == 0))
            return NULL;
        *end++ = (char)(high * 16 + low);
        i += 2;
    }
    *end = '\0';
    return plain;
}

static bool read_port(const char *text, unsigned *ret_port, Error *error)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || port == 0 || port > PORT_MAX) {
        error_set(error, ERROR_CONFIG, "port: expected a number from 1 to 65535, got \"%.20s\"",
                  text);
        return false;
    }
    *ret_port = (unsigned)port;
    return true;
}

static bool read_tls(const char *word, TlsMode *ret_mode, Error *error)
{
    static const struct {
        const char *word;
        TlsMode mode;
    } words[] = {
        {"disable", TLS_DISABLE},
        {"disabled", TLS_DISABLE},
        {"allow", TLS_PREFER},
        {"prefer", TLS_PREFER},
        {"preferred", TLS_PREFER},
        {"require", TLS_REQUIRE},
        {"required", TLS_REQUIRE},
        {"verify-ca", TLS_VERIFY_CA},
        {"verify_ca", TLS_VERIFY_CA},
        {"verify-full", TLS_VERIFY_FULL},
        {"verify_identity", TLS_VERIFY_FULL},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(word, words[i].word) == 0) {
            *ret_mode = words[i].mode;
            return true;
        }
    }
    return error_set(error, ERROR_CONFIG,
                     "sslmode: expected disable, prefer, require, verify-ca or verify-full, got "
                     "\"%.40s\"",
                     word);
}

static bool take_parameter(const char *name, const char *value, MysqlAddress *address, Error *error)
{
    if (strcmp(name, "sslmode") == 0 || strcmp(name, "ssl-mode") == 0)
        return read_tls(value, &address->tls, error);
    if (strcmp(name, "socket") == 0) {
        address->socket = value;
    } else if (strcmp(name, "sslrootcert") == 0 || strcmp(name, "ssl-ca") == 0) {
        address->ca = value;
    } else if (strcmp(name, "sslcert") == 0 || strcmp(name, "ssl-cert") == 0) {
        address->certificate = value;
    } else if (strcmp(name, "sslkey") == 0 || strcmp(name, "ssl-key") == 0) {
        address->key = value;
    } else if (strcmp(name, "connect_timeout") == 0) {
        address->timeout_ms = strtol(value, NULL, 10) * 1000;
    } else {
        error_set(error, ERROR_CONFIG, "url: unknown parameter \"%.40s\"", name);
        return error_hint(error, "known are sslmode, sslrootcert, sslcert, sslkey, socket and "
                                 "connect_timeout");
    }
    return true;
}

static bool read_parameters(const char *text, Arena *arena, MysqlAddress *address, Error *error)
{
    while (*text) {
        size_t length = strcspn(text, "&"), name_length = strcspn(text, "=&");
        if (name_length == length)
            return wrong(error, "expected name=value after the ?");
        const char *name = unescape(text, name_length, arena);
        const char *value = unescape(text + name_length + 1, length - name_length - 1, arena);
        if (!name || !value)
            return wrong(error, "a % that is not followed by two hexadecimal digits");
        if (!take_parameter(name, value, address, error))
            return false;
        text += length + (text[length] == '&');
    }
    return true;
}

/* host, host:port, [v6]:port */
static bool read_host(const char *text, size_t length, Arena *arena, MysqlAddress *address,
                      Error *error)
{
    const char *colon;
    if (length > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', length);
        if (!close)
            return wrong(error, "a [ without its ]");
        address->host = arena_strndup(arena, text + 1, (size_t)(close - text) - 1);
        colon = close + 1 < text + length ? close + 1 : NULL;
        if (colon && *colon != ':')
            return wrong(error, "expected a : after the ]");
    } else {
        colon = memchr(text, ':', length);
        size_t host_length = colon ? (size_t)(colon - text) : length;
        address->host = host_length ? unescape(text, host_length, arena) : NULL;
        if (host_length && !address->host)
            return wrong(error, "a % that is not followed by two hexadecimal digits");
    }
    return !colon || read_port(arena_strndup(arena, colon + 1, (size_t)(text + length - colon) - 1),
                               &address->port, error);
}

static bool read_user(const char *text, size_t length, Arena *arena, MysqlAddress *address,
                      Error *error)
{
    const char *colon = memchr(text, ':', length);
    size_t user_length = colon ? (size_t)(colon - text) : length;
    address->user = unescape(text, user_length, arena);
    address->password =
        colon ? unescape(colon + 1, length - user_length - 1, arena) : address->password;
    if (!address->user || (colon && !address->password))
        return wrong(error,
                     "a % in user or password that is not followed by two hexadecimal digits");
    return true;
}

static bool read_url(const char *url, Arena *arena, MysqlAddress *address, Error *error)
{
    const char *scheme_end = strstr(url, "://");
    if (!scheme_end)
        return wrong(error, "expected mysql:// or mariadb:// at its beginning");
    const char *authority = scheme_end + 3;
    size_t length = strcspn(authority, "/?#");
    const char *rest = authority + length, *at = memrchr(authority, '@', length);
    if (at && memchr(authority, '@', (size_t)(at - authority)))
        return wrong(error, "more than one @ before the host");
    const char *host = at ? at + 1 : authority;
    if (at && !read_user(authority, (size_t)(at - authority), arena, address, error))
        return false;
    if (!read_host(host, (size_t)(rest - host), arena, address, error))
        return false;
    if (*rest == '/') {
        size_t name_length = strcspn(++rest, "?#");
        address->database = name_length ? unescape(rest, name_length, arena) : NULL;
        if (name_length && !address->database)
            return wrong(error,
                         "a % in the database's name that is not followed by two hexadecimal "
                         "digits");
        rest += name_length;
    }
    if (*rest == '#')
        return wrong(error, "a # is not allowed: write it as %23");
    return *rest != '?' || read_parameters(rest + 1, arena, address, error);
}

static const char *first_of(const char *own, const char *inherited)
{
    return own ? own : inherited;
}

bool mysql_address(const ConnectionConfig *config, Arena *arena, MysqlAddress *ret_address,
                   Error *error)
{
    MysqlAddress address = {.tls = TLS_PREFER};
    if (config->url && !read_url(config->url, arena, &address, error))
        return false;
    if (config->service)
        return error_set(error, ERROR_CONFIG,
                         "service: belongs to postgresql connections; say host, user and password");
    if (config->host) {
        address.host = config->host;
        address.socket = NULL;
    }
    if (address.host && address.host[0] == '/') {
        address.socket = address.host;
        address.host = NULL;
    }
    address.user = first_of(config->user, address.user);
    address.password = first_of(config->password, address.password);
    address.database = first_of(config->database, address.database);
    address.ca = first_of(config->sslrootcert, address.ca);
    address.certificate = first_of(config->sslcert, address.certificate);
    address.key = first_of(config->sslkey, address.key);
    if (config->connect_timeout_ms > 0)
        address.timeout_ms = config->connect_timeout_ms;
    if ((config->port && !read_port(config->port, &address.port, error)) ||
        (config->sslmode && !read_tls(config->sslmode, &address.tls, error)))
        return false;
    if (address.tls >= TLS_VERIFY_CA && !address.ca && !address.socket) {
        error_set(error, ERROR_CONFIG, "sslmode: verify-ca and verify-full need sslrootcert");
        return error_hint(error, "sslrootcert: the PEM file of the authority that signed the "
                                 "server's certificate");
    }
    *ret_address = address;
    return true;
}
