# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: real servers, the real program, other people's clients.

    server      a PostgreSQL for the whole session. Role `postgres` (administrator) is for the test,
                role `ferry` for bqferry: it may read everything, and its settings are hostile
                (time zone, date style, client encoding, …). Both come in without a password.
    db          a database of its own in it: db.execute(sql), db.rows(sql), db.value(sql), db.url()
    bqferry     the program in a working folder of its own: bqferry(…) runs it and returns code,
                stdout, stderr, report; .ok(…) must end well; .fails("source", …) must end with that
                exit code; .start(…) goes on in the background; fault="…" sets a fault point;
                .write_config({…}) writes bqferry.yaml
    job         job(target, source, **keys): a configuration with one job `main`; retries are off
    target      parametrised over duckdb, avro and ndjson: target.config, .rows(table), .check(table)
    duckdb_target, files_target   one of them
    google, google_verifying   the stand-in for BigQuery and Cloud Storage (support/bigquery.py), empty;
                the second one asks for tokens
    mariadb     a MariaDB for the whole session: user `ferry`, whose sessions begin with hostile
                settings, may read and lock everything, `plain` may read, `poor` nothing
    sql_server  that one, and the MySQL that MYSQL_BIN names, one after the other
    sql_db      a database of its own in one of them: sql_db.execute(…), .rows(…), .url()
    own_sql     makes further ones of the same kind
    proxy       a TCP proxy before `server`: hold(pattern), wait_held(), release(), cut(pattern, n)
    own_server  makes further servers, for tests that restart or break them
    gate        stops a reader at a row until the test opens it (support/gate.py)
    standby, tls_server, pgbouncer   what their names say
    small_disk  a folder with room for 8 MB
    seed, soak  a printed seed; whether the large settings are asked for

What cannot run here fails, so that nothing is skipped unseen; BQFERRY_MAY_SKIP=1 skips instead.
PG_BIN picks another PostgreSQL, BQFERRY_BIN another program, BQFERRY_SEED a seed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
pytest.register_assert_rewrite("support")

from support.bigquery import StandIn  # noqa: E402
from support.discovery import check_calls  # noqa: E402
from support.gate import Gate  # noqa: E402
from support.google_fixtures import google, google_verifying  # noqa: E402, F401
from support.mariadb import Mariadb, Mysql  # noqa: E402
from support.postgres import Postgres  # noqa: E402
from support.processes import Daemon, free_port, own_folder  # noqa: E402
from support.program import Program  # noqa: E402
from support.proxy import Proxy  # noqa: E402
from support.targets import KINDS, make_target  # noqa: E402


def pytest_configure():
    """Being terminated ends the servers and removes their folders, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def unavailable(reason):
    """The machine cannot run this test."""
    if os.environ.get("BQFERRY_MAY_SKIP"):
        pytest.skip(reason)
    pytest.fail(f"{reason} (BQFERRY_MAY_SKIP=1 skips such tests)", pytrace=False)


# Servers ------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def servers_folder():
    """Below /tmp and open to everybody: the servers' user must get there."""
    folder = Path(tempfile.mkdtemp(prefix="bqferry-e2e-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(servers_folder):
    server = Postgres(servers_folder / "postgres").create().start()
    try:
        server.create_roles()
        yield server
    finally:
        server.stop()


@pytest.fixture
def db(server):
    database = server.new_database()
    yield database
    database.drop()


def _running(server):
    try:
        server.create().start().create_users()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb(servers_folder):
    yield from _running(Mariadb(servers_folder / "mariadb"))


@pytest.fixture(scope="session")
def mysql(servers_folder):
    yield from _running(Mysql(servers_folder / "mysql"))


SQL_SERVERS = ("mariadb", "mysql") if os.environ.get("MYSQL_BIN") else ("mariadb",)


@pytest.fixture(scope="module", params=SQL_SERVERS)
def sql_server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def sql_db(sql_server):
    database = sql_server.new_database("CHARACTER SET utf8mb4")
    yield database
    database.drop()


@pytest.fixture
def own_sql(sql_server, servers_folder, request):
    """own_sql(settings={…}): another started server of the kind of `sql_server`, with the same users."""
    made = []

    def make(**options):
        server = type(sql_server)(servers_folder / f"own-{request.node.name[:40]}-{len(made)}", **options)
        made.append(server)
        return server.create().start().create_users()

    yield make
    for server in made:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def own_server(servers_folder, request):
    """own_server(settings={…}, hba=[…]): a started server with a role `ferry`."""
    made = []

    def make(**options):
        server = Postgres(servers_folder / f"own-{request.node.name[:40]}-{len(made)}", **options)
        made.append(server)
        server.create().start()
        server.create_roles()
        return server

    yield make
    for server in made:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def standby(server, servers_folder):
    """A hot standby of `server`; databases that the primary makes arrive there by themselves."""
    standby = Postgres(servers_folder / "standby", settings={"hot_standby_feedback": "on"})
    try:
        yield standby.clone_of(server).start()
    finally:
        standby.stop()
        shutil.rmtree(standby.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def certificates(servers_folder):
    """ca.crt, server.crt and server.key for the name localhost, other-ca.crt."""
    folder = own_folder(servers_folder / "certificates")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                f"/CN=bqferry test {name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout",
            "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", "names", "-out", "server.crt")
    key = folder / "server.key"
    key.chmod(0o600)
    if os.getuid() == 0:
        owner = folder.stat()
        os.chown(key, owner.st_uid, owner.st_gid)
    return folder


@pytest.fixture(scope="module")
def tls_server(servers_folder, certificates):
    """Takes connections with TLS only; its certificate is for localhost."""
    server = Postgres(
        servers_folder / "tls",
        settings={"ssl": "on", "ssl_cert_file": f"'{certificates}/server.crt'",
                  "ssl_key_file": f"'{certificates}/server.key'"},
        hba=["hostssl all all 127.0.0.1/32 trust"])
    try:
        server.create().start()
        server.create_roles()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def pgbouncer(server, servers_folder):
    """PgBouncer in transaction mode before `server`, with two server connections at most: its port."""
    program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not program:
        unavailable("pgbouncer is not installed")
    folder = own_folder(servers_folder / "pgbouncer")
    port = free_port()
    (folder / "users.txt").write_text('"ferry" ""\n"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(f"""[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 4
admin_users = postgres
""")
    daemon = Daemon([program, folder / "pgbouncer.ini"], folder / "log", signal.SIGINT)
    try:
        daemon.wait_for(lambda: _listens(port), "pgbouncer")
        yield port
    finally:
        daemon.stop(signal.SIGTERM)


def _listens(port):
    import socket
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def proxy(server):
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def _standin(mode):
    @pytest.fixture(scope="session")
    def server(tmp_path_factory):
        with StandIn(tmp_path_factory.mktemp(f"google-{mode}"), auth=mode) as standin:
            yield standin
            # of the whole session, whatever it was about: what Google documents, nothing else
            check_calls(call for call in standin.recorded()
                        if call["headers"].get("user-agent", "").startswith("bqferry/")
                        and "reset_request" not in call["faults"])  # those were not read to their end
    return server


google_server = _standin("none")
google_verifying_server = _standin("verify")


# The program and its targets ----------------------------------------------------------------------

@pytest.fixture
def bqferry(tmp_path):
    program = Program(tmp_path / "work")
    assert program.binary.exists(), f"{program.binary} is not built (make, or BQFERRY_BIN=…)"
    yield program
    program.close()


@pytest.fixture(scope="session")
def fault_points(tmp_path_factory):
    """The program was built with fault points; else the test cannot run."""
    program = Program(tmp_path_factory.mktemp("faults"))
    program.write_config({"version": 1, "connections": {"db": {"type": "postgresql"}},
                          "destination": {"type": "files", "path": "exports"}, "jobs": []})
    if b"delivery.intended" not in program.binary.read_bytes():
        unavailable(f"{program.binary} has no fault points (the debug preset has)")


@pytest.fixture(params=KINDS)
def target(request, tmp_path):
    return make_target(request.param, tmp_path)


@pytest.fixture
def duckdb_target(tmp_path):
    return make_target("duckdb", tmp_path)


@pytest.fixture
def files_target(tmp_path):
    return make_target("avro", tmp_path)


@pytest.fixture
def job(db, bqferry):
    """job(target, source, **keys) writes a configuration with one job, `main`."""
    def write(target, source, /, url=None, config=None, **keys):
        source = {"connection": "db", **({"table": source} if isinstance(source, str) else source)}
        return bqferry.write_config({
            "version": 1,
            "connections": {"db": {"type": "postgresql", "url": url or db.url()}},
            "destination": target.config,
            # one attempt, unless a test is about the others
            "defaults": {"load": "append", "retries": {"budget": "0s"}},
            "jobs": [{"name": "main", "source": source, **keys}],
            **(config or {})})
    return write


@pytest.fixture
def gate(db):
    gate = Gate(db)
    yield gate
    gate.close()


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 8 MB; without root's rights there is none: None."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = os.getuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True).returncode == 0
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)


# Chance and size ----------------------------------------------------------------------------------

@pytest.fixture
def seed():
    """A random generator whose seed is printed when the test fails."""
    number = int(os.environ.get("BQFERRY_SEED") or random.SystemRandom().randrange(1 << 31))
    print(f"BQFERRY_SEED={number}")
    return random.Random(number)


@pytest.fixture(scope="session")
def soak():
    return bool(os.environ.get("BQFERRY_SOAK"))
