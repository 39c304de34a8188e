# SPDX-License-Identifier: Apache-2.0
"""What a snapshot does not protect from, and how a table is divided: nothing lost, nothing twice."""

import pytest

from support.processes import wait_until
from support.targets import make_target

ROWS = 30_000
PAD = "repeat(md5(i::text), 4)"

TREES = {
    "partitioned":
        "CREATE TABLE r (id int, pad text) PARTITION BY RANGE (id);"
        " CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (1) TO (10001);"
        " CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (10001) TO (20001);"
        " CREATE TABLE r3 PARTITION OF r FOR VALUES FROM (20001) TO (30001);"
        f" INSERT INTO r SELECT i, {PAD} FROM generate_series(1, {ROWS}) i",
    "inheritance":
        "CREATE TABLE r (id int, pad text); CREATE TABLE r1 (more int) INHERITS (r);"
        " CREATE TABLE r2 () INHERITS (r); CREATE TABLE r3 () INHERITS (r2);"
        f" INSERT INTO r1 SELECT i, {PAD} FROM generate_series(1, 10000) i;"
        f" INSERT INTO r2 SELECT i, {PAD} FROM generate_series(10001, 20000) i;"
        f" INSERT INTO r3 SELECT i, {PAD} FROM generate_series(20001, {ROWS}) i",
}

# After the snapshot was opened, before the table is locked; whether the rows of the snapshot are gone.
CHANGES = {
    ("partitioned", "ALTER TABLE r DETACH PARTITION r2"): True,
    ("partitioned", "DROP TABLE r2"): True,
    ("partitioned", "TRUNCATE r2"): True,
    ("partitioned", "DROP TABLE r2; CREATE TABLE r2 PARTITION OF r"
                    " FOR VALUES FROM (10001) TO (20001)"): True,
    ("partitioned", "CREATE TABLE r4 PARTITION OF r FOR VALUES FROM (30001) TO (40001);"
                    " INSERT INTO r VALUES (30001, 'new')"): False,
    ("partitioned", "CREATE INDEX ON r (id); ANALYZE r; DELETE FROM r WHERE id % 2 = 0"): False,
    ("inheritance", "DROP TABLE r3"): True,
    ("inheritance", "ALTER TABLE r2 NO INHERIT r"): True,
    ("inheritance", "TRUNCATE ONLY r2"): True,
    ("inheritance", "CREATE TABLE r4 () INHERITS (r); INSERT INTO r4 VALUES (30001, 'new')"): False,
}


@pytest.mark.parametrize("workers", (1, 2))
@pytest.mark.parametrize("kind, statements", CHANGES)
def test_tree_changed_after_the_snapshot(db, bqferry, job, duckdb_target, proxy, kind, statements,
                                         workers):
    db.execute(TREES[kind])
    job(duckdb_target, "r", workers=workers, url=db.url(port=proxy.port, sslmode="disable"))
    proxy.hold("LOCK TABLE")
    run = bqferry.start("run")
    proxy.wait_held()
    db.execute(statements)
    proxy.release()
    result = run.wait()
    if CHANGES[kind, statements]:
        assert result.code == 3, str(result)
        assert "r" in result.stderr and "after the snapshot" in result.stderr
        assert duckdb_target.tables() == set()
    else:
        assert result.code == 0, str(result)
        assert sorted(duckdb_target.rows("r", "id")) == [(i,) for i in range(1, ROWS + 1)]


def items(db):
    db.execute(f"CREATE TABLE items AS SELECT i AS id, {PAD} AS pad FROM generate_series(1, {ROWS}) i")


def test_truncated_when_the_locks_are_gone(db, bqferry, job, duckdb_target, proxy):
    """The session that holds the locks is killed while the readers have not yet taken theirs."""
    items(db)
    job(duckdb_target, "items", workers=2, url=db.url(port=proxy.port, sslmode="disable"))
    proxy.hold("WHERE (ctid")
    run = bqferry.start("run")
    proxy.wait_held()
    db.rows("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
            " WHERE relation = 'items'::regclass")
    db.execute("TRUNCATE items")
    proxy.release()
    result = run.wait()
    assert result.code == 3, str(result)
    assert duckdb_target.tables() == set()


def test_readers_end_with_the_run(db, bqferry, job, duckdb_target):
    items(db)
    job(duckdb_target, "items", workers=2)
    bqferry.ok("run")
    wait_until(lambda: not db.backends(), "the sessions to end")


def test_snapshot_that_may_not_be_exported(db, bqferry, job, target):
    """One reader, which says so; the snapshot survives from table to table."""
    items(db)
    db.execute("CREATE TABLE more AS SELECT 1 AS id")
    db.execute("REVOKE EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC")
    job(target, {"table": ["public.items", "public.more"]}, workers=2)
    result = bqferry.ok("run")
    for one in result.report["jobs"]:
        assert one["workers"] == 1
        assert any("one reader only" in note for note in one["notes"]), one["notes"]
    assert sorted(target.rows("items", "id")) == [(i,) for i in range(1, ROWS + 1)]
    assert target.rows("more", "id") == [(1,)]


def test_only_the_parent_is_readable(db, bqferry, job, duckdb_target):
    db.execute(TREES["partitioned"])
    db.execute("GRANT SELECT ON r TO poor")
    job(duckdb_target, "r", workers=2, url=db.url(user="poor"))
    result = bqferry.ok("run")
    assert any("GRANT SELECT" in note for note in result.job()["notes"]), result.job()["notes"]
    assert result.job()["shards"] == 1
    assert sorted(duckdb_target.rows("r", "id")) == [(i,) for i in range(1, ROWS + 1)]
    db.execute("GRANT SELECT ON r1, r2, r3 TO poor")
    job(duckdb_target, "r", workers=2, url=db.url(user="poor"), load="replace")
    assert bqferry.ok("run").job()["shards"] == 2
    assert sorted(duckdb_target.rows("r", "id")) == [(i,) for i in range(1, ROWS + 1)]


KEYS = {
    "smallint": "i - 15000",
    "integer": "i * 71",
    "bigint": "i::bigint * 4000000000000",
    "uuid": "md5(i::text)::uuid",
    "date": "date '1990-01-01' + i",
    "timestamp": "timestamp '2000-02-28 23:59:59.999999' + i * interval '7 hours'",
    "timestamptz": "timestamptz '2000-01-01 00:00Z' + i * interval '13 minutes'",
}


@pytest.mark.parametrize("analyzed", (False, True))
@pytest.mark.parametrize("key", KEYS)
def test_ranges_of_a_key(db, bqferry, job, duckdb_target, key, analyzed):
    """Where rows cannot be chosen by block (another access method; PostgreSQL before 14)."""
    db.execute("CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;"
               f" CREATE TABLE t (k {key} PRIMARY KEY, n int, pad text) USING other;"
               f" INSERT INTO t SELECT {KEYS[key]}, i, {PAD} FROM generate_series(1, {ROWS}) i")
    if analyzed:
        db.execute("ANALYZE t")
    job(duckdb_target, "t", workers=2)
    result = bqferry.ok("run")
    assert result.job()["shards"] == 2
    assert sorted(duckdb_target.rows("t", "n")) == [(i,) for i in range(1, ROWS + 1)]


def test_no_key_to_divide_by(db, bqferry, job, duckdb_target):
    db.execute("CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;"
               " CREATE TABLE t (k text PRIMARY KEY, pad text) USING other;"
               f" INSERT INTO t SELECT i, {PAD} FROM generate_series(1, {ROWS}) i")
    job(duckdb_target, "t", workers=2)
    result = bqferry.ok("run")
    assert result.job()["shards"] == 1
    assert any("read by one worker" in note for note in result.job()["notes"])
    assert len(duckdb_target.rows("t", "k")) == ROWS


def test_conditions_name_the_table(db, bqferry, job, tmp_path):
    """`where` may say "r.id", whichever partition is read under that name."""
    db.execute(TREES["partitioned"])
    target = make_target("duckdb", tmp_path)
    job(target, {"table": "r", "where": "r.id % 2 = 0 OR r.pad = 'none' -- even ones"}, workers=2)
    bqferry.ok("run")
    assert sorted(target.rows("r", "id")) == [(i,) for i in range(2, ROWS + 1, 2)]
