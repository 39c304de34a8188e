# SPDX-License-Identifier: Apache-2.0
"""Other PostgreSQL majors than Debian's: the oldest that is supported and the newest there is, all of
them when the large settings are asked for (tools/setup/postgres.sh brings the servers)."""

import os
import platform
import shutil
import subprocess
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from conftest import unavailable
from support import matrix
from support.carried import Carried, values_of
from support.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
MAJORS = [12, 13, 14, 16, 17, 18] if os.environ.get("BQFERRY_SOAK") else [12, 18]

TABLE = """
CREATE TYPE mood AS ENUM ('ok', 'so so');
CREATE DOMAIN price AS numeric(12,2);
CREATE TABLE t (
    id bigint PRIMARY KEY, small int2, amount price, free numeric, ratio float8, flag bool,
    day date, moment timestamptz, clock timestamp, note varchar(40), code char(4), data jsonb,
    blob bytea, tags text[], feeling mood, uid uuid, address inet,
    twice bigint GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO t SELECT i, i % 7, i + 0.25, i / 8.0, i * 0.5, i % 2 = 0, date '2024-02-28' + i % 3,
    timestamptz '2024-01-01 00:00:00.5+00' + i * interval '1 second', timestamp '2024-01-01', 'row ' || i,
    'ab', jsonb_build_object('n', i), decode('00ff', 'hex'), ARRAY['x', 'y' || i],
    (CASE WHEN i % 2 = 0 THEN 'ok' ELSE 'so so' END)::mood, '00000000-0000-0000-0000-000000000001', '10.0.0.1'
FROM generate_series(1, 40000) i;
ANALYZE t;
"""

COLUMNS = "id, small, amount, ratio, flag, day, clock, note, code, feeling, address, twice"


@pytest.fixture(params=MAJORS, scope="module")
def other_server(request, servers_folder):
    if platform.machine() != "x86_64":
        unavailable("other PostgreSQL majors are pinned for x86_64 only")
    major = request.param
    # The servers' user may not reach the checkout, so the programs go where it can.
    programs = servers_folder / f"programs-{major}"
    subprocess.run([ROOT / "tools/setup/postgres.sh", str(major)], check=True)
    shutil.copytree(ROOT / ".deps/postgres" / str(major), programs, symlinks=True)
    before = os.environ.get("PG_BIN")
    os.environ["PG_BIN"] = str(programs / "bin")
    server = None
    try:
        server = Postgres(servers_folder / f"postgres-{major}")
        server.create().start()
        server.create_roles()
        yield server
    finally:
        if server:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(programs)
        os.environ.pop("PG_BIN")
        if before:
            os.environ["PG_BIN"] = before


def run(bqferry, target, url, table, **keys):
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": url}},
        "destination": target.config,
        "jobs": [{"name": "main", "source": {"connection": "db", "table": table}, "load": "replace", **keys}]})
    return bqferry.ok("run").job()


def test_a_table_of_many_types(other_server, bqferry, target):
    db = other_server.new_database()
    try:
        db.execute(TABLE)
        job = run(bqferry, target, db.url(), "public.t", workers=2)
        assert (job["rows_read"], job["rows_staged"], job["rows_applied"]) == (40000,) * 3
        assert job["shards"] == 2, "ctid ranges need 14, key ranges serve before"
        rows = {row[0]: row for row in target.rows("t", COLUMNS)}
        assert len(rows) == 40000
        if target.kind == "duckdb":
            assert rows[3] == (3, 3, Decimal("3.25"), 1.5, False, date(2024, 2, 28),
                               datetime(2024, 1, 1), "row 3", "ab", "so so", "10.0.0.1", 6)
            moment = target.rows("t", "epoch_us(moment)", order="id")[2][0]
            assert moment == int(datetime(2024, 1, 1, 0, 0, 3, 500000, timezone.utc).timestamp() * 1e6)
        else:
            assert rows[3][0::11] == (3, 6) and rows[3][7:11] == ("row 3", "ab", "so so", "10.0.0.1")
        assert sum(row[0] for row in rows.values()) == 40000 * 40001 // 2
    finally:
        db.drop()


def test_every_type(other_server, tmp_path):
    """The whole table of tests/data/postgres/types.txt, as far as this server has the types."""
    db = matrix.make_database(other_server)
    try:
        run = Carried(db, tmp_path, "avro")
        wrong = [f"{name}: {run.jobs[name]['error']}" for name in run.sections
                 if run.jobs[name]["status"] != "succeeded"]
        wrong += [f"line {row.line}, {row.literal}: {found!r}, wanted {wanted!r}"
                  for name, section in run.sections.items() if run.jobs[name]["status"] == "succeeded"
                  for row, wanted, found in values_of(run, section) if not matrix.same(found, wanted)]
        assert not wrong, "\n".join(wrong)
        assert len(run.sections) > 150
    finally:
        db.drop()


def test_partitions(other_server, bqferry, duckdb_target):
    db = other_server.new_database()
    try:
        db.execute("CREATE TABLE p (id int, part int) PARTITION BY LIST (part);"
                   "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
                   "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);"
                   "INSERT INTO p SELECT i, 1 + i % 2 FROM generate_series(1, 50000) i; ANALYZE p")
        job = run(bqferry, duckdb_target, db.url(), "public.p", workers=2)
        assert job["rows_applied"] == 50000
        assert duckdb_target.rows("p", "count(*), count(DISTINCT id)") == [(50000, 50000)]
    finally:
        db.drop()
