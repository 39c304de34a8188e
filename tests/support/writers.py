# SPDX-License-Identifier: Apache-2.0
"""People at work on a database: transactions that overlap, commit out of order, roll back, stamp rows by
several clocks."""

import random
import threading
import time

SCHEMA = """
    CREATE TABLE items (id serial PRIMARY KEY, v int NOT NULL, w text,
                        updated_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON items (updated_at);
    CREATE TABLE events (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), body text);
    CREATE INDEX ON events (at);
    INSERT INTO items (v, w) SELECT i, 'first' FROM generate_series(1, 200) i;
    INSERT INTO events (body) SELECT 'first' FROM generate_series(1, 200)"""


class Writers:
    """`behind`: seconds that the slow clock of an application, which stamps some rows, may lag; 0: the
    server stamps all."""

    def __init__(self, db, seed, threads=3, behind=0.0):
        self.db = db
        self.behind = behind
        self.stop_flag = threading.Event()
        self.errors = []
        self.commits = 0
        self.threads = [threading.Thread(target=self._work, args=(random.Random(seed.random()),))
                        for _ in range(threads)]

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

    def _work(self, chance):
        connection = self.db.connect()
        while not self.stop_flag.is_set():
            try:
                self._transaction(connection, chance)
            except Exception as error:  # deadlocks and the like belong to the work
                if getattr(error, "sqlstate", None) not in ("40P01", "40001"):
                    self.errors.append(error)
                    return
                connection.execute("ROLLBACK")
        connection.close()

    def _transaction(self, connection, chance):
        connection.execute("BEGIN")
        if chance.random() < 0.3:
            self._pause(chance, 0.3)  # it has its time, and no row yet
        for _ in range(chance.randint(1, 5)):
            connection.execute(self._statement(chance))
            self._pause(chance, 1.0 if chance.random() < 0.05 else 0.05)
        connection.execute("ROLLBACK" if chance.random() < 0.15 else "COMMIT")
        self.commits += 1

    def _pause(self, chance, most):
        self.stop_flag.wait(chance.random() * most)

    def _clock(self, chance):
        if self.behind and chance.random() < 0.3:
            return f"clock_timestamp() - interval '{chance.random() * self.behind:.3f} seconds'"
        return chance.choice(("now()", "now()", "clock_timestamp()", "statement_timestamp()"))

    def _statement(self, chance):
        clock, rows = self._clock(chance), chance.choice((1, 1, 2, 20))
        some = f"id % 97 = {chance.randrange(97)}"
        return chance.choice((
            f"INSERT INTO items (v, updated_at) SELECT {chance.randrange(1000)}, {clock} FROM generate_series(1, {rows})",
            f"INSERT INTO events (at, body) SELECT {clock}, 'e{chance.randrange(10**6)}' FROM generate_series(1, {rows})",
            f"UPDATE items SET v = v + 1, w = 'u{chance.randrange(10**6)}', updated_at = greatest(updated_at, {clock}) WHERE {some}",
            f"UPDATE items SET w = NULL, updated_at = greatest(updated_at, {clock}) WHERE {some}",
            f"DELETE FROM items WHERE id % 499 = {chance.randrange(499)}",
            "SELECT count(*) FROM items"))


def wait_until_settled(db, seconds):
    """Until what is stamped now is older than so many seconds."""
    time.sleep(seconds)
    assert db.value("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
                    " AND datname = current_database()") == 0
