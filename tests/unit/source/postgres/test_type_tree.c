/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/type_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The shape of catalog_relation's answer, with what matters here. */
static const char catalog[] =
    "{\"23:-1\": {\"name\": \"int4\", \"schema\": \"pg_catalog\", \"kind\": \"b\", \"text\": "
    "\"integer\", \"send\": true},"
    "\"1700:655366\": {\"name\": \"numeric\", \"schema\": \"pg_catalog\", \"kind\": \"b\", "
    "\"text\": \"numeric(10,2)\", \"send\": true},"
    "\"500:-1\": {\"name\": \"price\", \"schema\": \"public\", \"kind\": \"d\", \"text\": "
    "\"price\", \"send\": true, \"base\": \"501:-1\"},"
    "\"501:-1\": {\"name\": \"amount\", \"schema\": \"public\", \"kind\": \"d\", \"text\": "
    "\"amount\", \"send\": true, \"base\": \"1700:655366\"},"
    "\"502:-1\": {\"name\": \"_price\", \"schema\": \"public\", \"kind\": \"b\", \"text\": "
    "\"price[]\", \"send\": true, \"element\": \"500:-1\"},"
    "\"503:-1\": {\"name\": \"mood\", \"schema\": \"public\", \"kind\": \"e\", \"text\": \"mood\", "
    "\"send\": true, \"labels\": [\"sad\", \"ok\"]},"
    "\"504:-1\": {\"name\": \"isbn\", \"schema\": \"public\", \"kind\": \"b\", \"text\": \"isbn\", "
    "\"send\": false},"
    "\"505:-1\": {\"name\": \"book\", \"schema\": \"public\", \"kind\": \"c\", \"text\": \"book\", "
    "\"send\": true, \"fields\": [{\"name\": \"code\", \"type\": \"504:-1\"}, {\"name\": "
    "\"prices\", \"type\": \"502:-1\"}]},"
    "\"3904:-1\": {\"name\": \"int4range\", \"schema\": \"pg_catalog\", \"kind\": \"r\", \"text\": "
    "\"int4range\", \"send\": true, \"range\": \"23:-1\"},"
    "\"4451:-1\": {\"name\": \"int4multirange\", \"schema\": \"pg_catalog\", \"kind\": \"m\", "
    "\"text\": \"int4multirange\", \"send\": true, \"range\": \"3904:-1\"},"
    "\"2249:-1\": {\"name\": \"record\", \"schema\": \"pg_catalog\", \"kind\": \"p\", \"text\": "
    "\"record\", \"send\": true},"
    "\"600:-1\": {\"name\": \"loop\", \"schema\": \"public\", \"kind\": \"c\", \"text\": \"loop\", "
    "\"send\": true, \"fields\": [{\"name\": \"again\", \"type\": \"600:-1\"}]}}";

typedef struct Scene {
    Arena arena;
    Json *types;
} Scene;

static int set_up(void **state)
{
    static Scene scene;
    scene = (Scene){0};
    *state = &scene;
    return json_parse(catalog, strlen(catalog), "test", &scene.types, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    Scene *scene = *state;
    json_free(scene->types);
    arena_done(&scene->arena);
    return 0;
}

static SourceType build(Scene *scene, const char *key)
{
    SourceType type;
    assert_true(type_tree_build(scene->types, key, &scene->arena, &type, NULL));
    return type;
}

static void domains_are_unwrapped(void **state)
{
    SourceType type = build(*state, "500:-1");
    assert_int_equal(type.class, SOURCE_TYPE_BASE);
    assert_string_equal(type.text, "price");
    assert_string_equal(type.base, "numeric");
    assert_string_equal(type.schema, "pg_catalog");
    assert_int_equal(type.id, 1700);
    assert_int_equal(type.modifier, 655366);
    assert_true(type.has_binary);
}

static void arrays_and_composites_are_built_inside_out(void **state)
{
    SourceType type = build(*state, "505:-1");
    assert_int_equal(type.class, SOURCE_TYPE_COMPOSITE);
    assert_int_equal(type.field_count, 2);
    assert_string_equal(type.fields[0].name, "code");
    const SourceType *prices = &type.fields[1].type;
    assert_int_equal(prices->class, SOURCE_TYPE_ARRAY);
    assert_int_equal(prices->id, 502);
    assert_true(prices->has_binary);
    assert_int_equal(prices->element->id, 1700);
    assert_int_equal(prices->element->modifier, 655366);
    assert_string_equal(prices->element->text, "price");
}

static void one_part_without_binary_form_spoils_the_whole(void **state)
{
    assert_false(build(*state, "504:-1").has_binary);
    assert_false(build(*state, "505:-1").has_binary);
}

static void enums_ranges_and_others(void **state)
{
    SourceType mood = build(*state, "503:-1");
    assert_int_equal(mood.class, SOURCE_TYPE_ENUM);
    assert_int_equal(mood.label_count, 2);
    assert_string_equal(mood.labels[1], "ok");
    SourceType multirange = build(*state, "4451:-1");
    assert_int_equal(multirange.class, SOURCE_TYPE_MULTIRANGE);
    assert_int_equal(multirange.element->class, SOURCE_TYPE_RANGE);
    assert_string_equal(multirange.element->element->base, "int4");
    assert_int_equal(build(*state, "2249:-1").class, SOURCE_TYPE_BASE);
}

static void what_is_not_there_is_an_error(void **state)
{
    Scene *scene = *state;
    SourceType type;
    Error error = {0};
    assert_false(type_tree_build(scene->types, "99:-1", &scene->arena, &type, &error));
    assert_int_equal(error.kind, ERROR_SOURCE);
    assert_false(type_tree_build(scene->types, NULL, &scene->arena, &type, &error));
    assert_false(type_tree_build(scene->types, "600:-1", &scene->arena, &type, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(domains_are_unwrapped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_and_composites_are_built_inside_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_part_without_binary_form_spoils_the_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(enums_ranges_and_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("source/postgres/type_tree", tests, NULL, NULL);
}
