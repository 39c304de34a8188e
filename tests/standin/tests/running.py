# SPDX-License-Identifier: Apache-2.0
"""What the tests of tokens, faults and objects share: a stand-in for a module, and plain HTTP."""

import os
import sys
from pathlib import Path

import pytest
import requests

for above in (1, 2):  # tests/standin/ for the package, tests/ for `support`
    sys.path.insert(0, str(Path(__file__).resolve().parents[above]))

import support.bigquery  # noqa: E402
from support.bigquery import StandIn  # noqa: E402

if os.environ.get("STANDIN_SERVE"):  # another way to start it
    support.bigquery.SERVE = Path(os.environ["STANDIN_SERVE"])


def module_fixture(**options):
    """A fixture `google`: one stand-in for the module, empty before each test."""
    @pytest.fixture(scope="module")
    def started(tmp_path_factory):
        with StandIn(tmp_path_factory.mktemp("standin"), **options) as standin:
            yield standin

    @pytest.fixture
    def google(started):
        started.reset(data=True)
        return started

    return started, google


class Plain:
    """Requests without a client library: its answers are never retried nor interpreted."""

    def __init__(self, base):
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method, path, token=None, **options):
        headers = dict(options.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.session.request(
            method, self.base + path, headers=headers, timeout=30, allow_redirects=False, **options
        )


def error_of(response):
    """(HTTP status, errors[0].reason, message)"""
    error = response.json()["error"]
    return response.status_code, error["errors"][0]["reason"], error["message"]
