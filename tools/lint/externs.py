#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""externs.py BUILD: functions and data of src/ that are extern, and that no other file of src/ uses.

Reads the object files of a build of the program. What only tests use is dead code with a test;
exceptions, each with its reason, are in externs-allow.txt.
"""

import subprocess
import sys
from pathlib import Path

ALLOWED = Path(__file__).with_name("externs-allow.txt")


def read_allowed():
    lines = [line.split(maxsplit=1) for line in ALLOWED.read_text().splitlines()
             if line.strip() and not line.startswith("#")]
    return {name: reason for name, reason in lines}


def symbols(path):
    """(defined, used) names of one object file"""
    out = subprocess.run(["nm", "--extern-only", path], check=True, capture_output=True, text=True)
    defined, used = set(), set()
    for line in out.stdout.splitlines():
        kind, name = line.split()[-2:]
        (used if kind in "Uw" else defined).add(name)
    return defined, used


def main():
    build = Path(sys.argv[1])
    objects = sorted(build.glob("CMakeFiles/bqferry*.dir/src/**/*.o"))
    table = {path: symbols(path) for path in objects}
    used = set().union(*(uses for _, uses in table.values())) if table else set()
    allowed = read_allowed()
    unused = {name: path for path, (defined, _) in table.items() for name in defined - used - {"main"}
              if not name.startswith("__")}
    problems = [f"{path.relative_to(build).as_posix().split('.dir/')[1].removesuffix('.o')}: {name}"
                " is used by no other file: make it static, or remove it"
                for name, path in sorted(unused.items()) if name not in allowed]
    problems += [f"externs-allow.txt: {name} is not needed any more" for name in allowed
                 if name not in unused]
    if not objects:
        problems = [f"no object files in {build}"]
    print("\n".join(problems) or f"externs: {len(objects)} object files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
