/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/failure.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Of the server, and (2000 to 2999) of the client library. */
enum {
    ER_DB_DENIED = 1044,
    ER_TABLE_DENIED = 1142,
    ER_COLUMN_DENIED = 1143,
    ER_PRIVILEGE_DENIED = 1227,
    ER_VIEW_INVALID = 1356,
    CR_GONE = 2006,
    CR_LOST = 2013,
    CR_LOST_EXTENDED = 2055,
    CR_SSL = 2026,
    CR_MALFORMED = 2027,
    ER_SHUTDOWN = 1053,
    ER_NORMAL_SHUTDOWN = 1077,
    ER_KILLED = 1927,
    ER_INACTIVE = 4031,
};

typedef struct NumberRule {
    unsigned number;
    bool retryable;
    const char *hint; /* NULL: the words say it all */
} NumberRule;

#define TOO_MANY "lower `parallel` and `workers`, or raise the server's limit"
static const NumberRule rules[] = {
    {1038, true, "the server's sort buffer is too small for this: raise sort_buffer_size"},
    {1040, true, TOO_MANY},
    {1044, false, "the role may not use that database: GRANT SELECT ON `database`.* to it"},
    {1045, false,
     "check user and password, and that the account may come from this host ('user'@'host')"},
    {1049, false, "check the database's name; SHOW DATABASES lists those the role may see"},
    {1053, true, NULL},
    {1054, false, "check the column's name; `bqferry discover` lists what there is"},
    {1020, true, NULL},
    {1064, false, "check the SQL in `query` or `where`"},
    {1077, true, NULL},
    {1105, true, NULL},
    {1129, false, "the server blocks this host after failed attempts: FLUSH HOSTS there"},
    {1130, false, "no account may come from this host: CREATE USER 'user'@'host' there"},
    {1146, false, "check the table's name; `bqferry discover` lists what there is"},
    {1153, false, "raise max_allowed_packet on the server"},
    {1158, true, NULL},
    {1159, true, NULL},
    {1160, true, NULL},
    {1161, true, NULL},
    {1203, true, TOO_MANY},
    {1205, true,
     "another session holds, or waits for, a lock on it (ALTER TABLE, LOCK TABLES, FLUSH TABLES …)"},
    {1213, true, NULL},
    {1226, true, TOO_MANY},
    {1251, false, "the account's way of authentication is too new for the client library"},
    {1267, false, "compare columns of one collation in `where` and `query`, or say COLLATE"},
    {1290, false, NULL},
    {1317, true, "somebody stopped the statement (KILL QUERY), or a limit of the server's did"},
    {1412, true, "a new snapshot sees the table as it is now"},
    {1836, false, NULL},
    {1927, true, NULL},
    {1969, true,
     "max_statement_time ended it although bqferry sets 0: a proxy, or SET STATEMENT in the query?"},
    {2002, true,
     "nothing listens there: check host, port or socket, and that the server runs (bind_address)"},
    {2003, true,
     "nothing listens there: check host and port, and that the server runs (bind_address, "
     "skip_networking)"},
    {2005, false, "check the spelling of `host`"},
    {2026, false, NULL}, /* by its words */
    {2054, false, "what listens there is not MySQL or MariaDB"},
    {2058, false, NULL},
    {2059, false,
     "the client library has no plugin for the account's way of authentication: install the "
     "library's plugins, or give the account another one"},
    {2061, false,
     "use TLS (sslmode: require), or a unix socket, for this account's authentication"},
    {3024, true,
     "max_execution_time ended it although bqferry sets 0: a proxy, or a hint in the "
     "query?"},
    {3118, false, "ALTER USER … ACCOUNT UNLOCK"},
    {3159, false, "the server takes encrypted connections only: set sslmode: require"},
    {4031, true, NULL},
    {4151, false, "the account is locked: ALTER USER … ACCOUNT UNLOCK"},
};

static const NumberRule *rule_of(unsigned number)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].number == number)
            return &rules[i];
    }
    return NULL;
}

/* The connection is gone: what it was doing has no answer. */
static bool is_loss(unsigned number)
{
    return number == CR_GONE || number == CR_LOST || number == CR_LOST_EXTENDED ||
           number == CR_MALFORMED || number == ER_SHUTDOWN || number == ER_NORMAL_SHUTDOWN ||
           number == ER_KILLED || number == ER_INACTIVE;
}

bool mysqld_is_denied(unsigned number)
{
    return number == ER_DB_DENIED || number == ER_TABLE_DENIED || number == ER_COLUMN_DENIED ||
           number == ER_PRIVILEGE_DENIED;
}

static bool fail_lost(const MysqlFailure *failure, const MysqlAction *action, Error *error)
{
    return error_set_retryable(
        error, ERROR_SOURCE,
        "%s: the connection to the server was lost, because the server ended the session or "
        "restarted, or something in between cut it off (%s, error %u)",
        action->doing, failure->text[0] ? failure->text : "no more is known", failure->number);
}

static void hint_grant(const MysqlFailure *failure, const MysqlAction *action, Error *error)
{
    const char *user = failure->user ? failure->user : "the account";
    if (action->relation)
        error_hint(error, "as an administrator: GRANT SELECT ON %s TO %s", action->relation, user);
    else
        error_hint(error, "as an administrator: GRANT what the message names TO %s", user);
}

/* What TLS failed of, by the words of the library and of OpenSSL. */
static const char *tls_hint(const char *text)
{
    if (strcasestr(text, "certificate") || strcasestr(text, "verif"))
        return "set sslrootcert to the authority that signed the server's certificate, and connect "
               "by the name in it";
    if (strstr(text, "does not support"))
        return "switch TLS on at the server (ssl_cert, ssl_key), or set sslmode: prefer";
    return "the server's TLS may be too old for the OpenSSL of this machine (MySQL before 5.7.28 "
           "may have 1.1 at most): upgrade the server, or set sslmode: disable";
}

bool mysqld_fail_with(const MysqlFailure *failure, const MysqlAction *action, Error *error)
{
    if (is_loss(failure->number))
        return fail_lost(failure, action, error);
    error_set(error, ERROR_SOURCE, "%s: %s (error %u, SQLSTATE %s)", action->doing,
              failure->text[0] ? failure->text : "the server reports an error", failure->number,
              failure->sqlstate);
    const NumberRule *rule = rule_of(failure->number);
    bool is_passing =
        strncmp(failure->sqlstate, "08", 2) == 0 || strncmp(failure->sqlstate, "40", 2) == 0;
    if (error)
        error->retryable = rule ? rule->retryable : is_passing;
    if (failure->number == ER_TABLE_DENIED || failure->number == ER_COLUMN_DENIED ||
        failure->number == ER_PRIVILEGE_DENIED)
        hint_grant(failure, action, error);
    if (failure->number == ER_VIEW_INVALID)
        error_hint(error, "the view's own account (its DEFINER) lacks what it reads, or what it "
                          "reads is gone");
    if (failure->number == CR_SSL)
        error_hint(error, "%s", tls_hint(failure->text));
    if (rule && rule->hint)
        error_hint(error, "%s", rule->hint);
    return false;
}
