# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of its own: a temporary folder, a free port on the loopback, an ordinary user.

PG_BIN names the folder of another major version's programs."""

import glob
import itertools
import os
import re
import shutil
import signal
import subprocess
from urllib.parse import quote

import psycopg
from psycopg import sql

from support.processes import Daemon, as_server_user, free_port, own_folder, wait_until

ADMIN = "postgres"
PASSWORD = "s3cret/pass word%"

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# what survives a crash
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

BASE = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "100",
    "shared_buffers": "'128MB'",
    "autovacuum": "off",
    "jit": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "hot_standby": "on",
    "lc_messages": "'C'",
    "log_line_prefix": "'%m [%p] %q%u@%d '",
}

# A role's settings that change every text form: a reader must set its own.
HOSTILE = {
    "timezone": "America/St_Johns",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-3",
    "xmlbinary": "hex",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
}


def find_bin():
    """The folder with initdb and postgres."""
    if os.environ.get("PG_BIN"):
        return os.environ["PG_BIN"]
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"),
                   key=lambda path: int(re.search(r"/(\d+)/bin/", path).group(1)))
    path = found[-1] if found else shutil.which("initdb")
    if not path:
        raise RuntimeError("no PostgreSQL server programs found; set PG_BIN")
    return os.path.dirname(path)


def find_major():
    """The major version of those programs."""
    text = subprocess.run([f"{find_bin()}/postgres", "--version"], check=True, capture_output=True,
                          text=True).stdout
    return int(re.search(r"\) (\d+)", text).group(1))


class Postgres:
    """One server. `folder` must be reachable by the servers' user."""

    def __init__(self, folder, settings=None, hba=None):
        self.bin = find_bin()
        self.folder = own_folder(folder)
        self.data = folder / "data"
        self.log = folder / "log"
        self.port = free_port()
        self.settings = {**BASE, **FAST, **(settings or {})}
        self.hba = hba
        self.daemon = None
        self._names = itertools.count(1)

    def _tool(self, name, *arguments):
        subprocess.run([f"{self.bin}/{name}", *map(str, arguments)], check=True, cwd="/",
                       stdin=subprocess.DEVNULL, capture_output=True, **as_server_user())

    def create(self):
        self._tool("initdb", "-D", self.data, "-U", ADMIN, "-A", "trust", "--no-sync",
                   "--locale=C", "-E", "UTF8")
        self.configure()
        return self

    def clone_of(self, primary):
        """A hot standby of a running server."""
        self._tool("pg_basebackup", "-h", "127.0.0.1", "-p", primary.port, "-U", ADMIN, "-D",
                   self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self.configure()
        return self

    def configure(self):
        with open(self.data / "postgresql.conf", "a") as file:
            for name, value in self.settings.items():
                file.write(f"{name} = {value}\n")
        rules = self.hba or ["host all pw_role 127.0.0.1/32 scram-sha-256",
                             "host all,replication all 127.0.0.1/32 trust"]
        (self.data / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def major(self):
        return int((self.data / "PG_VERSION").read_text())

    def start(self):
        self.daemon = Daemon([f"{self.bin}/postgres", "-D", self.data, "-p", self.port], self.log,
                             stop_signal=signal.SIGINT)
        self.daemon.wait_for(self._answers, "PostgreSQL")
        return self

    def _answers(self):
        try:
            self.connect("postgres").close()
            return True
        except psycopg.OperationalError:
            return False

    def stop(self, number=None):
        """SIGINT ends it at once and in order; SIGQUIT is a crash."""
        if self.daemon:
            self.daemon.stop(number)
            self.daemon = None

    def restart(self, number=None):
        self.stop(number)
        self.start()

    def connect(self, database, user=ADMIN, **options):
        return psycopg.connect(host="127.0.0.1", port=self.port, dbname=database, user=user,
                               autocommit=True, connect_timeout=10, **options)

    def new_database(self, options=""):
        name = f"test_{os.getpid()}_{next(self._names)}"
        with self.connect("postgres") as admin:
            admin.execute(f"CREATE DATABASE {name} {options}")
        return Database(self, name)

    def create_roles(self):
        """ferry, which bqferry uses, may read everything and has hostile settings; watcher also sees
        when transactions of others began; poor may read nothing; pw_role has a password; plain is
        ferry without the settings."""
        with self.connect("postgres") as admin:
            may = ("IN ROLE pg_read_all_data" if admin.info.server_version >= 140000 else "SUPERUSER")
            admin.execute("SET password_encryption = 'scram-sha-256'")
            for statement in (f"CREATE ROLE ferry LOGIN {may}", f"CREATE ROLE plain LOGIN {may}",
                              "CREATE ROLE poor LOGIN",
                              f"CREATE ROLE watcher LOGIN {may}",
                              "GRANT pg_read_all_stats TO watcher",
                              f"CREATE ROLE pw_role LOGIN PASSWORD '{PASSWORD}' {may}"):
                admin.execute(statement)
            for setting, value in HOSTILE.items():
                admin.execute(sql.SQL("ALTER ROLE ferry SET {} = {}").format(
                    sql.Identifier(setting), sql.Literal(value)))
        return self


class Database:
    """One database of a server, with an administrator's connection for the test itself."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self._admin = None

    @property
    def admin(self):
        if self._admin is None or self._admin.closed or self._admin.broken:
            self._admin = self.connect()
        return self._admin

    def connect(self, **options):
        return self.server.connect(self.name, **options)

    def execute(self, statement, *parameters):
        """Runs SQL; several statements when there are no parameters."""
        return self.admin.execute(statement, *parameters)

    def rows(self, query):
        return self.admin.execute(query).fetchall()

    def value(self, query):
        return self.admin.execute(query).fetchone()[0]

    def url(self, user="ferry", password=None, port=None, **parameters):
        secret = f":{quote(password, safe='')}" if password else ""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return (f"postgresql://{user}{secret}@127.0.0.1:{port or self.server.port}/{self.name}"
                + (f"?{query}" if query else ""))

    def backends(self, user="ferry"):
        """The server's sessions of bqferry."""
        return self.rows(
            "SELECT pid, state, query, backend_xmin IS NOT NULL AS holds, application_name"
            f" FROM pg_stat_activity WHERE datname = '{self.name}' AND usename = '{user}'"
            " AND backend_type = 'client backend' ORDER BY pid")

    def wait_idle(self, user="ferry"):
        """Until no session of bqferry is left."""
        wait_until(lambda: not self.backends(user), "the server's sessions to end")

    def drop(self):
        if self._admin is not None:
            self._admin.close()
        with self.server.connect("postgres") as admin:
            if admin.info.server_version >= 130000:
                admin.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
            else:
                admin.execute(f"DROP DATABASE IF EXISTS {self.name}")
