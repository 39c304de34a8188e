# SPDX-License-Identifier: Apache-2.0
"""Media uploads: multipart and resumable.

https://docs.cloud.google.com/bigquery/docs/reference/api-uploads"""

import io
import json
import uuid

import pytest
from google.cloud import bigquery
from running import error_of

UPLOAD = "/upload/bigquery/v2/projects/test-project/jobs"
UNIT = 256 * 1024
JOB = {"configuration": {"load": {
    "sourceFormat": "NEWLINE_DELIMITED_JSON", "schema": {"fields": [{"name": "a", "type": "STRING"}]},
    "destinationTable": {"projectId": "test-project", "datasetId": "d", "tableId": "t"}}}}
BIG = b"".join(json.dumps({"a": uuid.UUID(int=number).hex * 8}).encode() + b"\n" for number in range(3000))


def finished(plain, job):
    reference = job["jobReference"]
    while job["status"]["state"] != "DONE":
        job = plain("GET", f"/bigquery/v2/projects/test-project/jobs/{reference['jobId']}?location={reference['location']}").json()
    assert "errorResult" not in job["status"], job["status"]
    return job


def multipart(plain, parts, boundary="=xy=", kind=None, path=UPLOAD + "?uploadType=multipart"):
    body = b""
    for content_type, data in parts:
        body += b"--%b\r\nContent-Type: %b\r\n\r\n%b\r\n" % (boundary.encode(), content_type.encode(), data)
    body += b"--%b--\r\n" % boundary.encode()
    return plain("POST", path, data=body, headers={"Content-Type": kind or f'multipart/related; boundary="{boundary}"'})


def start(plain, job=JOB, size=None, path=UPLOAD):
    headers = {"X-Upload-Content-Type": "application/octet-stream"}
    if size is not None:
        headers["X-Upload-Content-Length"] = str(size)
    answer = plain("POST", path + "?uploadType=resumable", json=job, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["Location"]


class Session:
    def __init__(self, plain, **options):
        self.plain, self.location = plain, start(plain, **options)

    def put(self, data=b"", where=None, **headers):
        if where is not None:
            headers["Content-Range"] = where
        return self.plain.session.put(self.location, data=data, headers=headers, allow_redirects=False, timeout=30)


def test_multipart(plain, dataset, client, rows):
    """Two parts: the job and its data."""
    answer = multipart(plain, [("application/json; charset=UTF-8", json.dumps(JOB).encode()), ("*/*", b'{"a": "--=xy="}\n{"a": "y"}\n')])
    assert answer.status_code == 200
    job = finished(plain, answer.json())
    assert job["configuration"]["load"]["destinationTable"]["tableId"] == "t"
    assert rows("t") == [("--=xy=",), ("y",)]


@pytest.mark.parametrize("parts", [[("application/json", b"{}")], [("text/plain", b"{}"), ("*/*", b"")], [],
                                   [("application/json", b"{"), ("*/*", b"")],
                                   [("application/json", b"{}"), ("*/*", b""), ("*/*", b"")],
                                   [("application/json", b'{"colour": 1}'), ("*/*", b"")]])
def test_multipart_that_is_refused(plain, dataset, parts):
    assert multipart(plain, parts).status_code == 400


def test_upload_types(plain, dataset):
    """uploadType is multipart or resumable; a job needs its configuration."""
    assert plain("POST", UPLOAD, json=JOB).status_code == 400
    assert plain("POST", UPLOAD + "?uploadType=media", data=b"x").status_code == 400
    assert plain("POST", UPLOAD + "?uploadType=wild", data=b"x").status_code == 400
    assert multipart(plain, [], kind="multipart/mixed; boundary=x").status_code == 400


@pytest.mark.parametrize("path", [UPLOAD, "/resumable" + UPLOAD])
def test_resumable_in_one_piece(plain, dataset, rows, path):
    """Both paths of the discovery document; a PUT without Content-Range is the whole."""
    session = Session(plain, path=path)
    answer = session.put(b'{"a": "x"}\n')
    assert answer.status_code == 200
    finished(plain, answer.json())
    assert rows("t") == [("x",)]


def test_the_session_has_the_address_that_the_client_used(plain, dataset, google):
    assert start(plain).startswith(google.bigquery + UPLOAD)


def test_chunks(plain, dataset, rows):
    """308 with what is stored; the last chunk brings the job."""
    session = Session(plain, size=len(BIG))
    for first in range(0, len(BIG), UNIT):
        piece = BIG[first:first + UNIT]
        answer = session.put(piece, f"bytes {first}-{first + len(piece) - 1}/{len(BIG)}")
        if first + len(piece) < len(BIG):
            assert answer.status_code == 308
            assert answer.headers["Range"] == f"bytes=0-{first + len(piece) - 1}"
            assert answer.content == b""
    assert answer.status_code == 200
    finished(plain, answer.json())
    assert len(rows("t")) == 3000


def test_unknown_size(plain, dataset, rows):
    """`*` until the last chunk; a last chunk without data."""
    session = Session(plain)
    data = BIG[:2 * UNIT].rpartition(b"\n")[0]
    data += b" " * (2 * UNIT - len(data))
    assert session.put(data[:UNIT], f"bytes 0-{UNIT - 1}/*").status_code == 308
    assert session.put(data[UNIT:], f"bytes {UNIT}-{2 * UNIT - 1}/*").status_code == 308
    answer = session.put(b"", f"bytes */{2 * UNIT}")
    assert answer.status_code == 200
    finished(plain, answer.json())
    assert len(rows("t")) > 1000


@pytest.mark.parametrize("where", ["bytes */*", f"bytes */{len(BIG)}"])
def test_status(plain, dataset, where):
    """An empty PUT asks what is stored: no Range when nothing is."""
    session = Session(plain, size=len(BIG))
    answer = session.put(b"", where)
    assert (answer.status_code, "Range" in answer.headers) == (308, False)
    session.put(BIG[:UNIT], f"bytes 0-{UNIT - 1}/{len(BIG)}")
    assert session.put(b"", where).headers["Range"] == f"bytes=0-{UNIT - 1}"


def test_a_chunk_that_is_no_multiple_of_256_kib(plain, dataset):
    """Only whole units are kept, the rest has to come again."""
    session = Session(plain, size=len(BIG))
    answer = session.put(BIG[:UNIT + 100], f"bytes 0-{UNIT + 99}/{len(BIG)}")
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{UNIT - 1}")
    answer = Session(plain, size=len(BIG)).put(BIG[:100], f"bytes 0-99/{len(BIG)}")
    assert (answer.status_code, "Range" in answer.headers) == (308, False)


def test_overlaps_and_gaps(plain, dataset, rows):
    """Bytes that are there already do not count twice; a gap is refused."""
    session = Session(plain, size=len(BIG))
    session.put(BIG[:2 * UNIT], f"bytes 0-{2 * UNIT - 1}/{len(BIG)}")
    answer = session.put(BIG[3 * UNIT:4 * UNIT], f"bytes {3 * UNIT}-{4 * UNIT - 1}/{len(BIG)}")
    assert answer.status_code == 503
    assert session.put(BIG[:UNIT], f"bytes 0-{UNIT - 1}/{len(BIG)}").headers["Range"] == f"bytes=0-{2 * UNIT - 1}"
    answer = session.put(BIG[UNIT:], f"bytes {UNIT}-{len(BIG) - 1}/{len(BIG)}")
    assert answer.status_code == 200
    finished(plain, answer.json())
    assert len(rows("t")) == 3000


@pytest.mark.parametrize("where", ["bytes 0-10/5", "bytes 5-2/10", "octets 0-1/2", "bytes 0-9/10"])
def test_ranges_that_make_no_sense(plain, dataset, where):
    assert Session(plain, size=11).put(b"12345678901", where).status_code == 400


def test_a_session_that_is_not_there(plain, dataset):
    session = Session(plain)
    session.location = session.location[:-4] + "0000"
    assert session.put(b"x").status_code == 404


def test_cancel(plain, dataset):
    session = Session(plain)
    assert plain.session.delete(session.location).status_code == 499
    assert session.put(b"x").status_code == 404


def test_the_last_answer_is_repeated(plain, dataset, rows):
    """A client that did not hear the answer asks again, and gets the job; the data is loaded once."""
    session = Session(plain, job={**JOB, "jobReference": {"jobId": "up", "projectId": "test-project"}})
    first = session.put(b'{"a": "x"}\n', "bytes 0-10/11")
    again = session.put(b"", "bytes */11")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["jobReference"] == again.json()["jobReference"]
    finished(plain, first.json())
    assert rows("t") == [("x",)]


def test_a_used_job_id(plain, dataset, rows):
    """The data of a retry under the same id is not loaded: 409 at the end of the upload."""
    job = {**JOB, "jobReference": {"jobId": "up", "projectId": "test-project"}}
    finished(plain, Session(plain, job=job).put(b'{"a": "x"}\n').json())
    answer = Session(plain, job=job).put(b'{"a": "x"}\n')
    assert error_of(answer)[:2] == (409, "duplicate")
    assert multipart(plain, [("application/json", json.dumps(job).encode()), ("*/*", b"{}\n")]).status_code == 409
    assert rows("t") == [("x",)]


def test_resumable_jobs_that_are_refused(plain, dataset):
    """A body that the discovery document does not know is refused at the start, a wrong job at the end."""
    answer = plain("POST", UPLOAD + "?uploadType=resumable", json={"colour": "red"})
    assert answer.status_code == 400
    wrong = {"configuration": {"load": {**JOB["configuration"]["load"], "sourceUris": ["gs://b/o"]}}}
    assert Session(plain, job=wrong).put(b"x").status_code == 400
    copy = {"configuration": {"copy": {}}}
    assert Session(plain, job=copy).put(b"x").status_code == 400


def test_308_can_be_avoided(plain, dataset):
    """X-GUploader-No-308, which Google's JavaScript and Go clients send."""
    session = Session(plain, size=len(BIG))
    answer = session.put(BIG[:UNIT], f"bytes 0-{UNIT - 1}/{len(BIG)}", **{"X-GUploader-No-308": "yes"})
    assert (answer.status_code, answer.headers["X-HTTP-Status-Code-Override"]) == (200, "308")


def test_a_connection_that_breaks_in_a_chunk(google, plain, dataset, rows):
    """Whole units of what came are kept; the client asks, and goes on from there."""
    session = Session(plain, size=len(BIG))
    google.fault("bigquery.jobs.insert:chunk", "reset_request", bytes=UNIT + 5000, count=1)
    with pytest.raises(Exception):
        session.put(BIG, f"bytes 0-{len(BIG) - 1}/{len(BIG)}")
    answer = session.put(b"", f"bytes */{len(BIG)}")
    assert answer.headers["Range"] == f"bytes=0-{UNIT - 1}"
    answer = session.put(BIG[UNIT:], f"bytes {UNIT}-{len(BIG) - 1}/{len(BIG)}")
    finished(plain, answer.json())
    assert len(rows("t")) == 3000


def test_google_resumes(google, client, dataset, rows):
    """google-cloud-bigquery's own resumable upload, with an error in the middle."""
    google.fault("bigquery.jobs.insert:chunk", "error", reason="backendError", nth=2, count=1)
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[bigquery.SchemaField("a", "STRING")])
    import google.cloud.bigquery.client as library
    before, library._DEFAULT_CHUNKSIZE = library._DEFAULT_CHUNKSIZE, UNIT
    try:
        client.load_table_from_file(io.BytesIO(BIG), dataset.table("t"), job_config=config).result()
    finally:
        library._DEFAULT_CHUNKSIZE = before
    assert len(rows("t")) == 3000
    counts = google.counts()
    assert counts["bigquery.jobs.insert"] == 1 and counts["bigquery.jobs.insert:chunk"] >= 4


def test_chunked_transfer_encoding(plain, dataset, rows):
    """HTTP/1.1 clients that do not know the length send chunks (RFC 9112, section 7.1)."""
    session = Session(plain)
    answer = plain.session.put(session.location, data=iter([b'{"a": ', b'"x"}\n']), timeout=30)
    assert answer.status_code == 200
    finished(plain, answer.json())
    assert rows("t") == [("x",)]
