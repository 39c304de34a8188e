/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mysql/keys.h"

#include <string.h>

enum { PLACE, NAME, INDEX, NON_UNIQUE, PART, COLUMN, PREFIX, NULLABLE, KIND };

/* An index that might serve as key, while its parts go by. */
typedef struct Candidate {
    char *index;
    const char **columns;
    size_t count;
    bool usable;
} Candidate;

void mysql_mark_indexes(MYSQL_RES *parts, SourceColumn *columns, size_t count)
{
    MYSQL_ROW row;
    mysql_data_seek(parts, 0);
    while ((row = mysql_fetch_row(parts))) {
        bool leads = strcmp(row[PART], "1") == 0 && strcmp(row[KIND], "BTREE") == 0;
        for (size_t i = 0; leads && row[COLUMN] && i < count; i++) {
            if (strcmp(columns[i].name, row[COLUMN]) == 0)
                columns[i].leads_an_index = true;
        }
    }
}

static bool is_of(MYSQL_ROW row, const SourceTable *table)
{
    return strcmp(row[NAME], table->name) == 0 && strcmp(row[PLACE], table->schema) == 0;
}

static void consider(const Candidate *candidate, SourceTable *table)
{
    bool is_primary = candidate->index && strcmp(candidate->index, "PRIMARY") == 0;
    bool is_better = table->key_count == 0 || candidate->count < table->key_count;
    if (!candidate->usable || candidate->count == 0 || table->key_is_primary ||
        (!is_primary && !is_better))
        return;
    table->key = candidate->columns;
    table->key_count = candidate->count;
    table->key_is_primary = is_primary;
}

void mysql_read_key(MYSQL_RES *parts, Arena *arena, SourceTable *table)
{
    enum { PARTS_MAX = 32 };
    Candidate candidate = {0};
    MYSQL_ROW row;
    mysql_data_seek(parts, 0);
    while ((row = mysql_fetch_row(parts))) {
        if (!is_of(row, table))
            continue;
        if (!candidate.index || strcmp(candidate.index, row[INDEX]) != 0) {
            consider(&candidate, table);
            candidate = (Candidate){.index = row[INDEX],
                                    .columns = ARENA_ARRAY(arena, const char *, PARTS_MAX),
                                    .usable = strcmp(row[NON_UNIQUE], "0") == 0};
        }
        bool is_whole = row[COLUMN] && !row[PREFIX] && !(row[NULLABLE] && row[NULLABLE][0] == 'Y');
        candidate.usable = candidate.usable && is_whole && candidate.count < PARTS_MAX;
        if (candidate.usable)
            candidate.columns[candidate.count++] = arena_strdup(arena, row[COLUMN]);
    }
    consider(&candidate, table);
}
