# SPDX-License-Identifier: Apache-2.0
"""Who we are to BigQuery: credentials of every kind from the file to the row, against token servers that check
signatures, and what is said when they do not do. No secret is in anything that is written."""

import json
import re

import pytest

ROWS = [(number, f"row {number}") for number in range(1, 51)]
DATASET = "raw_data"


class Scene:
    def __init__(self, db, bqferry, google):
        self.db, self.bqferry, self.google = db, bqferry, google
        self.secrets = []
        db.execute("CREATE TABLE items AS SELECT i AS id, 'row ' || i AS name FROM generate_series(1, 50) i")

    def reader(self):
        """Somebody who may read what arrived."""
        return self.google.client(credentials=self.google.load_credentials(
            self.google.service_account("auditor")))

    def write(self, bucket=None, credentials=None, **destination):
        self.bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": self.db.url()}},
            "destination": {"type": "bigquery", "project": self.google.project, "dataset": DATASET,
                            **({"bucket": bucket} if bucket else {}),
                            **({"credentials": str(credentials)} if credentials else {}), **destination},
            "defaults": {"retries": {"budget": "5s"}},
            "jobs": [{"name": "main", "load": "replace", "source": {"table": "items"}}]})

    def run(self, *arguments, credentials=None, metadata=False, command="run", **options):
        self.google.forget_calls()
        result = self.bqferry(command, "--log-level", "debug", *arguments,
                              env=self.google.environment(credentials, metadata=metadata), **options)
        self.check_no_secret(result, credentials)
        return result

    def check_no_secret(self, result, credentials):
        """Neither keys nor tokens, nor anything that looks like one."""
        texts = [result.text, json.dumps(result.report) if command_reports(result) else ""]
        for text in texts:
            for pattern in (r"Bearer [A-Za-z0-9]", r"PRIVATE KEY-----(\\n|\n)", r"ya29\.", r"eyJ[A-Za-z0-9_-]{20}"):
                assert not re.search(pattern, text), f"{pattern}\n{result}"
            for path in filter(None, [credentials]):
                for secret in secrets_of(json.loads(path.read_text())):
                    assert secret not in text, f"a secret of {path}\n{result}"

    def identities(self):
        return {call["identity"] for call in self.google.calls("bigquery.*")}

    def arrived(self):
        rows = self.reader().list_rows(f"{self.google.project}.{DATASET}.items")
        return sorted(tuple(row.values()) for row in rows)


def command_reports(result):
    return result._report_path is not None and result._report_path.exists()


def secrets_of(text):
    """Values of a credential file that nobody may see."""
    found = [value for key, value in text.items()
             if key in ("private_key", "refresh_token", "client_secret", "private_key_id") and value]
    if isinstance(text.get("source_credentials"), dict):
        found += secrets_of(text["source_credentials"])
    return [part for value in found for part in value.split("\n") if len(part) > 15 and "---" not in part]


@pytest.fixture
def scene(db, bqferry, google_verifying):
    return Scene(db, bqferry, google_verifying)


KINDS = ("service_account", "authorized_user", "external_account_file", "external_account_url",
         "external_account_impersonating", "impersonated", "metadata")


def make(google, kind):
    """(credential file or None, identity that the calls must have)"""
    if kind == "service_account":
        return google.service_account("loader"), "loader@"
    if kind == "authorized_user":
        return google.authorized_user("person@example.com"), "person@example.com"
    if kind == "external_account_file":
        return google.external_account(), "principal://"
    if kind == "external_account_url":
        return google.external_account(source="url"), "principal://"
    if kind == "external_account_impersonating":
        google.service_account("deployed")
        return google.external_account(impersonate="deployed"), "deployed@"
    if kind == "impersonated":
        return google.impersonated("deployed"), "deployed@"
    google.metadata_account("vm")
    return None, "vm@"


@pytest.mark.parametrize("bucket", (None, "staging"))
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_credentials(scene, kind, bucket):
    path, identity = make(scene.google, kind)
    if bucket:
        scene.google.storage(credentials=scene.google.load_credentials(
            scene.google.service_account("owner"))).create_bucket(bucket, location="US")
    scene.write(bucket)
    result = scene.run(credentials=path, metadata=kind == "metadata")
    assert result.code == 0, str(result)
    assert all(found and identity in found for found in scene.identities()), scene.identities()
    assert scene.arrived() == ROWS
    result = scene.run(credentials=path, metadata=kind == "metadata", command="check")
    shown = "workloadIdentityPools/standin-pool" if identity == "principal://" else identity
    assert result.code == 0 and shown in result.stdout, str(result)


def test_a_file_of_the_configuration(scene):
    """destination.credentials counts more than the environment."""
    path = scene.google.service_account("loader")
    scene.write(credentials=path)
    other = scene.google.service_account("other")
    assert scene.run(credentials=other).code == 0
    assert all("loader@" in found for found in scene.identities())


def test_one_token_is_enough(scene):
    path = scene.google.service_account("loader")
    scene.write()
    assert scene.run(credentials=path).code == 0
    assert scene.google.counts("oauth.token", "auth").get("oauth.token", 0) <= 1


def test_tokens_that_expire_during_the_run(scene):
    """They are made anew, and nothing is seen of it."""
    path = scene.google.service_account("loader")
    scene.google.tokens(lifetime=1)
    scene.google.fault("bigquery.*", "latency", seconds=0.4, count=0)
    scene.write()
    result = scene.run(credentials=path)
    assert result.code == 0, str(result)
    assert scene.google.counts("oauth.token", "auth")["oauth.token"] > 1
    scene.google.clear_faults()
    assert scene.arrived() == ROWS


@pytest.mark.parametrize("method", ("bigquery.tables.get", "bigquery.jobs.insert", "bigquery.jobs.insert:chunk",
                                    "bigquery.jobs.get"))
def test_401_in_the_middle(scene, method):
    """A token that is refused once is made anew, once."""
    path = scene.google.service_account("loader")
    scene.write()
    scene.google.fault(method, "error", status=401, reason="authError")
    result = scene.run(credentials=path)
    assert result.code == 0, str(result)
    assert scene.arrived() == ROWS


def test_revoked_in_the_middle(scene):
    path = scene.google.service_account("loader")
    scene.write()
    assert scene.run(credentials=path).code == 0
    email = json.loads(path.read_text())["client_email"]
    scene.google.tokens(revoke=email)
    assert scene.run(credentials=path).code == 0, "a new run asks for a new token"




def test_a_key_that_was_replaced(scene, tmp_path):
    """The token server's own words, and what to do."""
    text = json.loads(scene.google.service_account("loader").read_text())
    other = json.loads(scene.google.service_account("other").read_text())
    path = tmp_path / "key.json"
    path.write_text(json.dumps({**text, "private_key": other["private_key"]}))
    scene.write()
    result = scene.run(credentials=path)
    assert result.code == 4, str(result)
    assert "Invalid JWT Signature" in result.stderr and "hint" in result.stderr, str(result)


def test_a_workload_identity_whose_token_has_ended(scene):
    """It is not a key that would have to be made anew: whoever writes the token has stopped doing so."""
    path = scene.google.external_account()
    token = json.loads(path.read_text())["credential_source"]["file"]
    with open(token, "r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write(text[:-8] + "AAAAAAAA")
    scene.write()
    result = scene.run(credentials=path)
    assert result.code == 4 and "Invalid JWT Signature" in result.stderr, str(result)
    assert "credential_source" in result.stderr and "make a new key" not in result.stderr, str(result)


BROKEN = [
    ("no file", None, ["no-such.json"]),
    ("no JSON", "{", ["key.json"]),
    ("no type", "{}", ["type"]),
    ("unknown type", '{"type": "magic"}', ["type", "service_account"]),
    ("no key in it", '{"type": "service_account", "client_email": "a@b.c"}', ["private_key"]),
    ("no PEM", '{"type": "service_account", "client_email": "a@b.c", "private_key": "-----BEGIN",'
               ' "token_uri": "http://127.0.0.1:1/token", "project_id": "p", "private_key_id": "1"}', ["private_key"]),
]


@pytest.mark.parametrize("text, words", [case[1:] for case in BROKEN],
                         ids=[case[0].replace(" ", "-") for case in BROKEN])
def test_files_that_are_no_credentials(scene, tmp_path, text, words):
    """Exit code 2, the file, what it lacks: before anything is read."""
    path = tmp_path / ("key.json" if text is not None else "no-such.json")
    if text is not None:
        path.write_text(text)
    scene.write(credentials=path)
    result = scene.run()
    assert result.code == 2, str(result)
    for word in words:
        assert word in result.stderr, str(result)
    assert scene.google.counts("bigquery.*") == {}


# What is missing, and which role grants it --------------------------------------------------------

PERMISSIONS = [
    ("bigquery.jobs.create", "roles/bigquery.jobUser"),
    ("bigquery.tables.create", "roles/bigquery.dataEditor"),
    ("bigquery.tables.updateData", "roles/bigquery.dataEditor"),
    ("bigquery.tables.get", None),
    ("bigquery.datasets.create", "roles/bigquery.user"),
]


@pytest.mark.parametrize("permission, role", PERMISSIONS)
def test_a_missing_permission(scene, permission, role):
    """The run names it and the role that grants it; with it, the same run ends right."""
    path = scene.google.service_account("loader")
    email = json.loads(path.read_text())["client_email"]
    scene.google.permissions(email, deny=[permission])
    scene.write()
    result = scene.run(credentials=path)
    assert result.code == 4, str(result)
    assert permission in result.stderr, str(result)
    if role:
        assert role in result.stderr, str(result)
    scene.google.permissions(email)
    assert scene.run(credentials=path).code == 0
    assert scene.arrived() == ROWS


@pytest.mark.parametrize("permission", ("storage.objects.create", "storage.objects.delete", "storage.objects.get"))
def test_a_missing_permission_of_the_bucket(scene, permission):
    path = scene.google.service_account("loader")
    email = json.loads(path.read_text())["client_email"]
    owner = scene.google.load_credentials(scene.google.service_account("owner"))
    scene.google.storage(credentials=owner).create_bucket("staging", location="US")
    scene.google.permissions(email, deny=[permission])
    scene.write("staging")
    result = scene.run(credentials=path, command="check")
    assert permission in result.stdout, str(result)
    result = scene.run(credentials=path)
    if permission != "storage.objects.delete" or result.code:  # leftovers are no reason to fail
        assert result.code == 4 and permission in result.stderr and "roles/storage.objectUser" in result.stderr, str(result)
    scene.google.permissions(email)
    assert scene.run(credentials=path).code == 0
    assert scene.arrived() == ROWS


def test_check_names_each_missing_permission(scene):
    path = scene.google.service_account("loader")
    email = json.loads(path.read_text())["client_email"]
    scene.google.permissions(email, deny=["bigquery.jobs.create", "bigquery.datasets.create"])
    scene.write()
    result = scene.run(credentials=path, command="check")
    assert result.code == 4, str(result)
    assert "bigquery.jobs.create" in result.stdout and "roles/bigquery.jobUser" in result.stdout, str(result)
    assert email in result.stdout


def test_no_credentials_at_all(scene):
    """Where was looked is told."""
    scene.write()
    result = scene.run()
    assert result.code in (2, 4), str(result)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in result.stderr or "credentials" in result.stderr, str(result)


def test_files_in_a_bucket_with_credentials(scene):
    path = scene.google.service_account("loader")
    owner = scene.google.load_credentials(scene.google.service_account("owner"))
    scene.google.storage(credentials=owner).create_bucket("exports")
    scene.bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": scene.db.url()}},
        "destination": {"type": "files", "path": "gs://exports/shop", "credentials": str(path)},
        "jobs": [{"name": "main", "load": "replace", "source": {"table": "items"}}]})
    assert scene.run().code == 0
    names = [blob.name for blob in scene.google.storage(credentials=owner).list_blobs("exports")]
    assert "shop/items/manifest.json" in names
    result = scene.run(command="check")
    assert result.code == 0 and "loader@" in result.stdout, str(result)
    scene.google.permissions(json.loads(path.read_text())["client_email"], deny=["storage.objects.create"])
    result = scene.run(command="check")
    assert result.code == 4 and "storage.objects.create" in result.stdout, str(result)
    result = scene.run()
    assert result.code == 4 and "storage.objects.create" in result.stderr, str(result)


def test_the_roles_of_the_guide_are_enough(scene):
    """docs/bigquery.md: the narrowest ones, for a dataset and a bucket that are there; `check` has no complaint."""
    owner = scene.google.load_credentials(scene.google.service_account("owner"))
    scene.google.storage(credentials=owner).create_bucket("staging", location="US")
    scene.write("staging")
    assert scene.run(credentials=scene.google.service_account("owner")).code == 0  # makes the dataset
    path = scene.google.service_account("loader")
    email = json.loads(path.read_text())["client_email"]
    project = f"projects/{scene.google.project}"
    scene.google.permissions(email, allow=[], grants=[
        {"role": "roles/bigquery.jobUser", "resource": project},
        {"role": "roles/bigquery.dataEditor", "resource": f"{project}/datasets/{DATASET}"},
        {"role": "roles/storage.objectUser", "resource": f"{project}/buckets/staging"}])
    result = scene.run(credentials=path, command="check")
    assert result.code == 0 and "its location cannot be looked at" in result.stdout, str(result)
    assert scene.run(credentials=path).code == 0
    scene.write()
    assert scene.run(credentials=path).code == 0
