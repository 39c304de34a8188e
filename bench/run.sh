#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make bench; options as bench.py has them: bench/run.sh --quick
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --build --preset release --target bench_sink >/dev/null
exec .deps/venv/bin/python bench/bench.py "$@"
