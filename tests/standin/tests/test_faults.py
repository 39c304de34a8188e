# SPDX-License-Identifier: Apache-2.0
"""Faults hit the calls that they name, to the byte; calls are recorded as they were sent."""

import concurrent.futures
import io
import json
import os
import random
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
)
from google.auth.transport.requests import Request
from google.cloud import bigquery

from running import Plain, module_fixture
from support.bigquery import ControlError
from support.discovery import check_calls

started, google = module_fixture()
INSERT = "/upload/storage/v1/b/staging/o?uploadType=media&name="


@pytest.fixture
def plain(google):
    google.storage().create_bucket("staging")
    google.forget_calls()
    return Plain(google.gcs)


@pytest.fixture
def table(google):
    """A table with two columns, by the name that clients take."""
    client = google.client()
    client.create_dataset("d")
    schema = [bigquery.SchemaField("id", "INTEGER"), bigquery.SchemaField("name", "STRING")]
    client.create_table(bigquery.Table("test-project.d.t", schema=schema))
    google.forget_calls()
    return "test-project.d.t"


def load(google, table, rows=2, job_id=None):
    """A multipart upload, because its size is known and small."""
    text = "".join(json.dumps({"id": number, "name": f"n{number}"}) + "\n" for number in range(rows)).encode()
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
    return google.client().load_table_from_file(
        io.BytesIO(text), table, size=len(text), job_config=config, job_id=job_id
    )


def raw(base, head, body=b"", path="/"):
    """Sends bytes and reads until the other side ends: (bytes, "reset" or "closed")."""
    where = urlsplit(base)
    with socket.create_connection((where.hostname, where.port), 30) as connection:
        lines = [f"{head.split(' ')[0]} {path} HTTP/1.1", f"Host: {where.netloc}", "Connection: close",
                 f"Content-Length: {len(body)}", *head.split("\n")[1:]]
        received = b""
        try:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
            while piece := connection.recv(65536):
                received += piece
        except (ConnectionResetError, BrokenPipeError):
            return received, "reset"
        return received, "closed"


# Which calls --------------------------------------------------------------------------------------

def statuses(plain, count, path="/storage/v1/b/staging/o"):
    return [plain("GET", path).status_code for _ in range(count)]


@pytest.mark.parametrize("fields, wanted", [
    ({}, [503, 200, 200, 200]), ({"nth": 3}, [200, 200, 503, 200]), ({"nth": 2, "count": 2}, [200, 503, 503, 200]),
    ({"count": 0}, [503, 503, 503, 503]), ({"nth": 3, "count": 0}, [200, 200, 503, 503]),
])
def test_which_calls(google, plain, fields, wanted):
    fault = google.fault("storage.objects.list", "error", reason="backendError", **fields)
    assert statuses(plain, 4) == wanted
    assert fault.fired == wanted.count(503)
    google.clear_faults()
    assert statuses(plain, 1) == [200]


def test_patterns_and_matches(google, plain):
    google.fault("storage.objects.*", "error", status=500, count=0, match="prefix=run-7")
    assert statuses(plain, 1, "/storage/v1/b/staging/o?prefix=run-8") == [200]
    assert statuses(plain, 1, "/storage/v1/b/staging/o?prefix=run-7") == [500]
    google.clear_faults()
    google.fault("*", "error", status=500, count=0)
    assert statuses(plain, 1, "/storage/v1/b/staging") == [500]


def test_one_fault_of_several_can_be_cleared(google, plain):
    first = google.fault("storage.objects.list", "error", status=500, count=0)
    google.fault("storage.buckets.get", "error", status=500, count=0)
    first.clear()
    assert statuses(plain, 1) == [200] and statuses(plain, 1, "/storage/v1/b/staging") == [500]


@pytest.mark.parametrize(
    "fault, text",
    [
        ({"method": "*", "kind": "explosion"}, "no kind of fault"),
        ({"kind": "error", "status": 500}, "needs a method"),
        ({"method": "*", "kind": "error"}, "needs a status"),
        ({"method": "*", "kind": "error", "reason": "tired"}, "tired"),
        ({"method": "*", "kind": "latency", "secs": 1}, "secs"),
        ({"method": "*", "kind": "latency", "nth": 0}, "nth"),
    ],
)
def test_faults_that_make_no_sense(google, fault, text):
    with pytest.raises(ControlError, match=text):
        google.control("POST", "faults", fault)


# Errors -------------------------------------------------------------------------------------------

def test_an_error_before_the_work_and_after_it(google, plain):
    google.fault("storage.objects.insert", "error", reason="backendError")
    assert plain("POST", INSERT + "a", data=b"x").status_code == 503
    assert plain("GET", "/storage/v1/b/staging/o/a").status_code == 404
    google.fault("storage.objects.insert", "error", reason="backendError", when="after")
    assert plain("POST", INSERT + "a", data=b"x").status_code == 503
    assert plain("GET", "/storage/v1/b/staging/o/a").status_code == 200


def test_headers_and_bodies_of_errors(google, plain):
    google.fault("storage.objects.list", "error", status=429, reason="rateLimitExceeded", headers={"Retry-After": "7"})
    answer = plain("GET", "/storage/v1/b/staging/o")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["error"]["errors"][0]["reason"] == "rateLimitExceeded"
    google.fault("storage.objects.list", "error", status=502, body="<html>Bad Gateway</html>")
    answer = plain("GET", "/storage/v1/b/staging/o")
    assert (answer.status_code, answer.text) == (502, "<html>Bad Gateway</html>")
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("reason, kind", [
    ("backendError", ServiceUnavailable), ("internalError", InternalServerError), ("accessDenied", Forbidden),
    ("notFound", NotFound), ("duplicate", Conflict), ("invalid", BadRequest), ("quotaExceeded", Forbidden),
    ("rateLimitExceeded", Forbidden), ("resourcesExceeded", BadRequest), ("tableUnavailable", BadRequest),
])
def test_reasons_as_googles_client_sees_them(google, reason, kind):
    """https://docs.cloud.google.com/bigquery/docs/error-messages"""
    google.fault("bigquery.datasets.list", "error", reason=reason, count=0)
    with pytest.raises(kind) as caught:
        list(google.client().list_datasets(retry=None))
    assert caught.value.errors[0]["reason"] == reason


def test_quotas(google):
    """The texts of quota reasons: https://docs.cloud.google.com/bigquery/docs/troubleshoot-quotas"""
    google.fault("bigquery.datasets.list", "quota")
    google.fault("bigquery.datasets.list", "quota", nth=2, reason="rateLimitExceeded", status=429)
    with pytest.raises(Forbidden, match="Quota exceeded"):
        list(google.client().list_datasets(retry=None))
    with pytest.raises(TooManyRequests, match="Exceeded rate limits"):
        list(google.client().list_datasets(retry=None))


def test_clients_try_again(google):
    """google-cloud-bigquery retries what may be retried."""
    google.fault("bigquery.datasets.list", "error", reason="backendError", count=2)
    assert list(google.client().list_datasets()) == []
    assert google.counts()["bigquery.datasets.list"] == 3


def test_a_keep_alive_connection_survives_an_error(google, plain):
    """The body of a refused request is read to its end, so the connection goes on."""
    google.fault("storage.objects.insert", "error", reason="backendError")
    session = requests.Session()
    assert session.post(google.gcs + INSERT + "a", data=b"x" * 300_000).status_code == 503
    assert session.post(google.gcs + INSERT + "a", data=b"y" * 300_000).status_code == 200


# Bytes --------------------------------------------------------------------------------------------

def test_a_reset_after_any_byte_of_an_answer(google, plain):
    """Exactly the first n bytes come, status line and headers counted; then the connection is reset. BQFERRY_SOAK=1: every n."""
    path = "/storage/v1/b/staging"
    whole, how = raw(google.gcs, "GET", path=path)
    assert how == "closed" and whole.startswith(b"HTTP/1.1 200")
    seed = int(os.environ.get("BQFERRY_SEED") or random.SystemRandom().randrange(1 << 31))
    print(f"BQFERRY_SEED={seed}")
    counts = range(len(whole)) if os.environ.get("BQFERRY_SOAK") else random.Random(seed).sample(range(len(whole)), 25)
    for count in [0, 1, len(whole) - 1, *counts]:
        google.clear_faults()
        google.fault("storage.buckets.get", "reset_response", bytes=count)
        found, how = raw(google.gcs, "GET", path=path)
        assert (len(found), how) == (count, "reset")
        assert google.calls("storage.buckets.get")[-1]["sent"] == count


@pytest.mark.parametrize("count", [0, 1, 1000, 65536, 100_000, 299_999])
def test_a_reset_after_any_byte_of_a_request(google, plain, count):
    google.fault("storage.objects.insert", "reset_request", bytes=count)
    found, how = raw(google.gcs, "POST", noise(300_000), path=INSERT + "a")
    assert (found, how) == (b"", "reset")
    call = google.calls("storage.objects.insert")[0]
    assert (call["received"], call["sent"], call["status"]) == (count, 0, 0)
    assert plain("GET", "/storage/v1/b/staging/o/a").status_code == 404


def test_a_reset_that_is_not_reached(google, plain):
    """A request of fewer bytes is done as if there were no fault."""
    google.fault("storage.objects.insert", "reset_request", bytes=1000)
    assert plain("POST", INSERT + "a", data=b"x" * 10).status_code == 200


def test_an_answer_that_comes_early(google, plain):
    """The client is still sending when it is refused: the answer is there, then the connection's end."""
    google.fault("storage.objects.insert", "error", reason="backendError", early=True)
    where = urlsplit(google.gcs)
    with socket.create_connection((where.hostname, where.port), 30) as connection:
        connection.sendall(
            f"POST {INSERT}a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n".encode() + b"x" * 1000
        )
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 503 ") and b"Connection: close" in received
    assert google.calls("storage.objects.insert")[0]["received"] <= 1000


def noise(size):
    return random.Random(1).randbytes(size)


def test_a_large_answer_is_cut_exactly(google, plain):
    """More than the sockets' buffers hold."""
    plain("POST", INSERT + "big", data=noise(8_000_000))
    google.fault("storage.objects.get", "reset_response", bytes=7_000_001)
    found, how = raw(google.gcs, "GET", path="/storage/v1/b/staging/o/big?alt=media")
    assert (len(found), how) == (7_000_001, "reset")
    head, _, body = found.partition(b"\r\n\r\n")
    assert body == noise(8_000_000)[:len(body)]


def test_a_lost_answer(google, plain):
    """The work was done and nobody is told: a second attempt with a precondition finds its own object."""
    google.fault("storage.objects.insert", "lost_response")
    with pytest.raises(requests.exceptions.ConnectionError):
        plain("POST", INSERT + "a&ifGenerationMatch=0", data=b"x")
    assert plain("POST", INSERT + "a&ifGenerationMatch=0", data=b"x").status_code == 412


def test_googles_client_goes_on_after_a_broken_chunk(google, plain):
    """A connection that breaks in a chunk, and a chunk that is refused: the object is whole in the end."""
    data = noise(1_000_000)
    google.fault("storage.objects.insert:chunk", "reset_request", nth=2, bytes=100_000)
    google.fault("storage.objects.insert:chunk", "error", nth=3, reason="backendError")
    blob = google.storage().bucket("staging").blob("a", chunk_size=262144)
    blob.upload_from_file(io.BytesIO(data))
    assert blob.download_as_bytes() == data
    assert google.counts()["storage.objects.insert:chunk"] >= 6


# Time ---------------------------------------------------------------------------------------------

def begun(google, method):
    """Waits until a call of that method has begun."""
    for _ in range(500):
        if google.counts(method):
            return
        time.sleep(0.01)
    raise AssertionError(f"no call of {method}")


def test_a_slow_call(google, plain):
    """Latency ends when the fault is cleared; the call then goes on."""
    google.fault("storage.objects.list", "latency", seconds=100)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(statuses, plain, 1)
        begun(google, "storage.objects.list")
        assert not waiting.done() and not google.calls("storage.objects.list")[0]["done"]
        google.clear_faults()
        assert waiting.result(30) == [200]


def test_a_call_that_hangs(google, plain):
    google.fault("storage.objects.list", "hang")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(raw, google.gcs, "GET", path="/storage/v1/b/staging/o")
        begun(google, "storage.objects.list")
        assert not waiting.done()
        google.clear_faults()
        assert waiting.result(30) == (b"", "reset")


# Every service ------------------------------------------------------------------------------------

def refresh(google, kind):
    if kind == "metadata.token":
        google.metadata_account("vm")
        answer = Plain(google.auth)("GET", "/computeMetadata/v1/instance/service-accounts/default/token",
                                    headers={"Metadata-Flavor": "Google"})
        assert answer.status_code == 200, answer.text
        return
    path = {"oauth.token": google.service_account, "sts.token": google.external_account,
            "iamcredentials.*": lambda: google.impersonated(source=google.service_account("deployer"))}[kind]()
    google.load_credentials(path).refresh(Request())


@pytest.mark.parametrize("method", ["oauth.token", "sts.token", "iamcredentials.*", "metadata.token"])
@pytest.mark.parametrize("fault", [{"kind": "error", "status": 400, "reason": "invalid_grant"},
                                   {"kind": "lost_response"}, {"kind": "reset_response", "bytes": 20},
                                   {"kind": "reset_request", "bytes": 0}])
def test_tokens_have_faults_too(google, method, fault):
    google.fault(method, count=0, **fault)
    with pytest.raises(Exception) as caught:  # each library has its own
        refresh(google, method)
    assert not isinstance(caught.value, (ControlError, KeyError, TypeError))
    google.reset()
    refresh(google, method)


def test_the_token_endpoint_is_asked_again(google):
    """google-auth retries 500 and 503 of the token endpoint."""
    google.fault("oauth.token", "error", status=503, reason="temporarily_unavailable", count=1)
    refresh(google, "oauth.token")
    assert google.counts()["oauth.token"] == 2


# Jobs ---------------------------------------------------------------------------------------------

def test_a_job_that_runs_for_some_polls(google, table):
    """RUNNING for three answers; the rows are there when it is DONE."""
    google.job_fault(job_type="load", running_polls=3)
    job = load(google, table)
    seen = []
    for _ in range(200):
        job.reload()
        seen.append(job.state)
        if job.state == "DONE":
            break
        time.sleep(0.01)
    assert seen[:3] == ["RUNNING"] * 3 and seen[-1] == "DONE"
    assert job.output_rows == 2


def test_a_job_that_claims_other_rows(google, table):
    google.job_fault(job_type="load", output_rows=7)
    job = load(google, table)
    job.result()
    assert job.output_rows == 7 and google.client().get_table(job.destination).num_rows == 2


def test_a_job_that_waits_first(google, table):
    google.job_fault(pending_polls=2, running_polls=1)
    job = load(google, table)
    assert job.state == "PENDING"
    states = []
    while not job.done(retry=None) and len(states) < 200:
        states.append(job.state)
        time.sleep(0.01)
    assert states[:2] == ["PENDING", "RUNNING"] or states[:3] == ["PENDING", "PENDING", "RUNNING"]


def test_a_job_that_stays_running(google, table):
    """Its rows come when it is released, once."""
    google.job_fault(job_type="load", forever=True)
    job = load(google, table, job_id="stuck")
    for _ in range(5):
        job.reload()
        assert job.state == "RUNNING"
    assert google.client().get_table(table).num_rows == 0
    google.release_jobs("stuck")
    job.result(timeout=30)
    assert google.client().get_table(table).num_rows == 2


def test_a_job_that_stays_running_is_cancelled(google, table):
    """https://docs.cloud.google.com/bigquery/docs/managing-jobs#cancel_jobs: DONE with the reason `stopped`, no row"""
    google.job_fault(forever=True)
    job = load(google, table)
    job.cancel()
    with pytest.raises(GoogleAPICallError) as caught:
        job.result(timeout=30)
    assert caught.value.errors[0]["reason"] == "stopped"
    assert google.client().get_table(table).num_rows == 0


@pytest.mark.parametrize("apply, rows", [(False, 0), (True, 2)])
def test_a_job_that_fails(google, table, apply, rows):
    """DONE with an errorResult; with `apply`, the work was done all the same."""
    google.job_fault(job_type="load", error={"reason": "backendError", "message": "try again"}, apply=apply)
    job = load(google, table)
    with pytest.raises(GoogleAPICallError, match="try again"):
        job.result(timeout=30, retry=None)
    assert job.error_result["reason"] == "backendError"
    assert google.client().get_table(table).num_rows == rows
    load(google, table).result(timeout=30)


def test_faults_of_other_jobs_do_not_hit(google, table):
    google.job_fault(job_type="copy", error={"reason": "backendError"})
    google.job_fault(match="other-id", error={"reason": "backendError"})
    load(google, table).result(timeout=30)


def test_a_lost_answer_of_an_insert(google, table):
    """https://docs.cloud.google.com/bigquery/docs/running-jobs#generate-jobid: the same id again is a 409, the job runs once"""
    google.fault("bigquery.jobs.insert", "lost_response")
    with pytest.raises(Conflict):  # Google's client sends it again
        load(google, table, job_id="mine")
    google.client().get_job("mine").result(timeout=30)
    assert [call["status"] for call in google.calls("bigquery.jobs.insert")] == [200, 409]
    assert [call["answered"] for call in google.calls("bigquery.jobs.insert")] == [False, True]
    assert google.client().get_table(table).num_rows == 2


# The record ---------------------------------------------------------------------------------------

def test_what_is_recorded(google, table):
    client = google.client()
    google.forget_calls()
    load(google, table, job_id="recorded").result(timeout=30)
    calls = google.calls()
    assert [call["number"] for call in calls] == sorted(call["number"] for call in calls)
    first = calls[0]
    assert (first["method_id"], first["http"], first["service"], first["status"]) == \
        ("bigquery.jobs.insert", "POST", "bigquery", 200)
    assert first["path"] == "/upload/bigquery/v2/projects/test-project/jobs"
    assert ["uploadType", "multipart"] in first["query"]
    assert first["body"]["configuration"]["load"]["destinationTable"]["tableId"] == "t"
    assert first["body"]["jobReference"]["jobId"] == "recorded"
    assert first["received"] == int(first["headers"]["content-length"]) and first["sent"] > 0 and first["done"]
    assert google.counts()["bigquery.jobs.insert"] == 1
    client.close()
    google.forget_calls()
    assert google.calls() == []
    assert any(call["body"] == first["body"] for call in google.recorded())


def test_recorded_calls_hold_against_the_discovery_documents(google, table, plain):
    """What tests of other clients do with their own calls."""
    load(google, table).result(timeout=30)
    client = google.client()
    client.update_table(bigquery.Table(table), [])
    list(client.list_rows(table, max_results=1))
    blob = google.storage().bucket("staging").blob("a/b")
    blob.upload_from_string("x")
    blob.metadata = {"a": "b"}
    blob.patch()
    list(google.storage().list_blobs("staging", prefix="a"))
    calls = google.calls()
    for call in calls:
        if call["method_id"] == "bigquery.jobs.get":  # Google's client sends what its document does not list
            call["query"].remove(["projection", "full"])
    assert check_calls(calls) >= 7


@pytest.mark.parametrize("change, text", [
    ({"method_id": "storage.objects.eat"}, "no method"), ({"path": "/storage/v2/b/staging/o/a"}, "no path"),
    ({"http": "POST"}, "is a PATCH"), ({"query": [["colour", "red"]]}, "no parameter colour"),
    ({"query": [["projection", "half"]]}, "is none of"), ({"query": [["generation", "new"]]}, "no whole number"),
    ({"query": [["generation", "1"], ["generation", "2"]]}, "given twice"),
    ({"body": {"colour": "red"}}, "Additional properties"), ({"body": {"metadata": {"a": 1}}}, "is not of type"),
    ({"body": {"size": "big"}}, "does not match"),
])
def test_calls_that_do_not_hold(google, plain, change, text):
    """The check can fail."""
    plain("POST", INSERT + "a", data=b"x")
    plain("PATCH", "/storage/v1/b/staging/o/a", json={"metadata": {"a": "b"}})
    call = google.calls("storage.objects.patch")[0]
    assert check_calls([call]) == 1
    with pytest.raises(AssertionError, match=text):
        check_calls([{**call, **change}])


def test_reset_forgets(google, plain):
    google.fault("storage.objects.list", "error", status=500, count=0)
    plain("GET", "/storage/v1/b/staging/o")
    google.reset()
    assert google.calls() == [] and google.control("GET", "faults")["faults"] == []
    assert plain("GET", "/storage/v1/b/staging/o").status_code == 200
    google.reset(data=True)
    assert plain("GET", "/storage/v1/b/staging/o").status_code == 404


def test_control_calls_are_not_recorded(google):
    google.control("GET", "urls")
    assert google.calls() == []
    with pytest.raises(ControlError, match="no control call"):
        google.control("GET", "nothing")
