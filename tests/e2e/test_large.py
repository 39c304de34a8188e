# SPDX-License-Identifier: Apache-2.0
"""Large tables, rows near the limits, and the memory they take. Small here, large with BQFERRY_SOAK=1.

Memory is measured with the release build: sanitizers keep much of their own."""

import json

import pytest

from support import readers
from support.program import Program, find_release
from support.targets import make_target

MB = 1_000_000

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


@pytest.fixture
def release(tmp_path):
    if not find_release():
        pytest.fail("build/release/bqferry is not built: memory is measured with it", pytrace=False)
    program = Program(tmp_path / "release", find_release())
    yield program
    program.close()


def configure(program, db, target, table, **keys):
    program.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}},
        "destination": {**target.config, **keys.pop("destination", {})},
        "jobs": [{"name": "main", "source": {"connection": "db", "table": table}, "load": "replace",
                  "workers": 2, **keys}]})


def carry(program, timeout=3600):
    """One run: its result and the most memory it held."""
    run = program.start("run", timeout=timeout)
    peak = run.peak_memory()
    result = run.wait()
    print(f"peak memory {peak / MB:.1f} MB")
    return result, peak


def totals(target, table):
    """(rows, sum of id) as another client sees them."""
    if target.kind == "duckdb":
        return readers.duckdb_query(target.path, f"SELECT count(*), sum(id) FROM {table}")[0]
    rows = total = 0
    for shard in readers.manifest(target.folder(table))["shards"]:
        path = target.folder(table) / shard["file"]
        if path.suffix == ".avro":
            import fastavro
            with open(path, "rb") as file:
                for row in fastavro.reader(file):
                    rows, total = rows + 1, total + row["id"]
        else:
            import gzip
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rb") as file:
                for line in file:
                    rows, total = rows + 1, total + json.loads(line)["id"]
    return rows, total


def narrow(db, rows):
    db.execute("DROP TABLE IF EXISTS narrow; CREATE UNLOGGED TABLE narrow AS SELECT i::bigint AS id,"
               f" (i % 1000)::int AS v FROM generate_series(1, {rows}) i; ANALYZE narrow")


# What a run may hold with two workers, whatever the table's size; DuckDB's part is its own setting.
LIMITS = {"avro": 24 * MB, "ndjson": 24 * MB, "duckdb": 400 * MB}


def test_many_narrow_rows(release, db, target, soak):
    """Memory does not grow with the table."""
    small, large = (1_000_000, 50_000_000) if soak else (100_000, 1_000_000)
    peaks = []
    for rows in (small, large):
        narrow(db, rows)
        configure(release, db, target, "narrow", destination={"memory_limit": "256MB", "threads": 2}
                  if target.kind == "duckdb" else {})
        result, peak = carry(release)
        assert result.code == 0, str(result)
        assert result.job()["rows_applied"] == rows
        assert totals(target, "narrow") == (rows, rows * (rows + 1) // 2)
        peaks.append(peak)
    assert max(peaks) <= LIMITS[target.kind], f"{[f'{peak / MB:.1f} MB' for peak in peaks]}"
    if target.kind != "duckdb":
        assert peaks[1] <= peaks[0] + 4 * MB, f"{[f'{peak / MB:.1f} MB' for peak in peaks]}"


@pytest.mark.parametrize("way", ("bq", "bq-bucket"))
@pytest.mark.parametrize("load", ("replace", "upsert"))
def test_many_rows_into_bigquery(release, db, google, soak, way, load):
    """Nor does it with the table's size when rows are uploaded, into load jobs or a bucket."""
    peaks = []
    for rows in (200_000, 4_000_000) if soak else (50_000, 400_000):
        target = make_target(way, None, google)
        narrow(db, rows)
        configure(release, db, target, "narrow", destination={"one_shard_below": "1MB"}, load=load,
                  **({"key": ["id"]} if load == "upsert" else {}))
        result, peak = carry(release)
        assert result.code == 0, str(result)
        found = google.client().query_and_wait(f"SELECT count(*), sum(id) FROM `{target.name('narrow')}`")
        assert [tuple(row.values()) for row in found] == [(rows, rows * (rows + 1) // 2)]
        peaks.append(peak)
    assert max(peaks) <= 40 * MB and peaks[1] <= peaks[0] + 4 * MB, f"{[f'{peak / MB:.1f} MB' for peak in peaks]}"


def test_wide_values(release, db, target, soak):
    """Texts of 1 MB and byte strings of 10 MB: arrive whole, in memory that is a few rows' worth."""
    times = 20 if soak else 3
    db.execute("CREATE TABLE wide (id int, note text, data bytea)")
    for number in range(times):
        db.execute("INSERT INTO wide SELECT %s, repeat(chr(200 + %s), 500000), decode(repeat(md5(%s::text),"
                   " 625000), 'hex')", (number, number, number))
    assert db.value("SELECT octet_length(note) FROM wide LIMIT 1") == 1_000_000
    assert db.value("SELECT octet_length(data) FROM wide LIMIT 1") == 10_000_000
    configure(release, db, target, "wide")
    result, peak = carry(release)
    assert result.code == 0, str(result)
    rows = {row[0]: row[1:] for row in target.rows("wide", "id, note, data", order="id")}
    for number in range(times):
        text, data = rows[number]
        data = readers.from_base64(data) if target.kind == "ndjson" else data
        assert text == chr(200 + number) * 500_000
        assert data == bytes.fromhex(db.value(f"SELECT md5('{number}')")) * 625_000
    assert len(rows) == times
    # DuckDB has all rows of a vector of 2,048 in memory: here that is the table, three times over.
    assert peak <= (500 + 3 * 11 * times if target.kind == "duckdb" else 250) * MB


@pytest.mark.parametrize("megabytes", (40, 200))
def test_rows_over_the_limit(release, db, target, megabytes):
    """A row that the format cannot hold is refused, with its size and the limit, and nothing is left."""
    db.execute("CREATE TABLE huge (id int, data bytea); INSERT INTO huge SELECT 1, 'small';"
               f" INSERT INTO huge SELECT 2, decode(repeat('00ff', {megabytes * 500_000}), 'hex')")
    configure(release, db, target, "huge")
    result, peak = carry(release)
    if result.code == 0:
        assert megabytes == 40 or target.kind == "duckdb", f"{megabytes} MB is over every load's limit"
        rows = target.rows("huge", "id, data", order="id")
        data = rows[1][1]
        assert len(readers.from_base64(data) if target.kind == "ndjson" else data) == megabytes * MB
    else:
        assert result.code == 5, str(result)
        # BigQuery reads Avro blocks of up to 16 MB, JSON rows of up to 100 MB
        assert megabytes == 200 or target.kind == "avro", f"{megabytes} MB is within the limits\n{result}"
        assert "MB" in result.stderr or "bytes" in result.stderr, str(result)
        assert not target.exists("huge") and target.leftovers() == []
        assert "row_size" in json.dumps(result.job()) or "limit" in result.stderr
    assert peak < 1500 * MB


def test_many_columns(release, db, target, soak):
    """1,600 columns is the most that PostgreSQL has."""
    columns = ", ".join(f"c{number} int" for number in range(1599))
    values = ", ".join(f"i + {number}" for number in range(1599))
    db.execute(f"CREATE UNLOGGED TABLE many (id int, {columns})")
    configure(release, db, target, "many")
    is_duckdb = target.kind == "duckdb"
    # DuckDB's memory grows up to its limit, and until a row group of 122,880 rows is full (docs/targets/duckdb.md).
    sizes = (60_000, 130_000) if is_duckdb else (20_000, 60_000)
    most = (600 if not soak else 1300) if is_duckdb else 60
    peaks = []
    for rows in sizes if soak else (200,):
        db.execute(f"TRUNCATE many; INSERT INTO many SELECT i, {values} FROM generate_series(1, {rows}) i")
        result, peak = carry(release)
        assert result.code == 0, str(result)
        assert not is_duckdb or result.job()["workers"] == 1, str(result)
        found = target.rows("many", "id, c0, c1598", order="id")
        assert found == [(number, number, number + 1598) for number in range(1, rows + 1)]
        assert peak <= most * MB
        peaks.append(peak)
    assert peaks[-1] <= 1.1 * peaks[0] + 4 * MB, f"{[f'{peak / MB:.1f} MB' for peak in peaks]}"


def test_a_merge_of_many_columns(release, db, google):
    """The statement names each column several times; its length is all that may grow with them."""
    target = make_target("bq", None, google)
    names = [f"column_whose_name_is_long_{number:04}" for number in range(1000)]
    db.execute(f"CREATE TABLE many (id int PRIMARY KEY, {', '.join(f'{name} int' for name in names)});"
               " INSERT INTO many SELECT i FROM generate_series(1, 5) i")
    configure(release, db, target, "many", load="upsert", changed_only=True, workers=1)
    for merged in (None, {"updated": 1, "unchanged": 4}):
        result, peak = carry(release)
        assert result.code == 0, str(result)
        assert merged is None or merged.items() <= result.job()["merged"].items(), str(result)
        assert peak <= 40 * MB
        db.execute(f"UPDATE many SET {names[7]} = 1 WHERE id = 3")


def test_many_tables(release, db, target, soak):
    """A whole schema: server connections and memory do not grow with the number of tables."""
    tables = 1000 if soak else 60
    for number in range(tables):
        db.execute(f"CREATE TABLE t{number} AS SELECT {number} AS id")
    configure(release, db, target, "public.*")
    result, peak = carry(release)
    assert result.code == 0, str(result)
    assert len(result.report["jobs"]) == tables
    assert target.rows("t7") == [(7,)] and len(target.tables()) == tables
    assert peak <= (500 if target.kind == "duckdb" else 40) * MB


def test_large_arrays_and_deep_json(release, db, target, soak):
    size = 1_000_000 if soak else 100_000
    depth = 400
    db.execute(f"CREATE TABLE t AS SELECT 1 AS id, array_fill(7, ARRAY[{size}]) AS numbers,"
               f" (repeat('[', {depth}) || repeat(']', {depth}))::json AS deep")
    configure(release, db, target, "t")
    result, _ = carry(release)
    assert result.code == 0, str(result)
    (number, numbers, deep), = target.rows("t", "id, numbers, deep")
    assert number == 1 and numbers == [7] * size
    text = deep if isinstance(deep, str) else json.dumps(deep)
    assert text.count("[") == depth
