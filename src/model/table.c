/* SPDX-License-Identifier: Apache-2.0 */
#include "model/table.h"

const char *relation_kind_name(RelationKind kind)
{
    static const char *const names[] = {
        "table", "partitioned table", "view", "materialized view", "foreign table", "query"};
    return names[kind];
}
