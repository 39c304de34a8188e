# SPDX-License-Identifier: Apache-2.0
"""Load jobs: formats, conversions, dispositions, schemas, bad records, statistics.

https://docs.cloud.google.com/bigquery/docs/batch-loading-data and the pages of each format"""

import datetime
import decimal
import gzip
import io
import json

import fastavro
import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField
from running import error_of

UTC = datetime.timezone.utc
D = decimal.Decimal


def avro(fields, records, codec="null", **options):
    """An Avro file; fields: [(name, type)]"""
    schema = {"type": "record", "name": "R", "fields": [{"name": name, "type": kind} for name, kind in fields]}
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema), records, codec=codec, **options)
    return buffer.getvalue()


# NDJSON ---------------------------------------------------------------------------------------------------------

VALUES = [
    ("INT64", "9223372036854775807", 2**63 - 1), ("INT64", -5, -5), ("INT64", "  7 ", 7),
    ("FLOAT64", 1.5, 1.5), ("FLOAT64", "1e300", 1e300), ("FLOAT64", "-Infinity", float("-inf")), ("FLOAT64", 5, 5.0),
    ("BOOL", True, True), ("BOOL", "f", False), ("BOOL", "Yes", True), ("BOOL", "0", False),
    ("STRING", "ä\u0000😀\n", "ä\u0000😀\n"), ("STRING", "", ""),
    ("BYTES", "AP8=", b"\x00\xff"), ("BYTES", "", b""),
    ("NUMERIC", "99999999999999999999999999999.999999999", D("99999999999999999999999999999.999999999")),
    ("NUMERIC", 1.5, D("1.5")), ("NUMERIC", "-0.000000001", D("-0.000000001")),
    ("BIGNUMERIC", "578960446186580977117854925043439539266.34992332820282019728792003956564819967",
     D("578960446186580977117854925043439539266.34992332820282019728792003956564819967")),
    ("BIGNUMERIC", "-0.00000000000000000000000000000000000001", D("-0.00000000000000000000000000000000000001")),
    ("DATE", "0001-01-01", datetime.date(1, 1, 1)), ("DATE", "9999-12-31", datetime.date(9999, 12, 31)),
    ("TIME", "23:59:59.999999", datetime.time(23, 59, 59, 999999)), ("TIME", "00:00:00", datetime.time(0)),
    ("DATETIME", "0001-01-01 00:00:00", datetime.datetime(1, 1, 1)),
    ("DATETIME", "9999-12-31T23:59:59.999999", datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("TIMESTAMP", "2018-08-19T12:11", datetime.datetime(2018, 8, 19, 12, 11, tzinfo=UTC)),
    ("TIMESTAMP", "2018-08-19 12:11:35.22", datetime.datetime(2018, 8, 19, 12, 11, 35, 220000, UTC)),
    ("TIMESTAMP", "2018/08/19T12:11:35 UTC", datetime.datetime(2018, 8, 19, 12, 11, 35, tzinfo=UTC)),
    ("TIMESTAMP", "2018-08-19T07:11:35.220 -05:00", datetime.datetime(2018, 8, 19, 12, 11, 35, 220000, UTC)),
    ("TIMESTAMP", "2018-08-19T12:11:35.220Z", datetime.datetime(2018, 8, 19, 12, 11, 35, 220000, UTC)),
    ("TIMESTAMP", "2018-08-19 14:11:35 Europe/Berlin", datetime.datetime(2018, 8, 19, 12, 11, 35, tzinfo=UTC)),
    ("TIMESTAMP", 1534680695, datetime.datetime(2018, 8, 19, 12, 11, 35, tzinfo=UTC)),
    ("TIMESTAMP", "0001-01-01 00:00:00Z", datetime.datetime(1, 1, 1, tzinfo=UTC)),
    ("TIMESTAMP", "9999-12-31 23:59:59.999999Z", datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ("JSON", {"b": [1, None, 1.5], "a": {}}, {"b": [1, None, 1.5], "a": {}}), ("JSON", "text", "text"), ("JSON", 18446744073709551615,
                                                                                  18446744073709551615),
    ("GEOGRAPHY", "POINT(1 2)", "POINT(1 2)"), ("STRING", None, None), ("JSON", None, None)]


@pytest.mark.parametrize("kind,value,expected", VALUES)
def test_json_values(load, rows, kind, value, expected):
    """docs/loading-data-cloud-storage-json#details_of_loading_json_data, docs/json-data"""
    load("t", [{"a": value}], schema=[("a", kind)])
    assert rows("t") == [(expected,)]


def test_json_intervals_and_ranges(load, rows, client):
    """docs/loading-data-cloud-storage-json: INTERVAL in ISO 8601; RANGE as an object with start and end."""
    from dateutil.relativedelta import relativedelta
    load("t", [{"a": "P1Y2M-3DT4H5M6.7S", "r": {"start": "2026-01-01", "end": None}},
               {"a": "P0Y0M0DT0H0M-0.000001S", "r": {"start": "2026-01-01", "end": "2026-02-01"}}],
         schema=[SchemaField("a", "INTERVAL"), SchemaField("r", "RANGE", range_element_type="DATE")])
    first, second = rows("t")
    assert first[0] == relativedelta(years=1, months=2, days=-3, hours=4, minutes=5, seconds=6, microseconds=700000)
    assert second[0] == relativedelta(microseconds=-1)
    assert first[1] == {"start": datetime.date(2026, 1, 1), "end": None}
    assert second[1]["end"] == datetime.date(2026, 2, 1)


@pytest.mark.parametrize("kind,value", [
    ("INT64", "x"), ("INT64", 1.5), ("INT64", "9223372036854775808"), ("INT64", True), ("INT64", 2**60), ("INT64", [1]),
    ("FLOAT64", "1e400"), ("FLOAT64", "x"), ("BOOL", "maybe"), ("BOOL", 2), ("STRING", 5), ("STRING", {"x": 1}), ("STRING", ["x"]),
    ("BYTES", "???"), ("BYTES", "A"), ("NUMERIC", "1e30"), ("NUMERIC", "0.0000000001"), ("NUMERIC", "NaN"), ("NUMERIC", "1,5"),
    ("BIGNUMERIC", "1e39"), ("BIGNUMERIC", "1e-39"), ("DATE", "2026-02-30"), ("DATE", "2026/01/01"), ("DATE", "0000-01-01"),
    ("DATE", "10000-01-01"), ("DATE", "2026-01-01 00:00:00"), ("TIME", "24:00:00"), ("TIME", "1:2"), ("TIME", "12:00:00+01"),
    ("DATETIME", "2026-01-01"), ("DATETIME", "2026-01-01 00:00:00Z"), ("TIMESTAMP", "2026-01-01"), ("TIMESTAMP", "yesterday"),
    ("TIMESTAMP", "2026-01-01 00:00:00.1234567"), ("TIMESTAMP", "9999-12-31 23:59:59-01:00"), ("TIMESTAMP", "2026-01-01 00:00:00 Mars/X"),
    ("INTERVAL", "1-2 3 4:5:6"), ("INTERVAL", "P1Y"), ("INTERVAL", "PT"), ("INTERVAL", "P10001Y0M0DT0H0M0S"), ("GEOGRAPHY", "here")])
def test_json_values_that_are_refused(load, client, kind, value):
    """The same pages; ranges: standard-sql/data-types. No table is made by a job that fails."""
    job = load.fails("t", [{"a": value}], schema=[("a", kind)])
    assert job.error_result["reason"] == "invalid"
    assert any("JSON parsing error in row starting at position 0" in error["message"] for error in job.errors)
    with pytest.raises(NotFound):
        client.get_table("d.t")


def test_json_nested_and_repeated(load, rows):
    """docs/nested-repeated; a null array is empty, names are found whatever their case."""
    schema = [SchemaField("a", "INT64", mode="REPEATED"),
              SchemaField("s", "RECORD", mode="REPEATED", fields=[
                  SchemaField("x", "STRING"), SchemaField("y", "RECORD", fields=[SchemaField("z", "NUMERIC", mode="REPEATED")])])]
    load("t", [{"A": [1, "2"], "s": [{"X": "p", "y": {"z": ["1.5", 2]}}, {"y": None}]}, {"a": None}, {}], schema=schema)
    assert rows("t") == [([1, 2], [{"x": "p", "y": {"z": [D("1.5"), D(2)]}}, {"x": None, "y": None}]), ([], []), ([], [])]


@pytest.mark.parametrize("row,message", [
    ({"nothing": 1}, "No such field: nothing."), ({"s": {"q": 1}}, "No such field: s.q."), ({"a": [1, None]}, "Only optional fields"),
    ({"a": 1}, "must be imported as a JSON array"), ({"s": 5}, "is not a record"), ({"r": None}, "Only optional fields"),
    ({}, "Missing required field: r.")])
def test_json_rows_that_are_refused(load, row, message):
    schema = [SchemaField("a", "INT64", mode="REPEATED"), SchemaField("s", "RECORD", fields=[SchemaField("x", "INT64")]),
              SchemaField("r", "INT64", mode="REQUIRED")]
    job = load.fails("t", [{"r": 1, **row} if row and "r" not in row else row], schema=schema)
    assert any(message in error["message"] for error in job.errors)


@pytest.mark.parametrize("line", [b"[1]", b"5", b"{", b'{"a": NaN}', b'{"a": "\xff"}', b'{"a": 1} {"a": 2}'])
def test_json_lines_that_are_no_objects(load, line):
    load.fails("t", line + b"\n", schema=[("a", "STRING")], source_format="NEWLINE_DELIMITED_JSON")


def test_json_empty_lines_and_files(load, rows):
    load("t", b'\n{"a": 1}\r\n\n{"a": 2}', schema=[("a", "INT64")], source_format="NEWLINE_DELIMITED_JSON")
    assert rows("t") == [(1,), (2,)]
    assert load("u", b"", schema=[("a", "INT64")], source_format="NEWLINE_DELIMITED_JSON").output_rows == 0
    assert rows("u") == []


def test_thousands_of_columns(load, rows):
    """quotas#load_jobs: up to 10,000; each is counted in the table's bytes."""
    names = [f"c{i}" for i in range(2_500)]
    load("t", [{"c0": 1, "c2499": 2}], schema=[(name, "INT64") for name in names])
    assert rows("t") == [(1, *[None] * 2498, 2)]
    load("t", avro([(name, ["null", "long"]) for name in names[:1500]], [{"c0": 3}]), source_format="AVRO")
    assert [row[0] for row in rows("t")] == [1, 3]


def test_json_duplicate_keys_keep_the_first(load, rows):
    """docs/json-data, standard-sql/data-types#json_type"""
    load("t", b'{"a": {"x": 1, "x": 2}}\n', schema=[("a", "JSON")], source_format="NEWLINE_DELIMITED_JSON")
    assert rows("t") == [({"x": 1},)]


def test_json_gzip(load, rows):
    """docs/loading-data-cloud-storage-json#json_compression"""
    load("t", gzip.compress(b'{"a": 1}\n') + gzip.compress(b'{"a": 2}\n'), schema=[("a", "INT64")],
         source_format="NEWLINE_DELIMITED_JSON")
    assert rows("t") == [(1,), (2,)]
    load.fails("t", gzip.compress(b'{"a": 1}\n')[:-9], source_format="NEWLINE_DELIMITED_JSON")
    assert rows("t") == [(1,), (2,)]


def test_bad_records(load, rows):
    """maxBadRecords, and what errors[] says about them (docs/troubleshooting load errors): file, position, reason."""
    data = [{"a": 1}, {"a": "x"}, {"a": 3}, {"b": 4}]
    job = load("t", data, schema=[("a", "INT64")], max_bad_records=2)
    assert rows("t") == [(1,), (3,)]
    assert job.output_rows == 2 and job.error_result is None
    assert job._properties["statistics"]["load"]["badRecords"] == "2"
    assert [error["reason"] for error in job.errors] == ["invalid", "invalid"]
    assert "position 9" in job.errors[0]["message"] and job.errors[0]["location"] == "file-00000000"
    failed = load.fails("t", data, max_bad_records=1)
    assert "too many errors" in failed.error_result["message"]
    assert len(failed.errors) == 4
    assert rows("t") == [(1,), (3,)]


def test_ignore_unknown_values(load, rows):
    """ignoreUnknownValues"""
    load("t", [{"a": 1, "b": 2, "s": {"x": 1, "y": 2}}], ignore_unknown_values=True,
         schema=[SchemaField("a", "INT64"), SchemaField("s", "RECORD", fields=[SchemaField("x", "INT64")])])
    assert rows("t") == [(1, {"x": 1})]


def test_json_needs_a_schema(load):
    job = load.fails("t", [{"a": 1}])
    assert "No schema specified on job or table." in job.error_result["message"]


# Avro -----------------------------------------------------------------------------------------------------------

LOGICAL = [
    ({"type": "int", "logicalType": "date"}, datetime.date(2026, 8, 22), "DATE", datetime.date(2026, 8, 22), 20687),
    ({"type": "int", "logicalType": "time-millis"}, datetime.time(1, 2, 3, 4000), "TIME", datetime.time(1, 2, 3, 4000), 3723004),
    ({"type": "long", "logicalType": "time-micros"}, datetime.time(1, 2, 3, 4), "TIME", datetime.time(1, 2, 3, 4), 3723000004),
    ({"type": "long", "logicalType": "timestamp-millis"}, datetime.datetime(2026, 8, 22, tzinfo=UTC), "TIMESTAMP",
     datetime.datetime(2026, 8, 22, tzinfo=UTC), 1787356800000),
    ({"type": "long", "logicalType": "timestamp-micros"}, -62135596800000000, "TIMESTAMP",
     datetime.datetime(1, 1, 1, tzinfo=UTC), -62135596800000000),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, 1787356800001, "DATETIME",
     datetime.datetime(2026, 8, 22, 0, 0, 0, 1000), 1787356800001),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, 253402300799999999, "DATETIME",
     datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), 253402300799999999)]


@pytest.mark.parametrize("kind,value,name,expected,number", LOGICAL)
def test_avro_logical_types(load, rows, client, kind, value, name, expected, number):
    """docs/loading-data-cloud-storage-avro#logical_types: with useAvroLogicalTypes and without."""
    data = avro([("a", kind)], [{"a": value}])
    load("t", data, use_avro_logical_types=True)
    assert client.get_table("d.t").schema[0].field_type == name
    assert rows("t") == [(expected,)]
    load("u", data)
    assert client.get_table("d.u").schema[0].field_type == "INTEGER"
    assert rows("u") == [(number,)]


def test_avro_primitive_and_complex_types(load, rows, client):
    """docs/loading-data-cloud-storage-avro#avro_conversions: modes from unions, enum and fixed, arrays, maps, records; doc is the
    description."""
    fields = [("b", "boolean"), ("i", "int"), ("l", ["null", "long"]), ("f", "float"), ("d", ["double", "null"]), ("y", "bytes"),
              ("s", ["null", "string"]), ("e", {"type": "enum", "name": "E", "symbols": ["X", "Y"]}),
              ("x", {"type": "fixed", "name": "F", "size": 2}), ("a", {"type": "array", "items": "long"}),
              ("m", {"type": "map", "values": "string"}),
              ("r", {"type": "record", "name": "Q", "fields": [{"name": "z", "type": ["null", "E"], "doc": "inner"}]}),
              ("j", {"type": "string", "sqlType": "JSON"}), ("n", "null"), ("du", {"type": "fixed", "name": "G", "size": 12,
                                                                                   "logicalType": "duration"})]
    load("t", avro(fields, [{"b": True, "i": 1, "l": None, "f": 0.5, "d": 1e300, "y": b"\0", "s": "ä", "e": "Y", "x": b"ab", "a": [1],
                             "m": {"k": "v"}, "r": {"z": "X"}, "j": '{"b": 1, "a": 2}', "n": None, "du": b"x" * 12}]))
    schema = client.get_table("d.t").schema
    assert [(item.name, item.field_type, item.mode) for item in schema] == [
        ("b", "BOOLEAN", "REQUIRED"), ("i", "INTEGER", "REQUIRED"), ("l", "INTEGER", "NULLABLE"), ("f", "FLOAT", "REQUIRED"),
        ("d", "FLOAT", "NULLABLE"), ("y", "BYTES", "REQUIRED"), ("s", "STRING", "NULLABLE"), ("e", "STRING", "REQUIRED"),
        ("x", "BYTES", "REQUIRED"), ("a", "INTEGER", "REPEATED"), ("m", "RECORD", "REPEATED"), ("r", "RECORD", "REQUIRED"),
        ("j", "JSON", "REQUIRED"), ("du", "BYTES", "REQUIRED")]
    assert [item.name for item in schema[10].fields] == ["key", "value"]
    assert schema[11].fields[0].description == "inner"
    assert rows("t") == [(True, 1, None, 0.5, 1e300, b"\0", "ä", "Y", b"ab", [1], [{"key": "k", "value": "v"}], {"z": "X"},
                          {"a": 2, "b": 1}, b"x" * 12)]


@pytest.mark.parametrize("precision,scale,targets,expected", [
    (38, 9, None, "NUMERIC"), (10, 2, ["NUMERIC", "BIGNUMERIC"], "NUMERIC"), (38, 9, ["NUMERIC", "BIGNUMERIC"], "NUMERIC"),
    (39, 9, ["BIGNUMERIC", "NUMERIC"], "BIGNUMERIC"), (38, 10, ["NUMERIC", "BIGNUMERIC"], "BIGNUMERIC"),
    (76, 38, ["NUMERIC", "BIGNUMERIC"], "BIGNUMERIC"), (77, 38, ["NUMERIC", "BIGNUMERIC"], "BIGNUMERIC"),
    (38, 10, None, "NUMERIC"), (80, 50, ["NUMERIC", "STRING"], "STRING"), (5, 0, ["BIGNUMERIC"], "BIGNUMERIC"),
    (5, 0, ["STRING"], "STRING")])
def test_avro_decimals(load, rows, client, precision, scale, targets, expected):
    """JobConfigurationLoad.decimalTargetTypes: its own examples."""
    kind = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    load("t", avro([("a", kind)], [{"a": D("-12.5") if scale else D(-12)}]), **({"decimal_target_types": targets} if targets else {}))
    assert client.get_table("d.t").schema[0].field_type == expected
    value = rows("t")[0][0]
    assert D(value) == (D("-12.5") if scale else D(-12))


def test_avro_decimals_out_of_range(load):
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 10}
    job = load.fails("t", avro([("a", kind)], [{"a": D("1.5")}, {"a": D("0.0000000001")}]))
    assert "row 2" in job.error_result["message"] and "Field a" in job.error_result["message"]
    assert job.error_result["location"] == "file-00000000"


@pytest.mark.parametrize("kind,value", [
    ({"type": "long", "logicalType": "timestamp-micros"}, 253402300800000000), ({"type": "int", "logicalType": "date"}, 2932897),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, -62135596800000001),
    ({"type": "long", "logicalType": "time-micros"}, 86400000000)])
def test_avro_values_out_of_range(load, kind, value):
    """standard-sql/data-types: ranges of the time types"""
    load.fails("t", avro([("a", kind)], [{"a": value}]), use_avro_logical_types=True)


@pytest.mark.parametrize("codec", ["null", "deflate", "zstandard"])
def test_avro_codecs(load, rows, codec):
    """docs/loading-data-cloud-storage-avro#avro_compression"""
    load("t", avro([("a", "long")], [{"a": number} for number in range(1000)], codec=codec, sync_interval=500))
    assert rows("t") == [(number,) for number in range(1000)]


def test_avro_that_is_refused(load):
    """Codecs that BigQuery does not read, arrays of arrays, null elements, broken files, a gzip file around it all."""
    load.fails("t", avro([("a", "long")], [{"a": 1}], codec="bzip2"))
    load.fails("t", avro([("a", {"type": "array", "items": {"type": "array", "items": "long"}})], [{"a": [[1]]}]))
    load.fails("t", avro([("a", {"type": "array", "items": ["null", "long"]})], [{"a": [1, None]}]))
    good = avro([("a", "long")], [{"a": 1}] * 100)
    load.fails("t", good[:-20])
    load.fails("t", good[:-5] + b"xxxxx")
    load.fails("t", gzip.compress(good), source_format="AVRO")
    load.fails("t", b"", source_format="AVRO")


def test_avro_names(load):
    """docs/loading-data-cloud-storage-avro#limitations: letters, digits, underscores."""
    data = avro([("ab", "long")], [{"ab": 1}]).replace(b'"ab"', b'"a-"')
    load.fails("t", data)


def test_avro_with_an_explicit_schema(load, rows, client):
    """docs/json-data, docs/geospatial-data: a string becomes JSON or GEOGRAPHY when the schema of the job says so; columns that the
    file lacks are NULL; others must have the type that the conversion gives."""
    data = avro([("j", ["null", "string"]), ("g", "string")], [{"j": '{"a": 1}', "g": "POINT(1 2)"}])
    load("t", data, schema=[("j", "JSON"), ("g", "GEOGRAPHY"), ("more", "INT64")])
    assert rows("t") == [({"a": 1}, "POINT(1 2)", None)]
    load.fails("u", data, schema=[("j", "INT64"), ("g", "STRING")])
    load.fails("u", data, schema=[("j", "JSON")])
    load("u", data, schema=[("j", "JSON")], ignore_unknown_values=True)
    load.fails("v", data, schema=[("j", "JSON"), ("g", "GEOGRAPHY"), ("more", "INT64", "REQUIRED")])


def test_avro_schema_comes_from_the_last_file(google, client, dataset, load, rows):
    """docs/loading-data-cloud-storage-avro#avro_schemas: the alphabetically last file decides."""
    bucket = google.storage().create_bucket("stage")
    bucket.blob("00/z.avro").upload_from_string(avro([("a", "long")], [{"a": 1}]))
    bucket.blob("01/b.avro").upload_from_string(avro([("a", ["null", "long"]), ("b", ["null", "string"])], [{"a": 2, "b": "x"}]))
    config = bigquery.LoadJobConfig(source_format="AVRO")
    job = client.load_table_from_uri(["gs://stage/01/*.avro", "gs://stage/00/*.avro"], dataset.table("t"), job_config=config)
    job.result()
    assert (job.input_files, job.output_rows) == (2, 2)
    assert rows("t") == [(1, None), (2, "x")]


# Sources ----------------------------------------------------------------------------------------------------------

def test_objects(google, client, dataset, rows):
    """docs/batch-loading-data#load-wildcards; statistics.load"""
    bucket = google.storage().create_bucket("stage")
    for number in range(3):
        bucket.blob(f"run/part-{number}.json").upload_from_string(json.dumps({"a": number}) + "\n")
    bucket.blob("run/other.txt").upload_from_string("no json")
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[SchemaField("a", "INT64")])
    job = client.load_table_from_uri("gs://stage/run/part-*.json", dataset.table("t"), job_config=config)
    job.result()
    assert rows("t") == [(0,), (1,), (2,)]
    assert (job.input_files, job.input_file_bytes, job.output_rows, job.output_bytes) == (3, 27, 3, 24)
    assert job.source_uris == ["gs://stage/run/part-*.json"]


def test_objects_that_are_not_there(google, client, dataset):
    google.storage().create_bucket("stage")
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[SchemaField("a", "INT64")])
    for uri in ("gs://stage/nothing", "gs://nothing/x", "gs://stage/none-*"):
        job = client.load_table_from_uri(uri, dataset.table("t"), job_config=config)
        with pytest.raises(NotFound):
            job.result()
        assert job.error_result["reason"] == "notFound"


@pytest.mark.parametrize("uri", ["s3://b/o", "gs://b", "gs://*/o", "gs://b/*/*", "gs://b/a//b", "gs://b/o#123", "o"])
def test_uris_that_are_refused(client, dataset, uri):
    """docs/batch-loading-data#gcs-uri, #load-wildcards, limitations: no versions"""
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[SchemaField("a", "INT64")])
    with pytest.raises(BadRequest):
        client.load_table_from_uri(uri, dataset.table("t"), job_config=config)


def test_too_many_uris(client, dataset):
    """quotas#load_jobs"""
    config = bigquery.LoadJobConfig(source_format="AVRO")
    with pytest.raises(BadRequest, match="Too many source URIs"):
        client.load_table_from_uri(["gs://b/o"] * 10_001, dataset.table("t"), job_config=config)


def test_gzip_and_plain_do_not_mix(google, client, dataset):
    """docs/loading-data-cloud-storage-json#limitations"""
    bucket = google.storage().create_bucket("stage")
    bucket.blob("a").upload_from_string(b'{"a": 1}\n')
    bucket.blob("b").upload_from_string(gzip.compress(b'{"a": 1}\n'))
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[SchemaField("a", "INT64")])
    with pytest.raises(BadRequest, match="[Cc]ompressed"):
        client.load_table_from_uri("gs://stage/*", dataset.table("t"), job_config=config).result()


# Dispositions and schemas -------------------------------------------------------------------------------------------

def test_append_is_the_default(load, rows):
    """JobConfigurationLoad.writeDisposition"""
    load("t", [{"a": 1}], schema=[("a", "INT64")])
    load("t", [{"a": 2}])
    assert rows("t") == [(1,), (2,)]


def test_write_empty(load, rows):
    load("t", [{"a": 1}], schema=[("a", "INT64")], write_disposition="WRITE_EMPTY")
    job = load.fails("t", [{"a": 2}], write_disposition="WRITE_EMPTY")
    assert job.error_result["reason"] == "duplicate"
    assert "Already Exists: Table test-project:d.t" in job.error_result["message"]
    assert rows("t") == [(1,)]


def test_create_never(load, make):
    job = load.fails("t", [{"a": 1}], schema=[("a", "INT64")], create_disposition="CREATE_NEVER")
    assert job.error_result["reason"] == "notFound"
    make("t", [("a", "INT64")])
    load("t", [{"a": 1}], create_disposition="CREATE_NEVER")


def test_write_truncate(client, make, load, rows):
    """WRITE_TRUNCATE: the schema is the load's, keys go, labels and partitioning stay."""
    from google.cloud.bigquery.table import PrimaryKey, TableConstraints
    make("t", [SchemaField("d", "DATE", description="day"), SchemaField("a", "INT64")], labels={"k": "v"}, clustering_fields=["a"],
         time_partitioning=bigquery.TimePartitioning(field="d"), table_constraints=TableConstraints(PrimaryKey(["a"]), None))
    load("t", [{"d": "2026-01-01", "a": 1}])
    load("t", [{"d": "2026-02-01", "a": 2, "b": "x"}], write_disposition="WRITE_TRUNCATE",
         schema=[("a", "INT64"), ("d", "DATE"), ("b", "STRING")])
    assert rows("t") == [(2, datetime.date(2026, 2, 1), "x")]
    found = client.get_table("d.t")
    assert found.table_constraints is None
    assert found.labels == {"k": "v"}
    assert found.time_partitioning.field == "d" and found.clustering_fields == ["a"]
    assert found.schema[1].description is None


def test_write_truncate_needs_the_partition_column(make, load, rows):
    make("t", [("d", "DATE"), ("a", "INT64")], time_partitioning=bigquery.TimePartitioning(field="d"))
    load.fails("t", [{"a": 1}], schema=[("a", "INT64")], write_disposition="WRITE_TRUNCATE")


def test_write_truncate_data(client, make, load, rows):
    """WRITE_TRUNCATE_DATA: rows are replaced, schema and constraints stay."""
    from google.cloud.bigquery.table import PrimaryKey, TableConstraints
    make("t", [SchemaField("a", "INT64", description="key"), SchemaField("b", "STRING")],
         table_constraints=TableConstraints(PrimaryKey(["a"]), None))
    load("t", [{"a": 1}])
    load("t", [{"a": 2}], write_disposition="WRITE_TRUNCATE_DATA")
    assert rows("t") == [(2, None)]
    found = client.get_table("d.t")
    assert found.table_constraints.primary_key.columns == ["a"] and found.schema[0].description == "key"
    job = load.fails("t", [{"c": 2}], schema=[("c", "INT64")], write_disposition="WRITE_TRUNCATE_DATA")
    assert "Provided Schema does not match Table" in job.error_result["message"]


def test_a_load_is_atomic(load, rows):
    """A load that fails in its last row leaves the table as it was, whatever the disposition."""
    load("t", [{"a": 1}], schema=[("a", "INT64")])
    bad = [{"a": number} for number in range(5000)] + [{"a": "x"}]
    for disposition in ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA"):
        load.fails("t", bad, write_disposition=disposition)
        assert rows("t") == [(1,)]


def test_schema_update_options(client, make, load, rows):
    """JobConfigurationLoad.schemaUpdateOptions; nested additions are fine here (docs/managing-table-schemas)."""
    make("t", [SchemaField("a", "INT64", mode="REQUIRED"), SchemaField("s", "RECORD", fields=[SchemaField("x", "INT64")])])
    wider = [SchemaField("a", "INT64", mode="REQUIRED"),
             SchemaField("s", "RECORD", fields=[SchemaField("x", "INT64"), SchemaField("y", "STRING")]), SchemaField("b", "DATE")]
    job = load.fails("t", [{"a": 1, "b": "2026-01-01"}], schema=wider)
    assert "Cannot add fields (field: " in job.error_result["message"]
    load("t", [{"a": 1, "b": "2026-01-01", "s": {"y": "q"}}], schema=wider, schema_update_options=["ALLOW_FIELD_ADDITION"])
    relaxed = [SchemaField("a", "INT64"), *wider[1:]]
    job = load.fails("t", [{"a": None}], schema=relaxed, schema_update_options=["ALLOW_FIELD_ADDITION"])
    assert "has changed mode from REQUIRED to NULLABLE" in job.error_result["message"]
    load("t", [{"a": None}], schema=relaxed, schema_update_options=["ALLOW_FIELD_RELAXATION"])
    assert rows("t") == [(1, {"x": None, "y": "q"}, datetime.date(2026, 1, 1)), (None, None, None)]
    assert [item.name for item in client.get_table("d.t").schema] == ["a", "s", "b"]


def test_schema_update_options_need_their_disposition(load, dataset):
    for members in ({"write_disposition": "WRITE_TRUNCATE"}, {"write_disposition": "WRITE_EMPTY"}):
        with pytest.raises(BadRequest, match="Schema update options should only be specified"):
            load("t", [{"a": 1}], schema=[("a", "INT64")], schema_update_options=["ALLOW_FIELD_ADDITION"], **members)


def test_avro_into_a_table(make, load, rows):
    """Columns of the file are found by name; fewer are NULL; REQUIRED ones, other types and more are refused."""
    make("t", [("a", "INT64"), ("b", "STRING"), ("c", "DATE")])
    load("t", avro([("B", ["null", "string"]), ("a", "long")], [{"B": "x", "a": 1}]))
    assert rows("t") == [(1, "x", None)]
    job = load.fails("t", avro([("a", "string")], [{"a": "1"}]))
    assert "has changed type from INTEGER to STRING" in job.error_result["message"]
    job = load.fails("t", avro([("a", "long"), ("z", "long")], [{"a": 1, "z": 1}]))
    assert "Cannot add fields (field: z)" in job.error_result["message"]
    job = load.fails("t", avro([("c", {"type": "int", "logicalType": "date"})], [{"c": 1}]))
    assert "has changed type from DATE to INTEGER" in job.error_result["message"]
    load("t", avro([("a", "long"), ("z", ["null", "long"])], [{"a": 2, "z": 1}]), schema_update_options=["ALLOW_FIELD_ADDITION"])
    assert rows("t")[1] == (2, None, None, 1)


def test_avro_nullable_into_required(make, load):
    make("t", [("a", "INT64", "REQUIRED")])
    job = load.fails("t", avro([("a", ["null", "long"])], [{"a": 1}]))
    assert "has changed mode from REQUIRED to NULLABLE" in job.error_result["message"]
    load("t", avro([("a", "long")], [{"a": 1}]))


@pytest.mark.parametrize("kind,value,good", [
    ({"max_length": 3}, "äöü", True), ({"max_length": 3}, "abcd", False)])
def test_string_length(make, load, kind, value, good):
    """standard-sql/data-types#parameterized_data_types: characters, not bytes"""
    make("t", [SchemaField("a", "STRING", **kind)])
    (load if good else load.fails)("t", [{"a": value}])


def test_numeric_parameters(make, load, rows):
    """Values are rounded to the scale (half away from zero, or as roundingMode says); too many digits are refused."""
    make("t", [SchemaField("a", "NUMERIC", precision=4, scale=2), SchemaField("b", "NUMERIC", precision=4, scale=2,
                                                                           rounding_mode="ROUND_HALF_EVEN")])
    load("t", [{"a": "12.345", "b": "12.345"}, {"a": "-12.345", "b": "12.355"}])
    assert rows("t") == [(D("12.35"), D("12.34")), (D("-12.35"), D("12.36"))]
    load.fails("t", [{"a": "123.4"}])
    load.fails("t", [{"a": "99.995"}])


def test_destination_properties(client, load, plain, make):
    """destinationTableProperties: of new tables; a table that is there must have the same."""
    from google.cloud.bigquery.job import LoadJobConfig
    config = LoadJobConfig(destination_table_description="made by a load", destination_table_friendly_name="F")
    config._properties["load"]["destinationTableProperties"]["labels"] = {"managed_by": "x"}
    members = {"schema": [("a", "INT64")]}
    job = load.client.load_table_from_file(io.BytesIO(b'{"a": 1}\n'), load.dataset.table("t"), job_config=LoadJobConfig.from_api_repr({
        "load": {**config.to_api_repr()["load"], "sourceFormat": "NEWLINE_DELIMITED_JSON",
                 "schema": {"fields": [{"name": "a", "type": "INT64"}]}}}))
    job.result()
    found = client.get_table("d.t")
    assert (found.description, found.friendly_name, found.labels) == ("made by a load", "F", {"managed_by": "x"})
    make("u", members["schema"])
    failed = load.fails("u", [{"a": 1}], destination_table_description="another")
    assert failed.error_result["reason"] == "invalid"


def test_new_tables_with_partitions_and_clusters(client, load):
    load("t", [{"d": "2026-01-01", "a": 1}], schema=[("d", "DATE"), ("a", "INT64")], clustering_fields=["a"],
         time_partitioning=bigquery.TimePartitioning(field="d", type_="MONTH"))
    found = client.get_table("d.t")
    assert (found.time_partitioning.type_, found.time_partitioning.field, found.clustering_fields) == ("MONTH", "d", ["a"])


def test_other_partitioning_than_the_table_has(make, load):
    """Incompatible table partitioning specification."""
    make("t", [("d", "DATE"), ("a", "INT64")], time_partitioning=bigquery.TimePartitioning(field="d"), clustering_fields=["a"])
    load("t", [{"d": "2026-01-01"}], time_partitioning=bigquery.TimePartitioning(field="d"), clustering_fields=["a"])
    for members in ({"time_partitioning": bigquery.TimePartitioning(field="d", type_="MONTH")},
                    {"time_partitioning": bigquery.TimePartitioning()}, {"clustering_fields": ["d"]}):
        for disposition in ("WRITE_APPEND", "WRITE_TRUNCATE"):
            job = load.fails("t", [{"d": "2026-01-01"}], write_disposition=disposition, schema=[("d", "DATE"), ("a", "INT64")], **members)
            assert "Incompatible table partitioning specification" in job.error_result["message"]


@pytest.mark.parametrize("load_part,status", [
    ({"sourceFormat": "CSV"}, 501), ({"sourceFormat": "PARQUET"}, 501), ({"sourceFormat": "XML"}, 400), ({}, 501),
    ({"sourceFormat": "NEWLINE_DELIMITED_JSON", "autodetect": True}, 501),
    ({"sourceFormat": "NEWLINE_DELIMITED_JSON", "skipLeadingRows": 1}, 400),
    ({"sourceFormat": "NEWLINE_DELIMITED_JSON", "encoding": "LATIN"}, 400),
    ({"sourceFormat": "NEWLINE_DELIMITED_JSON", "encoding": "ISO-8859-1"}, 501),
    ({"sourceFormat": "NEWLINE_DELIMITED_JSON", "useAvroLogicalTypes": True}, 400),
    ({"sourceFormat": "AVRO", "maxBadRecords": 1}, 400), ({"sourceFormat": "AVRO", "maxBadRecords": -1}, 400),
    ({"sourceFormat": "AVRO", "writeDisposition": "WRITE_SOMETIMES"}, 400), ({"sourceFormat": "AVRO", "createDisposition": "X"}, 400),
    ({"sourceFormat": "AVRO", "decimalTargetTypes": ["NUMERIC", "NUMERIC"]}, 400), ({"sourceFormat": "AVRO", "decimalTargetTypes": ["INT64"]}, 400),
    ({"sourceFormat": "AVRO", "schemaUpdateOptions": ["ALLOW_ALL"]}, 400), ({"sourceFormat": "AVRO", "sourceUris": []}, 400),
    ({"sourceFormat": "AVRO", "colour": "red"}, 400), ({"sourceFormat": "AVRO", "destinationTable": {"tableId": "t"}}, 400),
    ({"sourceFormat": "AVRO", "timePartitioning": {"type": "DAY"}, "rangePartitioning": {"field": "a", "range": {
        "start": "0", "end": "9", "interval": "1"}}}, 400), ({"sourceFormat": "AVRO", "referenceFileSchemaUri": "gs://b/o"}, 501)])
def test_configurations_that_are_refused(plain, dataset, load_part, status):
    """At once, by jobs.insert: what is wrong is 400, what the stand-in does not know is 501."""
    part = {"sourceUris": ["gs://b/o"], "destinationTable": {"projectId": "test-project", "datasetId": "d", "tableId": "t"}, **load_part}
    answer = plain("POST", "/bigquery/v2/projects/test-project/jobs", json={"configuration": {"load": part}})
    assert error_of(answer)[0] == status


def test_into_a_missing_dataset(client, load):
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[SchemaField("a", "INT64")])
    with pytest.raises(NotFound, match="Not found: Dataset test-project:nothing"):
        client.load_table_from_file(io.BytesIO(b"{}\n"), "nothing.t", job_config=config)


def test_into_a_table_without_columns(client, dataset, load, rows):
    """A table made without a schema takes that of its first load."""
    client.create_table(bigquery.Table(dataset.table("t")))
    load("t", [{"a": 1}], schema=[("a", "INT64")])
    assert rows("t") == [(1,)]


def test_many_rows_keep_their_order(load, rows, client):
    count = 20_000
    load("t", avro([("a", "long"), ("s", "string")], [{"a": number, "s": f"row {number}"} for number in range(count)]))
    table = client.get_table("d.t")
    assert table.num_rows == count
    assert table.num_bytes == sum(8 + 2 + len(f"row {number}") for number in range(count))
    assert [row[0] for row in rows("t", page_size=7000)] == list(range(count))


def test_json_numbers_that_lose_digits(make, load, rows):
    """A JSON number is a double for many readers: NUMERIC needs a string when it has more digits."""
    make("t", [("a", "NUMERIC"), ("b", "BIGNUMERIC")])
    load("t", b'{"a": 0.1, "b": 123456789.123456}\n', source_format="NEWLINE_DELIMITED_JSON")
    load.fails("t", b'{"a": 12345678901234567.1}\n', source_format="NEWLINE_DELIMITED_JSON")
    assert rows("t") == [(D("0.1"), D("123456789.123456"))]


def test_avro_shapes_that_do_not_fit(load):
    """An array, a record or a scalar where the schema has something else."""
    data = {"array": avro([("a", {"type": "array", "items": "long"})], [{"a": [1]}]), "scalar": avro([("a", "long")], [{"a": 1}]),
            "record": avro([("a", {"type": "record", "name": "Q", "fields": [{"name": "x", "type": "long"}]})], [{"a": {"x": 1}}])}
    schemas = {"array": SchemaField("a", "INT64", mode="REPEATED"), "scalar": SchemaField("a", "INT64"),
               "record": SchemaField("a", "RECORD", fields=[SchemaField("x", "INT64")])}
    for file in data:
        for schema in schemas:
            (load if file == schema else load.fails)(f"t_{file}_{schema}", data[file], schema=[schemas[schema]])


def test_default_values(client, make, load, rows):
    """docs/default-values#load_data: for columns that the data's schema lacks, not for NULLs."""
    make("t", [SchemaField("a", "INT64"), SchemaField("b", "STRING", default_value_expression="'dflt'", mode="REQUIRED"),
               SchemaField("c", "INT64", default_value_expression="5")])
    assert client.get_table("d.t").schema[1].default_value_expression == "'dflt'"
    load("t", avro([("a", "long")], [{"a": 1}, {"a": 2}]))
    load("t", [{"a": 3}], schema=[("a", "INT64")])
    load("t", [{"a": 4, "b": "x", "c": None}])
    assert rows("t") == [(1, "dflt", 5), (2, "dflt", 5), (3, "dflt", 5), (4, "x", None)]
    load.fails("t", [{"a": 5}])


@pytest.mark.parametrize("default", ["1 +", "nothing", "(SELECT 1)"])
def test_default_values_that_are_refused(make, default):
    """docs/default-values#default_value_expression: literals and a few functions, of the column's type."""
    with pytest.raises(BadRequest):
        make("t", [SchemaField("a", "INT64", default_value_expression=default)])


@pytest.mark.parametrize("members", [{"default_value_expression": "NULL", "mode": "REQUIRED"}, {"default_value_expression": "'abc'", "max_length": 2},
                                     {"default_value_expression": "NULL", "mode": "REPEATED"},
                                     {"default_value_expression": "['a', NULL]", "mode": "REPEATED"}])
def test_default_values_that_violate_their_column(make, members):
    """docs/default-values#default_value_expression: parameters, REQUIRED, arrays."""
    with pytest.raises(BadRequest):
        make("t", [SchemaField("a", "STRING", **members)])


def test_a_bucket_in_another_location(google, client):
    """docs/loading-data-cloud-storage-avro: the dataset must be where the bucket is."""
    for name, location in [("near", "EUROPE-WEST4"), ("inside", "EU"), ("far", "US-EAST1")]:
        google.storage().create_bucket(name, location=location).blob("o").upload_from_string(b'{"a": 1}\n')
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[SchemaField("a", "INT64")])
    for place in ("EU", "europe-west4", "US"):
        wanted = bigquery.Dataset(f"test-project.in_{place.replace('-', '_')}")
        wanted.location = place
        client.create_dataset(wanted)
        for bucket in ("near", "inside", "far"):
            job = client.load_table_from_uri(f"gs://{bucket}/o", wanted.table("t"), job_config=config)
            if (place, bucket) in {("EU", "near"), ("EU", "inside"), ("europe-west4", "near")} or place == "US":
                job.result()
            else:
                with pytest.raises(BadRequest, match="different locations"):
                    job.result()


def test_permissions(google, client, dataset, make, rows):
    """docs/batch-loading-data#required_permissions: tables.create, tables.updateData, and of objects storage.objects.get."""
    google.storage().create_bucket("stage").blob("o").upload_from_string(b'{"a": 1}\n')
    make("t", [("a", "INT64")])
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[SchemaField("a", "INT64")])
    for table, permission in [("new", "bigquery.tables.create"), ("t", "bigquery.tables.updateData"), ("t", "storage.objects.get")]:
        google.permissions("*", deny=[permission])
        job = client.load_table_from_uri("gs://stage/o", dataset.table(table), job_config=config)
        with pytest.raises(Exception, match="(?i)access denied"):
            job.result()
        assert job.error_result["reason"] == "accessDenied"
    google.permissions("*", deny=["bigquery.jobs.create"])
    with pytest.raises(Exception, match="bigquery.jobs.create"):
        client.load_table_from_uri("gs://stage/o", dataset.table("t"), job_config=config)
    google.reset()
    assert rows("t") == []


def test_many_jobs_at_once(client, make, load, rows):
    """Appends from many jobs: each is there once and whole."""
    make("t", [("a", "INT64")])
    jobs = [load.start("t", [{"a": number}] * 50) for number in range(20)]
    for job in jobs:
        job.result()
    found = [row[0] for row in rows("t")]
    assert sorted(found) == sorted(number for number in range(20) for _ in range(50))
    runs = [value for number, value in enumerate(found) if number == 0 or found[number - 1] != value]
    assert len(runs) == 20


def test_snappy_has_a_name(plain, dataset, load):
    """What cannot be read here is not called broken."""
    data = avro([("a", "long")], [{"a": 1}]).replace(b"\x08null", b"\x0csnappy")
    job = load.fails("t", data)
    assert job.error_result["reason"] == "notImplemented" and "Snappy" in job.error_result["message"]


def test_avro_blocks_are_limited(load):
    """quotas#load_jobs: data blocks of Avro files up to 16 MB."""
    records = [{"a": "x" * 1_000_000} for _ in range(18)]
    load("t", avro([("a", "string")], records, sync_interval=4_000_000))
    job = load.fails("u", avro([("a", "string")], records, sync_interval=40_000_000))
    assert "Avro block" in job.error_result["message"]


def test_partitions_of_a_table_are_limited(make, load, rows):
    """quotas#partitioned_tables: 10,000 partitions of a table."""
    make("t", [("a", "TIMESTAMP")], time_partitioning=bigquery.TimePartitioning(field="a", type_="HOUR"))
    hours = [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=number) for number in range(11_000)]
    data = [{"a": f"{hour} UTC"} for hour in hours]
    for first in (0, 4000):
        load("t", data[first:first + 4000])
    job = load.fails("t", data[8000:11_000])
    assert job.error_result["reason"] == "quotaExceeded"
    load("t", data[8000:10_000])
    assert len(rows("t")) == 10_000
