# SPDX-License-Identifier: Apache-2.0
"""Every fault at every call of a run into BigQuery: the run ends right or fails clearly, nothing arrives twice or in
part, and the next run, without the fault, ends right. And how many calls a run makes.

A seeded part of calls × faults is tried here, all of them in `make soak`."""

import pytest

from support.loading import CASES, ROWS, Scene

# Gone when it is tried again: the run has to end right.
PASSING = [
    ("error", {"status": 429, "reason": "rateLimitExceeded"}),
    ("error", {"reason": "backendError"}),
    ("error", {"reason": "internalError"}),
    ("error", {"status": 502, "body": "<html>bad gateway</html>"}),
    ("error", {"reason": "backendError", "when": "after"}),
    ("latency", {"seconds": 0.3}),
    ("hang", {}),
    ("reset_request", {"bytes": 0}),
    ("reset_request", {"bytes": None}),  # None: any
    ("reset_response", {"bytes": 11}),
    ("reset_response", {"bytes": None}),
    ("lost_response", {}),
]
# The run may fail, clearly.
LASTING = [
    ("error", {"status": 401, "reason": "authError", "message": "Request had invalid authentication credentials."}),
    ("error", {"reason": "accessDenied", "message": "Access Denied: Permission bigquery.tables.get denied"}),
    ("error", {"reason": "notFound", "message": "Not found: Dataset d"}),
    ("error", {"reason": "duplicate", "message": "Already Exists"}),
    ("error", {"reason": "invalid", "message": "Invalid value"}),
    ("quota", {"reason": "quotaExceeded"}),
    ("quota", {"reason": "rateLimitExceeded", "count": 0}),
]
JOB_ENDS = [{"reason": "backendError", "message": "Backend error"},
            {"reason": "jobInternalError", "message": "An internal error occurred"},
            {"reason": "quotaExceeded", "message": "Quota exceeded: too many table updates"},
            {"reason": "invalid", "message": "Error while reading data"},
            {"reason": "stopped", "message": "Job execution was cancelled"}]


def calls_of(google):
    """(method, its how manieth) of every call of the run that was just made."""
    seen, calls = {}, []
    for call in google.calls():
        if call["headers"].get("user-agent", "").startswith("bqferry/"):
            seen[call["method_id"]] = seen.get(call["method_id"], 0) + 1
            calls.append((call["method_id"], seen[call["method_id"]]))
    return calls


def end_is_right(scene, result, context):
    """Whatever the run says, it is true; and the next one makes good what is left to do."""
    rows = scene.rows()
    assert scene.is_whole(rows), f"{context}: a reader sees half a run\n{result}"
    if result.code == 0:
        assert rows == scene.after(), f"{context}: it says that all is well\n{result}"
        if "accessDenied" in context and "stays behind" in result.stderr:  # may not be removed, and it says so
            scene.bqferry.ok("gc", "--older-than", "0s")
        assert scene.target.leftovers() == [], f"{context}\n{result}"
    else:
        error = result.job()["error"]
        assert result.code in (4, 5) and error["message"] and error["kind"] in ("target", "data"), \
            f"{context}\n{result}"
        scene.made_good(context)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("way, load", CASES)
def test_every_fault_at_every_call(db, bqferry, google, fault_points, seed, soak, way, load):
    scene = Scene(db, bqferry, google, way, load, retries="5s")
    google.forget_calls()
    bqferry.ok("run")
    calls = calls_of(google)
    cases = [(call, fault) for call in calls for fault in PASSING + LASTING
             # nothing is left of what is not to be found
             if not (call[0].endswith(".delete") and fault[1].get("reason") == "notFound")]
    for (method, nth), (kind, fields) in cases if soak else seed.sample(cases, 3):
        scene.again()
        passing = (kind, fields) in PASSING
        fields = {name: seed.randrange(1000) if value is None else value for name, value in fields.items()}
        google.fault(method, kind, nth=nth, **fields)
        # a minute of silence is what a run would wait for
        result = bqferry("run", timeout=200, env={"BQFERRY_LIMIT": "net.silence_ms=2000"} if kind == "hang" else None)
        google.clear_faults()
        context = f"{kind} {fields} at call {nth} of {method}"
        if passing:
            assert result.code == 0, f"{context}\n{result}"
        end_is_right(scene, result, context)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("way, load", CASES)
def test_every_end_of_every_job(db, bqferry, google, seed, soak, way, load):
    """Each job of a run fails for each reason, with and without having done its work."""
    scene = Scene(db, bqferry, google, way, load, retries="5s")
    google.forget_calls()
    bqferry.ok("run")
    jobs = sum(method == "bigquery.jobs.insert" for method, _ in calls_of(google))
    cases = [(nth, error) for nth in range(1, jobs + 1) for error in JOB_ENDS]
    for nth, error in cases if soak else seed.sample(cases, 1):
        scene.again()
        google.job_fault(nth=nth, error=error, method="bigquery.jobs.insert*")
        result = bqferry("run", timeout=200)
        google.clear_faults()
        end_is_right(scene, result, f"job {nth} of {jobs} ends with {error}")


# How many calls ------------------------------------------------------------------------------------

# Of a run into a table that is there. What each is for: docs/internals/bigquery.md.
DIRECT = {"bigquery.tables.get": 1, "bigquery.jobs.insert": 1, "bigquery.jobs.insert:chunk": 1, "bigquery.jobs.get": 1}
COUNTS = {
    "upload": DIRECT,
    "uploads-staged": {"bigquery.tables.get": 2, "bigquery.tables.insert": 1, "bigquery.jobs.insert": 3,
                       "bigquery.jobs.insert:chunk": 2, "bigquery.jobs.get": 3, "bigquery.tables.delete": 1},
    "bucket": {"bigquery.tables.get": 1, "storage.objects.insert": 2, "storage.objects.insert:chunk": 2,
               "bigquery.jobs.insert": 1, "bigquery.jobs.get": 1, "storage.objects.delete": 2},
    # facts and look are queries; the merge is a job
    "merge": {"bigquery.tables.get": 2, "bigquery.tables.insert": 1, "bigquery.jobs.insert": 2,
              "bigquery.jobs.insert:chunk": 1, "bigquery.jobs.query": 2, "bigquery.jobs.get": 2,
              "bigquery.tables.delete": 1},
    # two days
    "partitions": {"bigquery.tables.get": 2, "bigquery.tables.insert": 1, "bigquery.jobs.insert": 3,
                   "bigquery.jobs.insert:chunk": 1, "bigquery.jobs.get": 3, "bigquery.tables.delete": 1,
                   "bigquery.rowAccessPolicies.list": 1},
}


@pytest.mark.parametrize("way, load", [(way, load) for way, load in CASES if way in COUNTS])
def test_number_of_calls(db, bqferry, google, way, load):
    """No call more than the run must make; a job that takes longer is asked after more often."""
    scene = Scene(db, bqferry, google, way, load)
    google.forget_calls()
    bqferry.ok("run")
    counts = {}
    for method, _ in calls_of(google):
        counts[method] = counts.get(method, 0) + 1
    polls, wanted = counts.pop("bigquery.jobs.get"), dict(COUNTS[way])
    if way == "uploads-staged" and load == "replace":  # such a copy would drop them
        wanted["bigquery.rowAccessPolicies.list"] = 1
    assert counts == {method: count for method, count in wanted.items() if method != "bigquery.jobs.get"}
    assert polls <= 2 * wanted["bigquery.jobs.get"]
    assert scene.rows() == scene.after() and ROWS


def test_number_of_calls_of_a_new_table(db, bqferry, google):
    """A small table into a dataset that is not there: nothing is asked for twice, and no credentials are looked for."""
    db.execute("CREATE TABLE items AS SELECT 1 AS id")
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}},
        "destination": {"type": "bigquery", "project": google.project, "dataset": "fresh",
                        "endpoints": {"bigquery": google.bigquery}},
        "jobs": [{"name": "main", "load": "replace", "source": {"table": "items"}}]})
    bqferry.ok("run")
    counts = google.counts()
    assert counts.pop("bigquery.jobs.get") <= 2
    assert counts == {"bigquery.tables.get": 1, "bigquery.datasets.get": 1, "bigquery.datasets.insert": 1,
                      "bigquery.tables.insert": 1, "bigquery.jobs.insert": 1, "bigquery.jobs.insert:chunk": 1}
