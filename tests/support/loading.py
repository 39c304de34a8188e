# SPDX-License-Identifier: Apache-2.0
"""A small table that is loaded again and again into BigQuery, each way there is, and what must be true whatever
happens in between: a reader sees the rows of before or those of after, and the next run makes it good."""

import json

from support.targets import BigQueryTarget

ROWS = 1100  # wide ones, so that the table is worth two shards

# name: (with a bucket, keys of the destination, keys of the job, load modes)
PARTITIONED = {"target": {"partition_by": {"column": "day", "type": "day"}}}
WAYS = {
    "upload": (False, {}, {}, ("append", "replace")),
    "uploads-staged": (False, {"one_shard_below": 1}, {"workers": 2}, ("append", "replace")),
    "bucket": (True, {"one_shard_below": 1}, {"workers": 2}, ("append", "replace")),
    "bucket-ndjson": (True, {"format": "ndjson"}, PARTITIONED, ("append",)),
    "merge": (False, {}, {}, ("upsert",)),
    "merge-soft": (False, {"one_shard_below": 1}, {"workers": 2, "changed_only": True, "metadata_columns": True,
                                                  **PARTITIONED}, ("soft_delete",)),
    "merge-bucket": (True, {"one_shard_below": 1}, {"workers": 2, "target": {
        "partition_by": {"column": "day", "type": "day", "immutable": True, "require_filter": True}}}, ("upsert",)),
    "partitions": (False, {}, {**PARTITIONED, "replace": "partition"}, ("replace",)),
    "partitions-bucket": (True, {}, {**PARTITIONED, "replace": "partition"}, ("replace",)),
}
CASES = [(way, load) for way, keys in WAYS.items() for load in keys[3]]


def fill(db, batch, first):
    """The source's whole content becomes one batch, on two days."""
    db.execute("CREATE TABLE IF NOT EXISTS items (id int PRIMARY KEY, batch text, day date, pad text)")
    db.execute(f"BEGIN; TRUNCATE items; INSERT INTO items SELECT i, '{batch}', date '2026-01-01' + i % 2,"
               " repeat('x', 1900)"
               f" FROM generate_series({first}, {first + ROWS - 1}) i; COMMIT; ANALYZE items")


class Scene:
    """Old rows are in the target, new ones in the source."""

    def __init__(self, db, bqferry, google, way, load, retries="0s"):
        bucket, destination, job, _ = WAYS[way]
        self.db, self.bqferry, self.google, self.load = db, bqferry, google, load
        self.target = BigQueryTarget(google, bucket=bucket, **destination)
        bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}},
            "destination": self.target.config, "defaults": {"retries": {"budget": retries}},
            "jobs": [{"name": "main", "load": load,
                      "source": {"table": "items", "columns": ["id", "batch", "day"]}, **job}]})
        self.batch = 0
        self.kept = []
        self.partitions = job.get("replace") == "partition"
        fill(db, "first", 1)
        if self.partitions:
            self.kept = [(0, "kept")]
            db.execute("INSERT INTO items VALUES (0, 'kept', '2020-05-05', '')")
        bqferry.ok("run")
        self.again()

    def again(self):
        """What is in the target is old, and a new batch is in the source."""
        self.batch += 1
        self.old = self.rows()
        if len(self.old) > 4 * ROWS:  # hundreds of batches would take longer and longer to look at
            self.target.client.query(f"DELETE FROM `{self.target.name('items')}` WHERE id > 0"
                                     " AND day > '2000-01-01'").result()
            self.old = self.rows()
        fill(self.db, f"batch {self.batch}", self.batch * 10_000)
        self.new = [(number, f"batch {self.batch}")
                    for number in range(self.batch * 10_000, self.batch * 10_000 + ROWS)]

    def rows(self):
        return sorted(self.target.rows("items", "id, batch"))

    def after(self, times=1):
        if self.load in ("upsert", "soft_delete"):
            return sorted(self.old + self.new)
        return sorted(self.old + self.new * times if self.load == "append" else self.kept + self.new)

    def is_open(self):
        """Whether the state holds an intent."""
        path = self.bqferry.folder / ".bqferry/jobs/main.json"
        return bool(json.loads(path.read_text()).get("intent")) if path.exists() else False

    def killed(self, number, **options):
        result = self.bqferry("run", fault=f"*:{number}", timeout=120, **options)
        if result.killed:
            assert self.is_whole(self.rows()), f"a reader sees half a run\n{result}"
        return result

    def is_whole(self, rows):
        """The rows of before or those of after; where partitions are replaced one by one, in each of them."""
        if not self.partitions:
            return rows in (self.old, self.after())
        return all([row for row in rows if row[0] % 2 == day] in
                   ([row for row in self.old if row[0] % 2 == day], [row for row in self.after() if row[0] % 2 == day])
                   for day in (0, 1))

    def made_good(self, context):
        """The next run ends right, once, and leaves nothing."""
        done = not self.is_open() and self.rows() == self.after()
        result = self.bqferry("run", timeout=120)
        assert result.code == 0, f"{context}\n{result}"
        assert self.rows() == self.after(2 if done else 1), f"{context}\n{result}"
        assert self.target.leftovers() == [], f"{context}\n{result}"
        assert result.job()["rows_applied"] == ROWS, f"{context}\n{result}"
