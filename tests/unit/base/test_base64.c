/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 4648 §10, and bytes whose text differs between the two alphabets. */
static const struct {
    const char *bytes;
    size_t size;
    const char *text;
    const char *url;
} rows[] = {
    {"", 0, "", ""},
    {"f", 1, "Zg==", "Zg"},
    {"fo", 2, "Zm8=", "Zm8"},
    {"foo", 3, "Zm9v", "Zm9v"},
    {"foob", 4, "Zm9vYg==", "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe\x00", 4, "+//+AA==", "-__-AA"},
};

static void writes_and_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        unsigned char bytes[64];
        size_t size;
        char *end = base64_write(text, rows[i].bytes, rows[i].size);
        assert_int_equal(end - text, strlen(rows[i].text));
        assert_memory_equal(text, rows[i].text, strlen(rows[i].text));
        assert_true(base64_read(view_of(rows[i].text), bytes, &size));
        assert_int_equal(size, rows[i].size);
        assert_memory_equal(bytes, rows[i].bytes, size);
        end = base64url_write(text, rows[i].bytes, rows[i].size);
        assert_int_equal(end - text, strlen(rows[i].url));
        assert_memory_equal(text, rows[i].url, strlen(rows[i].url));
    }
}

static void refuses_what_is_not_base64(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Z",
                                        "Zg",
                                        "Zg=",
                                        "Zg=a",
                                        "Zh==",
                                        "Zm9=",
                                        "====",
                                        "Z===",
                                        "Zm9v\n",
                                        "Zm 9",
                                        "-__-",
                                        "=g==",
                                        "Zg==Zg==",
                                        "Zm9v====",
                                        "Zm\xff"
                                        "9"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        unsigned char bytes[64];
        size_t size;
        assert_false(base64_read(view_of(wrong[i]), bytes, &size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads),
        cmocka_unit_test(refuses_what_is_not_base64),
    };
    return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
