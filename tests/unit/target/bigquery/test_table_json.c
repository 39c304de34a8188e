/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/table_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/json_given.h"

static const Field columns[] = {
    {.name = "id", .kind = TYPE_INT64, .mode = MODE_REQUIRED},
    {.name = "name", .kind = TYPE_STRING, .description = "new words"},
    {.name = "at", .kind = TYPE_TIMESTAMP},
};
static const Schema schema = {.fields = columns, .field_count = 3, .description = "the table"};
static const char *const key[] = {"id"};
static const ConfigLabel labels[] = {{"managed_by", "bqferry"}};

static TableDraft draft_of(const TableLayout *layout)
{
    return (TableDraft){
        .schema = &schema,
        .layout = layout,
        .description = "Loaded",
        .labels = {labels, 1},
        .kms_key = "projects/p/k",
    };
}

static void a_new_table(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    const TableLayout layout = {
        .partitioning = {.kind = PARTITION_DAY, .column = "at"}, .key = key, .key_count = 1};
    TableDraft draft = draft_of(&layout);
    CLEANUP(json_free_ptr) Json *table = table_json_new(&draft);
    assert_string_equal(
        json_dump(table, &arena),
        "{\"schema\":{\"fields\":[{\"name\":\"id\",\"type\":\"INT64\",\"mode\":\"REQUIRED\"},"
        "{\"name\":\"name\",\"type\":\"STRING\",\"mode\":\"NULLABLE\",\"description\":\"new words\"},"
        "{\"name\":\"at\",\"type\":\"TIMESTAMP\",\"mode\":\"NULLABLE\"}]},"
        "\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"at\"},"
        "\"tableConstraints\":{\"primaryKey\":{\"columns\":[\"id\"]}},\"description\":\"Loaded\","
        "\"labels\":{\"managed_by\":\"bqferry\"},"
        "\"encryptionConfiguration\":{\"kmsKeyName\":\"projects/p/k\"}}");
}

static const char existing[] =
    "{\"kind\":\"bigquery#table\",\"etag\":\"x\",\"id\":\"p:d.t\",\"numRows\":\"7\","
    "\"expirationTime\":\"1\",\"schema\":{\"fields\":[{\"name\":\"ID\",\"type\":\"INTEGER\","
    "\"policyTags\":{\"names\":[\"tag\"]},\"description\":\"old id\"},{\"name\":\"name\","
    "\"type\":\"INTEGER\",\"policyTags\":{\"names\":[\"tag\"]},\"description\":\"old name\"},"
    "{\"name\":\"gone\",\"type\":\"STRING\"}]},\"clustering\":{\"fields\":[\"ID\"]},"
    "\"description\":\"words\",\"labels\":{\"a\":\"b\"},\"tableConstraints\":{\"primaryKey\":"
    "{\"columns\":[\"gone\"]},\"foreignKeys\":[{\"name\":\"f\",\"columnReferences\":"
    "[{\"referencingColumn\":\"id\",\"referencedColumn\":\"x\"}]},{\"name\":\"g\","
    "\"columnReferences\":[{\"referencingColumn\":\"gone\",\"referencedColumn\":\"x\"}]}]},"
    "\"encryptionConfiguration\":{\"kmsKeyName\":\"k\",\"kmsKeyVersion\":\"3\"}}";

/* Everything but what belongs to the one table: its name, rows, end. */
static void what_a_copy_carries(void **state)
{
    (void)state;
    CLEANUP(json_free_ptr) Json *before = json_given(existing);
    CLEANUP(json_free_ptr) Json *table = table_json_keep(before);
    CLEANUP(arena_done) Arena arena = {0};
    static const char *const kept[] = {"schema", "clustering", "description", "labels",
                                       "tableConstraints"};
    static const char *const dropped[] = {"kind", "etag", "id", "numRows", "expirationTime"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_string_equal(json_dump(json_get(table, kept[i]), &arena),
                            json_dump(json_get(before, kept[i]), &arena));
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        assert_null(json_get(table, dropped[i]));
    assert_string_equal(json_dump(json_get(table, "encryptionConfiguration"), &arena),
                        "{\"kmsKeyName\":\"k\"}");
}

static void other_columns(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *before = json_given(existing);
    const TableLayout layout = {.key = key, .key_count = 1};
    TableDraft draft = draft_of(&layout);
    CLEANUP(json_free_ptr) Json *table = table_json_rebuild(before, &draft);
    assert_string_equal(
        json_dump(json_get(table, "schema"), &arena),
        "{\"fields\":[{\"name\":\"id\",\"type\":\"INT64\",\"mode\":\"REQUIRED\",\"description\":"
        "\"old id\",\"policyTags\":{\"names\":[\"tag\"]}},{\"name\":\"name\",\"type\":\"STRING\","
        "\"mode\":\"NULLABLE\",\"description\":\"old name\"},{\"name\":\"at\",\"type\":"
        "\"TIMESTAMP\",\"mode\":\"NULLABLE\"}]}");
    assert_string_equal(
        json_dump(json_get(table, "tableConstraints"), &arena),
        "{\"primaryKey\":{\"columns\":[\"id\"]},\"foreignKeys\":[{\"name\":\"f\","
        "\"columnReferences\":[{\"referencingColumn\":\"id\",\"referencedColumn\":\"x\"}]}]}");
    assert_string_equal(json_get_text(table, "description"), "words");
    assert_string_equal(json_dump(json_get(table, "labels"), &arena), "{\"a\":\"b\"}");
}

/* A key of such a type there cannot be, and what refers to others would refer to another type. */
static void columns_of_other_types(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr)
    Json *before = json_given(
        "{\"schema\":{\"fields\":[{\"name\":\"id\",\"type\":\"INTEGER\"},"
        "{\"name\":\"name\",\"type\":\"INTEGER\"}]},\"tableConstraints\":{\"primaryKey\":"
        "{\"columns\":[\"id\"]},\"foreignKeys\":[{\"name\":\"f\",\"columnReferences\":"
        "[{\"referencingColumn\":\"name\",\"referencedColumn\":\"x\"}]}]}}");
    const Field fields[] = {{.name = "id", .kind = TYPE_FLOAT64},
                            {.name = "name", .kind = TYPE_STRING}};
    const Schema other = {.fields = fields, .field_count = 2};
    const TableLayout plain = {0};
    const TableDraft draft = {.schema = &other, .layout = &plain};
    CLEANUP(json_free_ptr) Json *table = table_json_rebuild(before, &draft);
    assert_string_equal(json_dump(json_get(table, "tableConstraints"), &arena),
                        "{\"foreignKeys\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_table),
        cmocka_unit_test(what_a_copy_carries),
        cmocka_unit_test(other_columns),
        cmocka_unit_test(columns_of_other_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
