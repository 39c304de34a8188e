# SPDX-License-Identifier: Apache-2.0
"""Fixtures for a conftest.py: `from support.google_fixtures import google, google_server, google_verifying, …`

    google             the stand-in for BigQuery and Cloud Storage (support/bigquery.py), empty, without faults;
                       whoever comes is let in
    google_verifying   another one, where tokens are asked for and checked"""

import pytest

from support.bigquery import StandIn


def _session(mode):
    @pytest.fixture(scope="session")
    def server(tmp_path_factory):
        with StandIn(tmp_path_factory.mktemp(f"google-{mode}"), auth=mode) as standin:
            yield standin
    return server


google_server = _session("none")
google_verifying_server = _session("verify")


@pytest.fixture
def google(google_server):
    google_server.reset(data=True)
    return google_server


@pytest.fixture
def google_verifying(google_verifying_server):
    google_verifying_server.reset(data=True)
    return google_verifying_server
