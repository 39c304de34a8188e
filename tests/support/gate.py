# SPDX-License-Identifier: Apache-2.0
"""Stops a read at a chosen row until the test lets it go on."""

from support.processes import wait_until

FUNCTION = """
    CREATE FUNCTION gate(here bigint, stop bigint) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        IF here = stop THEN -- 4712: here I am; polled, because a lock's timeout may be set
            PERFORM pg_advisory_lock_shared(4712);
            WHILE NOT pg_try_advisory_lock_shared(4711) LOOP
                PERFORM pg_sleep(0.02);
            END LOOP;
            PERFORM pg_advisory_unlock_shared(4711), pg_advisory_unlock_shared(4712);
        END IF;
        RETURN true;
    END $$"""

WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND objid = 4712 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Gate:
    """Put gate.at("id", 500) into a job's `where` (or gate.view(…) around a table): the reader of row
    500 waits on the server for an advisory lock that this object holds."""

    def __init__(self, db):
        self.db = db
        db.execute(FUNCTION)
        self.holder = db.connect()
        self.holder.execute("SELECT pg_advisory_lock(4711)")

    def at(self, column, row):
        return f"gate({column}, {row})"

    def waiting(self):
        return self.db.value(WAITING)

    def wait_reached(self, run=None, count=1, seconds=30):
        """Until a reader stands there; at once an error when the run ends before."""
        def reached():
            if run is not None and not run.running():
                raise AssertionError(f"the run ended before the gate\n{run.wait()}")
            return self.waiting() >= count
        wait_until(reached, "the reader at the gate", seconds)

    def open(self):
        self.holder.execute("SELECT pg_advisory_unlock(4711)")

    def close(self):
        """Open as well: the lock ends with its session."""
        self.holder.close()
