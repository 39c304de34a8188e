# SPDX-License-Identifier: Apache-2.0
"""Random values of many types, row by row against what another client (psycopg) reads."""

from datetime import timezone
from decimal import Decimal

import pytest

from support import matrix, readers
from support.targets import make_target

# Column, its type, and SQL for a random value of it.
COLUMNS = [
    ("small", "int2", "(random() * 65535 - 32768)::int2"),
    ("medium", "int4", "(random() * 4294967295 - 2147483648)::int8::int4"),
    ("large", "int8", "((random() - 0.5) * power(2, random() * 64))::numeric::int8"),
    ("real_four", "float4", "((random() - 0.5) * power(10, random() * 60 - 30))::float4"),
    ("real_eight", "float8", "(random() - 0.5) * power(10, random() * 500 - 250)"),
    ("price", "numeric(12,2)", "((random() - 0.5) * power(10, random() * 9))::numeric(12,2)"),
    ("fine", "numeric(38,9)", "round(((random() - 0.5)::numeric * power(10::numeric, (random() * 29)::int)), 9)"),
    ("wide", "numeric(60,30)", "round((random() - 0.5)::numeric * power(10::numeric, (random() * 29)::int), 30)"),
    ("free", "numeric", "round((random() - 0.5)::numeric * power(10::numeric, (random() * 37)::int),"
                        " (random() * 38)::int)"),
    ("day", "date", "DATE '0001-01-01' + (random() * 3652058)::int"),
    ("clock", "time", "TIME '00:00' + (random() * 86399999999)::int8 * INTERVAL '1 microsecond'"),
    ("moment", "timestamptz", "TIMESTAMPTZ '0001-01-02 00:00+00' + (random() * 3652050)::int * INTERVAL '1 day'"
                              " + (random() * 86399999999)::int8 * INTERVAL '1 microsecond'"),
    ("naive", "timestamp", "TIMESTAMP '0001-01-02 00:00' + (random() * 3652050)::int * INTERVAL '1 day'"
                           " + (random() * 86399999999)::int8 * INTERVAL '1 microsecond'"),
    ("flag", "bool", "random() < 0.5"),
    ("raw", "bytea", "decode(repeat(md5(random()::text), (random() * 3)::int), 'hex')"),
    ("word", "text", "(SELECT coalesce(string_agg(chr(CASE WHEN random() < 0.5 THEN (random() * 94)::int + 32"
                     " WHEN random() < 0.5 THEN (random() * 2000)::int + 161"
                     " ELSE (random() * 60000)::int + 65536 END), ''), '')"
                     " FROM generate_series(1, (random() * 20)::int) WHERE i > 0)"),
    ("ident", "uuid", "md5(random()::text)::uuid"),
    ("numbers", "int8[]", "(SELECT coalesce(array_agg((random() * 1000)::int8), '{}')"
                          " FROM generate_series(1, (random() * 5)::int) WHERE i > 0)"),
    ("prices", "numeric(12,2)[]", "(SELECT coalesce(array_agg((random() * 1000)::numeric(12,2)), '{}')"
                                  " FROM generate_series(1, (random() * 5)::int) WHERE i > 0)"),
]
ARRAYS = ("numbers", "prices")


def value(name, sql):
    """Every tenth value is NULL, but for arrays: they would arrive empty."""
    return sql if name in ARRAYS else f"CASE WHEN random() < 0.1 THEN NULL ELSE {sql} END"


def fill(db, seed, rows):
    columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
    values = ", ".join(value(name, sql) for name, _, sql in COLUMNS)
    db.execute(f"CREATE TABLE t (id int, {columns})")
    db.execute(f"SELECT setseed({seed.random()})")
    db.execute(f"INSERT INTO t SELECT i, {values} FROM generate_series(1, {rows}) i")


def as_read(found):
    """psycopg's value in the terms of the other clients."""
    if hasattr(found, "hex") and hasattr(found, "fields"):
        return str(found)
    if hasattr(found, "tzinfo") and found.tzinfo is not None:
        return found.astimezone(timezone.utc)
    return found


@pytest.fixture
def source_rows(db, seed, soak):
    fill(db, seed, 200_000 if soak else 3000)
    with db.connect() as connection:
        connection.execute("SET timezone = 'UTC'")
        return [tuple(map(as_read, row)) for row in connection.execute("SELECT * FROM t ORDER BY id",
                                                                        binary=True)]


def compare(wanted, found):
    names = ["id", *(name for name, _, _ in COLUMNS)]
    assert len(wanted) == len(found)
    wrong = [f"id {want[0]}, {name}: {got!r}, wanted {value!r}"
             for want, row in zip(wanted, found) for name, value, got in zip(names, want, row)
             if not matrix.same(got, value)]
    assert not wrong, f"{len(wrong)} values:\n" + "\n".join(wrong[:20])


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("workers", (1, 2))
def test_avro(bqferry, job, source_rows, tmp_path, workers):
    target = make_target("avro", tmp_path)
    job(target, "t", workers=workers)
    bqferry.ok("run")
    readers.check_shards(target.folder("t"))
    compare(source_rows, [tuple(row.values()) for row in sorted(target.dicts("t"), key=lambda row: row["id"])])


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_duckdb(bqferry, job, source_rows, tmp_path):
    target = make_target("duckdb", tmp_path)
    job(target, "t", workers=2)
    bqferry.ok("run")
    columns = ", ".join("epoch_us(moment)" if name == "moment" else f'"{name}"'
                        for name in ["id", *(name for name, _, _ in COLUMNS)])
    names = ["id", *(name for name, _, _ in COLUMNS)]

    def in_duckdb(name, found):
        if found is None:
            return None
        if name == "moment":
            seconds = found - matrix.utc(1970, 1, 1)
            return (seconds.days * 86400 + seconds.seconds) * 1_000_000 + seconds.microseconds
        if name == "wide":
            return f"{found:f}"
        if name == "free":
            return plain(found)
        return found

    wanted = [tuple(in_duckdb(name, found) for name, found in zip(names, row)) for row in source_rows]
    compare(wanted, target.rows("t", columns, order="id"))


def plain(number):
    """Digits without trailing zeros after the point, and no minus before zero."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if Decimal(text) == 0 else text


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_ndjson(bqferry, job, source_rows, tmp_path):
    target = make_target("ndjson", tmp_path)
    job(target, "t", workers=2)
    bqferry.ok("run")
    types = {"id": "INT64", "small": "INT64", "medium": "INT64", "large": "INT64", "real_four": "FLOAT64",
             "real_eight": "FLOAT64", "price": "NUMERIC", "fine": "NUMERIC", "wide": "BIGNUMERIC",
             "free": "BIGNUMERIC", "flag": "BOOL", "numbers": "ARRAY<INT64>", "prices": "ARRAY<NUMERIC>"}
    written = {
        "clock": lambda found: found.isoformat(), "day": lambda found: found.isoformat(),
        "naive": lambda found: found.isoformat(),
        "moment": lambda found: found.replace(tzinfo=None).isoformat() + "Z",
        "large": lambda found: found if abs(found) <= 1 << 53 else str(found)}
    rows = [dict(row["members"]) for row in readers.files_rows(target.folder("t"), readers.json_loads)]
    found = [tuple(readers.from_base64(value) if name == "raw" and value is not None
                   else matrix.from_ndjson(value, matrix.parse_type(types.get(name, "STRING")))
                   for name, value in row.items()) for row in sorted(rows, key=lambda row: row["id"])]
    names = ["id", *(name for name, _, _ in COLUMNS)]
    wanted = [tuple(written[name](value) if name in written and value is not None else value
                    for name, value in zip(names, row)) for row in source_rows]
    compare(wanted, found)
