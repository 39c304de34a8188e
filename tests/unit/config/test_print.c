/* SPDX-License-Identifier: Apache-2.0 */
/* The reference and the JSON Schema that the declaration prints. */
#include "base/cleanup.h"
#include "config/config.h"
#include "config/keys.h"
#include "format/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <regex.h>
#include <string.h>

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    print(out);
    fclose(out);
    return text;
}

typedef void VisitKey(const KeySection *section, const ConfigKey *key, void *context);

static void visit(const KeySection *section, VisitKey *visitor, void *context)
{
    for (size_t i = 0; i < section->count; i++) {
        visitor(section, &section->keys[i], context);
        if (section->keys[i].section)
            visit(section->keys[i].section, visitor, context);
    }
}

static void check_declaration(const KeySection *section, const ConfigKey *key, void *context)
{
    (void)context;
    if (!key->doc || key->doc[strlen(key->doc) - 1] != '.')
        fail_msg("%s.%s: its documentation is no sentence", section->title, key->name);
    if (!key->section && !key->example)
        fail_msg("%s.%s: has no example", section->title, key->name);
    if (key->type == KEY_WORD && !key->words)
        fail_msg("%s.%s: has no words", section->title, key->name);
    if ((key->type == KEY_NAMED_SECTIONS || key->type == KEY_SECTION_LIST) &&
        !(key->section && key->section->size))
        fail_msg("%s.%s: has no size", section->title, key->name);
    if (key->pattern) {
        regex_t regex;
        assert_int_equal(regcomp(&regex, key->pattern, REG_EXTENDED), 0);
        regfree(&regex);
        assert_non_null(key->expected);
    }
    assert_true(section->count <= 64);
}

static void declares_every_key_in_full(void **state)
{
    (void)state;
    visit(&keys_main, check_declaration, NULL);
    visit(&keys_included, check_declaration, NULL);
}

static void check_row(const KeySection *section, const ConfigKey *key, void *context)
{
    char row[128];
    snprintf(row, sizeof row, "\n| `%s` | ", key->name);
    const char *table = strstr(context, section->title);
    if (!table || !strstr(table, row))
        fail_msg("%s.%s is not in the reference", section->title, key->name);
}

static void documents_every_key(void **state)
{
    (void)state;
    CLEANUP(free_ptr) char *docs = printed(config_print_docs);
    assert_memory_equal(docs, "# Configuration\n", 16);
    visit(&keys_main, check_row, docs);
}

static void prints_an_example_that_works(void **state)
{
    (void)state;
    static const char start[] = "```yaml\n";
    CLEANUP(free_ptr) char *docs = printed(config_print_docs);
    char *example = strstr(docs, start);
    assert_non_null(example);
    example += sizeof start - 1;
    *strstr(example, "```\n") = '\0';

    Config config;
    ConfigErrors errors;
    Error error = {0};
    setenv("SHOP_URL", "postgresql://etl@db/shop", 1);
    if (!config_parse(example, "example.yaml", "/nonexistent", &config, &errors, &error))
        fail_msg("%s", error.message);
    assert_int_equal(config.job_count, 1);
    assert_string_equal(config.jobs[0].columns[0].name, "total");
    assert_string_equal(config.jobs[0].columns[0].type, "NUMERIC(20,4)");
    config_done(&config);
}

static void check_property(const KeySection *section, const ConfigKey *key, void *context)
{
    const Json *object =
        section == &keys_main ? context : json_get(json_get(context, "$defs"), section->id);
    const Json *property = json_get(json_get(object, "properties"), key->name);
    if (!json_is_object(property))
        fail_msg("%s.%s is not in the schema", section->title, key->name);
    assert_string_equal(json_get_text(property, "description"), key->doc);
    assert_non_null(json_get(object, "additionalProperties"));
    assert_false(json_get_bool(object, "additionalProperties"));
}

static void describes_every_key_in_the_schema(void **state)
{
    (void)state;
    CLEANUP(free_ptr) char *text = printed(config_print_schema);
    CLEANUP(json_free_ptr) Json *schema = NULL;
    Error error = {0};
    assert_true(json_parse(text, strlen(text), "schema", &schema, &error));
    assert_string_equal(json_get_text(schema, "$schema"),
                        "https://json-schema.org/draft/2020-12/schema");
    visit(&keys_main, check_property, schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declares_every_key_in_full),
        cmocka_unit_test(documents_every_key),
        cmocka_unit_test(prints_an_example_that_works),
        cmocka_unit_test(describes_every_key_in_the_schema),
    };
    return cmocka_run_group_tests_name("config/print", tests, NULL, NULL);
}
