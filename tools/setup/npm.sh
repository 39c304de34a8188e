# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced. npm_fetch PACKAGE INTEGRITY FOLDER: brings a package's tarball into FOLDER, sets `tarball`,
# and ends the script when the tarball is not the pinned one. Leaves nothing in npm's own cache.

npm_integrity() {
  node -e 'const crypto = require("crypto"), fs = require("fs");
    console.log("sha512-" + crypto.createHash("sha512").update(fs.readFileSync(process.argv[1])).digest("base64"))' "$1"
}

npm_fetch() {
  local package=$1 expected=$2 folder=$3 got
  tarball=$folder/$(npm pack "$package" --ignore-scripts --silent --pack-destination "$folder" \
    --cache "$folder/cache" </dev/null | tail -n 1)
  got=$(npm_integrity "$tarball")
  if [ "$got" != "$expected" ]; then
    echo "error: $package has integrity $got, but $expected is pinned (tools/setup/*.lock)" >&2
    exit 1
  fi
}
