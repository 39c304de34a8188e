/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/display.h"

#include "base/clock.h"
#include "base/log.h"
#include "cmd/display_line.h"
#include "format/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t SECOND = 1000000000;

typedef struct LineCase {
    MeterReading reading;
    const char *line;
} LineCase;

static void one_line_says_where_a_job_is(void **state)
{
    (void)state;
    const LineCase cases[] = {
        {{.phase = PHASE_PLAN, .percent = -1, .seconds_left = -1, .elapsed_ns = SECOND / 2},
         "plan, 0.50 s"},
        {{PHASE_EXTRACT, 1234567, 0, 412345, 52100000, 45, 130, 3 * SECOND},
         "extract, 1,234,567 rows in 3.00 s, 412,345 rows/s, 52 MB/s, 45%, 2m10s left"},
        {{PHASE_EXTRACT, 10, 0, 0, 0, -1, -1, SECOND}, "extract, 10 rows in 1.00 s"},
        {{PHASE_APPLY, 10, 0, 5, 5, 99, -1, SECOND}, "apply, 10 rows in 1.00 s, 99%"},
        {{PHASE_DONE, 2000, 0, 500, 5000, 100, -1, 4 * SECOND},
         "done, 2,000 rows in 4.00 s, 500 rows/s, 5.0 kB/s"},
        {{PHASE_FAILED, 10, 0, 5, 5, -1, -1, 20 * SECOND}, "failed, 20.0 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[DISPLAY_LINE_MAX];
        assert_string_equal(display_line(&cases[i].reading, line), cases[i].line);
    }
}

/* Runs a display over two jobs, of which one finishes and one is never begun. */
static char *show(DisplayMode mode)
{
    char *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    Display *display = display_new(mode, out);
    const ProgressDisplay *progress = display_progress(display);
    JobProgress jobs[] = {{.name = "orders"}, {.name = "la\x1bt"}};
    atomic_store(&jobs[0].row_estimate, 100);
    Error error = {0};
    assert_true(progress->start(progress->context, jobs, 2, &error));
    atomic_store(&jobs[0].started_ns, clock_monotonic_ns());
    atomic_store(&jobs[0].phase, PHASE_EXTRACT);
    atomic_store(&jobs[0].rows, 50);
    clock_sleep_ms(500);
    log_warning("orders", "a line between");
    atomic_store(&jobs[0].rows, 100);
    atomic_store(&jobs[0].finished_ns, clock_monotonic_ns());
    atomic_store(&jobs[0].phase, PHASE_DONE);
    progress->stop(progress->context);
    display_free(display);
    fclose(out);
    return bytes;
}

static void json_lines_can_be_read(void **state)
{
    (void)state;
    CLEANUP(free_ptr) char *bytes = show(DISPLAY_JSON);
    size_t lines = 0;
    Error error = {0};
    char *rest = NULL;
    for (char *line = strtok_r(bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        CLEANUP(json_free_ptr) Json *json = NULL;
        assert_true(json_parse(line, strlen(line), "line", &json, &error));
        assert_string_equal(json_get_text(json, "job"), "orders");
        bool first = lines++ == 0;
        assert_string_equal(json_get_text(json, "phase"), first ? "extract" : "done");
        assert_int_equal(json_get_int(json, "rows", -1), first ? 50 : 100);
        assert_int_equal(json_get_int(json, "percent", -1), first ? 50 : 100);
    }
    assert_int_equal(lines, 2);
}

static void live_lines_end_with_one_a_job(void **state)
{
    (void)state;
    CLEANUP(free_ptr) char *bytes = show(DISPLAY_LIVE);
    char *last = strrchr(bytes, '\033');
    assert_non_null(last);
    assert_int_equal(strncmp(last, "\033[Jorders   done, 100 rows in ", 29), 0);
    assert_non_null(strstr(last, "\nla\\x1bt  not run\n"));
    assert_null(strstr(last, "extract"));
}

static void none_is_no_display(void **state)
{
    (void)state;
    assert_null(display_new(DISPLAY_NONE, stderr));
    assert_null(display_progress(NULL));
    display_free(NULL);
}

static void chooses_a_mode(void **state)
{
    (void)state;
    assert_int_equal(display_mode("json", true), DISPLAY_JSON);
    assert_int_equal(display_mode("plain", false), DISPLAY_PLAIN);
    assert_int_equal(display_mode("none", false), DISPLAY_NONE);
    assert_int_equal(display_mode("auto", true), DISPLAY_NONE);
    setenv("TERM", "dumb", 1);
    assert_int_equal(display_mode("auto", false), DISPLAY_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_says_where_a_job_is),
        cmocka_unit_test(json_lines_can_be_read),
        cmocka_unit_test(live_lines_end_with_one_a_job),
        cmocka_unit_test(none_is_no_display),
        cmocka_unit_test(chooses_a_mode),
    };
    return cmocka_run_group_tests_name("cmd/display", tests, NULL, NULL);
}
