# SPDX-License-Identifier: Apache-2.0
"""How far a cursor may go: never past what an open transaction may yet commit, whatever the role may
see; and what it reads between two runs.

What must happen is in docs/incremental.md."""

import json
import threading
import time

import pytest

from support.processes import wait_until

TABLE = """CREATE TABLE items (id int PRIMARY KEY, name text,
                               updated_at timestamptz NOT NULL DEFAULT now());
           CREATE INDEX ON items (updated_at)"""

# ferry may not see when transactions of others began; watcher may
ROLES = ("ferry", "watcher")


def cursor(column="updated_at", **more):
    return {"column": column, "grace": "0s", "wait": "0s", **more}


def state_of(bqferry, job="main"):
    return json.loads((bqferry.folder / f".bqferry/jobs/{job}.json").read_text())


def place_of(bqferry, job="main"):
    return state_of(bqferry, job)["state"]["cursor"]["value"]


def ids(target, table="items"):
    return [row[0] for row in target.rows(table, "id")]


@pytest.fixture(params=ROLES)
def role(request, db):
    if request.param == "ferry" and db.admin.info.server_version < 140000:
        pytest.skip("ferry is a superuser there")
    return request.param


# What the cursor stands for -----------------------------------------------------------------------

def test_another_condition_is_noted(db, bqferry, job, duckdb_target):
    """Rows below the cursor that only the new one takes are nobody's, unless somebody is told."""
    db.execute(TABLE)
    db.execute("INSERT INTO items (id) SELECT generate_series(1, 20)")
    keys = {"url": db.url("watcher"), "load": "upsert", "cursor": cursor()}
    job(duckdb_target, {"table": "items", "where": "id <= 10"}, **keys)
    bqferry.ok("run")
    assert not any("`where`" in note for note in bqferry.ok("run").job()["notes"])

    job(duckdb_target, {"table": "items", "where": "id <= 20"}, **keys)
    words = "`where` has changed since the cursor came to"
    assert words in bqferry.ok("plan").stdout
    db.execute("INSERT INTO items (id) VALUES (0)")
    result = bqferry.ok("run")
    assert any(words in note and "bqferry backfill main" in note for note in result.job()["notes"]), str(result)
    assert ids(duckdb_target) == [0, *range(1, 11)]
    assert not any("`where`" in note for note in bqferry.ok("run").job()["notes"])

    bqferry.ok("backfill", "main", "--start", "2000-01-01")
    assert ids(duckdb_target) == [*range(0, 21)]


# Open transactions --------------------------------------------------------------------------------

def naive_run(db, seen):
    """What tools do that keep max(updated_at): everything above the greatest value seen so far."""
    rows = db.rows("SELECT id, updated_at FROM items"
                   + (f" WHERE updated_at > '{max(seen.values())}'" if seen else ""))
    seen.update(rows)


def test_a_row_that_commits_late_is_not_lost(db, bqferry, job, duckdb_target, role):
    """now() is when a transaction begins: the row below the cursor of a naive reader comes later."""
    db.execute(TABLE)
    job(duckdb_target, "items", url=db.url(role), load="upsert", cursor=cursor())
    naive = {}
    late = db.connect()
    late.execute("BEGIN")
    late.execute("INSERT INTO items VALUES (1, 'opened first, committed last')")
    db.execute("INSERT INTO items VALUES (2, 'committed first')")
    assert db.value("SELECT count(*) FROM items") == 1

    naive_run(db, naive)
    bqferry.ok("run")
    late.execute("COMMIT")
    naive_run(db, naive)
    bqferry.ok("run")

    assert set(naive) == {2}, "the case is not the one that this test is about"
    assert ids(duckdb_target) == [1, 2]


def test_a_transaction_without_rows_yet_holds_the_bound(db, bqferry, job, duckdb_target, role):
    """It has its time already, and neither a number nor a lock of the table."""
    db.execute(TABLE)
    job(duckdb_target, "items", url=db.url(role), load="upsert", cursor=cursor())
    late = db.connect()
    late.execute("BEGIN")
    late.execute("SELECT now()")
    db.execute("INSERT INTO items VALUES (2, 'committed first')")
    result = bqferry.ok("run")
    assert ids(duckdb_target) == []
    late.execute("INSERT INTO items VALUES (1, 'late')")
    late.execute("COMMIT")
    assert bqferry.ok("run").job()["rows_read"] == 2, str(result)
    assert ids(duckdb_target) == [1, 2]


def test_only_what_is_younger_waits(db, bqferry, job, duckdb_target):
    """Who may see when transactions began reads what is older than they."""
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'old')")
    job(duckdb_target, "items", url=db.url("watcher"), load="upsert", cursor=cursor())
    late = db.connect()
    late.execute("BEGIN")
    late.execute("SELECT now()")
    db.execute("INSERT INTO items VALUES (2, 'young')")
    first = bqferry.ok("run").job()
    assert "pg_stat_activity" in first["cursor"]["bound"]
    assert ids(duckdb_target) == [1]
    late.execute("COMMIT")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1, 2]


def test_who_cannot_see_waits_for_the_end(db, bqferry, job, duckdb_target):
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'old')")
    if db.admin.info.server_version < 140000:
        pytest.skip("ferry is a superuser there")
    job(duckdb_target, "items", load="upsert", cursor=cursor(wait="30s"))
    late = db.connect()
    late.execute("BEGIN")
    late.execute("SELECT now()")
    run = bqferry.start("run")
    wait_until(lambda: db.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ferry'"
                                " AND query LIKE '%virtualtransaction = ANY%'"), "the run to wait")
    assert run.running()
    late.execute("COMMIT")
    report = run.wait().job()
    assert report["rows_read"] == 1 and "pg_locks" in report["cursor"]["bound"]


def test_what_holds_the_bound_is_named(db, bqferry, job, duckdb_target):
    db.execute(TABLE)
    job(duckdb_target, "items", load="upsert", cursor=cursor())
    late = db.connect(application_name="billing")
    late.execute("BEGIN")
    late.execute("INSERT INTO items VALUES (1, 'late')")
    if db.admin.info.server_version >= 140000:
        notes = " ".join(bqferry.ok("run").job()["notes"])
        assert "billing" in notes and "pg_read_all_stats" in notes, notes


def test_our_own_readers_do_not_hold_it(db, bqferry, job, duckdb_target, gate, tmp_path, role):
    """A run that reads for hours must not stop the hourly ones of other tables."""
    from support.program import Program
    from support.targets import make_target
    db.execute(TABLE)
    db.execute("CREATE TABLE slow AS SELECT generate_series(1, 10) AS id")
    other = Program(tmp_path / "other")
    (tmp_path / "slow").mkdir()
    other.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url(role)}},
        "destination": make_target("avro", tmp_path / "slow").config,
        "jobs": [{"name": "slow", "source": {"table": "slow", "where": gate.at("id", 5)}}]})
    run = other.start("run")
    gate.wait_reached(run)
    db.execute("INSERT INTO items VALUES (1, 'while the other reads')")
    job(duckdb_target, "items", url=db.url(role), load="upsert", cursor=cursor())
    bqferry.ok("run")
    assert ids(duckdb_target) == [1]
    gate.open()
    run.wait()


@pytest.fixture
def two_phase(own_server):
    """A database whose server knows prepared transactions."""
    database = own_server(settings={"max_prepared_transactions": "5"}).new_database()
    yield database
    database.drop()


@pytest.mark.parametrize("role", ROLES)
def test_a_prepared_transaction_holds_the_bound(two_phase, bqferry, job, duckdb_target, role):
    """Nobody has it, and it may commit next week."""
    db = two_phase
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'old', now() - interval '3 hours')")
    job(duckdb_target, "items", url=db.url(role), load="upsert", cursor=cursor())
    late = db.connect()
    late.execute("BEGIN")
    late.execute("INSERT INTO items VALUES (2, 'prepared')")
    late.execute("PREPARE TRANSACTION 'held'")
    db.execute("INSERT INTO items VALUES (3, 'young')")
    db.execute("CREATE TABLE unrelated (id int)")
    bqferry.ok("run")
    assert 3 not in ids(duckdb_target)
    db.execute("COMMIT PREPARED 'held'")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1, 2, 3]


# Numbers ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("operator", (">=", ">"))
def test_numbers_wait_for_smaller_ones(db, bqferry, job, duckdb_target, operator):
    db.execute("CREATE TABLE items (id serial PRIMARY KEY, name text)")
    job(duckdb_target, "items", load="append", cursor=cursor("id", operator=operator))
    late = db.connect()
    late.execute("BEGIN")
    late.execute("INSERT INTO items (name) VALUES ('number 1, committed last')")
    db.execute("INSERT INTO items (name) VALUES ('number 2')")
    report = bqferry.ok("run").job()
    assert report["rows_read"] == 0 and "has not ended" in " ".join(report["notes"])
    late.execute("COMMIT")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1, 2]
    db.execute("INSERT INTO items (name) VALUES ('number 3')")
    bqferry.ok("run")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1, 2, 3]
    assert place_of(bqferry) == ("4" if operator == ">=" else "3")


def test_a_number_that_was_only_taken(db, bqferry, job, duckdb_target):
    """The sequence was asked, the row is not there yet: only the sequence is locked."""
    db.execute("CREATE TABLE items (id serial PRIMARY KEY, name text)")
    job(duckdb_target, "items", load="append", cursor=cursor("id"))
    late = db.connect()
    late.execute("BEGIN")
    number = late.execute("SELECT nextval('items_id_seq')").fetchone()[0]
    db.execute("INSERT INTO items (name) VALUES ('number 2')")
    bqferry.ok("run")
    assert ids(duckdb_target) == []
    late.execute(f"INSERT INTO items VALUES ({number}, 'number 1')")
    late.execute("COMMIT")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1, 2]


def test_numbers_do_not_wait_for_others(db, bqferry, job, duckdb_target):
    """A transaction that has touched neither table nor sequence cannot hold a smaller number."""
    db.execute("CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);"
               " CREATE TABLE others (id int)")
    job(duckdb_target, "items", load="append", cursor=cursor("id"))
    late = db.connect()
    late.execute("BEGIN")
    late.execute("INSERT INTO others VALUES (1)")
    late.execute("SELECT count(*) FROM items")
    db.execute("INSERT INTO items (name) VALUES ('number 1')")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1]


def test_numbers_in_blocks_are_warned_of(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id serial PRIMARY KEY, name text);"
               " ALTER SEQUENCE items_id_seq CACHE 20; INSERT INTO items (name) VALUES ('x')")
    job(duckdb_target, "items", load="upsert", cursor=cursor("id"))
    notes = " ".join(bqferry.ok("run").job()["notes"])
    assert "items_id_seq (CACHE 20)" in notes and "lookback" in notes
    job(duckdb_target, "items", load="upsert", cursor=cursor("id", lookback="5m"))
    assert "expected a count" in bqferry.fails("config", "run").stderr


def test_an_empty_table_of_numbers(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id serial PRIMARY KEY, name text)")
    job(duckdb_target, "items", load="append", cursor=cursor("id"))
    bqferry.ok("run")
    assert duckdb_target.exists("items") and ids(duckdb_target) == []
    db.execute("INSERT INTO items VALUES (-5, 'below zero')")
    bqferry.ok("run")
    assert ids(duckdb_target) == [-5]


def test_partitions_are_watched_too(db, bqferry, job, duckdb_target):
    """A writer of a partition has no lock of its parent."""
    db.execute("CREATE TABLE items (id serial, name text) PARTITION BY RANGE (id);"
               " CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (1000)")
    job(duckdb_target, "items", load="append", cursor=cursor("id"))
    late = db.connect()
    late.execute("BEGIN")
    late.execute("INSERT INTO items_1 (id, name) VALUES (1, 'late')")
    db.execute("INSERT INTO items_1 (id, name) VALUES (2, 'early')")
    bqferry.ok("run")
    assert ids(duckdb_target) == []
    late.execute("COMMIT")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1, 2]


# Edges --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("operator", (">=", ">"))
@pytest.mark.parametrize("kind", ("timestamptz", "timestamptz(0)", "timestamp(3)"))
def test_equal_values_at_the_edge(db, bqferry, job, duckdb_target, operator, kind):
    """Many rows of one time, on both sides of many bounds: each row once."""
    db.execute(f"CREATE TABLE items (id serial, at {kind} DEFAULT now())")
    job(duckdb_target, "items", url=db.url("watcher"), load="append",
        cursor=cursor("at", operator=operator, time_zone="UTC"))
    db.execute("ALTER TABLE items ALTER at SET DEFAULT now() AT TIME ZONE 'UTC'"
               if kind.startswith("timestamp(") else "SELECT 1")
    for _ in range(6):
        for _ in range(5):
            db.execute("INSERT INTO items SELECT FROM generate_series(1, 10)")
        bqferry.ok("run")
    time.sleep(1.7)  # 12.5 s rounds to 13, and the rows of 13 are whole at 14
    bqferry.ok("run")
    assert ids(duckdb_target) == list(range(1, 301))


def test_the_operator_may_change(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id serial PRIMARY KEY)")
    expected = []
    for operator in (">=", ">", ">", ">=", ">="):
        db.execute("INSERT INTO items DEFAULT VALUES; INSERT INTO items DEFAULT VALUES")
        expected += [len(expected) + 1, len(expected) + 2]
        job(duckdb_target, "items", load="append", cursor=cursor("id", operator=operator))
        bqferry.ok("run")
        assert ids(duckdb_target) == expected


def test_updates_during_the_read(db, bqferry, job, duckdb_target, gate):
    db.execute(TABLE)
    db.execute("INSERT INTO items SELECT i, 'old' FROM generate_series(1, 1000) i")
    job(duckdb_target, {"table": "items", "where": gate.at("id", 500)}, url=db.url("watcher"),
        load="upsert", cursor=cursor(), workers=1)
    run = bqferry.start("run")
    gate.wait_reached(run)
    db.execute("UPDATE items SET name = 'new', updated_at = now() WHERE id IN (1, 999)")
    db.execute("INSERT INTO items VALUES (1001, 'new')")
    gate.open()
    assert run.wait().job()["rows_read"] == 1000
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id, name") == db.rows("SELECT id, name FROM items ORDER BY 1")


def test_full_precision(db, bqferry, job, duckdb_target):
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'a', '2026-01-01 00:00:00.000001Z'),"
               " (2, 'b', '2026-01-01 00:00:00.000002Z')")
    job(duckdb_target, "items", load="append", cursor=cursor())
    bqferry.ok("run")
    bqferry.ok("state", "set", "main", "--cursor", "2026-01-01T00:00:00.000002Z")
    assert place_of(bqferry) == "2026-01-01 00:00:00.000002+00"
    assert bqferry.ok("run").job()["rows_read"] == 1


def test_a_timestamp_and_a_key(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int PRIMARY KEY, updated_at timestamptz);"
               " CREATE INDEX ON items (updated_at, id);"
               " INSERT INTO items SELECT i, '2026-01-01' FROM generate_series(1, 10) i")
    job(duckdb_target, "items", load="append", cursor=cursor(["updated_at", "id"], operator=">"))
    bqferry.ok("run", "--full-refresh")
    bqferry.ok("state", "set", "main", "--cursor", "2026-01-01", "--key", "7")
    assert bqferry.ok("run").job()["rows_read"] == 3
    assert ids(duckdb_target) == sorted([*range(1, 11), 8, 9, 10])
    assert bqferry.ok("run").job()["rows_read"] == 0


# Where it begins, and what it cannot see -------------------------------------------------------------

@pytest.mark.parametrize("start, expected", (
    (None, [1, 2, 3]), ("all", [1, 2, 3]), ("40d", [2, 3]), ("2d", [3]),
    ("2026-01-01", [2, 3]), ("2026-01-01T00:00:00.000001Z", [3])))
def test_start(db, bqferry, job, duckdb_target, start, expected):
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'a', '2020-01-01Z'), (2, 'b', '2026-01-01Z'), (3, 'c', now())")
    if start and start.endswith("d"):
        db.execute("UPDATE items SET updated_at = now() - interval '39 days' WHERE id = 2")
    job(duckdb_target, "items", load="upsert", cursor=cursor(**({"start": start} if start else {})))
    bqferry.ok("run")
    assert ids(duckdb_target) == expected


@pytest.mark.parametrize("column, value", (("timestamptz", "'infinity'"), ("timestamptz", "NULL"),
                                           ("int", "NULL"), ("int8", "9223372036854775807"),
                                           ("numeric(9,0)", "'NaN'")))
def test_rows_that_no_range_holds_are_counted(db, bqferry, job, duckdb_target, column, value):
    first = "now()" if column == "timestamptz" else "1"
    db.execute(f"CREATE TABLE items (id int PRIMARY KEY, at {column}); CREATE INDEX ON items (at);"
               f" INSERT INTO items VALUES (1, {first}), (2, {value}), (3, {value})")
    job(duckdb_target, "items", load="upsert", cursor=cursor("at"))
    report = bqferry.ok("run").job()
    assert report["cursor"]["rows_without_value"] == 2
    assert "2 rows have no value in at" in " ".join(report["notes"])
    db.execute(f"INSERT INTO items VALUES (4, {'now()' if column == 'timestamptz' else '2'})")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1, 4], "they do not take the cursor along"


def test_naive_times_need_a_zone(db, bqferry, job, duckdb_target):
    """The server's zone is not UTC for the role that reads."""
    db.execute("CREATE TABLE items (id int PRIMARY KEY, at timestamp);"
               " INSERT INTO items VALUES (1, now() AT TIME ZONE 'Asia/Tokyo')")
    job(duckdb_target, "items", load="upsert", cursor=cursor("at"))
    result = bqferry.fails("config", "run")
    assert "no time zone" in result.stderr and "time_zone: America/St_Johns" in result.stderr
    job(duckdb_target, "items", load="upsert", cursor=cursor("at", time_zone="Asia/Tokyo"))
    bqferry.ok("run")
    assert ids(duckdb_target) == [1]
    job(duckdb_target, "items", load="upsert", cursor=cursor("at", time_zone="Asia/Nowhere"))
    assert "Nowhere" in bqferry.fails("source", "run").stderr


def test_naive_times_behind_a_zone(db, bqferry, job, duckdb_target):
    """A wall clock that is ahead of UTC: what it shows now is not in the future."""
    db.execute("CREATE TABLE items (id serial PRIMARY KEY,"
               " at timestamp DEFAULT (now() AT TIME ZONE 'Pacific/Kiritimati'))")
    job(duckdb_target, "items", load="append", cursor=cursor("at", time_zone="Pacific/Kiritimati"))
    for number in range(1, 4):
        db.execute("INSERT INTO items DEFAULT VALUES")
        bqferry.ok("run")
        assert ids(duckdb_target) == list(range(1, number + 1))


def test_days_are_read_when_they_are_over(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int PRIMARY KEY, day date);"
               " INSERT INTO items VALUES (1, current_date - 1), (2, current_date)")
    job(duckdb_target, "items", load="append", cursor=cursor("day", time_zone="UTC"))
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES (3, current_date)")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1]


def test_what_cannot_be_a_cursor(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
    job(duckdb_target, "items", load="upsert", cursor=cursor("name"))
    assert "cannot be a cursor" in bqferry.fails("config", "run").stderr
    job(duckdb_target, "items", load="upsert", cursor=cursor("nmae"))
    assert 'did you mean "name"' in bqferry.fails("config", "run").stderr


def test_a_query_has_a_cursor_too(db, bqferry, job, duckdb_target, role):
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'a')")
    job(duckdb_target, {"query": "SELECT id, upper(name) AS name, updated_at FROM items -- all"},
        url=db.url(role), load="upsert", key="id", target={"table": "items"}, cursor=cursor())
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES (2, 'b')")
    assert bqferry.ok("run").job()["rows_read"] == 1
    assert duckdb_target.rows("items", "id, name") == [(1, "A"), (2, "B")]


def test_a_standby_has_no_bound(db, bqferry, job, duckdb_target, standby):
    db.execute(TABLE)
    wait_until(lambda: _has(standby, db.name, "items"), "the table to arrive at the standby")
    job(duckdb_target, "items", url=db.url(port=standby.port), load="upsert", cursor=cursor())
    for command in ("run", "plan"):
        result = bqferry.fails("config", command)
        text = " ".join((result.stdout + result.stderr).split())
        assert "the server is a standby" in text and "give the primary a connection of its own" in text, text
    checked = " ".join(bqferry("check").stdout.split())
    assert "jobs with a cursor cannot run" in checked and "lead to the primary" in checked
    bqferry.write_config({
        "version": 1, "destination": duckdb_target.config,
        "connections": {"primary": {"url": db.url()}, "standby": {"url": db.url(port=standby.port)}},
        "jobs": [{"name": "main", "source": {"connection": "primary", "table": "items"}, "load": "upsert",
                  "cursor": cursor()},
                 {"name": "whole", "source": {"connection": "standby", "table": "items"}, "load": "replace",
                  "target": {"table": "whole"}}]})
    bqferry.ok("run")


def _has(server, database, table):
    try:
        with server.connect(database) as connection:
            return connection.execute(f"SELECT to_regclass('{table}')").fetchone()[0] is not None
    except Exception:
        return False


# Clocks -------------------------------------------------------------------------------------------

def test_a_clock_that_was_set_back_is_noticed(db, bqferry, job, duckdb_target):
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'a')")
    job(duckdb_target, "items", url=db.url("watcher"), load="upsert", cursor=cursor())
    bqferry.ok("run")
    ahead = db.value("SELECT to_char((now() + interval '1 hour') AT TIME ZONE 'UTC',"
                     " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    bqferry.ok("state", "set", "main", "--cursor", ahead)
    notes = " ".join(bqferry.ok("run").job()["notes"])
    assert "set back" in notes and "lookback" in notes
    before = place_of(bqferry)
    bqferry.ok("run")
    assert place_of(bqferry) == before, "the cursor went back"


def test_grace_is_for_clocks_that_differ(db, bqferry, job, duckdb_target):
    """An application stamps with its own clock, which is slow."""
    db.execute(TABLE)
    job(duckdb_target, "items", url=db.url("watcher"), load="upsert", cursor=cursor(grace="1h"))
    db.execute("INSERT INTO items VALUES (1, 'a', now() - interval '2 hours')")
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES (2, 'stamped by a slow clock', now() - interval '50 minutes')")
    bqferry.ok("run")
    assert ids(duckdb_target) == [1]
    assert db.value(f"SELECT '{place_of(bqferry)}'::timestamptz < now() - interval '55 minutes'")


def test_check_says_how_bounds_are_found(db, bqferry, job, duckdb_target, role):
    db.execute(TABLE)
    job(duckdb_target, "items", url=db.url(role), load="upsert", cursor=cursor())
    text = bqferry("check").text
    assert "open transactions" in text
    assert ("GRANT pg_read_all_stats" in text) == (role == "ferry"), text


# Large ranges -----------------------------------------------------------------------------------------

def test_what_is_new_is_read_by_several_workers(db, bqferry, job, duckdb_target):
    """The planner's statistics know nothing of rows that were changed since, and these are close together in a
    long range: each worker gets its share all the same, and together they read each row once."""
    db.execute("CREATE TABLE items (id int, updated_at timestamptz) WITH (autovacuum_enabled = off)")
    db.execute("INSERT INTO items SELECT i, timestamptz '2020-01-01Z' FROM generate_series(1, 600000) i")
    db.execute("CREATE INDEX ON items (updated_at); ANALYZE items")
    job(duckdb_target, "items", url=db.url("watcher"), load="append", cursor=cursor(), workers=2)
    bqferry.ok("run")
    bqferry.ok("state", "set", "main", "--cursor", "2020-06-01")
    db.execute("UPDATE items SET updated_at = clock_timestamp() WHERE id <= 450000")
    planned = json.loads(bqferry.ok("plan", "--json").stdout)["jobs"][0]
    counts = [db.value(f"SELECT count(*) FROM items WHERE {shard['predicate']}") for shard in planned["shards"]]
    assert len(counts) == planned["workers"] == 2 and sum(counts) == 450_000, planned["shards"]
    assert min(counts) > 100_000, counts
    report = bqferry.ok("run").job()
    assert report["workers"] == 2 and report["rows_read"] == 450_000
    assert len(ids(duckdb_target)) == 1_050_000 and len(set(ids(duckdb_target))) == 600_000


# What plan says of it ---------------------------------------------------------------------------------

def words(result):
    return " ".join(result.stdout.split())


def test_plan_shows_what_the_next_run_reads(db, bqferry, job, duckdb_target):
    db.execute(TABLE)
    db.execute("INSERT INTO items SELECT i, 'n', TIMESTAMPTZ '2026-01-01' + i * interval '1 h'"
               " FROM generate_series(1, 20) i")
    job(duckdb_target, "items", url=db.url("watcher"), load="upsert", cursor=cursor(start="2026-01-01"))
    assert "a first run reads updated_at >= 2026-01-01 00:00:00+00 and < 20" in words(bqferry.ok("plan"))
    assert not (bqferry.folder / ".bqferry").exists()  # a plan changes nothing
    run_id = bqferry.ok("run").job()["run_id"]
    place = place_of(bqferry)
    text = words(bqferry.ok("plan"))
    assert f"the next run reads updated_at >= {place} and < 20" in text, text
    assert f"the cursor is at {place} ({run_id}, 20" in text and "a first run" not in text
    planned = json.loads(bqferry.ok("plan", "--json").stdout)["jobs"][0]
    assert planned["saved_cursor"] == place and planned["cursor"].startswith(f"updated_at >= {place} and <")
    assert planned["interrupted_run"] is None
    db.execute("INSERT INTO items VALUES (30, 'new')")
    report = bqferry.ok("run").job()["cursor"]
    assert report["low"] == place  # as it was said
    text = words(bqferry.ok("plan", "--full-refresh"))
    assert "a first run reads updated_at >= 2026-01-01 00:00:00+00 and <" in text and "the next run" not in text


def test_plan_says_when_nothing_can_be_read(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int PRIMARY KEY); INSERT INTO items SELECT generate_series(1, 9)")
    job(duckdb_target, "items", url=db.url("watcher"), load="upsert", cursor=cursor("id", lookback=3, operator=">"))
    assert "a first run reads id <= 9" in words(bqferry.ok("plan"))
    bqferry.ok("run")
    assert "the next run reads nothing: no row that is new can be read now the cursor is at 9 (" in words(bqferry.ok("plan"))
    db.execute("INSERT INTO items VALUES (10)")
    assert "the next run reads id > 6 and <= 10 the cursor is at 9" in words(bqferry.ok("plan"))


def test_plan_refuses_what_a_run_refuses(db, bqferry, job, duckdb_target, fault_points):
    """A state of another table, a damaged one; and says what was interrupted."""
    db.execute(TABLE)
    db.execute("INSERT INTO items VALUES (1, 'one'); CREATE TABLE others (LIKE items)")
    job(duckdb_target, "items", url=db.url("watcher"), load="upsert", cursor=cursor())
    assert bqferry("run", fault="delivery.counted").killed
    interrupted = state_of(bqferry)["intent"]["run_id"]
    assert f"run {interrupted} was interrupted, or is under way" in words(bqferry.ok("plan"))
    bqferry.ok("run")
    job(duckdb_target, "others", url=db.url("watcher"), load="upsert", cursor=cursor(), key=["id"])
    plan, run = bqferry("plan"), bqferry("run")
    assert plan.code == run.code == 2
    for text in (words(plan), " ".join(run.stderr.split())):
        assert "it stands for rows of items, and the job reads others" in text, text
        assert "bqferry state reset main" in text
    (bqferry.folder / ".bqferry/jobs/main.json").write_text('{"version": 2, "jo')
    plan = bqferry("plan")
    assert plan.code == 2 and "bqferry state reset" in words(plan), str(plan)
