#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Carries one table out of PostgreSQL in several ways, side by side, and prints a Markdown table.

Each way is a process of its own: wall clock, CPU of that process (not the server's), the most memory it
held, bytes written. Repetitions are interleaved and medians are shown, with ratios to one psql. What a
way wrote is counted afterwards: a fast way that lost rows would not be listed."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.postgres import Postgres  # noqa: E402
from support.program import clean_environment, find_release  # noqa: E402

TABLE = """
    CREATE TABLE lines AS SELECT
        i::bigint AS id, i / 4 AS order_id, i * 31 % 200000 AS part_id, i * 17 % 10000 AS supplier_id,
        i % 7 + 1 AS line_number, (i % 50 + 1)::numeric(15,2) AS quantity,
        (i::bigint * 7919 % 10000000 / 100.0)::numeric(15,2) AS price, (i % 11 / 100.0)::numeric(15,2) AS discount,
        (ARRAY['A', 'N', 'R'])[i % 3 + 1]::char(1) AS return_flag,
        (ARRAY['O', 'F'])[i % 2 + 1]::char(1) AS status, DATE '1992-01-01' + i % 2500 AS ship_date,
        DATE '1992-02-01' + i % 2450 AS commit_date,
        TIMESTAMPTZ '2020-01-01 00:00+00' + i * INTERVAL '31.000017 seconds' AS received_at,
        (ARRAY['MAIL', 'SHIP', 'TRUCK', 'AIR', 'REG AIR', 'FOB', 'RAIL'])[i % 7 + 1]::varchar(10) AS mode,
        (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[i % 4 + 1]::varchar(25)
            AS instructions,
        md5(i::text)::varchar(44) AS comment
    FROM generate_series(1, {rows}) i"""

DUCKDB = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], config={"allow_unsigned_extensions": "true"})
connection.execute(f"LOAD '{sys.argv[2]}'")
connection.execute(f"ATTACH '{sys.argv[3]}' AS pg (TYPE postgres, READ_ONLY)")
connection.execute(sys.argv[4])
connection.close()
"""


# Measuring --------------------------------------------------------------------------------------------

def peak_of(pid):
    """The most memory a process has held, in bytes. Not ru_maxrss: that begins with its parent's."""
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def measure(commands, folder):
    """Runs commands side by side: (wall s, CPU s, peak bytes). Their CPU and memory are added up."""
    environment = clean_environment(folder)
    logs = [open(folder / f"log-{number}", "w+") for number in range(len(commands))]
    began = time.monotonic()
    processes = [subprocess.Popen(list(map(str, command)), cwd=folder, env=environment, stdout=log,
                                  stderr=log, stdin=subprocess.DEVNULL)
                 for command, log in zip(commands, logs)]
    peaks, usages, running = {}, [], {process.pid: process for process in processes}
    while running:
        for pid in list(running):
            peaks[pid] = max(peaks.get(pid, 0), peak_of(pid))
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                process = running.pop(pid)
                process.returncode = os.waitstatus_to_exitcode(status)
                usages.append(usage)
        time.sleep(0.005)
    wall = time.monotonic() - began
    for process, log in zip(processes, logs):
        log.seek(0)
        text = log.read()
        log.close()
        if process.returncode != 0:
            raise SystemExit(f"{process.args} ended with {process.returncode}:\n{text[-3000:]}")
    return wall, sum(usage.ru_utime + usage.ru_stime for usage in usages), sum(peaks.values())


def bytes_below(path):
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


# The ways ---------------------------------------------------------------------------------------------

class Way:
    """One way out of the database; `what` is where its output lies."""

    def __init__(self, name, commands, output=None, count=None):
        self.name, self.commands, self.output, self.count = name, commands, output, count
        self.runs = []

    def run(self, folder):
        if self.output and self.output.is_dir():
            shutil.rmtree(self.output)
        elif self.output:
            self.output.unlink(missing_ok=True)
        self.runs.append((*measure(self.commands, folder), bytes_below(self.output) if self.output else 0))

    def median(self, index):
        return statistics.median(run[index] for run in self.runs)


def psql_ways(server, url):
    psql = shutil.which("psql", path=f"{server.bin}:{os.environ['PATH']}")
    with server.connect("bench") as connection:
        blocks = connection.execute("SELECT pg_relation_size('lines') / 8192").fetchone()[0]

    def copy(what):
        return [psql, "-X", "-q", "-d", url, "-c", f"\\copy {what} TO '/dev/null' (FORMAT binary)"]

    half = f"'({blocks // 2},0)'::tid"
    yield Way("`psql \\copy` binary to /dev/null", [copy("lines")])
    yield Way("two of them, on halves", [copy(f"(SELECT * FROM lines WHERE ctid < {half})"),
                                         copy(f"(SELECT * FROM lines WHERE ctid >= {half})")])


class Sink:
    """bench_sink, which swallows uploads; None when it is not built."""

    def __init__(self, program, rows):
        self.path = program.parent / "bench_sink"
        self.process = None
        if self.path.exists():
            self.process = subprocess.Popen([self.path, str(rows)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
            self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(10)


def bqferry_ways(program, url, folder, workers, sink):
    def run(name, destination, count):
        config = folder / f"{name}.yaml"
        config.write_text(json.dumps({  # JSON is YAML
            "version": 1, "connections": {"db": {"type": "postgresql", "url": url}},
            "destination": destination, "state": {"type": "file", "path": str(folder / "state")},
            "jobs": [{"name": name, "source": {"connection": "db", "table": "public.lines"},
                      "load": "replace", "workers": workers}]}))
        return [[program, "run", "--config", config, "--progress", "none"]], \
            Path(destination["path"]) if "path" in destination else None, count

    def bigquery(name, **keys):
        return run(name, {"type": "bigquery", "project": "my-project", "dataset": "d", "location": "US",
                          "endpoints": {"bigquery": sink.url, "storage": sink.url}, **keys}, None)

    def files(name, **keys):
        return run(name, {"type": "files", "path": str(folder / name), **keys}, rows_of_files)

    yield Way("bqferry → Avro files (zstd)", *files("avro", format="avro"))
    if sink.process:
        yield Way("bqferry → BigQuery by a bucket (objects into a sink)", *bigquery("objects", bucket="staging"))
        yield Way("bqferry → BigQuery by one upload (into a sink)", *bigquery("upload", one_shard_below="1TB"))
    yield Way("bqferry → NDJSON files, plain", *files("ndjson", format="ndjson", compression="none"))
    yield Way("bqferry → NDJSON files, gzip", *files("gzip", format="ndjson"))
    yield Way("bqferry → DuckDB table",
              *run("duckdb", {"type": "duckdb", "path": str(folder / "bqferry.duckdb")}, rows_of_duckdb))


def rows_of_files(output):
    return json.loads((output / "lines/manifest.json").read_text())["rows"]


def rows_of_duckdb(output):
    return query_duckdb(output, "SELECT count(*) FROM lines")


def query_duckdb(path, query):
    """In a process of its own: this one stays small."""
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])"
    return int(subprocess.check_output([sys.executable, "-c", code, str(path), query], text=True))


def extension_ways(server, folder):
    import importlib.util
    package = Path(importlib.util.find_spec("duckdb_extension_postgres_scanner").origin).parent
    extension = next(package.rglob("postgres_scanner.duckdb_extension"))
    source = f"host=127.0.0.1 port={server.port} dbname=bench user=plain"

    def run(database, statement):
        return [[sys.executable, "-c", DUCKDB, database, extension, source, statement]]

    parquet = folder / "extension.parquet"
    yield Way("DuckDB's postgres extension → Parquet",
              run(":memory:", f"COPY (FROM pg.lines) TO '{parquet}' (FORMAT parquet)"), parquet,
              lambda output: query_duckdb(":memory:", f"SELECT count(*) FROM '{output}'"))
    database = folder / "extension.duckdb"
    yield Way("DuckDB's postgres extension → DuckDB table",
              run(database, "CREATE TABLE lines AS FROM pg.lines"), database, rows_of_duckdb)


# What is printed --------------------------------------------------------------------------------------

def print_table(ways, rows, base, name="psql"):
    print(f"| | wall s | × {name} | CPU s | × its CPU | CPU µs a row | peak MB | output MB | rows/s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for way in ways:
        wall, cpu, peak, written = (way.median(index) for index in range(4))
        output = f"{written / 1e6:.0f}" if way.output else ""
        print(f"| {way.name} | {wall:.2f} | {wall / base.median(0):.2f} | {cpu:.2f} |"
              f" {cpu / base.median(1):.2f} | {cpu / rows * 1e6:.2f} | {peak / 1e6:.0f} | {output} |"
              f" {rows / wall:,.0f} |")


def print_aims(ways, base):
    """What the project aims at (two workers, two cores, 4 million rows)."""
    found = {way.name: way for way in ways}
    avro, plain = found.get("bqferry → Avro files (zstd)"), found.get("bqferry → NDJSON files, plain")
    duck, theirs = found.get("bqferry → DuckDB table"), found.get(
        "DuckDB's postgres extension → DuckDB table")
    aims = []
    if avro:
        aims += [("Avro's wall, × one psql", avro.median(0) / base.median(0), 0.75),
                 ("Avro's CPU, × one psql's", avro.median(1) / base.median(1), 1.6),
                 ("Avro's peak memory, MB", avro.median(2) / 1e6, 24)]
    objects = found.get("bqferry → BigQuery by a bucket (objects into a sink)")
    if avro and objects:
        aims += [("uploads' wall, × one psql", objects.median(0) / base.median(0), 0.75),
                 ("uploads' CPU, × Avro files'", objects.median(1) / avro.median(1), 1.3),
                 ("uploads' peak memory, MB", objects.median(2) / 1e6, 24)]
    if plain and avro:
        aims.append(("plain NDJSON's wall, × Avro's", plain.median(0) / avro.median(0), 2))
    if duck and theirs:
        aims += [("DuckDB's wall, × its extension's", duck.median(0) / theirs.median(0), 1),
                 ("DuckDB's peak memory, × its extension's", duck.median(2) / theirs.median(2), 0.5)]
    print("\n| aim | measured | at most | |\n|---|---:|---:|---|")
    for name, value, most in aims:
        print(f"| {name} | {value:.2f} | {most} | {'met' if value <= most else '**missed**'} |")


def print_machine(server, rows, repeat):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown processor")
    size = server.connect("bench").execute("SELECT pg_total_relation_size('lines')").fetchone()[0]
    load = os.getloadavg()[0]
    print(f"{rows:,} rows × 16 columns, {size / 1e6:.0f} MB in PostgreSQL {server.major()}; {os.cpu_count()}"
          f" cores ({model}), load {load:.1f} at the start; medians of {repeat}.\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, each way once")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="ways whose name holds this word, and psql")
    parser.add_argument("--json", type=Path, help="also writes every single measurement there")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.repeat = min(arguments.rows, 200_000), 1
    program = Path(os.environ["BQFERRY_BIN"]) if os.environ.get("BQFERRY_BIN") else find_release()
    if not program:
        raise SystemExit("bench: build/release/bqferry is not there; build it with: make")

    folder = Path(tempfile.mkdtemp(prefix="bqferry-bench-"))
    folder.chmod(0o755)
    sink = Sink(program, arguments.rows)
    server = Postgres(folder / "postgres", settings={"shared_buffers": "'512MB'"})
    try:
        server.create().start().create_roles()
        with server.connect("postgres") as admin:
            admin.execute("CREATE DATABASE bench")
        print(f"Filling a table of {arguments.rows:,} rows", file=sys.stderr, flush=True)
        with server.connect("bench") as admin:
            admin.execute(TABLE.format(rows=arguments.rows))
            admin.execute("VACUUM ANALYZE lines")
        url = f"postgresql://plain@127.0.0.1:{server.port}/bench"
        ways = [*psql_ways(server, url), *bqferry_ways(program, url, folder, arguments.workers, sink),
                *extension_ways(server, folder)]
        base = ways[0]
        ways = [way for way in ways if way is base or arguments.only in way.name]
        print_machine(server, arguments.rows, arguments.repeat)
        for turn in range(arguments.repeat):
            for way in ways:
                print(f"  {turn + 1}/{arguments.repeat} {way.name}", file=sys.stderr, flush=True)
                way.run(folder)
                if turn == 0 and way.count and (found := way.count(way.output)) != arguments.rows:
                    raise SystemExit(f"bench: {way.name} carried {found} of {arguments.rows} rows")
        print_table(ways, arguments.rows, base)
        print_aims(ways, base)
        if arguments.json:
            arguments.json.write_text(json.dumps(
                {way.name: [dict(zip(("wall_s", "cpu_s", "peak_bytes", "output_bytes"), run))
                            for run in way.runs] for way in ways}, indent=1))
    finally:
        sink.stop()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
