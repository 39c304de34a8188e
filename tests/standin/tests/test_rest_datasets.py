# SPDX-License-Identifier: Apache-2.0
"""projects.* and datasets.*, by google-cloud-bigquery.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets"""

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery


def test_insert_and_get(client):
    """datasets.insert keeps what it is given and adds what is output only (rest/v2/datasets#Dataset)."""
    wanted = bigquery.Dataset("test-project.sales")
    wanted.location = "europe-west4"
    wanted.description = "from the shop"
    wanted.friendly_name = "Sales"
    wanted.labels = {"managed_by": "bqferry", "run": "a-1"}
    wanted.default_table_expiration_ms = 3_600_000
    made = client.create_dataset(wanted)
    found = client.get_dataset("sales")
    assert found.etag == made.etag
    assert found.full_dataset_id == "test-project:sales"
    assert (found.location, found.description, found.friendly_name) == ("europe-west4", "from the shop", "Sales")
    assert found.labels == {"managed_by": "bqferry", "run": "a-1"}
    assert found.default_table_expiration_ms == 3_600_000
    assert found.created is not None and found.modified is not None
    assert {entry.entity_id for entry in found.access_entries} >= {"projectOwners", "projectReaders", "projectWriters"}


def test_insert_of_a_known_dataset_is_a_conflict(client, dataset):
    """error-messages: duplicate is HTTP 409."""
    with pytest.raises(Conflict, match="Already Exists: Dataset test-project:d") as caught:
        client.create_dataset("d")
    assert caught.value.errors[0]["reason"] == "duplicate"
    assert client.create_dataset("d", exists_ok=True).dataset_id == "d"


@pytest.mark.parametrize("name", ["a-b", "a b", "ä", "x" * 1025])
def test_dataset_names(client, name):
    """datasets#dataset-naming: letters, digits, underscores, up to 1,024."""
    with pytest.raises(BadRequest, match="Invalid dataset ID"):
        client.create_dataset(bigquery.DatasetReference("test-project", name))


def test_default_location_is_us(client, dataset):
    """rest/v2/datasets#Dataset.location; docs/locations"""
    assert client.get_dataset(dataset).location == "US"


def test_unknown_location(client):
    """docs/locations lists them all."""
    wanted = bigquery.Dataset("test-project.sales")
    wanted.location = "moon-1"
    with pytest.raises(BadRequest):
        client.create_dataset(wanted)


def test_missing_dataset(client):
    with pytest.raises(NotFound, match="Not found: Dataset test-project:nothing") as caught:
        client.get_dataset("nothing")
    assert caught.value.errors[0]["reason"] == "notFound"


@pytest.mark.parametrize("labels", [{"Upper": "x"}, {"1digit": "x"}, {"k" * 64: "x"}, {"k": "v" * 64}, {"k": "With Space"},
                                    {f"k{n}": "" for n in range(65)}])
def test_labels_that_are_refused(client, labels):
    """docs/labels-intro#requirements"""
    wanted = bigquery.Dataset("test-project.sales")
    wanted.labels = labels
    with pytest.raises(BadRequest):
        client.create_dataset(wanted)


def test_international_labels(client):
    """docs/labels-intro#requirements: international characters are allowed."""
    wanted = bigquery.Dataset("test-project.sales")
    wanted.labels = {"größe": "ärger", "k": ""}
    assert client.create_dataset(wanted).labels == {"größe": "ärger", "k": ""}


def test_patch_changes_only_what_is_sent(client, dataset):
    """datasets.patch: RFC 5789; a label that is null goes away (docs/labels#delete_label)."""
    found = client.get_dataset(dataset)
    found.labels = {"a": "1", "b": "2"}
    found.description = "kept"
    found = client.update_dataset(found, ["labels", "description"])
    found.labels["a"] = None
    found.labels["c"] = "3"
    found = client.update_dataset(found, ["labels"])
    assert found.labels == {"b": "2", "c": "3"}
    assert found.description == "kept"


def test_patch_with_an_old_etag(client, dataset):
    """If-Match with another etag is 412 (RFC 9110; google-cloud-bigquery sends it when the object has an etag)."""
    first, second = client.get_dataset(dataset), client.get_dataset(dataset)
    first.description = "one"
    client.update_dataset(first, ["description"])
    second.description = "two"
    with pytest.raises(PreconditionFailed):
        client.update_dataset(second, ["description"])
    assert client.get_dataset(dataset).description == "one"


def test_location_cannot_change(plain, dataset):
    """docs/locations: the location of a dataset is immutable."""
    answer = plain("PATCH", "/bigquery/v2/projects/test-project/datasets/d", json={"location": "EU"})
    assert answer.status_code == 400


def test_put_replaces(plain, client, dataset):
    """datasets.update replaces the whole resource."""
    path = "/bigquery/v2/projects/test-project/datasets/d"
    plain("PATCH", path, json={"description": "x", "labels": {"a": "b"}})
    answer = plain("PUT", path, json={"datasetReference": {"projectId": "test-project", "datasetId": "d"}, "friendlyName": "F"})
    assert answer.status_code == 200
    found = client.get_dataset("d")
    assert (found.description, found.labels, found.friendly_name) == (None, {}, "F")


def test_delete(client, make):
    """datasets.delete: a dataset with tables is refused with resourceInUse unless deleteContents."""
    make("t", [("a", "INTEGER")])
    with pytest.raises(BadRequest, match="still in use") as caught:
        client.delete_dataset("d")
    assert caught.value.errors[0]["reason"] == "resourceInUse"
    client.delete_dataset("d", delete_contents=True)
    with pytest.raises(NotFound):
        client.get_dataset("d")
    with pytest.raises(NotFound):
        client.delete_dataset("d")
    client.delete_dataset("d", not_found_ok=True)


def test_undelete(client, plain, make, load, rows):
    """docs/restore-deleted-datasets: within the time travel window, with its tables."""
    make("t", [("a", "INTEGER")])
    load("t", [{"a": 1}])
    client.delete_dataset("d", delete_contents=True)
    answer = plain("POST", "/bigquery/v2/projects/test-project/datasets/d:undelete", json={})
    assert answer.status_code == 200
    assert rows("t") == [(1,)]


def test_list_pages_and_filters(client):
    """datasets.list: pages, hidden datasets (docs/datasets#hidden_datasets), label filters (docs/filtering-labels)."""
    for name, labels in [("a", {"x": "1"}), ("b", {"x": "2"}), ("c", {}), ("_hidden", {"x": "1"})]:
        wanted = bigquery.Dataset(f"test-project.{name}")
        wanted.labels = labels
        client.create_dataset(wanted)
    names = lambda found: [item.dataset_id for item in found]  # noqa: E731
    assert names(client.list_datasets()) == ["a", "b", "c"]
    assert names(client.list_datasets(include_all=True)) == ["_hidden", "a", "b", "c"]
    assert names(client.list_datasets(filter="labels.x:1")) == ["a"]
    assert names(client.list_datasets(filter="labels.x")) == ["a", "b"]
    assert names(client.list_datasets(page_size=1)) == ["a", "b", "c"]
    pages = client.list_datasets(page_size=2).pages
    assert [len(list(page)) for page in pages] == [2, 1]


@pytest.mark.parametrize("members", [{"defaultTableExpirationMs": "1000"}, {"maxTimeTravelHours": "24"},
                                     {"maxTimeTravelHours": "169"}, {"storageBillingModel": "CHEAP"},
                                     {"defaultEncryptionConfiguration": {"kmsKeyName": "my-key"}},
                                     {"access": [{"role": "EVERYTHING", "userByEmail": "a@b.c"}]}, {"access": [{"role": "READER"}]},
                                     {"access": [{"role": "READER", "userByEmail": "a@b.c", "domain": "b.c"}]}])
def test_properties_that_are_refused(plain, members):
    """rest/v2/datasets#Dataset: least lifetimes, time travel of 48 to 168 hours, enum values; key names:
    docs/customer-managed-encryption#key_resource_id"""
    answer = plain("POST", "/bigquery/v2/projects/test-project/datasets",
                   json={"datasetReference": {"datasetId": "x"}, **members})
    assert answer.status_code == 400


def test_default_expiration_of_tables(client):
    """Dataset.defaultTableExpirationMs gives new tables their expirationTime."""
    wanted = bigquery.Dataset("test-project.short")
    wanted.default_table_expiration_ms = 3_600_000
    client.create_dataset(wanted)
    table = client.create_table(bigquery.Table("test-project.short.t", schema=[bigquery.SchemaField("a", "INT64")]))
    seconds = (table.expires - table.created).total_seconds()
    assert 3_590 <= seconds <= 3_610


def test_default_expiration_of_partitions(client):
    """Dataset.defaultPartitionExpirationMs is given to new partitioned tables, which then do not take over the
    expiration of tables."""
    wanted = bigquery.Dataset("test-project.short")
    wanted.default_table_expiration_ms = 3_600_000
    wanted.default_partition_expiration_ms = 86_400_000
    client.create_dataset(wanted)
    table = bigquery.Table("test-project.short.t", schema=[bigquery.SchemaField("a", "DATE")])
    table.time_partitioning = bigquery.TimePartitioning(field="a")
    table = client.create_table(table)
    assert table.time_partitioning.expiration_ms == 86_400_000
    assert table.expires is None


def test_encryption_key_of_the_dataset(client):
    """Dataset.defaultEncryptionConfiguration: the key of all newly created tables."""
    key = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    wanted = bigquery.Dataset("test-project.locked")
    wanted.default_encryption_configuration = bigquery.EncryptionConfiguration(kms_key_name=key)
    client.create_dataset(wanted)
    table = client.create_table(bigquery.Table("test-project.locked.t", schema=[bigquery.SchemaField("a", "INT64")]))
    assert table.encryption_configuration.kms_key_name == key


def test_projects(client, dataset):
    """projects.list, projects.getServiceAccount"""
    assert [project.project_id for project in client.list_projects()] == ["test-project"]
    assert client.get_service_account_email().endswith("@bigquery-encryption.iam.gserviceaccount.com")
