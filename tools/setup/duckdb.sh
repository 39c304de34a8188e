#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches DuckDB's C header and library into .deps/duckdb/, as pinned in duckdb.lock.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=npm.sh
. "$here/npm.sh"
lock=$here/duckdb.lock
deps=${BQFERRY_DEPS_DIR:-$(cd "$here/../.." && pwd)/.deps}
target=$deps/duckdb
machine=$(uname -m)

# The stamp is a copy of the lock file that was installed; it is written last.
[ -s "$target/duckdb.h" ] && [ -s "$target/libduckdb.so" ] && cmp -s "$lock" "$target/duckdb.lock" && exit 0

mkdir -p "$deps"
temp=$(mktemp -d "$deps/duckdb.XXXXXX")
trap 'rm -rf "$temp"' EXIT

fetch() {
  local file=$1 package=$2 path=$3 expected=$4
  echo "Fetching $file from the npm package $package"
  npm_fetch "$package" "$expected" "$temp"
  tar -xzOf "$tarball" "$path" >"$temp/$file"
}

while read -r for_machine file package path expected; do
  case $for_machine in any | "$machine") fetch "$file" "$package" "$path" "$expected" ;; esac
done < <(grep -v '^#' "$lock")

if [ ! -s "$temp/libduckdb.so" ]; then
  echo "warning: no libduckdb is pinned for $machine; install one yourself and name it in" \
    "BQFERRY_DUCKDB_LIBRARY" >&2
fi

cp "$lock" "$temp/duckdb.lock"
mkdir -p "$target"
for file in duckdb.h libduckdb.so duckdb.lock; do
  [ ! -e "$temp/$file" ] || mv "$temp/$file" "$target/$file"
done
echo "DuckDB is in $target"
