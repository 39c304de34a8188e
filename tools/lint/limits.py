#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""limits.py [ROOT]: the house limits over src/, tests/, bench/ and tools/, exceptions in limits-allow.txt."""

import sys
from pathlib import Path

from csource import comment_lines, functions

FUNCTION_LINES, COMPLEXITY, PARAMETERS, NESTING = 80, 15, 6, 4
FILE_LINES = {".c": 800, ".h": 250}
COMMENT_PERCENT = {".c": 15, ".h": 50}  # a header is the manual of its module
COMMENT_FROM_LINES = 40  # of shorter files a share says nothing


def read_allowed(path):
    """Lines 'FILE[:FUNCTION] LIMIT REASON…' -> {(place, limit): reason}"""
    allowed = {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        if line.strip() and not line.startswith("#"):
            place, limit, reason = line.split(maxsplit=2)
            allowed[place, limit] = reason
    return allowed


def measure_file(path, text):
    suffix, lines = path.suffix, text.count("\n")
    yield str(path), "lines", lines, FILE_LINES[suffix]
    if lines >= COMMENT_FROM_LINES:
        yield str(path), "comments", comment_lines(text) * 100 // lines, COMMENT_PERCENT[suffix]


def measure_function(path, function):
    place = f"{path}:{function.name}"
    yield place, "length", function.length, FUNCTION_LINES
    yield place, "complexity", function.complexity, COMPLEXITY
    yield place, "parameters", function.parameters, PARAMETERS
    yield place, "nesting", function.nesting, NESTING


def measure(path):
    text = path.read_text()
    yield from measure_file(path, text)
    for function in functions(text):
        yield from measure_function(path, function)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = sorted(p for folder in ("src", "tests", "bench", "tools") for p in (root / folder).rglob("*.[ch]"))
    if not files:
        print("limits: no source files found")
        return 1
    allowed = read_allowed(root / "tools/lint/limits-allow.txt")
    used, problems = set(), []
    for path in files:
        for place, limit, value, most in measure(path):
            key = place.removeprefix(f"{root}/"), limit
            if value <= most:
                continue
            used.add(key)
            if key not in allowed:
                problems.append(f"{place}: {limit} {value}, at most {most}")
    problems += [f"limits-allow.txt: {place} {limit} is not needed any more"
                 for place, limit in sorted(set(allowed) - used)]
    print("\n".join(problems) or f"limits: {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
