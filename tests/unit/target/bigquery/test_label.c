/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void values_are_made_to_fit(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    static const char *const cases[][2] = {
        {"orders", "orders"},
        {"Shop.Orders", "shop_orders"},
        {"a b/c:d", "a_b_c_d"},
        {"", ""},
        {"-_9", "-_9"},
        {"größe", "größe"},
        {"日本", "日本"},
        {SIXTY "abcdef", SIXTY "abc"},
        {SIXTY "äöüß", SIXTY "äöü"}, /* characters, not bytes */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(label_value(cases[i][0], &arena), cases[i][1]);
}

static void keys_begin_with_a_letter(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    assert_string_equal(label_key("Team", &arena), "team");
    assert_string_equal(label_key("9lives", &arena), "l_9lives");
    assert_string_equal(label_key("_x", &arena), "l__x");
    assert_string_equal(label_key("", &arena), "l_");
    assert_string_equal(label_key("économie", &arena), "économie");
    assert_int_equal(strlen(label_key(SIXTY "abc", &arena)), LABEL_CHARACTERS_MAX);
}

static void lists_are_merged(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    static const ConfigLabel of_destination[] = {{"team", "data"}, {"env", "prod"}};
    static const ConfigLabel of_job[] = {{"Team", "Sales"}, {"managed_by", "me"}, {"job", "x"}};
    const ConfigLabels first = {of_destination, 2}, second = {of_job, 3};
    const ConfigLabels *const lists[] = {&first, NULL, &second};
    const LabelSubject subject = {.job = "Main.Orders", .run_id = "20260131t1-ab"};
    ConfigLabels labels = label_list(&subject, lists, 3, &arena);
    CLEANUP(json_free_ptr) Json *json = label_json(&labels);
    assert_string_equal(json_dump(json, &arena),
                        "{\"managed_by\":\"bqferry\",\"job\":\"main_orders\","
                        "\"run_id\":\"20260131t1-ab\",\"team\":\"sales\",\"env\":\"prod\"}");
}

static void there_are_64_at_most(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    ConfigLabel many[80];
    for (size_t i = 0; i < 80; i++)
        many[i] = (ConfigLabel){arena_printf(&arena, "k%zu", i), "v"};
    const ConfigLabels list = {many, 80};
    const ConfigLabels *const lists[] = {&list};
    ConfigLabels labels = label_list(&(LabelSubject){.job = "j"}, lists, 1, &arena);
    assert_int_equal(labels.count, LABELS_MAX);
    assert_string_equal(labels.items[0].key, "managed_by");
    assert_string_equal(labels.items[1].key, "job");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_made_to_fit),
        cmocka_unit_test(keys_begin_with_a_letter),
        cmocka_unit_test(lists_are_merged),
        cmocka_unit_test(there_are_64_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
