/* SPDX-License-Identifier: Apache-2.0 */
#include "source/postgres/catalog.h"

#include "source/postgres/sql.h"

#include <inttypes.h>
#include <string.h>

#define OUTSIDE_THE_SYSTEM "left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'"

/* closure(oid, mod): the types of att(atttypid, atttypmod) and everything inside them. */
#define CLOSURE                                                                                    \
    "closure(oid, mod) AS (\n"                                                                     \
    " SELECT atttypid, atttypmod FROM att\n"                                                       \
    " UNION\n"                                                                                     \
    " SELECT part.oid, part.mod FROM closure JOIN pg_type t ON t.oid = closure.oid\n"              \
    " CROSS JOIN LATERAL (\n"                                                                      \
    "  SELECT t.typbasetype, t.typtypmod WHERE t.typtype = 'd'\n"                                  \
    "  UNION ALL SELECT e.oid, closure.mod FROM pg_type e\n"                                       \
    "   WHERE e.oid = t.typelem AND e.typarray = t.oid\n"                                          \
    "  UNION ALL SELECT f.atttypid, f.atttypmod FROM pg_attribute f\n"                             \
    "   WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0\n"                      \
    "   AND NOT f.attisdropped\n"                                                                  \
    "  UNION ALL SELECT r.rngsubtype, -1 FROM pg_range r WHERE r.rngtypid = t.oid\n"               \
    "  %s\n"                                                                                       \
    " ) AS part(oid, mod)),\n"                                                                     \
    "types AS (\n"                                                                                 \
    " SELECT json_object_agg(c.oid::text || ':' || c.mod, json_build_object(\n"                    \
    "  'name', t.typname, 'schema', n.nspname, 'kind', t.typtype,\n"                               \
    "  'text', format_type(c.oid, c.mod), 'send', t.typsend <> 0,\n"                               \
    "  'base', CASE WHEN t.typtype = 'd' THEN t.typbasetype::text || ':' || t.typtypmod END,\n"    \
    "  'element', (SELECT e.oid::text || ':' || c.mod FROM pg_type e\n"                            \
    "    WHERE e.oid = t.typelem AND e.typarray = t.oid),\n"                                       \
    "  'range', %s,\n"                                                                             \
    "  'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e\n"          \
    "    WHERE e.enumtypid = t.oid),\n"                                                            \
    "  'fields', (SELECT json_agg(json_build_object('name', f.attname,\n"                          \
    "     'type', f.atttypid::text || ':' || f.atttypmod) ORDER BY f.attnum)\n"                    \
    "    FROM pg_attribute f WHERE t.typtype = 'c' AND f.attrelid = t.typrelid\n"                  \
    "    AND f.attnum > 0 AND NOT f.attisdropped))) AS json\n"                                     \
    " FROM closure c JOIN pg_type t ON t.oid = c.oid\n"                                            \
    " JOIN pg_namespace n ON n.oid = t.typnamespace)\n"

#define RANGE_SUBTYPE                                                                              \
    "(SELECT r.rngsubtype::text || ':-1' FROM pg_range r WHERE r.rngtypid = t.oid)"
#define RANGE_OF_MULTIRANGE                                                                        \
    "(SELECT r.rngtypid::text || ':-1' FROM pg_range r WHERE r.rngmultitypid = t.oid)"

static const char *multirange_part(int version)
{
    return version < 140000 ? ""
                            : "UNION ALL SELECT r.rngtypid, -1 FROM pg_range r "
                              "WHERE r.rngmultitypid = t.oid";
}

static const char *range_part(int version)
{
    return version < 140000 ? RANGE_SUBTYPE
                            : "coalesce(" RANGE_SUBTYPE ", " RANGE_OF_MULTIRANGE ")";
}

/* `rel` must give oid and nspoid; part: the tables that hold the rows, and what is known of them.
 */
#define SIZES                                                                                        \
    "tree AS (\n"                                                                                    \
    " SELECT oid FROM rel\n"                                                                         \
    " UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid),\n"            \
    "part AS MATERIALIZED (\n"                                                                       \
    " SELECT c.relpages::float8 AS pages, c.reltuples::float8 AS tuples,\n"                          \
    "  pg_table_size(c.oid) AS bytes, pg_relation_size(c.oid)::float8\n"                             \
    "  / current_setting('block_size')::float8 AS blocks\n"                                          \
    " FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE c.relkind IN ('r', 'm')),\n"               \
    "density AS (\n"                                                                                 \
    " SELECT sum(tuples) / sum(pages) AS mean FROM part WHERE pages > 0 AND tuples >= 0),\n"         \
    "sizes AS (\n"                                                                                   \
    " SELECT sum(bytes) AS bytes, CASE WHEN sum(blocks) > 0 AND (SELECT mean FROM density)\n"        \
    "   IS NULL THEN NULL ELSE round(sum(blocks * CASE WHEN pages > 0 AND tuples >= 0\n"             \
    "    THEN tuples / pages ELSE coalesce((SELECT mean FROM density), 0) END))::int8 END AS rows\n" \
    " FROM part),\n"

#define COLUMNS                                                                                    \
    "(SELECT json_agg(json_build_object('name', a.attname,\n"                                      \
    "   'type', a.atttypid::text || ':' || a.atttypmod, 'not_null', a.attnotnull,\n"               \
    "   'generated', a.attgenerated <> '', 'comment', col_description(a.attrelid, a.attnum),\n"    \
    "   'denied', NOT has_column_privilege(a.attrelid, a.attnum, 'SELECT'),\n"                     \
    "   'indexed', EXISTS (SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid\n"     \
    "     JOIN pg_am am ON am.oid = ic.relam WHERE i.indrelid = a.attrelid AND i.indisvalid\n"     \
    "     AND i.indpred IS NULL AND i.indkey[0] = a.attnum AND am.amname = 'btree'))\n"            \
    "   ORDER BY a.attnum) FROM att a)"

#define KEY_COLUMNS                                                                                \
    "unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, place)\n"                                  \
    "   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num\n"                     \
    "   WHERE k.place <= i.indnkeyatts"

#define UNIQUE_KEY                                                                                 \
    "(SELECT json_build_object('primary', i.indisprimary, 'columns',\n"                            \
    "   (SELECT json_agg(a.attname ORDER BY k.place) FROM " KEY_COLUMNS "))\n"                     \
    "  FROM pg_index i WHERE i.indrelid = rel.oid AND i.indisunique AND i.indisvalid\n"            \
    "   AND i.indpred IS NULL AND i.indexprs IS NULL AND (i.indisprimary OR i.indimmediate)\n"     \
    "   AND NOT EXISTS (SELECT FROM " KEY_COLUMNS " AND NOT a.attnotnull)\n"                       \
    "  ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indnkeyatts, i.indexrelid\n"         \
    "  LIMIT 1)"

/* "nspname = 'public'", or any schema on the search path, the first one first. */
static const char *schema_condition(const char *schema, Arena *arena)
{
    return schema ? arena_printf(arena, "n.nspname = %s", sql_literal(schema, arena))
                  : "n.nspname = ANY (current_schemas(true))";
}

const char *catalog_relation(const char *schema, const char *name, int version, Arena *arena)
{
    return arena_printf(
        arena,
        "WITH RECURSIVE rel AS MATERIALIZED (\n"
        " SELECT c.oid, n.oid AS nspoid, n.nspname, c.relname, c.relkind\n"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
        " WHERE c.relname = %s AND %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')\n"
        " ORDER BY array_position(current_schemas(true), n.nspname) LIMIT 1),\n"
        "att AS MATERIALIZED (\n"
        " SELECT a.* FROM pg_attribute a JOIN rel ON a.attrelid = rel.oid\n"
        " WHERE a.attnum > 0 AND NOT a.attisdropped),\n" SIZES CLOSURE
        "SELECT rel.oid, rel.nspname, rel.relname, rel.relkind, obj_description(rel.oid, 'pg_class'),\n"
        " has_schema_privilege(rel.nspoid, 'USAGE'), has_any_column_privilege(rel.oid, 'SELECT'),\n"
        " row_security_active(rel.oid), current_user, (SELECT rows FROM sizes), (SELECT bytes FROM sizes),\n"
        " " COLUMNS ",\n (SELECT json FROM types),\n " UNIQUE_KEY "\nFROM rel",
        sql_literal(name, arena), schema_condition(schema, arena), multirange_part(version),
        range_part(version));
}

const char *catalog_types(const char *values, int version, Arena *arena)
{
    return arena_printf(arena,
                        "WITH RECURSIVE att(atttypid, atttypmod) AS (\n"
                        " SELECT v.id::oid, v.mod FROM (VALUES %s) AS v(id, mod)),\n" CLOSURE
                        "SELECT json FROM types",
                        values, multirange_part(version), range_part(version));
}

const char *catalog_missing(const char *schema, const char *name, Arena *arena)
{
    const char *word = sql_literal(name, arena);
    const char *condition = schema_condition(schema, arena);
    const char *schema_word = schema ? sql_literal(schema, arena) : "current_schema()";
    return arena_printf(
        arena,
        "WITH seen AS (SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n\n"
        "  ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f'))\n"
        "SELECT (SELECT c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
        "  WHERE c.relname = %s AND %s LIMIT 1),\n"
        " EXISTS (SELECT FROM pg_namespace WHERE nspname = %s),\n"
        " (SELECT json_agg(relname) FROM (SELECT relname FROM seen n WHERE %s LIMIT 20000) s),\n"
        " (SELECT json_agg(nspname) FROM pg_namespace n WHERE " OUTSIDE_THE_SYSTEM "),\n"
        " (SELECT json_agg(nspname ORDER BY nspname) FROM seen n WHERE relname = %s\n"
        "  AND " OUTSIDE_THE_SYSTEM ")",
        word, condition, schema_word, condition, word);
}

/* The pattern's `*` as LIKE's %. */
static const char *like_pattern(const char *pattern, Arena *arena)
{
    SqlText like;
    sql_open(&like);
    for (; *pattern; pattern++) {
        if (*pattern == '%' || *pattern == '_' || *pattern == '\\')
            fputc('\\', like.out);
        fputc(*pattern == '*' ? '%' : *pattern, like.out);
    }
    return sql_literal(sql_take(&like, arena), arena);
}

const char *catalog_list(const char *pattern, bool with_views, Arena *arena)
{
    bool in_path = !strchr(pattern, '.') && strcmp(pattern, "*") != 0;
    return arena_printf(
        arena,
        "WITH matched AS MATERIALIZED (\n"
        " SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition\n"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
        " WHERE c.relkind IN (%s) AND c.relpersistence <> 't' AND " OUTSIDE_THE_SYSTEM "\n"
        "  AND %s LIKE %s%s\n"
        "  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass\n"
        "   AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'))\n"
        "SELECT rel.oid, rel.nspname, rel.relname, rel.relkind, obj_description(rel.oid, 'pg_class'),\n"
        " sizes.rows, sizes.bytes, " UNIQUE_KEY "\n"
        "FROM matched rel CROSS JOIN LATERAL (\n"
        " WITH RECURSIVE tree AS (SELECT rel.oid UNION SELECT i.inhrelid FROM pg_inherits i\n"
        "  JOIN tree ON i.inhparent = tree.oid)\n"
        " SELECT sum(c.reltuples) FILTER (WHERE c.reltuples > 0 OR c.relpages > 0)::int8 AS rows,\n"
        "  sum(c.relpages)::int8 * current_setting('block_size')::int8 AS bytes\n"
        " FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE c.relkind IN ('r', 'm')) AS sizes\n"
        "WHERE NOT (rel.relispartition AND EXISTS (SELECT FROM pg_partition_ancestors(rel.oid) up\n"
        "  JOIN matched ON matched.oid = up.relid WHERE up.relid <> rel.oid))\n"
        "ORDER BY rel.nspname, rel.relname",
        with_views ? "'r', 'p', 'v', 'm'" : "'r', 'p'",
        in_path ? "c.relname" : "n.nspname || '.' || c.relname", like_pattern(pattern, arena),
        in_path ? " AND n.nspname = ANY (current_schemas(false))" : "");
}

const char *catalog_members(uint64_t oid, int version, Arena *arena)
{
    return arena_printf(
        arena,
        "WITH RECURSIVE tree AS (SELECT %" PRIu64 "::oid AS oid UNION SELECT i.inhrelid\n"
        " FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid%s)\n"
        "SELECT n.nspname, c.relname, c.relkind, am.amname,\n"
        " has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')\n"
        "  AND NOT row_security_active(c.oid),\n"
        " EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.relation = c.oid\n"
        "  AND l.locktype = 'relation' AND l.granted),\n"
        " c.reltuples, c.relpages, coalesce(pg_relation_size(c.oid), 0)\n"
        "  / current_setting('block_size')::int8\n"
        "FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace\n"
        "LEFT JOIN pg_am am ON am.oid = c.relam WHERE c.relkind <> 'p'\n"
        "ORDER BY c.oid <> %" PRIu64 ", n.nspname, c.relname",
        oid, version >= 140000 ? " WHERE NOT i.inhdetachpending" : "", oid);
}

/* SQL reads the catalogs with the transaction's snapshot; pg_relation_filenode, pg_partition_tree,
 * pg_identify_object and regclass see them as they are now. */
const char catalog_lost[] =
    "WITH RECURSIVE locked AS (\n"
    " SELECT l.relation AS oid FROM pg_locks l WHERE l.pid = pg_backend_pid()\n"
    "  AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384 AND l.database =\n"
    "  (SELECT oid FROM pg_database WHERE datname = current_database())),\n"
    "tree AS (\n"
    " SELECT c.oid, c.oid AS root FROM locked JOIN pg_class c ON c.oid = locked.oid\n"
    "  WHERE c.relkind = 'p'\n"
    " UNION SELECT i.inhrelid, tree.root FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)\n"
    "SELECT c.oid::regclass::text, 'rewritten or truncated' FROM locked\n"
    " JOIN pg_class c ON c.oid = locked.oid WHERE c.relkind IN ('r', 'm') AND c.relfilenode <> 0\n"
    " AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid)\n"
    "UNION ALL\n"
    "SELECT c.relname, 'dropped or detached' FROM tree JOIN pg_class c ON c.oid = tree.oid\n"
    " WHERE tree.oid <> tree.root\n"
    " AND NOT EXISTS (SELECT FROM pg_partition_tree(tree.root) p WHERE p.relid = tree.oid)\n"
    "UNION ALL\n"
    "SELECT c.relname, 'dropped' FROM locked JOIN pg_inherits i ON i.inhparent = locked.oid\n"
    " JOIN pg_class c ON c.oid = i.inhrelid\n"
    " WHERE c.relkind = 'r' AND pg_relation_filenode(c.oid) IS NULL\n"
    "UNION ALL\n"
    "SELECT c.relname, 'dropped and created again' FROM locked\n"
    " JOIN pg_class c ON c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid <> locked.oid\n"
    " JOIN pg_namespace n ON n.oid = c.relnamespace AND format('%I.%I', n.nspname, c.relname) =\n"
    "  (pg_identify_object('pg_class'::regclass, locked.oid, 0)).identity\n"
    " WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = locked.oid)";

const char *catalog_permissions(uint64_t oid, const char *names, Arena *arena)
{
    return arena_printf(arena,
                        "SELECT has_table_privilege(%" PRIu64 ", 'SELECT'),\n"
                        " (SELECT json_agg(attname ORDER BY attnum) FROM pg_attribute\n"
                        "  WHERE attrelid = %" PRIu64 " AND attnum > 0 AND NOT attisdropped\n"
                        "  AND attname IN (%s)\n"
                        "  AND NOT has_column_privilege(attrelid, attnum, 'SELECT'))",
                        oid, oid, names);
}

RelationKind catalog_kind(const char *relkind)
{
    switch (relkind[0]) {
    case 'p':
        return RELATION_PARTITIONED;
    case 'v':
        return RELATION_VIEW;
    case 'm':
        return RELATION_MATERIALIZED_VIEW;
    case 'f':
        return RELATION_FOREIGN;
    default:
        return RELATION_TABLE;
    }
}

const char *catalog_kind_word(const char *relkind)
{
    switch (relkind[0]) {
    case 'S':
        return "a sequence";
    case 'i':
    case 'I':
        return "an index";
    case 'c':
        return "a composite type";
    case 't':
        return "a TOAST table";
    default:
        return relation_kind_name(catalog_kind(relkind));
    }
}
