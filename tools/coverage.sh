#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests counted by gcov: 85 % of all lines, and 100 % where the code is pure.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/coverage
cmake --preset coverage >/dev/null
cmake --build --preset coverage
find "$build" -name '*.gcda' -delete

ctest --preset coverage -j "$(nproc)"
BQFERRY=$PWD/$build/bqferry .deps/venv/bin/python -m pytest tests/e2e -q --timeout=900 </dev/null

report() { gcovr --root . --object-directory "$build" --gcov-ignore-parse-errors "$@"; }
mkdir -p "$build/report"
report --filter src/ --html-details "$build/report/index.html" --print-summary --fail-under-line 85
for folder in base model schema encode; do
  echo "== $folder"
  report --filter "src/$folder/" --fail-under-line 100
done
