/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "config/keys.h"
#include "config/scalar.h"
#include "format/json.h"

#include <string.h>

/* Where a variable may stand for a number, a word or a duration. */
static const char variable_pattern[] = "\\$\\{";

static Json *with_text(Json *object, const char *key, const char *text)
{
    json_set_text(object, key, text);
    return object;
}

static Json *of_type(const char *type)
{
    return with_text(json_object_new(), "type", type);
}

static Json *pattern(const char *text)
{
    return with_text(of_type("string"), "pattern", text);
}

/* {"anyOf": [first, second]} */
static Json *either(Json *first, Json *second)
{
    Json *object = json_object_new(), *list = json_array_new();
    json_append(list, first);
    json_append(list, second);
    json_set(object, "anyOf", list);
    return object;
}

static Json *integer_between(int64_t min, int64_t max)
{
    Json *object = of_type("integer");
    json_set_int(object, "minimum", min);
    if (max)
        json_set_int(object, "maximum", max);
    return object;
}

static Json *words_of(const ConfigKey *key)
{
    Json *object = json_object_new(), *list = json_array_new();
    for (const char *const *word = key->words; *word; word++) {
        json_append_text(list, *word);
        if (strcmp(*word, "null") == 0) /* written without quotes, it is YAML's null */
            json_append(list, NULL);
    }
    json_set(object, "enum", list);
    return object;
}

/* YAML reads some texts as numbers or booleans (`port: 5432`): they are texts here all the same. */
static Json *any_text(const ConfigKey *key)
{
    static const char *const types[] = {"string", "number", "boolean"};
    Json *object = json_object_new(), *list = json_array_new();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        json_append_text(list, types[i]);
    json_set(object, "type", list);
    if (key->pattern) {
        CLEANUP(arena_done) Arena arena = {0};
        json_set_text(object, "pattern",
                      arena_printf(&arena, "%s|%s", key->pattern, variable_pattern));
    }
    return object;
}

static Json *list_of(Json *items)
{
    Json *object = of_type("array");
    json_set(object, "items", items);
    return object;
}

static Json *reference_to(const KeySection *section)
{
    CLEANUP(arena_done) Arena arena = {0};
    return with_text(json_object_new(), "$ref", arena_printf(&arena, "#/$defs/%s", section->id));
}

static Json *section_value(const ConfigKey *key)
{
    static const ConfigKey plain = {.type = KEY_TEXT};
    Json *reference = reference_to(key->section);
    return key->section->shorthand ? either(any_text(&plain), reference) : reference;
}

static Json *named_sections(const ConfigKey *key)
{
    Json *object = of_type("object");
    json_set(object, "propertyNames", pattern(key->section->name_pattern));
    json_set(object, "additionalProperties", reference_to(key->section));
    return object;
}

static Json *texts_by_name(void)
{
    static const ConfigKey item = {.type = KEY_TEXT};
    Json *object = of_type("object");
    json_set(object, "additionalProperties", any_text(&item));
    return object;
}

static Json *value_of(const ConfigKey *key)
{
    static const ConfigKey item = {.type = KEY_TEXT};
    switch (key->type) {
    case KEY_INTEGER:
        return either(integer_between(key->min, key->max), pattern(variable_pattern));
    case KEY_BOOLEAN:
        return either(of_type("boolean"), pattern(variable_pattern));
    case KEY_DURATION:
        return either(integer_between(0, 0), pattern("^([0-9]+(ms|s|m|h|d))+$|^0$|\\$\\{"));
    case KEY_SIZE:
        return either(integer_between(key->min, key->max),
                      pattern("^[0-9]+( ?([kKMGT]?B|[KMGT]iB))?$|\\$\\{"));
    case KEY_WORD:
        return either(words_of(key), pattern(variable_pattern));
    case KEY_TEXT_LIST:
        return list_of(any_text(&item));
    case KEY_TEXT_OR_LIST:
        return either(any_text(&item), list_of(any_text(&item)));
    case KEY_TEXT_MAP:
        return texts_by_name();
    case KEY_SECTION:
        return section_value(key);
    case KEY_NAMED_SECTIONS:
        return named_sections(key);
    case KEY_SECTION_LIST:
        return list_of(reference_to(key->section));
    default:
        return any_text(key);
    }
}

static void set_default(Json *property, const ConfigKey *key)
{
    int64_t integer;
    bool boolean;
    if (!key->otherwise || key->otherwise_text)
        return;
    if (key->type == KEY_INTEGER && scalar_integer(key->otherwise, &integer))
        json_set_int(property, "default", integer);
    else if (key->type == KEY_BOOLEAN && scalar_boolean(key->otherwise, &boolean))
        json_set_bool(property, "default", boolean);
    else
        json_set_text(property, "default", key->otherwise);
}

static Json *property_of(const ConfigKey *key)
{
    Json *property = value_of(key);
    json_set_text(property, "description", key->doc);
    set_default(property, key);
    return property;
}

/* {"properties": {"type": …}}, of a section that a key of some types may stand in. */
static Json *condition_of(const ConfigKey *key, bool or_variable)
{
    Json *object = json_object_new(), *properties = json_object_new();
    Json *type = json_object_new(), *words = json_array_new();
    for (const char *const *word = key->only_for; *word; word++)
        json_append_text(words, *word);
    json_set(type, "enum", words);
    json_set(properties, "type", or_variable ? either(type, pattern(variable_pattern)) : type);
    json_set(object, "properties", properties);
    return object;
}

/* {"if": {the type is one of those}, "then": {"required": [key]}} */
static Json *requirement_of(const ConfigKey *key)
{
    Json *object = json_object_new(), *then = json_object_new(), *required = json_array_new();
    json_append_text(required, key->name);
    json_set(then, "required", required);
    json_set(object, "if", condition_of(key, false));
    json_set(object, "then", then);
    return object;
}

static Json *one_of(const char *const *names)
{
    Json *choices = json_array_new();
    for (; *names; names++) {
        Json *choice = json_object_new(), *required = json_array_new();
        json_append_text(required, *names);
        json_set(choice, "required", required);
        json_append(choices, choice);
    }
    return choices;
}

/* What goes with some types of the section only. */
static void set_conditions(Json *object, const KeySection *section)
{
    Json *conditions = json_object_new(), *requirements = json_array_new();
    size_t count = 0;
    for (size_t i = 0; i < section->count; i++) {
        const ConfigKey *key = &section->keys[i];
        if (!key->only_for)
            continue;
        if (key->required)
            json_append(requirements, requirement_of(key));
        json_set(conditions, key->name, condition_of(key, true));
        count++;
    }
    if (count)
        json_set(object, "dependentSchemas", conditions);
    else
        json_free(conditions);
    if (json_count(requirements))
        json_set(object, "allOf", requirements);
    else
        json_free(requirements);
}

static void set_properties(Json *object, const KeySection *section)
{
    Json *properties = json_object_new(), *required = json_array_new();
    for (size_t i = 0; i < section->count; i++) {
        const ConfigKey *key = &section->keys[i];
        json_set(properties, key->name, property_of(key));
        if (key->required && !key->only_for)
            json_append_text(required, key->name);
    }
    json_set_text(object, "type", "object");
    json_set(object, "properties", properties);
    json_set(object, "required", required);
    json_set_bool(object, "additionalProperties", false);
    if (section->exactly_one)
        json_set(object, "oneOf", one_of(section->exactly_one));
    set_conditions(object, section);
}

static void add_definitions(Json *definitions, const KeySection *section)
{
    for (size_t i = 0; i < section->count; i++) {
        const KeySection *inner = section->keys[i].section;
        if (!inner || json_get(definitions, inner->id))
            continue;
        Json *object = json_object_new();
        json_set_text(object, "description", inner->doc);
        set_properties(object, inner);
        json_set(definitions, inner->id, object);
        add_definitions(definitions, inner);
    }
}

void config_print_schema(FILE *out)
{
    CLEANUP(json_free_ptr) Json *schema = json_object_new();
    Json *definitions = json_object_new();
    json_set_text(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_set_text(schema, "title", "bqferry configuration");
    set_properties(schema, &keys_main);
    add_definitions(definitions, &keys_main);
    json_set(schema, "$defs", definitions);
    json_print(out, schema, true);
}
