# SPDX-License-Identifier: Apache-2.0
"""What predefined roles allow: https://docs.cloud.google.com/bigquery/docs/access-control"""

import pytest
from google.api_core.exceptions import Forbidden
from google.cloud import bigquery

from running import Plain, error_of, module_fixture

started, standin = module_fixture(auth="verify")
PROJECT = "projects/test-project"
DATASET = f"{PROJECT}/datasets/d"
LOADER = "loader@test-project.iam.gserviceaccount.com"
SCHEMA = [bigquery.SchemaField("id", "INTEGER")]


def client_of(standin, name):
    return standin.client(credentials=standin.load_credentials(standin.service_account(name)))


@pytest.fixture
def scene(standin):
    """Two datasets with a table each, an object, and the client of an account that may do nothing yet."""
    admin = client_of(standin, "admin")
    for dataset in ("d", "other"):
        admin.create_dataset(dataset)
        admin.create_table(bigquery.Table(f"test-project.{dataset}.t", schema=SCHEMA))
    storage = standin.storage(credentials=standin.load_credentials(standin.service_account("admin")))
    storage.create_bucket("staging").blob("a.json").upload_from_string('{"id": 1}\n')
    client = client_of(standin, "loader")
    standin.permissions(LOADER, allow=[])
    return client


def load(client, table):
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=SCHEMA)
    return client.load_table_from_json([{"id": 1}], table, job_config=config).result(retry=None, timeout=30)


def load_object(client, table):
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=SCHEMA)
    return client.load_table_from_uri("gs://staging/a.json", table, job_config=config).result(retry=None, timeout=30)


def copy(client, source, target):
    config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
    return client.copy_table(source, target, job_config=config).result(retry=None, timeout=30)


WORK = {
    "get dataset": lambda client: client.get_dataset("d", retry=None),
    "get table": lambda client: client.get_table("d.t", retry=None),
    "list tables": lambda client: list(client.list_tables("d", retry=None)),
    "read rows": lambda client: list(client.list_rows("d.t", selected_fields=SCHEMA, retry=None)),
    "create dataset": lambda client: client.create_dataset("made", exists_ok=True, retry=None),
    "create table": lambda client: client.create_table(bigquery.Table("test-project.d.new", schema=SCHEMA), retry=None),
    "load": lambda client: load(client, "d.t"),
    "load elsewhere": lambda client: load(client, "other.t"),
    "load an object": lambda client: load_object(client, "d.t"),
    "copy": lambda client: copy(client, "d.t", "d.copied"),
    "copy from elsewhere": lambda client: copy(client, "other.t", "d.copied"),
    "delete table": lambda client: client.delete_table("d.t", retry=None),
}
USER = [{"role": "roles/bigquery.jobUser", "resource": PROJECT}]
READING = {"get dataset", "get table", "list tables", "read rows"}
WRITING = {"create table", "load", "copy", "delete table"}


def role(name, resource=DATASET):
    return [{"role": f"roles/{name}", "resource": resource}]


@pytest.mark.parametrize("grants, allowed", [
    (USER, set()),
    (role("bigquery.dataViewer"), READING),
    (role("bigquery.metadataViewer"), {"get dataset", "get table", "list tables"}),
    (role("bigquery.dataEditor"), READING | {"create table", "delete table"}),
    (USER + role("bigquery.dataViewer"), READING),
    (USER + role("bigquery.dataEditor"), READING | WRITING),
    (USER + role("bigquery.dataEditor") + role("storage.objectViewer", f"{PROJECT}/buckets/staging"),
     READING | WRITING | {"load an object"}),
    (USER + role("bigquery.dataEditor", PROJECT), READING | WRITING | {"create dataset", "load elsewhere",
                                                                       "copy from elsewhere"}),
    (USER + role("bigquery.dataEditor") + role("bigquery.dataViewer", f"{PROJECT}/datasets/other"),
     READING | WRITING | {"copy from elsewhere"}),
    (role("owner", PROJECT), set(WORK)),
], ids=["jobUser", "viewer", "metadataViewer", "editor", "jobUser+viewer", "jobUser+editor", "with an object viewer",
        "editor of the project", "with another viewer", "owner"])
def test_roles(standin, scene, grants, allowed):
    """Each piece of work is tried under the roles: what is not allowed is a 403 with the permission's name."""
    done = set()
    standin.permissions(LOADER, grants=grants)
    for name, work in WORK.items():
        try:
            work(scene)
            done.add(name)
        except Forbidden as error:
            assert "bigquery." in error.message or "storage." in error.message
    assert done == allowed


def test_a_denied_permission(standin, scene):
    """The reason and the text name the permission and the resource: https://docs.cloud.google.com/bigquery/docs/error-messages"""
    standin.permissions(LOADER, deny=["bigquery.tables.create"])
    with pytest.raises(Forbidden) as caught:
        scene.create_table(bigquery.Table("test-project.d.new", schema=SCHEMA), retry=None)
    assert caught.value.errors[0]["reason"] == "accessDenied"
    assert caught.value.message.endswith(
        "Access Denied: Dataset test-project:d: Permission bigquery.tables.create denied on dataset test-project:d (or it "
        "may not exist)."
    )
    scene.get_table("d.t")


def test_jobs_of_others(standin, scene):
    """https://docs.cloud.google.com/bigquery/docs/managing-jobs: one's own jobs need no permission, those of others do"""
    job = client_of(standin, "admin").copy_table("d.t", "d.mine")
    job.result()
    standin.permissions(LOADER, grants=USER)
    with pytest.raises(Forbidden, match="bigquery.jobs.get"):
        scene.get_job(job.job_id, location="US", retry=None)
    standin.permissions(LOADER, grants=USER + role("bigquery.dataEditor"))
    own = scene.copy_table("d.t", "d.own")
    own.result()
    assert scene.get_job(own.job_id, location="US").user_email == LOADER


def test_test_iam_permissions(standin, scene):
    """https://docs.cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions: those that one has"""
    standin.permissions(LOADER, grants=USER + role("bigquery.dataEditor", PROJECT))
    credentials = standin.load_credentials(standin.service_account("loader"))
    from google.auth.transport.requests import Request
    credentials.refresh(Request())
    asked = ["bigquery.jobs.create", "bigquery.tables.create", "bigquery.datasets.delete", "storage.objects.create"]
    auth = Plain(standin.auth)
    answer = auth(
        "POST", "/v1/projects/test-project:testIamPermissions", credentials.token, json={"permissions": asked}
    )
    assert answer.json() == {"permissions": ["bigquery.jobs.create", "bigquery.tables.create"]}
    assert auth("POST", "/v1/projects/test-project:testIamPermissions", json={"permissions": asked}).status_code == 401
    wrong = auth(
        "POST", "/v1/projects/test-project:testIamPermissions", credentials.token, json={"permissions": ["bigquery.*"]}
    )
    assert error_of(wrong)[0] == 400


@pytest.mark.parametrize("policy, text", [
    ({"allow": ["roles/bigquery.king"]}, "does not know the role"), ({"forbid": ["x"]}, "no forbid"),
    ({"grants": [{"role": "roles/owner", "on": "x"}]}, "resource"),
])
def test_policies_that_make_no_sense(standin, policy, text):
    with pytest.raises(AssertionError, match=text):
        standin.control("PUT", "permissions/somebody", policy)


def test_a_dry_run_of_create_table(scene, standin):
    """Needs what the statement needs (README: the documents are silent)."""
    config = bigquery.QueryJobConfig(dry_run=True)
    statement = "CREATE TABLE d.new (id INT64)"
    standin.permissions(LOADER, allow=["bigquery.jobs.create"])
    with pytest.raises(Forbidden, match="bigquery.tables.create"):
        scene.query(statement, job_config=config, retry=None)
    standin.permissions(LOADER, allow=["bigquery.jobs.create", "bigquery.tables.create"])
    assert scene.query(statement, job_config=config, retry=None).state == "DONE"
