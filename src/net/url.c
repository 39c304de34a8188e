/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include "base/view.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 8 * 1024 };

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* What comes after "?" or before "@" may be a secret and stays out of messages. */
static bool refuse(const char *text, const char *expected, Error *error)
{
    size_t shown = strchr(text, '@') ? 0 : strcspn(text, "?#");
    bool cut = text[shown] != '\0' || shown > 100;
    error_set(error, ERROR_CONFIG, "\"%.*s%s\" is no URL that can be used: %s",
              (int)(shown > 100 ? 100 : shown), text, cut ? "..." : "", expected);
    return error_hint(error, "write it as https://host or http://host:port");
}

static bool has_odd_bytes(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || *text == 0x7f || (unsigned char)*text >= 0x80)
            return true;
    }
    return false;
}

static bool parse_port(StrView digits, int *ret_port)
{
    int port = 0;
    if (digits.length == 0 || digits.length > 5)
        return false;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        port = port * 10 + (digits.data[i] - '0');
    }
    *ret_port = port;
    return port >= 1 && port <= 65535;
}

static bool valid_host(StrView host, bool is_v6)
{
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        bool fits =
            is_v6 ? strchr("0123456789abcdefABCDEF:.%", c) != NULL : is_unreserved(c) && c != '~';
        if (!fits || c == '\0')
            return false;
    }
    bool named = host.length > 0 && host.length <= 255;
    return named && (!is_v6 || memchr(host.data, ':', host.length));
}

static char *lower(Arena *arena, StrView text)
{
    char *copy = arena_strndup(arena, text.data, text.length);
    for (char *c = copy; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    return copy;
}

/* "host", "host:port", "[v6]:port" */
static bool parse_authority(const char *text, StrView authority, Arena *arena, Url *url,
                            Error *error)
{
    StrView host = authority, port = {NULL, 0};
    bool is_v6 = authority.length > 0 && authority.data[0] == '[';
    const char *bracket = is_v6 ? memchr(authority.data, ']', authority.length) : NULL;
    if (is_v6 && !bracket)
        return refuse(text, "the address lacks its closing bracket", error);
    const char *after = is_v6 ? bracket + 1 : authority.data;
    const char *end = authority.data + authority.length;
    const char *colon = memchr(after, ':', (size_t)(end - after));
    if (is_v6) {
        host = (StrView){authority.data + 1, (size_t)(bracket - authority.data - 1)};
        if (after != end && colon != after)
            return refuse(text, "after the address comes :port or nothing", error);
    } else if (colon) {
        host.length = (size_t)(colon - host.data);
    }
    if (!valid_host(host, is_v6))
        return refuse(text, "it has no valid host", error);
    if (colon) {
        port = (StrView){colon + 1, (size_t)(end - colon - 1)};
        if (!parse_port(port, &url->port))
            return refuse(text, "its port is no number from 1 to 65535", error);
    }
    url->host = lower(arena, host);
    return true;
}

bool url_parse(const char *text, Arena *arena, Url *ret_url, Error *error)
{
    *ret_url = (Url){.scheme = "https", .port = 443};
    if (strlen(text) > URL_MAX)
        return error_set(error, ERROR_CONFIG, "a URL is longer than %d bytes", URL_MAX);
    if (has_odd_bytes(text))
        return refuse(text, "spaces, control characters and non-ASCII must be escaped", error);
    const char *start = text + 8;
    if (strncasecmp(text, "http://", 7) == 0) {
        *ret_url = (Url){.scheme = "http", .port = 80};
        start = text + 7;
    } else if (strncasecmp(text, "https://", 8) != 0) {
        return refuse(text, "expected https:// or http://", error);
    }
    if (strchr(text, '#'))
        return refuse(text, "it has a fragment", error);
    size_t length = strcspn(start, "/?");
    if (memchr(start, '@', length))
        return refuse(text, "it holds a user name", error);
    if (!parse_authority(text, (StrView){start, length}, arena, ret_url, error))
        return false;
    const char *path = start + length;
    size_t path_length = strcspn(path, "?");
    ret_url->path = arena_strndup(arena, path, path_length);
    ret_url->query = path[path_length] == '?' ? arena_strdup(arena, path + path_length + 1) : "";
    return true;
}

/* Four numbers, the first of them 127: "127.evil.example" is a name. */
static bool is_loopback_v4(const char *host)
{
    int groups = 1;
    if (strncmp(host, "127.", 4) != 0)
        return false;
    for (const char *c = host; *c; c++) {
        if (*c == '.' && c[1] >= '0' && c[1] <= '9')
            groups++;
        else if (*c < '0' || *c > '9')
            return false;
    }
    return groups == 4;
}

bool url_is_loopback(const Url *url)
{
    const char *host = url->host;
    size_t length = strlen(host);
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || is_loopback_v4(host) ||
           (length > 10 && strcmp(host + length - 10, ".localhost") == 0);
}

static char *escape_onto(char *end, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *text; text++) {
        if (is_unreserved(*text)) {
            *end++ = *text;
            continue;
        }
        *end++ = '%';
        *end++ = hex[(unsigned char)*text >> 4];
        *end++ = hex[(unsigned char)*text & 15];
    }
    return end;
}

char *url_escape(Arena *arena, const char *text)
{
    char *copy = arena_alloc(arena, strlen(text) * 3 + 1);
    *escape_onto(copy, text) = '\0';
    return copy;
}

char *url_path(Arena *arena, const char *format, ...)
{
    va_list arguments;
    size_t size = strlen(format) + 1;
    va_start(arguments, format);
    for (const char *c = strstr(format, "%s"); c; c = strstr(c + 2, "%s"))
        size += strlen(va_arg(arguments, const char *)) * 3;
    va_end(arguments);

    char *path = arena_alloc(arena, size), *end = path;
    va_start(arguments, format);
    while (*format) {
        if (format[0] == '%' && format[1] == 's') {
            end = escape_onto(end, va_arg(arguments, const char *));
            format += 2;
        } else {
            *end++ = *format++;
        }
    }
    va_end(arguments);
    *end = '\0';
    return path;
}

char *url_join(Arena *arena, const char *base, const char *path, const UrlParam *params)
{
    size_t size = strlen(base) + strlen(path) + 1;
    for (const UrlParam *param = params; param && param->name; param++)
        size += 2 + 3 * (strlen(param->name) + (param->value ? strlen(param->value) : 0));
    char *url = arena_alloc(arena, size);
    char *end = stpcpy(stpcpy(url, base), path);
    char mark = strchr(url, '?') ? '&' : '?';
    for (const UrlParam *param = params; param && param->name; param++) {
        if (!param->value)
            continue;
        *end++ = mark;
        end = escape_onto(end, param->name);
        *end++ = '=';
        end = escape_onto(end, param->value);
        mark = '&';
    }
    *end = '\0';
    return url;
}
