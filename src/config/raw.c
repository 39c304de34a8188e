/* SPDX-License-Identifier: Apache-2.0 */
#include "config/raw.h"

#include "base/nearest.h"
#include "config/mistakes.h"

ConfigPlace raw_place(const RawElement *element, const char *const *keys)
{
    ConfigPlace place = element->place;
    const YamlNode *node = element->node;
    for (; *keys && node && node->kind == YAML_MAPPING; keys++) {
        node = yaml_get(node, *keys);
        if (node)
            place = place_in(element->place.file, node->mark);
    }
    return place;
}

bool raw_is_said(const YamlNode *mapping, const char *key)
{
    for (size_t i = 0; mapping && mapping->kind == YAML_MAPPING && i < mapping->count; i++) {
        if (nearest_word(mapping->pairs[i].key, &key, 1))
            return true;
    }
    return false;
}
