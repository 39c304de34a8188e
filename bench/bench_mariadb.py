#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Carries one table out of MariaDB in several ways, side by side, and prints a Markdown table.

Measures and table as bench.py; ratios are to one `mariadb -q -N` of the same table to /dev/null. With
MYSQL_BIN it is MySQL that is read (tests/support/mariadb.py)."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench import (Way, find_release, print_table, rows_of_duckdb, rows_of_files)
from support.mariadb import Mariadb, Mysql

TABLE = """
    CREATE TABLE `lines` (
        id bigint NOT NULL PRIMARY KEY, order_id int, part_id int, supplier_id int, line_number int,
        quantity decimal(15,2), price decimal(15,2), discount decimal(15,2), return_flag char(1),
        status char(1), ship_date date, commit_date date, received_at timestamp(6) NULL,
        mode varchar(10), instructions varchar(25), comment varchar(44)) ENGINE=InnoDB"""

ROWS = """
    INSERT INTO `lines` SELECT n, n DIV 4, n * 31 % 200000, n * 17 % 10000, n % 7 + 1, n % 50 + 1,
        (n * 7919 % 10000000) / 100, (n % 11) / 100, elt(n % 3 + 1, 'A', 'N', 'R'),
        elt(n % 2 + 1, 'O', 'F'), '1992-01-01' + INTERVAL n % 2500 DAY,
        '1992-02-01' + INTERVAL n % 2450 DAY,
        TIMESTAMP'2020-01-01 00:00:00' + INTERVAL n * 31000017 MICROSECOND,
        elt(n % 7 + 1, 'MAIL', 'SHIP', 'TRUCK', 'AIR', 'REG AIR', 'FOB', 'RAIL'),
        elt(n % 4 + 1, 'DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'), left(sha2(n, 224), 32)
    FROM (SELECT @n := @n + 1 AS n FROM {digits}, (SELECT @n := {start}) s LIMIT {count}) numbers"""
DIGITS = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4" \
         " UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
STEP = 100_000


def fill(database, rows):
    database.execute(TABLE)
    digits = ", ".join(f"{DIGITS} {name}" for name in "abcde")
    for start in range(0, rows, STEP):
        database.execute(ROWS.format(digits=digits, start=start, count=min(STEP, rows - start)))
    database.execute("ANALYZE TABLE `lines`")


def client_ways(database, rows):
    server = database.server
    client = [shutil.which("mariadb"), "--no-defaults", "-q", "-N", "-h127.0.0.1", f"-P{server.port}",
              "-uplain", database.name, "-e"]
    yield Way("`mariadb -q -N` to /dev/null", [[*client, "SELECT * FROM `lines`"]])
    half = rows // 2
    yield Way("two of them, on halves", [[*client, f"SELECT * FROM `lines` WHERE id <= {half}"],
                                         [*client, f"SELECT * FROM `lines` WHERE id > {half}"]])


def bqferry_ways(program, url, folder, workers):
    def run(name, destination, count):
        config = folder / f"{name}.yaml"
        config.write_text(json.dumps({  # JSON is YAML
            "version": 1, "connections": {"db": {"url": url}},
            "destination": destination, "state": {"type": "file", "path": str(folder / "state")},
            "jobs": [{"name": name, "source": {"connection": "db", "table": "lines"},
                      "load": "replace", "workers": workers}]}))
        return [[program, "run", "--config", config, "--progress", "none"]], \
            Path(destination["path"]), count

    yield Way("bqferry → Avro files (zstd)",
              *run("avro", {"type": "files", "path": str(folder / "avro")}, rows_of_files))
    yield Way("bqferry → NDJSON files, plain",
              *run("ndjson", {"type": "files", "path": str(folder / "ndjson"), "format": "ndjson",
                              "compression": "none"}, rows_of_files))
    yield Way("bqferry → DuckDB table",
              *run("duckdb", {"type": "duckdb", "path": str(folder / "bqferry.duckdb")},
                   rows_of_duckdb))


def print_aims(ways, base, rows):
    avro = next((way for way in ways if "Avro" in way.name), None)
    if not avro:
        return
    print("\n| aim | measured | at most | |\n|---|---:|---:|---|")
    for name, value, most in (("Avro's wall, × one mariadb -q", avro.median(0) / base.median(0), 0.75),
                              ("Avro's CPU, µs a row", avro.median(1) / rows * 1e6, 0.6),
                              ("Avro's peak memory, MB", avro.median(2) / 1e6, 24)):
        print(f"| {name} | {value:.2f} | {most} | {'met' if value <= most else '**missed**'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, each way once")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="ways whose name holds this word, and mariadb -q")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.repeat = min(arguments.rows, 200_000), 1
    program = Path(os.environ["BQFERRY_BIN"]) if os.environ.get("BQFERRY_BIN") else find_release()
    if not program:
        raise SystemExit("bench: build/release/bqferry is not there; build it with: make")

    folder = Path(tempfile.mkdtemp(prefix="bqferry-bench-"))
    folder.chmod(0o755)
    kind = Mysql if os.environ.get("MYSQL_BIN") else Mariadb
    server = kind(folder / "server", settings={"innodb-buffer-pool-size": "1G"})
    try:
        server.create().start().create_users(hostile=False)
        database = server.new_database("CHARACTER SET utf8mb4")
        print(f"Filling a table of {arguments.rows:,} rows", file=sys.stderr, flush=True)
        fill(database, arguments.rows)
        ways = [*client_ways(database, arguments.rows),
                *bqferry_ways(program, database.url(user="plain"), folder, arguments.workers)]
        base = ways[0]
        ways = [way for way in ways if way is base or arguments.only in way.name]
        size = database.value("SELECT data_length FROM information_schema.tables WHERE table_name ="
                              " 'lines'")
        print(f"{arguments.rows:,} rows × 16 columns, {size / 1e6:.0f} MB in {server.driver}"
              f" {server.version}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start;"
              f" medians of {arguments.repeat}.\n", flush=True)
        for turn in range(arguments.repeat):
            for way in ways:
                print(f"  {turn + 1}/{arguments.repeat} {way.name}", file=sys.stderr, flush=True)
                way.run(folder)
                if turn == 0 and way.count and (found := way.count(way.output)) != arguments.rows:
                    raise SystemExit(f"bench: {way.name} carried {found} of {arguments.rows} rows")
        print_table(ways, arguments.rows, base, "mariadb -q")
        print_aims(ways, base, arguments.rows)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
