# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the SQL tests.

    sql      sql("SELECT …", **QueryJobConfig members) -> rows as tuples
    job      the finished QueryJob of a statement
    refused  refused("…", "invalidQuery", "words of the message"): the statement fails so
    dry_run  dry_run("…") -> QueryJob of a dry run"""

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery


def config(members):
    return bigquery.QueryJobConfig(**members)


@pytest.fixture
def job(client, dataset):
    def job(text, location=None, **members):
        found = client.query(text, job_config=config(members), location=location, job_retry=None)
        found.result(job_retry=None)
        return found
    return job


@pytest.fixture
def sql(job):
    def sql(text, **members):
        return [tuple(row.values()) for row in job(text, **members).result()]
    return sql


@pytest.fixture
def refused(client, dataset):
    def refused(text, reason, words, **members):
        found = client.query(text, job_config=config(members), job_retry=None)
        with pytest.raises(GoogleAPICallError) as caught:
            found.result(job_retry=None)
        found.reload()
        assert found.error_result["reason"] == reason, found.error_result
        assert words in found.error_result["message"], found.error_result["message"]
        return caught.value
    return refused


@pytest.fixture
def dry_run(client, dataset):
    def dry_run(text, **members):
        return client.query(text, job_config=config({**members, "dry_run": True}), job_retry=None)
    return dry_run
