# SPDX-License-Identifier: Apache-2.0
"""BigQuery: tables with row-level access policies, which a replacing copy would remove
(docs/row-level-security-intro#implicit_deletion_of_row-level_access_policies)."""

import pytest
import requests

from support.bigquery import PROJECT
from test_bigquery_basic import DATASET, Scene

BY_DAY = {"target": {"partition_by": {"column": "day", "type": "day"}}}
PATH = f"/bigquery/v2/projects/{PROJECT}/datasets/{DATASET}/tables/items/rowAccessPolicies"


class Policies(Scene):
    def policies(self, method="GET", **options):
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self.google.bigquery + PATH, timeout=30, **options)
        answer.raise_for_status()
        return [each["filterPredicate"] for each in answer.json().get("rowAccessPolicies", [])]

    def protect(self):
        """One that hides rows, and one that lets whoever carries rows see all of them."""
        for name, condition, grantee in (("some", "id < 10", "user:reader@example.com"), ("all", "TRUE", "allAuthenticatedUsers")):
            reference = {"projectId": PROJECT, "datasetId": DATASET, "tableId": "items", "policyId": name}
            self.policies("POST", json={"rowAccessPolicyReference": reference, "filterPredicate": condition, "grantees": [grantee]})


KEPT = ["TRUE", "id < 10"]


@pytest.fixture
def scene(db, bqferry, google):
    return Policies(db, bqferry, google)


@pytest.mark.parametrize("bucket, job, destination", [
    (None, {"workers": 2}, {"one_shard_below": "1B"}), (None, {"replace": "partition", **BY_DAY}, {}),
    ("staging", {"replace": "partition", **BY_DAY}, {}), ("staging", {"source": "fewer"}, {}), (None, {"source": "fewer"}, {})],
    ids=["staging", "partitions", "partitions-bucket", "rebuild-bucket", "rebuild"])
def test_a_replacing_copy_is_refused(scene, bucket, job, destination):
    scene.widen()
    layout = {"target": job["target"]} if "target" in job else {}
    scene.write("append", bucket, **layout)
    scene.ok()
    before = scene.rows()
    scene.protect()
    if job.get("source"):
        job = {"source": {"connection": "db", "table": "public.items", "columns": ["id", "name"]}}
    scene.write("replace", bucket, destination=destination, **job)
    result = scene.run()
    assert result.code == 2 and "row-level access policies, which replacing it" in result.stderr, str(result)
    assert scene.policies() == KEPT and scene.rows() == before and scene.tables() == ["items"] and scene.objects() == []
    assert scene.google.counts("bigquery.jobs.insert*") == {}, "nothing was sent"


@pytest.mark.parametrize("load, bucket, job, destination", [
    ("replace", None, {}, {}), ("replace", "staging", {"workers": 2}, {"one_shard_below": "1B"}),
    ("append", None, {"workers": 2}, {"one_shard_below": "1B"}), ("upsert", None, {}, {})],
    ids=["replace-upload", "replace-objects", "append-staging", "upsert"])
def test_ways_that_keep_them(scene, load, bucket, job, destination):
    scene.widen()
    scene.write("append", bucket)
    scene.ok()
    scene.protect()
    scene.db.execute("UPDATE items SET name = 'new' WHERE id = 7")
    scene.write(load, bucket, destination=destination, **job)
    scene.ok()
    assert scene.policies() == KEPT
    assert (7, "new") in [row[:2] for row in scene.rows()]


def test_who_may_not_ask_for_policies_may_replace(scene):
    """roles/bigquery.dataEditor cannot list them; the permission is no condition of a load."""
    scene.write("append")
    scene.ok()
    scene.google.permissions("anonymous@example.com", deny=["bigquery.rowAccessPolicies.list"])
    scene.write("replace", workers=2, destination={"one_shard_below": "1B"})
    scene.widen()
    scene.ok()
    assert scene.rows() == scene.expected() and scene.google.counts("bigquery.rowAccessPolicies.list")


def test_an_upsert_that_does_not_see_all_rows(scene):
    scene.write("append")
    scene.ok()
    reference = {"projectId": PROJECT, "datasetId": DATASET, "tableId": "items", "policyId": "some"}
    scene.policies("POST", json={"rowAccessPolicyReference": reference, "filterPredicate": "id < 10",
                                 "grantees": ["user:reader@example.com"]})
    scene.google.fault("bigquery.jobs.query", "error", status=403, reason="accessDenied", count=0,
                       message="Access Denied: the table has row access policies")
    scene.write("upsert")
    result = scene.run()
    assert result.code == 4 and "FILTER USING (TRUE)" in result.stderr, str(result)
