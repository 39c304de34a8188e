# SPDX-License-Identifier: Apache-2.0
"""Both targets give the same rows for the same history of a job: changes, runs, crashes, columns that come
and go, drawn at random. Read back with DuckDB's client and with google-cloud-bigquery."""

import pytest

from support.program import Program
from support.targets import BigQueryTarget, DuckdbTarget

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]

# Points where a run can die; what is staged by then is void, or whole.
POINTS = ("run.planned", "delivery.intended", "delivery.prepared", "extract.batch", "delivery.staged",
          "delivery.counted", "delivery.applied", "delivery.checked", "delivery.discarded",
          "delivery.committed", "state.written", "state.written:2", "state.written:3", "state.written:4")

CURSOR = {"column": "updated_at", "grace": "0s", "wait": "0s"}


def plain(value):
    """Instants as whole microseconds, whatever client they come from."""
    if hasattr(value, "timestamp"):
        return round(value.timestamp() * 1_000_000)
    return value


class Side:
    """One target, with a program and a state of its own."""

    def __init__(self, folder, target):
        self.program = Program(folder)
        self.target = target

    def configure(self, db, job):
        self.program.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url("watcher")}},
            "destination": self.target.config,
            "defaults": {"retries": {"budget": "0s"}}, "jobs": [{"name": "main", **job}]})

    def rows(self, columns):
        if isinstance(self.target, BigQueryTarget):
            return [tuple(map(plain, row)) for row in self.target.rows("items", ", ".join(columns))]
        shown = ", ".join(f"epoch_us({name})" if name in ("updated_at", "gone_at") else f'"{name}"'
                          for name in columns)
        return self.target.rows("items", shown, "ALL")

    def columns(self):
        if isinstance(self.target, BigQueryTarget):
            return {field.name for field in self.target.get("items").schema}
        from support import readers
        return set(readers.duckdb_types(self.target.path, "items"))


class History:
    """Draws steps and carries each out on the source, or on both sides."""

    def __init__(self, db, seed, sides, immutable):
        self.db, self.seed, self.sides, self.immutable = db, seed, sides, immutable
        self.next = 1
        self.added = []
        self.log = []

    def step(self):
        draw = self.seed.choice
        changes = [self.insert, self.insert, self.delete]
        if not self.immutable:
            changes += [self.update, self.update, self.come_back]
        for _ in range(self.seed.randint(0, 3)):
            draw(changes)()
        if self.seed.random() < 0.15:
            draw((self.add_column, self.drop_column))()
        if self.seed.random() < 0.4:
            self.crash(draw(POINTS))
        self.run()

    def execute(self, statement):
        self.log.append(statement)
        self.db.execute(statement)

    def insert(self):
        count = self.seed.randint(1, 30)
        more = "".join(f", '{name}'" for name in self.added)
        names = "".join(f", {name}" for name in self.added)
        self.execute(f"INSERT INTO items (id, v{names}) SELECT i, {self.seed.randrange(1000)}{more}"
                     f" FROM generate_series({self.next}, {self.next + count - 1}) i")
        self.next += count

    def update(self):
        self.execute(f"UPDATE items SET v = v + 1, updated_at = now() WHERE id % 11 = {self.seed.randrange(11)}")

    def delete(self):
        self.execute(f"DELETE FROM items WHERE id % 23 = {self.seed.randrange(23)}")

    def come_back(self):
        number = self.seed.randrange(1, self.next)
        self.execute(f"INSERT INTO items (id, v) VALUES ({number}, -1) ON CONFLICT DO NOTHING")

    def add_column(self):
        name = f"extra_{len(self.log)}"
        self.execute(f"ALTER TABLE items ADD COLUMN {name} text")
        self.added.append(name)

    def drop_column(self):
        if self.added:
            self.execute(f"ALTER TABLE items DROP COLUMN {self.added.pop(self.seed.randrange(len(self.added)))}")

    def crash(self, point):
        self.log.append(f"crash at {point}")
        for side in self.sides:
            result = side.program("run", fault=point)
            assert result.killed or result.code == 0, str(result)

    def run(self):
        self.log.append("run")
        for side in self.sides:
            result = side.program("run")
            assert result.code == 0, f"{self.log}\n{result}"


JOBS = {
    "upsert": {"load": "upsert", "cursor": CURSOR},
    "upsert of changes, deletes": {"load": "upsert", "cursor": {**CURSOR, "lookback": "1h"}, "changed_only": True,
                                   "deletes": {"action": "hard", "every": "0s"}},
    "soft delete": {"load": "soft_delete", "cursor": {**CURSOR, "operator": ">"}, "deletes": {"every": "0s"},
                    "soft_delete": {"column": "is_gone", "type": "BOOL"}},
    "soft delete of all rows": {"load": "soft_delete", "soft_delete": {"column": "is_gone", "type": "BOOL"}},
    "upsert of all rows, deletes": {"load": "upsert", "deletes": "hard"},
    "append": {"load": "append", "cursor": CURSOR},
    "append by key, twice": {"load": "append", "cursor": {**CURSOR, "lookback": "1h"}},
    "append of a range": {"load": "append", "cursor": {**CURSOR, "lookback": "1h"}, "source": {
        "query": "SELECT * FROM items"}, "target": "items"},
}


@pytest.mark.parametrize("name", JOBS)
def test_the_same_rows(db, google, tmp_path, fault_points, seed, soak, name):
    job = {"source": {"table": "items"}, **JOBS[name]}
    db.execute("CREATE TABLE items (id int PRIMARY KEY, v int, updated_at timestamptz DEFAULT now());"
               " CREATE INDEX ON items (updated_at)")
    for folder in ("duckdb", "bigquery"):
        (tmp_path / folder).mkdir()
    sides = [Side(tmp_path / "duckdb", DuckdbTarget(tmp_path / "duckdb")),
             Side(tmp_path / "bigquery", BigQueryTarget(google, bucket=seed.random() < 0.5))]
    try:
        for side in sides:
            side.configure(db, job)
        history = History(db, seed, sides, immutable=job["load"] == "append")
        history.insert()
        history.run()
        for _ in range(40 if soak else 5):
            history.step()
            compare(db, job, history, sides)
    finally:
        for side in sides:
            side.program.close()


def compare(db, job, history, sides):
    columns = sorted(sides[0].columns())
    assert columns == sorted(sides[1].columns()), history.log
    order = lambda rows: sorted(rows, key=lambda row: tuple((value is not None, str(type(value)), value) for value in row))
    left, right = order(sides[0].rows(columns)), order(sides[1].rows(columns))
    assert left == right, f"{history.log}\nduckdb only: {set(left) - set(right)}\nbigquery only: {set(right) - set(left)}"
    own = ["id", "v"]
    arrived = sorted(sides[0].rows(own))
    source = sorted(db.rows("SELECT id, v FROM items"))
    assert len(set(row[0] for row in arrived)) == len(arrived) or job["load"] == "append", history.log
    if job.get("deletes") and job["load"] == "upsert":
        assert arrived == source, history.log
    elif job["load"] == "soft_delete":
        there = sorted(row[:2] for row in sides[0].rows([*own, "is_gone"]) if not row[2])
        assert there == source, history.log
    else:
        assert set(source) <= set(arrived), history.log
        assert len(arrived) == len(set(arrived)), f"{history.log}\nrows are there twice"
