#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings changed rows into a large DuckDB table, beside what DuckDB itself needs for the merge alone, and
beside psql for the read alone; prints Markdown tables.

A share of a table in PostgreSQL is changed; `bqferry run` reads it by its cursor and upserts it. The plain
MERGE finds the same rows in a Parquet file, so it has nothing to read from a server. Every measure begins
with a fresh copy of the same database file, in a process of its own; medians of interleaved repetitions."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import TABLE, find_release, measure
from support.postgres import Postgres

SHARES = (1, 10, 100)

MERGE = """
import duckdb, json, sys, time
path, changes = sys.argv[1:3]
connection = duckdb.connect(path)
columns = [row[0] for row in connection.execute("DESCRIBE lines").fetchall()]
sets = ", ".join(f'"{name}" = s."{name}"' for name in columns if name != "id")
names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(f's."{name}"' for name in columns)
began = time.monotonic()
connection.execute(f"MERGE INTO lines AS t USING read_parquet('{changes}') AS s ON t.id = s.id"
                   f" WHEN MATCHED THEN UPDATE SET {sets} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})")
connection.close()
print(json.dumps(time.monotonic() - began))
"""

EXPORT = """
import duckdb, sys
path, changes, since = sys.argv[1:4]
duckdb.connect(path).execute(f"COPY (SELECT * FROM lines WHERE epoch_us(updated_at) >= {since}) TO '{changes}' (FORMAT parquet)")
"""

SUMS = "SELECT count(*), sum(id), sum(quantity), sum(epoch_us(updated_at)::HUGEINT) FROM lines"


class Bench:
    def __init__(self, folder, server, rows):
        self.folder, self.server, self.rows = folder, server, rows
        self.program = find_release()
        self.url = f"postgresql://watcher@127.0.0.1:{server.port}/bench"
        self.state, self.database = folder / "state", folder / "warehouse.duckdb"
        self.config = folder / "bqferry.yaml"
        self.config.write_text(json.dumps({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": self.url}},
            "destination": {"type": "duckdb", "path": str(self.database)},
            "state": {"type": "file", "path": str(self.state)},
            "jobs": [{"name": "lines", "source": {"connection": "db", "table": "public.lines"}, "load": "upsert",
                      "cursor": {"column": "updated_at", "grace": "0s"}}]}))

    def run(self):
        report = self.folder / "report.json"
        wall, cpu, peak = measure([[self.program, "run", "--config", self.config, "--progress", "none",
                                    "--report", report]], self.folder)
        return wall, cpu, peak, json.loads(report.read_text())["jobs"][0]

    def sql(self, statement):
        with self.server.connect("bench") as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def fill(self):
        self.sql(TABLE.format(rows=self.rows))
        self.sql("ALTER TABLE lines ADD PRIMARY KEY (id), ADD COLUMN updated_at timestamptz DEFAULT '2026-01-01Z'")
        self.sql("CREATE INDEX ON lines (updated_at)")
        self.sql("VACUUM ANALYZE lines")

    def keep(self, name):
        """What the files are now, to come back to."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / name).mkdir()
        shutil.copy(self.database, self.folder / name)
        shutil.copytree(self.state, self.folder / name / "state")

    def restore(self, name):
        shutil.rmtree(self.state)
        shutil.copytree(self.folder / name / "state", self.state)
        shutil.copy(self.folder / name / self.database.name, self.database)


def python(folder, code, *arguments):
    script = folder / "script.py"
    script.write_text(code)
    return [sys.executable, script, *arguments]


def plain_merge(bench, changes):
    wall, cpu, peak = measure([python(bench.folder, MERGE, bench.database, changes)], bench.folder)
    return wall, cpu, peak, float((bench.folder / "log-0").read_text())


def sums(bench):
    return subprocess.check_output(
        [sys.executable, "-c", "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())",
         bench.database, SUMS], text=True)


def share(bench, percent, repeat):
    """One share: [(what, wall, CPU, peak, seconds of the merge alone)], and the read beside psql."""
    bench.restore("base")
    since = bench.sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8")
    changed = bench.sql("WITH changed AS (UPDATE lines SET quantity = quantity + 1, updated_at = clock_timestamp()"
                        f" WHERE id % 100 < {percent} RETURNING 1) SELECT count(*) FROM changed")
    bench.sql("VACUUM lines")
    after, merges, runs, reads = bench.folder / "changes.parquet", [], [], []
    psql = shutil.which("psql", path=f"{bench.server.bin}:/usr/bin")
    copy = [psql, "-X", "-q", "-d", bench.url, "-c",
            f"\\copy (SELECT * FROM lines WHERE updated_at >= to_timestamp({since / 1e6}))"
            " TO '/dev/null' (FORMAT binary)"]
    for number in range(repeat):
        bench.restore("base")
        wall, cpu, peak, report = bench.run()
        assert report["rows_read"] == changed, report
        runs.append((wall, cpu, peak, report["phases"]["apply_ms"] / 1000, report["phases"]["extract_ms"] / 1000))
        expected = sums(bench)
        if number == 0:
            measure([python(bench.folder, EXPORT, bench.database, after, str(since))], bench.folder)
        bench.restore("base")
        merges.append(plain_merge(bench, after))
        assert sums(bench) == expected, "the plain merge gives other rows"
        reads.append(measure([copy], bench.folder))
    medians = lambda rows: [statistics.median(column) for column in zip(*rows)]
    bench.sql("UPDATE lines SET updated_at = '2026-01-01Z' WHERE updated_at > '2026-01-01Z'")
    bench.sql("VACUUM lines")
    return changed, medians(runs), medians(merges), medians(reads)


def print_tables(results):
    print("\n| Upsert of | rows | bqferry: all | of it the merge | plain MERGE from Parquet | ratio of the merges |"
          " peak, plain |\n|---|---|---|---|---|---|---|")
    for percent, (changed, run, merge, _) in results.items():
        print(f"| {percent} % | {changed:,} | {run[0]:.2f} s | {run[3]:.2f} s | {merge[3]:.2f} s |"
              f" {run[3] / merge[3]:.2f} | {run[2] / 1e6:.0f} MB, {merge[2] / 1e6:.0f} MB |")
    print("\n| Incremental read of | `psql \\copy` binary | bqferry's read and stage | ratio |\n|---|---|---|---|")
    for percent, (_, run, _, read) in results.items():
        print(f"| {percent} % | {read[0]:.2f} s | {run[4]:.2f} s | {run[4] / read[0]:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, once")
    options = parser.parse_args()
    rows, repeat = (200_000, 1) if options.quick else (options.rows, options.repeat)
    with tempfile.TemporaryDirectory(prefix="bqferry-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder / "postgres", settings={"max_wal_size": "'8GB'"}).create().start()
        try:
            server.create_roles()
            with server.connect("postgres") as admin:
                admin.execute("CREATE DATABASE bench")
            bench = Bench(folder, server, rows)
            bench.fill()
            first = bench.run()
            print(f"{rows:,} rows; the first run took {first[0]:.2f} s, {first[2] / 1e6:.0f} MB")
            bench.keep("base")
            print_tables({percent: share(bench, percent, repeat) for percent in SHARES})
        finally:
            server.stop()


if __name__ == "__main__":
    main()
