# SPDX-License-Identifier: Apache-2.0
"""What can go wrong at a MySQL or MariaDB: each has its exit code and words, and the target stays as it
was."""

import socket
import threading
import time

import pymysql
import pytest

from support.mariadb import PASSWORD
from support.processes import free_port, wait_until
from support.proxy import Proxy
from support.targets import make_target

ROWS = 3_000


@pytest.fixture
def items(sql_db):
    sql_db.execute("CREATE TABLE items (id int PRIMARY KEY, pad varchar(200))",
                   "INSERT INTO items VALUES " + ", ".join(f"({n}, repeat('x', 100))"
                                                           for n in range(1, ROWS + 1)))
    return sql_db


@pytest.fixture
def target(tmp_path):
    return make_target("duckdb", tmp_path)


def write(bqferry, target, connection, source="items", **keys):
    source = {"table": source} if isinstance(source, str) else source
    bqferry.write_config({
        "version": 1, "connections": {"db": connection}, "destination": target.config,
        "defaults": {"retries": {"budget": keys.pop("budget", "0s")}},
        "jobs": [{"name": "main", "source": {"connection": "db", **source}, "load": "append",
                  **({"target": keys.pop("to")} if "to" in keys else {}), **keys}]})


def fails(bqferry, target, *words, kind="source", **options):
    result = bqferry.fails(kind, "run", **options)
    for word in words:
        assert word in result.stderr, f"wanted the words {word!r}\n{result}"
    assert target.tables() == set() and target.leftovers() == []
    return result


def count(target, table="items"):
    return len(target.rows(table, "id"))


# Connecting ---------------------------------------------------------------------------------------

def test_wrong_password(items, bqferry, target):
    write(bqferry, target, {"url": items.url(user="pw", password="wr0ng/secret")})
    result = fails(bqferry, target, "Access denied", "error 1045", "check user and password")
    assert "wr0ng" not in result.text
    write(bqferry, target, {"url": items.url(user="pw", password=PASSWORD)})
    bqferry.ok("run")


def test_nobody_listens(bqferry, target):
    port = free_port()
    write(bqferry, target, {"url": f"mysql://ferry@127.0.0.1:{port}/shop"})
    fails(bqferry, target, "127.0.0.1", "nothing listens there")


def test_no_socket(bqferry, target, tmp_path):
    write(bqferry, target, {"type": "mysql", "host": f"{tmp_path}/none", "user": "ferry"})
    fails(bqferry, target, "none", "nothing listens there")


def test_unknown_host(bqferry, target):
    write(bqferry, target, {"url": "mysql://ferry@no-such-host.invalid/shop"})
    fails(bqferry, target, "no-such-host.invalid")


def test_silent_host_ends_with_connect_timeout(bqferry, target):
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        write(bqferry, target, {"url": f"mysql://ferry@127.0.0.1:{silent.getsockname()[1]}/x",
                                "connect_timeout": "2s"})
        began = time.monotonic()
        fails(bqferry, target, "no answer", "within 2 s", "connect_timeout")
        assert time.monotonic() - began < 20


def test_no_such_protocol(server, bqferry, target):
    """PostgreSQL waits for the client to speak first, as MySQL's clients do."""
    write(bqferry, target, {"url": f"mysql://ferry@127.0.0.1:{server.port}/x",
                            "connect_timeout": "1s"})
    fails(bqferry, target, "no answer")


@pytest.mark.parametrize("url, words", [
    ("mysql://u:p@ss@host/db", "more than one @"),
    ("mysql://u:s%zz@host/db", "hexadecimal"),
    ("mysql://u@host:99999/db", "port: expected a number from 1 to 65535"),
    ("mysql://u@host/db?what=1", 'unknown parameter "what"'),
    ("mysql://u@host/db?sslmode=perhaps", "sslmode: expected disable"),
    ("mysql://u@[::1/db", "a [ without its ]"),
])
def test_malformed_urls(bqferry, target, url, words):
    write(bqferry, target, {"url": url})
    result = fails(bqferry, target, words, kind="config")
    assert "p@ss" not in result.text and "s%zz" not in result.text


def test_type_and_url_must_agree(bqferry, target):
    write(bqferry, target, {"type": "postgresql", "url": "mysql://ferry@127.0.0.1/shop"})
    result = bqferry.fails("config", "run")
    assert "expected one for type: postgresql" in result.stderr


def test_more_connections_than_the_server_has(own_sql, bqferry, target):
    server = own_sql(settings={"max-connections": "10"})
    database = server.new_database()
    database.execute("CREATE TABLE items (id int PRIMARY KEY)", "INSERT INTO items VALUES (1)")
    write(bqferry, target, {"url": database.url()}, workers=16)
    result = bqferry.ok("run")
    assert any("readers only" in note and "Too many connections" in note
               for note in result.job()["notes"]), result.job()["notes"]
    held = [database.connect() for _ in range(9)]
    write(bqferry, make_target("duckdb", target.path.parent), {"url": database.url()})
    failed = bqferry.fails("source", "run")
    assert "Too many connections" in failed.stderr
    for connection in held:
        connection.close()


# Names and permissions ----------------------------------------------------------------------------

@pytest.mark.parametrize("name, words", [
    ("itms", "did you mean items?"),
    ("no_such_db.items", 'there is no database "no_such_db"'),
])
def test_unknown_names(items, bqferry, target, name, words):
    write(bqferry, target, {"url": items.url()}, name)
    fails(bqferry, target, words)


def test_no_database_is_chosen(items, bqferry, target):
    write(bqferry, target, {"url": items.url().replace(items.name, "")})
    fails(bqferry, target, "names no database", kind="config")


def test_unknown_database(items, bqferry, target):
    write(bqferry, target, {"url": items.url().replace(items.name, "no_such_db")})
    fails(bqferry, target, "Unknown database", "error 1049")


def test_no_permission(items, bqferry, target):
    write(bqferry, target, {"url": items.url(user="poor").replace(items.name, "")},
          f"{items.name}.items")
    fails(bqferry, target, "may not see it")


def test_view_of_a_table_that_is_gone(sql_db, bqferry, target):
    sql_db.execute("CREATE TABLE gone (id int)", "CREATE VIEW seen AS SELECT * FROM gone", "DROP TABLE gone")
    write(bqferry, target, {"url": sql_db.url()}, "seen")
    result = bqferry.fails("source", "run")
    assert "permission" not in result.stderr and "seen" in result.stderr, str(result)
    assert "missing" in result.stderr or "references invalid table" in result.stderr, str(result)


def test_permission_to_write_only(items, bqferry, target):
    items.server.run(f"GRANT INSERT ON {items.name}.items TO poor@'127.0.0.1'")
    write(bqferry, target, {"url": items.url(user="poor").replace(items.name, "")},
          f"{items.name}.items")
    fails(bqferry, target, "no permission to read it", f"GRANT SELECT ON `{items.name}`.`items`")


def test_permission_for_some_columns(items, bqferry, target):
    items.server.run(f"GRANT SELECT (id) ON {items.name}.items TO poor@'127.0.0.1'")
    connection = {"url": items.url(user="poor")}
    write(bqferry, target, connection)
    fails(bqferry, target, "has columns that the account may not see", "source.columns")
    assert "has columns that the account may not see" in bqferry("check").stdout

    write(bqferry, target, connection, {"table": "items", "columns": ["id"]})
    bqferry.ok("check")
    bqferry.ok("run")
    assert count(target) == ROWS


def test_permission_by_a_role(items, bqferry, target):
    """The account's own grants do not name it; the table's columns are all there."""
    if not items.server.has(mariadb=100000, mysql=80000):
        pytest.skip("this server has no roles")
    items.server.run("CREATE ROLE readers", f"GRANT SELECT ON {items.name}.items TO readers",
                     "CREATE USER member@'127.0.0.1'", "GRANT readers TO member@'127.0.0.1'",
                     "SET DEFAULT ROLE readers FOR member@'127.0.0.1'" if items.server.version >= 100000
                     else "SET DEFAULT ROLE readers TO member@'127.0.0.1'")
    try:
        write(bqferry, target, {"url": items.url(user="member")})
        bqferry.ok("run")
        assert count(target) == ROWS
    finally:
        items.server.run("DROP USER member@'127.0.0.1'", "DROP ROLE readers")


def test_a_user_who_may_only_read(items, bqferry, target):
    """Neither FLUSH nor KILL of others nor any write is needed."""
    write(bqferry, target, {"url": items.url(user="plain")}, workers=2)
    bqferry.ok("run")
    assert count(target) == ROWS


def test_bad_sql(items, bqferry, target):
    write(bqferry, target, {"url": items.url()}, {"table": "items", "where": "id ="})
    fails(bqferry, target, "error 1064", "check the SQL in `query` or `where`")
    write(bqferry, target, {"url": items.url()}, {"query": "SELECT id, id FROM items"}, to="twice")
    fails(bqferry, target, "Duplicate column name")


# While rows are read ------------------------------------------------------------------------------

SLOW = "SLEEP(0.001) = 0"  # some seconds for all rows


def slow_run(items, bqferry, target, **keys):
    write(bqferry, target, {"url": items.url()}, {"table": "items", "where": SLOW}, **keys)
    run = bqferry.start("run", timeout=120)

    def reading():  # not the statement's preparation, which nobody can kill
        return [row for row in items.sessions() if row[1] == "Execute" and "SLEEP" in (row[3] or "")]

    [session] = wait_until(reading, "the rows to be read")
    return run, session[0]


def test_killed_connection(items, bqferry, target):
    run, session = slow_run(items, bqferry, target)
    items.execute(f"KILL {session}")
    result = run.wait()
    assert result.code == 3 and "connection to the server was lost" in result.stderr, str(result)
    assert target.tables() == set() and target.leftovers() == []


def test_killed_connection_with_retries(items, bqferry, target):
    run, session = slow_run(items, bqferry, target, budget="60s")
    items.execute(f"KILL {session}")
    result = run.wait()
    assert result.code == 0 and result.job()["retries"] >= 1, str(result)
    assert count(target) == ROWS


def test_killed_statement(items, bqferry, target):
    run, session = slow_run(items, bqferry, target)
    items.execute(f"KILL QUERY {session}")
    result = run.wait()
    # SLEEP ends early when it is killed: the server then says that the query was interrupted
    assert result.code == 3 and "KILL QUERY" in result.stderr, str(result)
    assert target.tables() == set() and target.leftovers() == []


def test_server_that_stops(own_sql, bqferry, target):
    server = own_sql()
    database = server.new_database()
    database.execute("CREATE TABLE items (id int PRIMARY KEY)",
                     "INSERT INTO items VALUES " + ", ".join(f"({n})" for n in range(1, 3001)))
    run, _ = slow_run(database, bqferry, target)
    server.stop()
    result = run.wait()
    assert result.code == 3, str(result)
    assert target.tables() == set() and target.leftovers() == []


def test_cut_off_in_the_middle(items, bqferry, target):
    proxy = Proxy(items.server.port)
    write(bqferry, target, {"url": items.url(port=proxy.port, sslmode="disable")})
    proxy.cut("SELECT `id`", 60_000)
    result = bqferry.fails("source", "run")
    assert "connection to the server was lost" in result.stderr
    assert target.tables() == set() and target.leftovers() == []
    proxy.close()


def test_altered_while_it_is_read(items, bqferry, target):
    """ALTER waits for the reader, which gets what its snapshot has."""
    run, _ = slow_run(items, bqferry, target)
    errors = []

    def alter():
        try:
            with items.connect() as connection, connection.cursor() as cursor:
                cursor.execute("ALTER TABLE items ADD COLUMN more int, DROP COLUMN pad")
        except pymysql.Error as error:
            errors.append(error)

    thread = threading.Thread(target=alter)
    thread.start()
    result = run.wait()
    thread.join(30)
    assert result.code == 0 and not errors and not thread.is_alive(), (str(result), errors)
    assert count(target) == ROWS
    assert target.rows("items", "pad")[0] == ("x" * 100,)


@pytest.mark.parametrize("change, words", [
    ("ADD COLUMN more int, ENGINE=InnoDB",
     ("Table definition has changed", "a new snapshot sees the table")),
    ("MODIFY pad int", ("",)),
    ("DROP COLUMN pad", ("pad",)),
])
def test_altered_between_plan_and_read(items, bqferry, target, change, words):
    items.execute("UPDATE items SET pad = '7'")
    proxy = Proxy(items.server.port)
    connection = {"url": items.url(port=proxy.port, sslmode="disable")}
    write(bqferry, target, connection)
    proxy.hold("SELECT `id`, `pad` FROM")
    run = bqferry.start("run")
    proxy.wait_held(run)
    items.execute(f"ALTER TABLE items {change}")
    proxy.release()
    result = run.wait()
    assert result.code == 3, str(result)
    for word in words:
        assert word in result.stderr, str(result)
    assert target.tables() == set() and target.leftovers() == []
    proxy.close()


def test_altered_between_plan_and_read_with_retries(items, bqferry, target):
    proxy = Proxy(items.server.port)
    write(bqferry, target, {"url": items.url(port=proxy.port, sslmode="disable")}, budget="30s")
    proxy.hold("SELECT `id`, `pad` FROM")
    run = bqferry.start("run")
    proxy.wait_held(run)
    items.execute("ALTER TABLE items MODIFY pad varchar(300), ADD COLUMN more int DEFAULT 5,"
                  " ENGINE=InnoDB")
    proxy.release()
    result = run.wait()
    assert result.code == 0 and result.job()["retries"] >= 1, str(result)
    assert {row[0] for row in target.rows("items", "more")} == {5}
    proxy.close()


def test_table_that_is_locked(items, bqferry, target):
    with items.connect() as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLES items WRITE")
        write(bqferry, target, {"url": items.url(user="plain")})
        result = bqferry.fails("source", "run", timeout=60)
        assert "error 1205" in result.stderr and "another session holds" in result.stderr


def test_time_limits_of_the_server_do_not_end_reads(items, bqferry, target):
    """They are switched off in the session, whoever sets them."""
    name = "max_statement_time = 1" if items.server.driver == "mariadb" \
        else "max_execution_time = 1000"
    items.server.run(f"SET GLOBAL {name}")
    try:
        run, _ = slow_run(items, bqferry, target)
        assert run.wait().code == 0
    finally:
        items.server.run(f"SET GLOBAL {name.split()[0]} = 0")
    assert count(target) == ROWS


def test_zones_the_server_does_not_know(items, bqferry, target):
    items.execute("CREATE TABLE moments (id int PRIMARY KEY, v datetime)",
                  "INSERT INTO moments VALUES (1, '2024-06-30 12:00:00')")
    write(bqferry, target, {"url": items.url()}, "moments",
          columns={"v": {"naive_timestamps": {"type": "TIMESTAMP", "time_zone": "Europe/Berlin"}}})
    fails(bqferry, target, 'does not know the time zone "Europe/Berlin"', "mysql_tzinfo_to_sql",
          kind="config")


def test_a_name_needs_quotes(sql_db, bqferry, target):
    sql_db.execute("CREATE TABLE `odd ``name``` (`a ``b` int PRIMARY KEY, `select` varchar(9))",
                   "INSERT INTO `odd ``name``` VALUES (1, 'x\\\\y''z')")
    write(bqferry, target, {"url": sql_db.url()}, "odd `name`", to="odd",
          columns={"a `b": {"name": "a_b"}})
    bqferry.ok("run")
    assert target.rows("odd") == [(1, "x\\y'z")]
