# SPDX-License-Identifier: Apache-2.0
"""The numbers at the end of a test run: from ctest's and from pytest's reports."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools/junit_count.py"

CTEST = ('<testsuite name="x" tests="7" failures="2" disabled="1" skipped="2">'
         '<testcase name="a" status="notrun"/></testsuite>')
PYTEST = ('<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/>'
          "</testsuites>")


@pytest.mark.parametrize("report, counts", [(CTEST, "2 3 2\n"), (PYTEST, "4 3 3\n")])
def test_counts(tmp_path, report, counts):
    (tmp_path / "r.xml").write_text(report)
    done = subprocess.run([sys.executable, TOOL, tmp_path / "r.xml"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, counts)


def test_a_report_that_was_cut_off_is_an_error(tmp_path):
    (tmp_path / "r.xml").write_text(PYTEST[:40])
    done = subprocess.run([sys.executable, TOOL, tmp_path / "r.xml"], capture_output=True, text=True)
    assert done.returncode != 0
