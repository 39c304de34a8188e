/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/failure.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

enum { SQLSTATE_LENGTH = 5, TEXT_MAX = ERROR_MESSAGE_MAX };

typedef struct SqlstateRule {
    const char *prefix; /* of the SQLSTATE; the first that fits counts */
    bool retryable;
    const char *hint;
} SqlstateRule;

static const SqlstateRule sqlstate_rules[] = {
    {"08", true, NULL},
    {"25P03", true, "something overrides idle_in_transaction_session_timeout = 0: a pooler?"},
    {"25P04", true, "transaction_timeout ended the transaction: raise it for this role"},
    {"28P01", false,
     "check user and password; what the configuration leaves out comes from PGUSER, PGPASSWORD and "
     "~/.pgpass, as with psql"},
    {"28000", false, "check the role's name, and that pg_hba.conf lets it in from this host"},
    {"3D000", false, "check the database's name; `psql -l` lists those of a server"},
    {"3F000", false, "check the schema's name"},
    {"40001", true,
     "on a standby, replay ends reads that are in its way: set hot_standby_feedback = on or a longer "
     "max_standby_streaming_delay there, or read from the primary"},
    {"40", true, NULL},
    {"42P01", false, "check the relation's name; `bqferry discover` lists what there is"},
    {"42703", false, "check the column's name; `bqferry discover` lists what there is"},
    {"53300", true, "lower `parallel` and `workers`, or raise max_connections"},
    {"53", true, NULL},
    {"55P03", true,
     "another session holds, or waits for, an exclusive lock on it (ALTER TABLE, VACUUM FULL, …)"},
    {"57P04", false, NULL},
    {"57P", true, NULL},
    {"57014", true, "somebody cancelled the statement, or a timeout of the server's did"},
    {"58", true, NULL},
    {"72000", true, NULL},
};

typedef struct ConnectRule {
    const char *text; /* part of libpq's message; the first that fits counts */
    bool retryable;
    const char *hint;
} ConnectRule;

static const ConnectRule connect_rules[] = {
    {"no password supplied", false, "the server asks for one: `password`, PGPASSWORD or ~/.pgpass"},
    {"Temporary failure in name resolution", true, "the name server did not answer"},
    {"could not translate host name", false, "check the spelling of `host`"},
    {"Connection refused", true,
     "nothing listens there: check host, port and that the server runs (listen_addresses)"},
    {"No such file or directory", true,
     "libpq looked for a server on this machine: check that it runs, or say `host`"},
    {"server does not support SSL", false,
     "the server has TLS switched off: use sslmode: prefer, or set ssl = on there"},
    {"certificate verify failed", false,
     "set sslrootcert to the authority that signed the server's certificate"},
    {"root certificate file", false,
     "set sslrootcert to the authority that signed the server's certificate"},
    {"does not match host name", false,
     "connect by the name in the server's certificate, or use sslmode: verify-ca"},
    {"definition of service", false, "check the service's name in ~/.pg_service.conf"},
    {"private key file", false, "only its owner may be able to read the key (chmod 600)"},
    {"invalid response to SSL negotiation", false, "what listens there is not PostgreSQL"},
    {"could not read", false, NULL},
    {"invalid ", false, NULL},
    {"No route to host", true, "check the network between here and the server"},
};

SqlstateMeaning postgres_sqlstate_meaning(const char *sqlstate)
{
    for (size_t i = 0; sqlstate && i < sizeof sqlstate_rules / sizeof *sqlstate_rules; i++) {
        const SqlstateRule *rule = &sqlstate_rules[i];
        if (strncmp(sqlstate, rule->prefix, strlen(rule->prefix)) == 0)
            return (SqlstateMeaning){rule->retryable, rule->hint};
    }
    return (SqlstateMeaning){false, NULL};
}

/* One line: runs of white space become a single space. */
static void squeeze(const char *text, char *line, size_t size)
{
    size_t length = 0;
    for (; *text && length + 1 < size; text++) {
        bool space = isspace((unsigned char)*text);
        if (space && (length == 0 || line[length - 1] == ' '))
            continue;
        line[length++] = space ? ' ' : *text;
    }
    while (length > 0 && line[length - 1] == ' ')
        length--;
    line[length] = '\0';
}

static bool fail_lost(const PGconn *connection, const PostgresAction *action, Error *error)
{
    char said[TEXT_MAX];
    squeeze(PQerrorMessage(connection), said, sizeof said);
    error_set_retryable(
        error, ERROR_SOURCE,
        "%s: the connection to the server was lost, because the server restarted or "
        "crashed, or something in between cut it off (%s)",
        action->doing, said[0] ? said : "no more is known");
    return false;
}

/* Ours where there is one, else the server's. */
static void hint_for(const PGconn *connection, const PGresult *result, const PostgresAction *action,
                     Error *error)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (strcmp(sqlstate, "42501") == 0) {
        const char *role = PQuser(connection);
        error_hint(error, "as the relation's owner: GRANT SELECT ON %s TO \"%s\"",
                   action->relation ? action->relation : "what the message names",
                   role ? role : "the role");
    }
    SqlstateMeaning meaning = postgres_sqlstate_meaning(sqlstate);
    if (meaning.hint)
        error_hint(error, "%s", meaning.hint);
    else if (said)
        error_hint(error, "%s", said);
}

bool postgres_fail(const PGconn *connection, const PGresult *result, const PostgresAction *action,
                   Error *error)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!sqlstate) {
        if (PQstatus(connection) == CONNECTION_BAD)
            return fail_lost(connection, action, error);
        char said[TEXT_MAX];
        squeeze(result ? PQresultErrorMessage(result) : PQerrorMessage(connection), said,
                sizeof said);
        return error_set_retryable(error, ERROR_SOURCE, "%s: %s", action->doing, said);
    }
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    error_set(error, ERROR_SOURCE, "%s: %s%s%s%s (SQLSTATE %s)", action->doing,
              primary ? primary : "the server reports an error", detail ? " (" : "",
              detail ? detail : "", detail ? ")" : "", sqlstate);
    if (error)
        error->retryable = postgres_sqlstate_meaning(sqlstate).retryable;
    hint_for(connection, result, action, error);
    return false;
}

/* "FATAL:  28P01: password …": where "28P01: " begins, or NULL. */
static const char *find_sqlstate(const char *line)
{
    const char *found = strstr(line, ":  ");
    if (!found)
        return NULL;
    found += 3;
    size_t length = 0;
    while (length < SQLSTATE_LENGTH &&
           (isdigit((unsigned char)found[length]) || isupper((unsigned char)found[length])))
        length++;
    return length == SQLSTATE_LENGTH && strncmp(found + length, ": ", 2) == 0 ? found : NULL;
}

/* Takes SQLSTATEs, LOCATION lines and repetitions (an attempt with TLS, one without) out of libpq's
 * verbose text; *sqlstate gets the last one. */
static void plain_text(const char *verbose, char *plain, size_t size, char *sqlstate)
{
    size_t length = 0;
    while (*verbose && length < size) {
        size_t line_length = strcspn(verbose, "\n");
        char line[TEXT_MAX], clean[TEXT_MAX];
        snprintf(line, sizeof line, "%.*s", (int)line_length, verbose);
        verbose += line_length + (verbose[line_length] == '\n');
        const char *state = find_sqlstate(line);
        if (state)
            memcpy(sqlstate, state, SQLSTATE_LENGTH);
        snprintf(clean, sizeof clean, "%.*s%s\n", state ? (int)(state - line) : 0, line,
                 state ? state + SQLSTATE_LENGTH + 2 : line);
        if (strncmp(line, "LOCATION:", 9) != 0 && !strstr(plain, clean))
            length += (size_t)snprintf(plain + length, size - length, "%s", clean);
    }
}

static SqlstateMeaning connect_meaning(const char *text, const char *sqlstate)
{
    if (sqlstate[0])
        return postgres_sqlstate_meaning(sqlstate);
    for (size_t i = 0; i < sizeof connect_rules / sizeof *connect_rules; i++) {
        if (strstr(text, connect_rules[i].text))
            return (SqlstateMeaning){connect_rules[i].retryable, connect_rules[i].hint};
    }
    return (SqlstateMeaning){true, NULL};
}

bool postgres_fail_connect(const char *text, Error *error)
{
    char plain[TEXT_MAX] = "", line[TEXT_MAX], sqlstate[SQLSTATE_LENGTH + 1] = "";
    plain_text(text, plain, sizeof plain, sqlstate);
    squeeze(plain, line, sizeof line);
    SqlstateMeaning meaning = connect_meaning(line, sqlstate);
    error_set(error, ERROR_SOURCE, "%s%s%s%s", line[0] ? line : "no connection to the server",
              sqlstate[0] ? " (SQLSTATE " : "", sqlstate, sqlstate[0] ? ")" : "");
    if (error)
        error->retryable = meaning.retryable;
    if (strstr(line, "no pg_hba.conf entry"))
        error_hint(error,
                   strstr(line, "no encryption")
                       ? "the server does not let this role in from this host without TLS: set "
                         "sslmode: require, or add a line to pg_hba.conf"
                       : "add a line for this host, role and database to pg_hba.conf");
    if (meaning.hint)
        error_hint(error, "%s", meaning.hint);
    return false;
}

/* These are followed by a keyword's name, never by a value. */
static bool names_keyword(const char *text, const char *quote)
{
    static const char *const leads[] = {
        "invalid URI query parameter: ", "invalid sslmode value: ", " for connection option "};
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        size_t length = strlen(leads[i]);
        if ((size_t)(quote - text) >= length && memcmp(quote - length, leads[i], length) == 0)
            return true;
    }
    return false;
}

void postgres_redact(const char *text, char *clean, size_t size)
{
    char line[TEXT_MAX];
    squeeze(text, line, sizeof line);
    size_t length = 0;
    bool quoted = false, hidden = false;
    for (const char *at = line; *at && length + 6 < size; at++) {
        if (*at == '"') {
            quoted = !quoted;
            if (!quoted && hidden)
                length += (size_t)snprintf(clean + length, size - length, "…");
            hidden = quoted && !names_keyword(line, at);
        }
        if (*at == '"' || !hidden)
            clean[length++] = *at;
    }
    clean[length] = '\0';
}
