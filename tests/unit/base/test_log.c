/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Runs `act` with standard error in a file, and gives what was printed. */
static void capture(void (*act)(void), char *text, size_t size)
{
    fflush(stderr);
    CLEANUP(close_fd) int saved = dup(STDERR_FILENO);
    CLEANUP(close_file) FILE *file = tmpfile();
    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    act();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
}

static void log_some(void)
{
    Error error = {0};
    error_set(&error, ERROR_SOURCE, "no \"route\"");
    error_hint(&error, "ask");
    log_debug(NULL, "hidden");
    log_info(NULL, "%d rows", 3);
    log_warning("orders", "slow");
    log_error("orders", &error);
}

static void text_lines_say_level_and_job(void **state)
{
    (void)state;
    char text[2048];
    log_configure(LOG_INFO, LOG_TEXT);
    capture(log_some, text, sizeof text);
    assert_string_equal(
        text, "3 rows\nwarning: orders: slow\nerror: orders: no \"route\"\n  hint: ask\n");
}

static void json_lines_have_cloud_logging_fields(void **state)
{
    (void)state;
    char text[2048];
    log_configure(LOG_WARNING, LOG_JSON);
    capture(log_some, text, sizeof text);
    assert_non_null(strstr(text, "{\"severity\":\"WARNING\",\"time\":\"20"));
    assert_non_null(strstr(
        text, "\"message\":\"slow\",\"logging.googleapis.com/labels\":{\"job\":\"orders\"}}\n"));
    assert_non_null(strstr(text, "\"message\":\"no \\\"route\\\"\",\"hint\":\"ask\","));
    assert_null(strstr(text, "rows"));
}

static void quiet_levels_print_nothing(void **state)
{
    (void)state;
    char text[2048];
    log_configure(LOG_OFF, LOG_TEXT);
    capture(log_some, text, sizeof text);
    assert_string_equal(text, "");
    assert_false(log_enabled(LOG_ERROR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_say_level_and_job),
        cmocka_unit_test(json_lines_have_cloud_logging_fields),
        cmocka_unit_test(quiet_levels_print_nothing),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
