# SPDX-License-Identifier: Apache-2.0
"""Row-level access policies: their methods, what removes and copies them, who may read.

https://docs.cloud.google.com/bigquery/docs/row-level-security-intro#implicit_deletion_of_row-level_access_policies,
…/docs/using-row-level-security-with-features, …/docs/managing-row-level-security, …/rest/v2/rowAccessPolicies"""

import pytest
from google.api_core.exceptions import BadRequest, Forbidden
from google.cloud import bigquery
from running import error_of
from support.discovery import check_calls

POLICIES = "/bigquery/v2/projects/test-project/datasets/d/tables/{}/rowAccessPolicies"


ONE = {"projectId": "test-project", "datasetId": "d"}


@pytest.fixture
def policies(google, plain):
    """Calls of rowAccessPolicies.*, of which google-cloud-bigquery has none; all are valid by Google's document."""
    def policies(method, table, tail="", **options):
        answer = plain(method, POLICIES.format(table) + tail, **options)
        return answer.json() if answer.ok and answer.content else answer
    google.forget_calls()
    yield policies
    check_calls(google.calls("bigquery.rowAccessPolicies.*"))


@pytest.fixture
def protect(policies):
    def protect(table, name="everybody", condition="TRUE", grantees=("allAuthenticatedUsers",)):
        body = {"rowAccessPolicyReference": {**ONE, "tableId": table, "policyId": name}, "filterPredicate": condition,
                "grantees": list(grantees)}
        return policies("POST", table, json=body)
    return protect


@pytest.fixture
def names(policies):
    def names(table):
        found, page = [], {"nextPageToken": None}
        while "nextPageToken" in page:
            page = policies("GET", table, params={"pageSize": 2, "pageToken": page["nextPageToken"]})
            found += [each["rowAccessPolicyReference"]["policyId"] for each in page.get("rowAccessPolicies", [])]
        return found
    return names


def test_methods(make, policies, protect, names):
    make("t", [("region", "STRING")])
    assert names("t") == []
    made = protect("t", "apac", "region = 'APAC'", ["user:abc@example.com"])
    assert made["filterPredicate"] == "region = 'APAC'" and "grantees" not in made
    for name in ("b", "c", "d"):
        protect("t", name)
    assert names("t") == ["apac", "b", "c", "d"]
    assert policies("GET", "t", "/apac") == made
    for name in ("b", "c", "d"):
        assert policies("DELETE", "t", f"/{name}").status_code == 204
    assert error_of(policies("DELETE", "t", "/apac"))[:2] == (400, "invalid")  # the last one needs force
    assert policies("DELETE", "t", "/apac?force=true").status_code == 204
    assert names("t") == []


def test_refusals(make, plain, protect):
    make("t", [("region", "STRING")])
    protect("t", "apac")
    for body, status, reason in (({"filterPredicate": "TRUE"}, 400, "invalid"),
                                 ({"rowAccessPolicyReference": {"policyId": "x"}}, 400, "required"),
                                 ({"rowAccessPolicyReference": {"policyId": "x"}, "filterPredicate": "nothing = 1"}, 400,
                                  "invalidQuery"),
                                 ({"rowAccessPolicyReference": {"policyId": "apac"}, "filterPredicate": "TRUE"}, 409,
                                  "duplicate")):
        reference = {**ONE, "tableId": "t", **body.get("rowAccessPolicyReference", {})}
        body = {**body, "rowAccessPolicyReference": reference}
        assert error_of(plain("POST", POLICIES.format("t"), json=body))[:2] == (status, reason)
    assert error_of(plain("GET", POLICIES.format("none")))[:2] == (404, "notFound")


def test_permissions(google, make, plain):
    make("t", [("a", "INT64")])
    google.permissions("anonymous@example.com", allow=["roles/bigquery.dataEditor"])
    assert error_of(plain("GET", POLICIES.format("t")))[:2] == (403, "accessDenied")
    google.permissions("anonymous@example.com", allow=["roles/bigquery.dataOwner"])
    assert plain("GET", POLICIES.format("t")).json() == {}


@pytest.mark.parametrize("write, kept", [("WRITE_APPEND", True), ("WRITE_TRUNCATE_DATA", True), ("WRITE_TRUNCATE", False)])
def test_load(make, load, protect, names, write, kept):
    """Loading with WRITE_TRUNCATE removes all existing policies."""
    make("t", [("a", "INT64")])
    protect("t")
    load("t", [{"a": 1}], write_disposition=write, schema=[("a", "INT64")])
    assert names("t") == (["everybody"] if kept else [])


@pytest.mark.parametrize("write, left", [("WRITE_APPEND", ["all", "everybody"]), ("WRITE_TRUNCATE", ["all"])])
def test_copy_brings_the_sources(client, dataset, make, protect, names, write, left):
    for name, policy in (("s", "all"), ("t", "everybody")):
        make(name, [("a", "INT64")])
        protect(name, policy)
    config = bigquery.CopyJobConfig(write_disposition=write)
    client.copy_table(dataset.table("s"), dataset.table("t"), job_config=config).result()
    assert names("t") == left
    client.copy_table(dataset.table("s"), dataset.table("new")).result()
    assert names("new") == ["all"]


def test_copy_without_policies_removes_them(client, dataset, make, protect, names):
    for name in ("s", "t"):
        make(name, [("a", "INT64")])
    protect("t")
    config = bigquery.CopyJobConfig(write_disposition="WRITE_APPEND")
    client.copy_table(dataset.table("s"), dataset.table("t"), job_config=config).result()
    assert names("t") == ["everybody"]
    config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
    client.copy_table(dataset.table("s"), dataset.table("t"), job_config=config).result()
    assert names("t") == []


def test_copy_of_one_name_twice(client, dataset, make, protect):
    for name in ("s", "t"):
        make(name, [("a", "INT64")])
        protect(name)
    config = bigquery.CopyJobConfig(write_disposition="WRITE_APPEND")
    with pytest.raises(BadRequest, match="everybody"):
        client.copy_table(dataset.table("s"), dataset.table("t"), job_config=config).result()


def test_sql(client, make, protect, names):
    """TRUNCATE TABLE keeps policies, CREATE OR REPLACE TABLE and queries with WRITE_TRUNCATE remove them."""
    make("t", [("a", "INT64")])
    protect("t")
    client.query("TRUNCATE TABLE d.t").result()
    client.query("ALTER TABLE d.t ADD COLUMN b INT64").result()
    assert names("t") == ["everybody"]
    client.query("CREATE OR REPLACE TABLE d.t AS SELECT a FROM d.t").result()
    assert names("t") == []
    protect("t")
    config = bigquery.QueryJobConfig(destination="test-project.d.t", write_disposition="WRITE_TRUNCATE")
    client.query("SELECT 1 AS a", job_config=config).result()
    assert names("t") == []


def test_full_access(client, dataset, make, load, rows, protect):
    """Without the TRUE filter there is no DML, no copy and no list of rows; what a query would see is not known here."""
    make("t", [("a", "INT64")])
    load("t", [{"a": 1}])
    protect("t", "some", "a > 0", ["user:anonymous@example.com"])
    for refused in (lambda: rows("t"), lambda: client.query("UPDATE d.t SET a = 2 WHERE TRUE").result(),
                    lambda: client.copy_table(dataset.table("t"), dataset.table("c")).result()):
        with pytest.raises(Forbidden, match="row access policies"):
            refused()
    with pytest.raises(Exception, match="does not know reading test-project:d.t under row access policies"):
        client.query("SELECT * FROM d.t").result()
    protect("t", "all", "(TRUE)", ["user:anonymous@example.com"])
    client.query("UPDATE d.t SET a = 2 WHERE TRUE").result()
    assert rows("t") == [(2,)] and [tuple(row) for row in client.query("SELECT * FROM d.t")] == [(2,)]
