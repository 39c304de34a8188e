# SPDX-License-Identifier: Apache-2.0
"""Runs in a loop while people work on a MariaDB: at the end both sides are equal, whatever was killed."""

import time

import pytest

from support.mysql_writers import SCHEMA, Writers, wait_until_settled

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


def configure(bqferry, db, target, user, lookback=None):
    """Upserts with deletes, and appends by time and by number."""
    def cursor(column, **more):
        return {"column": column, "grace": "0s", "wait": "5s", **more}

    late = {"lookback": lookback} if lookback else {}
    by_number = [] if lookback else [
        {"name": "numbers", "source": {"connection": "alone", "table": "events"}, "target": "numbers", "load": "append",
         "cursor": cursor("id", operator=">")}]
    return bqferry.write_config({
        "version": 1,
        # waiting for those who hold smaller numbers would make it easy for the cursors of time
        "connections": {"db": {"url": db.url(user)}, "alone": {"url": db.url(user)}},
        "destination": target.config,
        "parallel": 1,
        "defaults": {"retries": {"budget": "20s"}},
        "jobs": [
            {"name": "items", "source": {"connection": "db", "table": "items"}, "load": "upsert", "cursor": cursor("updated_at", **late),
             "deletes": {"action": "hard", "every": "0s"}},
            {"name": "events", "source": {"connection": "db", "table": "events"}, "load": "append",
             "cursor": cursor("at", time_zone="UTC", **late)},
            *by_number]})


def compare(db, target, tables=("items", "events", "numbers")):
    """Both sides, by pymysql and by DuckDB's client."""
    micros = "CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {}) AS SIGNED)".format
    events = db.rows(f"SELECT id, {micros('at')}, body FROM events ORDER BY id")
    source = {"items": db.rows(f"SELECT id, v, w, {micros('updated_at')} FROM items ORDER BY id"),
              "events": events, "numbers": events}
    for table in tables:
        columns = "id, v, w, epoch_us(updated_at)" if table == "items" else "id, epoch_us(\"at\"), body"
        arrived = target.rows(table, columns, "id")
        lost, more = set(source[table]) - set(arrived), set(arrived) - set(source[table])
        assert not lost and not more, f"{table}: lost {sorted(lost)[:5]}, more {sorted(more)[:5]}"
        assert arrived == source[table], f"{table}: rows are there twice"
        target.check(table)
    return source


def test_runs_in_a_loop(sql_db, bqferry, duckdb_target, seed, soak):
    sql_db.execute(*SCHEMA)
    configure(bqferry, sql_db, duckdb_target, "watcher")
    with Writers(sql_db, seed) as writers:
        for _ in range(60 if soak else 6):
            bqferry.ok("run")
    wait_until_settled(sql_db)
    bqferry.ok("run")
    source = compare(sql_db, duckdb_target)
    assert writers.commits > 10 and len(source["items"]) > 200, "nobody worked"


def test_with_a_lookback_where_nobody_can_be_seen(sql_db, bqferry, duckdb_target, seed, soak):
    """An account without PROCESS: a lookback longer than transactions take covers what commits late."""
    sql_db.execute(*SCHEMA)
    configure(bqferry, sql_db, duckdb_target, "ferry", lookback="60s")
    with Writers(sql_db, seed):
        for _ in range(60 if soak else 5):
            bqferry.ok("run")
    wait_until_settled(sql_db)
    bqferry.ok("run")
    compare(sql_db, duckdb_target, ("items", "events"))


def test_killed_at_random(sql_db, bqferry, duckdb_target, seed, soak):
    """SIGKILL at any moment, again and again; no row is lost, doubled or half there."""
    sql_db.execute(*SCHEMA)
    configure(bqferry, sql_db, duckdb_target, "watcher")
    wanted, killed, started = (200 if soak else 12), 0, time.monotonic()
    with Writers(sql_db, seed):
        while killed < wanted:
            run = bqferry.start("run")
            try:
                run.process.wait(timeout=seed.random() * 3.0)
            except Exception:
                run.process.kill()
                killed += 1
            result = run.wait()
            assert result.killed or result.code == 0, str(result)
            assert time.monotonic() - started < (3600 if soak else 300), f"{killed} kills only"
    wait_until_settled(sql_db)
    bqferry.ok("run")
    bqferry.ok("run")
    compare(sql_db, duckdb_target)
