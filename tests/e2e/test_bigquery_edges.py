# SPDX-License-Identifier: Apache-2.0
"""BigQuery: corners in which a run was once lost, doubled, or explained wrongly."""

import pytest

from test_bigquery_basic import DATASET, PROJECT, Scene


@pytest.fixture
def scene(db, bqferry, google):
    return Scene(db, bqferry, google)


def clean(scene):
    return scene.tables() == ["items"] and scene.objects() == []


@pytest.mark.parametrize("bucket, death", [(None, "bigquery.upload.finished"), ("staging", "bigquery.step.sent")])
def test_the_project_of_jobs_is_another_one_meanwhile(scene, fault_points, bucket, death):
    """The interrupted run's job is looked for where it was sent: job ids are unique in one project only."""
    scene.write("append", bucket, destination={"job_project": "payer"})
    assert scene.run(fault=death).killed
    scene.write("append", bucket, destination={"job_project": "other-payer"})
    result = scene.ok()
    assert result.job()["status"] == "settled" and "project=payer&" in str(result.job()["target_jobs"]), str(result)
    assert scene.rows() == scene.expected() and clean(scene)
