# SPDX-License-Identifier: Apache-2.0
"""src/net/ against servers and clients that are not ours: credentials that the stand-in verifies with a
real library, objects that google-cloud-storage wrote and reads, uploads under faults, load jobs that
google-cloud-bigquery reads back. The pieces are called by tests/support/net_sample.c."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.bigquery import StandIn  # noqa: E402
from support.program import clean_environment, find_program  # noqa: E402

KIB = 1024
UNIT = 256 * KIB


class Sample:
    def __init__(self, google, folder):
        self.google = google
        self.folder = folder
        self.program = find_program().parent / "tests/unit/net_sample"

    def __call__(self, *words, credentials=None, metadata=False, code=0, **variables):
        environment = clean_environment(self.folder, **self.google.environment(credentials, metadata), **variables)
        run = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True,
                             env=environment, timeout=120)
        assert run.returncode == code, f"exit {run.returncode}\n{run.stdout}\n{run.stderr}"
        self.log = run.stderr
        return json.loads(run.stdout)


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with StandIn(tmp_path_factory.mktemp("strict"), auth="verify") as google:
        yield google


@pytest.fixture(scope="module")
def open_google(tmp_path_factory):
    with StandIn(tmp_path_factory.mktemp("open")) as google:
        yield google


@pytest.fixture
def sample(open_google, tmp_path):
    open_google.reset(data=True)
    open_google.storage().create_bucket("staging")
    open_google.forget_calls()
    return Sample(open_google, tmp_path)


def pattern(size):
    numbers = range(size)
    return bytes(((n * 2654435761) >> 13) & 0xff for n in numbers)


# Credentials: the stand-in checks signatures, audiences, expiry ------------------------------------

@pytest.mark.parametrize("kind, named", [
    ("service_account", "service account key"),
    ("authorized_user", "gcloud user"),
    ("external_file", "workload identity federation"),
    ("external_url", "workload identity federation"),
    ("external_impersonating", "impersonated service account"),
    ("impersonated", "impersonated service account"),
])
def test_credential_files(strict, tmp_path, kind, named):
    strict.reset()
    path = {
        "service_account": strict.service_account,
        "authorized_user": strict.authorized_user,
        "external_file": strict.external_account,
        "external_url": lambda: strict.external_account(source="url"),
        "external_impersonating": lambda: strict.external_account(impersonate="loader"),
        "impersonated": strict.impersonated,
    }[kind]()
    sample = Sample(strict, tmp_path)
    result = sample("identity", credentials=path)
    assert result["kind"] == named
    if kind in ("service_account", "impersonated", "external_impersonating"):
        assert result["identity"].startswith("loader@")
    secrets = json.loads(path.read_text())
    for field in ("private_key", "refresh_token", "client_secret"):
        if secrets.get(field):
            secret = secrets[field]
            assert secret[len(secret) // 2:len(secret) // 2 + 20] not in sample.log
    assert "Bearer" not in sample.log and "assertion" not in sample.log


def test_metadata_server(strict, tmp_path):
    strict.reset()
    strict.metadata_account("vm")
    result = Sample(strict, tmp_path)("identity", metadata=True)
    assert result["kind"] == "metadata server"
    assert result["identity"].startswith("vm@")


def test_nothing_named_is_refused_with_what_to_do(strict, tmp_path):
    strict.reset()
    result = Sample(strict, tmp_path)("identity", code=4)
    assert "401" in result["error"]
    assert "GOOGLE_APPLICATION_CREDENTIALS" in result["hint"]


def test_a_revoked_token_is_renewed_once(strict, tmp_path):
    strict.reset()
    path = strict.service_account()
    sample = Sample(strict, tmp_path)
    strict.fault("bigquery.datasets.list", "error", status=401, reason="authError", nth=1)
    result = sample("identity", credentials=path)
    assert result["counts"]["oauth.token"] == 2
    assert result["counts"]["bigquery.datasets.list"] == 2


# Objects ----------------------------------------------------------------------------------------

def test_objects_as_google_sees_them(sample, open_google):
    bucket = open_google.storage().bucket("staging")
    written = sample("put", "staging", "a/b c?.txt", "größer", 0)
    assert written["written"] is True
    blob = bucket.get_blob("a/b c?.txt")
    assert blob.download_as_bytes(checksum="crc32c") == "größer".encode()
    assert blob.generation == written["generation"]
    assert blob.content_type == "text/plain"

    assert sample("put", "staging", "a/b c?.txt", "again", 0)["written"] is False
    again = sample("put", "staging", "a/b c?.txt", "again", written["generation"])
    assert again["written"] is True and again["generation"] != written["generation"]
    assert sample("get", "staging", "a/b c?.txt")["text"] == "again"
    assert "text" not in sample("get", "staging", "missing")

    bucket.blob("theirs").upload_from_string("of another client")
    assert sample("get", "staging", "theirs")["text"] == "of another client"
    assert sample("list", "staging", "")["names"] == ["a/b c?.txt", "theirs"]
    assert sample("list", "staging", "a/")["names"] == ["a/b c?.txt"]

    assert sample("delete", "staging", "a/b c?.txt", written["generation"])["deleted"] is False
    assert bucket.get_blob("a/b c?.txt") is not None
    assert sample("delete", "staging", "a/b c?.txt", again["generation"])["deleted"] is True
    assert bucket.get_blob("a/b c?.txt") is None
    assert sample("delete", "staging", "a/b c?.txt", -1)["deleted"] is True
    assert sample("bucket", "staging")["found"] is True
    assert sample("bucket", "no-such-bucket")["found"] is False


@pytest.mark.parametrize("size", [0, 1, UNIT, UNIT + 1, 4 * UNIT, 4 * UNIT + 77777])
def test_uploads_arrive(sample, open_google, size):
    result = sample("upload", "staging", "big", size, UNIT, 0)
    assert result["written"] is True
    blob = open_google.storage().bucket("staging").get_blob("big")
    assert blob.size == size and blob.generation == result["generation"]
    assert blob.download_as_bytes(checksum="crc32c") == pattern(size)
    assert sample("download", "staging", "big")["size"] == size
    assert sample("upload", "staging", "big", 10, UNIT, 0)["written"] is False


def test_an_upload_given_up_leaves_nothing(sample, open_google):
    sample("abandon", "staging", "half", 3 * UNIT)
    assert list(open_google.storage().list_blobs("staging")) == []


# Load jobs, with what may go wrong on their way ---------------------------------------------------

ROW = '{"n":7,"text":"' + "x" * 80 + '"}\n'
ROWS = 9000  # three chunks


def job(name, job_id):
    return json.dumps({
        "jobReference": {"projectId": "test-project", "jobId": job_id, "location": "US"},
        "configuration": {"load": {
            "destinationTable": {"projectId": "test-project", "datasetId": "raw", "tableId": name},
            "sourceFormat": "NEWLINE_DELIMITED_JSON", "writeDisposition": "WRITE_TRUNCATE",
            "schema": {"fields": [{"name": "n", "type": "INTEGER"}, {"name": "text", "type": "STRING"}]}}}})


def loaded(google, job_id):
    google.client().get_job(job_id, location="US").result(timeout=60)


def sum_of(google, name):
    """(rows, their sum)"""
    values = [row["n"] for row in google.client().list_rows(google.client().get_table(f"raw.{name}"))]
    return len(values), sum(values)


def test_a_load_takes_the_calls_that_it_must(sample, open_google):
    open_google.client().create_dataset("raw")
    open_google.forget_calls()
    small = sample("load", "test-project", job("small", "small-1"), ROW, 10)
    assert small["job"]["jobReference"]["jobId"] == "small-1"
    assert small["counts"] == {"bigquery.jobs.insert": 2}
    loaded(open_google, "small-1")
    assert sum_of(open_google, "small") == (10, 70)
    again = sample("load", "test-project", job("small", "small-1"), ROW, 10, code=4)
    assert again["status"] == 409 and again["reason"] == "duplicate"


FAULTS = [
    ("error", {"status": 503, "reason": "backendError"}),
    ("error", {"status": 500, "reason": "internalError"}),
    ("error", {"status": 429, "reason": "rateLimitExceeded"}),
    ("reset_request", {"bytes": 100000}),
    ("reset_request", {"bytes": 0}),
]


@pytest.mark.parametrize("method, nth", [("bigquery.jobs.insert", 1)]
                         + [("bigquery.jobs.insert:chunk", nth) for nth in (1, 2, 4)])
@pytest.mark.parametrize("kind, fields", FAULTS)
def test_a_load_comes_through(sample, open_google, kind, fields, method, nth):
    google = open_google
    google.client().create_dataset("raw")
    fault = google.fault(method, kind, nth=nth, **fields)
    sample("load", "test-project", job("table", "job-1"), ROW, ROWS)
    assert fault.fired == 1
    loaded(google, "job-1")
    assert sum_of(google, "table") == (ROWS, 7 * ROWS)
