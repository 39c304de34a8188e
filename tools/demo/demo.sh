#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh [--keep]: a PostgreSQL of its own with a sample shop, and where MariaDB is installed one of its
# own with a sample blog, one run of bqferry into a DuckDB file, and a look at what arrived. Everything
# but the result is removed; --keep leaves the servers until Enter.
# BQFERRY_BIN names another bqferry, PG_BIN another PostgreSQL, BQFERRY_DEMO_DIR another place.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bqferry=${BQFERRY_BIN:-$root/build/release/bqferry}
result=${BQFERRY_DEMO_DIR:-$root/build/demo}
deps=${BQFERRY_DEPS_DIR:-$root/.deps}
keep=${1:-}

fail() {
  echo "demo: $*" >&2
  exit 1
}

find_postgres() {
  local found
  if [ -n "${PG_BIN:-}" ]; then
    echo "$PG_BIN"
  elif found=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) && [ -n "$found" ]; then
    dirname "$found"
  elif found=$(command -v initdb); then
    dirname "$found"
  fi
}

# PostgreSQL does not run as root.
server_user() {
  [ "$(id -u)" = 0 ] || { id -un; return; }
  local name
  for name in postgres nobody; do
    if id "$name" >/dev/null 2>&1; then echo "$name"; return; fi
  done
  fail "root cannot run PostgreSQL, and there is no user postgres or nobody to do it"
}

as_server() {
  "${switch_user[@]}" "$@"
}

[ -x "$bqferry" ] || fail "$bqferry is not there; build it with: make"
[ -s "$deps/duckdb/libduckdb.so" ] || fail "$deps/duckdb/libduckdb.so is not there; run: make setup-demo"
pg=$(find_postgres)
[ -n "$pg" ] || fail "no PostgreSQL server programs found; run: make setup-demo"
psql=$pg/psql
[ -x "$psql" ] || psql=$(command -v psql) || fail "no psql found; run: make setup-demo"
server_user=$(server_user)
switch_user=()
[ "$(id -u)" != 0 ] || switch_user=(runuser -u "$server_user" --)
PATH=$PATH:/usr/sbin # where Debian keeps mariadbd
mariadb=
if command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null && command -v mariadb >/dev/null; then
  mariadb=yes
fi
mariadb_job=

# The server ----------------------------------------------------------------------------------------

temp=$(mktemp -d /tmp/bqferry-demo.XXXXXX)
chmod 755 "$temp"

# shellcheck disable=SC2329 # the trap calls it
clean_up() {
  local status=$?
  trap - EXIT INT TERM
  if [ -s "$temp/data/postmaster.pid" ]; then
    as_server "$pg/pg_ctl" -D "$temp/data" -m immediate -w stop >/dev/null 2>&1 || true
  fi
  if [ -n "$mariadb_job" ]; then
    kill "$mariadb_job" 2>/dev/null || true
    wait "$mariadb_job" 2>/dev/null || true
  fi
  rm -rf "$temp"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$temp/data"
[ "$(id -u)" != 0 ] || chown "$server_user" "$temp/data"
echo "Making a PostgreSQL in $temp (user $server_user, programs of $pg)"
# from a folder that everybody may enter
cd "$temp"
as_server "$pg/initdb" -D "$temp/data" -U shop -A trust -E UTF8 --locale=C --no-sync >/dev/null

start_server() {
  port=$((20000 + RANDOM % 30000))
  as_server "$pg/pg_ctl" -D "$temp/data" -l "$temp/data/server.log" -w start -o "-p $port -F \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c log_min_messages=fatal" >/dev/null 2>&1
}
tries=0
until start_server; do
  tries=$((tries + 1))
  [ $tries -lt 5 ] || { cat "$temp/data/server.log" >&2; fail "PostgreSQL does not start"; }
done

echo "Filling the shop (port $port)"
"$psql" -X -q -d "postgresql://shop@127.0.0.1:$port/postgres" -c "CREATE DATABASE shop"
export SHOP_URL=postgresql://shop@127.0.0.1:$port/shop
"$psql" -X -q -d "$SHOP_URL" -f "$root/tools/demo/shop.sql"

# MariaDB's, which listens on a socket only
start_mariadb() {
  mkdir "$temp/blog" "$temp/tmp"
  [ "$(id -u)" != 0 ] || chown "$server_user" "$temp" "$temp/blog" "$temp/tmp"
  # its own --tmpdir: a server that starts removes what others have under way in a folder that they share
  echo "Making a MariaDB in $temp/blog"
  as_server mariadb-install-db --no-defaults --datadir="$temp/blog" --tmpdir="$temp/tmp" --skip-test-db \
    --auth-root-authentication-method=normal >/dev/null
  # not by as_server, so that the job is the server itself, or the runuser that passes signals on
  "${switch_user[@]}" mariadbd --no-defaults --datadir="$temp/blog" --socket="$temp/mariadb.sock" \
    --pid-file="$temp/mariadb.pid" --skip-networking --log-bin="$temp/blog/binlog" --server-id=1 --tmpdir="$temp/tmp" \
    >"$temp/mariadb.log" 2>&1 </dev/null &
  mariadb_job=$!
  local tries=0
  until mariadb --no-defaults -S "$temp/mariadb.sock" -u root -e 'SELECT 1' >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { cat "$temp/mariadb.log" >&2; fail "MariaDB does not start"; }
    sleep 0.1
  done
  mariadb --no-defaults -S "$temp/mariadb.sock" -u root <"$root/tools/demo/blog.sql"
  BLOG_URL=mariadb://root@${temp//\//%2F}%2Fmariadb.sock/blog
  export BLOG_URL
}
if [ -n "$mariadb" ]; then start_mariadb; fi

# The run -------------------------------------------------------------------------------------------

mkdir -p "$result"
rm -rf "$result/warehouse.duckdb" "$result/warehouse.duckdb.wal" "$result/.bqferry" "$result/report.json"
cat >"$result/bqferry.yaml" <<'YAML'
# The demo's configuration. SHOP_URL is in the environment: postgresql://user@host:port/database
version: 1
connections:
  shop: { type: postgresql, url: "${SHOP_URL}" }
destination: { type: duckdb, path: warehouse.duckdb }
parallel: 2
jobs:
  - name: shop                       # one job a table: shop.customers, shop.orders, …
    source: { connection: shop, table: "public.*" }
    load: replace
  - name: best
    source: { connection: shop, table: public.best_customers }
    load: replace
YAML
if [ -n "$mariadb" ]; then
  # shellcheck disable=SC2016 # the variable is for bqferry
  sed -i 's|^  shop: .*|&\n  blog: { type: mariadb, url: "${BLOG_URL}" }|' "$result/bqferry.yaml"
  cat >>"$result/bqferry.yaml" <<'YAML'
  - name: visits                     # from MariaDB
    source: { connection: blog, table: visits }
    load: replace
YAML
fi
echo
echo "\$ bqferry run --config $result/bqferry.yaml"
"$bqferry" run --config "$result/bqferry.yaml" --report "$result/report.json"

# What arrived, read by DuckDB itself ----------------------------------------------------------------

cc -O1 -o "$temp/show" "$root/tools/demo/show.c" -isystem "$deps/duckdb" \
  "$deps/duckdb/libduckdb.so" -Wl,-rpath,"$deps/duckdb"
show() {
  echo
  echo "$1"
  "$temp/show" "$result/warehouse.duckdb" "$2"
}
visits=
if [ -n "$mariadb" ]; then visits="UNION ALL SELECT 'visits (from MariaDB)', count(*) FROM visits"; fi
show "Rows in $result/warehouse.duckdb:" \
  "SELECT 'customers' AS \"table\", count(*) AS rows FROM customers
   UNION ALL SELECT 'products', count(*) FROM products UNION ALL SELECT 'orders', count(*) FROM orders
   UNION ALL SELECT 'events', count(*) FROM events UNION ALL SELECT 'best_customers', count(*) FROM best_customers
   $visits ORDER BY 2 DESC"
show "Some orders (an enum, a list of structs, a decimal, an instant):" \
  "SELECT id, status, lines, total, ordered_at FROM orders ORDER BY id LIMIT 3"
show "Some events (JSON stays JSON):" \
  "SELECT kind, payload->>'page' AS page, count(*) AS events, round(avg((payload->>'ms')::INT), 1) AS ms
   FROM events GROUP BY ALL ORDER BY events DESC, page LIMIT 3"
if [ -n "$mariadb" ]; then
  show "Some visits, from MariaDB (a tinyint(1), an unsigned bigint, a time):" \
    "SELECT id, page, came_back, visitor, stayed FROM visits ORDER BY id LIMIT 3"
fi

# The same question to both sides.
question="SELECT round(sum(total), 2) FROM orders"
there=$("$psql" -X -A -t -d "$SHOP_URL" -c "$question")
here=$("$temp/show" "$result/warehouse.duckdb" "$question" | tail -n 1 | tr -d ' ')
echo
echo "$question: $there in PostgreSQL, $here in the warehouse"
[ "$there" = "$here" ] || fail "the sums differ"
if [ -n "$mariadb" ]; then
  question="SELECT sum(visitor) FROM visits"
  there=$(mariadb --no-defaults -N -S "$temp/mariadb.sock" -u root blog -e "$question")
  here=$("$temp/show" "$result/warehouse.duckdb" "$question" | tail -n 1 | tr -d ' ')
  echo "$question: $there in MariaDB, $here in the warehouse"
  [ "$there" = "$here" ] || fail "the sums differ"
fi

if [ "$keep" = --keep ]; then
  echo
  echo "The servers stay until you press Enter: SHOP_URL=$SHOP_URL${BLOG_URL:+ BLOG_URL=$BLOG_URL}"
  read -r _ || true
fi

cat <<NEXT

What to type next
  look at it       python3 -m venv /tmp/duck && /tmp/duck/bin/pip install duckdb, then
                   /tmp/duck/bin/python -c "import duckdb; duckdb.connect('$result/warehouse.duckdb').sql('FROM orders').show()"
  read the job     less $result/bqferry.yaml
  your own table   $bqferry copy postgresql://USER@HOST/DATABASE public.TABLE duckdb:warehouse.duckdb
  your own jobs    $bqferry init, then $bqferry check, plan and run
  play with this   $root/tools/demo/demo.sh --keep     (the shop's server stays until you press Enter)
NEXT
