/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void sqlstates(void **state)
{
    (void)state;
    static const char *const retryable[] = {"08006", "08000", "57P01", "57P02", "57P03",
                                            "57P05", "40001", "40P01", "53300", "53200",
                                            "55P03", "57014", "25P03", "72000"};
    static const char *const final[] = {"42501", "42P01", "28P01", "28000", "3D000",
                                        "57P04", "22012", "0A000", "42601", "55006"};
    for (size_t i = 0; i < COUNT_OF(retryable); i++)
        assert_true(postgres_sqlstate_meaning(retryable[i]).retryable);
    for (size_t i = 0; i < COUNT_OF(final); i++)
        assert_false(postgres_sqlstate_meaning(final[i]).retryable);
    assert_false(postgres_sqlstate_meaning(NULL).retryable);
    assert_non_null(strstr(postgres_sqlstate_meaning("28P01").hint, "PGPASSWORD"));
    assert_non_null(strstr(postgres_sqlstate_meaning("53300").hint, "workers"));
    assert_null(postgres_sqlstate_meaning("22012").hint);
}

typedef struct ConnectCase {
    const char *said; /* by libpq, in its verbose form */
    bool retryable;
    const char *message;
    const char *hint; /* part of it */
} ConnectCase;

static const ConnectCase connect_cases[] = {
    {"connection to server at \"db\" (10.0.0.1), port 5432 failed: FATAL:  28P01: password "
     "authentication failed for user \"u\"\nLOCATION:  auth_failed, auth.c:338\n"
     "connection to server at \"db\" (10.0.0.1), port 5432 failed: FATAL:  28P01: password "
     "authentication failed for user \"u\"\nLOCATION:  auth_failed, auth.c:338\n",
     false,
     "connection to server at \"db\" (10.0.0.1), port 5432 failed: FATAL: password authentication "
     "failed for user \"u\" (SQLSTATE 28P01)",
     "check user and password"},
    {"connection to server at \"db\", port 5432 failed: FATAL:  28000: no pg_hba.conf entry for "
     "host \"10.0.0.9\", user \"u\", database \"d\", no encryption\n",
     false,
     "connection to server at \"db\", port 5432 failed: FATAL: no pg_hba.conf entry for host "
     "\"10.0.0.9\", user \"u\", database \"d\", no encryption (SQLSTATE 28000)",
     "sslmode: require"},
    {"connection to server at \"db\", port 5432 failed: FATAL:  28000: no pg_hba.conf entry for "
     "host \"10.0.0.9\", user \"u\", database \"d\", SSL encryption\n",
     false,
     "connection to server at \"db\", port 5432 failed: FATAL: no pg_hba.conf entry for host "
     "\"10.0.0.9\", user \"u\", database \"d\", SSL encryption (SQLSTATE 28000)",
     "add a line for this host"},
    {"connection to server at \"db\", port 5432 failed: FATAL:  57P03: the database system is "
     "starting up\n",
     true,
     "connection to server at \"db\", port 5432 failed: FATAL: the database system is starting up "
     "(SQLSTATE 57P03)",
     ""},
    {"connection to server at \"db\", port 1 failed: Connection refused\n\tIs the server running "
     "on that host and accepting TCP/IP connections?\n",
     true,
     "connection to server at \"db\", port 1 failed: Connection refused Is the server running on "
     "that host and accepting TCP/IP connections?",
     "nothing listens there"},
    {"could not translate host name \"dbb\" to address: Name or service not known\n", false,
     "could not translate host name \"dbb\" to address: Name or service not known", "spelling"},
    {"could not translate host name \"db\" to address: Temporary failure in name resolution\n",
     true, "could not translate host name \"db\" to address: Temporary failure in name resolution",
     "name server"},
    {"connection to server at \"db\", port 5432 failed: server does not support SSL, but SSL was "
     "required\n",
     false,
     "connection to server at \"db\", port 5432 failed: server does not support SSL, but SSL was "
     "required",
     "TLS switched off"},
    {"connection to server at \"db\", port 5432 failed: fe_sendauth: no password supplied\n", false,
     "connection to server at \"db\", port 5432 failed: fe_sendauth: no password supplied",
     ".pgpass"},
    {"", true, "no connection to the server", ""},
};

static void connections_that_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(connect_cases); i++) {
        Error error = {0};
        assert_false(postgres_fail_connect(connect_cases[i].said, &error));
        assert_int_equal(error.kind, ERROR_SOURCE);
        assert_string_equal(error.message, connect_cases[i].message);
        assert_int_equal(error.retryable, connect_cases[i].retryable);
        assert_non_null(strstr(error.hint, connect_cases[i].hint));
        if (connect_cases[i].hint[0] == '\0')
            assert_string_equal(error.hint, "");
    }
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char said[4 * ERROR_MESSAGE_MAX];
    memset(said, 'x', sizeof said);
    for (size_t i = 100; i < sizeof said; i += 100)
        said[i] = '\n';
    said[sizeof said - 1] = '\0';
    Error error = {0};
    postgres_fail_connect(said, &error);
    assert_in_range(strlen(error.message), 100, ERROR_MESSAGE_MAX - 1);
}

static void passwords_are_not_repeated(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"invalid percent-encoded token: \"se%zzcret\"\n", "invalid percent-encoded token: \"…\""},
        {"end of string reached when looking for matching \"]\" in IPv6 host address in URI: "
         "\"postgresql://u:secret@[::1/d\"\n",
         "end of string reached when looking for matching \"…\" in IPv6 host address in URI: \"…\""},
        {"invalid integer value \"secret\" for connection option \"port\"\n",
         "invalid integer value \"…\" for connection option \"port\""},
        {"invalid URI query parameter: \"sslmod\"\n", "invalid URI query parameter: \"sslmod\""},
        {"missing \"=\" after \"secret\" in connection info string\n",
         "missing \"…\" after \"…\" in connection info string"},
        {"unterminated \"secret", "unterminated \""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char clean[256];
        postgres_redact(cases[i][0], clean, sizeof clean);
        assert_string_equal(clean, cases[i][1]);
    }
    char small[12];
    postgres_redact("a \"secret\" and a lot more", small, sizeof small);
    assert_in_range(strlen(small), 1, sizeof small - 1);
    assert_null(strstr(small, "sec"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlstates),
        cmocka_unit_test(connections_that_fail),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(passwords_are_not_repeated),
    };
    return cmocka_run_group_tests_name("source/postgres/failure", tests, NULL, NULL);
}
