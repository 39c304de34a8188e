#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""banned.py [ROOT]: C functions and words that do not come into src/, tests/, bench/ or tools/."""

import sys
from pathlib import Path

from csource import code_tokens

INSTEAD = {
    "strcpy": "snprintf, or base/arena.h",
    "strcat": "base/buffer.h",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "getline",
    "atoi": "strtol with its end checked",
    "atol": "strtol with its end checked",
    "atoll": "strtoll with its end checked",
    "atof": "strtod with its end checked",
    "strtok": "base/view.h",
    "system": "posix_spawn",
    "popen": "posix_spawn",
    "alloca": "base/arena.h",
    "setjmp": "Error *error",
    "longjmp": "Error *error",
}
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def problems_of(text):
    if not text.startswith(LICENCE):
        yield 1, f"the first line is {LICENCE.strip()}"
    tokens = code_tokens(text)
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None]):
        if token.text == "goto":
            yield token.line, "goto: release by declaration instead (base/cleanup.h)"
        elif token.text in INSTEAD and after and after.text == "(" \
                and not (before and before.text in (".", ">")):
            yield token.line, f"{token.text}: use {INSTEAD[token.text]}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = sorted(p for folder in ("src", "tests", "bench", "tools") for p in (root / folder).rglob("*.[ch]"))
    problems = [f"{path}:{line}: {problem}" for path in files
                for line, problem in problems_of(path.read_text())]
    if not files:
        problems = ["no source files found"]
    print("\n".join(problems) or f"banned: {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
