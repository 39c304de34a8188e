# SPDX-License-Identifier: Apache-2.0
"""Rows meet those of a table in BigQuery as they do in DuckDB: the tests of test_merge.py, run on the stand-in
and read back with google-cloud-bigquery. What is BigQuery's own is below."""

import sys
from pathlib import Path

import pytest
import test_merge
from google.cloud import bigquery
from support.targets import BigQueryMirror, BigQueryTarget
from test_merge import CURSOR, fill, merged, touch

# Those that write into the DuckDB file themselves, or name its types; NULL arrays are not BigQuery's.
OWN = {"test_files_cannot_merge", "test_other_columns_of_the_target_stay", "test_a_changed_type_stops_the_job",
       "test_new_columns_stop_the_job_when_asked", "test_what_cannot_be_a_key", "test_other_types_of_keys",
       "test_new_columns_are_added"}

globals().update({name: function for name, function in vars(test_merge).items()
                  if name.startswith("test_") and name not in OWN})


@pytest.fixture
def duckdb_target(google, tmp_path):
    return BigQueryMirror(google, tmp_path)


@pytest.fixture(params=(False, True), ids=("uploads", "bucket"))
def bq(google, request):
    google.forget_calls()
    return BigQueryTarget(google, bucket=request.param)


def statements(google):
    """Texts of all query jobs, first to last, with their results."""
    jobs = [job for job in google.client().list_jobs(all_users=True) if job.job_type == "query"]
    return sorted(jobs, key=lambda job: job.created)


def last_merge(google):
    return [job for job in statements(google) if "MERGE" in job.query][-1]


def dry(google, job):
    """Bytes that the same statement would be billed for now."""
    config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False,
                                     query_parameters=job.query_parameters)
    return google.client().query(job.query, job_config=config)


def analyze(google, job):
    """Google's analyzer, with the tables' schemas as the client gives them, in this process."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "standin"))
    from standin import types
    from standin.sql import analyzer, schemas, sqltypes
    client = google.client()
    gone = {}

    def resolve(path):
        name = ".".join(path)
        if "bqferry_staging" in name:  # it is gone, and had columns of the table
            return gone[path[1]]
        return relation(client.get_table(name))

    def relation(table):
        fields = types.schema_from_json({"fields": [field.to_api_repr() for field in table.schema]})
        columns = tuple(analyzer.Column(item.name, schemas.type_of_field(item)) for item in fields)
        return analyzer.Relation(columns, table.table_id)

    for dataset in client.list_datasets():
        for table in client.list_tables(dataset.dataset_id):
            gone[dataset.dataset_id] = relation(client.get_table(table.reference))
    named = {"at": (sqltypes.TIMESTAMP, None), "run": (sqltypes.STRING, None)}
    return analyzer.analyze(job.query, analyzer.Scope(resolve=resolve, named=named)).statement.kind


# Partitions ---------------------------------------------------------------------------------------

PARTITIONS = {
    "day": ("day", "day date", "date '2026-01-01' + i % 30", "`day` >= DATE '2026-01-0"),
    "month": ("day", "day timestamptz", "'2025-01-15Z'::timestamptz + i % 12 * interval '1 month'",
              "`day` >= TIMESTAMP '2025-"),
    "hour": ("day", "day timestamp", "timestamp '2026-01-01' + i % 40 * interval '1 hour'",
             "`day` >= DATETIME '2026-01-01 0"),
    "year": ("day", "day date", "date '2000-01-01' + i % 20 * 366", "`day` >= DATE '20"),
    "range": ("n", "n int", "i % 300", "`n` >= "),
}


def partitioned(db, bqferry, job, bq, kind, **keys):
    column, declaration, value, _ = PARTITIONS[kind]
    db.execute(f"CREATE TABLE items (id int PRIMARY KEY, {declaration}, note text, pad text);"
               f" INSERT INTO items SELECT i, {value}, 'old', repeat('x', 100) FROM generate_series(0, 599) i;"
               " ALTER TABLE items ADD updated_at timestamptz DEFAULT now()")
    more = {"start": 0, "end": 250, "interval": 10} if kind == "range" else {}
    job(bq, "items", load="upsert", cursor=CURSOR,
        target={"partition_by": {"column": column, "type": kind, **more, **keys}})
    bqferry.ok("run")


@pytest.mark.parametrize("kind", PARTITIONS)
def test_only_touched_partitions_are_read(db, bqferry, job, bq, google, kind):
    partitioned(db, bqferry, job, bq, kind, immutable=True)
    whole = bq.get("items").num_bytes
    touch(db, "id IN (1, 2)", note="'new'")
    assert merged(bqferry.ok("run")) == {"updated": 2}
    merge = last_merge(google)
    assert PARTITIONS[kind][3] in merge.query, merge.query
    assert "bqferry_target.`id` >= 1 AND bqferry_target.`id` <= 2" in merge.query
    touched = {"day": 40, "month": 100, "hour": 30, "year": 60, "range": 20 + 100}[kind]  # 100: outside of ranges
    size = whole // 600  # once for what is read, once for what is written anew, and the staged rows
    assert merge.total_bytes_processed == 2 * touched * size + 2 * size
    assert merge.num_dml_affected_rows == 2 and analyze(google, merge) == "MergeStmt"
    columns = "id, note"
    assert bq.rows("items", columns) == db.rows(f"SELECT {columns} FROM items ORDER BY 1")


def test_a_dry_run_bills_touched_partitions(db, bqferry, job, google, fault_points):
    """The statement as it is about to be sent, dry, by Google's client; then the run goes on and says the same."""
    bq = BigQueryTarget(google)
    partitioned(db, bqferry, job, bq, "day", immutable=True)
    size = bq.get("items").num_bytes // 600
    touch(db, "id IN (1, 2)", note="'new'")
    google.job_fault(job_type="query", nth=3, error={"reason": "backendError", "message": "try later"})
    bqferry.fails("target", "run")
    merge = last_merge(google)
    assert merge.error_result["reason"] == "backendError"
    assert dry(google, merge).total_bytes_processed == 2 * 40 * size + 2 * size
    everywhere = merge.query.split(" AND ((bqferry_target.`day`")[0] + merge.query[merge.query.index("\nWHEN MATCHED"):]
    config = bigquery.QueryJobConfig(dry_run=True)
    assert google.client().query(everywhere, job_config=config).total_bytes_processed == 2 * 600 * size + 2 * size
    assert bqferry.ok("run").job()["status"] in ("settled", "succeeded")
    assert last_merge(google).total_bytes_processed == 2 * 40 * size + 2 * size


def test_without_the_promise_all_partitions_are_read(db, bqferry, job, bq, google):
    partitioned(db, bqferry, job, bq, "day")
    whole = bq.get("items").num_bytes
    touch(db, "id = 1", note="'new'", day="'2026-06-06'")
    assert merged(bqferry.ok("run")) == {"updated": 1}
    assert last_merge(google).total_bytes_processed >= whole
    assert "DATE '" not in last_merge(google).query
    assert bq.rows("items", "id, note") == db.rows("SELECT id, note FROM items ORDER BY 1")


@pytest.mark.parametrize("kind", PARTITIONS)
def test_a_broken_promise_stops_the_run(db, bqferry, job, bq, google, kind):
    partitioned(db, bqferry, job, bq, kind, immutable=True)
    before = bq.rows("items", "id, note")
    column, _, value, _ = PARTITIONS[kind]
    touch(db, "id = 1", note="'new'", **{column: value.replace("i %", "17 %")})
    merges = len([job for job in statements(google) if "MERGE" in job.query])
    result = bqferry.fails("data", "run")
    assert f"1 rows have another partition of {bq.dataset}.items now" in result.stderr, str(result)
    assert "immutable" in result.stderr and "nothing was changed" in result.stderr
    assert bq.rows("items", "id, note") == before and bq.leftovers() == []
    assert len([job for job in statements(google) if "MERGE" in job.query]) == merges
    more = {"start": 0, "end": 250, "interval": 10} if kind == "range" else {}
    job(bq, "items", load="upsert", cursor=CURSOR, target={"partition_by": {"column": column, "type": kind, **more}})
    bqferry.ok("run")
    assert bq.rows("items", "id, note") == db.rows("SELECT id, note FROM items ORDER BY 1")


def test_rows_of_no_partition(db, bqferry, job, bq):
    """NULL and values outside of all ranges have their own places, and are found there."""
    partitioned(db, bqferry, job, bq, "range", immutable=True)
    db.execute("INSERT INTO items VALUES (1000, NULL, 'a'), (1001, 5000, 'b'), (1002, -7, 'c')")
    assert merged(bqferry.ok("run")) == {"inserted": 3}
    touch(db, "id >= 1000", note="'new'")
    assert merged(bqferry.ok("run")) == {"updated": 3}
    assert bq.rows("items", "id, note") == db.rows("SELECT id, note FROM items ORDER BY 1")


@pytest.mark.parametrize("load", ("upsert", "soft_delete", "hard", "append", "range"))
def test_tables_that_require_a_filter(db, bqferry, job, bq, google, load):
    """require_partition_filter: each statement names partitions, be it to say that all are meant."""
    db.execute("CREATE TABLE items (id int PRIMARY KEY, day date, updated_at timestamptz DEFAULT now());"
               " INSERT INTO items SELECT i, date '2026-01-01' + i % 5 FROM generate_series(1, 20) i")
    keys = {"upsert": {"load": "upsert", "cursor": CURSOR}, "soft_delete": {"load": "soft_delete"},
            "hard": {"load": "upsert", "cursor": CURSOR, "deletes": {"action": "hard", "every": "0s"}},
            "append": {"load": "append", "cursor": {**CURSOR, "lookback": "1h"}},
            "range": {"load": "append", "cursor": {**CURSOR, "lookback": "1h"}}}[load]
    if load == "range":
        db.execute("ALTER TABLE items DROP CONSTRAINT items_pkey")
    job(bq, "items", **keys, target={"partition_by": {"column": "day", "require_filter": True}})
    bqferry.ok("run")
    db.execute("DELETE FROM items WHERE id = 7; INSERT INTO items VALUES (21, '2026-03-03')")
    bqferry.ok("run")
    ids = {row[0] for row in bq.rows("items", "id")}
    assert ids == {*range(1, 22)} - ({7} if load in ("hard", "range") else set())
    assert bq.get("items").require_partition_filter
    assert len(bq.rows("items", "id")) == len(ids) and bq.leftovers() == []
    bqferry.ok("run", "--full-refresh")
    assert {row[0] for row in bq.rows("items", "id")} == {*range(1, 22)} - {7}


# Values -------------------------------------------------------------------------------------------

TYPES = """a boolean, b bigint, c float8, d numeric(10,2), e numeric, f text, g bytea, h date, i time, j timestamp,
           k timestamptz, l interval, m jsonb, n int[], o uuid"""
VALUES = ["true", "9223372036854775807", "'NaN'", "1.10", "0.1234567890123", "'it''s `here`\\ \u20ac'", "'\\x00ff'",
          "'2026-01-31'", "'12:34:56.789'", "'2026-01-31 12:34:56.789'", "'2026-01-31 12:34:56.789Z'",
          "'1 mon 2 days 03:04:05'", "'{\"a\": [1, null]}'", "'{1,2}'", "'00000000-0000-0000-0000-000000000001'"]
OTHERS = ["false", "9223372036854775806", "'Infinity'", "1.11", "0.1234567890124", "'It''s'", "'\\x00fe'",
          "'2026-02-01'", "'12:34:56.788'", "'2026-01-31 12:34:56.788'", "'2026-01-31 12:34:56.788Z'",
          "'32 days 03:04:05'", "'{\"a\": [2, null]}'", "'{2,1}'", "'00000000-0000-0000-0000-000000000002'"]


def test_changed_rows_of_every_type(db, bqferry, job, bq, google):
    """Row by row one column changes, becomes NULL, and comes back; every other row is left as it is."""
    columns = [word.split()[0] for word in TYPES.replace("\n", " ").split(", ")]
    db.execute(f"CREATE TABLE items (id int PRIMARY KEY, {TYPES})")
    db.execute("".join(f"INSERT INTO items VALUES ({number}, {', '.join(VALUES)});" for number in range(len(columns))))
    job(bq, "items", load="upsert", changed_only=True)
    bqferry.ok("run")
    count = len(columns)
    assert merged(bqferry.ok("run")) == {"unchanged": count}
    for values, changed in ((OTHERS, count), (["NULL"] * count, count), (VALUES, count)):
        for number, column in enumerate(columns):
            db.execute(f"UPDATE items SET {column} = {values[number]} WHERE id = {number}")
        assert merged(bqferry.ok("run")) == {"updated": changed}, values
        assert merged(bqferry.ok("run")) == {"unchanged": count}
    assert analyze(google, last_merge(google)) == "MergeStmt"
    assert [row[0] for row in bq.rows("items", "id")] == list(range(count))


def test_the_json_null_is_a_value(db, bqferry, job, bq):
    db.execute("CREATE TABLE items (id int PRIMARY KEY, m jsonb); INSERT INTO items VALUES (1, 'null'), (2, NULL)")
    job(bq, "items", load="upsert", changed_only=True)
    bqferry.ok("run")
    db.execute("UPDATE items SET m = CASE id WHEN 2 THEN 'null'::jsonb END")
    assert merged(bqferry.ok("run")) == {"updated": 2}
    assert merged(bqferry.ok("run")) == {"unchanged": 2}


def test_structs_keep_their_members(db, bqferry, job, bq):
    """Members meet by name, although a statement assigns them by place."""
    db.execute("CREATE TYPE pair AS (x int, y int); CREATE TABLE items (id int PRIMARY KEY, p pair);"
               " INSERT INTO items VALUES (1, (1, 2)), (2, (3, 4))")
    job(bq, "items", load="upsert", changed_only=True)
    client = bq.client
    client.create_dataset(bq.dataset)
    client.query_and_wait(f"CREATE TABLE {bq.dataset}.items (p STRUCT<y INT64, x INT64>, id INT64)")
    assert merged(bqferry.ok("run")) == {"inserted": 2}
    db.execute("UPDATE items SET p = (7, 4) WHERE id = 2")
    assert merged(bqferry.ok("run")) == {"updated": 1, "unchanged": 1}
    assert bq.rows("items", "id, p") == [(1, {"y": 2, "x": 1}), (2, {"y": 4, "x": 7})]


@pytest.mark.parametrize("type_, values", (("boolean", ("true", "false")), ("bytea", ("'\\x00'", "'\\xff'")),
                                           ("time", ("'01:00'", "'02:00'")), ("text", ("'it''s'", "'\u20ac`\\'")),
                                           ("numeric(30,4)", ("-1.5", "12345678901234567890.5")),
                                           ("timestamp", ("'0001-01-01'", "'9999-12-31 23:59:59.999999'"))))
def test_types_of_keys(db, bqferry, job, bq, type_, values):
    db.execute(f"CREATE TABLE items (k {type_} PRIMARY KEY, name text);"
               f" INSERT INTO items VALUES ({values[0]}, 'a'), ({values[1]}, 'b')")
    job(bq, "items", load="upsert")
    bqferry.ok("run")
    db.execute("UPDATE items SET name = 'c' WHERE name = 'a'")
    assert merged(bqferry.ok("run")) == {"updated": 2}
    assert sorted(bq.rows("items", "name")) == [("b",), ("c",)]


@pytest.mark.parametrize("type_", ("float8", "interval"))
def test_what_cannot_be_a_key(db, bqferry, job, bq, type_):
    db.execute(f"CREATE TABLE items (k {type_}, name text)")
    job(bq, "items", load="upsert", key="k")
    result = bqferry.fails("config", "run")
    assert "which BigQuery cannot tell rows apart by" in result.stderr and "`key`" in result.stderr


@pytest.mark.parametrize("load", ("append", "replace"))
def test_a_key_that_nothing_needs(db, bqferry, job, bq, load):
    """Of whatever type the source's key is: rows are not told apart by it."""
    db.execute("CREATE TABLE items (k float8, l interval, name text, PRIMARY KEY (k, l));"
               " INSERT INTO items VALUES (1.5, '1 day', 'a')")
    job(bq, "items", load=load)
    bqferry.ok("plan")
    bqferry.ok("run")
    assert bq.rows("items", "k, name") == [(1.5, "a")]


# Columns ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "upsert"))
def test_new_columns_are_added_in_one_update(db, bqferry, job, bq, google, load):
    db.execute("CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, updated_at timestamptz DEFAULT now());"
               " INSERT INTO items VALUES (1, 'a')")
    job(bq, "items", load=load, cursor=CURSOR, mode="required")
    bqferry.ok("run")
    client = google.client()
    table = bq.get("items")
    table.schema = [*table.schema[:2], bigquery.SchemaField("updated_at", "TIMESTAMP", description="by hand"),
                    bigquery.SchemaField("mine", "STRING")]
    client.update_table(table, ["schema"])
    db.execute("ALTER TABLE items ADD price numeric(10,2), ADD tags text[], ALTER name DROP NOT NULL;"
               " INSERT INTO items VALUES (2, NULL, now(), 9.90, '{a,b}')")
    google.forget_calls()
    bqferry.ok("run")
    assert google.counts()["bigquery.tables.patch"] == 1
    fields = {field.name: field for field in bq.get("items").schema}
    assert list(fields) == ["id", "name", "updated_at", "mine", "price", "tags"]
    assert fields["name"].mode == "NULLABLE" and fields["id"].mode == "REQUIRED"
    assert fields["updated_at"].description == "by hand"
    assert [str(row[1]) for row in bq.rows("items", "id, price")] == ["None", "9.9"]
    assert [row[1] for row in bq.rows("items", "id, tags")] == [[], ["a", "b"]]
    google.forget_calls()
    touch(db, "id = 1", name="'b'")
    bqferry.ok("run")
    assert "bigquery.tables.patch" not in google.counts()


def test_somebody_else_changes_the_table_meanwhile(db, bqferry, job, bq, google):
    """The update carries the etag of what was read: nothing of theirs is undone."""
    fill(db, 3)
    job(bq, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run")
    db.execute("ALTER TABLE items ADD price int; INSERT INTO items VALUES (4, 'n4')")
    google.fault("bigquery.tables.patch", "error", status=412, reason="conditionNotMet")
    bqferry.ok("run")
    assert [field.name for field in bq.get("items").schema][-1] == "price"


def test_a_changed_type_stops_the_job(db, bqferry, job, bq, google):
    fill(db, 3)
    job(bq, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run")
    db.execute("ALTER TABLE items ALTER note TYPE int USING 7; INSERT INTO items VALUES (4, 'n4', 4)")
    google.forget_calls()
    result = bqferry.fails("config", "run")
    assert "note is STRING there and INT64 here" in result.stderr, str(result)
    assert set(google.counts()) <= {"bigquery.tables.get", "bigquery.datasets.get"}


# New tables ---------------------------------------------------------------------------------------

def test_how_new_tables_are_laid_out(db, bqferry, job, bq):
    fill(db, 3)
    layouts = []
    for keys in ({"load": "upsert"}, {"load": "append", "cursor": CURSOR}, {"load": "append"},
                 {"load": "upsert", "target": {"cluster_by": []}},
                 {"load": "append", "cursor": CURSOR, "target": {"partition_by": {"type": "none"}}}):
        name = f"t{len(layouts)}"
        job(bq, "items", **{**keys, "target": {"table": name, **keys.get("target", {})}})
        plan = bqferry.ok("plan").stdout
        bqferry.ok("run")
        table = bq.get(name)
        layouts.append((table.clustering_fields, table.time_partitioning and table.time_partitioning.field))
        assert ("a new table is clustered by" in plan) == bool(table.clustering_fields), plan
        assert ("a new table is partitioned by day of updated_at" in plan) == bool(table.time_partitioning), plan
        job(bq, "items", **{**keys, "target": {"table": name, **keys.get("target", {})}})
        bqferry.ok("run")
        (bqferry.folder / ".bqferry/jobs/main.json").unlink()
    assert layouts == [(["id"], None), (["updated_at"], "updated_at"), (None, None), (None, None), (None, None)]


def test_a_first_load_is_free(db, bqferry, job, bq):
    """Into a new table rows are copied; only their keys are looked at."""
    fill(db, 10)
    job(bq, "items", load="upsert")
    jobs = bqferry.ok("run").job()["target_jobs"]
    assert [entry["kind"] for entry in jobs if entry["kind"] != "load"] == ["query", "copy"]
    assert merged(bqferry.ok("run")) == {"updated": 10}


# What is said -------------------------------------------------------------------------------------

def test_what_the_report_tells(db, bqferry, job, bq, google):
    fill(db, 10)
    job(bq, "items", load="upsert", metadata_columns=True)
    bqferry.ok("run")
    result = bqferry.ok("run").job()
    queries = [entry for entry in result["target_jobs"] if entry["kind"] == "query"]
    assert len(queries) == 3 and all(entry["bytes_billed"] >= 10 << 20 for entry in queries)
    assert all(entry["link"].endswith(f"bq:US:{entry['id']}&page=queryresults") for entry in queries)
    merge = last_merge(google)
    assert merge.job_id == f"bqferry-{result['run_id']}-1-merge-1" and merge.job_id == queries[-1]["id"]
    assert merge.labels["run_id"] == result["run_id"] and merge.labels["job"] == "main"
    assert {name: count for name, count in result["merged"].items() if count} == {"updated": 10}


NAMES = ("target", "staged", "several", "rows_of_key", "is_staged", "moved", "unmarked", "hash", "order")


@pytest.mark.parametrize("keys", (("target",), ("rows_of_key", "staged"), ("several", "hash")))
@pytest.mark.parametrize("load", ("upsert", "soft_delete", "append"))
def test_columns_may_be_called_as_tables_are(db, bqferry, job, bq, load, keys):
    """`SET target = …` means the whole row where the statement calls its table so."""
    columns = ", ".join(f'"{name}" int DEFAULT 1' for name in NAMES)
    key = ", ".join(f'"{name}"' for name in keys)
    other = next(name for name in NAMES if name not in keys)
    db.execute(f"CREATE TABLE items ({columns}, updated_at timestamptz NOT NULL DEFAULT now() - interval '1 hour', PRIMARY KEY ({key}));"
               f' INSERT INTO items ("{keys[0]}") VALUES (1), (2), (3)')
    mode = {"load": load} if load == "soft_delete" else {"load": load, "cursor": {**CURSOR, "lookback": "1d"}}
    job(bq, "items", **mode)
    bqferry.ok("run")
    db.execute(f'UPDATE items SET "{other}" = 5 WHERE "{keys[0]}" = 1; INSERT INTO items ("{keys[0]}") VALUES (4)')
    bqferry.ok("run")
    expected = [(1, 5), (2, 1), (3, 1), (4, 1)] if load != "append" else [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert sorted(bq.rows("items", f"{keys[0]}, {other}")) == expected


def test_no_value_is_pasted(db, bqferry, job, bq, google):
    """Marks and metadata are parameters; bounds are literals of their type, escaped."""
    evil = "'; DROP TABLE items; -- `\\"
    db.execute("CREATE TABLE items (k text PRIMARY KEY, v text)")
    db.execute(f"INSERT INTO items VALUES ($t${evil}$t$, $t${evil}$t$), ('b', 'gone')")
    job(bq, "items", load="soft_delete", metadata_columns=True)
    bqferry.ok("run")
    db.execute("DELETE FROM items WHERE k = 'b'")
    assert merged(bqferry.ok("run")) == {"updated": 1, "vanished": 1}
    merge = last_merge(google)
    assert {(param.name, param.type_) for param in merge.query_parameters} == {("at", "TIMESTAMP"), ("run", "STRING")}
    assert "DROP TABLE" not in merge.query
    job(bq, "items", load="upsert")
    bqferry.ok("run")
    merge = last_merge(google)
    assert "bqferry_target.`k` >= '\\'; DROP TABLE items; -- `\\\\'" in merge.query and not merge.query_parameters
    assert analyze(google, merge) == "MergeStmt"
    assert dict(bq.rows("items", "k, v"))[evil] == evil


def test_every_statement_passes_the_analyzer(db, bqferry, job, bq, google):
    """The jobs that test_merge.py's kinds of runs send, each analyzed again."""
    fill(db, 10)
    for keys in ({"load": "upsert"}, {"load": "upsert", "changed_only": True, "deletes": "hard"},
                 {"load": "soft_delete", "soft_delete": {"column": "gone", "type": "BOOL"}},
                 {"load": "upsert", "cursor": CURSOR, "deletes": {"action": "hard", "every": "0s"}},
                 {"load": "append", "cursor": {**CURSOR, "lookback": "1h"}}):
        (bqferry.folder / ".bqferry/jobs/main.json").unlink(missing_ok=True)
        job(bq, "items", **keys)
        bqferry.ok("run")
        touch(db, "id = 3", note="'again'")
        bqferry.ok("run")
    sent = statements(google)
    assert len(sent) > 15
    for statement in sent:
        assert analyze(google, statement) in ("MergeStmt", "QueryStmt", "InsertStmt"), statement.query


@pytest.mark.parametrize("nth", (1, 2, 3), ids=("facts", "look", "merge"))
@pytest.mark.parametrize("reason", ("backendError", "rateLimitExceeded", "jobBackendError"))
def test_a_query_that_may_work_the_next_time(db, bqferry, job, google, nth, reason):
    """It is asked anew, as another query: the service would answer a repetition with what became of the first one."""
    target = BigQueryTarget(google)
    fill(db)
    job(target, "items", load="upsert", config={"defaults": {"retries": {"budget": "10s"}}})
    bqferry.ok("run")
    touch(db, "id <= 3", note="'new'")
    fault = google.job_fault(job_type="query", nth=nth, error={"reason": reason, "message": "not now"})
    result = bqferry.ok("run")
    assert fault.fired == 1 and result.job()["merged"]["updated"] == 10, str(result)
    assert target.rows("items", "id, note") == db.rows("SELECT id, note FROM items ORDER BY 1")
    target.check("items")


@pytest.mark.parametrize("nth", (1, 2), ids=("facts", "look"))
@pytest.mark.parametrize("interrupted", (False, True), ids=("run", "settle"))
def test_a_slow_query_that_may_work_the_next_time(db, bqferry, job, google, fault_points, nth, interrupted):
    """The same when it fails only after the first answer, so that its results are asked for."""
    target = BigQueryTarget(google)
    fill(db)
    job(target, "items", load="upsert", config={"defaults": {"retries": {"budget": "10s"}}})
    bqferry.ok("run")
    touch(db, "id <= 3", note="'new'")
    if interrupted:
        assert bqferry("run", fault="delivery.counted").killed
    fault = google.job_fault(job_type="query", nth=nth, seconds=11, error={"reason": "backendError", "message": "not now"})
    result = bqferry.ok("run")
    assert fault.fired == 1 and result.job()["merged"]["updated"] == 10, str(result)
    assert target.rows("items", "id, note") == db.rows("SELECT id, note FROM items ORDER BY 1")
    target.check("items")


@pytest.mark.parametrize("message", ("Could not serialize access to table items due to concurrent update",
                                     "Resources exceeded: Too many DML statements outstanding against table items"))
def test_others_write_to_the_table(db, bqferry, job, google, message):
    bq = BigQueryTarget(google)
    fill(db, 3)
    job(bq, "items", load="upsert", retries={"budget": "20s"})
    bqferry.ok("run")
    google.job_fault(job_type="query", nth=3, error={"reason": "invalidQuery", "message": message})
    touch(db, "id = 1", note="'new'")
    result = bqferry.ok("run")
    assert result.job()["retries"] == 1 and merged(result) == {"updated": 3}
    assert last_merge(google).job_id.endswith("-merge-2")


def test_rows_in_the_streaming_buffer(db, bqferry, job, google):
    """Time cures it: the rows stay staged."""
    bq = BigQueryTarget(google)
    fill(db, 3)
    job(bq, "items", load="upsert")
    bqferry.ok("run")
    google.job_fault(job_type="query", nth=3, error={
        "reason": "invalidQuery", "message": "UPDATE or DELETE statement over table t would affect rows in the "
                                             "streaming buffer, which is not supported"})
    touch(db, "id = 1", note="'new'")
    result = bqferry.fails("target", "run")
    assert "streaming buffer" in result.stderr and "30 minutes" in result.stderr, str(result)
    assert bq.leftovers() != []
    assert bqferry.ok("run").job()["status"] == "settled"
    assert bq.rows("items", "id, note") == db.rows("SELECT id, note FROM items ORDER BY 1") and bq.leftovers() == []


def test_two_runs_at_once(db, bqferry, job, google, gate):
    bq = BigQueryTarget(google)
    fill(db, 10)
    job(bq, {"table": "items", "where": gate.at("id", 5)}, load="upsert")
    running = bqferry.start("run")
    gate.wait_reached(running)
    result = bqferry("run")
    assert result.code == 7 and "locked by process" in result.stderr
    gate.open()
    assert running.wait().code == 0 and len(bq.rows("items", "id")) == 10


def test_gc(db, bqferry, job, google, bq, fault_points):
    """Staging whose state is gone is removed when it is old; what a state knows of stays."""
    fill(db, 10)
    job(bq, "items", load="upsert")
    assert bqferry("run", fault="delivery.counted").killed
    lost = bq.leftovers()
    assert lost and "nothing to remove" in bqferry.ok("gc", "--older-than", "0s").stdout
    (bqferry.folder / ".bqferry/jobs/main.json").unlink()
    assert "nothing to remove" in bqferry.ok("gc").stdout
    assert bqferry.ok("gc", "--older-than", "0s", "--dry-run").stdout.count("would remove") == len(lost)
    assert bq.leftovers() == lost
    assert bqferry.ok("gc", "--older-than", "0s").stdout.count("removed") == len(lost)
    assert bq.leftovers() == []
    bqferry.ok("run")
    assert len(bq.rows("items", "id")) == 10


# Policy tags --------------------------------------------------------------------------------------

TAG = "projects/acme/locations/us/taxonomies/1/policyTags/2"


def tags(bq):
    return {field.name: field.policy_tags and list(field.policy_tags.names) for field in bq.get("items").schema}


def test_policy_tags_stay(db, bqferry, job, bq):
    """On merges, when a column is added or relaxed beside them, and when all rows are replaced."""
    db.execute("CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())")
    db.execute("INSERT INTO items VALUES (1, 'a'), (2, 'b')")
    job(bq, "items", load="upsert", columns={"name": {"mode": "required"}})
    bqferry.ok("run")
    table = bq.get("items")
    table.schema = [bigquery.SchemaField(field.name, field.field_type, field.mode, policy_tags=bigquery.PolicyTagList([TAG])
                                         if field.name == "name" else None) for field in table.schema]
    bq.client.update_table(table, ["schema"])
    assert tags(bq) == {"id": None, "name": [TAG], "updated_at": None}
    db.execute("UPDATE items SET name = 'c' WHERE id = 1")
    bqferry.ok("run")
    assert tags(bq)["name"] == [TAG]
    db.execute("ALTER TABLE items ADD more int, ALTER name DROP NOT NULL; INSERT INTO items VALUES (3, NULL, now(), 7)")
    job(bq, "items", load="upsert")
    bqferry.ok("run")
    assert tags(bq) == {"id": None, "name": [TAG], "updated_at": None, "more": None}
    assert {field.name: field.mode for field in bq.get("items").schema}["name"] == "NULLABLE"
    bqferry.ok("run", "--full-refresh")
    assert tags(bq)["name"] == [TAG] and bq.rows("items", "id, name") == [(1, "c"), (2, "b"), (3, None)]
