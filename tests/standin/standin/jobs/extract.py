# SPDX-License-Identifier: Apache-2.0
"""Extract jobs: a table's rows into objects, as newline-delimited JSON or Avro.

https://docs.cloud.google.com/bigquery/docs/exporting-data (URIs, formats, compression, limitations),
…/rest/v2/Job#JobConfigurationExtract"""

from __future__ import annotations

import gzip
import io
import json
import re
from decimal import Decimal
from typing import Any, Iterator

import fastavro

from standin import partitions, physical, rowaccess, rows
from standin.catalog import Table
from standin.errors import ApiError, invalid, not_implemented
from standin.jobs import destination
from standin.jobs.destination import check_choice
from standin.resources import same_location
from standin.types import Field, Schema
from standin.values import EXACT

FORMATS = ("NEWLINE_DELIMITED_JSON", "AVRO")
OTHER_FORMATS = ("CSV", "PARQUET", "ML_TF_SAVED_MODEL", "ML_XGBOOST_BOOSTER")
COMPRESSIONS = {"NEWLINE_DELIMITED_JSON": ("NONE", "GZIP"), "AVRO": ("NONE", "DEFLATE", "SNAPPY")}
ALL_COMPRESSIONS = ("NONE", "GZIP", "DEFLATE", "SNAPPY", "ZSTD")
# "Up to 1 GB of data to a single file" holds for logical bytes.
MAX_SINGLE_FILE = 10**9
FETCH = 10_000


def uris(extract: dict[str, Any]) -> list[str]:
    one, several = extract.get("destinationUri"), extract.get("destinationUris")
    if one is not None and several:
        raise invalid("Only one of destinationUri and destinationUris should be specified.")
    if one is None and not several:
        raise ApiError("required", "Required parameter is missing: configuration.extract.destinationUris")
    return several or [one]  # type: ignore[list-item]


def check(app: Any, extract: dict[str, Any], location: str, has_media: bool) -> None:
    if extract.get("sourceModel") is not None or extract.get("modelExtractOptions") is not None:
        raise not_implemented("extract jobs of models")
    ref = destination.reference(extract.get("sourceTable"), "configuration.extract.sourceTable")
    kind = extract.get("destinationFormat") or "CSV"
    if kind in OTHER_FORMATS:
        raise not_implemented(f"extract jobs to {kind}"
                              f"{' (the default destinationFormat)' if 'destinationFormat' not in extract else ''}")
    check_choice(kind, FORMATS, "destinationFormat")
    compression = extract.get("compression") or "NONE"
    check_choice(compression, ALL_COMPRESSIONS, "compression")
    if compression not in COMPRESSIONS[kind]:
        raise invalid(f"Compression {compression} is not supported for {kind}", "compression")
    if compression == "SNAPPY":
        raise not_implemented("Snappy compression of extract jobs")
    for name in ("fieldDelimiter", "printHeader"):
        if extract.get(name) is not None:
            raise invalid(f"{name} is only supported for CSV", name)
    if extract.get("useAvroLogicalTypes") and kind != "AVRO":
        raise invalid("useAvroLogicalTypes is only supported for AVRO", "useAvroLogicalTypes")
    for uri in uris(extract):
        if not re.fullmatch(r"gs://[^/*]+/[^*]*\*?[^*]*", uri) or uri.endswith("/"):
            raise invalid(f"Invalid destination URI {uri}: gs://BUCKET/OBJECT with at most one wildcard after the bucket's "
                          "name", "destinationUris")
    dataset = app.catalog.dataset(ref.parent)
    if not same_location(dataset.location, location):
        raise ApiError("notFound", f"Not found: Dataset {ref.parent} was not found in location {location}")


def run(app: Any, job: Any) -> None:
    extract = job.configuration["extract"]
    ref = destination.reference(extract["sourceTable"], "sourceTable")
    if app.gcs is None:
        raise not_implemented("Cloud Storage here (the server was started with --no-gcs)")
    from standin.tables import locate
    table, partition = locate(app, ref)
    app.auth.require(job.identity, "bigquery.tables.export",
                     f"projects/{table.ref.project}/datasets/{table.ref.dataset}/tables/{table.ref.table}")
    if table.kind == "VIEW":
        raise invalid(f"{table.ref} is not allowed for this operation because it is currently a VIEW.")
    rowaccess.refuse_filtered(job.identity, table)
    source = table.source_sql
    if partition is not None:
        source = f"(SELECT * FROM {source} WHERE {partitions.predicate(table, partition)})"
    places = uris(extract)
    if table.bytes > MAX_SINGLE_FILE and any("*" not in uri for uri in places):
        raise invalid(f"Table {table.ref} too large to be exported to a single file. Specify a uri including a * to shard "
                      "export.")
    cursor = app.catalog.cursor()
    try:
        write(app, job, table, places, cursor, source)
    finally:
        cursor.close()
    job.statistics["extract"] = {"destinationUriFileCounts": ["1"] * len(places), "inputBytes": str(table.bytes)}


def write(app: Any, job: Any, table: Table, places: list[str], cursor: Any, source: str) -> None:
    """One object for each URI; the rows are dealt out among them in order."""
    extract = job.configuration["extract"]
    total = cursor.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
    share = -(-total // len(places)) if total else 0
    contents = []
    for number, uri in enumerate(places):
        name = uri.replace("*", f"{0:012}")
        found = fetch(cursor, table.schema, source, number * share, share)
        if extract["destinationFormat"] == "AVRO":
            contents.append((name, avro_file(table.schema, found, extract), "application/octet-stream"))
        else:
            contents.append((name, json_file(table.schema, found, extract), "application/json"))
    job.check_cancelled()
    for name, data, kind in contents:
        app.gcs.write(job.identity, name, data, kind)


def fetch(cursor: Any, schema: Schema, source: str, start: int, count: int) -> Iterator[tuple[Any, ...]]:
    while count > 0:
        batch = physical.fetch_rows(cursor, schema, source, limit=min(FETCH, count), offset=start)
        if not batch:
            return
        yield from batch
        start += len(batch)
        count -= len(batch)


# JSON -------------------------------------------------------------------------------------------------------------

def json_file(schema: Schema, found: Iterator[tuple[Any, ...]], extract: dict[str, Any]) -> bytes:
    """INT64 and NUMERIC as strings; NULL members are left out."""
    lines = []
    for row in found:
        lines.append(json.dumps(json_object(schema.fields, row), ensure_ascii=False, separators=(",", ":")))
    data = "".join(line + "\n" for line in lines).encode()
    return gzip.compress(data, mtime=0) if extract.get("compression") == "GZIP" else data


def json_object(fields: tuple[Field, ...], row: Any) -> dict[str, Any]:
    found = {}
    for item, value in zip(fields, row):
        if item.repeated:
            found[item.name] = [json_value(item, each) for each in value]
        elif value is not None:
            found[item.name] = json_value(item, value)
    return found


def json_value(item: Field, value: Any) -> Any:
    kind = item.type
    if kind.name == "STRUCT":
        return json_object(kind.fields, value)
    if kind.name == "BOOL":
        return value
    if kind.name == "JSON":
        return json.loads(value)
    if kind.name == "FLOAT64":
        return value if value == value and abs(value) != float("inf") else rows.float_text(value)
    if kind.name == "TIMESTAMP":
        return rows.datetime_text(value, " ") + " UTC"
    if kind.name == "RANGE":
        bound = Field(item.name, type(kind)(kind.element or ""))
        return {name: json_value(bound, each) for name, each in zip(("start", "end"), value) if each is not None}
    return rows.scalar_text(kind, value)


# Avro -------------------------------------------------------------------------------------------------------------

def avro_file(schema: Schema, found: Iterator[tuple[Any, ...]], extract: dict[str, Any]) -> bytes:
    logical = bool(extract.get("useAvroLogicalTypes"))
    record = {"type": "record", "name": "Root", "fields": avro_fields(schema.fields, logical, "Root")}
    buffer = io.BytesIO()
    codec = "deflate" if extract.get("compression") == "DEFLATE" else "null"
    fastavro.writer(buffer, fastavro.parse_schema(record), (avro_record(schema.fields, row, logical) for row in found),
                    codec=codec)
    return buffer.getvalue()


def avro_fields(fields: tuple[Field, ...], logical: bool, where: str) -> list[dict[str, Any]]:
    found = []
    for item in fields:
        kind = avro_type(item, logical, f"{where}_{item.name}")
        if item.repeated:
            kind = {"type": "array", "items": kind}
        elif item.mode == "NULLABLE":
            kind = ["null", kind]
        found.append({"name": item.name, "type": kind})
    return found


def avro_type(item: Field, logical: bool, name: str) -> Any:
    """https://docs.cloud.google.com/bigquery/docs/exporting-data#avro_export_details"""
    kind = item.type.name
    if kind == "STRUCT":
        return {"type": "record", "name": name, "fields": avro_fields(item.type.fields, logical, name)}
    plain = {"INT64": "long", "FLOAT64": "double", "BOOL": "boolean", "BYTES": "bytes", "STRING": "string"}
    if kind in plain:
        return plain[kind]
    if kind in ("NUMERIC", "BIGNUMERIC"):
        precision, scale = (38, 9) if kind == "NUMERIC" else (77, 38)
        return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    if kind == "TIMESTAMP":
        return {"type": "long", "logicalType": "timestamp-micros"}
    if logical and kind in ("DATE", "TIME"):
        return {"type": "int", "logicalType": "date"} if kind == "DATE" else {"type": "long", "logicalType": "time-micros"}
    if kind in ("DATE", "TIME", "DATETIME", "GEOGRAPHY", "JSON", "INTERVAL"):
        return {"type": "string", "sqlType": kind}
    raise not_implemented(f"{kind} in extract jobs to AVRO")


def avro_record(fields: tuple[Field, ...], row: Any, logical: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item, value in zip(fields, row):
        if item.repeated:
            found[item.name] = [avro_value(item, each, logical) for each in value]
        else:
            found[item.name] = None if value is None else avro_value(item, value, logical)
    return found


def avro_value(item: Field, value: Any, logical: bool) -> Any:
    kind = item.type.name
    if kind == "STRUCT":
        return avro_record(item.type.fields, value, logical)
    if kind in ("NUMERIC", "BIGNUMERIC"):
        return decimal_bytes(value, 9 if kind == "NUMERIC" else 38)
    if kind == "DATETIME" or (kind in ("DATE", "TIME") and not logical) or kind == "INTERVAL":
        return rows.scalar_text(item.type, value)
    return value


def decimal_bytes(value: Decimal, scale: int) -> bytes:
    number = int(EXACT.scaleb(value, scale))
    return number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True)
