#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""externs.py BUILD [ROOT]: extern names of src/ that no other file of src/ uses.

Reads the object files of a build of the program. A name that its own file needs may be extern for a
test that uses it; what only tests use is dead code. Exceptions, each with its reason, are in
externs-allow.txt.
"""

import re
import subprocess
import sys
from pathlib import Path


def read_allowed(path):
    text = path.read_text() if path.is_file() else ""
    lines = [line.split(maxsplit=1) for line in text.splitlines()
             if line.strip() and not line.startswith("#")]
    return {name: reason for name, reason in lines}


def symbols(path):
    """(defined, used) names of one object file"""
    out = subprocess.run(["nm", "--extern-only", path], check=True, capture_output=True, text=True)
    defined, used = set(), set()
    for line in out.stdout.splitlines():
        kind, name = line.split()[-2:]
        (used if kind in "Uw" else defined).add(name)
    return {name for name in defined if not name.startswith("__")}, used


def words(path):
    return re.findall(r"\w+", path.read_text()) if path.is_file() else []


def problem_of(name, source, tested):
    if words(source).count(name) < 2:
        return f"{source}: {name} is used nowhere in src/: remove it"
    if name not in tested:
        return f"{source}: {name} is used by no other file and by no test: make it static"
    return None


def main():
    build, root = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ".")
    objects = sorted(build.glob("CMakeFiles/bqferry*.dir/src/**/*.o"))
    table = {path: symbols(path) for path in objects}
    used = {"main"}.union(*(uses for _, uses in table.values()))
    tested = {word for path in (root / "tests").rglob("*.[ch]") for word in words(path)}
    problems = {}
    for path, (defined, _) in table.items():
        source = root / path.as_posix().split(".dir/")[1].removesuffix(".o")
        for name in defined - used:
            problems[name] = problem_of(name, source, tested)
    problems = {name: problem for name, problem in problems.items() if problem}
    allowed = read_allowed(root / "tools/lint/externs-allow.txt")
    lines = sorted(problem for name, problem in problems.items() if name not in allowed)
    lines += [f"externs-allow.txt: {name} is not needed any more" for name in allowed
              if name not in problems]
    if not objects:
        lines = [f"no object files in {build}"]
    print("\n".join(lines) or f"externs: {len(objects)} object files")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
