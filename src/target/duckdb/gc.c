/* SPDX-License-Identifier: Apache-2.0 */
#include "target/duckdb/duckdb_state.h"
#include "target/duckdb/sql.h"

#include <string.h>

static bool drop(DuckConnection *connection, const TableRef *table, Arena *arena, Error *error)
{
    CLEANUP(buffer_done) Buffer sql;
    buffer_init(&sql, SQL_TEXT_MAX);
    return buffer_printf(&sql, error, "DROP TABLE IF EXISTS ") &&
           sql_table_name(&sql, table, error) && duck_run(connection, sql_text(&sql, arena), error);
}

bool duck_gc(Target *target, const GcRequest *request, Arena *arena, GcList *ret_list, Error *error)
{
    CLEANUP(duck_disconnect) DuckConnection connection = {0};
    DuckTarget *duck = (DuckTarget *)target;
    const char *prefix = sql_staging_prefix("", arena);
    size_t head = strlen(prefix) - 1; /* without the "_" behind the id */
    DuckRows rows;
    *ret_list = (GcList){0};
    if (!duck_target_has_file(duck))
        return true;
    if (!duck_target_connect(duck, &connection, error) ||
        !duck_rows(&connection,
                   DUCK_QUERY("SELECT schema_name, table_name FROM duckdb_tables() WHERE "
                              "database_name = current_database() AND starts_with(table_name, $1) "
                              "ORDER BY table_name",
                              arena_strndup(arena, prefix, head)),
                   arena, &rows, error))
        return false;
    GcItem *items = ARENA_ARRAY(arena, GcItem, rows.row_count);
    for (size_t i = 0; i < rows.row_count; i++) {
        const TableRef table = {rows.cells[2 * i], rows.cells[2 * i + 1]};
        const char *run_id = table.table + head;
        if (!gc_is_ownerless(request, run_id))
            continue;
        if (!request->dry && !drop(&connection, &table, arena, error))
            return false;
        items[ret_list->count++] = (GcItem){
            .what = arena_printf(arena, "table %s.%s", table.dataset, table.table),
            .run_id = gc_run_id(run_id, arena),
        };
    }
    ret_list->items = items;
    return true;
}
