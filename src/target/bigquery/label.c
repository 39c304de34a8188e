/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/label.h"

#include <ctype.h>
#include <string.h>

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

static char label_byte(char byte)
{
    unsigned char letter = (unsigned char)byte;
    if (letter >= 0x80 || islower(letter) || isdigit(letter) || byte == '_' || byte == '-')
        return byte;
    return isupper(letter) ? (char)tolower(letter) : '_';
}

const char *label_value(const char *text, Arena *arena)
{
    char *label = arena_strdup(arena, text), *end = label;
    size_t characters = 0;
    for (const char *at = text; *at; at++) {
        if (!is_continuation(*at) && characters++ == LABEL_CHARACTERS_MAX)
            break;
        *end++ = label_byte(*at);
    }
    *end = '\0';
    return label;
}

const char *label_key(const char *text, Arena *arena)
{
    const char *key = label_value(text, arena);
    unsigned char first = (unsigned char)*key;
    if (islower(first) || first >= 0x80)
        return key;
    return label_value(arena_printf(arena, "l_%s", key), arena);
}

static ConfigLabel *find_label(ConfigLabel *items, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].key, key) == 0)
            return &items[i];
    }
    return NULL;
}

ConfigLabels label_list(const LabelSubject *subject, const ConfigLabels *const *lists,
                        size_t list_count, Arena *arena)
{
    ConfigLabel *items = ARENA_ARRAY(arena, ConfigLabel, LABELS_MAX);
    size_t own = 0, count;
    items[own++] = (ConfigLabel){"managed_by", "bqferry"};
    if (subject->job)
        items[own++] = (ConfigLabel){"job", label_value(subject->job, arena)};
    if (subject->run_id)
        items[own++] = (ConfigLabel){"run_id", label_value(subject->run_id, arena)};
    count = own;
    for (size_t i = 0; i < list_count; i++) {
        for (size_t j = 0; lists[i] && j < lists[i]->count; j++) {
            const char *key = label_key(lists[i]->items[j].key, arena);
            ConfigLabel *label = find_label(items, count, key);
            if (label && label < items + own)
                continue;
            if (!label && count == LABELS_MAX)
                continue;
            if (!label)
                label = &items[count++];
            *label = (ConfigLabel){key, label_value(lists[i]->items[j].value, arena)};
        }
    }
    return (ConfigLabels){items, count};
}

Json *label_json(const ConfigLabels *labels)
{
    Json *object = json_object_new();
    for (size_t i = 0; i < labels->count; i++)
        json_set_text(object, labels->items[i].key, labels->items[i].value);
    return object;
}
