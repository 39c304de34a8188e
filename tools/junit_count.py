#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""junit_count.py FILE: prints "passed failed skipped" of a JUnit report (ctest's or pytest's)."""

import sys
from xml.etree import ElementTree


def count(root):
    suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
    total = {name: sum(int(suite.get(name) or 0) for suite in suites)
             for name in ("tests", "failures", "errors", "skipped", "disabled")}
    not_run = len(root.findall(".//testcase[@status='notrun']"))  # ctest's word for a missing program
    failed = total["failures"] + total["errors"] + not_run
    skipped = total["skipped"] + total["disabled"] - not_run
    return total["tests"] - failed - skipped, failed, skipped


if __name__ == "__main__":
    print(*count(ElementTree.parse(sys.argv[1]).getroot()))
