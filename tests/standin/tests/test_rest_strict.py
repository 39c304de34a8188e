# SPDX-License-Identifier: Apache-2.0
"""Requests that the published discovery document does not know are refused as the service refuses them.

https://docs.cloud.google.com/bigquery/docs/reference/rest, https://docs.cloud.google.com/apis/docs/system-parameters"""

import pytest
from running import error_of

BASE = "/bigquery/v2/projects/test-project"


@pytest.mark.parametrize("verb,path", [
    ("GET", "/projects/test-project/datasets"), ("GET", "/bigquery/v2"), ("GET", "/bigquery/v1/projects"),
    ("GET", BASE + "/nothing"), ("DELETE", BASE + "/datasets"), ("POST", BASE + "/datasets/d/tables/t/data"),
    ("PUT", BASE + "/jobs"), ("GET", "/"), ("POST", "/upload/bigquery/v2/projects/test-project/datasets")])
def test_unknown_paths_and_verbs(plain, verb, path):
    answer = plain(verb, path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/routines", "/models"])
def test_methods_that_the_standin_does_not_know_have_a_name(plain, dataset, path):
    """Nothing unknown is answered with success."""
    status, reason, message = error_of(plain("GET", f"{BASE}/datasets/d{path}"))
    assert (status, reason) == (501, "notImplemented")
    assert f"bigquery.{path[1:]}.list" in message


def test_unknown_query_parameter(plain, dataset):
    status, reason, message = error_of(plain("GET", BASE + "/datasets?max=1"))
    assert (status, reason) == (400, "badRequest")
    assert 'Unknown name "max": Cannot bind query parameter.' in message


@pytest.mark.parametrize("query", ["maxResults=x", "maxResults=-1", "all=perhaps", "maxResults=1&maxResults=2",
                                   "alt=yaml"])
def test_wrong_query_parameters(plain, query):
    assert plain("GET", f"{BASE}/datasets?{query}").status_code == 400


def test_system_parameters_are_known(plain):
    assert plain("GET", BASE + "/datasets?prettyPrint=false&quotaUser=me&key=k&alt=json&$.xgafv=1").status_code == 200


@pytest.mark.parametrize("body,where", [
    ({"datasetReference": {"datasetId": "x"}, "colour": "red"}, "Unknown name \"colour\" at 'dataset'"),
    ({"datasetReference": {"datasetId": "x", "table": "t"}}, "at 'dataset.dataset_reference'"),
    ({"datasetReference": {"datasetId": 5}}, "dataset.dataset_reference.dataset_id"),
    ({"datasetReference": "x"}, "dataset.dataset_reference"),
    ({"datasetReference": {"datasetId": "x"}, "labels": {"a": 1}}, "dataset.labels"),
    ({"datasetReference": {"datasetId": "x"}, "defaultTableExpirationMs": "soon"}, "default_table_expiration_ms"),
    ({"datasetReference": {"datasetId": "x"}, "isCaseInsensitive": "maybe"}, "is_case_insensitive"),
    ({"datasetReference": {"datasetId": "x"}, "access": {"role": "READER"}}, "dataset.access"),
    ({"datasetReference": {"datasetId": "x"}, "defaultRoundingMode": "UP"}, "default_rounding_mode")])
def test_bodies_that_the_document_does_not_allow(plain, body, where):
    status, reason, message = error_of(plain("POST", BASE + "/datasets", json=body))
    assert (status, reason) == (400, "badRequest")
    assert where in message


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff{}", b'"x"'])
def test_bodies_that_are_not_json(plain, data):
    answer = plain("POST", BASE + "/datasets", data=data, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_bodies_of_another_type(plain):
    assert plain("POST", BASE + "/datasets", data={"a": "b"}).status_code == 400


def test_int64_as_text_and_as_number(plain):
    """https://protobuf.dev/programming-guides/json/: both are read, text is written."""
    for number, value in enumerate(["3600000", 3600000]):
        answer = plain("POST", BASE + "/datasets", json={"datasetReference": {"datasetId": f"x{number}"},
                                                         "defaultTableExpirationMs": value})
        assert answer.json()["defaultTableExpirationMs"] == "3600000"


def test_output_only_members_are_ignored(plain):
    """readOnly in the document."""
    answer = plain("POST", BASE + "/datasets", json={"datasetReference": {"datasetId": "x"}, "etag": "mine", "id": "mine"})
    assert answer.status_code == 200
    assert answer.json()["id"] == "test-project:x" and answer.json()["etag"] != "mine"


def test_partial_responses(plain, dataset):
    """docs/api-performance#partial-response"""
    answer = plain("GET", BASE + "/datasets?fields=datasets(datasetReference/datasetId,location),kind")
    assert answer.json() == {"kind": "bigquery#datasetList",
                             "datasets": [{"datasetReference": {"datasetId": "d"}, "location": "US"}]}
    assert plain("GET", BASE + "/datasets?fields=a(b").status_code == 400


def test_not_modified(plain, dataset):
    """If-None-Match with the current etag is 304 (RFC 9110)."""
    etag = plain("GET", BASE + "/datasets/d").json()["etag"]
    answer = plain("GET", BASE + "/datasets/d", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_discovery_document(plain, google):
    """The document itself, with this server's address: what `bq --api` and generated clients ask for."""
    for path in ("/discovery/v1/apis/bigquery/v2/rest", "/$discovery/rest?version=v2"):
        document = plain("GET", path).json()
        assert document["rootUrl"] == google.bigquery + "/"
        assert document["servicePath"] == "bigquery/v2/"


def test_gzip_answers(plain, client, dataset):
    """docs/api-performance#using_gzip"""
    for number in range(30):
        client.create_dataset(f"a_longer_name_of_a_dataset_{number}")
    answer = plain("GET", BASE + "/datasets", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["datasets"]) == 31


def test_a_body_with_get(plain, dataset):
    assert plain("GET", BASE + "/datasets", data=b"{}").status_code == 400


def test_field_masks_name_members_of_the_answer(plain, dataset):
    assert plain("GET", BASE + "/datasets?fields=datasets(colour)").status_code == 400
    assert plain("GET", BASE + "/datasets/d?fields=labels(anything),*").status_code == 200


def test_upload_parameters_belong_to_upload_paths(plain, dataset):
    assert plain("POST", BASE + "/jobs?uploadType=multipart", json={}).status_code == 400


def test_deletes_with_an_old_etag(plain, make):
    """RFC 9110, section 13.1.1: If-Match holds for every method."""
    make("t", [("a", "INT64")])
    for path in ("/datasets/d/tables/t", "/datasets/d?deleteContents=true"):
        assert plain("DELETE", BASE + path, headers={"If-Match": "old"}).status_code == 412
    assert plain("DELETE", BASE + "/datasets/d/tables/t", headers={"If-Match": "*"}).status_code == 204


def test_a_length_is_required(google, dataset):
    """A POST that says nothing about its body is 411 at Google's front end."""
    import socket
    host, port = google.bigquery.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /bigquery/v2/projects/test-project/datasets HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 411 Length Required")
