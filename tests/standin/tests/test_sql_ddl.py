# SPDX-License-Identifier: Apache-2.0
"""CREATE, ALTER and DROP.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language"""

import datetime

import pytest
from google.api_core.exceptions import NotFound
from sqlrun import dry_run, job, refused, sql  # noqa: F401


@pytest.fixture
def table(client, dataset):
    return lambda name: client.get_table(dataset.table(name))


def shape(fields):
    return [(field.name, field.field_type, field.mode) for field in fields]


def test_create_table(job, table):  # noqa: F811
    """#create_table_statement: types with parameters, NOT NULL, DEFAULT, descriptions, keys, partitions, clusters, options."""
    done = job("""CREATE TABLE d.t (
        id INT64 NOT NULL OPTIONS (description = 'the key'), s STRING(10) DEFAULT 'x', n NUMERIC(10, 2), b BIGNUMERIC(40, 3),
        a ARRAY<STRUCT<k STRING NOT NULL, v JSON>>, r RANGE<DATE>, ts TIMESTAMP, PRIMARY KEY (id) NOT ENFORCED)
        PARTITION BY DATE(ts) CLUSTER BY id, s
        OPTIONS (description = 'things', labels = [('team', 'x'), ('b', 'c')], require_partition_filter = TRUE,
                 partition_expiration_days = 3.5, friendly_name = 'T',
                 expiration_timestamp = TIMESTAMP '2099-01-01 00:00:00 UTC')""")
    assert done.statement_type == "CREATE_TABLE" and done.ddl_operation_performed == "CREATE"
    assert done.ddl_target_table.table_id == "t"
    found = table("t")
    assert shape(found.schema) == [("id", "INTEGER", "REQUIRED"), ("s", "STRING", "NULLABLE"), ("n", "NUMERIC", "NULLABLE"),
                                   ("b", "BIGNUMERIC", "NULLABLE"), ("a", "RECORD", "REPEATED"), ("r", "RANGE", "NULLABLE"),
                                   ("ts", "TIMESTAMP", "NULLABLE")]
    assert shape(found.schema[4].fields) == [("k", "STRING", "REQUIRED"), ("v", "JSON", "NULLABLE")]
    assert found.schema[0].description == "the key" and found.schema[1].max_length == 10
    assert found.schema[1].default_value_expression == "'x'"
    assert (found.schema[2].precision, found.schema[2].scale) == (10, 2)
    assert found.time_partitioning.type_ == "DAY" and found.time_partitioning.field == "ts"
    assert found.time_partitioning.expiration_ms == int(3.5 * 24 * 3600 * 1000) and found.require_partition_filter
    assert found.clustering_fields == ["id", "s"] and found.description == "things" and found.friendly_name == "T"
    assert found.labels == {"team": "x", "b": "c"} and found.expires.year == 2099
    assert found.table_constraints.primary_key.columns == ["id"]


@pytest.mark.parametrize("by, wanted", [
    ("dt", ("DAY", "dt")), ("DATE_TRUNC(dt, MONTH)", ("MONTH", "dt")), ("TIMESTAMP_TRUNC(ts, HOUR)", ("HOUR", "ts")),
    ("DATETIME_TRUNC(civil, YEAR)", ("YEAR", "civil")), ("DATE(civil)", ("DAY", "civil")), ("_PARTITIONDATE", ("DAY", None)),
    ("TIMESTAMP_TRUNC(_PARTITIONTIME, MONTH)", ("MONTH", None))])
def test_partition_expressions(sql, table, by, wanted):  # noqa: F811
    """#partition_expression"""
    sql(f"CREATE TABLE d.p (dt DATE, ts TIMESTAMP, civil DATETIME, i INT64) PARTITION BY {by}")
    found = table("p").time_partitioning
    assert (found.type_, found.field) == wanted


def test_partition_by_range(sql, table, refused):  # noqa: F811
    """#partition_expression: RANGE_BUCKET; other expressions are refused."""
    sql("CREATE TABLE d.p (i INT64) PARTITION BY RANGE_BUCKET(i, GENERATE_ARRAY(0, 100, 10))")
    found = table("p").range_partitioning
    assert (found.field, found.range_.start, found.range_.end, found.range_.interval) == ("i", 0, 100, 10)
    refused("CREATE TABLE d.q (i INT64) PARTITION BY i", "invalid", "PARTITION BY expression must be")


def test_or_replace_and_if_not_exists(sql, job, table, refused):  # noqa: F811
    """#create_table_statement: OR REPLACE, IF NOT EXISTS, and neither; the kind of partitioning stays."""
    sql("CREATE TABLE d.t (x INT64)")
    sql("INSERT d.t VALUES (1)")
    refused("CREATE TABLE d.t (x INT64)", "duplicate", "Already Exists: Table test-project:d.t")
    assert job("CREATE TABLE IF NOT EXISTS d.t (y INT64)").ddl_operation_performed == "SKIP"
    assert shape(table("t").schema) == [("x", "INTEGER", "NULLABLE")]
    assert job("CREATE OR REPLACE TABLE d.t (y STRING)").ddl_operation_performed == "REPLACE"
    assert sql("SELECT * FROM d.t") == [] and shape(table("t").schema) == [("y", "STRING", "NULLABLE")]
    refused("CREATE OR REPLACE TABLE d.t (d DATE) PARTITION BY d", "invalid",
            "Cannot replace a table with a different partitioning spec. Instead, DROP the table, and then recreate it.")


def test_create_as_select(sql, job, table, refused):  # noqa: F811
    """#query_statement: names and types of the query, or of the column list; a failing query leaves nothing."""
    done = job("CREATE TABLE d.t PARTITION BY day OPTIONS (description = 'x') AS "
               "SELECT DATE '2024-01-01' AS day, 1 AS id, [STRUCT('a' AS k)] AS a UNION ALL SELECT NULL, 2, []")
    assert done.statement_type == "CREATE_TABLE_AS_SELECT"
    found = table("t")
    assert shape(found.schema) == [("day", "DATE", "NULLABLE"), ("id", "INTEGER", "NULLABLE"), ("a", "RECORD", "REPEATED")]
    assert found.num_rows == 2 and found.time_partitioning.field == "day"
    sql("CREATE TABLE d.u (a NUMERIC NOT NULL, b STRING) AS SELECT 1, 'x'")
    assert shape(table("u").schema) == [("a", "NUMERIC", "REQUIRED"), ("b", "STRING", "NULLABLE")]
    refused("CREATE TABLE d.w AS SELECT 1 / (x - 1) AS y FROM UNNEST([1]) x", "invalidQuery", "division by zero")
    with pytest.raises(NotFound):
        table("w")
    refused("CREATE TABLE d.w PARTITION BY _PARTITIONDATE AS SELECT 1 AS x", "invalid", "ingestion time")


def test_like_copy_clone_snapshot(sql, table):  # noqa: F811
    """#create_table_like, #create_table_copy, #create_table_clone_statement, #create_snapshot_table_statement"""
    sql("CREATE TABLE d.t (id INT64 NOT NULL, day DATE) PARTITION BY day CLUSTER BY id")
    sql("INSERT d.t VALUES (1, '2024-01-01')")
    sql("CREATE TABLE d.l LIKE d.t")
    sql("CREATE TABLE d.c COPY d.t")
    sql("CREATE TABLE d.k CLONE d.t")
    sql("CREATE SNAPSHOT TABLE d.s CLONE d.t")
    for name, rows in (("l", 0), ("c", 1), ("k", 1), ("s", 1)):
        found = table(name)
        assert shape(found.schema) == [("id", "INTEGER", "REQUIRED"), ("day", "DATE", "NULLABLE")]
        assert found.time_partitioning.field == "day" and found.clustering_fields == ["id"] and found.num_rows == rows
    assert table("s").table_type == "SNAPSHOT" and table("s").snapshot_definition.base_table_reference.table_id == "t"
    assert table("k").clone_definition.base_table_reference.table_id == "t"


def test_time_travel(sql, refused):  # noqa: F811
    """docs/access-historical-data: FOR SYSTEM_TIME AS OF; not the future; CLONE at a time."""
    sql("CREATE TABLE d.t AS SELECT 1 AS x")
    [(then,)] = sql("SELECT CURRENT_TIMESTAMP()")
    moment = f"TIMESTAMP '{then.isoformat()}'"
    sql("UPDATE d.t SET x = 2 WHERE true")
    sql("INSERT d.t VALUES (3)")
    assert sql("SELECT x FROM d.t ORDER BY x") == [(2,), (3,)]
    assert sql(f"SELECT x FROM d.t FOR SYSTEM_TIME AS OF {moment}") == [(1,)]
    sql(f"CREATE TABLE d.c CLONE d.t FOR SYSTEM_TIME AS OF {moment}")
    assert sql("SELECT x FROM d.c") == [(1,)]
    refused("SELECT x FROM d.t FOR SYSTEM_TIME AS OF TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)", "invalid", "future")


def test_add_columns(sql, table, refused):  # noqa: F811
    """#alter_table_add_column_statement: several at once; never NOT NULL, never with a default; old rows get NULL or []."""
    sql("CREATE TABLE d.t AS SELECT 1 AS x")
    sql("ALTER TABLE d.t ADD COLUMN y STRING OPTIONS (description = 'y!'), ADD COLUMN IF NOT EXISTS x INT64, "
        "ADD COLUMN a ARRAY<STRUCT<k INT64>>")
    assert [field.name for field in table("t").schema] == ["x", "y", "a"] and table("t").schema[1].description == "y!"
    assert sql("SELECT * FROM d.t") == [(1, None, [])]
    refused("ALTER TABLE d.t ADD COLUMN z INT64 NOT NULL", "invalid", "Cannot add required fields to an existing schema")
    refused("ALTER TABLE d.t ADD COLUMN z INT64 DEFAULT 1", "invalid", "default")
    refused("ALTER TABLE d.t ADD COLUMN X INT64", "invalidQuery", "already exists")


def test_rename_columns(sql, refused):  # noqa: F811
    """#alter_table_rename_column_statement: several at once, swapped too; not partition, cluster and key columns."""
    sql("CREATE TABLE d.t (a INT64, b STRING, day DATE, c INT64, k INT64, PRIMARY KEY (k) NOT ENFORCED) "
        "PARTITION BY day CLUSTER BY c")
    sql("INSERT d.t (a, b) VALUES (1, 'x')")
    sql("ALTER TABLE d.t RENAME COLUMN a TO b, RENAME COLUMN b TO a")
    assert sql("SELECT a, b FROM d.t") == [("x", 1)]
    for column in ("day", "c", "k"):
        refused(f"ALTER TABLE d.t RENAME COLUMN {column} TO z", "invalid", f"Cannot rename column {column}")
        refused(f"ALTER TABLE d.t DROP COLUMN {column}", "invalid", f"Cannot drop column {column}")
    refused("ALTER TABLE d.t RENAME COLUMN nope TO z", "invalid", "nope")


def test_drop_column(sql, table):  # noqa: F811
    """#alter_table_drop_column_statement"""
    sql("CREATE TABLE d.t AS SELECT 1 AS x, 2 AS y, 3 AS z")
    sql("ALTER TABLE d.t DROP COLUMN y, DROP COLUMN IF EXISTS nope")
    assert sql("SELECT * FROM d.t") == [(1, 3)]


@pytest.mark.parametrize("old, new", [
    ("INT64", "NUMERIC"), ("INT64", "BIGNUMERIC"), ("INT64", "FLOAT64"), ("NUMERIC", "BIGNUMERIC"), ("NUMERIC", "FLOAT64"),
    ("STRING(5)", "STRING(7)"), ("STRING(5)", "STRING"), ("NUMERIC(10, 6)", "NUMERIC(12, 8)"),
    ("NUMERIC", "BIGNUMERIC(40, 20)"), ("STRUCT<a INT64, b STRING>", "STRUCT<a NUMERIC, b STRING>")])
def test_set_data_type(sql, table, old, new):  # noqa: F811
    """#alter_column_set_data_type_statement: the widenings that it allows; values stay."""
    sql(f"CREATE TABLE d.t (x {old})")
    value = "STRUCT(1, 'b')" if old.startswith("STRUCT") else "'1'" if old.startswith("STRING") else "1"
    sql(f"INSERT d.t VALUES ({value})")
    sql(f"ALTER TABLE d.t ALTER COLUMN x SET DATA TYPE {new}")
    [(kind,)] = sql("SELECT data_type FROM d.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 't'")
    assert kind == new
    shown = "x.a" if old.startswith("STRUCT") else "x"
    assert sql(f"SELECT CAST({shown} AS STRING) FROM d.t") == [("1",)]


@pytest.mark.parametrize("old, new", [
    ("INT64", "STRING"), ("DATE", "TIMESTAMP"), ("FLOAT64", "NUMERIC"), ("STRING(5)", "STRING(3)"), ("STRING", "STRING(3)"),
    ("NUMERIC(10, 6)", "NUMERIC(10, 8)"), ("BIGNUMERIC", "NUMERIC"), ("INT64", "BOOL")])
def test_set_data_type_refused(sql, refused, old, new):  # noqa: F811
    """#alter_column_set_data_type_statement: everything else needs a new table."""
    sql(f"CREATE TABLE d.t (x {old})")
    refused(f"ALTER TABLE d.t ALTER COLUMN x SET DATA TYPE {new}", "invalidQuery",
            "requires that the existing column type")


def test_alter_column(sql, table, refused):  # noqa: F811
    """#alter_column_drop_not_null_statement, #alter_column_set_default_statement, #alter_column_set_options_statement"""
    sql("CREATE TABLE d.t (x INT64 NOT NULL, y STRING)")
    sql("ALTER TABLE d.t ALTER COLUMN x DROP NOT NULL")
    assert table("t").schema[0].mode == "NULLABLE"
    refused("ALTER TABLE d.t ALTER COLUMN x DROP NOT NULL", "invalid", "x")
    sql("ALTER TABLE d.t ALTER COLUMN y SET DEFAULT 'q', ALTER COLUMN y SET OPTIONS (description = 'why')")
    sql("INSERT d.t (x) VALUES (1)")
    sql("ALTER TABLE d.t ALTER COLUMN y DROP DEFAULT")
    sql("INSERT d.t (x) VALUES (2)")
    assert sql("SELECT * FROM d.t ORDER BY x") == [(1, "q"), (2, None)] and table("t").schema[1].description == "why"


def test_options(sql, table, refused):  # noqa: F811
    """#alter_table_set_options_statement: NULL takes an option away; unknown ones are refused."""
    sql("CREATE TABLE d.t (x INT64) OPTIONS (description = 'a', labels = [('a', 'b')])")
    sql("ALTER TABLE d.t SET OPTIONS (description = NULL, labels = [('c', 'd')], friendly_name = 'f')")
    found = table("t")
    assert (found.description, found.labels, found.friendly_name) == (None, {"c": "d"}, "f")
    refused("ALTER TABLE d.t SET OPTIONS (nonsense = 1)", "invalid", "nonsense")
    refused("ALTER TABLE d.nope SET OPTIONS (description = 'x')", "notFound", "d.nope")
    sql("ALTER TABLE IF EXISTS d.nope SET OPTIONS (description = 'x')")


def test_keys(sql, table, refused):  # noqa: F811
    """docs/primary-foreign-keys: unenforced keys come and go; enforced ones are refused."""
    sql("CREATE TABLE d.t (a INT64, b STRING)")
    sql("ALTER TABLE d.t ADD PRIMARY KEY (a, b) NOT ENFORCED")
    sql("CREATE TABLE d.f (x INT64, y STRING, CONSTRAINT fk FOREIGN KEY (x, y) REFERENCES d.t (a, b) NOT ENFORCED)")
    assert table("t").table_constraints.primary_key.columns == ["a", "b"]
    [key] = table("f").table_constraints.foreign_keys
    assert key.name == "fk" and key.referenced_table.table_id == "t"
    sql("INSERT d.t VALUES (1, 'x'), (1, 'x')")
    sql("ALTER TABLE d.f DROP CONSTRAINT fk")
    sql("ALTER TABLE d.t DROP PRIMARY KEY")
    assert table("t").table_constraints is None
    refused("CREATE TABLE d.e (a INT64, PRIMARY KEY (a))", "invalid", "NOT ENFORCED")


def test_rename_table(sql, table, refused):  # noqa: F811
    """#alter_table_rename_to_statement: in its dataset; not with a primary key; not onto another."""
    sql("CREATE TABLE d.t AS SELECT 1 AS x")
    sql("CREATE TABLE d.other (k INT64, PRIMARY KEY (k) NOT ENFORCED)")
    refused("ALTER TABLE d.t RENAME TO other", "duplicate", "Already Exists")
    refused("ALTER TABLE d.other RENAME TO z", "invalid", "primary key")
    sql("ALTER TABLE d.t RENAME TO u")
    assert sql("SELECT x FROM d.u") == [(1,)]
    with pytest.raises(NotFound):
        table("t")


def test_drop(sql, job, refused):  # noqa: F811
    """#drop_table_statement, #drop_view_statement: IF EXISTS; a view is not dropped as a table."""
    sql("CREATE TABLE d.t (x INT64)")
    sql("CREATE VIEW d.v AS SELECT x FROM d.t")
    refused("DROP TABLE d.v", "invalid", "is not allowed for this operation because it is currently a VIEW")
    assert job("DROP VIEW d.v").ddl_operation_performed == "DROP"
    assert job("DROP TABLE d.t").statement_type == "DROP_TABLE"
    refused("DROP TABLE d.t", "notFound", "Not found: Table test-project:d.t")
    assert job("DROP TABLE IF EXISTS d.t").ddl_operation_performed == "SKIP"


def test_views(sql, table, refused):  # noqa: F811
    """#create_view_statement, docs/views: a view is read with its tables' rows; its query is checked."""
    sql("CREATE TABLE d.t AS SELECT 1 AS x, 'a' AS y UNION ALL SELECT 2, 'b'")
    sql("CREATE VIEW d.v OPTIONS (description = 'view') AS SELECT x * 10 AS big, y FROM d.t WHERE x > 1")
    assert sql("SELECT y, big FROM d.v") == [("b", 20)]
    assert table("v").table_type == "VIEW" and shape(table("v").schema)[0] == ("big", "INTEGER", "NULLABLE")
    sql("CREATE OR REPLACE VIEW d.v AS SELECT COUNT(*) AS n FROM `test-project.d.t`")
    assert sql("SELECT n FROM d.v") == [(2,)]
    refused("CREATE VIEW d.w AS SELECT nope FROM d.t", "invalidQuery", "Unrecognized name: nope")


def test_schemas(sql, client, refused):  # noqa: F811
    """#create_schema_statement, #alter_schema_set_options_statement, #drop_schema_statement"""
    sql("CREATE SCHEMA made OPTIONS (description = 'x', default_table_expiration_days = 2, labels = [('a', 'b')])")
    found = client.get_dataset("made")
    assert (found.description, found.labels, found.location) == ("x", {"a": "b"}, "US")
    assert found.default_table_expiration_ms == 2 * 24 * 3600 * 1000
    refused("CREATE SCHEMA made", "duplicate", "Already Exists: Dataset test-project:made")
    sql("CREATE SCHEMA IF NOT EXISTS made")
    sql("ALTER SCHEMA made SET OPTIONS (description = 'y')")
    assert client.get_dataset("made").description == "y"
    sql("CREATE TABLE made.t (x INT64)")
    refused("DROP SCHEMA made", "resourceInUse", "still in use")
    sql("DROP SCHEMA made CASCADE")
    with pytest.raises(NotFound):
        client.get_dataset("made")
    sql("DROP SCHEMA IF EXISTS made")


def test_default_values(sql, refused):  # noqa: F811
    """docs/default-values: functions of the moment are allowed, and evaluated when a row is inserted."""
    sql("CREATE TABLE d.t (x INT64, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP(), id STRING DEFAULT GENERATE_UUID(), "
        "a ARRAY<INT64> DEFAULT [1, 2])".replace(" at ", " made "))
    sql("INSERT d.t (x) VALUES (1), (2)")
    rows = sql("SELECT made, id, a FROM d.t")
    now = datetime.datetime.now(datetime.timezone.utc)
    assert all(abs((now - row[0]).total_seconds()) < 60 and len(row[1]) == 36 and row[2] == [1, 2] for row in rows)
    assert rows[0][1] != rows[1][1]
    refused("CREATE TABLE d.u (x INT64 DEFAULT 'a')", "invalidQuery", "default")


def test_unknown_statements(sql, refused):  # noqa: F811
    """What the stand-in does not know it says with 501 and a name, and does nothing."""
    refused("CREATE FUNCTION d.f(x INT64) AS (x + 1)", "notImplemented", "CreateFunction")
    refused("EXPORT DATA OPTIONS (uri = 'gs://b/*', format = 'CSV') AS SELECT 1 AS x", "notImplemented", "ExportData")
