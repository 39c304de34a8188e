# SPDX-License-Identifier: Apache-2.0
"""Copy jobs: dispositions, schemas, keys, partitions, snapshots, clones.

https://docs.cloud.google.com/bigquery/docs/managing-tables#copy-table, …/docs/managing-partitioned-tables#copying_partitioned_tables,
…/rest/v2/Job#JobConfigurationTableCopy"""

import datetime
import time

import pytest
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField, TimePartitioning
from google.cloud.bigquery.table import PrimaryKey, TableConstraints
from running import error_of

JOBS = "/bigquery/v2/projects/test-project/jobs"


@pytest.fixture
def copy(client, dataset):
    def copy(sources, target, **members):
        sources = sources if isinstance(sources, list) else [sources]
        return client.copy_table([dataset.table(name) for name in sources], dataset.table(target),
                                 job_config=bigquery.CopyJobConfig(**members))
    return copy


def fails(job):
    with pytest.raises(GoogleAPICallError):
        job.result()
    return job.error_result


def test_into_a_new_table(client, make, load, rows, copy):
    """A new table is like its source, keys and specifications too; only the expiration is its own."""
    make("s", [SchemaField("a", "INT64", mode="REQUIRED", description="the key"), SchemaField("d", "DATE"),
               SchemaField("r", "RECORD", mode="REPEATED", fields=[SchemaField("x", "BYTES")])],
         time_partitioning=TimePartitioning(field="d", type_="MONTH"), clustering_fields=["a"], labels={"k": "v"},
         table_constraints=TableConstraints(PrimaryKey(["a"]), None), require_partition_filter=True,
         expires=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1))
    load("s", [{"a": 1, "d": "2026-01-01", "r": [{"x": "AA=="}]}, {"a": 2}])
    job = copy("s", "c")
    job.result()
    assert rows("c") == [(1, datetime.date(2026, 1, 1), [{"x": b"\0"}]), (2, None, [])]
    found = client.get_table("d.c")
    assert found.schema == client.get_table("d.s").schema
    assert found.time_partitioning.type_ == "MONTH" and found.clustering_fields == ["a"] and found.require_partition_filter
    assert found.table_constraints.primary_key.columns == ["a"] and found.labels == {"k": "v"}
    assert found.expires is None
    statistics = job._properties["statistics"]["copy"]
    assert statistics == {"copiedRows": "2", "copiedLogicalBytes": str(found.num_bytes)}


def test_write_empty_is_the_default(make, load, rows, copy):
    """JobConfigurationTableCopy.writeDisposition"""
    for name in ("s", "t"):
        make(name, [("a", "INT64")])
    load("s", [{"a": 1}])
    copy("s", "t").result()
    error = fails(copy("s", "t"))
    assert error["reason"] == "duplicate" and "Already Exists: Table test-project:d.t" in error["message"]
    assert rows("t") == [(1,)]


def test_append(client, make, load, rows, copy):
    """The destination's schema and keys stay, only rows come."""
    make("s", [("a", "INT64", "REQUIRED"), ("b", "STRING")], table_constraints=TableConstraints(PrimaryKey(["a"]), None),
         labels={"of": "source"})
    make("t", [SchemaField("b", "STRING", description="kept"), SchemaField("A", "INT64")], labels={"of": "target"})
    load("s", [{"a": 1, "b": "x"}])
    for _ in range(2):
        copy("s", "t", write_disposition="WRITE_APPEND").result()
    assert rows("t") == [("x", 1), ("x", 1)]
    found = client.get_table("d.t")
    assert found.table_constraints is None and found.schema[0].description == "kept" and found.labels == {"of": "target"}


def test_truncate(client, make, load, rows, copy):
    """WRITE_TRUNCATE takes schema and constraints from the source, in one step."""
    make("s", [SchemaField("a", "STRING", description="new"), SchemaField("b", "INT64")],
         table_constraints=TableConstraints(PrimaryKey(["b"]), None))
    make("t", [("a", "INT64")], table_constraints=TableConstraints(PrimaryKey(["a"]), None),
         expires=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1))
    load("s", [{"a": "x", "b": 2}])
    load("t", [{"a": 1}])
    before = client.get_table("d.t")
    copy("s", "t", write_disposition="WRITE_TRUNCATE").result()
    assert rows("t") == [("x", 2)]
    found = client.get_table("d.t")
    assert found.schema == client.get_table("d.s").schema
    assert found.table_constraints.primary_key.columns == ["b"]
    assert found.created == before.created and found.expires == before.expires


@pytest.mark.parametrize("schema", [[("a", "STRING"), ("b", "INT64")], [("a", "INT64")], [("a", "INT64", "REPEATED")],
                                    [("b", "STRING")], [("a", "NUMERIC")]])
def test_append_of_another_schema(make, load, rows, copy, schema):
    make("s", schema)
    make("t", [("a", "INT64"), ("b", "INT64")] if schema == [("a", "INT64")] else [("a", "INT64")])
    error = fails(copy("s", "t", write_disposition="WRITE_APPEND"))
    assert error["reason"] == "invalid" and "Provided Schema does not match Table test-project:d.t" in error["message"]


def test_nullable_into_required(make, load, copy):
    make("s", [("a", "INT64")])
    make("t", [("a", "INT64", "REQUIRED")])
    assert "mode" in fails(copy("s", "t", write_disposition="WRITE_APPEND"))["message"]


def test_several_sources(make, load, rows, copy):
    """All sources need one schema, partitioning and clustering."""
    for number, name in enumerate(["s1", "s2"]):
        make(name, [("a", "INT64")])
        load(name, [{"a": number}])
    copy(["s1", "s2", "s1"], "t").result()
    assert rows("t") == [(0,), (1,), (0,)]
    make("s3", [("a", "STRING")])
    assert "different schemas" in fails(copy(["s1", "s3"], "u"))["message"]
    make("s4", [("a", "INT64")], clustering_fields=["a"])
    assert "clustering" in fails(copy(["s1", "s4"], "u"))["message"]


def test_missing_tables(client, make, copy, dataset):
    make("s", [("a", "INT64")])
    assert fails(copy("nothing", "t"))["reason"] == "notFound"
    assert fails(copy("s", "t", create_disposition="CREATE_NEVER"))["reason"] == "notFound"
    with pytest.raises(NotFound):
        client.copy_table(dataset.table("s"), "nothing.t")


def test_configurations_that_are_refused(plain, make, client):
    make("s", [("a", "INT64")])
    table = lambda name: {"projectId": "test-project", "datasetId": "d", "tableId": name}  # noqa: E731
    good = {"sourceTables": [table("s")], "destinationTable": table("t")}
    for part in ({"sourceTables": []}, {"sourceTable": table("s")}, {"writeDisposition": "WRITE_TRUNCATE_DATA"}, {"writeDisposition": "X"},
                 {"destinationTable": table("t@5")}, {"destinationTable": table("a.b")}, {"destinationTable": {}},
                 {"sourceTables": [table("s")] * 1201}, {"operationType": "MOVE"}, {"destinationExpirationTime": "soon"},
                 {"sourceTables": [table("s"), table("s")], "operationType": "SNAPSHOT"}):
        answer = plain("POST", JOBS, json={"configuration": {"copy": {**good, **part}}})
        assert error_of(answer)[0] == 400, part
    wanted = bigquery.Dataset("test-project.far")
    wanted.location = "EU"
    client.create_dataset(wanted)
    answer = plain("POST", JOBS, json={"configuration": {"copy": {**good, "destinationTable": {**table("t"), "datasetId": "far"}}}})
    assert error_of(answer)[:2] == (501, "notImplemented")


# Partitions ---------------------------------------------------------------------------------------------------------

DAYS = [{"d": "2026-01-01", "a": 1}, {"d": "2026-01-02", "a": 2}, {"d": None, "a": 3}, {"d": "2026-01-02", "a": 4}]


@pytest.fixture
def daily(make, load):
    def daily(name, data=DAYS, **members):
        make(name, [("d", "DATE"), ("a", "INT64")], time_partitioning=TimePartitioning(field="d"), **members)
        if data:
            load(name, data)
    return daily


def values(rows, table):
    return sorted(row[1] for row in rows(table))


def test_a_partition_replaces_a_partition(daily, rows, copy):
    """`T$p` on both sides with WRITE_TRUNCATE: that partition only."""
    daily("s")
    daily("t", [{"d": "2026-01-01", "a": 10}, {"d": "2026-01-02", "a": 20}])
    copy("s$20260102", "t$20260102", write_disposition="WRITE_TRUNCATE").result()
    assert values(rows, "t") == [2, 4, 10]
    copy("s$20260101", "t$20260101", write_disposition="WRITE_APPEND").result()
    assert values(rows, "t") == [1, 2, 4, 10]
    assert fails(copy("s$20260101", "t$20260101"))["reason"] == "duplicate"


def test_a_partition_of_a_table(daily, rows, copy):
    """A source's partition without one of the destination: its rows keep their partition."""
    daily("s")
    copy("s$20260102", "u").result()
    assert values(rows, "u") == [2, 4]
    daily("t", [{"d": "2026-01-01", "a": 10}])
    copy("s$20260102", "t", write_disposition="WRITE_APPEND").result()
    assert values(rows, "t") == [2, 4, 10]
    copy("s$__NULL__", "t", write_disposition="WRITE_TRUNCATE").result()
    assert values(rows, "t") == [3]


def test_the_expiration_of_partitions(client, make, load, rows, copy):
    """docs/managing-partitioned-tables#partition-expiration: what is copied into a table expires as the table says. Whether
    an overwriting copy brings the source's expiration is not said; here it does (README)."""
    day_ms = 24 * 3600 * 1000
    for name, days in (("s", 100_000), ("t", 30)):
        make(name, [("d", "DATE"), ("a", "INT64")],
             time_partitioning=TimePartitioning(field="d", expiration_ms=days * day_ms))
    load("s", [{"d": "2001-01-01", "a": 1}])
    copy("s", "t", write_disposition="WRITE_APPEND").result()
    copy("s$20010101", "t$20010101", write_disposition="WRITE_TRUNCATE").result()
    assert rows("t") == [] and client.get_table("d.t").time_partitioning.expiration_ms == 30 * day_ms
    copy("s", "t", write_disposition="WRITE_TRUNCATE").result()
    assert values(rows, "t") == [1] and client.get_table("d.t").time_partitioning.expiration_ms == 100_000 * day_ms


def test_partitions_that_do_not_fit(daily, make, load, rows, copy):
    daily("s")
    daily("t", [])
    make("plain", [("d", "DATE"), ("a", "INT64")])
    load("plain", DAYS)
    make("monthly", [("d", "DATE"), ("a", "INT64")], time_partitioning=TimePartitioning(field="d", type_="MONTH"))
    make("clustered", [("d", "DATE"), ("a", "INT64")], time_partitioning=TimePartitioning(field="d"), clustering_fields=["a"])
    for source, target in [("s$20260102", "t$20260103"), ("s", "t$20260102"), ("plain", "t"), ("plain", "t$20260102"), ("s", "monthly"),
                           ("monthly", "t"), ("s", "clustered"), ("clustered", "t"), ("s$202601", "t"), ("s", "t$2026"),
                           ("plain$20260101", "t"), ("s", "plain$20260101"), ("s$20260102", "t$__UNPARTITIONED__")]:
        for disposition in ("WRITE_APPEND", "WRITE_TRUNCATE"):
            assert fails(copy(source, target, write_disposition=disposition))["reason"] == "invalid", (source, target)
    assert rows("t") == []


def test_a_partitioned_table_into_a_plain_one(daily, make, rows, copy, client):
    """The destination remains unpartitioned."""
    daily("s")
    make("plain", [("d", "DATE"), ("a", "INT64")])
    copy("s", "plain", write_disposition="WRITE_TRUNCATE").result()
    assert values(rows, "plain") == [1, 2, 3, 4]
    assert client.get_table("d.plain").time_partitioning is None


def test_a_mixture_of_sources(daily, make, copy):
    daily("s")
    make("plain", [("d", "DATE"), ("a", "INT64")])
    assert "partitioning" in fails(copy(["s", "plain"], "u"))["message"]


def test_ingestion_time(make, load, rows, copy, client):
    """A plain table goes into the partition of the current date or the one that is named; partitions of a day into the month
    that contains them."""
    make("plain", [("a", "INT64")])
    load("plain", [{"a": 1}])
    make("t", [("a", "INT64")], time_partitioning=TimePartitioning())
    copy("plain", "t", write_disposition="WRITE_APPEND").result()
    copy("plain", "t$20260102", write_disposition="WRITE_APPEND").result()
    assert client.get_table("d.t$20260102").num_rows == 1
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
    assert client.get_table(f"d.t${today}").num_rows == 1
    make("m", [("a", "INT64")], time_partitioning=TimePartitioning(type_="MONTH"))
    copy("t$20260102", "m$202601", write_disposition="WRITE_APPEND").result()
    assert client.get_table("d.m$202601").num_rows == 1
    assert fails(copy("t$20260102", "m$202602", write_disposition="WRITE_APPEND"))["reason"] == "invalid"


# Time travel, snapshots, clones ---------------------------------------------------------------------------------------

def now_ms():
    return int(time.time() * 1000)


def test_a_table_at_a_time(make, load, rows, copy, client):
    """docs/access-historical-data, docs/restore-deleted-tables: `T@ms` of a table, also of one that is deleted."""
    make("t", [("a", "INT64")])
    load("t", [{"a": 1}])
    time.sleep(0.01)
    moment = now_ms()
    time.sleep(0.01)
    load("t", [{"a": 2}])
    load("t", [{"a": 3}], write_disposition="WRITE_TRUNCATE", schema=[("a", "INT64")])
    assert rows("t") == [(3,)]
    copy(f"t@{moment}", "then").result()
    assert rows("then") == [(1,)]
    client.delete_table("d.t")
    copy(f"t@{moment}", "again").result()
    assert rows("again") == [(1,)]
    assert fails(copy("t@1000", "never"))["reason"] == "invalid"
    assert fails(copy(f"t@{now_ms() + 10**6}", "never"))["reason"] == "invalid"


def test_snapshot_and_restore(make, load, rows, copy, client):
    """docs/table-snapshots-intro: read only, restored by a copy."""
    make("t", [("a", "INT64")])
    load("t", [{"a": 1}])
    copy("t", "snap", operation_type="SNAPSHOT").result()
    found = client.get_table("d.snap")
    assert found.table_type == "SNAPSHOT"
    assert found.snapshot_definition.base_table_reference.table_id == "t"
    assert load.fails("snap", [{"a": 2}]).error_result["reason"] == "invalid"
    load("t", [{"a": 2}])
    copy("snap", "t", operation_type="RESTORE", write_disposition="WRITE_TRUNCATE").result()
    assert rows("t") == [(1,)]
    assert fails(copy("t", "u", operation_type="RESTORE"))["reason"] == "invalid"
    assert fails(copy("t", "snap", operation_type="SNAPSHOT"))["reason"] == "duplicate"


def test_clone(make, load, rows, copy, client):
    """docs/table-clones-intro"""
    make("t", [("a", "INT64")])
    load("t", [{"a": 1}])
    copy("t", "twin", operation_type="CLONE").result()
    load("twin", [{"a": 2}])
    assert rows("t") == [(1,)] and rows("twin") == [(1,), (2,)]
    assert client.get_table("d.twin").clone_definition.base_table_reference.table_id == "t"


def test_an_id_that_was_used(client, make, load, rows, dataset):
    make("s", [("a", "INT64")])
    load("s", [{"a": 1}])
    config = bigquery.CopyJobConfig(write_disposition="WRITE_APPEND")
    client.copy_table(dataset.table("s"), dataset.table("t"), job_id="apply", job_config=config).result()
    with pytest.raises(Conflict):
        client.copy_table(dataset.table("s"), dataset.table("t"), job_id="apply", job_config=config)
    assert rows("t") == [(1,)]


def test_a_view_is_no_source(make, client, dataset, copy):
    make("s", [("a", "INT64")])
    view = bigquery.Table(dataset.table("v"))
    view.view_query = "SELECT a FROM `test-project.d.s`"
    client.create_table(view)
    assert fails(copy("v", "t"))["reason"] == "invalid"
    with pytest.raises(BadRequest):
        copy("s", "v", write_disposition="WRITE_TRUNCATE").result()
