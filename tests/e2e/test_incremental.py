# SPDX-License-Identifier: Apache-2.0
"""Cursors: what a run reads, where it stops, what it keeps in mind; upserts, appends, windows."""

import json
import time

import psycopg
import pytest

TABLE = """CREATE TABLE items (id int PRIMARY KEY, name text,
                               updated_at timestamptz NOT NULL DEFAULT now());
           CREATE INDEX ON items (updated_at)"""
CURSOR = {"column": "updated_at", "grace": "0s"}


def state_of(bqferry, job="main"):
    return json.loads((bqferry.folder / f".bqferry/jobs/{job}.json").read_text())


def same(db, target, table="items", columns="id, name", where="true"):
    """Source and target by their own clients; instants as microseconds."""
    wanted = db.rows(f"SELECT {columns}, (extract(epoch FROM updated_at) * 1000000)::int8"
                     f" FROM {table} WHERE {where} ORDER BY 1")
    assert target.rows(table, f"{columns}, epoch_us(updated_at)") == wanted
    return wanted


def test_an_upsert_brings_what_is_new_and_what_has_changed(db, bqferry, job, duckdb_target):
    db.execute(TABLE)
    db.execute("INSERT INTO items SELECT i, 'old' FROM generate_series(1, 100) i")
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    first = bqferry.ok("run").job()
    assert first["rows_read"] == 100 and first["merged"]["inserted"] == 100
    same(db, duckdb_target)

    db.execute("UPDATE items SET name = 'new', updated_at = now() WHERE id <= 10")
    db.execute("INSERT INTO items SELECT i, 'late' FROM generate_series(101, 105) i")
    second = bqferry.ok("run").job()
    assert second["rows_read"] == 15
    assert (second["merged"]["inserted"], second["merged"]["updated"]) == (5, 10)
    same(db, duckdb_target)

    third = bqferry.ok("run").job()
    assert third["rows_read"] == 0 and third["status"] == "succeeded"
    duckdb_target.check("items")
