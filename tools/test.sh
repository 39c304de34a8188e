#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds everything and runs every test, each runner whatever the others say (--lint: the checks of
# the source too). The last line sums them up. Wants tools/setup/setup.sh test to have run.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

fuzz_seconds=${FUZZ_SECONDS:-5}
jobs=$(nproc)
results=$root/build/results
rm -rf "$results"
mkdir -p "$results"

passed=0 failed=0 skipped=0

# add RUNNER PASSED FAILED SKIPPED STATUS: a runner that ran nothing, or failed and named no test, failed
add() {
  local runner=$1 fails=$3
  if [ $(($2 + $3 + $4)) = 0 ] || { [ "$5" != 0 ] && [ "$fails" = 0 ]; }; then
    echo "error: $runner ended with status $5 after $2 passed, $3 failed tests" >&2
    fails=$((fails + 1))
  fi
  passed=$((passed + $2)) failed=$((failed + fails)) skipped=$((skipped + $4))
  echo "-- $runner: $2 passed, $fails failed, $4 skipped"
}

# add_junit RUNNER STATUS
add_junit() {
  local counts
  counts=$(python3 tools/junit_count.py "$results/$1.xml" 2>/dev/null) || counts="0 0 0"
  # shellcheck disable=SC2086 # three words
  add "$1" $counts "$2"
}

# build NAME CMAKE_ARGUMENTS...: configures and builds, quietly when it goes well
build() {
  local name=$1
  shift
  echo "Building $name"
  if cmake "$@" >"$results/build-$name.log" 2>&1 &&
    cmake --build "build/$name" -- -k 0 >>"$results/build-$name.log" 2>&1; then
    return 0
  fi
  cat "$results/build-$name.log"
  return 1
}

run_builds() {
  local good=0 bad=0
  for preset in debug thread release fuzz; do
    if build $preset --preset $preset; then good=$((good + 1)); else bad=$((bad + 1)); fi
  done
  if build without-duckdb --preset debug -B build/without-duckdb -DBQFERRY_DUCKDB=OFF \
    -DBQFERRY_SANITIZE= -DBUILD_TESTING=OFF; then
    good=$((good + 1))
  else
    bad=$((bad + 1))
  fi
  add builds $good $bad 0 0
}

run_lint() {
  local status=0 counts
  tools/lint/run.sh | tee "$results/lint.log" || status=$?
  counts=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$results/lint.log")
  # shellcheck disable=SC2086 # two words
  add lint ${counts:-0 0} 0 $status
}

# run_ctest PRESET
run_ctest() {
  local status=0
  ctest --preset "$1" -j "$jobs" --output-junit "$results/ctest-$1.xml" || status=$?
  add_junit "ctest-$1" $status
}

# A few seconds of new inputs for one target; its corpus has run in ctest.
fuzz() {
  local name=$1 options=()
  [ ! -f "tests/fuzz/$name.dict" ] || options=(-dict="tests/fuzz/$name.dict")
  mkdir -p "build/fuzz/found/$name"
  "build/fuzz/tests/fuzz/fuzz_$name" "${options[@]}" -max_total_time="$fuzz_seconds" -timeout=10 -verbosity=0 \
    -rss_limit_mb=2048 -artifact_prefix="$results/fuzz-$name-" \
    "build/fuzz/found/$name" "tests/fuzz/corpus/$name"
}

run_fuzz() {
  local good=0 bad=0 source name
  for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    echo "Fuzzing $name for $fuzz_seconds s"
    if fuzz "$name" >"$results/fuzz-$name.log" 2>&1; then
      good=$((good + 1))
    else
      bad=$((bad + 1))
      tail -n 60 "$results/fuzz-$name.log"
    fi
  done
  add fuzz $good $bad 0 0
}

# A file of tests at a time on each core, each with servers of its own.
run_pytest() {
  local status=0
  BQFERRY=$root/build/debug/bqferry BQFERRY_RELEASE=$root/build/release/bqferry \
    .deps/venv/bin/python -m pytest tests/e2e tests/tools -q --timeout=900 \
    -n "$jobs" --dist loadfile --junitxml="$results/pytest.xml" </dev/null || status=$?
  add_junit pytest $status
}

# The stand-in for BigQuery against Google's own clients; a run of its own, for its conftest.
run_standin() {
  local status=0
  .deps/venv/bin/python -m pytest tests/standin/tests -q --timeout=900 --junitxml="$results/standin.xml" </dev/null ||
    status=$?
  add_junit standin $status
}

run_builds
[ "${1:-}" != --lint ] || run_lint
run_ctest debug
run_ctest thread
run_fuzz
run_pytest
run_standin

skips=
[ "$skipped" = 0 ] || skips=", $skipped skipped"
echo "$passed passed, $failed failed$skips"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
