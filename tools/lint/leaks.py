#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""leaks.py [ROOT]: what belongs to one machine or to unfinished work stays out of the repository."""

import re
import subprocess
import sys
from pathlib import Path

PATTERNS = {
    "a path of somebody's machine": re.compile(r"(?<![\w.$}~-])/(?:work|root|Users)/|bash_[j]obs"),
    "the address of a package registry": re.compile(
        r"https?://[^\s/\"']*(?:registry|npmjs|pypi|pythonhosted|golang|crates|mirror|artifactory"
        r"|nexus|deb\.debian|snapshot\.debian)", re.I),
    "unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b"),
}


def repository_files(root):
    """Tracked files, and new ones that are not ignored."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted({root / name for name in names.split("\0") if name})


def problems_of(path):
    try:
        text = path.read_text()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return  # a binary test input, or deleted and not yet committed
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in PATTERNS.items():
            if pattern.search(line):
                yield f"{path}:{number}: {what}: {line.strip()[:100]}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = repository_files(root)
    problems = [problem for path in files for problem in problems_of(path)]
    if not files:
        problems = ["no files in the repository"]
    print("\n".join(problems) or f"leaks: {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
