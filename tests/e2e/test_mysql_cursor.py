# SPDX-License-Identifier: Apache-2.0
"""MySQL and MariaDB: metadata columns and merges, cursors and how far they may go, runs while people
work, killed at random. What must happen is in docs/internals/mysql.md."""

import pytest

from support import readers

TABLE = """CREATE TABLE items (id int PRIMARY KEY AUTO_INCREMENT, name varchar(40), note varchar(40),
           updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
           KEY (updated_at))"""


@pytest.fixture
def sql_job(sql_db, bqferry):
    """sql_job(target, source, **keys) writes a configuration with one job, `main`."""
    def write(target, source, /, url=None, **keys):
        return bqferry.write_config({
            "version": 1,
            "connections": {"db": {"url": url or sql_db.url()}},
            "destination": target.config,
            "defaults": {"retries": {"budget": "0s"}},
            "jobs": [{"name": "main", "source": {"connection": "db", "table": source}, **keys}]})
    return write


def fill(db, count=3):
    db.execute(TABLE, *(f"INSERT INTO items (name, note) VALUES ('n{i}', 'old')" for i in range(1, count + 1)))


def query(target, text):
    return readers.duckdb_query(target.path, text)


# Metadata columns and merges ----------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "replace", "upsert", "soft_delete"))
def test_metadata_columns(sql_db, bqferry, sql_job, duckdb_target, load):
    fill(sql_db)
    deletes = {"deletes": {"every": "0s"}} if load == "soft_delete" else {}
    sql_job(duckdb_target, "items", load=load, metadata_columns=True, **deletes)
    first = bqferry.ok("run").job()["run_id"]
    sql_db.execute("UPDATE items SET note = 'new' WHERE id = 1", "DELETE FROM items WHERE id = 3")
    second = bqferry.ok("run").job()["run_id"]
    stamps = query(duckdb_target, "SELECT _bqferry_run_id, count(*), count(DISTINCT _bqferry_synced_at),"
                   " bool_and(_bqferry_synced_at > now() - INTERVAL 1 HOUR) FROM items GROUP BY 1")
    counts = {run: rest for run, *rest in stamps}
    assert counts == {"append": {first: [3, 1, True], second: [2, 1, True]},
                      "replace": {second: [2, 1, True]},
                      "upsert": {first: [1, 1, True], second: [2, 1, True]},
                      "soft_delete": {second: [3, 1, True]}}[load]
    note = query(duckdb_target, "SELECT note FROM items WHERE id = 1 ORDER BY _bqferry_synced_at DESC LIMIT 1")
    assert note == [("new",)]
    if load == "soft_delete":
        assert query(duckdb_target, "SELECT id FROM items WHERE _bqferry_deleted_at IS NOT NULL") == [(3,)]
    duckdb_target.check("items")
