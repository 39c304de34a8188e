# SPDX-License-Identifier: Apache-2.0
"""MySQL and MariaDB: metadata columns and merges, cursors and how far they may go, runs while people
work, killed at random. What must happen is in docs/internals/mysql.md."""

import json
import re
import threading
import time

import pymysql
import pytest

from support import readers
from support.mariadb import MariadbDatabase
from support.processes import wait_until

TABLE = """CREATE TABLE items (id int PRIMARY KEY AUTO_INCREMENT, name varchar(40), note varchar(40),
           updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
           KEY (updated_at))"""


@pytest.fixture
def sql_job(sql_db, bqferry):
    """sql_job(target, source, **keys) writes a configuration with one job, `main`."""
    def write(target, source, /, url=None, **keys):
        return bqferry.write_config({
            "version": 1,
            "connections": {"db": {"url": url or sql_db.url()}},
            "destination": target.config,
            "defaults": {"retries": {"budget": "0s"}},
            "jobs": [{"name": "main", "source": {"connection": "db", "table": source}, **keys}]})
    return write


def fill(db, count=3):
    db.execute(TABLE, *(f"INSERT INTO items (name, note) VALUES ('n{i}', 'old')" for i in range(1, count + 1)))


def query(target, text):
    return readers.duckdb_query(target.path, text)


# Metadata columns and merges ----------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "replace", "upsert", "soft_delete"))
def test_metadata_columns(sql_db, bqferry, sql_job, duckdb_target, load):
    fill(sql_db)
    deletes = {"deletes": {"every": "0s"}} if load == "soft_delete" else {}
    sql_job(duckdb_target, "items", load=load, metadata_columns=True, **deletes)
    first = bqferry.ok("run").job()["run_id"]
    sql_db.execute("UPDATE items SET note = 'new' WHERE id = 1", "DELETE FROM items WHERE id = 3")
    second = bqferry.ok("run").job()["run_id"]
    stamps = query(duckdb_target, "SELECT _bqferry_run_id, count(*), count(DISTINCT _bqferry_synced_at),"
                   " bool_and(_bqferry_synced_at > now() - INTERVAL 1 HOUR) FROM items GROUP BY 1")
    counts = {run: rest for run, *rest in stamps}
    assert counts == {"append": {first: [3, 1, True], second: [2, 1, True]},
                      "replace": {second: [2, 1, True]},
                      "upsert": {first: [1, 1, True], second: [2, 1, True]},
                      "soft_delete": {second: [3, 1, True]}}[load]
    note = query(duckdb_target, "SELECT note FROM items WHERE id = 1 ORDER BY _bqferry_synced_at DESC LIMIT 1")
    assert note == [("new",)]
    if load == "soft_delete":
        assert query(duckdb_target, "SELECT id FROM items WHERE _bqferry_deleted_at IS NOT NULL") == [(3,)]
    duckdb_target.check("items")


# How far a cursor may go --------------------------------------------------------------------------

# watcher may see what others do (PROCESS), ferry may not
def cursor(column="updated_at", **more):
    return {"column": column, "grace": "0s", "wait": "0s", **more}


def ids(target, table="items"):
    return [row[0] for row in target.rows(table, "id")]


@pytest.fixture
def watcher(sql_db):
    return sql_db.url("watcher")


def run_later(bqferry):
    """What was stamped before is a second old: the resolution of what a server says of others."""
    time.sleep(1.2)
    return bqferry.ok("run").job()


def test_a_row_that_commits_late_is_not_lost(sql_db, bqferry, sql_job, duckdb_target, watcher):
    fill(sql_db, 0)
    sql_job(duckdb_target, "items", url=watcher, load="upsert", cursor=cursor())
    late = sql_db.connect().cursor()
    late.execute("BEGIN")
    late.execute("INSERT INTO items VALUES (1, 'first stamped, last committed', '', DEFAULT)")
    time.sleep(1.2)
    sql_db.execute("INSERT INTO items VALUES (2, 'committed first', '', DEFAULT)")
    job = run_later(bqferry)
    assert ids(duckdb_target) == [], str(job)
    assert "innodb_trx" in job["cursor"]["bound"]
    late.execute("COMMIT")
    assert run_later(bqferry)["rows_read"] == 2
    assert ids(duckdb_target) == [1, 2]
    assert run_later(bqferry)["rows_read"] == 0
    duckdb_target.check("items")


def test_only_what_is_younger_waits(sql_db, bqferry, sql_job, duckdb_target, watcher):
    fill(sql_db, 1)
    sql_job(duckdb_target, "items", url=watcher, load="upsert", cursor=cursor())
    time.sleep(2.2)
    late = sql_db.connect().cursor()
    late.execute("BEGIN")
    late.execute("INSERT INTO items VALUES (7, 'open', '', DEFAULT)")
    sql_db.execute("INSERT INTO items VALUES (2, 'young', '', DEFAULT)")
    run_later(bqferry)
    assert ids(duckdb_target) == [1]
    late.execute("ROLLBACK")
    run_later(bqferry)
    assert ids(duckdb_target) == [1, 2]


def test_a_statement_that_waits_for_a_lock_holds_the_bound(sql_db, bqferry, sql_job, duckdb_target, watcher):
    """It has its time already, and is in the process list only: no transaction has begun."""
    fill(sql_db, 2)
    sql_job(duckdb_target, "items", url=watcher, load="upsert", cursor=cursor())
    run_later(bqferry)
    lock = sql_db.connect().cursor()
    lock.execute("LOCK TABLES items READ")

    def update():
        with sql_db.connect() as connection, connection.cursor() as waiting:
            waiting.execute("UPDATE items SET note = 'waited' WHERE id = 1")

    thread = threading.Thread(target=update)
    thread.start()
    wait_until(lambda: sql_db.value("SELECT count(*) FROM information_schema.processlist WHERE state LIKE"
                                    " '%metadata lock%'") == 1, "the update to wait")
    time.sleep(2.2)
    run_later(bqferry)
    place = json.loads((bqferry.folder / ".bqferry/jobs/main.json").read_text())["state"]["cursor"]["value"]
    lock.execute("UNLOCK TABLES")
    thread.join()
    run_later(bqferry)
    stamp = sql_db.value("SELECT CAST(updated_at AS CHAR) FROM items WHERE id = 1")
    assert place <= stamp, f"the cursor passed the row: {place}"
    assert duckdb_target.rows("items", "id, note") == [(1, "waited"), (2, "old")]


@pytest.mark.parametrize("idle", (
    "SELECT count(*) FROM items", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"))
def test_who_wrote_nothing_holds_nothing(sql_db, bqferry, sql_job, duckdb_target, watcher, idle):
    fill(sql_db, 1)
    sql_job(duckdb_target, "items", url=watcher, load="append", cursor=cursor())
    reader = sql_db.connect().cursor()
    reader.execute("SET autocommit = 0")
    reader.execute(idle)
    reader.fetchall()
    time.sleep(1.2)
    sql_db.execute("INSERT INTO items VALUES (2, 'young', '', DEFAULT)")
    assert run_later(bqferry)["rows_read"] == 2


def test_numbers_wait_for_smaller_ones(sql_db, bqferry, sql_job, duckdb_target, watcher):
    fill(sql_db, 1)
    sql_job(duckdb_target, "items", url=watcher, load="append", cursor=cursor("id", operator=">"))
    late = sql_db.connect().cursor()
    late.execute("BEGIN")
    late.execute("INSERT INTO items (name) VALUES ('2')")
    sql_db.execute("INSERT INTO items (name) VALUES ('3')")
    result = bqferry.ok("run")
    assert "must wait" in result.stderr + str(result.job()), str(result)
    assert ids(duckdb_target) == []
    late.execute("COMMIT")
    assert bqferry.ok("run").job()["rows_read"] == 3
    sql_db.execute("INSERT INTO items (name) VALUES ('4')")
    assert bqferry.ok("run").job()["rows_read"] == 1
    assert ids(duckdb_target) == [1, 2, 3, 4]


def test_a_prepared_transaction_holds_everything(sql_db, bqferry, sql_job, duckdb_target, watcher):
    fill(sql_db, 1)
    sql_job(duckdb_target, "items", url=watcher, load="upsert", cursor=cursor())
    late = sql_db.connect().cursor()
    try:
        for statement in ("XA START 'late'", "INSERT INTO items VALUES (2, '', '', DEFAULT)",
                          "XA END 'late'", "XA PREPARE 'late'"):
            late.execute(statement)
        result = bqferry.ok("run")
        assert "transaction late began" in result.stdout, str(result)
        assert "XA" in bqferry.ok("check").stdout
    finally:
        late.execute("XA COMMIT 'late'")
    run_later(bqferry)
    assert ids(duckdb_target) == [1, 2]


@pytest.mark.parametrize("account", ("watcher", "onlooker"))
def test_a_prepared_transaction_outlives_the_server(own_sql, bqferry, sql_job, duckdb_target, account):
    """InnoDB then shows it as begun when the server started, long after its rows were stamped."""
    server = own_sql()
    db = server.new_database()
    fill(db, 1)
    late = db.connect().cursor()
    for statement in ("XA START 'late'", "INSERT INTO items VALUES (2, '', '', DEFAULT)", "XA END 'late'",
                      "XA PREPARE 'late'"):
        late.execute(statement)
    time.sleep(3.2)
    server.restart()
    db = MariadbDatabase(server, db.name)
    sql_job(duckdb_target, "items", url=db.url(account), load="upsert", cursor=cursor())
    db.execute("INSERT INTO items VALUES (3, 'later', '', DEFAULT)")
    job = run_later(bqferry)
    name = "late" if account == "watcher" or server.shows_prepared else r"[0-9]+ of InnoDB \(.* XA_RECOVER_ADMIN .*\)"
    assert job["rows_read"] == 0
    assert re.search(f"prepared XA transaction {name} began", str(job["notes"])), str(job)
    checked = " ".join(bqferry.ok("check").stdout.split())
    assert re.search(f"held by the prepared XA transaction {name} ", checked), checked
    assert ("their names are not seen" in checked) == (name != "late"), checked
    db.execute("XA COMMIT 'late'")
    assert run_later(bqferry)["rows_read"] == 3
    assert ids(duckdb_target) == [1, 2, 3]


def test_without_the_privilege_it_says_so(sql_db, bqferry, sql_job, duckdb_target):
    fill(sql_db, 1)
    sql_job(duckdb_target, "items", load="upsert", cursor=cursor(lookback="1h"))
    late = sql_db.connect().cursor()
    late.execute("BEGIN")
    late.execute("INSERT INTO items VALUES (2, 'late', '', DEFAULT)")
    time.sleep(1.2)
    job = run_later(bqferry)
    assert "PROCESS" in str(job), str(job)
    late.execute("COMMIT")
    run_later(bqferry)
    assert ids(duckdb_target) == [1, 2], "the lookback covers it"
    checked = " ".join(bqferry.ok("check").stdout.split())
    assert "GRANT PROCESS ON *.*" in checked
    assert ("GRANT PROCESS, XA_RECOVER_ADMIN ON *.*" in checked) != sql_db.server.shows_prepared, checked


def test_columns_that_the_server_keeps_are_suggested(sql_db, bqferry, sql_job, duckdb_target):
    """ON UPDATE without a default would leave out what was inserted."""
    sql_db.execute("CREATE TABLE items (id int PRIMARY KEY, touched timestamp NULL ON UPDATE CURRENT_TIMESTAMP,"
                   " seen datetime(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), at datetime)")
    found = json.loads(bqferry.ok("discover", sql_db.url(), f"{sql_db.name}.items", "--json").stdout)
    columns = {column["name"]: column for column in found["columns"]}
    assert [name for name, column in columns.items() if column["set_on_write"]] == ["seen"]
    assert columns["seen"]["cursor_candidate"] and not columns["at"]["cursor_candidate"]
    assert "set on write" in bqferry.ok("discover", sql_db.url(), f"{sql_db.name}.items").stdout
    sql_job(duckdb_target, "items", load="upsert")
    assert "cursor: seen" in " ".join(bqferry.ok("plan").stdout.split())
    sql_job(duckdb_target, "items", load="upsert", cursor=cursor("seen", time_zone="UTC"))
    assert "cursor: seen" not in " ".join(bqferry.ok("plan").stdout.split())


# Kinds of cursors ---------------------------------------------------------------------------------

STAMPS = {
    "timestamp": "CURRENT_TIMESTAMP", "timestamp(3)": "CURRENT_TIMESTAMP(3)",
    "datetime(6)": "CURRENT_TIMESTAMP(6)"}


@pytest.mark.parametrize("kind", STAMPS)
def test_stamps_of_every_precision(sql_db, bqferry, sql_job, duckdb_target, watcher, kind):
    sql_db.execute(f"CREATE TABLE items (id int PRIMARY KEY, at {kind} NULL DEFAULT {STAMPS[kind]}, KEY (at))",
                   "INSERT INTO items (id) VALUES (1), (2)", "INSERT INTO items VALUES (3, NULL)")
    zone = {"time_zone": "UTC"} if kind.startswith("datetime") else {}
    sql_job(duckdb_target, "items", url=watcher, load="append", cursor=cursor("at", **zone))
    time.sleep(1)
    first = run_later(bqferry)
    assert first["rows_read"] == 2 and "1 rows have no value" in str(first)
    sql_db.execute("INSERT INTO items (id) VALUES (4)")
    time.sleep(1)
    assert run_later(bqferry)["rows_read"] == 1
    assert run_later(bqferry)["rows_read"] == 0
    assert ids(duckdb_target) == [1, 2, 4]


def test_zero_dates_are_in_no_range(sql_db, bqferry, sql_job, duckdb_target, watcher):
    sql_db.execute("CREATE TABLE items (id int PRIMARY KEY, at datetime NOT NULL, KEY (at))",
                   "INSERT INTO items VALUES (1, '0000-00-00'), (2, '2001-01-01')")
    sql_job(duckdb_target, "items", url=watcher, load="append", cursor=cursor("at", time_zone="+02:00"))
    first = run_later(bqferry)
    assert first["rows_read"] == 1 and "1 rows have no value" in str(first)
    assert ids(duckdb_target) == [2]


def test_a_zone_that_nobody_knows(sql_db, bqferry, sql_job, duckdb_target, watcher):
    sql_db.execute("CREATE TABLE items (id int PRIMARY KEY, at datetime NOT NULL)")
    sql_job(duckdb_target, "items", url=watcher, load="append", cursor=cursor("at", time_zone="Mars/Olympus"))
    assert "Mars/Olympus" in bqferry.fails("config", "run").stderr


def test_what_is_no_cursor(sql_db, bqferry, sql_job, duckdb_target, watcher):
    fill(sql_db, 1)
    sql_job(duckdb_target, "items", url=watcher, load="append", cursor=cursor("name"))
    assert "cannot be a cursor" in bqferry.fails("config", "run").stderr


def test_a_backfill_in_windows(sql_db, bqferry, sql_job, duckdb_target, watcher):
    sql_db.execute("CREATE TABLE items (id int PRIMARY KEY, at datetime NOT NULL, KEY (at))",
                   *(f"INSERT INTO items VALUES ({i}, '2020-01-{i:02} 00:00:00')" for i in range(1, 31)))
    sql_job(duckdb_target, "items", url=watcher, load="upsert", cursor=cursor("at", time_zone="UTC"),
            backfill={"window": "10d"})
    bqferry.ok("run")
    assert ids(duckdb_target) == list(range(1, 31))
    duckdb_target.check("items")


# Large ranges -------------------------------------------------------------------------------------

def fill_large(db, count=450_000):
    """`at` leads two indexes, and the first by name is one that the optimizer must not use, where there are such."""
    hidden = "INVISIBLE" if db.server.driver == "mysql" else "IGNORED"
    indexes = [f"CREATE INDEX a_hidden ON items (at) {hidden}"] if db.server.has(mariadb=100600, mysql=80000) else []
    db.execute("CREATE TABLE items (id int PRIMARY KEY AUTO_INCREMENT, at timestamp(6) NOT NULL, pad char(20))",
               "INSERT INTO items VALUES (1, '2026-01-01', 'x')")
    have = 1
    while have < count:
        more = min(have, count - have)
        db.execute(f"INSERT INTO items SELECT id + {have}, '2026-01-01' + INTERVAL (id + {have}) SECOND, pad FROM items"
                   f" WHERE id <= {more}")
        have += more
    db.execute(*indexes, "CREATE INDEX b_seen ON items (at)", "ANALYZE TABLE items")


def test_a_large_range_is_read_by_several_workers(sql_db, bqferry, sql_job, duckdb_target, watcher):
    """A first run, and one of most of the table; by the index that may be used."""
    fill_large(sql_db)
    sql_job(duckdb_target, "items", url=watcher, load="append", cursor=cursor("at"), workers=2,
            metadata_columns=True)
    planned = bqferry.ok("plan").stdout
    assert "2 shards by cursor, 2 workers" in planned, planned
    first = bqferry.ok("run").job()
    assert first["shards"] == first["workers"] == 2 and first["rows_read"] == 450_000, first
    bqferry.ok("state", "set", "main", "--cursor", "2026-01-01 05:33:21")
    second = bqferry.ok("run").job()
    assert second["shards"] == second["workers"] == 2 and second["rows_read"] == 430_000, second
    (wanted,) = sql_db.rows("SELECT count(*), CAST(sum(id) AS SIGNED), CAST(sum(unix_timestamp(at)) AS SIGNED) FROM items"
                            " WHERE id > 20000")
    found = query(duckdb_target, 'SELECT count(*), sum(id)::BIGINT, sum(epoch("at"))::BIGINT FROM items'
                  f" WHERE _bqferry_run_id = '{second['run_id']}'")
    assert found == [wanted]
    assert query(duckdb_target, "SELECT count(*), count(DISTINCT id) FROM items") == [(880_000, 450_000)]


# Replicas -----------------------------------------------------------------------------------------

def words_of(server):
    """What replicas are called there: the statement for the log's place, SOURCE or MASTER, REPLICA or SLAVE."""
    if server.driver == "mariadb" or server.version < 80023:
        return "SHOW MASTER STATUS", "MASTER", "MASTER", "SLAVE"
    log = "SHOW BINARY LOG STATUS" if server.version >= 80200 else "SHOW MASTER STATUS"
    return log, "REPLICATION SOURCE", "SOURCE", "REPLICA"


def follow(replica, source):
    log_status, what, prefix, role = words_of(source)
    source.run("CREATE USER IF NOT EXISTS repl@'127.0.0.1'", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    with source.connect() as admin, admin.cursor() as cursor_:
        cursor_.execute(log_status)
        log, place = cursor_.fetchone()[:2]
    # MariaDB 11.4 wants a certificate that it can verify, unless told otherwise
    own = (", MASTER_USE_GTID = no, MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0"
           if source.driver == "mariadb" else "")
    replica.run(f"CHANGE {what} TO {prefix}_HOST = '127.0.0.1', {prefix}_PORT = {source.port}, {prefix}_USER = 'repl',"
                f" {prefix}_LOG_FILE = '{log}', {prefix}_LOG_POS = {place}{own}", f"START {role}")


def test_a_replica_is_refused(sql_server, own_sql, bqferry, duckdb_target):
    """What is open on its source cannot be seen there: while it runs, while it stands still, and when all that
    is known is that it is read only. Loads without a cursor are as good there as anywhere."""
    replica = own_sql(settings={"server-id": "2"})
    follow(replica, sql_server)
    role = words_of(replica)[-1]
    tells = "SLAVE MONITOR" if replica.driver == "mariadb" else "REPLICATION CLIENT"
    db = sql_server.new_database()
    try:
        fill(db, 3)

        def job(**keys):
            bqferry.write_config({
                "version": 1, "connections": {"db": {"url": MariadbDatabase(replica, db.name).url("watcher")}},
                "destination": duckdb_target.config, "defaults": {"retries": {"budget": "0s"}},
                "jobs": [{"name": "main", "source": {"connection": "db", "table": "items"}, **keys}]})

        def refused(why):
            for command in ("run", "plan"):
                result = bqferry.fails("config", command)
                text = " ".join((result.stdout + result.stderr).split())
                assert f"the server is a replica ({why}" in text and "lead to the source" in text, text
            assert f"a replica ({why}" in " ".join(bqferry("check").stdout.split())

        wait_until(lambda: _has(replica, f"SELECT count(*) = 3 FROM {db.name}.items"), "the rows to arrive")
        job(load="replace")
        assert bqferry.ok("run").job()["rows_read"] == 3
        job(load="upsert", cursor=cursor())
        refused("it applies what another server sends")
        replica.run(f"STOP {role}")
        assert tells in bqferry.ok("check").stdout
        replica.run(f"GRANT {tells} ON *.* TO watcher@'127.0.0.1'")
        refused("it is set up as the replica of another server, and stands still")
        replica.run(f"RESET {role} ALL", "SET GLOBAL read_only = ON")
        refused("it is read only")
        replica.run("SET GLOBAL read_only = OFF")
        time.sleep(1.2)
        bqferry.ok("run", "--full-refresh")
        assert ids(duckdb_target) == [1, 2, 3]
    finally:
        db.drop()


def _has(server, question):
    try:
        with server.connect() as admin, admin.cursor() as cursor_:
            cursor_.execute(question)
            return cursor_.fetchone()[0] == 1
    except pymysql.err.ProgrammingError:
        return False  # the table has not come yet
