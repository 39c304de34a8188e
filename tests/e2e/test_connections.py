# SPDX-License-Identifier: Apache-2.0
"""Ways to a server: TLS, PG* variables, ~/.pgpass, service files, poolers, standbys; and secrets."""

import os

import psycopg
import pytest

from support.postgres import PASSWORD
from support.processes import wait_until
from support.targets import make_target


@pytest.fixture
def table(db):
    db.execute("CREATE TABLE t AS SELECT i AS id, repeat('x', 300) AS pad FROM generate_series(1, 20000) i")
    return db


def configure(bqferry, target, connection, **keys):
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", **connection}},
        "destination": target.config, "defaults": {"retries": {"budget": "0s"}},
        "jobs": [{"name": "main", "source": {"connection": "db", "table": "t"}, "load": "replace",
                  "workers": 2, **keys}]})


def arrived(target):
    return [row[0] for row in target.rows("t", "id")] == list(range(1, 20001))


# As with psql -----------------------------------------------------------------------------------------

def test_keywords(table, bqferry, duckdb_target):
    configure(bqferry, duckdb_target, {"host": "127.0.0.1", "port": table.server.port, "user": "pw_role",
                                       "password": "${PW}", "database": table.name})
    bqferry.ok("run", env={"PW": PASSWORD})
    assert arrived(duckdb_target)


def test_keyword_string(table, bqferry, duckdb_target):
    configure(bqferry, duckdb_target, {
        "url": f"host=127.0.0.1 port={table.server.port} user=ferry dbname='{table.name}'"})
    bqferry.ok("run")
    assert arrived(duckdb_target)


def test_keywords_over_the_url(table, bqferry, duckdb_target):
    configure(bqferry, duckdb_target, {"url": table.url(user="no_such_role"), "user": "ferry"})
    bqferry.ok("run")


def test_pg_variables(table, bqferry, duckdb_target):
    configure(bqferry, duckdb_target, {})
    bqferry.ok("run", env={"PGHOST": "127.0.0.1", "PGPORT": table.server.port, "PGUSER": "pw_role",
                           "PGPASSWORD": PASSWORD, "PGDATABASE": table.name})
    assert arrived(duckdb_target)


def test_pgpass(table, bqferry, duckdb_target):
    configure(bqferry, duckdb_target, {"url": table.url(user="pw_role")})
    bqferry.fails("source", "run")
    pgpass = bqferry.home / ".pgpass"
    secret = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    pgpass.write_text(f"127.0.0.1:*:{table.name}:pw_role:{secret}\n")
    pgpass.chmod(0o600)
    bqferry.ok("run")
    assert arrived(duckdb_target)


@pytest.mark.parametrize("where", ("key", "PGSERVICE"))
def test_service_file(table, bqferry, duckdb_target, where):
    (bqferry.home / ".pg_service.conf").write_text(
        f"[shop]\nhost=127.0.0.1\nport={table.server.port}\nuser=ferry\ndbname={table.name}\n")
    configure(bqferry, duckdb_target, {"service": "shop"} if where == "key" else {})
    bqferry.ok("run", env={"PGSERVICE": "shop"} if where == "PGSERVICE" else {})
    assert arrived(duckdb_target)


def test_several_hosts(table, bqferry, duckdb_target):
    from support.processes import free_port
    configure(bqferry, duckdb_target, {
        "url": f"postgresql://ferry@127.0.0.1:{free_port()},127.0.0.1:{table.server.port}/{table.name}"})
    bqferry.ok("run")


def test_application_name(table, bqferry, duckdb_target, gate):
    configure(bqferry, duckdb_target, {"url": table.url()})
    text = (bqferry.folder / "bqferry.yaml").read_text()

    def name_of_run(text):
        bqferry.write_config(text.replace("table: t", f"table: t\n    where: {gate.at('id', 100)}"))
        run = bqferry.start("run")
        gate.wait_reached(run)
        names = {row[4] for row in table.backends()}
        gate.open()
        assert run.wait().code == 0
        gate.holder.execute("SELECT pg_advisory_lock(4711)")
        return names

    assert all(name.startswith("bqferry") for name in name_of_run(text))
    assert name_of_run(text.replace("type: postgresql", "type: postgresql\n    application_name: nightly")
                       ) == {"nightly"}


# TLS --------------------------------------------------------------------------------------------------

@pytest.fixture
def tls_table(tls_server):
    database = tls_server.new_database()
    # the administrator comes in by TLS as well: psycopg asks for it by itself
    database.execute("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 20000) i")
    yield database
    database.drop()


def tls(database, host="localhost", **keys):
    return {"url": f"postgresql://ferry@{host}:{database.server.port}/{database.name}?hostaddr=127.0.0.1",
            **keys}


@pytest.mark.parametrize("mode", ("require", "verify-ca", "verify-full"))
def test_tls(tls_table, bqferry, duckdb_target, certificates, mode):
    configure(bqferry, duckdb_target, tls(tls_table, sslmode=mode, sslrootcert=str(certificates / "ca.crt")))
    bqferry.ok("run")
    assert arrived(duckdb_target)


def test_tls_with_another_authority(tls_table, bqferry, duckdb_target, certificates):
    configure(bqferry, duckdb_target,
              tls(tls_table, sslmode="verify-full", sslrootcert=str(certificates / "other-ca.crt")))
    result = bqferry.fails("source", "run")
    assert "certificate verify failed" in result.stderr


def test_tls_with_another_name(tls_table, bqferry, duckdb_target, certificates):
    configure(bqferry, duckdb_target, tls(tls_table, host="127.0.0.1", sslmode="verify-full",
                                          sslrootcert=str(certificates / "ca.crt")))
    result = bqferry.fails("source", "run")
    assert "127.0.0.1" in result.stderr and "certificate" in result.stderr


def test_tls_refused(tls_table, bqferry, duckdb_target):
    configure(bqferry, duckdb_target, tls(tls_table, sslmode="disable"))
    bqferry.fails("source", "run")


def test_tls_relative_paths_start_at_the_configuration(tls_table, bqferry, duckdb_target, certificates):
    (bqferry.folder / "etc").mkdir()
    (bqferry.folder / "etc/ca.crt").write_bytes((certificates / "ca.crt").read_bytes())
    configure(bqferry, duckdb_target, tls(tls_table, sslmode="verify-full", sslrootcert="ca.crt"))
    (bqferry.folder / "bqferry.yaml").rename(bqferry.folder / "etc/bqferry.yaml")
    bqferry.ok("run", "--config", "etc/bqferry.yaml")


# Poolers and standbys ---------------------------------------------------------------------------------

def test_pgbouncer(table, bqferry, target, pgbouncer):
    """Transaction pooling: a setting of one transaction may not leak into another's session."""
    configure(bqferry, target, {"url": table.url(port=pgbouncer)})
    bqferry.ok("run")
    assert arrived(target)
    with psycopg.connect(table.url(port=pgbouncer), autocommit=True, prepare_threshold=None) as other:
        for _ in range(8):
            assert other.execute("SHOW timezone").fetchone() == ("America/St_Johns",)
            assert other.execute("SHOW statement_timeout").fetchone() == ("0",)
            assert other.execute("SHOW transaction_read_only").fetchone() == ("off",)


def test_standby(table, bqferry, target, standby):
    def there():
        try:
            with standby.connect(table.name) as connection:
                return connection.execute("SELECT count(*) FROM t").fetchone() == (20000,)
        except psycopg.Error:
            return False

    wait_until(there, "the standby to follow")
    configure(bqferry, target, {"url": table.url(port=standby.port)})
    result = bqferry.ok("run")
    assert arrived(target)
    assert result.job()["workers"] == 2


def test_standby_says_what_to_do_after_a_conflict(db, bqferry, own_server, tmp_path):
    """Replay cancels a long read: an error that names the cause."""
    primary = own_server()
    database = primary.new_database()
    database.execute("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 20000) i")
    from support.postgres import Postgres
    follower = Postgres(primary.folder.parent / f"{primary.folder.name}-standby",
                        settings={"max_standby_streaming_delay": "'0'"})
    try:
        follower.clone_of(primary).start()
        target = make_target("duckdb", tmp_path)
        bqferry.write_config({
            "version": 1,
            "connections": {"db": {"type": "postgresql", "url": database.url(port=follower.port)}},
            "destination": target.config, "defaults": {"retries": {"budget": "0s"}},
            "jobs": [{"name": "main", "source": {
                "connection": "db", "query": "SELECT id, pg_sleep(0.001)::text AS nap FROM t"},
                "target": "t"}]})
        run = bqferry.start("run")

        def reading():
            with follower.connect(database.name) as connection:
                return connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ferry'"
                                          " AND state = 'active'").fetchone()[0]
        wait_until(reading, "the read on the standby")
        database.execute("DELETE FROM t")
        database.execute("VACUUM t")
        result = run.wait()
        assert result.code == 3, str(result)
        assert "conflict with recovery" in result.stderr
        assert "hot_standby_feedback" in result.stderr, f"no way out is named\n{result}"
        assert not target.exists("t")
    finally:
        follower.stop()


# Encodings --------------------------------------------------------------------------------------------

ASCII = "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"


def odd_bytes(server):
    database = server.new_database(ASCII)
    database.execute("CREATE TABLE t (id int, v text);"
                     " INSERT INTO t VALUES (1, convert_from('\\x677574', 'SQL_ASCII')),"
                     " (2, convert_from('\\xff41', 'SQL_ASCII')), (3, convert_from('\\xc3a9', 'SQL_ASCII')),"
                     " (4, convert_from('\\xc0af', 'SQL_ASCII')), (5, convert_from('\\xeda080', 'SQL_ASCII')),"
                     " (6, convert_from('\\xf09f9880', 'SQL_ASCII')), (7, convert_from('\\xf09f98', 'SQL_ASCII'))")
    return database


def test_invalid_utf8(server, bqferry, target):
    """A SQL_ASCII database holds any bytes: valid UTF-8 arrives, the rest meets the policy."""
    database = odd_bytes(server)
    configure(bqferry, target, {"url": database.url()})
    result = bqferry.fails("data", "run")
    assert "UTF-8" in result.stderr and '"v"' in result.stderr, str(result)
    assert not target.exists("t")
    configure(bqferry, target, {"url": database.url()}, on_invalid="null")
    result = bqferry.ok("run")
    assert target.rows("t", "id, v") == [(1, "gut"), (2, None), (3, "é"), (4, None), (5, None),
                                         (6, "😀"), (7, None)]
    assert result.job()["invalid"] == {"v": {"utf8": 4}}
    database.drop()


def test_latin1_database(server, bqferry, target):
    database = server.new_database("ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    database.execute("CREATE TABLE t AS SELECT 1 AS id, 'é' AS v; ALTER TABLE t RENAME v TO \"größe\"")
    configure(bqferry, target, {"url": database.url()}, columns={"größe": {"name": "v"}})
    bqferry.ok("run")
    assert target.rows("t", "id, v") == [(1, "é")]
    database.drop()


# Naive timestamps -------------------------------------------------------------------------------------

def test_naive_timestamps_by_place(db, bqferry, tmp_path):
    """Column over job over defaults over connection."""
    db.execute("CREATE TABLE t AS SELECT 1 AS id, TIMESTAMP '2024-06-30 12:00' AS a,"
               " TIMESTAMP '2024-06-30 12:00' AS b")
    target = make_target("duckdb", tmp_path)
    zone = lambda name: {"type": "TIMESTAMP", "time_zone": name}  # noqa: E731

    def carried(connection=None, defaults=None, job=None, column=None):
        def said(value):
            return {"naive_timestamps": value} if value else {}
        bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url(), **said(connection)}},
            "destination": target.config, "defaults": said(defaults),
            "jobs": [{"name": "main", "source": {"connection": "db", "table": "t"}, "load": "replace",
                      **said(job), **({"columns": {"b": said(column)}} if column else {})}]})
        bqferry.ok("run")
        return [text for row in target.rows("t", "CAST(a AS VARCHAR), CAST(b AS VARCHAR)") for text in row]

    plain, berlin, delhi, utc = ("2024-06-30 12:00:00", "2024-06-30 10:00:00+00",
                                 "2024-06-30 06:30:00+00", "2024-06-30 12:00:00+00")
    assert carried() == [plain, plain]
    assert carried(connection=zone("Europe/Berlin")) == [berlin, berlin]
    assert carried(connection=zone("Europe/Berlin"), defaults=zone("Asia/Kolkata")) == [delhi, delhi]
    assert carried(defaults=zone("Asia/Kolkata"), job=zone("Europe/Berlin")) == [berlin, berlin]
    assert carried(job=zone("Europe/Berlin"), column={"type": "DATETIME"}) == [berlin, plain]
    assert carried(job=zone("Europe/Berlin"), column={"type": "TIMESTAMP", "time_zone": "UTC"}) \
        == [berlin, utc]


# Secrets ----------------------------------------------------------------------------------------------

def everything_written(folder):
    """The bytes of every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_password_is_nowhere(table, bqferry, tmp_path, gate):
    """Not in the output at any level, not in state, report, manifest or warehouse."""
    from urllib.parse import quote
    secrets = (PASSWORD, quote(PASSWORD, safe=""))
    url = table.url(user="pw_role", password=PASSWORD)
    env = {"SHOP_URL": url}
    (tmp_path / "out").mkdir()
    for kind in ("duckdb", "avro"):
        target = make_target(kind, tmp_path / "out")
        configure(bqferry, target, {"url": "${SHOP_URL}"})
        texts = []
        for command in (["run"], ["--log-format", "json", "run", "--progress", "json"],
                        ["plan"], ["plan", "--json"], ["check"], ["check", "--json"],
                        ["discover", "db"], ["discover", "db", "public.t", "--json"], ["config", "validate"]):
            result = bqferry("--log-level", "debug", *command, env=env)
            assert result.code == 0, str(result)
            texts.append(result.text)
        broken = bqferry("run", env={"SHOP_URL": url.replace(table.name, "nowhere")})
        assert broken.code == 3
        texts.append(broken.text)
        found = everything_written(bqferry.folder) | everything_written(tmp_path / "out")
        assert found
        for secret in secrets:
            assert not any(secret in text for text in texts)
            assert not [path for path, data in found.items() if secret.encode() in data]


@pytest.mark.skipif(not os.path.exists("/proc/self/cmdline"), reason="needs /proc")
def test_password_leaves_the_process_title(table, bqferry, tmp_path, gate):
    url = table.url(user="pw_role", password=PASSWORD)
    run = bqferry.start("copy", url, "t", f"files:{tmp_path}/out", "--where", gate.at("id", 100))
    gate.wait_reached(run)
    with open(f"/proc/{run.pid}/cmdline", "rb") as file:
        title = file.read()
    gate.open()
    result = run.wait()
    assert result.code == 0, str(result)
    from urllib.parse import quote
    for secret in (PASSWORD, quote(PASSWORD, safe="")):
        assert secret.encode() not in title
        assert secret not in result.text
    assert b"copy" in title
