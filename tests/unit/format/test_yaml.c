/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static YamlDocument parse(const char *text, Arena *arena)
{
    YamlDocument document;
    bool clean = yaml_parse(view_of(text), arena, &document);
    assert_int_equal(clean, document.fault_count == 0);
    return document;
}

static void assert_mark(YamlMark mark, int line, int column)
{
    assert_int_equal(mark.line, line);
    assert_int_equal(mark.column, column);
}

static void keeps_order_text_and_places(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    YamlDocument document = parse("# first\n"
                                  "zebra: 1\n"
                                  "apple: [a, 'b: c', \"d\\n\"]\n"
                                  "größe:   x\n"
                                  "text: |\n"
                                  "  one\n"
                                  "  two\n",
                                  &arena);
    assert_int_equal(document.fault_count, 0);
    const YamlNode *root = document.root;
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->count, 4);
    assert_string_equal(root->pairs[0].key, "zebra");
    assert_mark(root->pairs[0].mark, 2, 1);
    assert_mark(root->pairs[0].value->mark, 2, 8);
    assert_true(root->pairs[0].value->plain);

    const YamlNode *list = yaml_get(root, "apple");
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_int_equal(list->count, 3);
    assert_string_equal(list->items[1]->text, "b: c");
    assert_false(list->items[1]->plain);
    assert_string_equal(list->items[2]->text, "d\n");
    assert_mark(list->items[2]->mark, 3, 20);

    assert_mark(root->pairs[2].value->mark, 4, 10); /* characters, not bytes */
    assert_string_equal(yaml_get(root, "text")->text, "one\ntwo\n");
    assert_int_equal(root->weight, 12);
    assert_null(yaml_get(root, "no such"));
    assert_null(yaml_get(list, "apple"));
    assert_null(yaml_get(NULL, "apple"));
}

static void tells_null_from_texts(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    const YamlNode *list = parse("[~, null, , Null, NULL, 'null', nul, '', []]", &arena).root;
    static const bool expected[] = {true, true, true, true, true, false, false, false, false};
    if (!list) /* an empty item in a flow list is no YAML */
        list = parse("[~, null, ~, Null, NULL, 'null', nul, '', []]", &arena).root;
    assert_int_equal(list->count, 9);
    for (size_t i = 0; i < list->count; i++)
        assert_int_equal(yaml_is_null(list->items[i]), expected[i]);
}

static void lends_an_anchor_to_its_aliases(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    YamlDocument document = parse("a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n", &arena);
    assert_int_equal(document.fault_count, 0);
    assert_ptr_equal(yaml_get(document.root, "a"), yaml_get(document.root, "b"));
    assert_string_equal(yaml_get(document.root, "d")->text, "3");
    assert_int_equal(document.root->weight,
                     1 + 4 + 3 + 3 + 1 + 1); /* four keys, two lists of 3, 3 and 3 */
}

static void reads_an_empty_document(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    static const char *const texts[] = {"", "\n\n", "# only a comment\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        YamlDocument document = parse(texts[i], &arena);
        assert_null(document.root);
        assert_int_equal(document.fault_count, 0);
    }
}

typedef struct FaultCase {
    const char *text;
    YamlMark mark;
    const char *message;
} FaultCase;

static const FaultCase fault_cases[] = {
    {"a: 1\nb: 2\na: 3\n", {3, 1}, "duplicate key \"a\" (it stands in line 1 already)"},
    {"a: !!str 1\n",
     {1, 4},
     "tags (!…) are not supported here: leave it out, or put the text in quotes"},
    {"a: !x {b: 1}\n",
     {1, 4},
     "tags (!…) are not supported here: leave it out, or put the text in quotes"},
    {"a: &x {b: 1}\nc:\n  <<: *x\n",
     {3, 3},
     "merge keys (<<) are not supported here: use `defaults:`, or write the keys out"},
    {"[a, b]: 1\n", {1, 1}, "a key must be a plain text"},
    {"a: *nobody\n", {1, 4}, "*nobody: nothing above is anchored as &nobody"},
    {"a: &self [1, *self]\n", {1, 14}, "*self: nothing above is anchored as &self"},
    {"a: \"x\\0y\"\n", {1, 4}, "a NUL byte cannot stand in a text"},
    {"a: 1\n---\nb: 2\n",
     {2, 1},
     "a second document begins here: a file holds one (remove the ---)"},
    {"jobs:\n\t- name: x\n",
     {2, 1},
     "YAML syntax: found character that cannot "
     "start any token; indent with spaces, never with tabs"},
    {"where: @x\n",
     {1, 8},
     "YAML syntax: found character that cannot "
     "start any token; put the whole text in quotes"},
    {"a: b: c\n",
     {1, 5},
     "YAML syntax: mapping values are not allowed in this context; is the indentation right? A text with "
     "\": \" in it needs quotes"},
    {"a: 1\n b: 2\n",
     {2, 3},
     "YAML syntax: mapping values are not allowed in this context; is the indentation right? A text with "
     "\": \" in it needs quotes"},
    {"a:\n  b: [1, 2\nc: 3\n",
     {3, 2},
     "YAML syntax: did not find expected ',' or ']' (while parsing a flow sequence that begins in "
     "line 2)"},
    {"a: {b: ${X}}\n",
     {1, 9},
     "YAML syntax: did not find expected ',' or '}'; inside { } and [ ], ${…} needs quotes"},
    {"a: \"abc\n",
     {2, 1},
     "YAML syntax: found unexpected end of stream (while scanning a quoted scalar that begins in line 1)"},
    {"gr\xc3\xb6\xc3\x9f"
     "e: ok\nbad: \xff\n",
     {2, 6},
     "the file is not UTF-8 text: invalid leading UTF-8 octet"},
};

static void names_faults_and_their_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++) {
        CLEANUP(arena_done) Arena arena = {0};
        YamlDocument document = parse(fault_cases[i].text, &arena);
        assert_int_equal(document.fault_count, 1);
        assert_string_equal(document.faults[0].message, fault_cases[i].message);
        assert_mark(document.faults[0].mark, fault_cases[i].mark.line, fault_cases[i].mark.column);
    }
}

static void goes_on_after_faults_that_leave_a_tree(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    YamlDocument document = parse("a: 1\na: 2\nb: !x 3\nc: {d: 1, d: 2, d: 3}\n", &arena);
    assert_non_null(document.root);
    assert_int_equal(document.root->count, 4);
    assert_int_equal(document.fault_count, 4);
}

static char *repeated(Arena *arena, const char *head, const char *piece, size_t times)
{
    size_t length = strlen(piece);
    char *text = arena_alloc(arena, strlen(head) + length * times + 1);
    char *end = stpcpy(text, head);
    for (size_t i = 0; i < times; i++)
        end = stpcpy(end, piece);
    return text;
}

static void assert_only_fault(const char *text, const char *message)
{
    CLEANUP(arena_done) Arena arena = {0};
    YamlDocument document = parse(text, &arena);
    assert_null(document.root);
    assert_int_equal(document.fault_count, 1);
    assert_string_equal(document.faults[0].message, message);
}

static void has_limits(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    assert_only_fault(repeated(&arena, "a: ", "[", 33), "nested more than 32 levels deep");
    assert_only_fault(repeated(&arena, "a: ", "{a: ", 100 * 1000),
                      "nested more than 32 levels deep");
    assert_only_fault(repeated(&arena, "#", " ", YAML_SIZE_MAX),
                      "the file is larger than 4194304 bytes");
    assert_only_fault(repeated(&arena, "", "- 1\n", YAML_NODES_MAX),
                      "more than 100000 values (aliases counted at each use)");
    assert_only_fault("a: &a [1,1,1,1,1,1,1,1,1,1]\n"
                      "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                      "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                      "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
                      "more than 100000 values (aliases counted at each use)");
    YamlDocument document = parse(repeated(&arena, "", "a: 1\n", 1000), &arena);
    assert_int_equal(document.fault_count, YAML_FAULTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_text_and_places),
        cmocka_unit_test(tells_null_from_texts),
        cmocka_unit_test(lends_an_anchor_to_its_aliases),
        cmocka_unit_test(reads_an_empty_document),
        cmocka_unit_test(names_faults_and_their_places),
        cmocka_unit_test(goes_on_after_faults_that_leave_a_tree),
        cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests_name("format/yaml", tests, NULL, NULL);
}
