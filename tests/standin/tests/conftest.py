# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the conformance suite. One stand-in serves all tests that do not start their own.

    google    the stand-in (support.bigquery.StandIn), without faults, datasets, jobs and objects
    client    google.cloud.bigquery.Client of project `test-project`
    dataset   a new dataset `d` in US: its DatasetReference
    make      make("t", schema, …): a new table of that dataset
    plain     requests without a client library: plain("GET", "/bigquery/v2/…") -> requests.Response
    load      load("t", rows or Avro bytes, **LoadJobConfig members): a finished load job (or .fails)
    rows      rows("t"): the rows of a table as tuples, by tabledata.list"""

import io
import json

import pytest
import running  # noqa: F401  (puts tests/ and tests/standin/ on the path)
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from running import Plain
from support.bigquery import StandIn


@pytest.fixture(scope="session")
def shared_standin(tmp_path_factory):
    with StandIn(tmp_path_factory.mktemp("standin")) as standin:
        yield standin


@pytest.fixture
def google(shared_standin):
    shared_standin.reset(data=True)
    return shared_standin


@pytest.fixture
def client(google):
    client = google.client()
    yield client
    client.close()


@pytest.fixture
def plain(google):
    return Plain(google.bigquery)


@pytest.fixture
def dataset(client):
    return client.create_dataset("d").reference


@pytest.fixture
def make(client, dataset):
    def make(name, schema, **members):
        table = bigquery.Table(dataset.table(name), schema=[field(item) for item in schema])
        for member, value in members.items():
            setattr(table, member, value)
        return client.create_table(table)
    return make


def field(item):
    """A SchemaField, or ("name", "TYPE"), ("name", "TYPE", "MODE")."""
    return item if isinstance(item, bigquery.SchemaField) else bigquery.SchemaField(*item)


class Loader:
    def __init__(self, client, dataset):
        self.client, self.dataset = client, dataset

    def start(self, table, data, job_id=None, schema=None, location=None, **members):
        config = bigquery.LoadJobConfig(**members)
        if schema is not None:
            config.schema = [field(item) for item in schema]
        if isinstance(data, list):
            config.source_format = config.source_format or "NEWLINE_DELIMITED_JSON"
            data = "".join(json.dumps(row) + "\n" for row in data).encode()
        elif data[:4] == b"Obj\x01":
            config.source_format = config.source_format or "AVRO"
        return self.client.load_table_from_file(io.BytesIO(data), self.dataset.table(table), job_config=config, size=len(data),
                                                job_id=job_id, location=location)

    def __call__(self, table, data, **members):
        job = self.start(table, data, **members)
        job.result()
        return job

    def fails(self, table, data, **members):
        """The failed job."""
        job = self.start(table, data, **members)
        with pytest.raises(GoogleAPICallError):
            job.result()
        return job


@pytest.fixture
def load(client, dataset):
    return Loader(client, dataset)


@pytest.fixture
def rows(client, dataset):
    def rows(table, **options):
        return [tuple(row.values()) for row in client.list_rows(client.get_table(dataset.table(table)), **options)]
    return rows
