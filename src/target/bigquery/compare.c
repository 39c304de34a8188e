/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/compare.h"

#include "model/type_text.h"
#include "schema/layout_json.h"
#include "schema/mapping.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEY_COLUMNS_MAX = 16, CLUSTER_COLUMNS_MAX = 4 };

/* A column of the table, as far as it matters here. */
typedef struct Existing {
    const Json *json;
    bool known; /* a type that we know */
    TypeKind kind;
    FieldMode mode;
    int precision, scale;
    int max_length; /* of STRING and BYTES; 0: none */
} Existing;

static int number_of(const Json *field, const char *key)
{
    const char *text = json_get_text(field, key);
    return text ? (int)strtol(text, NULL, 10) : (int)json_get_int(field, key, 0);
}

static Existing existing_of(const Json *field)
{
    const char *mode = json_get_text(field, "mode");
    const char *type = json_get_text(field, "type");
    Existing existing = {
        .json = field,
        .precision = number_of(field, "precision"),
        .scale = number_of(field, "scale"),
        .max_length = number_of(field, "maxLength"),
    };
    existing.known = type && type_kind_parse(type, &existing.kind);
    if (mode && strcasecmp(mode, "REQUIRED") == 0)
        existing.mode = MODE_REQUIRED;
    else if (mode && strcasecmp(mode, "REPEATED") == 0)
        existing.mode = MODE_REPEATED;
    return existing;
}

static const Json *find_json(const Json *fields, const char *name)
{
    for (size_t i = 0; i < json_count(fields); i++) {
        const char *other = json_get_text(json_at(fields, i), "name");
        if (other && strcasecmp(other, name) == 0)
            return json_at(fields, i);
    }
    return NULL;
}

static const Field *find_field(const Field *fields, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++) {
        if (strcasecmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

static const Json *fields_of(const Json *table)
{
    return json_get(json_get(table, "schema"), "fields");
}

static const char *column_text(const char *type, FieldMode mode, Arena *arena)
{
    if (mode == MODE_REPEATED)
        return arena_printf(arena, "ARRAY<%s>", type);
    return mode == MODE_REQUIRED ? arena_printf(arena, "%s NOT NULL", type) : type;
}

static const char *existing_text(const Existing *existing, Arena *arena)
{
    const char *type = json_get_text(existing->json, "type");
    if (existing->known)
        type = type_kind_name(existing->kind);
    if (existing->precision)
        type = arena_printf(arena, "%s(%d, %d)", type, existing->precision, existing->scale);
    else if (existing->max_length)
        type = arena_printf(arena, "%s(%d)", type, existing->max_length);
    return column_text(type ? type : "nothing", existing->mode, arena);
}

static const char *field_text(const Field *field, Arena *arena)
{
    Field scalar = *field;
    scalar.mode = MODE_NULLABLE;
    return column_text(type_text_of(&scalar, arena), field->mode, arena);
}

/* Words about differences, one after the other. */
typedef struct Differences {
    Arena *arena;
    char *text;
    size_t size;
    bool any;
    const CompareRules *rules; /* only what is in the way of adding rows; NULL: all */
    const char *fix;           /* of the job's `columns`, where that would help */
} Differences;

static void add_difference(Differences *differences, const char *path, const char *words)
{
    size_t used = strlen(differences->text);
    snprintf(differences->text + used, differences->size - used, "%s%s %s",
             differences->any ? "; " : "", path, words);
    differences->any = true;
}

/* Numbers of the existing column must hold those that come. */
static bool digits_fit(const Existing *existing, const Field *field)
{
    if (existing->precision == 0)
        return true;
    int scale = field_decimal_scale(field);
    return scale <= existing->scale &&
           field_decimal_precision(field) - scale <= existing->precision - existing->scale;
}

static bool modes_fit(const Existing *existing, const Field *field, const CompareRules *rules)
{
    return existing->mode != MODE_REQUIRED || field->mode == MODE_REQUIRED ||
           rules->evolve != EVOLVE_FAIL;
}

static bool types_fit(const Existing *existing, const Field *field, const CompareRules *rules)
{
    if (!existing->known || existing->kind != field->kind)
        return false;
    if ((existing->mode == MODE_REPEATED) != (field->mode == MODE_REPEATED))
        return false;
    if (rules)
        return digits_fit(existing, field) && modes_fit(existing, field, rules);
    return existing->mode == field->mode && existing->precision == field->precision &&
           (existing->precision == 0 || existing->scale == field->scale) &&
           existing->max_length == 0;
}

/* What to say of a column so that it is delivered as the table has it. */
static void add_fix(Differences *differences, const Existing *existing, const Field *field)
{
    Arena *arena = differences->arena;
    Existing scalar = *existing;
    scalar.mode = existing->mode == MODE_REPEATED ? MODE_REPEATED : MODE_NULLABLE;
    scalar.max_length = 0;
    if (!existing->known || existing->kind == TYPE_STRUCT)
        return;
    bool fits = existing->kind == field->kind && digits_fit(existing, field) &&
                (existing->mode == MODE_REPEATED) == (field->mode == MODE_REPEATED);
    const char *wish = fits ? "mode: required"
                            : arena_printf(arena, "type: \"%s\"", existing_text(&scalar, arena));
    differences->fix = arena_printf(arena, "%s%s%s: {%s}", differences->fix ? differences->fix : "",
                                    differences->fix ? ", " : "", field->name, wish);
}

static void compare_fields(const Json *existing, const Field *fields, size_t count,
                           const char *prefix, Differences *differences);

static void compare_field(const Json *json, const Field *field, const char *path,
                          Differences *differences)
{
    Arena *arena = differences->arena;
    Existing existing = existing_of(json);
    if (!types_fit(&existing, field, differences->rules)) {
        add_difference(differences, path,
                       arena_printf(arena, "is %s there and %s here",
                                    existing_text(&existing, arena), field_text(field, arena)));
        if (strcmp(path, field->name) == 0)
            add_fix(differences, &existing, field);
    } else if (field->kind == TYPE_STRUCT)
        compare_fields(json_get(json, "fields"), field->fields, field->field_count,
                       arena_printf(arena, "%s.", path), differences);
}

bool compare_may_add(const CompareRules *rules, const char *name)
{
    for (size_t i = 0; i < sizeof rules->own / sizeof *rules->own; i++) {
        if (rules->own[i] && strcasecmp(rules->own[i], name) == 0)
            return true;
    }
    return rules->evolve == EVOLVE_COLUMNS;
}

/* A column that is only there, and cannot stay empty. */
static bool is_needed(const Existing *other, const CompareRules *rules)
{
    return !rules ||
           (other->mode == MODE_REQUIRED && rules->evolve == EVOLVE_FAIL && !rules->partial);
}

static void compare_fields(const Json *existing, const Field *fields, size_t count,
                           const char *prefix, Differences *differences)
{
    Arena *arena = differences->arena;
    const CompareRules *rules = differences->rules;
    for (size_t i = 0; i < count; i++) {
        const char *path = arena_printf(arena, "%s%s", prefix, fields[i].name);
        const Json *json = find_json(existing, fields[i].name);
        if (json)
            compare_field(json, &fields[i], path, differences);
        else if (!rules || !compare_may_add(rules, fields[i].name))
            add_difference(differences, path,
                           arena_printf(arena, "(%s) is not there", field_text(&fields[i], arena)));
    }
    for (size_t i = 0; i < json_count(existing); i++) {
        Existing other = existing_of(json_at(existing, i));
        const char *name = json_get_text(other.json, "name");
        if (find_field(fields, count, name) || !is_needed(&other, rules))
            continue;
        add_difference(differences, arena_printf(arena, "%s%s", prefix, name ? name : "?"),
                       arena_printf(arena, "(%s) is only there", existing_text(&other, arena)));
    }
}

void compare_describe(const Json *table, const Schema *schema, char *text, size_t size)
{
    CLEANUP(arena_done) Arena arena = {0};
    Differences differences = {.arena = &arena, .text = text, .size = size};
    *text = '\0';
    compare_fields(fields_of(table), schema->fields, schema->field_count, "", &differences);
}

bool compare_same(const Json *table, const Schema *schema)
{
    char text[ERROR_MESSAGE_MAX];
    compare_describe(table, schema, text, sizeof text);
    return *text == '\0';
}

bool compare_append(const Json *table, const Schema *schema, const CompareRules *rules,
                    Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    char text[ERROR_MESSAGE_MAX] = "";
    Differences differences = {.arena = &arena, .text = text, .size = sizeof text, .rules = rules};
    compare_fields(fields_of(table), schema->fields, schema->field_count, "", &differences);
    if (!differences.any)
        return true;
    error_set(error, ERROR_CONFIG, "the rows do not fit into the existing table: %s", text);
    if (differences.fix)
        return error_hint(error,
                          "ask for the table's types in the job: columns: {%s}; or change the "
                          "table (schema: {evolve: add_columns} lets runs add columns and drop NOT "
                          "NULL), or load it anew with --full-refresh",
                          differences.fix);
    return error_hint(error,
                      "change the table (schema: {evolve: add_columns} lets runs add columns "
                      "and drop NOT NULL), choose columns with source.columns, types and "
                      "modes with columns.<name>, or load it anew with --full-refresh");
}

static const char *partitioning_text(const Partitioning *by, Arena *arena)
{
    if (by->kind == PARTITION_NONE)
        return "not at all";
    if (by->kind == PARTITION_RANGE)
        return arena_printf(arena,
                            "by ranges of %s from %" PRId64 " to %" PRId64 " in steps of %" PRId64,
                            by->column, by->start, by->end, by->interval);
    return arena_printf(arena, "by %s of %s", partition_unit_name(by->kind),
                        by->column ? by->column : "loading");
}

static bool same_column(const char *left, const char *right)
{
    return left && right ? strcasecmp(left, right) == 0 : left == right;
}

static bool same_partitioning(const Partitioning *left, const Partitioning *right)
{
    if (left->kind != right->kind || !same_column(left->column, right->column))
        return false;
    return left->kind != PARTITION_RANGE ||
           (left->start == right->start && left->end == right->end &&
            left->interval == right->interval);
}

static const char *names_text(const char *const *names, size_t count, Arena *arena)
{
    const char *text = count ? names[0] : "nothing";
    for (size_t i = 1; i < count; i++)
        text = arena_printf(arena, "%s, %s", text, names[i]);
    return text;
}

bool compare_same_clustering(const TableLayout *left, const TableLayout *right)
{
    if (left->cluster_count != right->cluster_count)
        return false;
    for (size_t i = 0; i < left->cluster_count; i++) {
        if (!same_column(left->cluster_by[i], right->cluster_by[i]))
            return false;
    }
    return true;
}

bool compare_layout(const Json *table, const TableLayout *wanted, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    TableLayout existing;
    if (!layout_json_get(table, &arena, &existing, error))
        return false;
    if (wanted->partitioning.kind != PARTITION_NONE && !wanted->partitions_by_default &&
        !same_partitioning(&existing.partitioning, &wanted->partitioning)) {
        error_set(error, ERROR_CONFIG,
                  "the existing table is partitioned %s, and partition_by wants it %s: BigQuery "
                  "cannot change that",
                  partitioning_text(&existing.partitioning, &arena),
                  partitioning_text(&wanted->partitioning, &arena));
        return error_hint(error, "leave partition_by out to keep the table as it is, load into a "
                                 "new table (target.table), or drop the existing one first");
    }
    if (wanted->cluster_count > 0 && !wanted->clusters_by_default &&
        !compare_same_clustering(&existing, wanted)) {
        error_set(error, ERROR_CONFIG,
                  "the existing table is clustered by %s, and cluster_by wants %s",
                  names_text(existing.cluster_by, existing.cluster_count, &arena),
                  names_text(wanted->cluster_by, wanted->cluster_count, &arena));
        return error_hint(error,
                          "leave cluster_by out to keep the table as it is, or change it "
                          "first: bq update --clustering_fields=%s DATASET.TABLE",
                          names_text(wanted->cluster_by, wanted->cluster_count, &arena));
    }
    return true;
}

/* The types that a use of a column allows, as bits. */
typedef struct ColumnUse {
    const char *key; /* of the configuration */
    const char *types;
    unsigned allowed;
} ColumnUse;

#define BIT(kind) (1u << (kind))

static bool check_column(const ColumnUse *use, const char *name, const Schema *schema, Error *error)
{
    const Field *field = find_field(schema->fields, schema->field_count, name);
    if (!field) {
        error_set(error, ERROR_CONFIG, "%s: the target has no column %s", use->key, name);
        return error_hint(error, "name a column of the target, after columns.<name>.name");
    }
    if (field->mode == MODE_REPEATED)
        return error_set(error, ERROR_CONFIG, "%s: %s is an array; it wants a single value",
                         use->key, name);
    if (!(use->allowed & BIT(field->kind)))
        return error_set(error, ERROR_CONFIG, "%s: %s is %s; it wants one of %s", use->key, name,
                         type_kind_name(field->kind), use->types);
    return true;
}

static bool check_range(const Partitioning *by, Error *error)
{
    enum { PARTITIONS_MAX = 10000 };
    if (by->interval <= 0 || by->end <= by->start)
        return error_set(error, ERROR_CONFIG,
                         "partition_by: end must be above start, and interval above 0");
    uint64_t span = (uint64_t)by->end - (uint64_t)by->start;
    uint64_t count = (span - 1) / (uint64_t)by->interval + 1;
    if (count <= PARTITIONS_MAX)
        return true;
    error_set(error, ERROR_CONFIG,
              "partition_by: %" PRIu64 " ranges, and BigQuery lets a table have %d partitions",
              count, PARTITIONS_MAX);
    return error_hint(error, "choose an interval of at least %" PRIu64,
                      (span - 1) / PARTITIONS_MAX + 1);
}

static bool check_partitioning(const Partitioning *by, const Schema *schema, Error *error)
{
    static const ColumnUse by_range = {"partition_by.column", "INT64", BIT(TYPE_INT64)};
    static const ColumnUse by_hour = {"partition_by.column (by hour)", "TIMESTAMP, DATETIME",
                                      BIT(TYPE_TIMESTAMP) | BIT(TYPE_DATETIME)};
    static const ColumnUse by_time = {"partition_by.column", "DATE, TIMESTAMP, DATETIME",
                                      BIT(TYPE_DATE) | BIT(TYPE_TIMESTAMP) | BIT(TYPE_DATETIME)};
    if (by->kind == PARTITION_NONE || (by->kind != PARTITION_RANGE && !by->column))
        return true;
    if (by->kind == PARTITION_RANGE)
        return check_column(&by_range, by->column, schema, error) && check_range(by, error);
    return check_column(by->kind == PARTITION_HOUR ? &by_hour : &by_time, by->column, schema,
                        error);
}

bool layout_check(const TableLayout *layout, const Schema *schema, Error *error)
{
    static const ColumnUse clustering = {
        "cluster_by",
        "BIGNUMERIC, BOOL, DATE, DATETIME, GEOGRAPHY, INT64, NUMERIC, STRING, TIMESTAMP",
        BIT(TYPE_BIGNUMERIC) | BIT(TYPE_BOOL) | BIT(TYPE_DATE) | BIT(TYPE_DATETIME) |
            BIT(TYPE_GEOGRAPHY) | BIT(TYPE_INT64) | BIT(TYPE_NUMERIC) | BIT(TYPE_STRING) |
            BIT(TYPE_TIMESTAMP)};
    if (!check_partitioning(&layout->partitioning, schema, error))
        return false;
    if (layout->cluster_count > CLUSTER_COLUMNS_MAX)
        return error_set(error, ERROR_CONFIG,
                         "cluster_by: %zu columns, and BigQuery clusters by %d at most",
                         layout->cluster_count, CLUSTER_COLUMNS_MAX);
    for (size_t i = 0; i < layout->cluster_count; i++) {
        if (!check_column(&clustering, layout->cluster_by[i], schema, error))
            return false;
    }
    return true;
}

bool layout_key_fits(const TableLayout *layout, const Schema *schema)
{
    const unsigned allowed = BIT(TYPE_BIGNUMERIC) | BIT(TYPE_BOOL) | BIT(TYPE_BYTES) |
                             BIT(TYPE_DATE) | BIT(TYPE_DATETIME) | BIT(TYPE_INT64) |
                             BIT(TYPE_NUMERIC) | BIT(TYPE_STRING) | BIT(TYPE_TIMESTAMP);
    if (layout->key_count > KEY_COLUMNS_MAX)
        return false;
    for (size_t i = 0; i < layout->key_count; i++) {
        const Field *field = find_field(schema->fields, schema->field_count, layout->key[i]);
        if (!field || field->mode == MODE_REPEATED || !(allowed & BIT(field->kind)))
            return false;
    }
    return true;
}
