# SPDX-License-Identifier: Apache-2.0
"""A MariaDB, or a MySQL, of its own: a temporary folder, a free port on the loopback, an ordinary user.

MARIADB_BIN names the program of another MariaDB, MYSQL_BIN one of MySQL: a mysqld, or a script that
starts one (CONTRIBUTING.md)."""

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pymysql

from support.processes import Daemon, as_server_user, free_port, own_folder, wait_until

PASSWORD = "s3cret/pass word%"

BASE = {
    "bind-address": "127.0.0.1",
    "max-connections": "60",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-buffer-pool-size": "64M",
    "server-id": "1",
    "log-bin": "binlog",
    "sync-binlog": "0",
    "local-infile": "0",
}

# Settings that change how values look: a reader must set its own.
HOSTILE = {
    "time_zone": "'-03:30'",
    "sql_mode": "'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
    "sql_select_limit": "1",
    "lc_time_names": "'de_DE'",
    "net_write_timeout": "2",
    "transaction_isolation": "'READ-UNCOMMITTED'",
}


def find_mariadb():
    """mariadbd of this machine."""
    found = os.environ.get("MARIADB_BIN") or shutil.which(
        "mariadbd", path=os.environ["PATH"] + ":/usr/sbin:/usr/libexec")
    if not found:
        raise RuntimeError("no MariaDB server found; set MARIADB_BIN")
    return found


def version_of(program):
    """101119 for 10.11.19, 90704 for 9.7.4."""
    text = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    major, minor, patch = map(int, re.search(r"Ver (\d+)\.(\d+)\.(\d+)", text).groups())
    return major * 10000 + minor * 100 + patch


class Mariadb:
    """One server. `folder` must be reachable by the servers' user."""

    driver = "mariadb"

    def __init__(self, folder, settings=None, program=None):
        self.program = program or find_mariadb()
        self.folder = own_folder(folder)
        self.data = folder / "data"
        # a server that starts removes what others have under way in a folder that they share
        self.temporary = own_folder(folder / "tmp")
        self.socket = folder / "socket"
        self.log = folder / "log"
        self.port = free_port()
        self.settings = {**BASE, **(settings or {})}
        self.version = version_of(self.program)
        self.daemon = None
        self._names = itertools.count(1)

    def _run(self, *command, **more):
        return subprocess.run([str(word) for word in command], check=True, cwd="/", text=True,
                              capture_output=True, **as_server_user(), **(more or {"stdin": subprocess.DEVNULL}))

    def _system_tables(self):
        """What mariadb-install-db feeds to a server, from the files of this very version."""
        said = self._run(self.program, "--no-defaults", "--verbose", "--help").stdout
        share = Path(re.search(r"^character-sets-dir\s+(/.*\S)", said, re.MULTILINE).group(1)).parent
        names = ("m*_system_tables.sql", "m*_performance_tables.sql", "m*_system_tables_data.sql",
                 "maria_add_gis_sp_bootstrap.sql", "m*_sys_schema.sql")
        scripts = [path for name in names for path in share.glob(name)]
        lines = "\n".join(path.read_text() for path in scripts).splitlines()
        return "\n".join(("CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket = NULL;",
                          "SET @skip_auth_anonymous = 1;",
                          *(line for line in lines if "@current_hostname" not in line), ""))

    def create(self):
        own_folder(self.data)
        self._run(self.program, "--no-defaults", "--bootstrap", f"--datadir={self.data}",
                  f"--tmpdir={self.temporary}", "--enforce-storage-engine=", "--max-allowed-packet=8M",
                  "--net-buffer-length=16K", input=self._system_tables())
        return self

    def arguments(self):
        return [f"--{name}={value}" for name, value in self.settings.items()]

    def start(self):
        self.daemon = Daemon(
            [self.program, "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
             f"--socket={self.socket}", f"--pid-file={self.folder}/pid", f"--tmpdir={self.temporary}", *self.arguments()],
            self.log)
        self.daemon.wait_for(self._answers, "the server", 120)
        return self

    def _answers(self):
        try:
            self.connect().close()
            return True
        except pymysql.err.OperationalError:
            return False

    def stop(self, number=None):
        if self.daemon:
            self.daemon.stop(number)
            self.daemon = None

    def restart(self, number=None):
        self.stop(number)
        self.start()

    def connect(self, database=None, user="root", password=""):
        return pymysql.connect(unix_socket=str(self.socket), user=user, password=password,
                               database=database, autocommit=True, charset="utf8mb4",
                               client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)

    def run(self, *statements):
        with self.connect() as admin, admin.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def new_database(self, options=""):
        name = f"test_{os.getpid()}_{next(self._names)}"
        self.run(f"CREATE DATABASE {name} {options}")
        return MariadbDatabase(self, name)

    def hostile(self):
        """Every new session, but the administrator's, begins with settings that change values."""
        names = {"transaction_isolation": "tx_isolation"} if self.version >= 100000 \
            and self.version < 110100 else {}
        return "SET NAMES latin1; " + "; ".join(f"SET SESSION {names.get(name, name)} = {value}"
                         for name, value in HOSTILE.items())

    def has(self, mariadb, mysql):
        """Whether this server is of that version of its kind, or a later one."""
        return self.version >= {"mariadb": mariadb, "mysql": mysql}[self.driver]

    @property
    def shows_prepared(self):
        """Whether everybody may ask XA RECOVER."""
        return self.driver == "mariadb" or self.version < 80000

    def create_users(self, hostile=True):
        """ferry, which bqferry uses, may read everything and has hostile settings; poor may read
        nothing; plain is ferry that may not lock; watcher is ferry that sees what others do, and
        onlooker one that sees it without the names of prepared transactions; pw has a password."""
        self.run("CREATE USER ferry@'127.0.0.1'", "CREATE USER plain@'127.0.0.1'",
                 "CREATE USER poor@'127.0.0.1'",
                 "CREATE USER watcher@'127.0.0.1'",
                 "CREATE USER onlooker@'127.0.0.1'",
                 "GRANT SELECT, RELOAD, PROCESS ON *.* TO watcher@'127.0.0.1', onlooker@'127.0.0.1'",
                 *([] if self.shows_prepared else ["GRANT XA_RECOVER_ADMIN ON *.* TO watcher@'127.0.0.1'"]),
                 f"CREATE USER pw@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
                 "GRANT SELECT, RELOAD ON *.* TO ferry@'127.0.0.1'",
                 "GRANT SELECT ON *.* TO plain@'127.0.0.1', pw@'127.0.0.1'",
                 *([f"SET GLOBAL init_connect = \"{self.hostile()}\""] if hostile else []))
        return self


class Mysql(Mariadb):
    """MySQL itself."""

    driver = "mysql"

    def __init__(self, folder, settings=None):
        super().__init__(folder, {"loose-mysqlx": "OFF", "secure-file-priv": "", **(settings or {})},
                         os.environ["MYSQL_BIN"])

    def create(self):
        self._run(self.program, "--no-defaults", "--initialize-insecure", f"--datadir={self.data}",
                  f"--tmpdir={self.temporary}")
        return self


class MariadbDatabase:
    """One database of a server, with an administrator's connection for the test itself."""

    driver = "mysql"

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self._admin = None

    @property
    def schema(self):
        return self.name

    @property
    def admin(self):
        if self._admin is None or not self._admin.open:
            self._admin = self.connect()
            self.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'", "SET time_zone = '+00:00'")
        return self._admin

    def connect(self):
        return self.server.connect(self.name)

    def execute(self, *statements):
        with self.admin.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query):
        with self.admin.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def value(self, query):
        return self.rows(query)[0][0]

    def url(self, user="ferry", password=None, port=None, scheme="mysql", **parameters):
        secret = f":{quote(password, safe='')}" if password else ""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return (f"{scheme}://{user}{secret}@127.0.0.1:{port or self.server.port}/{self.name}"
                + (f"?{query}" if query else ""))

    def sessions(self, user="ferry"):
        """The server's sessions of bqferry: id, command, seconds, statement."""
        return self.rows("SELECT id, command, time, info FROM information_schema.processlist"
                         f" WHERE user = '{user}' ORDER BY id")

    def wait_idle(self, user="ferry"):
        """Until no session of bqferry is left."""
        wait_until(lambda: not self.sessions(user), "the server's sessions to end")

    def drop(self):
        if self._admin is not None and self._admin.open:
            self._admin.close()
        self.server.run("SET SESSION lock_wait_timeout = 20", f"DROP DATABASE IF EXISTS {self.name}")
