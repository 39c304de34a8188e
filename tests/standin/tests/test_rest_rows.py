# SPDX-License-Identifier: Apache-2.0
"""tabledata.list, partitions of tables, extract jobs.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list, …/docs/partitioned-tables,
…/docs/managing-partitioned-table-data, …/docs/exporting-data"""

import datetime
import gzip
import io
import json

import fastavro
import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField, TimePartitioning
from running import error_of

TABLES = "/bigquery/v2/projects/test-project/datasets/d/tables"


def cells(plain, query=""):
    answer = plain("GET", f"{TABLES}/t/data{query}")
    assert answer.status_code == 200, answer.text
    return [cell["v"] for row in answer.json().get("rows", []) for cell in row["f"]]


@pytest.mark.parametrize("kind,value,expected", [
    ("INT64", "-5", "-5"), ("FLOAT64", 1e10, "1.0E10"), ("FLOAT64", 1.5, "1.5"), ("FLOAT64", 100, "100.0"), ("FLOAT64", 0.0001, "1.0E-4"),
    ("FLOAT64", 0.001, "0.001"), ("FLOAT64", 12345678.9, "1.23456789E7"), ("FLOAT64", "NaN", "NaN"), ("FLOAT64", "-Infinity", "-Infinity"),
    ("FLOAT64", 0, "0.0"), ("FLOAT64", 5e-324, "4.9E-324"), ("BOOL", True, "true"), ("STRING", "ä", "ä"), ("BYTES", "AP8=", "AP8="),
    ("NUMERIC", "1.50", "1.5"), ("NUMERIC", "-0", "0"), ("NUMERIC", "1e28", "1" + "0" * 28), ("BIGNUMERIC", "100.000", "100"),
    ("DATE", "0001-01-01", "0001-01-01"), ("TIME", "12:00:00", "12:00:00"), ("TIME", "12:00:00.5", "12:00:00.500000"),
    ("DATETIME", "0999-01-01 00:00:00", "0999-01-01T00:00:00"), ("DATETIME", "2026-01-01 00:00:00.000001", "2026-01-01T00:00:00.000001"),
    ("JSON", {"b": 1, "a": "x"}, '{"a":"x","b":1}'), ("GEOGRAPHY", "POINT(1 2)", "POINT(1 2)"),
    ("INTERVAL", "P1Y2M-3DT-4H-5M-6.7S", "1-2 -3 -4:5:6.700"), ("STRING", None, None)])
def test_cells(plain, load, kind, value, expected):
    """rest/v2/tabledata/list; the text forms of standard-sql/data-types"""
    load("t", [{"a": value}], schema=[("a", kind)])
    found = cells(plain)
    if expected == "4.9E-324":  # Java's shortest text of the smallest double has two digits, Python's one
        assert found in (["4.9E-324"], ["5.0E-324"])
    else:
        assert found == [expected]


def test_timestamps(plain, load):
    """rest/v2/DataFormatOptions: seconds as a float with all microseconds, microseconds, ISO 8601."""
    load("t", [{"a": "2023-01-01 11:33:20.123456Z"}, {"a": "1970-01-01 00:00:00Z"}, {"a": "0001-01-01 00:00:00Z"},
               {"a": "1970-01-01 00:00:00.000001Z"}], schema=[("a", "TIMESTAMP")])
    assert cells(plain) == ["1.672572800123456E9", "0.0", "-6.21355968E10", "1.0E-6"]
    micros = ["1672572800123456", "0", "-62135596800000000", "1"]
    assert cells(plain, "?formatOptions.useInt64Timestamp=true") == micros
    assert cells(plain, "?formatOptions.timestampOutputFormat=INT64") == micros
    assert cells(plain, "?formatOptions.timestampOutputFormat=ISO8601_STRING")[0] == "2023-01-01T11:33:20.123456000000Z"


def test_nested_cells(plain, load):
    load("t", [{"a": [1], "s": [{"x": "p", "y": [True]}, {}], "r": {"start": "2026-01-01"}}, {}], schema=[
        SchemaField("a", "INT64", mode="REPEATED"), SchemaField("s", "RECORD", mode="REPEATED", fields=[
            SchemaField("x", "STRING"), SchemaField("y", "BOOL", mode="REPEATED")]),
        SchemaField("r", "RANGE", range_element_type="DATE")])
    assert cells(plain) == [
        [{"v": "1"}], [{"v": {"f": [{"v": "p"}, {"v": [{"v": "true"}]}]}}, {"v": {"f": [{"v": None}, {"v": []}]}}],
        "[2026-01-01, UNBOUNDED)", [], [], None]


def test_pages(plain, load, rows):
    """maxResults, pageToken, startIndex; a token wins over an index."""
    load("t", [{"a": number} for number in range(10)], schema=[("a", "INT64")])
    first = plain("GET", f"{TABLES}/t/data?maxResults=4").json()
    assert (first["totalRows"], len(first["rows"])) == ("10", 4)
    assert cells(plain, f"?maxResults=4&startIndex=1&pageToken={first['pageToken']}") == ["4", "5", "6", "7"]
    assert cells(plain, "?startIndex=8") == ["8", "9"]
    assert cells(plain, "?startIndex=100") == []
    last = plain("GET", f"{TABLES}/t/data?startIndex=6").json()
    assert "pageToken" not in last
    empty = plain("GET", f"{TABLES}/t/data?maxResults=0").json()
    assert "rows" not in empty and empty["totalRows"] == "10"
    assert plain("GET", f"{TABLES}/t/data?pageToken=nonsense").status_code == 400
    assert rows("t", page_size=3) == [(number,) for number in range(10)]
    assert rows("t", max_results=3, start_index=2) == [(2,), (3,), (4,)]


def test_pages_end_at_10_mb(plain, load):
    """quotas#tabledata_list_requests"""
    load("t", [{"a": "x" * 3_000_000} for _ in range(5)], schema=[("a", "STRING")])
    first = plain("GET", f"{TABLES}/t/data").json()
    assert len(first["rows"]) == 3 and "pageToken" in first


def test_selected_fields(plain, load, rows, client):
    load("t", [{"a": 1, "b": "x", "s": {"x": 1, "y": 2}}], schema=[
        SchemaField("a", "INT64"), SchemaField("b", "STRING"), SchemaField("s", "RECORD", fields=[
            SchemaField("x", "INT64"), SchemaField("y", "INT64")])])
    assert cells(plain, "?selectedFields=s.y,a") == ["1", {"f": [{"v": "2"}]}]
    assert plain("GET", f"{TABLES}/t/data?selectedFields=q").status_code == 400


def test_what_has_no_rows(plain, dataset, make, client):
    assert error_of(plain("GET", f"{TABLES}/nothing/data"))[:2] == (404, "notFound")
    make("t", [("a", "INT64")])
    assert cells(plain) == []
    view = bigquery.Table(dataset.table("v"))
    view.view_query = "SELECT a FROM `test-project.d.t`"
    client.create_table(view)
    assert error_of(plain("GET", f"{TABLES}/v/data"))[:2] == (400, "invalid")


# Partitions -----------------------------------------------------------------------------------------------------

KINDS = [("HOUR", "2026010203"), ("DAY", "20260102"), ("MONTH", "202601"), ("YEAR", "2026")]


@pytest.mark.parametrize("kind,decorator", KINDS)
@pytest.mark.parametrize("column", ["TIMESTAMP", "DATETIME"])
def test_decorators(client, make, load, plain, kind, decorator, column):
    """docs/managing-partitioned-table-data, docs/partitioned-tables: ids of partitions; boundaries in UTC."""
    make("t", [("a", column)], time_partitioning=TimePartitioning(field="a", type_=kind))
    load("t", [{"a": "2026-01-02 03:00:00"}, {"a": "2026-01-02 03:59:59.999999"}, {"a": "2027-01-02 03:00:00"}, {"a": None},
               {"a": "1959-12-31 23:59:59"}, {"a": "2160-01-01 00:00:00"}])
    assert client.get_table(f"d.t${decorator}").num_rows == 2
    assert client.get_table("d.t$__NULL__").num_rows == 1
    assert client.get_table("d.t$__UNPARTITIONED__").num_rows == 2
    answer = plain("GET", f"{TABLES}/t${decorator}/data").json()
    assert answer["totalRows"] == "2" and len(answer["rows"]) == 2
    for wrong in {"2026010203", "20260102", "202601", "2026", "20261301", "x"} - {decorator}:
        assert plain("GET", f"{TABLES}/t${wrong}/data").status_code == 400, wrong
    assert plain("GET", f"{TABLES}/t").json()["numPartitions"] == "4"


def test_integer_ranges(client, make, load, plain):
    """docs/partitioned-tables#integer_range: start inclusive, end exclusive; others are unpartitioned."""
    spec = bigquery.RangePartitioning(field="a", range_=bigquery.PartitionRange(start=-10, end=25, interval=10))
    make("t", [("a", "INT64")], range_partitioning=spec)
    load("t", [{"a": value} for value in (-10, -1, 0, 9, 20, 24, 25, -11, None)])
    found = {name: client.get_table(f"d.t${name}").num_rows for name in ("-10", "0", "10", "20", "__NULL__", "__UNPARTITIONED__")}
    assert found == {"-10": 2, "0": 2, "10": 0, "20": 2, "__NULL__": 1, "__UNPARTITIONED__": 2}
    for wrong in ("5", "25", "30", "-20", "x"):
        assert plain("GET", f"{TABLES}/t${wrong}/data").status_code == 400


def test_a_decorator_of_a_plain_table(plain, make):
    make("t", [("a", "INT64")])
    assert plain("GET", f"{TABLES}/t$20260101").status_code == 400


def test_load_into_a_partition(client, make, load, rows):
    """Only rows of that partition; with WRITE_TRUNCATE the partition is replaced, with WRITE_EMPTY it must have none."""
    make("t", [("d", "DATE"), ("a", "INT64")], time_partitioning=TimePartitioning(field="d"))
    load("t", [{"d": "2026-01-01", "a": 1}, {"d": "2026-01-02", "a": 2}])
    load("t$20260102", [{"d": "2026-01-02", "a": 3}, {"d": "2026-01-02", "a": 4}], write_disposition="WRITE_TRUNCATE")
    assert sorted(row[1] for row in rows("t")) == [1, 3, 4]
    load("t$20260102", [{"d": "2026-01-02", "a": 5}])
    assert sorted(row[1] for row in rows("t")) == [1, 3, 4, 5]
    job = load.fails("t$20260102", [{"d": "2026-01-02", "a": 6}, {"d": "2026-01-03", "a": 7}], write_disposition="WRITE_TRUNCATE")
    assert "different partitions" in job.error_result["message"]
    assert load.fails("t$20260102", [{"d": "2026-01-02"}], write_disposition="WRITE_EMPTY").error_result["reason"] == "duplicate"
    load("t$20260103", [{"d": "2026-01-03", "a": 8}], write_disposition="WRITE_EMPTY")
    load("t$20260102", b"\n", write_disposition="WRITE_TRUNCATE", source_format="NEWLINE_DELIMITED_JSON")
    assert sorted(row[1] for row in rows("t")) == [1, 8]
    assert client.get_table("d.t").num_rows == 2


def test_load_into_a_partition_keeps_the_schema(make, load, client):
    """WRITE_TRUNCATE of a partition does not replace the table's schema; schemaUpdateOptions may add to it."""
    from google.cloud.bigquery.table import PrimaryKey, TableConstraints
    make("t", [SchemaField("d", "DATE", description="day"), SchemaField("a", "INT64")], time_partitioning=TimePartitioning(field="d"),
         table_constraints=TableConstraints(PrimaryKey(["a"]), None))
    wider = [("d", "DATE"), ("a", "INT64"), ("b", "STRING")]
    load.fails("t$20260102", [{"d": "2026-01-02"}], schema=wider, write_disposition="WRITE_TRUNCATE")
    load("t$20260102", [{"d": "2026-01-02", "b": "x"}], schema=wider, write_disposition="WRITE_TRUNCATE",
         schema_update_options=["ALLOW_FIELD_ADDITION"])
    found = client.get_table("d.t")
    assert [item.name for item in found.schema] == ["d", "a", "b"] and found.schema[0].description == "day"
    assert found.table_constraints.primary_key.columns == ["a"]


def test_ingestion_time_partitions(client, make, load, rows):
    """docs/partitioned-tables#ingestion_time: the job's time, or the decorator's."""
    make("t", [("a", "INT64")], time_partitioning=TimePartitioning())
    load("t", [{"a": 1}])
    load("t$20260102", [{"a": 2}])
    load("t$20260102", [{"a": 3}], write_disposition="WRITE_TRUNCATE")
    assert rows("t") == [(1,), (3,)]
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
    assert client.get_table(f"d.t${today}").num_rows == 1
    assert client.get_table("d.t$20260102").num_rows == 1
    load.fails("t$__UNPARTITIONED__", [{"a": 2}])
    load.fails("t$__NULL__", [{"a": 2}])


def test_a_partition_of_a_table_that_is_not_there(load, client):
    """The job has to say how the new table is partitioned."""
    load.fails("t$20260102", [{"d": "2026-01-02"}], schema=[("d", "DATE")])
    load("t$20260102", [{"d": "2026-01-02"}], schema=[("d", "DATE")], time_partitioning=TimePartitioning(field="d"))
    assert client.get_table("d.t$20260102").num_rows == 1


def test_partitions_of_a_job_are_limited(make, load, rows):
    """quotas#partitioned_tables: 4,000 partitions modified by a job."""
    make("t", [("d", "DATE")], time_partitioning=TimePartitioning(field="d"))
    days = [str(datetime.date(1990, 1, 1) + datetime.timedelta(days=number)) for number in range(4001)]
    load("t", [{"d": day} for day in days[:4000]])
    job = load.fails("t", [{"d": day} for day in days], write_disposition="WRITE_TRUNCATE_DATA")
    assert "4000" in job.error_result["message"] and "4001" in job.error_result["message"]
    assert len(rows("t")) == 4000


def test_delete_a_partition(client, make, load, rows, plain):
    """docs/managing-partitioned-tables#delete_a_partition: one at a time, not the special ones."""
    make("t", [("d", "DATE")], time_partitioning=TimePartitioning(field="d"))
    load("t", [{"d": "2026-01-01"}, {"d": "2026-01-02"}, {"d": None}])
    client.delete_table("d.t$20260101")
    assert rows("t") == [(datetime.date(2026, 1, 2),), (None,)]
    assert plain("DELETE", f"{TABLES}/t$__NULL__").status_code == 400
    assert plain("DELETE", f"{TABLES}/t$20270101").status_code == 404
    assert plain("DELETE", f"{TABLES}/t@1").status_code == 400


def test_expired_partitions(client, make, load, rows):
    """docs/managing-partitioned-tables#set_the_partition_expiration: rows of partitions that are too old are gone at once, also
    when the expiration comes later; times from the end of the partition."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    old = today - datetime.timedelta(days=30)
    make("t", [("d", "DATE"), ("a", "INT64")], time_partitioning=TimePartitioning(field="d", expiration_ms=10 * 86_400_000))
    load("t", [{"d": str(today), "a": 1}, {"d": str(old), "a": 2}, {"d": None, "a": 3}])
    assert sorted(row[1] for row in rows("t")) == [1, 3]
    assert client.get_table("d.t").num_rows == 2
    make("u", [("d", "DATE"), ("a", "INT64")], time_partitioning=TimePartitioning(field="d"))
    load("u", [{"d": str(today), "a": 1}, {"d": str(old), "a": 2}])
    table = client.get_table("d.u")
    table.time_partitioning.expiration_ms = 10 * 86_400_000
    client.update_table(table, ["time_partitioning"])
    assert rows("u") == [(today, 1)]


def test_integer_ranges_do_not_expire(plain, dataset):
    """docs/managing-partitioned-tables: integer-range partitioned tables don't support partition expiration times."""
    body = {"tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": "t"},
            "schema": {"fields": [{"name": "a", "type": "INT64"}]},
            "rangePartitioning": {"field": "a", "range": {"start": "0", "end": "9", "interval": "1"}, "expirationMs": "1"}}
    assert plain("POST", TABLES, json=body).status_code == 400


# Extract ------------------------------------------------------------------------------------------------------------

def test_extract_json(google, client, load, dataset):
    """docs/exporting-data: INT64 and NUMERIC as strings, TIMESTAMP with UTC."""
    bucket = google.storage().create_bucket("out")
    load("t", [{"i": 1, "n": "1.5", "ts": "2026-01-01 00:00:00Z", "a": [1], "s": {"x": True}, "j": {"k": 1}, "y": "AA=="}, {"i": 2}], schema=[
        SchemaField("i", "INT64"), SchemaField("n", "NUMERIC"), SchemaField("ts", "TIMESTAMP"), SchemaField("a", "INT64", mode="REPEATED"),
        SchemaField("s", "RECORD", fields=[SchemaField("x", "BOOL")]), SchemaField("j", "JSON"), SchemaField("y", "BYTES")])
    config = bigquery.ExtractJobConfig(destination_format="NEWLINE_DELIMITED_JSON", compression="GZIP")
    job = client.extract_table(dataset.table("t"), "gs://out/t-*.json.gz", job_config=config)
    job.result()
    assert job.destination_uri_file_counts == [1]
    lines = gzip.decompress(bucket.blob("t-000000000000.json.gz").download_as_bytes(raw_download=True)).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"i": "1", "n": "1.5", "ts": "2026-01-01 00:00:00 UTC", "a": ["1"], "s": {"x": True}, "j": {"k": 1}, "y": "AA=="},
        {"i": "2", "a": []}]


def test_extract_avro(google, client, load, dataset):
    bucket = google.storage().create_bucket("out")
    load("t", [{"i": 1, "n": "-1.5", "d": "2026-01-01"}], schema=[("i", "INT64", "REQUIRED"), ("n", "NUMERIC"), ("d", "DATE")])
    config = bigquery.ExtractJobConfig(destination_format="AVRO", use_avro_logical_types=True, compression="DEFLATE")
    client.extract_table(dataset.table("t"), "gs://out/t.avro", job_config=config).result()
    found = list(fastavro.reader(io.BytesIO(bucket.blob("t.avro").download_as_bytes())))
    assert found[0]["i"] == 1 and str(found[0]["n"]) == "-1.500000000" and found[0]["d"] == datetime.date(2026, 1, 1)


def test_extracts_that_are_refused(client, make, dataset, google):
    make("t", [("a", "INT64")])
    google.storage().create_bucket("out")
    json_format = {"destination_format": "NEWLINE_DELIMITED_JSON"}
    for uri, members in [("gs://out/a*b*", json_format), ("file.json", json_format), ("gs://out/x", {**json_format, "compression": "SNAPPY"}),
                         ("gs://out/x", {**json_format, "compression": "TAR"}), ("gs://out/x", {**json_format, "print_header": False})]:
        with pytest.raises(BadRequest):
            client.extract_table(dataset.table("t"), uri, job_config=bigquery.ExtractJobConfig(**members))
    job = client.extract_table(dataset.table("t"), "gs://nowhere/x", job_config=bigquery.ExtractJobConfig(**json_format))
    with pytest.raises(NotFound):
        job.result()
