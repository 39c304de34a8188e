/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/yaml_text.h"

#include "base/cleanup.h"
#include "format/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char *printed(const char *text)
{
    char *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    yaml_text_print(out, text);
    fclose(out);
    return bytes;
}

static void assert_printed(const char *text, const char *expected)
{
    CLEANUP(free_ptr) char *bytes = printed(text);
    assert_string_equal(bytes, expected);
}

static void simple_texts_stay_plain(void **state)
{
    (void)state;
    assert_printed("public.orders", "public.orders");
    assert_printed("/data/w.duckdb", "/data/w.duckdb");
    assert_printed("_x-1", "_x-1");
}

static void what_yaml_would_read_otherwise_is_quoted(void **state)
{
    (void)state;
    assert_printed("null", "\"null\"");
    assert_printed("Yes", "\"Yes\"");
    assert_printed("12", "\"12\"");
    assert_printed("", "\"\"");
    assert_printed("public.*", "\"public.*\"");
    assert_printed("a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\"");
    assert_printed("two\nlines\t", "\"two\\nlines\\x09\"");
    assert_printed("costs $5 ${HOME}", "\"costs $5 $${HOME}\"");
}

/* Whatever the text: YAML gives it back, but for the escape of ${, which is the configuration's. */
static void comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a: b", "- x",      "# no comment", "x #y",   "{a}",   "[b]",    "&a",     "*a",
        "!tag", "%d",       "@x",           "`",      "| x",   "> y",    "'q'",    "\"",
        "\\",   "\x01\x7f", "tab\there",    "é 東京", " lead", "trail ", "a\r\nb", "~",
        "TRUE", "0x1F",     "1e3",          ".inf",   "---",   "...",    "?",      "a:",
        "<<",   "=",        "$x",           "$$",     "/",     "-",      "_",      "y",
    };
    CLEANUP(arena_done) Arena arena = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CLEANUP(free_ptr) char *value = printed(texts[i]);
        const char *text = arena_printf(&arena, "key: %s\nlist: [%s, %s]\n", value, value, value);
        YamlDocument document;
        assert_true(yaml_parse(view_of(text), &arena, &document));
        assert_string_equal(yaml_get(document.root, "key")->text, texts[i]);
        assert_string_equal(yaml_get(document.root, "list")->items[1]->text, texts[i]);
        assert_false(yaml_is_null(yaml_get(document.root, "key")));
    }
}

static void only_utf8_can_be_written(void **state)
{
    (void)state;
    Error error = {0};
    assert_true(yaml_text_check("x", "é", &error));
    assert_true(yaml_text_check("x", NULL, &error));
    assert_false(yaml_text_check("--where", "\xff", &error));
    assert_string_equal(error.message, "--where is not valid UTF-8 text");
    assert_int_equal(error.kind, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_texts_stay_plain),
        cmocka_unit_test(what_yaml_would_read_otherwise_is_quoted),
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(only_utf8_can_be_written),
    };
    return cmocka_run_group_tests_name("cmd/yaml_text", tests, NULL, NULL);
}
