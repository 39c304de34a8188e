#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh build|demo|test: installs what is missing for a profile, and says what it installs.
# Nothing else on the machine is changed, and no package may start a server.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

case ${1:-} in
  build) profiles="build" ;;
  demo) profiles="build demo" ;;
  test) profiles="build demo test" ;;
  *) echo "usage: $0 build|demo|test" >&2; exit 2 ;;
esac

# Debian keeps administrators' programs off a user's PATH.
PATH=$PATH:/usr/sbin:/sbin

is_there() {
  local checks check
  IFS='|' read -ra checks <<<"$1"
  for check in "${checks[@]}"; do
    case $check in
      cmd:*) command -v "${check#cmd:}" >/dev/null && return ;;
      pkg:*) pkg-config --exists "${check#pkg:}" 2>/dev/null && return ;;
      file:*) compgen -G "${check#file:}" >/dev/null && return ;;
      py:*) python3 -c "import ${check#py:}" 2>/dev/null && return ;;
    esac
  done
  return 1
}

managers=(apt-get dnf apk pacman zypper)

find_manager() {
  for column in "${!managers[@]}"; do
    manager=${managers[column]}
    if command -v "$manager" >/dev/null; then return; fi
  done
  manager=
}

# Fills `missing` (checks) and `packages` (names for this machine's manager).
find_missing() {
  local profile check names name
  missing=() packages=()
  while read -r profile check names; do
    case " $profiles " in *" $profile "*) ;; *) continue ;; esac
    if is_there "$check"; then continue; fi
    missing+=("$check")
    read -ra names <<<"$names"
    name=${names[column]:--}
    [ "$name" = - ] || packages+=("$name")
  done < <(grep -v '^#' "$here/packages.txt")
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

may_install() {
  if [ -z "$manager" ]; then
    echo "error: none of ${managers[*]} is on this machine. Install by hand what answers to: ${missing[*]}" >&2
    exit 1
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "error: not root, and there is no sudo. Ask an administrator to run:" >&2
    echo "  $manager install ${packages[*]}" >&2
    exit 1
  fi
}

# --- Debian and its family -------------------------------------------------------------------

guard_files=()

remove_guards() {
  for file in "${guard_files[@]}"; do as_root rm -f "$file"; done
}

# put_guard FILE MODE TEXT: for the time of the installation only, and never over a file that is there
put_guard() {
  if [ -e "$1" ]; then
    echo "  left as it is: $1"
    return
  fi
  echo "  for the time of the installation: $1"
  guard_files+=("$1")
  as_root mkdir -p "$(dirname "$1")"
  printf '%s\n' "$3" | as_root tee "$1" >/dev/null
  as_root chmod "$2" "$1"
}

clang_major() {
  apt-cache show clang 2>/dev/null | sed -n 's/^Version: [0-9]*:\([0-9]*\).*/\1/p' | head -n 1
}

install_with_apt() {
  as_root apt-get update -q
  local clang
  clang=$(clang_major)
  packages=("${packages[@]//\{clang\}/$clang}")
  trap remove_guards EXIT
  put_guard /usr/sbin/policy-rc.d 755 $'#!/bin/sh\n# no package may start a server\nexit 101'
  put_guard /etc/postgresql-common/createcluster.d/bqferry-setup.conf 644 'create_main_cluster = false'
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    "${packages[@]}"
  # Debian also starts a new pgbouncer, and a new MariaDB, at the next boot
  case " ${packages[*]} " in *" pgbouncer "*) as_root update-rc.d pgbouncer disable ;; esac
  case " ${packages[*]} " in *" mariadb-server "*) as_root update-rc.d mariadb disable ;; esac
}

install_packages() {
  echo "Installing with $manager: ${packages[*]}"
  case $manager in
    apt-get) install_with_apt ;;
    dnf) as_root dnf install -y "${packages[@]}" ;;
    apk) as_root apk add "${packages[@]}" ;;
    pacman) as_root pacman -S --needed --noconfirm "${packages[@]}" ;;
    zypper) as_root zypper --non-interactive install --no-recommends "${packages[@]}" ;;
  esac </dev/null
}

find_manager
find_missing
if [ ${#missing[@]} -gt 0 ]; then
  may_install
  if [ "$manager" != apt-get ]; then
    echo "note: package names for $manager are untested (Debian 12 is what is tested)" >&2
  fi
  if [ ${#packages[@]} -gt 0 ]; then install_packages; fi
  find_missing
  if [ ${#missing[@]} -gt 0 ]; then
    echo "error: still missing: ${missing[*]}. Install them by hand and run this again." >&2
    exit 1
  fi
fi

"$here/duckdb.sh"
case " $profiles " in
  *" test "*)
    "$here/python.sh"
    "$here/postgres.sh" 12 18
    "$here/fake-gcs.sh"
    ;;
esac
echo "Set up for: ${profiles// /, } ($root)"
