# SPDX-License-Identifier: Apache-2.0
"""BigQuery: a run that is asked to stop, or one of whose shards has failed, while the server is silent or busy.

What hangs here hangs for ten minutes, and what is tried again is so for ten: a run that waited for that would not end
within the minute that a test gives it."""

import signal

import pytest

from support.processes import wait_until
from test_bigquery_basic import Scene
from test_bigquery_edges import clean

LONG = 600
SEVERAL = {"one_shard_below": "1B", "compression": "none"}


@pytest.fixture
def scene(db, bqferry, google):
    scene = Scene(db, bqferry, google)
    yield scene
    google.clear_faults()


def write(scene, bucket, workers=3, **job):
    scene.widen()
    scene.write("append", bucket, workers=workers, destination=SEVERAL if workers > 1 else {"compression": "none"}, retries="10m",
                **job)


def jobs(scene):
    return list(scene.google.client().list_jobs())


def nothing_goes_on(scene):
    wait_until(lambda: all(job.state == "DONE" for job in jobs(scene)), "the end of the jobs")


def goes_right_then(scene):
    scene.google.clear_faults()
    scene.google.release_jobs()
    scene.ok()
    assert scene.rows() == scene.expected() and clean(scene)
    nothing_goes_on(scene)


CALLS = [(None, "bigquery.tables.get", 1), (None, "bigquery.tables.insert", 1), (None, "bigquery.jobs.insert", 2),
         (None, "bigquery.jobs.insert:chunk", 2), (None, "bigquery.jobs.get", 1), ("staging", "storage.objects.insert", 2),
         ("staging", "storage.objects.insert:chunk", 2), ("staging", "bigquery.jobs.insert", 1), ("staging", "bigquery.jobs.get", 1)]


@pytest.mark.parametrize("bucket, method, nth, kind",
                         [(*call, "hang") for call in CALLS] + [(*call, "error") for call in CALLS[3:5] + CALLS[6:8]])
def test_a_signal(scene, kind, bucket, method, nth):
    """In a call that is not answered, and between tries of one that fails: the run ends, its jobs are cancelled where
    nothing of them can be seen, and the next run ends right."""
    write(scene, bucket)
    fields = {"seconds": LONG} if kind == "hang" else {"status": 503, "reason": "backendError"}
    fault = scene.google.fault(method, kind, nth=nth, count=0, **fields)
    running = scene.bqferry.start("run", env=scene.google.environment())
    wait_until(lambda: fault.fired > (kind == "error"), "the fault")
    running.signal(signal.SIGTERM)
    result = running.wait()
    assert result.code == 1, str(result)
    scene.google.clear_faults()
    nothing_goes_on(scene)
    goes_right_then(scene)


def test_a_signal_when_nothing_is_answered_any_more(scene):
    """Last words are not waited for longer than a few seconds, all together."""
    write(scene, None)
    fault = scene.google.fault("bigquery.*", "hang", nth=6, count=0, seconds=LONG)
    running = scene.bqferry.start("run", env=scene.google.environment())
    wait_until(lambda: fault.fired > 0, "the fault")
    running.signal(signal.SIGTERM)
    assert running.wait(timeout=25).code == 1
    goes_right_then(scene)


@pytest.mark.parametrize("bucket", (None, "staging"))
@pytest.mark.parametrize("kind", ("hang", "error"))
def test_a_sibling_that_fails_amid_uploads(scene, bucket, kind):
    """The others' uploads are not waited for, nor tried again."""
    write(scene, bucket)
    method = "storage.objects.insert:chunk" if bucket else "bigquery.jobs.insert:chunk"
    fields = {"seconds": LONG} if kind == "hang" else {"status": 503, "reason": "backendError"}
    scene.google.fault(method, kind, nth=2, count=0, **fields)
    scene.google.fault(method, "error", nth=1, status=400, reason="invalid", message="no more of this")
    result = scene.run()
    assert result.code == 4 and "no more of this" in result.stderr, str(result)
    goes_right_then(scene)


def test_a_sibling_that_fails_while_others_are_loaded(scene):
    """Their jobs are cancelled: nothing of them is of use any more."""
    write(scene, None)
    scene.google.job_fault(job_type="load", nth=1, error={"reason": "invalid", "message": "Error while reading data: no"})
    scene.google.job_fault(job_type="load", nth=2, count=0, forever=True)
    result = scene.run()
    assert result.code == 5 and "Error while reading data: no" in result.stderr, str(result)
    assert scene.google.counts().get("bigquery.jobs.cancel", 0) > 0, str(result)
    scene.google.release_jobs()  # one's last bytes may arrive after the request to cancel it
    nothing_goes_on(scene)
    assert {job.error_result["reason"] for job in jobs(scene) if job.error_result} <= {"invalid", "stopped", "notFound"}
    goes_right_then(scene)
