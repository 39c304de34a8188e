# SPDX-License-Identifier: Apache-2.0
"""Jobs as resources: ids, states, locations, lists, cancel, delete.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs, …/rest/v2/Job, …/docs/managing-jobs"""

import io
import time

import pytest
from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery
from running import error_of

JOBS = "/bigquery/v2/projects/test-project/jobs"
LOAD = {"sourceFormat": "NEWLINE_DELIMITED_JSON", "sourceUris": ["gs://stage/o"],
        "schema": {"fields": [{"name": "a", "type": "INT64"}]},
        "destinationTable": {"projectId": "test-project", "datasetId": "d", "tableId": "t"}}


@pytest.fixture
def staged(google, dataset):
    bucket = google.storage().create_bucket("stage")
    bucket.blob("o").upload_from_string(b'{"a": 1}\n')
    return google


def insert(plain, job_id=None, load=None, **members):
    body = {"configuration": {"load": {**LOAD, **(load or {})}, **members}}
    if job_id is not None:
        body["jobReference"] = {"jobId": job_id, "projectId": "test-project"}
    return plain("POST", JOBS, json=body)


def done(plain, job_id, seconds=20, location=None):
    for _ in range(seconds * 20):
        answer = plain("GET", f"{JOBS}/{job_id}" + (f"?location={location}" if location else "")).json()
        if answer["status"]["state"] == "DONE":
            return answer
        time.sleep(0.05)
    raise AssertionError(answer)


def test_resource(staged, plain):
    """rest/v2/Job: everything that a job says about itself; int64 members are text."""
    answer = insert(plain, "run-1_x", labels={"managed_by": "me"}).json()
    assert answer["status"]["state"] in ("PENDING", "RUNNING")
    job = done(plain, "run-1_x")
    assert job["kind"] == "bigquery#job" and job["id"] == "test-project:US.run-1_x"
    assert job["jobReference"] == {"projectId": "test-project", "jobId": "run-1_x", "location": "US"}
    assert job["configuration"]["jobType"] == "LOAD" and job["configuration"]["labels"] == {"managed_by": "me"}
    assert job["configuration"]["load"]["sourceUris"] == ["gs://stage/o"]
    assert job["selfLink"].startswith(staged.bigquery) and job["etag"] and "@" in job["user_email"]
    statistics = job["statistics"]
    assert int(statistics["creationTime"]) <= int(statistics["startTime"]) <= int(statistics["endTime"])
    assert statistics["load"] == {"inputFiles": "1", "inputFileBytes": "9", "outputRows": "1", "outputBytes": "8", "badRecords": "0"}
    assert "totalSlotMs" in statistics and "errorResult" not in job["status"]


def test_an_id_is_used_once(staged, plain):
    """docs/running-jobs#generate-jobid: whoever sends an id again gets 409 duplicate, and nothing runs twice."""
    assert insert(plain, "once").status_code == 200
    for _ in range(2):
        assert error_of(insert(plain, "once")) == (409, "duplicate", "Already Exists: Job test-project:US.once")
    done(plain, "once")
    assert error_of(insert(plain, "once", {"writeDisposition": "WRITE_TRUNCATE"}))[:2] == (409, "duplicate")
    assert plain("GET", "/bigquery/v2/projects/test-project/datasets/d/tables/t").json()["numRows"] == "1"


def test_a_used_id_is_said_before_anything_else(staged, plain, client):
    """A retry of an insert must learn that its job is there, whatever has happened to the dataset since."""
    insert(plain, "once")
    done(plain, "once")
    client.delete_dataset("d", delete_contents=True)
    assert insert(plain, "once", {"destinationTable": {**LOAD["destinationTable"]}}).status_code == 409


def test_an_id_of_a_failed_job_stays_used(staged, plain):
    insert(plain, "bad", {"sourceUris": ["gs://stage/nothing"]})
    job = done(plain, "bad")
    assert job["status"]["errorResult"]["reason"] == "notFound"
    assert job["status"]["errors"][0] == job["status"]["errorResult"]
    assert insert(plain, "bad").status_code == 409


@pytest.mark.parametrize("job_id", ["a b", "a.b", "ä", "x" * 1025, "a/b"])
def test_ids_that_are_refused(staged, plain, job_id):
    """rest/v2/JobReference: letters, digits, underscores, dashes; up to 1,024."""
    assert error_of(insert(plain, job_id))[:2] == (400, "invalid")


def test_ids_are_made_when_none_is_given(staged, plain):
    first, second = insert(plain).json(), insert(plain).json()
    assert first["jobReference"]["jobId"] != second["jobReference"]["jobId"]


def test_missing_job(plain, client):
    with pytest.raises(NotFound, match="Not found: Job test-project:"):
        client.get_job("nothing")


# Locations ------------------------------------------------------------------------------------------------------

@pytest.fixture
def regional(google, client):
    """A dataset in a region, and a job there."""
    wanted = bigquery.Dataset("test-project.regional")
    wanted.location = "europe-west4"
    client.create_dataset(wanted)
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[bigquery.SchemaField("a", "INT64")])
    job = client.load_table_from_file(io.BytesIO(b'{"a": 1}\n'), "regional.t", job_config=config, job_id="there",
                                      location="europe-west4")
    job.result()
    return job


def test_jobs_outside_of_us_and_eu_need_their_location(regional, plain):
    """docs/locations#specify_locations: jobs.get without the location is 404 there."""
    assert regional.location == "europe-west4"
    assert error_of(plain("GET", f"{JOBS}/there"))[:2] == (404, "notFound")
    assert error_of(plain("GET", f"{JOBS}/there?location=US"))[:2] == (404, "notFound")
    assert plain("GET", f"{JOBS}/there?location=EUROPE-west4").status_code == 200
    assert plain("POST", f"{JOBS}/there/cancel").status_code == 404
    assert plain("POST", f"{JOBS}/there/cancel?location=europe-west4").status_code == 200


def test_jobs_in_the_eu_do_not(google, client, plain):
    wanted = bigquery.Dataset("test-project.eu")
    wanted.location = "EU"
    client.create_dataset(wanted)
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[bigquery.SchemaField("a", "INT64")])
    client.load_table_from_file(io.BytesIO(b'{"a": 1}\n'), "eu.t", job_config=config, job_id="there", location="EU").result()
    assert plain("GET", f"{JOBS}/there").json()["jobReference"]["location"] == "EU"


def test_the_location_comes_from_the_destination(regional, plain):
    """docs/locations: it is taken from the datasets that the job names."""
    body = {"configuration": {"load": {**LOAD, "destinationTable": {"projectId": "test-project", "datasetId": "regional",
                                                                    "tableId": "t"}}}}
    assert plain("POST", JOBS, json=body).json()["jobReference"]["location"] == "europe-west4"


def test_a_dataset_in_another_location_is_not_found(regional, plain):
    body = {"jobReference": {"location": "US"}, "configuration": {"load": {**LOAD, "destinationTable": {
        "projectId": "test-project", "datasetId": "regional", "tableId": "t"}}}}
    status, reason, message = error_of(plain("POST", JOBS, json=body))
    assert (status, reason) == (404, "notFound")
    assert message == "Not found: Dataset test-project:regional was not found in location US"


def test_one_id_in_two_locations(regional, staged, plain):
    """An id is unique in a project and location."""
    assert insert(plain, "there").status_code == 200


# States -----------------------------------------------------------------------------------------------------------

def test_polling(staged, plain):
    """jobs.insert returns at once; jobs.get tells PENDING, RUNNING, DONE."""
    staged.job_fault(job_type="load", pending_polls=1, running_polls=2)
    insert(plain, "slow")
    states = []
    while "DONE" not in states and len(states) < 50:
        states.append(plain("GET", f"{JOBS}/slow").json()["status"]["state"])
        time.sleep(0.02)
    assert states[:3] == ["PENDING", "RUNNING", "RUNNING"] and states[-1] == "DONE"


def test_cancel(staged, plain, client):
    """jobs.cancel returns at once; the job ends with `stopped` and has done nothing (docs/managing-jobs#cancel_jobs)."""
    staged.job_fault(job_type="load", forever=True)
    insert(plain, "long")
    assert plain("GET", f"{JOBS}/long").json()["status"]["state"] == "RUNNING"
    answer = plain("POST", f"{JOBS}/long/cancel").json()
    assert answer["kind"] == "bigquery#jobCancelResponse" and answer["job"]["jobReference"]["jobId"] == "long"
    job = done(plain, "long")
    assert job["status"]["errorResult"]["reason"] == "stopped"
    with pytest.raises(NotFound):
        client.get_table("d.t")
    assert insert(plain, "long").status_code == 409


def test_cancel_of_a_job_that_is_done(staged, plain):
    insert(plain, "short")
    done(plain, "short")
    assert plain("POST", f"{JOBS}/short/cancel").status_code == 200
    assert "errorResult" not in done(plain, "short")["status"]


def test_a_copy_does_not_stop(staged, client, make, load, rows, plain):
    """docs/managing-tables#limitations_on_copying_tables: "doesn't stop even when you cancel the job"."""
    make("s", [("a", "INT64")])
    load("s", [{"a": 1}])
    staged.job_fault(job_type="copy", forever=True)
    client.copy_table("d.s", "d.c", job_id="copy")
    plain("POST", f"{JOBS}/copy/cancel")
    assert "errorResult" not in done(plain, "copy")["status"]
    assert rows("c") == [(1,)]


def test_timeout(staged, plain):
    """JobConfiguration.jobTimeoutMs"""
    staged.job_fault(job_type="load", forever=True)
    insert(plain, "late", jobTimeoutMs="200")
    assert done(plain, "late")["status"]["errorResult"]["reason"] == "stopped"


# Lists ------------------------------------------------------------------------------------------------------------

def test_list(staged, plain, client):
    """jobs.list: newest first, pages, filters by state and creation time, projections."""
    for number in range(3):
        insert(plain, f"j{number}")
        done(plain, f"j{number}")
    staged.job_fault(job_type="load", forever=True)
    insert(plain, "open")
    names = lambda found: [job.job_id for job in found]  # noqa: E731
    assert names(client.list_jobs()) == ["open", "j2", "j1", "j0"]
    assert names(client.list_jobs(page_size=2)) == ["open", "j2", "j1", "j0"]
    assert names(client.list_jobs(max_results=2)) == ["open", "j2"]
    assert names(client.list_jobs(state_filter="done")) == ["j2", "j1", "j0"]
    assert names(client.list_jobs(state_filter="running")) == ["open"]
    first = client.get_job("j1").created
    assert names(client.list_jobs(min_creation_time=first)) == ["open", "j2", "j1"]
    assert names(client.list_jobs(max_creation_time=first)) == ["j1", "j0"]
    assert "configuration" not in plain("GET", JOBS).json()["jobs"][0]
    assert "configuration" in plain("GET", f"{JOBS}?projection=full").json()["jobs"][0]
    assert plain("GET", f"{JOBS}?stateFilter=over").status_code == 400
    plain("POST", f"{JOBS}/open/cancel")


def test_delete(staged, plain):
    """jobs.delete: needs the location; the job is gone afterwards."""
    insert(plain, "gone")
    done(plain, "gone")
    assert plain("DELETE", f"{JOBS}/gone/delete").status_code == 400
    assert plain("DELETE", f"{JOBS}/gone/delete?location=US").status_code == 204
    assert plain("GET", f"{JOBS}/gone").status_code == 404


def test_labels(staged, plain):
    """docs/labels-intro#requirements holds for jobs too."""
    assert insert(plain, labels={"Bad": "x"}).status_code == 400
    answer = insert(plain, "labelled", labels={"run": "1", "job": "orders"}).json()
    assert answer["configuration"]["labels"] == {"run": "1", "job": "orders"}


@pytest.mark.parametrize("configuration", [{}, {"load": LOAD, "copy": {}}, {"load": LOAD, "dryRun": True}, {"labels": {}},
                                           {"load": LOAD, "reservation": "projects/p/locations/us/reservations/r"}])
def test_configurations_that_are_refused(staged, plain, configuration):
    assert plain("POST", JOBS, json={"configuration": configuration}).status_code in (400, 501)


def test_an_insert_whose_answer_is_lost(staged, client, dataset):
    """docs/running-jobs#generate-jobid: a retry gets 409, and the job is there by its id."""
    staged.fault("bigquery.jobs.insert", "lost_response", count=1)
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[bigquery.SchemaField("a", "INT64")])
    with pytest.raises(Conflict):  # the library's own retry
        client.load_table_from_uri("gs://stage/o", dataset.table("s"), job_config=config, job_id="lost")
    client.get_job("lost").result()
    assert client.get_table("d.s").num_rows == 1
