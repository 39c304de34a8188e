# SPDX-License-Identifier: Apache-2.0
"""Reads targets back with other people's clients: DuckDB's, fastavro, Python's json and gzip."""

import base64
import gzip
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import fastavro


# DuckDB -------------------------------------------------------------------------------------------

def duckdb_query(path, query):
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def duckdb_rows(path, table, columns="*", order="1"):
    return duckdb_query(path, f"SELECT {columns} FROM {table} ORDER BY {order}")


def duckdb_types(path, table, schema="main"):
    """{column: type} in the table's order."""
    return dict(duckdb_query(path, "SELECT column_name, data_type FROM duckdb_columns()"
                             f" WHERE schema_name = '{schema}' AND table_name = '{table}'"
                             " ORDER BY column_index"))


def duckdb_tables(path):
    """Every table as schema.name, bqferry's own records left out."""
    if not Path(path).exists():
        return set()
    return {f"{schema}.{name}" for schema, name in duckdb_query(
        path, "SELECT schema_name, table_name FROM duckdb_tables()") if schema != "_bqferry"}


def duckdb_runs(path):
    """The applied runs: [(run_id, job, target, load, rows)]."""
    if not Path(path).exists():
        return []
    try:
        return duckdb_query(path, "SELECT run_id, job, target, load, rows FROM _bqferry.runs"
                            " ORDER BY applied_at, run_id")
    except duckdb.CatalogException:
        return []


# BigQuery -----------------------------------------------------------------------------------------

def bigquery_raw(target, table):
    """All rows as tuples, by google-cloud-bigquery: values as its rows have them, but JSON and INTERVAL
    as the API spells them, because its own readings of those lose digits and repeated members."""
    from google.cloud.bigquery import _helpers, schema

    def as_text(field):
        if field.field_type in ("JSON", "INTERVAL"):
            return schema.SchemaField(field.name, "STRING", mode=field.mode)
        return schema.SchemaField(field.name, field.field_type, mode=field.mode,
                                  fields=[as_text(inner) for inner in field.fields])

    found = target.get(table)
    fields = [as_text(field) for field in found.schema]
    path = f"{found.path}/data"
    rows, token = [], None
    while True:
        page = target.client._connection.api_request(
            method="GET", path=path, query_params={"formatOptions.useInt64Timestamp": True,
                                                   **({"pageToken": token} if token else {})})
        rows += [_helpers._row_tuple_from_json(row, fields) for row in page.get("rows", [])]
        token = page.get("pageToken")
        if not token:
            return rows


# Files --------------------------------------------------------------------------------------------

def crc32c(data):
    """CRC-32C (Castagnoli), by table; RFC 3720 gives 0xe3069283 for "123456789"."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _crc_table():
    table = []
    for index in range(256):
        for _ in range(8):
            index = (index >> 1) ^ (0x82F63B78 if index & 1 else 0)
        table.append(index)
    return table


_CRC = _crc_table()
assert crc32c(b"123456789") == 0xE3069283


def manifest(folder):
    """The table's manifest; None when there is none."""
    path = Path(folder) / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else None


def read_avro(path):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        return reader.writer_schema, list(reader)


def json_loads(text):
    """JSON without loss: numbers as written, every member of an object in its place."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal,
                      object_pairs_hook=lambda pairs: {"members": pairs})


def read_ndjson(path, loads=json.loads):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as file:
        return [loads(line) for line in file]


def check_shards(folder):
    """The manifest agrees with what lies there: every byte named, nothing else, nothing half."""
    folder = Path(folder)
    found = manifest(folder)
    assert found is not None, f"{folder} has no manifest.json: {sorted(folder.glob('*'))}"
    assert found["version"] == 1 and found["table"] == folder.name
    names = [shard["file"] for shard in found["shards"]]
    assert len(names) == len(set(names))
    lying = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert lying == set(names) | {"manifest.json"}, f"{lying} is not {names} and manifest.json"
    for shard in found["shards"]:
        data = (folder / shard["file"]).read_bytes()
        assert len(data) == int(shard["bytes"]), shard
        check_sum(data, shard["checksum"])
        rows = read_shard(folder / shard["file"])
        assert len(rows) == int(shard["rows"]), shard
    assert found["rows"] == sum(int(shard["rows"]) for shard in found["shards"])
    assert found["bytes"] == sum(int(shard["bytes"]) for shard in found["shards"])
    return found


def check_sum(data, text):
    if len(data) > 1_000_000:  # byte by byte in Python: larger ones cost seconds
        assert text.startswith("crc32c:") and len(text) == 15, text
    else:
        assert text == f"crc32c:{crc32c(data):08x}"


def read_shard(path, loads=json.loads):
    return read_avro(path)[1] if path.suffix == ".avro" else read_ndjson(path, loads)


def files_rows(folder, loads=json.loads):
    """All rows that the manifest lists, shard after shard; [] without a manifest."""
    found = manifest(folder)
    if found is None:
        return []
    return [row for shard in found["shards"] for row in read_shard(Path(folder) / shard["file"], loads)]


def leftovers(folder):
    """Hidden or temporary names below a files target: staging that nobody removed."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*")
                  if path.name.startswith(".") or path.name.endswith((".tmp", ".new", "~")))


def from_base64(text):
    return base64.b64decode(text, validate=True)
