#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The large settings of the end-to-end tests: hundreds of kills, 50 million rows, rows near the limits.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset debug >/dev/null
cmake --build --preset debug --target bqferry
BQFERRY_SOAK=1 BQFERRY=$PWD/build/debug/bqferry BQFERRY_RELEASE=$PWD/build/release/bqferry \
  .deps/venv/bin/python -m pytest tests/e2e -v --timeout=7200 "$@" </dev/null
