#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make bench; options as bench.py has them: bench/run.sh --quick. The word mariadb first: MariaDB's; incremental: upserts.
set -euo pipefail
cd "$(dirname "$0")/.."
script=bench.py
if [ "${1:-}" = incremental ]; then
  script=bench_incremental.py
  shift
elif [ "${1:-}" = mariadb ]; then
  script=bench_mariadb.py
  shift
fi
cmake --build --preset release --target bench_sink >/dev/null
exec .deps/venv/bin/python "bench/$script" "$@"
