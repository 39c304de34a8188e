# SPDX-License-Identifier: Apache-2.0
"""BigQuery: corners in which a run was once lost, doubled, or explained wrongly."""

import json
import time

import pytest

from support.processes import wait_until
from test_bigquery_basic import DATASET, PROJECT, Scene


@pytest.fixture
def scene(db, bqferry, google):
    return Scene(db, bqferry, google)


def clean(scene):
    return scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("bucket, death", [(None, "bigquery.upload.finished"), ("staging", "bigquery.step.sent")])
def test_the_project_of_jobs_is_another_one_meanwhile(scene, fault_points, bucket, death):
    """The interrupted run's job is looked for where it was sent: job ids are unique in one project only."""
    scene.write("append", bucket, destination={"job_project": "payer"})
    assert scene.run(fault=death).killed
    scene.write("append", bucket, destination={"job_project": "other-payer"})
    result = scene.ok()
    assert result.job()["status"] == "settled" and "project=payer&" in str(result.job()["target_jobs"]), str(result)
    assert scene.rows() == scene.expected() and clean(scene)


OLD = ("staging", {"one_shard_below": "1B"}, {"workers": 2}, None), ("objects", {}, {}, "staging"), \
    ("partitions", {}, {"replace": "partition"}, None), ("partitions-bucket", {}, {"replace": "partition"}, "staging")


@pytest.mark.parametrize("said_by", ("table", "dataset"))
@pytest.mark.parametrize("destination, job, bucket", [way[1:] for way in OLD], ids=[way[0] for way in OLD])
def test_rows_whose_partitions_have_expired(scene, destination, job, bucket, said_by):
    """They go when they are in the target, as it says; not out of the staging table, whose counts would be wrong."""
    day = 24 * 3600 * 1000
    scene.widen()
    scene.db.execute("UPDATE items SET day = CASE WHEN id % 2 = 0 THEN current_date ELSE '2001-01-01' END")
    if said_by == "dataset":
        from google.cloud.bigquery import Dataset
        dataset = Dataset(f"{PROJECT}.{DATASET}")
        dataset.default_partition_expiration_ms = 30 * day
        scene.google.client().create_dataset(dataset)
    expiration = {"expiration": "30d"} if said_by == "table" else {}
    layout = {"target": {"partition_by": {"column": "day", "type": "day", **expiration}}}
    for _ in range(2):  # into a new table, and into one that is there
        scene.write("replace", bucket, destination=destination, **layout, **job)
        assert scene.ok().job()["rows_applied"] == 1500
        assert scene.rows() == [row for row in scene.expected() if row[0] % 2 == 0] and clean(scene)
        table = scene.google.client().get_table(f"{DATASET}.items")
        assert table.time_partitioning.expiration_ms == 30 * day and table.expires is None


def test_what_is_said_when_nothing_was_kept(scene):
    """Rows of a direct upload live in the process: nobody is told that they are staged."""
    scene.write("append")
    scene.google.fault("bigquery.tables.insert", "error", reason="backendError")
    result = scene.run()
    assert result.code == 4 and "reads the source anew" in result.stderr and "are staged" not in result.stderr, str(result)
    assert scene.ok().job()["status"] == "succeeded"
    assert scene.rows() == scene.expected() and clean(scene)


def staging(scene):
    scene.widen()
    scene.write("append", workers=2, destination={"one_shard_below": "1B"}, retries="1m")


@pytest.mark.parametrize("reason", ("rateLimitExceeded", "backendError"))
def test_one_shard_that_fails(scene, reason):
    """A load job into staging that failed concerns its shard only: that one is read again, under another job id."""
    staging(scene)
    scene.google.job_fault(job_type="load", nth=2, error={"reason": reason, "message": "not now"})
    result = scene.ok()
    job = result.job()
    assert (job["attempt"], job["retries"], job["rows_read"]) == (1, 1, 1500), str(result)
    loads = [each["id"] for each in job["target_jobs"] if each["kind"] == "load"]
    assert len(loads) == job["shards"] + 1 and sum(each.endswith("-2") for each in loads) == 1, str(result)
    assert scene.rows() == scene.expected() and clean(scene)


@pytest.mark.parametrize("bucket", (None, "staging"))
def test_an_upload_that_cannot_go_on(scene, bucket):
    """Its session is gone (410) amid the bytes: the shard is read again, and nothing else."""
    scene.db.execute("ALTER TABLE items ADD COLUMN pad text")
    scene.db.execute("UPDATE items SET pad = (SELECT string_agg(md5(id::text || j), '') FROM generate_series(1, 400) j)")
    scene.db.execute("VACUUM FULL items")
    scene.write("append", bucket, workers=2, destination={"one_shard_below": "1B", "compression": "none"}, retries="1m")
    method = "storage.objects.insert:chunk" if bucket else "bigquery.jobs.insert:chunk"
    fault = scene.google.fault(method, "error", status=410, reason="gone")
    result = scene.ok()
    job = result.job()
    assert fault.fired == 1 and (job["attempt"], job["retries"]) == (1, 1), str(result)
    rows = scene.google.client().query_and_wait(f"SELECT count(*), sum(length(pad)) FROM `{PROJECT}.{DATASET}.items`")
    assert [tuple(row.values()) for row in rows] == [(1000, 12_800_000)] and clean(scene)


def test_many_jobs_are_not_all_shown(scene):
    scene.db.execute("UPDATE items SET day = date '2026-01-01' + id::int % 15")
    layout = {"target": {"partition_by": {"column": "day", "type": "day"}}, "replace": "partition"}
    scene.write("replace", **layout)
    result = scene.ok()
    assert len(result.job()["target_jobs"]) == 16 and "(6 before these)" in result.stdout, str(result)
    assert result.stdout.count("-part") == 10 and "-part14-1" in result.stdout
    assert scene.rows() == scene.expected() and clean(scene)


def test_a_bucket_that_is_not_there(scene):
    """A typing error is told as one, and the next run does not stumble over it."""
    scene.write("append", "stagnig")
    result = scene.run()
    assert result.code == 4 and "correct the bucket's name" in result.stderr, str(result)
    scene.write("append", "staging")
    assert scene.ok().job()["status"] == "succeeded"
    assert scene.rows() == scene.expected() and clean(scene)


def test_a_bucket_that_cannot_be_used(scene):
    """Elsewhere than the dataset, or of somebody who does not pay: what to do is told."""
    scene.google.storage().create_bucket("elsewhere", location="US")
    scene.write("append", "elsewhere", destination={"location": "EU"})
    result = scene.run()
    assert result.code == 4 and "a bucket must be where the dataset is" in result.stderr, str(result)
    assert "are staged" not in result.stderr and not list(scene.google.storage().list_blobs("elsewhere"))
    scene.google.fault("storage.objects.insert", "error", status=400, reason="required",
                       message="Bucket is a requester pays bucket but no user project provided.")
    result = scene.run()
    assert result.code == 4 and "destination.quota_project" in result.stderr, str(result)


def test_a_prefix_with_a_slash_at_its_end(scene):
    """docs/batch-loading-data: "multiple consecutive slashes are not supported"."""
    scene.write("append", "staging", destination={"prefix": "loads/of/us/"})
    scene.ok()
    names = [call["query"] for call in scene.google.calls() if call["method_id"] == "storage.objects.delete"]
    assert scene.rows() == scene.expected() and clean(scene) and len(names) == 1


@pytest.mark.parametrize("way, method", [("objects", "bigquery.jobs.insert"), ("objects", "bigquery.tables.insert"),
                                         ("staging", "bigquery.jobs.insert"), ("partitions", "bigquery.jobs.insert")])
def test_a_request_that_is_refused_as_invalid(scene, way, method):
    """It would be refused on every run: what is staged is given up, and the next run is free to be another one."""
    layout = {"target": {"partition_by": {"column": "day", "type": "day"}}}
    if way == "staging":
        staging(scene)
    elif way == "objects":
        scene.write("append", "staging")
    else:
        scene.write("replace", replace="partition", **layout)
    scene.google.fault(method, "error", status=400, reason="invalid", message="Invalid something",
                       match="prettyPrint")
    result = scene.run()
    assert result.code == 4 and "Invalid something" in result.stderr and "are staged" not in result.stderr, str(result)
    assert set(scene.tables()) <= {"items"} and scene.objects() == []
    assert scene.ok().job()["status"] == "succeeded"
    assert scene.rows() == scene.expected() and clean(scene)


@pytest.mark.parametrize("wish", (None, "w" * 20_000))
def test_comments_that_are_too_long(scene, wish):
    """quotas#all_tables: 16,384 characters of a table, 1,024 of a column."""
    scene.db.execute(f"COMMENT ON TABLE items IS '{'ä' * 20_000}'")
    scene.db.execute(f"COMMENT ON COLUMN items.name IS '{'€' * 2_000}'")
    scene.write("replace", **({"target": {"description": wish}} if wish else {}))
    scene.ok()
    table = scene.google.client().get_table(f"{DATASET}.items")
    source = "\n\nLoaded by bqferry from db public.items"
    assert table.description == ("w" * 16383 + "…" if wish else "ä" * (16384 - len(source) - 1) + "…" + source)
    assert table.schema[1].description == "€" * 1023 + "…"
    scene.ok()
    assert scene.rows() == scene.expected() and clean(scene)


def test_a_shard_that_takes_too_long(scene):
    """Nobody takes its result any more: the job is cancelled, and nobody is told that it goes on."""
    scene.widen()
    scene.write("append", workers=2, destination={"one_shard_below": "1B", "job_timeout": "2s"})
    scene.google.job_fault(job_type="load", forever=True, count=0)
    result = scene.run()
    assert result.code == 4 and "after 2 seconds" in result.stderr and "it was cancelled" in result.stderr, str(result)
    wait_until(lambda: any(job.state == "DONE" for job in scene.google.client().list_jobs()), "the end of that job")
    assert "stopped" in {job.error_result["reason"] for job in scene.google.client().list_jobs() if job.error_result}
    scene.google.release_jobs()  # the other one's bytes may arrive after the request to cancel it
    scene.google.clear_faults()
    scene.ok()
    assert scene.rows() == scene.expected() and clean(scene)


def test_staging_does_not_expire_under_a_run(scene, fault_points, gate):
    """It ends by itself after days when nobody comes back; who is at work on it for longer renews that."""
    scene.widen()
    scene.write("upsert", workers=1, source={"connection": "db", "table": "public.items", "where": gate.at("id", 1000)})
    scene.google.fault("bigquery.jobs.insert:chunk", "latency", seconds=1.5, count=0)
    environment = {**scene.google.environment(), "GCE_METADATA_HOST": None, "BQFERRY_LIMIT": "bigquery.staging_ms=6000"}
    run = scene.bqferry.start("run", env=environment)
    gate.wait_reached(run)
    time.sleep(4)
    gate.open()
    result = run.wait()
    assert result.code == 0, str(result)
    assert result.job()["phases"]["extract_ms"] > 6000 and scene.rows() == scene.expected()


@pytest.mark.parametrize("limit", ("uris=1", "load_bytes=100"))
def test_more_objects_than_one_load_job_takes(scene, fault_points, limit):
    """By their number or their bytes: then several fill a staging table, and one copy makes it visible."""
    scene.widen()
    scene.write("append", "staging", workers=2, destination={"one_shard_below": "1B"})
    for times in (1, 2):
        result = scene.run(env={"BQFERRY_LIMIT": f"bigquery.{limit}"})
        assert result.code == 0, str(result)
        kinds = [entry["kind"] for entry in result.job()["target_jobs"]]
        assert kinds == ["load"] * result.job()["shards"] + ["copy"] and len(kinds) > 2
        assert scene.rows() == scene.expected(times) and scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("what", ("table", "dataset"))
@pytest.mark.parametrize("way", ("staging", "objects", "partitions"))
def test_the_target_is_removed_meanwhile(scene, fault_points, way, what):
    """What was staged for it is given up; the next run begins anew, and no run stumbles over it for ever."""
    layout = {"target": {"partition_by": {"column": "day", "type": "day"}}}
    scene.write("replace", **layout)
    scene.ok()
    if way == "staging":
        scene.widen()
        scene.write("append", workers=2, destination={"one_shard_below": "1B"})
    elif way == "objects":
        scene.write("append", "staging")
    else:
        scene.write("replace", replace="partition", **layout)
    assert scene.run(fault="delivery.counted").killed
    client = scene.google.client()
    if what == "table":
        client.delete_table(f"{DATASET}.items")
    else:
        client.delete_dataset(DATASET, delete_contents=True)
    result = scene.ok()
    assert result.job()["status"] == "succeeded", str(result)
    assert scene.rows() == scene.expected() and clean(scene)


def test_the_target_is_removed_while_rows_are_read(scene):
    scene.write("append", "staging")
    scene.ok()
    fault = scene.google.fault("storage.objects.insert", "latency", seconds=60)
    running = scene.bqferry.start("run", env=scene.google.environment())
    wait_until(lambda: fault.fired, "the upload")
    scene.google.client().delete_table(f"{DATASET}.items")
    fault.clear()
    result = running.wait()
    assert result.code == 4 and "removed meanwhile" in result.stderr, str(result)
    assert scene.ok().job()["status"] == "succeeded"
    assert scene.rows() == scene.expected() and clean(scene)


@pytest.mark.parametrize("again", ((), ("--full-refresh",)), ids=("the same", "full refresh"))
@pytest.mark.parametrize("way", ("upload", "staging", "objects", "partitions"))
def test_a_request_that_outlives_its_process(scene, way, again):
    """What makes rows visible is on its way when the process dies, and arrives only after the next run has ended: it finds
    its id taken, and does nothing."""
    layout = {"target": {"partition_by": {"column": "day", "type": "day"}}} if way == "partitions" else {}
    scene.write("replace", **layout)
    scene.ok()
    load = "replace" if way == "partitions" else "append"
    if way == "staging":
        scene.widen()
    scene.write(load, "staging" if way == "objects" else None, workers=2,
                destination={"one_shard_below": "1B"} if way == "staging" else {},
                **({"replace": "partition"} if way == "partitions" else {}), **layout)
    before = len(scene.rows())
    copies = {"method": "bigquery.jobs.insert", "match": "prettyPrint"}  # not those of uploads
    fault = scene.google.fault(kind="latency", seconds=120,
                               **(copies if way != "upload" else {"method": "bigquery.jobs.insert:chunk"}))
    running = scene.bqferry.start("run", env=scene.google.environment())
    wait_until(lambda: fault.fired, "the request")
    running.process.kill()
    running.wait()
    rows = scene.db.value("SELECT count(*) FROM items")
    result = scene.ok(*again)
    expected = rows if again or load == "replace" else before + rows
    assert len(scene.rows()) == expected, str(result)
    known = len(scene.google.recorded())
    fault.clear()
    wait_until(lambda: any(call["status"] == 409 for call in scene.google.recorded()[known:]), "the late request")
    assert len(scene.rows()) == expected and clean(scene), str(result)


@pytest.mark.parametrize("load", ("append", "replace", "upsert"))
@pytest.mark.parametrize("bucket, death", [(None, "bigquery.upload.finished"), ("staging", "bigquery.step.sent")])
def test_a_run_that_was_interrupted_a_year_ago(scene, fault_points, bucket, death, load):
    """BigQuery has forgotten its jobs: rows that must not come twice are not read again on a guess."""
    if load == "upsert" and bucket is None:
        death = "bigquery.step.sent"
    scene.write(load, bucket)
    assert scene.run(fault=death).killed
    wait_until(lambda: all(job.state == "DONE" for job in scene.google.client().list_jobs()), "the end of the job")
    path = scene.bqferry.folder / ".bqferry/jobs/main.json"
    run = json.loads(path.read_text())["intent"]["run_id"]
    old = f"{int(run[:4]) - 1}{run[4:]}"
    path.write_text(path.read_text().replace(run, old))  # under which no job is known
    result = scene.run()
    if load != "append":
        assert result.code == 0 and scene.rows() == scene.expected(), str(result)
        return
    assert result.code == 4 and "BigQuery has forgotten by now whether its 1000 rows" in result.stderr, str(result)
    assert f"settling the interrupted run {old}" in result.stderr and "state reset main --force" in result.stderr, str(result)
    assert scene.run("--full-refresh").code == 4, "not even then: what is asked for may be wrong"
    assert scene.rows() == scene.expected()
    scene.bqferry.ok("state", "reset", "main", "--force", env=scene.google.environment())
    scene.ok("--full-refresh")
    assert scene.rows() == scene.expected()


def test_somebody_writes_into_staging(scene):
    """More rows were copied than were sent. That is told, also when nothing can be cleaned up then; the next run does that, and says it once more."""
    staging(scene)
    held = scene.google.fault("bigquery.jobs.insert", "latency", seconds=60, match="prettyPrint")  # the copy job
    scene.google.fault("bigquery.tables.delete", "error", status=400, reason="badRequest", count=0)
    running = scene.bqferry.start("run", env=scene.google.environment())
    wait_until(lambda: held.fired, "the copy job")
    name = next(name for name in scene.tables() if name.startswith("bqferry_staging"))
    scene.google.client().query(f"INSERT INTO raw_data.{name} (id) VALUES (0)").result()
    held.clear()
    result = running.wait()
    assert result.code == 4 and "1500 rows were staged but 1501 were applied" in result.stderr, str(result)
    assert "warning: main: removing what run " in result.stderr and "; the next run will do it" in result.stderr, str(result)
    scene.google.clear_faults()
    assert "1501 were applied" in scene.run().stderr and clean(scene)
    assert scene.ok().job()["status"] == "succeeded"


def test_copies_of_partitions_do_not_wait_for_each_other(scene):
    """Eight are sent before any is looked at; those that have ended meanwhile are looked at once."""
    scene.db.execute("UPDATE items SET day = date '2026-01-01' + id::int % 16")
    scene.write("replace", replace="partition", target={"partition_by": {"column": "day", "type": "day"}})
    scene.ok()
    calls = [call["method_id"] for call in scene.google.calls("bigquery.jobs.*") if "-part" in json.dumps(call["body"]) + call["path"]]
    batch = ["bigquery.jobs.insert"] * 8
    assert calls[:8] == batch and calls[8] == "bigquery.jobs.get", calls
    assert calls.count("bigquery.jobs.insert") == 16
    second = calls.index("bigquery.jobs.insert", 8)
    assert calls[second:second + 8] == batch, calls


def test_columns_that_go_away_are_told_of(scene):
    """A replace rebuilds the table with the rows' columns: what somebody added by hand is lost with its name told."""
    scene.write("replace")
    scene.ok()
    scene.google.client().query("ALTER TABLE raw_data.items ADD COLUMN remark STRING").result()
    result = scene.ok()
    assert "the columns of raw_data.items change with the rows: remark (STRING) is only there" in result.stderr, str(result)
    assert "remark" not in [field.name for field in scene.google.client().get_table("raw_data.items").schema]
    assert "change with the rows" not in scene.ok().stderr
