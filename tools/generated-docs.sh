#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# generated-docs.sh PROGRAM FOLDER: writes the pages that the program prints about itself.
set -euo pipefail

"$1" config docs >"$2/configuration.md.new"
"$1" help --markdown >"$2/cli.md.new"
mv "$2/configuration.md.new" "$2/configuration.md"
mv "$2/cli.md.new" "$2/cli.md"
