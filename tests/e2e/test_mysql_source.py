# SPDX-License-Identifier: Apache-2.0
"""MySQL and MariaDB as sources: one moment for all readers, ranges of every kind of key, ways to
connect, commands."""

import hashlib
import json
import os
import signal
import threading
import time

import pymysql
import pytest

from support import readers
from support.processes import wait_until
from support.program import Program
from support.targets import make_target

NO_PLUGIN = 1126  # ER_CANT_OPEN_LIBRARY


@pytest.fixture
def sql_job(sql_db, bqferry):
    """sql_job(target, source, **keys) writes a configuration with one job, `main`."""
    def write(target, source, /, url=None, connection=None, **keys):
        source = {"connection": "db", **({"table": source} if isinstance(source, str) else source)}
        return bqferry.write_config({
            "version": 1,
            "connections": {"db": connection or {"url": url or sql_db.url()}},
            "destination": target.config,
            "defaults": {"load": "append", "retries": {"budget": "0s"}},
            "jobs": [{"name": "main", "source": source, **keys}]})
    return write


def fill(db, table, rows, column="id bigint PRIMARY KEY", value="n", pad=200):
    """`rows` rows whose key is the expression `value` of n = 1, 2, …"""
    digits = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4" \
             " UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8" \
             " UNION ALL SELECT 9)"
    numbers = f"SELECT a.d + 10*b.d + 100*c.d + 1000*e.d + 10000*f.d + 1 AS n FROM {digits} a," \
              f" {digits} b, {digits} c, {digits} e, {digits} f"
    db.execute(f"CREATE TABLE {table} ({column}, pad varchar(250))",
               f"INSERT INTO {table} SELECT {value}, repeat('x', {pad}) FROM ({numbers}) s"
               f" WHERE n <= {rows}", f"ANALYZE TABLE {table}")


# One moment ---------------------------------------------------------------------------------------

class Movers:
    """Sessions that move amounts between rows of two tables, and rows between keys, without end."""

    def __init__(self, db, count=3):
        self.stopped = threading.Event()
        self.moves = 0
        self.threads = [threading.Thread(target=self._move, args=(db, number), daemon=True)
                        for number in range(count)]
        for thread in self.threads:
            thread.start()

    def _move(self, db, number):
        with db.connect() as connection, connection.cursor() as cursor:
            turn = number
            while not self.stopped.is_set():
                turn = (turn * 7919 + 13) % 20000
                try:
                    self._move_once(cursor, turn)
                except pymysql.err.OperationalError:  # a deadlock: the transaction is over
                    cursor.execute("ROLLBACK")

    def _move_once(self, cursor, turn):
        cursor.execute("BEGIN")
        cursor.execute(f"UPDATE accounts SET amount = amount - 1 WHERE id = {turn + 1}")
        cursor.execute(f"UPDATE accounts SET amount = amount + 1 WHERE id = {20000 - turn}")
        cursor.execute("UPDATE moving SET id = id + 1000000 * IF(id < 1000000, 1, -1)"
                       f" WHERE id IN ({turn + 1}, {turn + 1000001})")
        cursor.execute("COMMIT")
        self.moves += 1

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def moving_db(sql_db):
    fill(sql_db, "accounts", 20_000, "id int PRIMARY KEY, amount int NOT NULL", "n, 100")
    fill(sql_db, "moving", 20_000, "id int PRIMARY KEY")
    movers = Movers(sql_db)
    wait_until(lambda: movers.moves > 50, "the sessions to move")
    yield sql_db
    movers.stop()


def snapshot_method(result):
    return [note for note in result.job()["notes"] if "readers see one moment" in note]


@pytest.mark.parametrize("turn", range(3))
def test_readers_see_one_moment_while_rows_move(moving_db, sql_job, bqferry, tmp_path, turn):
    target = make_target("avro", tmp_path)
    sql_job(target, f"{moving_db.name}.*", workers=3)
    result = bqferry.ok("run")
    jobs = {job["job"]: job for job in result.report["jobs"]}
    assert all(job["workers"] > 1 and job["shards"] > 1 for job in jobs.values()), jobs
    accounts, moving = target.dicts("accounts"), target.dicts("moving")
    assert sum(row["amount"] for row in accounts) == 20_000 * 100
    assert sorted(row["id"] % 1_000_000 for row in moving) == list(range(1, 20_001))
    methods = {note for job in jobs.values() for note in job["notes"] if "see one moment" in note}
    assert len(methods) == 1, methods


def test_without_a_binary_log_writes_are_held_back_for_a_moment(own_sql, bqferry, tmp_path):
    server = own_sql(settings={"skip-log-bin": "1"})
    database = server.new_database()
    fill(database, "items", 20_000)
    for user, workers, note in (("ferry", 2, "FLUSH TABLES WITH READ LOCK"),
                                ("plain", 1, "one reader only")):
        target = make_target("duckdb", tmp_path / user)
        target.path.parent.mkdir()
        bqferry.write_config({
            "version": 1, "connections": {"db": {"url": database.url(user=user)}},
            "destination": target.config,
            "jobs": [{"name": "main", "source": {"connection": "db", "table": "items"},
                      "load": "append", "workers": 2}]})
        result = bqferry.ok("run")
        job = result.job()
        assert job["workers"] == workers and any(note in text for text in job["notes"]), job
        assert len(target.rows("items", "id")) == 20_000
    # nothing is left locked
    database.execute("INSERT INTO items VALUES (0, 'after')")


def test_a_long_statement_does_not_hold_the_lock_up_for_long(own_sql, bqferry, tmp_path):
    """FLUSH TABLES WITH READ LOCK gives up, so that writers do not queue behind it."""
    server = own_sql(settings={"skip-log-bin": "1"})
    database = server.new_database()
    fill(database, "items", 20_000)
    blocker = database.connect()
    with blocker.cursor() as cursor:
        cursor.execute("LOCK TABLES items WRITE")
    target = make_target("duckdb", tmp_path)
    bqferry.write_config({
        "version": 1, "connections": {"db": {"url": database.url()}},
        "destination": target.config,
        "jobs": [{"name": "main", "source": {"connection": "db", "query": "SELECT 1 AS one"},
                  "load": "append", "workers": 2, "target": "one"}]})
    result = bqferry.ok("run", timeout=120)
    blocker.close()
    assert any("one reader only" in note and "long statements" in note
               for note in result.job()["notes"]), result.job()["notes"]


def test_tables_without_snapshots_are_read_by_one_worker(sql_db, sql_job, bqferry, tmp_path):
    sql_db.execute("CREATE TABLE old (id int PRIMARY KEY, pad char(200)) ENGINE=MyISAM",
                   "INSERT INTO old VALUES (1, 'a'), (2, 'b')")
    target = make_target("duckdb", tmp_path)
    sql_job(target, "old", workers=2)
    result = bqferry.ok("run")
    assert any("knows no snapshots" in note for note in result.job()["notes"])
    assert target.rows("old") == [(1, "a"), (2, "b")]


# Ranges -------------------------------------------------------------------------------------------

KEYS = {
    "int": ("id int PRIMARY KEY", "n"),
    "gaps": ("id bigint PRIMARY KEY", "IF(n <= 15000, n, 4611686018427387904 + n)"),
    "negative": ("id bigint PRIMARY KEY", "n - 12000"),
    "unsigned": ("id bigint unsigned PRIMARY KEY", "18446744073709551615 - n"),
    "unique": ("id int NOT NULL, UNIQUE KEY other (id)", "n"),
    "composite": ("a int, id int, PRIMARY KEY (a, id)", "n DIV 7, n"),
    "date": ("id date PRIMARY KEY", "'1990-01-01' + INTERVAL n DAY"),
    "datetime": ("id datetime(6) PRIMARY KEY", "'2024-01-01' + INTERVAL n * 777777 MICROSECOND"),
    "timestamp": ("id timestamp(3) NOT NULL PRIMARY KEY", "'2024-01-01' + INTERVAL n HOUR"),
    "uuid_text": ("id char(36) PRIMARY KEY", "insert(insert(left(sha2(n, 256), 32), 9, 0, '-'), 14, 0, '-')"),
    "words": ("id varchar(40) PRIMARY KEY", "concat('order-', lpad(n, 8, '0'))"),
    "nocase": ("id varchar(40) COLLATE utf8mb4_unicode_ci PRIMARY KEY", "concat(char(97 + n % 26), n)"),
    "latin": ("id varchar(40) CHARACTER SET latin1 PRIMARY KEY", "concat(IF(n % 2, 'é', 'Z'), n)"),
    "bytes": ("id binary(16) PRIMARY KEY", "unhex(left(sha2(n, 256), 32))"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_ranges_are_disjoint_and_complete(sql_db, sql_job, bqferry, tmp_path, kind):
    column, value = KEYS[kind]
    rows = 20_000
    fill(sql_db, "keyed", rows, column, value, 250)
    target = make_target("avro", tmp_path)
    sql_job(target, "keyed", workers=4)
    job = bqferry.ok("run").job()
    assert job["shards"] >= 2, job
    found = target.dicts("keyed")
    assert len(found) == rows and len({row["id"] for row in found}) == rows
    sizes = [shard["rows"] for shard in readers.manifest(target.folder("keyed"))["shards"]]
    assert max(sizes) < rows * 0.75, sizes  # none has nearly everything


def test_uuid_keys_of_mariadb(mariadb, bqferry, tmp_path):
    if mariadb.version < 100700:
        pytest.skip("this server has no type uuid")
    database = mariadb.new_database()
    fill(database, "keyed", 20_000, "id uuid PRIMARY KEY", "uuid()", 250)
    target = make_target("avro", tmp_path)
    bqferry.write_config({
        "version": 1, "connections": {"db": {"url": database.url()}}, "destination": target.config,
        "jobs": [{"name": "main", "source": {"connection": "db", "table": "keyed"},
                  "load": "append", "workers": 2}]})
    bqferry.ok("run")
    assert len({row["id"] for row in target.dicts("keyed")}) == 20_000
    database.drop()


def test_no_key_means_one_worker(sql_db, sql_job, bqferry, tmp_path):
    fill(sql_db, "keyless", 20_000, "id int")
    target = make_target("duckdb", tmp_path)
    sql_job(target, "keyless", workers=2)
    job = bqferry.ok("run").job()
    assert job["workers"] == 1 and any("no key" in note for note in job["notes"]), job
    assert len(target.rows("keyless", "id")) == 20_000


def test_conditions_limits_queries_and_columns(sql_db, sql_job, bqferry, tmp_path):
    fill(sql_db, "items", 20_000)
    sql_db.execute("CREATE VIEW few AS SELECT id, concat('n', id) AS name FROM items WHERE id <= 5")
    some = "SELECT id FROM items WHERE id < 4"
    values = "id, id * 1.5 AS more, NULL AS nothing, 'é' AS text, NOW() AS moment"
    cases = [
        ({"table": "items", "where": "id % 2 = 0 -- even", "columns": ["id"]}, [], 10_000),
        ({"table": f"{sql_db.name}.items"}, ["--limit", "7"], 7),
        ({"table": "few"}, [], 5),
        ({"query": f"WITH c AS ({some}) SELECT {values} FROM c ;" if sql_db.server.has(mariadb=100200, mysql=80000)
          else f"SELECT {values} FROM ({some}) c ;"}, [], 3),
    ]
    for number, (source, options, rows) in enumerate(cases):
        target = make_target("duckdb", tmp_path / str(number))
        target.path.parent.mkdir()
        sql_job(target, source, workers=2, target="out")
        bqferry.ok("run", *options)
        assert len(target.rows("out", "id")) == rows, source


def test_soft_deletes_and_columns_of_our_own(sql_db, sql_job, bqferry, duckdb_target):
    """What every row ends with comes from no server."""
    fill(sql_db, "items", 1000)
    sql_job(duckdb_target, "items", load="soft_delete", metadata_columns=True, workers=2)
    bqferry.ok("run")
    sql_db.execute("DELETE FROM items WHERE id <= 10", "UPDATE items SET pad = 'new' WHERE id = 11")
    job = bqferry.ok("run").job()
    assert job["merged"]["updated"] == 990 and job["merged"]["vanished"] == 10
    marked = "id, _bqferry_deleted_at IS NOT NULL, _bqferry_run_id = '" + job["run_id"] + "', pad = 'new'"
    assert duckdb_target.rows("items", marked) == [(number, number <= 10, True, number == 11)
                                                   for number in range(1, 1001)]


# Connecting ---------------------------------------------------------------------------------------

@pytest.fixture
def one_row(sql_db):
    sql_db.execute("CREATE TABLE one (id int PRIMARY KEY)", "INSERT INTO one VALUES (1)")
    return sql_db


def carries(bqferry, target, connection):
    bqferry.write_config({
        "version": 1, "connections": {"db": connection}, "destination": target.config,
        "jobs": [{"name": "main", "source": {"connection": "db", "table": "one"},
                  "load": "replace"}]})
    bqferry.ok("run")
    assert target.rows("one") == [(1,)]


def test_ways_to_say_where(one_row, bqferry, duckdb_target):
    server = one_row.server
    socket = str(server.socket)
    server.run("DROP USER IF EXISTS ferry@localhost", "CREATE USER ferry@localhost",
               "GRANT SELECT ON *.* TO ferry@localhost")
    quoted = socket.replace("/", "%2F")
    for connection in (
            {"url": one_row.url(scheme="mariadb")},
            {"type": "mysql", "host": "127.0.0.1", "port": server.port, "user": "ferry",
             "database": one_row.name},
            {"type": "mariadb", "host": socket, "user": "ferry", "database": one_row.name},
            {"url": f"mysql://ferry@{quoted}/{one_row.name}"},
            {"url": f"mysql://ferry@localhost/{one_row.name}?socket={quoted}"},
            {"type": "mysql", "url": f"mariadb://ferry@127.0.0.1:{server.port}/other",
             "database": one_row.name}):
        carries(bqferry, duckdb_target, connection)


def test_passwords_and_plugins(mariadb, bqferry, duckdb_target):
    from support.mariadb import PASSWORD
    database = mariadb.new_database()
    database.execute("CREATE TABLE one (id int PRIMARY KEY)", "INSERT INTO one VALUES (1)")
    carries(bqferry, duckdb_target, {"url": database.url(user="pw", password=PASSWORD)})
    try:
        mariadb.run("INSTALL SONAME 'auth_ed25519'")
    except pymysql.err.OperationalError as error:
        if error.args[0] != NO_PLUGIN or not os.environ.get("MARIADB_BIN"):
            raise
        pytest.skip("MARIADB_BIN names a MariaDB without auth_ed25519")
    mariadb.run(f"CREATE USER ed@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}')",
                "GRANT SELECT ON *.* TO ed@'127.0.0.1'")
    carries(bqferry, duckdb_target, {"url": database.url(user="ed", password=PASSWORD)})
    database.drop()


@pytest.mark.skipif("not __import__('os').environ.get('MYSQL_BIN')", reason="MySQL itself")
def test_mysqls_own_plugin_with_and_without_tls(mysql, bqferry, duckdb_target):
    from support.mariadb import PASSWORD
    database = mysql.new_database()
    database.execute("CREATE TABLE one (id int PRIMARY KEY)", "INSERT INTO one VALUES (1)")
    for mode in ("disable", "require"):  # twice: the second time the server has it cached
        for _ in range(2):
            carries(bqferry, duckdb_target,
                    {"url": database.url(user="pw", password=PASSWORD, sslmode=mode)})
        mysql.run("FLUSH PRIVILEGES")
    database.drop()


@pytest.fixture
def tls_sql(own_sql, certificates):
    return own_sql(settings={"ssl-ca": certificates / "ca.crt",
                             "ssl-cert": certificates / "server.crt",
                             "ssl-key": certificates / "server.key"})


def test_tls(sql_server, tls_sql, certificates, bqferry, tmp_path):
    if not sql_server.has(mariadb=0, mysql=50728):
        pytest.skip("the TLS of this server ends at 1.1, which OpenSSL refuses")
    database = tls_sql.new_database()
    fill(database, "items", 20_000)
    tls_sql.run("CREATE USER tls@'%' REQUIRE SSL", "GRANT SELECT ON *.* TO tls@'%'")
    ca, other = certificates / "ca.crt", certificates / "other-ca.crt"
    base = {"user": "tls", "database": database.name, "port": tls_sql.port, "type": "mysql"}

    def run(**keys):
        target = make_target("avro", tmp_path / hashlib.md5(repr(keys).encode()).hexdigest())
        bqferry.write_config({
            "version": 1, "connections": {"db": {**base, "host": "127.0.0.1", **keys}},
            "destination": target.config, "defaults": {"retries": {"budget": "0s"}},
            "jobs": [{"name": "main", "source": {"connection": "db", "table": "items"},
                      "load": "append", "workers": 2}]})
        result = bqferry("run")
        if result.code == 0:
            assert sorted(row["id"] for row in target.dicts("items")) == list(range(1, 20_001))
        return result

    for keys in ({}, {"sslmode": "require"}, {"sslmode": "verify-ca", "sslrootcert": str(ca)},
                 {"sslmode": "verify-full", "sslrootcert": str(ca), "host": "localhost"}):
        result = run(**keys)
        assert result.code == 0, f"{keys}\n{result}"
    for keys in ({"sslmode": "disable"}, {"sslmode": "verify-ca", "sslrootcert": str(other)},
                 {"sslmode": "verify-full", "sslrootcert": str(ca)}):
        result = run(**keys)
        assert result.code == 3, f"{keys}\n{result}"
    assert run(sslmode="verify-ca").code in (2, 3)


# Large and slow -----------------------------------------------------------------------------------

def test_rows_of_many_packets(own_sql, bqferry, duckdb_target, tmp_path):
    server = own_sql(settings={"max-allowed-packet": "128M", "loose-innodb-log-file-size": "512M"})
    database = server.new_database()
    sizes = [0, 250, 251, 65_535, 65_536, 300_000, 16_777_214, 16_777_215, 16_777_216, 40_000_000, 1]
    database.execute("CREATE TABLE blobs (id int PRIMARY KEY, v longblob)")
    for number, size in enumerate(sizes):
        database.execute(f"INSERT INTO blobs VALUES ({number}, repeat(x'{number + 1:02x}', {size}))")
    wanted = [(number, hashlib.md5(bytes([number + 1]) * size).hexdigest())
              for number, size in enumerate(sizes)]
    server.run("CREATE USER tls@'127.0.0.1'", "GRANT SELECT ON *.* TO tls@'127.0.0.1'")
    bqferry.write_config({
        "version": 1, "connections": {"db": {"url": database.url()}},
        "destination": duckdb_target.config,
        "jobs": [{"name": "main", "source": {"connection": "db", "table": "blobs"},
                  "load": "append"}]})
    bqferry.ok("run", timeout=300)
    assert duckdb_target.rows("blobs", "id, md5(v)", "id") == wanted


def test_a_stop_ends_the_servers_work(sql_db, sql_job, bqferry, duckdb_target):
    """The statement would sleep for minutes without a row: only KILL QUERY ends it."""
    fill(sql_db, "items", 100)
    sql_job(duckdb_target, {"table": "items", "where": "id < 0 OR SLEEP(2) = 1"})
    run = bqferry.start("run")
    wait_until(lambda: any("SLEEP" in (row[3] or "") for row in sql_db.sessions()),
               "the statement to run")
    began = time.monotonic()
    run.signal(signal.SIGINT)
    result = run.wait(timeout=30)
    assert result.code == 1 and time.monotonic() - began < 10, str(result)
    sql_db.wait_idle()
    assert duckdb_target.tables() == set()


def test_a_table_is_described_without_opening_the_others(sql_server, sql_db, sql_job, bqferry, duckdb_target):
    """MariaDB makes some of its catalog by opening every table of the server."""
    sql_db.execute(*(f"CREATE TABLE other_{n} (id int PRIMARY KEY, place point)" for n in range(60)),
                   "CREATE TABLE t (a int PRIMARY KEY, b int, c varchar(9), d datetime)")
    sql_job(duckdb_target, "t")
    bqferry.ok("plan")

    def opened():
        return int(sql_db.rows("SHOW GLOBAL STATUS LIKE 'Opened_table_definitions'")[0][1])
    sql_server.run("FLUSH TABLES")
    before = opened()
    bqferry.ok("plan")
    assert opened() - before < 60


# Commands -----------------------------------------------------------------------------------------

def test_discover_check_plan_init_and_copy(sql_db, sql_job, bqferry, tmp_path):
    sql_db.execute(
        "CREATE TABLE orders (id int unsigned AUTO_INCREMENT PRIMARY KEY COMMENT 'the number',"
        " paid tinyint(1), state tinyint(1), changed timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP"
        " ON UPDATE CURRENT_TIMESTAMP, note varchar(20) CHARACTER SET latin1, KEY (changed))"
        " COMMENT 'all of them'",
        "INSERT INTO orders (paid, state, note) VALUES (1, 3, 'é'), (0, 1, NULL)",
        "CREATE VIEW seen AS SELECT * FROM orders")
    found = json.loads(bqferry.ok("discover", sql_db.url(), f"{sql_db.name}.orders", "--json").stdout)
    columns = {column["name"]: column for column in found["columns"]}
    assert columns["paid"]["target"]["type"] == "BOOL"
    assert columns["state"]["target"]["type"] == "INT64"
    assert columns["changed"]["cursor_candidate"]
    assert "all of them" in json.dumps(found) and "the number" in json.dumps(found)
    listed = bqferry.ok("discover", sql_db.url()).stdout
    assert f"{sql_db.name}.orders" in listed and f"{sql_db.name}.seen" in listed
    target = make_target("duckdb", tmp_path)
    sql_job(target, "orders", workers=2)
    checked = bqferry.ok("check").stdout
    assert sql_db.server.driver.lower()[:5] in checked.lower() and "snapshot" in checked
    assert "holds values other than 0, 1 and NULL" in bqferry.ok("plan").stdout
    bqferry.ok("copy", sql_db.url(), "orders", target.url)
    assert target.rows("orders", "id, paid, state, note") == [(1, True, 3, "é"), (2, False, 1, None)]
    written = bqferry.ok("copy", sql_db.url(), "orders", target.url, "--write-config").stdout
    assert "type: mysql" in written


def test_init_writes_a_configuration(sql_db, tmp_path):
    sql_db.execute("CREATE TABLE one (id int PRIMARY KEY)", "INSERT INTO one VALUES (1)")
    program = Program(tmp_path / "fresh")
    program.ok("init", "--source", sql_db.url(), "--to", f"duckdb:{tmp_path}/w.duckdb",
               "--table", f"{sql_db.name}.one")
    program.ok("run")
    assert readers.duckdb_rows(tmp_path / "w.duckdb", "one", "id", "1") == [(1,)]
