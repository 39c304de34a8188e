# SPDX-License-Identifier: Apache-2.0
"""Rows meet those of a table in BigQuery as they do in DuckDB: the tests of test_merge.py, run on the stand-in
and read back with google-cloud-bigquery. What is BigQuery's own is below."""

import pytest
import test_merge
from support.targets import BigQueryMirror

# Those that write into the DuckDB file themselves, or name its types.
OWN = {"test_files_cannot_merge", "test_other_columns_of_the_target_stay", "test_a_changed_type_stops_the_job",
       "test_new_columns_stop_the_job_when_asked", "test_what_cannot_be_a_key", "test_other_types_of_keys"}

globals().update({name: function for name, function in vars(test_merge).items()
                  if name.startswith("test_") and name not in OWN})


@pytest.fixture
def duckdb_target(google, tmp_path):
    return BigQueryMirror(google, tmp_path)
