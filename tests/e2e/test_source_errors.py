# SPDX-License-Identifier: Apache-2.0
"""What can go wrong at the source: each has its exit code and words, and the target stays as it was."""

import re
import signal
import socket
import threading
import time

import psycopg
import pytest

from support.gate import Gate
from support.postgres import PASSWORD, SAFE
from support.processes import free_port, wait_until
from support.program import check_sane

ROWS = 30_000


@pytest.fixture
def items(db):
    db.execute("CREATE TABLE items AS SELECT i AS id, repeat(md5(i::text), 4) AS pad"
               f" FROM generate_series(1, {ROWS}) i")
    return db


def check_untouched(target):
    assert target.tables() == set()
    assert target.leftovers() == []


def fails_at_source(bqferry, target, *words, kind="source", **options):
    result = bqferry.fails(kind, "run", **options)
    for word in words:
        assert word in result.stderr, f"wanted the words {word!r}\n{result}"
    failed = [one for one in result.report["jobs"] if one["status"] == "failed"]
    assert failed and failed[0]["error"]["message"]
    check_untouched(target)
    return result


# Connecting ---------------------------------------------------------------------------------------

def test_wrong_password(items, bqferry, job, target):
    job(target, "items", url=items.url(user="pw_role", password="wr0ng/secret"))
    result = bqferry.fails("source", "run")
    assert "password authentication failed" in result.stderr
    assert "wr0ng" not in result.text
    check_untouched(target)
    job(target, "items", url=items.url(user="pw_role", password=PASSWORD))
    bqferry.ok("run")


def test_no_password(items, bqferry, job, target):
    job(target, "items", url=items.url(user="pw_role"))
    result = bqferry.fails("source", "run")
    assert "password" in result.stderr


def test_nobody_listens(bqferry, job, target):
    port = free_port()
    job(target, "items", url=f"postgresql://ferry@127.0.0.1:{port}/shop")
    result = bqferry.fails("source", "run")
    assert "127.0.0.1" in result.stderr and str(port) in result.stderr
    check_untouched(target)


def test_unknown_host(bqferry, job, target):
    job(target, "items", url="postgresql://ferry@no-such-host.invalid/shop")
    result = bqferry.fails("source", "run")
    assert "no-such-host.invalid" in result.stderr


@pytest.mark.parametrize("url, env, word", (
    ("postgresql://ferry@127.0.0.1/shop?sslmode=bogus", {}, 'sslmode value: "bogus"'),
    ("postgresql://ferry@127.0.0.1/shop?nosuch=1", {}, "nosuch"),
    ("postgresql://ferry@127.0.0.1/shop", {"PGPORT": "abc"}, '"port"'),
    ("postgresql://ferry@127.0.0.1/shop", {"PGSSLMODE": "never"}, "sslmode"),
    ("postgresql:///?service=nosuch", {"PGSERVICEFILE": "/dev/null"}, '"nosuch" not found'),
))
def test_options_that_libpq_does_not_take(bqferry, job, target, url, env, word):
    job(target, "items", url=url)
    assert word in bqferry.fails("config", "run", env=env).stderr


def test_silent_host_ends_with_connect_timeout(bqferry, job, target, db):
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        job(target, "items", config={"connections": {"db": {
            "type": "postgresql", "url": f"postgresql://ferry@127.0.0.1:{silent.getsockname()[1]}/x",
            "connect_timeout": "2s"}}})
        began = time.monotonic()
        bqferry.fails("source", "run")
        assert time.monotonic() - began < 20


def test_server_speaks_something_else(bqferry, job, target, db):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                client.recv(1000)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                client.close()
        threading.Thread(target=answer, daemon=True).start()
        job(target, "items", url=f"postgresql://ferry@127.0.0.1:{server.getsockname()[1]}/x")
        bqferry.fails("source", "run")


def test_unknown_database(server, bqferry, job, target):
    job(target, "items", url=f"postgresql://ferry@127.0.0.1:{server.port}/no_such_database")
    result = bqferry.fails("source", "run")
    assert "no_such_database" in result.stderr


def test_unknown_role(items, bqferry, job, target):
    job(target, "items", url=items.url(user="no_such_role"))
    result = bqferry.fails("source", "run")
    assert "no_such_role" in result.stderr


# What is asked for is not there, or not allowed ------------------------------------------------------

@pytest.mark.parametrize("wanted, near", [
    ("public.itmes", "items"), ("itmes", "items"), ("publik.items", "public"),
    ("public.Items", "items")])
def test_missing_table(items, bqferry, job, target, wanted, near):
    job(target, wanted)
    result = fails_at_source(bqferry, target, wanted.split(".")[0])
    assert re.search(rf"did you mean .*\b{near}\b", result.stderr), f"{near} is not suggested\n{result}"


def test_pattern_that_matches_nothing(items, bqferry, job, target):
    job(target, "publik.*")
    result = bqferry("run")
    assert result.code in (2, 3), str(result)
    assert "publik.*" in result.stderr
    check_untouched(target)


def test_missing_permission(items, bqferry, job, target):
    job(target, "items", url=items.url(user="poor"))
    result = fails_at_source(bqferry, target, "items", "poor")
    assert "GRANT SELECT" in result.stderr, f"the fix is not named\n{result}"


def test_missing_permission_on_a_column(items, bqferry, job, target):
    items.execute("ALTER TABLE items ADD COLUMN more int; GRANT SELECT (id) ON items TO poor")
    job(target, "items", url=items.url(user="poor"))
    words = ("no permission to read column pad, more", "GRANT SELECT (pad, more) ON items", "source.columns")
    for command, stream in (("check", "stdout"), ("plan", "stdout"), ("run", "stderr")):
        said = re.sub(r"\s+", " ", getattr(bqferry.fails("source", command), stream))
        assert all(word in said for word in words), f"{command} misses some of {words}\n{said}"
    check_untouched(target)
    job(target, {"table": "items", "columns": ["id"]}, url=items.url(user="poor"))
    bqferry.ok("check")
    bqferry.ok("run")
    assert len(target.rows("items", "id")) == ROWS


def test_missing_permission_on_the_schema(db, bqferry, job, target):
    db.execute("CREATE SCHEMA closed; CREATE TABLE closed.t AS SELECT 1 AS id;"
               " GRANT SELECT ON closed.t TO poor")
    job(target, "closed.t", url=db.url(user="poor"))
    fails_at_source(bqferry, target, "closed")


def test_row_security_never_filters_silently(items, bqferry, job, target):
    items.execute("ALTER TABLE items ENABLE ROW LEVEL SECURITY;"
                  " CREATE POLICY few ON items USING (id <= 10)")
    job(target, "items")
    fails_at_source(bqferry, target, "row-level security")
    items.execute("ALTER TABLE items DISABLE ROW LEVEL SECURITY")
    bqferry.ok("run")
    assert len(target.rows("items", "id")) == ROWS


def test_broken_query(items, bqferry, job, target):
    job(target, {"query": "SELECT id FORM items"}, target="items")
    result = bqferry("run")
    assert result.code in (2, 3), str(result)
    assert "syntax error" in result.stderr
    check_untouched(target)


def test_the_servers_own_hint_is_shown(items, bqferry, job, target):
    items.execute("CREATE MATERIALIZED VIEW later AS SELECT 1 AS id WITH NO DATA")
    job(target, "later")
    assert "REFRESH MATERIALIZED VIEW" in bqferry.fails("source", "run").stderr


def test_error_in_the_middle_of_a_read(items, bqferry, job, target):
    """COPY's rows were already on their way when the server gave up: none of them may stay."""
    items.execute(f"CREATE VIEW bad AS SELECT id, 1 / (id - {ROWS - 5}) AS v, pad FROM items")
    job(target, "bad")
    fails_at_source(bqferry, target, "division by zero")


# Another session changes the table --------------------------------------------------------------------

# What the other session does, and how many rows the table then has (None: there is no table).
CHANGES = {
    "truncate": ("TRUNCATE items; INSERT INTO items SELECT i, 'new' FROM generate_series(1, 5) i", 5),
    "rewrite": ("ALTER TABLE items ALTER COLUMN id TYPE bigint", ROWS),
    "drop": ("DROP TABLE items", None),
    "drop and create": ("DROP TABLE items; CREATE TABLE items (id int, pad text);"
                        " INSERT INTO items VALUES (1, 'new')", 1),
    "drop column": ("ALTER TABLE items DROP COLUMN pad", ROWS),
    "add column": ("ALTER TABLE items ADD COLUMN more int DEFAULT 7", ROWS),
    "rename column": ("ALTER TABLE items RENAME COLUMN pad TO padding", ROWS),
    "vacuum full": ("VACUUM FULL items", ROWS),
}


def change(db, statements):
    """True when the change went through; False when bqferry's lock kept it out."""
    with db.connect() as other:
        other.execute("SET lock_timeout = '1s'")
        try:
            if not statements.startswith("VACUUM"):
                statements = f"BEGIN; {statements}; COMMIT"
            other.execute(statements)
            return True
        except psycopg.errors.LockNotAvailable:
            other.execute("ROLLBACK")
            return False


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("point", ("pg_export_snapshot", "LOCK TABLE", "COPY", "second COPY"))
@pytest.mark.parametrize("kind", ("duckdb",))
def test_changed_while_reading(items, bqferry, job, tmp_path, proxy, name, point, kind):
    """The target gets the table as it was or as it is, or the run fails: never an empty one or a part."""
    from support.targets import make_target
    target = make_target(kind, tmp_path)
    statements, rows = CHANGES[name]
    job(target, "items", workers=2, url=items.url(port=proxy.port, sslmode="disable"))
    proxy.hold(point.removeprefix("second "), skip=point.startswith("second "))
    run = bqferry.start("run")
    proxy.wait_held(run)
    changed = change(items, statements)
    proxy.release()
    result = run.wait()
    found = target.rows("items", "id")
    if result.code == 0:
        wanted = {ROWS, rows} if changed else {ROWS}
        assert len(found) in wanted and len(set(found)) == len(found), \
            f"{len(found)} rows arrived after {name} (it {'went through' if changed else 'waited'})\n{result}"
    else:
        assert changed, f"nothing had changed\n{result}"
        assert result.code == 3, str(result)
        assert "items" in result.stderr
        check_untouched(target)
        if rows is not None:
            bqferry.ok("run")
            assert len(target.rows("items", "id")) == rows


def test_changed_table_is_read_again_with_a_budget(items, bqferry, job, duckdb_target, proxy):
    statements, rows = CHANGES["truncate"]
    job(duckdb_target, "items", workers=2, retries={"budget": "1m"},
        url=items.url(port=proxy.port, sslmode="disable"))
    proxy.hold("LOCK TABLE")  # what takes the table's lock
    run = bqferry.start("run")
    proxy.wait_held(run)
    assert change(items, statements)
    proxy.release()
    result = run.wait()
    assert result.code == 0, str(result)
    assert result.job()["retries"] >= 1
    assert len(duckdb_target.rows("items", "id")) == rows


def test_locked_table_is_an_error_not_a_hang(items, bqferry, job, duckdb_target):
    """Somebody holds the table (a forgotten session after ALTER): said after a while, and whom to ask."""
    job(duckdb_target, "items")
    with items.connect() as other:
        other.execute("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        result = bqferry.fails("source", "run", timeout=60)
        other.execute("ROLLBACK")
    assert "lock" in result.stderr and "items" in result.stderr
    check_untouched(duckdb_target)
    bqferry.ok("run")


# The connection or the server goes away ---------------------------------------------------------------

def gated(items, gate, job, target, row=ROWS // 2, **keys):
    return job(target, {"table": "items", "where": gate.at("id", row)}, workers=2, **keys)


def terminate(db):
    return db.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   f" WHERE usename = 'ferry' AND datname = '{db.name}' AND state = 'active'")


def test_backend_terminated_mid_copy(items, bqferry, job, target, gate):
    gated(items, gate, job, target)
    run = bqferry.start("run")
    gate.wait_reached(run)
    assert terminate(items)
    gate.open()
    result = run.wait()
    assert result.code == 3, str(result)
    assert "terminating connection" in result.stderr
    check_untouched(target)
    bqferry.ok("run")
    assert len(target.rows("items", "id")) == ROWS


def test_backend_terminated_is_retried_with_a_budget(items, bqferry, job, target, gate):
    gated(items, gate, job, target, retries={"budget": "1m"})
    run = bqferry.start("run")
    gate.wait_reached(run)
    assert terminate(items)
    gate.open()
    result = run.wait()
    assert result.code == 0, str(result)
    job_report = result.job()
    # the readers' sessions ended, the exporter's did not: the snapshot still holds
    assert 1 <= job_report["retries"] <= 2 and job_report["attempt"] == 1
    assert job_report["rows_read"] == job_report["rows_applied"] == ROWS
    assert [row[0] for row in target.rows("items", "id")] == list(range(1, ROWS + 1))
    target.check("items")


@pytest.mark.parametrize("after", (100, 60_000, 2_000_000))
def test_connection_cut_mid_copy(items, bqferry, job, target, proxy, after):
    """The network breaks after some bytes: what came so far is no table."""
    job(target, "items", url=items.url(port=proxy.port, sslmode="disable"))
    proxy.cut("COPY", after)
    result = fails_at_source(bqferry, target)
    assert proxy.cuts == 1, str(result)
    bqferry.ok("run")
    assert len(target.rows("items", "id")) == ROWS


@pytest.mark.parametrize("after", (100, 60_000, 2_000_000))
def test_a_shard_is_read_again(items, bqferry, job, target, proxy, after):
    """One reader's connection breaks, the snapshot still holds: its shard comes again, the others stay."""
    job(target, "items", url=items.url(port=proxy.port, sslmode="disable"), workers=2,
        retries={"budget": "10s"})
    proxy.cut("COPY", after)
    report = bqferry.ok("run").job()
    assert proxy.cuts == 1
    assert report["retries"] == 1 and report["attempt"] == 1, "the whole run began anew"
    assert report["rows_read"] == report["rows_applied"] == ROWS
    assert sorted(row[0] for row in target.rows("items", "id")) == list(range(1, ROWS + 1))
    target.check("items")


@pytest.mark.parametrize("stop", (signal.SIGINT, signal.SIGQUIT))
@pytest.mark.parametrize("budget", ("0s", "2m"))
def test_server_restarts(own_server, bqferry, job, duckdb_target, stop, budget):
    server = own_server()
    db = server.new_database()
    db.execute("CREATE TABLE items AS SELECT i AS id, repeat(md5(i::text), 4) AS pad"
               f" FROM generate_series(1, {ROWS}) i")
    gate = Gate(db)
    db.execute("CHECKPOINT")  # the server's log is not written through
    job(duckdb_target, {"table": "items", "where": gate.at("id", ROWS // 2)}, url=db.url(), workers=2,
        retries={"budget": budget})
    run = bqferry.start("run", timeout=120)
    gate.wait_reached(run)
    server.restart(stop)  # the gate's own session dies with it: open
    result = run.wait()
    if budget == "0s":
        assert result.code == 3, str(result)
        check_untouched(duckdb_target)
    else:
        assert result.code == 0, str(result)
        assert result.job()["retries"] >= 1
        assert [row[0] for row in duckdb_target.rows("items", "id")] == list(range(1, ROWS + 1))


def test_server_stays_away(own_server, bqferry, job, duckdb_target):
    """The budget is not endless."""
    server = own_server()
    db = server.new_database()
    db.execute("CREATE TABLE items AS SELECT 1 AS id")
    job(duckdb_target, "items", url=db.url(), retries={"budget": "3s"})
    server.stop()
    began = time.monotonic()
    bqferry.fails("source", "run")
    assert time.monotonic() - began < 20


# Being stopped ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_stopped_by_a_signal(items, bqferry, job, target, gate, number):
    gated(items, gate, job, target)
    run = bqferry.start("run")
    gate.wait_reached(run)
    run.signal(number)
    began = time.monotonic()
    result = run.wait()
    assert time.monotonic() - began < 10
    assert result.code == 1, str(result)
    # the server's work is cancelled, not left to run on
    wait_until(lambda: not items.backends(), "the server's sessions to end", seconds=10)
    check_untouched(target)
    assert result.job()["status"] in ("failed", "not_run")
    gate.open()
    bqferry.ok("run")
    assert len(target.rows("items", "id")) == ROWS
    target.check("items")


def test_second_signal_ends_at_once(items, bqferry, job, duckdb_target, gate):
    gated(items, gate, job, duckdb_target)
    run = bqferry.start("run")
    gate.wait_reached(run)
    run.signal(signal.SIGINT)
    run.signal(signal.SIGINT)
    run.process.wait(10)
    assert run.process.returncode in (1, -signal.SIGINT, 130)
    gate.open()
    bqferry.ok("run")
    assert len(duckdb_target.rows("items", "id")) == ROWS


def test_role_with_short_timeouts(db, bqferry, job, target):
    """A role's own limits do not end a long read."""
    db.execute("CREATE VIEW slow AS SELECT i AS id, pg_sleep(0.05)::text AS nap"
               " FROM generate_series(1, 20) i")
    for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
        db.execute(f"ALTER DATABASE {db.name} SET {name} = '300ms'")
    job(target, "slow")
    bqferry.ok("run")
    assert len(target.rows("slow", "id")) == 20


def test_read_only_role_and_database(items, bqferry, job, target):
    items.execute(f"ALTER DATABASE {items.name} SET default_transaction_read_only = on")
    job(target, "items")
    bqferry.ok("run")


# Several jobs -----------------------------------------------------------------------------------------

def test_one_failure_does_not_stop_the_others(items, bqferry, target):
    items.execute("CREATE TABLE good AS SELECT 1 AS id; CREATE TABLE also_good AS SELECT 2 AS id;"
                  " CREATE TABLE bad AS SELECT 'infinity'::date AS d")

    def configure(names):
        bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": items.url()}},
            "destination": target.config, "parallel": 1, "defaults": {"retries": {"budget": "0s"}},
            "jobs": [{"name": name, "source": {"connection": "db", "table": name}} for name in names]})

    configure(["good", "bad", "missing", "also_good"])
    result = bqferry("run")
    assert result.code == 1, str(result)  # two kinds of failures
    assert {one["job"]: one["status"] for one in result.report["jobs"]} == {
        "good": "succeeded", "bad": "failed", "missing": "failed", "also_good": "succeeded"}
    assert result.job("bad")["error"]["kind"] == "data"
    assert result.job("missing")["error"]["kind"] == "source"
    assert target.rows("good") == [(1,)] and target.rows("also_good") == [(2,)]
    assert not target.exists("bad") and target.leftovers() == []
    configure(["bad", "good"])
    assert bqferry("run").code == 5  # one kind: its own code


def test_two_runs_of_one_job(items, bqferry, job, target, gate):
    gated(items, gate, job, target)
    run = bqferry.start("run")
    gate.wait_reached(run)
    second = bqferry.fails("locked", "run")
    assert str(run.pid) in second.stderr, f"the holder is not named\n{second}"
    gate.open()
    result = run.wait()
    assert result.code == 0, str(result)
    assert len(target.rows("items", "id")) == ROWS
    target.check("items")


def test_many_runs_of_one_job(items, bqferry, job, target):
    """Started together: one carries, the others say that it is locked, nothing arrives twice."""
    job(target, "items", load="append")
    runs = [bqferry.start("run") for _ in range(4)]
    results = [run.wait() for run in runs]
    for result in results:
        check_sane(result)
        assert result.code in (0, 7), str(result)
    done = sum(result.code == 0 for result in results)
    assert done >= 1
    assert len(target.rows("items", "id")) == done * ROWS
    target.check("items")
