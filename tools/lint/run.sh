#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every check of the source, each whatever the others say. The last line counts them.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=build/debug
jobs=$(nproc)

# repository_files PATTERN...: tracked, and new ones that are not ignored
repository_files() {
  git ls-files -z --cached --others --exclude-standard -- "$@" | while IFS= read -r -d '' file; do
    [ ! -f "$file" ] || printf '%s\0' "$file"
  done
}

check_format() {
  local wrong
  wrong=$(repository_files '*.[ch]' | xargs -0 clang-format --dry-run 2>&1 |
    sed -n 's/:[0-9]*:[0-9]*: warning:.*//p' | sort -u)
  [ -z "$wrong" ] || { printf '%s\n' "$wrong" "(make format)"; return 1; }
}

check_layers() { python3 tools/lint/layers.py; }
check_limits() { python3 tools/lint/limits.py; }
check_banned() { python3 tools/lint/banned.py; }
check_leaks() { python3 tools/lint/leaks.py; }

check_shell() {
  { repository_files '*.sh'; repository_files .ci/run; } | xargs -0 shellcheck
}

# A header compiles alone, so the order of includes never matters.
check_headers() {
  local flags status=0
  flags=$(pkg-config --cflags libpq libmariadb jansson yaml-0.1 zlib libzstd)
  while IFS= read -r -d '' header; do
    # shellcheck disable=SC2086 # flags are words
    echo "#include \"${header#src/}\"" | cc -std=gnu17 -D_GNU_SOURCE -DBQFERRY_HAVE_DUCKDB \
      -Wall -Wextra -Werror -Isrc -isystem .deps/duckdb $flags -fsyntax-only -x c - || status=1
  done < <(repository_files 'src/*.h')
  return $status
}

build_program() { cmake --preset debug && cmake --build "$build" --target bqferry; }

check_externs() {
  build_program || return 1
  python3 tools/lint/externs.py "$build"
}

# The generated pages are what the program says about itself.
check_docs() {
  local program=${BQFERRY:-$build/bqferry} printed status=0
  [ -n "${BQFERRY:-}" ] || build_program || return 1
  printed=$(mktemp -d)
  tools/generated-docs.sh "$program" "$printed" || status=1
  for page in configuration.md cli.md; do
    diff "docs/$page" "$printed/$page" || { echo "(make docs)"; status=1; }
  done
  rm -r "$printed"
  return $status
}

# tidy ARGUMENTS...: over the files whose names come in, as many at once as there are processors
tidy() { xargs -0 -n 1 -P "$jobs" clang-tidy --quiet -p "$build" "$@"; }

check_tidy() {
  local status=0
  cmake --preset debug || return 1
  repository_files 'src/*.c' ':!src/base/error.c' |
    tidy --extra-arg-before=-include --extra-arg-before="$PWD/tools/lint/analyzer.h" || status=1
  repository_files src/base/error.c | tidy || status=1
  return $status
}

passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

[ $# -gt 0 ] || set -- format layers limits banned leaks shell headers externs docs tidy
for check; do
  if "check_$check" >"$log" 2>&1 </dev/null; then
    echo "ok   lint $check"
    passed=$((passed + 1))
  else
    grep -v 'warnings generated\.$' "$log" || true
    echo "FAIL lint $check"
    failed=$((failed + 1))
  fi
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
