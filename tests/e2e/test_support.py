# SPDX-License-Identifier: Apache-2.0
"""The tests' own tools do what they say; nothing of bqferry runs here."""

import threading

import psycopg
import pytest

from support import readers
from support.processes import wait_until


def test_server_answers_and_role_is_hostile(db):
    db.execute("CREATE TABLE t (v text); INSERT INTO t VALUES ('ß')")
    with db.connect(user="ferry") as ferry:
        assert ferry.execute("SHOW timezone").fetchone() == ("America/St_Johns",)
        assert ferry.execute("SHOW client_encoding").fetchone() == ("LATIN1",)
        assert ferry.execute("SELECT v FROM t").fetchone() == ("ß",)


def test_databases_are_apart(server):
    one, two = server.new_database(), server.new_database()
    one.execute("CREATE TABLE only_here ()")
    assert two.rows("SELECT 1 FROM pg_class WHERE relname = 'only_here'") == []
    one.drop(), two.drop()


def test_gate_stops_a_reader(db, gate):
    db.execute("CREATE TABLE t AS SELECT generate_series(1, 100) AS id")
    got = []

    def read():
        with db.connect(user="ferry") as ferry:
            got.extend(ferry.execute(f"SELECT id FROM t WHERE {gate.at('id', 50)}").fetchall())

    thread = threading.Thread(target=read)
    thread.start()
    gate.wait_reached()
    assert got == []
    gate.open()
    thread.join(10)
    assert len(got) == 100


def test_proxy_holds_and_cuts(db, proxy):
    url = db.url(user="postgres", port=proxy.port, sslmode="disable")
    proxy.hold("'slow'")
    with psycopg.connect(url, autocommit=True) as connection:
        got = []
        thread = threading.Thread(
            target=lambda: got.extend(connection.execute("SELECT 'slow'").fetchall()))
        thread.start()
        proxy.wait_held()
        assert got == []
        proxy.release()
        thread.join(10)
        assert got == [("slow",)]
    proxy.cut("generate_series", 100_000)
    with pytest.raises(psycopg.OperationalError):
        with psycopg.connect(url) as connection:
            connection.execute("SELECT generate_series(1, 1000000)").fetchall()
    assert proxy.cuts == 1


def test_standby_follows(db, standby):
    db.execute("CREATE TABLE t AS SELECT 1 AS v")

    def arrived():
        try:
            with standby.connect(db.name) as connection:
                return connection.execute("SELECT v FROM t").fetchone() == (1,)
        except psycopg.Error:
            return False

    wait_until(arrived, "the standby")
    with standby.connect(db.name) as connection:
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)


def test_tls_server_is_verified(tls_server, certificates):
    url = f"postgresql://ferry@localhost:{tls_server.port}/postgres?hostaddr=127.0.0.1"
    with psycopg.connect(f"{url}&sslmode=verify-full&sslrootcert={certificates}/ca.crt") as good:
        assert good.pgconn.ssl_in_use
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(f"{url}&sslmode=verify-full&sslrootcert={certificates}/other-ca.crt")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"{url}&sslmode=disable")


def test_pgbouncer_pools(db, pgbouncer):
    with psycopg.connect(db.url(port=pgbouncer), prepare_threshold=None) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_own_server_restarts(own_server):
    server = own_server()
    server.restart()
    with server.connect("postgres") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_crc32c():
    assert readers.crc32c(b"") == 0
    assert readers.crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_json_keeps_everything():
    assert readers.json_loads('{"a":1,"a":1e400}') != readers.json_loads('{"a":1e400}')
    assert readers.json_loads("1.10") == readers.json_loads("1.1")
    assert readers.json_loads("100000000000000000001") != readers.json_loads("1e20")
