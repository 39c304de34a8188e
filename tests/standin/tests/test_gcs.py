# SPDX-License-Identifier: Apache-2.0
"""Cloud Storage, by google-cloud-storage, and by plain requests where that would hide what is sent."""

import base64
import concurrent.futures
import gzip
import hashlib
import io
import json
import random
import socket
import struct
from urllib.parse import urlsplit

import google_crc32c
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud.storage import Client

from running import Plain, error_of, module_fixture

started, google = module_fixture()
UNIT = 256 * 1024


def crc32c(data):
    return base64.b64encode(struct.pack(">I", google_crc32c.value(data))).decode()


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


@pytest.fixture
def storage(google) -> Client:
    return google.storage()


@pytest.fixture
def bucket(storage):
    return storage.create_bucket("staging")


@pytest.fixture
def plain(google, bucket):
    return Plain(google.gcs)


@pytest.fixture
def put(bucket):
    def put(name, data=b"x", **options):
        blob = bucket.blob(name)
        blob.upload_from_string(data, **options)
        return blob
    return put


# Buckets ------------------------------------------------------------------------------------------

def test_a_bucket_and_its_location(storage):
    """https://docs.cloud.google.com/storage/docs/locations: US is the default; regions are shown in capitals"""
    assert storage.create_bucket("one").location == "US"
    made = storage.create_bucket("two", location="europe-west3")
    assert (made.location, made.location_type, made.storage_class) == ("EUROPE-WEST3", "region", "STANDARD")
    assert storage.get_bucket("two").location == "EUROPE-WEST3"
    assert [bucket.name for bucket in storage.list_buckets()] == ["one", "two"]


def test_buckets_that_cannot_be(storage, bucket):
    """https://docs.cloud.google.com/storage/docs/buckets#naming"""
    with pytest.raises(Conflict):
        storage.create_bucket("staging")
    with pytest.raises(NotFound):
        storage.get_bucket("nothing")
    for name in ("UPPER", "a", "goog-x", "my-google", "x..y", "192.168.1.1", "x" * 64):
        with pytest.raises(BadRequest):
            storage.create_bucket(name)
    with pytest.raises(BadRequest):
        storage.create_bucket("nowhere", location="MOON")


def test_bucket_metadata(bucket):
    """https://docs.cloud.google.com/storage/docs/json_api/v1/buckets/patch; the generation of the metadata rises"""
    bucket.labels = {"team": "etl"}
    bucket.add_lifecycle_delete_rule(age=3, matches_prefix=["bqferry/"])
    bucket.patch()
    bucket.reload()
    assert bucket.labels == {"team": "etl"} and bucket.metageneration == 2
    assert next(iter(bucket.lifecycle_rules))["condition"] == {"age": 3, "matchesPrefix": ["bqferry/"]}
    with pytest.raises(PreconditionFailed):
        bucket.patch(if_metageneration_match=1)


def test_a_bucket_goes_when_it_is_empty(storage, bucket, put):
    put("a")
    with pytest.raises(Conflict, match="not empty"):
        bucket.delete()
    bucket.blob("a").delete()
    bucket.delete()
    assert not bucket.exists()


def test_test_iam_permissions(google, bucket):
    """https://docs.cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions"""
    asked = ["storage.objects.create", "storage.objects.delete", "storage.buckets.get"]
    assert bucket.test_iam_permissions(asked) == asked
    google.permissions("anonymous@example.com", allow=["roles/storage.objectCreator"])
    assert bucket.test_iam_permissions(asked) == ["storage.objects.create"]


# Uploads ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 1000, UNIT, 3 * UNIT + 17])
@pytest.mark.parametrize("chunk", [None, UNIT])
def test_what_was_uploaded_is_there(bucket, size, chunk):
    """Multipart without, resumable with a chunk size; checksums are the service's own."""
    data = noise(size)
    blob = bucket.blob("data/a b+c%2F.avro", chunk_size=chunk)
    blob.upload_from_file(io.BytesIO(data), content_type="application/avro")
    found = bucket.get_blob("data/a b+c%2F.avro")
    assert (found.size, found.crc32c, found.md5_hash) == (size, crc32c(data), md5(data))
    assert found.content_type == "application/avro" and found.generation and found.metageneration == 1
    assert found.download_as_bytes() == data


def test_a_simple_upload(plain):
    """https://docs.cloud.google.com/storage/docs/uploading-objects: the media as body, the name in the query"""
    answer = plain("POST", "/upload/storage/v1/b/staging/o?uploadType=media&name=a%2Fb", data=b"hello",
                   headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["name"], shown["size"], shown["contentType"]) == ("a/b", "5", "text/plain")
    assert shown["id"] == f"staging/a/b/{shown['generation']}" and shown["kind"] == "storage#object"
    assert plain("GET", "/storage/v1/b/staging/o/a%2Fb?alt=media").content == b"hello"


def test_uploads_that_are_none(plain):
    assert error_of(plain("POST", "/upload/storage/v1/b/staging/o?uploadType=media", data=b"x"))[:2] == (
        400,
        "required",
    )
    assert plain("POST", "/upload/storage/v1/b/staging/o?uploadType=other&name=a", data=b"x").status_code == 400
    assert plain("POST", "/upload/storage/v1/b/nothing/o?uploadType=media&name=a", data=b"x").status_code == 404
    assert plain("POST", "/upload/storage/v1/b/staging/o?uploadType=media&name=a%0Ab", data=b"x").status_code == 400
    assert (
        plain("POST", f"/upload/storage/v1/b/staging/o?uploadType=media&name={'n' * 1025}", data=b"x").status_code
        == 400
    )
    assert "items" not in plain("GET", "/storage/v1/b/staging/o").json()


def multipart(plain, metadata, data, boundary="B", ending=b"--", query=""):
    body = (f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(metadata)}\r\n"
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n").encode() + data + \
        f"\r\n--{boundary}".encode() + ending
    return plain("POST", f"/upload/storage/v1/b/staging/o?uploadType=multipart{query}", data=body,
                 headers={"Content-Type": f"multipart/related; boundary={boundary}"})


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n--", b"\r\n--A", b"--A", noise(200_000) + b"\r\n--", b"\r\n\r\n"])
def test_multipart_media_is_cut_exactly(plain, data):
    """RFC 2046, section 5.1.1: the line break before a boundary belongs to the boundary."""
    assert multipart(plain, {"name": "m", "crc32c": crc32c(data)}, data).status_code == 200
    assert plain("GET", "/storage/v1/b/staging/o/m?alt=media").content == data


def test_multipart_bodies_that_are_none(plain):
    assert multipart(plain, {"name": "m"}, b"data", ending=b"").status_code == 400
    assert multipart(plain, {"name": "m"}, b"data\r\n--B\r\n\r\nthird").status_code == 400
    assert multipart(plain, {"name": "m", "colour": "red"}, b"data").status_code == 400
    assert multipart(plain, {"name": "m", "eventBasedHold": True}, b"data").status_code == 501
    assert plain("GET", "/storage/v1/b/staging/o/m").status_code == 404


@pytest.mark.parametrize("wrong", [{"crc32c": crc32c(b"other")}, {"md5Hash": md5(b"other")}])
def test_a_checksum_that_does_not_hold(plain, wrong):
    """https://docs.cloud.google.com/storage/docs/data-validation#server-side: 400, and no object"""
    status, reason, message = error_of(multipart(plain, {"name": "m", **wrong}, b"data"))
    assert (status, reason) == (400, "invalid") and "doesn't match calculated" in message
    assert plain("GET", "/storage/v1/b/staging/o/m").status_code == 404


def test_a_checksum_in_the_header(plain):
    """x-goog-hash: https://docs.cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash"""
    def send(value):
        return plain("POST", "/upload/storage/v1/b/staging/o?uploadType=media&name=h", data=b"data",
                     headers={"x-goog-hash": value}).status_code
    assert send(f"crc32c={crc32c(b'other')},md5={md5(b'data')}") == 400
    assert send(f"crc32c={crc32c(b'data')},md5={md5(b'data')}") == 200


# Resumable uploads --------------------------------------------------------------------------------

class Session:
    """A resumable upload by hand."""

    def __init__(self, plain, name="r", metadata=None, query="", headers=None):
        self.started = plain("POST", f"/upload/storage/v1/b/staging/o?uploadType=resumable&name={name}{query}",
                             json=metadata or {}, headers=headers or {})
        self.url = self.started.headers.get("Location")
        self.plain = Plain("")

    def put(self, data, content_range, **headers):
        return self.plain("PUT", self.url, data=data, headers={"Content-Range": content_range, **headers})

    def have(self, total="*"):
        answer = self.put(b"", f"bytes */{total}")
        assert answer.status_code == 308, answer.text
        found = answer.headers.get("Range")
        return int(found.removeprefix("bytes=0-")) + 1 if found else 0


def test_a_resumable_upload(plain):
    """https://docs.cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload"""
    data = noise(2 * UNIT + 100)
    session = Session(plain, metadata={"contentType": "application/avro", "crc32c": crc32c(data)},
                      headers={"X-Upload-Content-Length": str(len(data))})
    assert session.started.status_code == 200 and "upload_id=" in session.url
    assert session.have(len(data)) == 0
    answer = session.put(data[:UNIT], f"bytes 0-{UNIT - 1}/{len(data)}")
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{UNIT - 1}")
    assert session.have() == UNIT
    assert plain("GET", "/storage/v1/b/staging/o/r").status_code == 404
    done = session.put(data[UNIT:], f"bytes {UNIT}-{len(data) - 1}/{len(data)}")
    assert done.status_code == 200 and done.json()["size"] == str(len(data))
    assert plain("GET", "/storage/v1/b/staging/o/r?alt=media").content == data
    again = session.put(b"", f"bytes */{len(data)}")
    assert again.status_code == 200 and again.json()["generation"] == done.json()["generation"]


def test_the_end_may_be_told_afterwards(plain):
    """Chunks with an unknown total; then an empty request that names it."""
    data = noise(UNIT)
    session = Session(plain)
    assert session.put(data, f"bytes 0-{UNIT - 1}/*").status_code == 308
    assert session.put(b"", f"bytes */{UNIT}").status_code == 200
    assert plain("GET", "/storage/v1/b/staging/o/r?alt=media").content == data
    assert Session(plain, "empty").put(b"", "bytes */0").status_code == 200
    assert plain("GET", "/storage/v1/b/staging/o/empty").json()["size"] == "0"


def test_one_request_without_a_range(plain):
    """https://docs.cloud.google.com/storage/docs/performing-resumable-uploads#single-chunk-upload"""
    session = Session(plain)
    assert session.plain("PUT", session.url, data=b"hello").status_code == 200
    assert plain("GET", "/storage/v1/b/staging/o/r?alt=media").content == b"hello"


def test_only_multiples_of_256_kib_are_kept(plain):
    """https://docs.cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload: a chunk that is not the last
    is a multiple of 256 KiB; what is over is not kept, and the answer says so."""
    data = noise(2 * UNIT)
    session = Session(plain)
    assert "Range" not in session.put(data[:1000], "bytes 0-999/*").headers
    assert session.put(data[:UNIT + 5], f"bytes 0-{UNIT + 4}/*").headers["Range"] == f"bytes=0-{UNIT - 1}"
    assert session.have() == UNIT


def test_offsets(plain):
    """Bytes that are there already are ignored; a gap is refused (503, as the live service does)."""
    data = noise(3 * UNIT)
    session = Session(plain)
    session.put(data[:2 * UNIT], f"bytes 0-{2 * UNIT - 1}/*")
    overlapping = b"?" * UNIT + data[2 * UNIT:]
    gap = session.put(data[:10], f"bytes {3 * UNIT}-{3 * UNIT + 9}/*")
    assert gap.status_code == 503 and "exceeds already uploaded size" in gap.text
    assert session.put(overlapping, f"bytes {UNIT}-{3 * UNIT - 1}/{3 * UNIT}").status_code == 200
    assert plain("GET", "/storage/v1/b/staging/o/r?alt=media").content == data


@pytest.mark.parametrize("header", ["bytes 0-9/5", "bytes 9-0/10", "0-4/5", "bytes 0-4", "bytes=0-4/5", "bytes 0-3/5"])
def test_ranges_that_are_none(plain, header):
    """Ranges that cannot be read, and one that is not as long as the body."""
    assert Session(plain).put(b"hello", header).status_code == 400


def test_totals_that_disagree(plain):
    session = Session(plain, headers={"X-Upload-Content-Length": "10"})
    assert session.put(b"hello", "bytes 0-4/5").status_code == 400
    assert session.put(b"", "bytes */11").status_code == 400


def test_no_308(plain):
    """X-GUploader-No-308: clients that cannot tell 308 from a redirect"""
    session = Session(plain)
    answer = session.put(noise(UNIT), f"bytes 0-{UNIT - 1}/*", **{"X-GUploader-No-308": "yes"})
    assert (answer.status_code, answer.headers["X-HTTP-Status-Code-Override"]) == (200, "308")
    assert answer.headers["Range"] == f"bytes=0-{UNIT - 1}"


def test_cancelling(plain):
    """https://docs.cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload"""
    session = Session(plain)
    assert session.plain("DELETE", session.url).status_code == 499
    assert session.put(b"hello", "bytes 0-4/5").status_code == 499
    assert session.plain("PUT", session.url + "x", data=b"hello").status_code == 404
    assert plain("GET", "/storage/v1/b/staging/o/r").status_code == 404


def test_a_session_needs_no_token(tmp_path_factory):
    """https://docs.cloud.google.com/storage/docs/resumable-uploads#session-uris: whoever has the address may upload"""
    from running import StandIn
    with StandIn(tmp_path_factory.mktemp("verify"), auth="verify") as standin:
        client = standin.storage(credentials=standin.load_credentials(standin.service_account()))
        url = client.create_bucket("staging").blob("r").create_resumable_upload_session()
        standin.tokens(expire="*")
        assert Plain("")("PUT", url, data=b"hello").status_code == 200


def test_a_checksum_of_a_resumable_upload(plain):
    """Declared with the first request or with the last one."""
    assert Session(plain, metadata={"crc32c": crc32c(b"other")}).put(b"hello", "bytes 0-4/5").status_code == 400
    failed = Session(plain).put(b"hello", "bytes 0-4/5", **{"x-goog-hash": f"md5={md5(b'other')}"})
    assert failed.status_code == 400
    assert plain("GET", "/storage/v1/b/staging/o/r").status_code == 404


def test_preconditions_of_a_resumable_upload(plain, put):
    """They hold when the session begins, and again when the object is made."""
    first = Session(plain, query="&ifGenerationMatch=0")
    put("r", b"faster")
    assert error_of(first.put(b"hello", "bytes 0-4/5"))[:2] == (412, "conditionNotMet")
    assert Session(plain, query="&ifGenerationMatch=0").started.status_code == 412
    assert plain("GET", "/storage/v1/b/staging/o/r?alt=media").content == b"faster"


def test_a_connection_that_breaks_in_a_chunk(google, plain):
    """What came in whole units of 256 KiB is kept; the client asks, and goes on from there."""
    data = noise(3 * UNIT + 1)
    session = Session(plain)
    where = urlsplit(session.url)
    with socket.create_connection((where.hostname, where.port)) as connection:
        head = (f"PUT {where.path}?{where.query} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {len(data)}\r\n"
                f"Content-Range: bytes 0-{len(data) - 1}/{len(data)}\r\n\r\n").encode()
        connection.sendall(head + data[:2 * UNIT + 1000])
    for _ in range(200):
        have = session.have(len(data))
        if have == 2 * UNIT:
            break
    assert have == 2 * UNIT
    assert session.put(data[have:], f"bytes {have}-{len(data) - 1}/{len(data)}").status_code == 200
    assert plain("GET", "/storage/v1/b/staging/o/r?alt=media").content == data


# Preconditions ------------------------------------------------------------------------------------

def test_a_lock(put, bucket):
    """https://docs.cloud.google.com/storage/docs/request-preconditions: ifGenerationMatch=0 makes an object once"""
    lock = put("lock.json", b"1", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        put("lock.json", b"2", if_generation_match=0)
    refreshed = put("lock.json", b"3", if_generation_match=lock.generation)
    assert refreshed.generation > lock.generation
    with pytest.raises(PreconditionFailed):
        bucket.blob("lock.json").delete(if_generation_match=lock.generation)
    bucket.blob("lock.json").delete(if_generation_match=refreshed.generation)
    assert not bucket.blob("lock.json").exists()


def test_one_of_many_gets_the_lock(google, bucket):
    """Eight writers at once, one object made."""
    plain = Plain(google.gcs)

    def attempt(number):
        return plain("POST", "/upload/storage/v1/b/staging/o?uploadType=media&name=lock&ifGenerationMatch=0",
                     data=str(number)).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(attempt, range(8)))
    assert found == [200] + [412] * 7


@pytest.mark.parametrize("query, status", [
    ("ifGenerationMatch={g}", 200), ("ifGenerationMatch=1", 412), ("ifGenerationMatch=0", 412),
    ("ifGenerationNotMatch={g}", 304), ("ifGenerationNotMatch=1", 200), ("ifMetagenerationMatch=1", 200),
    ("ifMetagenerationMatch=2", 412), ("ifMetagenerationNotMatch=1", 304), ("ifMetagenerationNotMatch=2", 200),
    ("generation={g}", 200), ("generation=1", 404), ("ifGenerationMatch=x", 400),
    ("ifGenerationMatch=1&ifGenerationNotMatch=2", 400),
])
@pytest.mark.parametrize("alt", ["json", "media"])
def test_preconditions_of_a_read(plain, put, query, status, alt):
    """https://docs.cloud.google.com/storage/docs/json_api/v1/objects/get"""
    generation = put("a", b"data").generation
    answer = plain("GET", f"/storage/v1/b/staging/o/a?alt={alt}&" + query.format(g=generation))
    assert answer.status_code == status
    if status == 304:
        assert answer.content == b""


@pytest.mark.parametrize("query, status", [
    ("ifGenerationMatch={g}", 204), ("ifGenerationMatch=1", 412), ("ifGenerationNotMatch={g}", 412),
    ("ifMetagenerationMatch=2", 412), ("generation={g}", 204), ("generation=1", 404), ("", 204),
])
def test_preconditions_of_a_delete(plain, put, query, status):
    """https://docs.cloud.google.com/storage/docs/json_api/v1/objects/delete: ...NotMatch fails with 412 here"""
    generation = put("a").generation
    assert plain("DELETE", "/storage/v1/b/staging/o/a?" + query.format(g=generation)).status_code == status
    assert plain("GET", "/storage/v1/b/staging/o/a").status_code == (404 if status == 204 else 200)


def test_an_object_that_is_not_there(bucket):
    with pytest.raises(NotFound, match="No such object: staging/nothing"):
        bucket.blob("nothing").download_as_bytes()
    with pytest.raises(NotFound):
        bucket.blob("nothing").delete()
    with pytest.raises(NotFound):
        bucket.blob("nothing").delete(if_generation_match=5)
    with pytest.raises(PreconditionFailed):
        bucket.blob("nothing").upload_from_string("x", if_generation_match=5)


# Reading ------------------------------------------------------------------------------------------

@pytest.mark.parametrize(
    "header, status, wanted",
    [
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=2-4", 206, slice(2, 5)),
        ("bytes=7-", 206, slice(7, None)),
        ("bytes=-3", 206, slice(-3, None)),
        ("bytes=-100", 206, slice(0, None)),
        ("bytes=5-100", 206, slice(5, None)),
        ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=4-2", 200, slice(0, None)),
        ("lines=1-2", 200, slice(0, None)),
    ],
)
def test_ranges(plain, put, header, status, wanted):
    """https://docs.cloud.google.com/storage/docs/samples/storage-download-byte-range, RFC 9110 section 14"""
    data = b"0123456789"
    put("a", data)
    answer = plain("GET", "/storage/v1/b/staging/o/a?alt=media", headers={"Range": header})
    assert answer.status_code == status
    if wanted is not None:
        assert answer.content == data[wanted]
    if status == 206:
        start = data.index(data[wanted])
        assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(data[wanted]) - 1}/10"


def test_headers_of_media(plain, put):
    """https://docs.cloud.google.com/storage/docs/xml-api/reference-headers"""
    blob = put("a", b"data", content_type="text/csv")
    answer = plain("GET", "/download/storage/v1/b/staging/o/a?alt=media")
    assert answer.headers["x-goog-hash"] == f"crc32c={crc32c(b'data')},md5={md5(b'data')}"
    assert answer.headers["x-goog-generation"] == str(blob.generation)
    assert (answer.headers["Content-Type"], answer.headers["Content-Length"]) == ("text/csv", "4")


def test_transcoding(bucket, plain):
    """https://docs.cloud.google.com/storage/docs/transcoding: gzip is undone for whoever does not accept it"""
    data = b"row\n" * 1000
    blob = bucket.blob("rows.json.gz")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(data))
    path = "/storage/v1/b/staging/o/rows.json.gz?alt=media"
    assert plain("GET", path, headers={"Accept-Encoding": "identity"}).content == data
    raw = plain("GET", path, headers={"Accept-Encoding": "gzip"}, stream=True)
    assert raw.headers["Content-Encoding"] == "gzip" and gzip.decompress(raw.raw.read()) == data
    assert gzip.decompress(blob.download_as_bytes(raw_download=True)) == data


def test_partial_answers(plain, put):
    """https://docs.cloud.google.com/storage/docs/json_api#partial-response"""
    put("a", b"12345")
    assert plain("GET", "/storage/v1/b/staging/o/a?fields=name,size").json() == {"name": "a", "size": "5"}
    assert plain("GET", "/storage/v1/b/staging/o?fields=items(name),nextPageToken").json() == {"items": [{"name": "a"}]}


# Listing ------------------------------------------------------------------------------------------

NAMES = ["a", "a/1", "a/2", "a/b/1", "b", "c/", "c/x", "é", "\U0001f600", "z"]


@pytest.fixture
def many(put):
    for name in random.Random(7).sample(NAMES, len(NAMES)):
        put(name)


def test_names_come_in_the_order_of_their_bytes(storage, many):
    """https://docs.cloud.google.com/storage/docs/json_api/v1/objects/list"""
    assert [blob.name for blob in storage.list_blobs("staging")] == sorted(NAMES, key=str.encode)


@pytest.mark.parametrize("options, names, prefixes", [
    ({"prefix": "a/"}, ["a/1", "a/2", "a/b/1"], []),
    ({"delimiter": "/"}, ["a", "b", "z", "é", "\U0001f600"], ["a/", "c/"]),
    ({"prefix": "a/", "delimiter": "/"}, ["a/1", "a/2"], ["a/b/"]),
    ({"prefix": "nothing"}, [], []),
    ({"start_offset": "a/2", "end_offset": "c/"}, ["a/2", "a/b/1", "b"], []),
    ({"delimiter": "/", "include_trailing_delimiter": True}, ["a", "b", "c/", "z", "é", "\U0001f600"], ["a/", "c/"]),
    ({"versions": True, "prefix": "b"}, ["b"], []),
])
@pytest.mark.parametrize("page", [None, 1, 2])
def test_prefixes_and_delimiters(storage, many, options, names, prefixes, page):
    """Folded names count once, on whatever page they come."""
    found = storage.list_blobs("staging", page_size=page, **options)
    assert [blob.name for blob in found] == names
    assert sorted(found.prefixes) == prefixes


def test_pages(plain, many):
    """maxResults counts items and prefixes; at most 1,000"""
    first = plain("GET", "/storage/v1/b/staging/o?maxResults=3&delimiter=/").json()
    assert len(first["items"]) + len(first["prefixes"]) == 3
    token = first["nextPageToken"]
    second = plain("GET", f"/storage/v1/b/staging/o?maxResults=100&delimiter=/&pageToken={token}").json()
    assert "nextPageToken" not in second
    assert plain("GET", "/storage/v1/b/staging/o?pageToken=%25").status_code == 400
    assert plain("GET", "/storage/v1/b/nothing/o").status_code == 404


def test_writes_are_seen_at_once(bucket, storage, put):
    """https://docs.cloud.google.com/storage/docs/consistency"""
    for number in range(5):
        put("same", str(number))
        assert [blob.size for blob in storage.list_blobs("staging")] == [1]
        assert bucket.blob("same").download_as_bytes() == str(number).encode()
    bucket.blob("same").delete()
    assert list(storage.list_blobs("staging")) == []


# Metadata, compose, rewrite -----------------------------------------------------------------------

def test_metadata_of_an_object(bucket, put):
    """https://docs.cloud.google.com/storage/docs/viewing-editing-metadata: patch merges, null removes"""
    blob = put("a", b"x", content_type="text/plain")
    blob.metadata = {"run": "1", "job": "orders"}
    blob.patch()
    blob.metadata = {"run": None}
    blob.patch()
    found = bucket.get_blob("a")
    assert found.metadata == {"job": "orders"} and found.metageneration == 3 and found.generation == blob.generation
    with pytest.raises(PreconditionFailed):
        found.patch(if_metageneration_match=1)
    with pytest.raises(PreconditionFailed):
        bucket.blob("a").delete(if_metageneration_match=1)


def test_compose(bucket, put):
    """https://docs.cloud.google.com/storage/docs/composing-objects: no MD5, a count of components"""
    parts = [put(f"p{number}", noise(1000, number)) for number in range(3)]
    whole = bucket.blob("whole")
    whole.content_type = "application/avro"
    whole.compose(parts, if_generation_match=0)
    data = b"".join(noise(1000, number) for number in range(3))
    found = bucket.get_blob("whole")
    assert found.download_as_bytes() == data
    assert (found.crc32c, found.md5_hash, found.component_count) == (crc32c(data), None, 3)
    assert found.content_type == "application/avro"
    whole.compose([found, parts[0]], if_generation_match=found.generation)
    assert bucket.get_blob("whole").component_count == 4 and bucket.blob("p0").exists()


def test_compositions_that_cannot_be(bucket, put):
    parts = [put("p0"), put("p1")]
    whole = bucket.blob("whole")
    with pytest.raises(BadRequest):
        whole.compose(parts * 17)
    with pytest.raises(BadRequest):
        whole.compose([])
    with pytest.raises(NotFound):
        whole.compose([*parts, bucket.blob("nothing")])
    with pytest.raises(PreconditionFailed):
        whole.compose(parts, if_source_generation_match=[parts[0].generation, 5])
    with pytest.raises(PreconditionFailed):
        whole.compose(parts, if_generation_match=5)
    assert not whole.exists()


def test_rewrite_and_copy(storage, bucket, put):
    """https://docs.cloud.google.com/storage/docs/json_api/v1/objects/rewrite"""
    source = put("a", b"data", content_type="text/csv")
    other = storage.create_bucket("other")
    copy = bucket.copy_blob(source, other, "b")
    assert copy.download_as_bytes() == b"data" and copy.content_type == "text/csv"
    assert other.blob("c").rewrite(source) == (None, 4, 4)
    with pytest.raises(PreconditionFailed):
        other.blob("c").rewrite(source, if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        other.blob("d").rewrite(source, if_source_generation_match=5)
    with pytest.raises(NotFound):
        other.blob("d").rewrite(bucket.blob("nothing"))


def test_rewrite_in_steps(plain, put):
    data = noise(2_500_000)
    put("a", data)
    path = "/storage/v1/b/staging/o/a/rewriteTo/b/staging/o/b?maxBytesRewrittenPerCall=1048576"
    token, calls = "", []
    while True:
        answer = plain("POST", path + (f"&rewriteToken={token}" if token else "")).json()
        calls.append(int(answer["totalBytesRewritten"]))
        if answer["done"]:
            break
        token = answer["rewriteToken"]
    assert calls == [1048576, 2097152, 2500000]
    assert plain("GET", "/storage/v1/b/staging/o/b?alt=media").content == data
    assert plain("POST", path.replace("1048576", "1000")).status_code == 400


# Permissions --------------------------------------------------------------------------------------

def test_what_roles_allow(google, storage, bucket, put):
    """https://docs.cloud.google.com/storage/docs/access-control/iam-roles: creators cannot replace nor read"""
    from google.api_core.exceptions import Forbidden
    put("old")
    resource = "projects/test-project/buckets/staging"
    google.permissions("anonymous@example.com", grants=[{"role": "roles/storage.objectCreator", "resource": resource}])
    put("new")
    for refused in (
        lambda: put("old"),
        lambda: bucket.blob("old").download_as_bytes(),
        lambda: bucket.blob("old").delete(),
        lambda: list(storage.list_blobs("staging")),
        lambda: storage.get_bucket("staging"),
    ):
        with pytest.raises(Forbidden):
            refused()
    google.permissions("anonymous@example.com", grants=[{"role": "roles/storage.objectAdmin", "resource": resource}])
    put("old")
    bucket.blob("old").delete()
    with pytest.raises(Forbidden):
        storage.create_bucket("another")


def test_who_may_not_list_is_not_told(google, bucket, put):
    """https://docs.cloud.google.com/storage/docs/access-control/iam-json: without storage.objects.list a missing object is a
    403"""
    from google.api_core.exceptions import Forbidden
    google.permissions("anonymous@example.com", allow=["storage.objects.get"])
    with pytest.raises(Forbidden, match="storage.objects.list"):
        bucket.blob("nothing").download_as_bytes()


# What is not known --------------------------------------------------------------------------------

@pytest.mark.parametrize("method, path, options, status", [
    ("GET", "/storage/v1/b/staging/o?colour=red", {}, 400),
    ("GET", "/storage/v1/b/staging/o?matchGlob=*.avro", {}, 501),
    ("GET", "/storage/v1/b/staging/o?softDeleted=true", {}, 501),
    ("GET", "/storage/v1/b/staging/iam", {}, 501),
    ("GET", "/storage/v1/b/staging/acl", {}, 501),
    ("GET", "/staging/a", {}, 501),
    ("POST", "/batch/storage/v1", {}, 501),
    ("GET", "/storage/v1/nothing", {}, 404),
    ("POST", "/storage/v1/b?project=p", {"json": {"name": "versioned", "versioning": {"enabled": True}}}, 501),
    ("POST", "/storage/v1/b?project=p", {"json": {"name": "flat", "colour": "red"}}, 400),
    ("POST", "/storage/v1/b", {"json": {"name": "noproject"}}, 400),
    ("POST", "/upload/storage/v1/b/staging/o?uploadType=media&name=a&predefinedAcl=publicRead", {"data": b"x"}, 501),
])
def test_nothing_unknown_succeeds(plain, method, path, options, status):
    """Unknown parameters and fields are refused as Google's front end does; known ones without effect are named."""
    answer = plain(method, path, **options)
    assert answer.status_code == status, answer.text
    if status == 501:
        assert answer.json()["error"]["message"].startswith("The stand-in does not know ")
