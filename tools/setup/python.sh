#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the tests' Python environment in .deps/venv, as pinned in tests/requirements.lock.
# With --lock: pins the newest versions that tests/requirements.txt allows.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
deps=${BQFERRY_DEPS_DIR:-$root/.deps}
venv=$deps/venv
lock=$root/tests/requirements.lock
requirements=(-r "$lock")

if [ "${1:-}" = --lock ]; then
  requirements=(-r "$root/tests/requirements.txt")
elif cmp -s "$lock" "$venv/requirements.lock" && "$venv/bin/python" -c '' 2>/dev/null; then
  exit 0
fi

echo "Python packages of $(basename "${requirements[1]}") into $venv"
mkdir -p "$deps"
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "${requirements[@]}"

if [ "${1:-}" = --lock ]; then
  {
    echo "# Written by tools/setup/python.sh --lock from requirements.txt; do not edit."
    "$venv/bin/python" -m pip freeze --disable-pip-version-check
  } >"$lock"
fi
cp "$lock" "$venv/requirements.lock"
