/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/url.h: where a server is, from a connection's url and keywords. Pure. */
#pragma once

#include "base/arena.h"
#include "config/config.h"

typedef enum TlsMode {
    TLS_DISABLE,
    TLS_PREFER, /* where the server has it */
    TLS_REQUIRE,
    TLS_VERIFY_CA,
    TLS_VERIFY_FULL, /* the certificate's name too */
} TlsMode;

typedef struct MysqlAddress {
    const char *host;   /* NULL: this machine's socket */
    const char *socket; /* path; NULL: none is said */
    unsigned port;      /* 0: none is said */
    const char *user, *password, *database;
    TlsMode tls;
    const char *ca, *certificate, *key; /* paths of PEM files */
    int64_t timeout_ms;                 /* 0: none is said */
} MysqlAddress;

/* mysql://user:password@host:port/database?sslmode=…&socket=…; keywords of the configuration win
 * over its url. A host that begins with / is a socket. ERROR_CONFIG (never with a password in it)
 * names what is wrong. Texts are in the arena or the configuration's. */
bool mysql_address(const ConnectionConfig *config, Arena *arena, MysqlAddress *ret_address,
                   Error *error);
