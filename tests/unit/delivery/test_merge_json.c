/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/merge_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_names(const char *const *left, const char *const *right, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(left[i], right[i]);
}

static void assert_back(const Delivery *delivery)
{
    Arena arena = {0};
    Error error = {0};
    CLEANUP(json_free_ptr) Json *json = merge_to_json(delivery);
    Delivery back = {0};
    const MergeSpec *own = &delivery->merge, *merge = &back.merge;
    if (!merge_from_json(json, &arena, &back, &error))
        fail_msg("%s", error.message);
    assert_int_equal(back.evolve, delivery->evolve);
    assert_int_equal(back.at_us, delivery->at_us);
    assert_int_equal(merge->key_count, own->key_count);
    assert_names(merge->key, own->key, own->key_count);
    assert_int_equal(merge->order_count, own->order_count);
    assert_names(merge->order, own->order, own->order_count);
    assert_int_equal(merge->emptied_count, own->emptied_count);
    assert_names(merge->emptied, own->emptied, own->emptied_count);
    assert_true((own->mark == NULL) == (merge->mark == NULL));
    if (own->mark)
        assert_string_equal(merge->mark, own->mark);
    assert_true((own->range.column == NULL) == (merge->range.column == NULL));
    if (own->range.column)
        assert_string_equal(merge->range.column, own->range.column);
    assert_int_equal(merge->range.has_low, own->range.has_low);
    assert_int_equal(merge->range.low, own->range.low);
    assert_int_equal(merge->range.high, own->range.high);
    assert_int_equal(merge->range.after_low, own->range.after_low);
    assert_int_equal(merge->range.through_high, own->range.through_high);
    assert_int_equal(merge->unique, own->unique);
    assert_int_equal(merge->key_is_sources, own->key_is_sources);
    assert_int_equal(merge->changed_only, own->changed_only);
    assert_int_equal(merge->present, own->present);
    assert_int_equal(merge->keys_only, own->keys_only);
    assert_int_equal(merge->whole, own->whole);
    assert_int_equal(merge->vanished, own->vanished);
    assert_int_equal(merge->mark_is_bool, own->mark_is_bool);
    assert_true((back.metadata.run_id == NULL) == (delivery->metadata.run_id == NULL));
    arena_done(&arena);
}

static void test_it_comes_back_as_it_was(void **state)
{
    static const char *const key[] = {"a", "b"}, *const order[] = {"at"}, *const gone[] = {"x"};
    const Delivery deliveries[] = {
        {0},
        {.evolve = EVOLVE_COLUMNS,
         .at_us = 1234567890123456,
         .metadata = {"_synced", "_run"},
         .merge = {.key = key,
                   .key_count = 2,
                   .key_is_sources = true,
                   .unique = true,
                   .order = order,
                   .order_count = 1,
                   .changed_only = true,
                   .emptied = gone,
                   .emptied_count = 1,
                   .whole = true,
                   .vanished = VANISHED_MARKED,
                   .mark = "gone_at",
                   .mark_is_bool = true}},
        {.evolve = EVOLVE_RELAX,
         .merge = {.present = true, .keys_only = true, .vanished = VANISHED_DELETED}},
        {.merge = {.range = {.column = "at",
                             .has_low = true,
                             .low = -5,
                             .high = 7,
                             .after_low = true,
                             .through_high = true}}},
        {.merge = {.range = {.column = "at", .high = 7}}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof deliveries / sizeof *deliveries; i++)
        assert_back(&deliveries[i]);
}

static void test_unknown_words_are_refused(void **state)
{
    static const char *const wrong[] = {"{\"evolve\":\"maybe\",\"vanished\":\"kept\"}",
                                        "{\"evolve\":\"fail\",\"vanished\":\"eaten\"}",
                                        "{\"evolve\":\"fail\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Arena arena = {0};
        Error error = {0};
        Delivery delivery = {0};
        CLEANUP(json_free_ptr) Json *json = NULL;
        assert_true(json_parse(wrong[i], strlen(wrong[i]), "test", &json, &error));
        assert_false(merge_from_json(json, &arena, &delivery, &error));
        assert_int_equal(error.kind, ERROR_CONFIG);
        arena_done(&arena);
    }
}

static void test_intents_of_before_have_none(void **state)
{
    (void)state;
    Arena arena = {0};
    Error error = {0};
    Delivery delivery = {0};
    assert_true(merge_from_json(NULL, &arena, &delivery, &error));
    assert_false(delivery_merges(&delivery));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_comes_back_as_it_was),
        cmocka_unit_test(test_unknown_words_are_refused),
        cmocka_unit_test(test_intents_of_before_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
