# SPDX-License-Identifier: Apache-2.0
"""People at work on a MariaDB or MySQL: transactions that overlap, commit out of order, roll back; statements
that wait for locks after they were given their time."""

import random
import threading
import time

import pymysql

SCHEMA = (
    """CREATE TABLE items (id int AUTO_INCREMENT PRIMARY KEY, v int NOT NULL, w varchar(40),
       updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
       KEY (updated_at))""",
    """CREATE TABLE events (id int AUTO_INCREMENT PRIMARY KEY, at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
       body varchar(40), KEY (at))""",
    *["INSERT INTO items (v, w) VALUES " + ", ".join(f"({i}, 'first')" for i in range(200))],
    *["INSERT INTO events (body) VALUES " + ", ".join("('first')" for _ in range(200))])

LOST_RACES = (1205, 1213, 1020)  # lock wait timeout, deadlock, record has changed


class Writers:
    """The server stamps all rows: by defaults, ON UPDATE, or NOW() of a statement."""

    def __init__(self, db, seed, threads=3):
        self.db = db
        self.stop_flag = threading.Event()
        self.errors = []
        self.commits = 0
        self.threads = [threading.Thread(target=self._work, args=(random.Random(seed.random()), number == 0))
                        for number in range(threads + 1)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stop_flag.set()
        for thread in self.threads:
            thread.join()
        assert exception[0] or not self.errors, self.errors[0]
        return False

    def _work(self, chance, is_locker):
        connection = self.db.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00', innodb_lock_wait_timeout = 2")
            while not self.stop_flag.is_set():
                try:
                    (self._lock if is_locker else self._transaction)(cursor, chance)
                except pymysql.err.MySQLError as error:
                    if error.args[0] not in LOST_RACES:
                        self.errors.append(error)
                        return
                    cursor.execute("ROLLBACK")
        connection.close()

    def _lock(self, cursor, chance):
        """Whoever writes now has its time, and no transaction."""
        self._pause(chance, 3.0)
        cursor.execute(f"LOCK TABLES {chance.choice(('items', 'events'))} READ")
        self._pause(chance, 1.5)
        cursor.execute("UNLOCK TABLES")

    def _transaction(self, cursor, chance):
        if chance.random() < 0.3:
            cursor.execute(self._statement(chance))  # commits by itself
            self.commits += 1
            return
        cursor.execute("BEGIN")
        for _ in range(chance.randint(1, 5)):
            cursor.execute(self._statement(chance))
            self._pause(chance, 4.0 if chance.random() < 0.15 else 0.05)
        cursor.execute("ROLLBACK" if chance.random() < 0.15 else "COMMIT")
        self.commits += 1

    def _pause(self, chance, most):
        self.stop_flag.wait(chance.random() * most)

    def _statement(self, chance):
        rows = chance.choice((1, 1, 2, 20))
        some = f"id % 97 = {chance.randrange(97)}"

        def values(form):
            return ", ".join([form] * rows)

        return chance.choice((
            f"INSERT INTO items (v) VALUES {values(f'({chance.randrange(1000)})')}",
            f"INSERT INTO events (body) VALUES {values(chr(40) + repr(f'e{chance.randrange(10**6)}') + chr(41))}",
            f"INSERT INTO events (at, body) SELECT NOW(), 'n' FROM items WHERE id <= {rows}",
            f"UPDATE items SET v = v + 1, w = 'u{chance.randrange(10**6)}' WHERE {some}",
            f"UPDATE items SET w = NULL, v = v + 1 WHERE {some}",
            f"DELETE FROM items WHERE id % 499 = {chance.randrange(499)}",
            "SELECT count(*) FROM items"))


def wait_until_settled(db):
    """Until what is stamped now is older than the resolution of what servers say of others."""
    time.sleep(2.3)
    assert db.value("SELECT count(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0") == 0
