# SPDX-License-Identifier: Apache-2.0
"""BigQuery: jobs that fail, answers that get lost, and what people are told then."""

import re

import pytest

from test_bigquery_basic import DATASET, PROJECT, Scene

WAYS = ("upload", "objects", "staging")


@pytest.fixture
def scene(db, bqferry, google):
    return Scene(db, bqferry, google)


def write(scene, way, load="append", **options):
    if way == "staging":
        scene.widen()
    scene.write(load, "staging" if way == "objects" else None, workers=2,
                destination={"one_shard_below": "1B"} if way == "staging" else {}, **options)


def last_job(way):
    return "copy" if way == "staging" else "load"


def clean(scene):
    return scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_may_work_the_next_time(scene, way):
    """backendError: the same rows under the next id; a direct upload is gone and read again."""
    write(scene, way, retries="1m")
    scene.google.job_fault(job_type=last_job(way), error={"reason": "backendError", "message": "try later"})
    result = scene.ok()
    assert result.job()["retries"] == 1, str(result)
    assert result.job()["attempt"] == (2 if way == "upload" else 1)
    assert scene.rows() == scene.expected() and clean(scene)


@pytest.mark.parametrize("way", WAYS)
def test_a_quota(scene, way):
    """The limit is named; the next run goes on where this one stopped, under another id."""
    write(scene, way, retries="1m")
    scene.google.job_fault(job_type=last_job(way), error={
        "reason": "quotaExceeded",
        "message": "Quota exceeded: Your table exceeded quota for imports or query appends per table."})
    result = scene.run()
    assert result.code == 4 and "1,500" in result.stderr, str(result)
    assert scene.tables() == ["items"] or way != "upload"
    result = scene.ok()
    assert result.job()["status"] == ("succeeded" if way == "upload" else "settled"), str(result)
    assert scene.rows() == scene.expected() and clean(scene)


@pytest.mark.parametrize("way", WAYS)
def test_rows_that_are_refused(scene, way):
    write(scene, way)
    scene.google.job_fault(job_type="load", error={
        "reason": "invalid", "location": "gs://staging/x",
        "message": "Error while reading data, error message: bad value in row 17"})
    result = scene.run()
    assert result.code == 5 and "row 17" in result.stderr and "gs://staging/x" in result.stderr, str(result)
    assert scene.objects() == [] and set(scene.tables()) <= {"items"}  # of no use any more
    assert scene.ok().job()["status"] == "succeeded"
    assert scene.rows() == scene.expected() and clean(scene)


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_loads_other_rows(scene, way):
    """What BigQuery says it loaded is held against what was read: a loss is not called a success."""
    write(scene, way)
    scene.google.job_fault(job_type="load", output_rows=7)
    result = scene.run()
    assert result.code == 4 and re.search(r"(but|which loaded) 7\b", result.stderr), str(result)
    scene.ok()
    if way == "staging":  # nothing was visible; else what is there was applied, whatever was said of it
        assert scene.rows() == scene.expected() and clean(scene)


@pytest.mark.parametrize("way", ("objects", "staging"))
@pytest.mark.parametrize("kind", ("lost_response", "error"))
def test_an_answer_that_got_lost(scene, way, kind):
    """jobs.insert was done: the second try finds the id taken, and looks."""
    write(scene, way, retries="1m")
    more = {"status": 503, "reason": "backendError", "when": "after"} if kind == "error" else {}
    fault = scene.google.fault("bigquery.jobs.insert", kind, match="prettyPrint", **more)
    result = scene.ok()
    assert fault.fired == 1 and scene.rows() == scene.expected() and clean(scene), str(result)


@pytest.mark.parametrize("nth", (1, 2))
def test_an_upload_that_got_lost(scene, nth):
    """Of the last bytes, or of the answer to them."""
    write(scene, "upload", retries="1m")
    fault = scene.google.fault("bigquery.jobs.insert*", "lost_response", nth=nth)
    result = scene.ok()
    assert fault.fired == 1 and scene.rows() == scene.expected() and clean(scene), str(result)


def test_a_job_that_takes_too_long(scene):
    write(scene, "objects")
    scene.write("append", "staging", destination={"job_timeout": "2s"})
    scene.google.job_fault(job_type="load", forever=True)
    result = scene.run()
    assert result.code == 4 and "is still RUNNING" in result.stderr, str(result)
    assert "show -j" in result.stderr and "console.cloud.google.com" in result.stderr
    scene.google.release_jobs()
    assert scene.ok().job()["status"] == "settled"
    assert scene.rows() == scene.expected() and clean(scene)


def test_a_signal_while_a_shard_is_loaded(scene):
    """The job is cancelled, since nothing of it can be visible."""
    import signal
    from support.processes import wait_until
    write(scene, "staging")
    scene.google.job_fault(job_type="load", forever=True, count=0)
    scene.google.forget_calls()
    running = scene.bqferry.start("run", env=scene.google.environment())
    wait_until(lambda: "bigquery.jobs.get" in scene.google.counts(), "the first look at the job")
    running.signal(signal.SIGINT)
    result = running.wait()
    assert result.code == 1, str(result)
    def jobs():
        return list(scene.google.client().list_jobs())
    wait_until(lambda: any(job.state == "DONE" for job in jobs()),
               f"the end of a job\n{scene.google.counts()}\n{result}")
    assert {job.error_result["reason"] for job in jobs() if job.error_result} <= {"stopped", "notFound"}
    scene.google.release_jobs()  # another one's bytes may arrive after the request to cancel it
    scene.google.clear_faults()
    scene.ok()
    assert scene.rows() == scene.expected() and clean(scene)


def test_other_columns_of_an_append(scene):
    """Stopped before anything is read, naming every column."""
    write(scene, "upload", schema={"evolve": "fail"})
    scene.ok()
    scene.db.execute("ALTER TABLE items ADD COLUMN extra int, ALTER price TYPE text")
    result = scene.run()
    assert result.code == 2 and "extra (INT64) is not there" in result.stderr, str(result)
    assert "price is NUMERIC(10, 2) there and STRING here" in result.stderr
    assert scene.google.counts() == {"bigquery.tables.get": 1}


def test_another_partitioning(scene):
    scene.write("replace", target={"partition_by": {"column": "day", "type": "day"}, "cluster_by": ["id"]})
    scene.ok()
    table = scene.google.client().get_table(f"{DATASET}.items")
    assert (table.time_partitioning.field, table.time_partitioning.type_) == ("day", "DAY")
    assert table.clustering_fields == ["id"]
    scene.write("replace", target={"partition_by": {"column": "day", "type": "month"}})
    result = scene.run()
    assert result.code == 2 and "partitioned by DAY of day" in result.stderr, str(result)
    scene.write("replace")  # says nothing: the table stays as it is
    scene.ok()
    assert scene.google.client().get_table(f"{DATASET}.items").clustering_fields == ["id"]


def test_what_a_table_carries(scene):
    scene.db.execute("COMMENT ON TABLE items IS 'What we sell'")
    scene.write("replace", destination={"labels": {"team": "data"}, "location": "EU"},
                target={"labels": {"env": "prod"}, "expiration": "30d"})
    result = scene.ok()
    client = scene.google.client()
    table = client.get_table(f"{DATASET}.items")
    assert client.get_dataset(DATASET).location == table.location == "EU"
    assert client.get_dataset(DATASET).labels == {"managed_by": "bqferry", "team": "data"}
    assert table.labels == {"managed_by": "bqferry", "job": "main", "team": "data", "env": "prod"}
    assert table.description == "What we sell\n\nLoaded by bqferry from db public.items"
    assert table.expires is not None
    assert table.to_api_repr()["tableConstraints"] == {"primaryKey": {"columns": ["id"]}}
    job = next(iter(client.list_jobs()))
    assert job.labels["run_id"] == result.job()["run_id"] and job.labels["team"] == "data"
    assert job.location == "EU"
    scene.write("replace", destination={"location": "US"})
    result = scene.run()
    assert result.code == 2 and "is in the location EU" in result.stderr, str(result)


@pytest.mark.parametrize("way", WAYS)
def test_a_replace_keeps_what_is_said_of_the_table(scene, way):
    write(scene, way, "replace")
    scene.ok()
    client = scene.google.client()
    table = client.get_table(f"{DATASET}.items")
    table.description, table.labels = "by hand", {"mine": "yes"}
    fields = [field.to_api_repr() for field in table.schema]
    fields[1]["description"] = "a name"
    from google.cloud.bigquery import SchemaField
    table.schema = [SchemaField.from_api_repr(field) for field in fields]
    client.update_table(table, ["description", "labels", "schema"])
    before = client.get_table(table.reference).to_api_repr()
    scene.db.execute("DELETE FROM items WHERE id > 500")
    scene.ok()
    after = client.get_table(table.reference).to_api_repr()
    for member in ("schema", "description", "labels", "tableConstraints", "expirationTime"):
        assert after.get(member) == before.get(member), member
    assert scene.rows() == scene.expected() and clean(scene)


def test_what_the_report_tells(scene):
    write(scene, "staging")
    jobs = scene.ok().job()["target_jobs"]
    assert sorted(job["kind"] for job in jobs)[:2] == ["copy", "load"]
    for job in jobs:
        assert job["id"].startswith("bqferry-") and job["id"] in job["link"] and job["bytes_billed"] == 0
    assert {job["id"] for job in jobs} == {job.job_id for job in scene.google.client().list_jobs()}


@pytest.mark.parametrize("destination", ({}, {"format": "ndjson"}, {"format": "ndjson", "compression": "none"}))
@pytest.mark.parametrize("bucket", (None, "staging"))
def test_no_rows(scene, bucket, destination):
    scene.write("replace", bucket, destination=destination)
    scene.ok()
    scene.db.execute("DELETE FROM items")
    assert scene.ok().job()["rows_applied"] == 0
    assert scene.rows() == [] and clean(scene)


def test_the_bucket_is_another_one_meanwhile(scene, fault_points):
    """An interrupted run goes on where its rows are."""
    scene.write("append", "staging")
    assert scene.run(fault="delivery.counted").killed
    scene.write("append")
    assert scene.ok().job()["status"] == "settled"
    assert scene.rows() == scene.expected() and clean(scene)


DAYS = {"partition_by": {"column": "day", "type": "day"}}


@pytest.mark.parametrize("bucket", (None, "staging"))
@pytest.mark.parametrize("death", ("delivery.counted", "bigquery.staging.counted", "bigquery.step.sent",
                                   "bigquery.step.sent:2", "bigquery.step.ended:2", "bigquery.step.ended:3",
                                   "delivery.applied", "bigquery.staging.dropped"))
def test_killed_between_partitions(scene, fault_points, bucket, death):
    """Half of the partitions replaced: the run is brought to its end, even when something else is asked for now."""
    scene.write("replace", bucket, target=DAYS)
    scene.ok()
    scene.db.execute("UPDATE items SET price = price + 1")
    scene.write("replace", bucket, target=DAYS, replace="partition")
    assert scene.run(fault=death).killed
    expected = scene.expected()
    scene.db.execute("DELETE FROM items WHERE day = '2026-01-02'")
    scene.write("replace", bucket, target=DAYS, replace="partition",
                source={"connection": "db", "table": "public.items", "where": "id < 0"})
    result = scene.ok()
    before = scene.db.rows("SELECT i, 'item ' || i, date '2026-01-01' + i % 3, i / 4.0 FROM generate_series(1, 1000) i")
    steps_of_copies = 1 if bucket is None else 2  # with a bucket, the first job loads the staging table
    name, _, nth = death.partition(":")
    begun = name in ("delivery.applied", "bigquery.staging.dropped") or \
        "step" in name and int(nth or 1) >= steps_of_copies
    assert scene.rows() == (expected if begun else sorted(tuple(row) for row in before)), str(result)
    assert clean(scene)


def test_rows_of_no_partition(scene):
    scene.write("replace", target=DAYS)
    scene.ok()
    scene.db.execute("UPDATE items SET day = NULL WHERE id = 7")
    scene.write("replace", target=DAYS, replace="partition")
    result = scene.run()
    assert result.code == 5 and "whose day is NULL" in result.stderr, str(result)
    assert clean(scene)


def test_too_many_partitions(scene):
    scene.db.execute("UPDATE items SET day = date '1990-01-01' + id::int")
    scene.db.execute("INSERT INTO items SELECT i, 'x', date '1990-01-01' + i, 0 FROM generate_series(1001, 4001) i")
    scene.write("replace", target=DAYS)
    result = scene.run()
    assert result.code == 2 and "4000 partitions" in result.stderr and "coarser" in result.stderr, str(result)
    assert scene.tables() == []
    scene.write("replace", target={"partition_by": {"column": "day", "type": "month"}})
    scene.ok()
    assert scene.rows() == scene.expected()
