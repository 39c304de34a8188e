# SPDX-License-Identifier: Apache-2.0
"""MySQL and MariaDB into BigQuery, run after run: cursors, upserts, soft deletes, read back with
google-cloud-bigquery and compared with what the server itself selects."""

import time

import pytest
from support.targets import BigQueryTarget

TABLE = """CREATE TABLE orders (region varchar(8) NOT NULL, id bigint unsigned NOT NULL, name varchar(40)
           CHARACTER SET latin1, total decimal(12,2), day date, at datetime(3), flags bit(4),
           updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
           PRIMARY KEY (region, id), KEY (updated_at)) CHARACTER SET utf8mb4"""
COLUMNS = "region, id, name, total, day, at, flags, updated_at"
CURSOR = {"column": "updated_at", "grace": "0s", "wait": "0s"}


@pytest.fixture
def bq(google):
    return BigQueryTarget(google)


@pytest.fixture
def shop(sql_db, bqferry):
    class Shop:
        db = sql_db

        def job(self, target, **keys):
            bqferry.write_config({
                "version": 1, "connections": {"db": {"url": sql_db.url("watcher")}}, "destination": target.config,
                "defaults": {"retries": {"budget": "0s"}},
                "jobs": [{"name": "main", "source": {"connection": "db", "table": "orders"}, **keys}]})

        def run(self):
            time.sleep(1.2)  # what is younger than the resolution of what a server says of others waits
            return bqferry.ok("run").job()

        def wanted(self):
            """By the server's own SQL, in the types that BigQuery's client gives."""
            rows = sql_db.rows(f"SELECT {COLUMNS.replace('flags', 'flags + 0')} FROM orders ORDER BY region, id")
            return [tuple(row) for row in rows]

    sql_db.execute(TABLE)
    add(sql_db, range(1, 41))
    return Shop()


def add(db, numbers):
    for i in numbers:
        db.execute(f"INSERT INTO orders (region, id, name, total, day, at, flags) VALUES ('{'EU' if i % 3 else 'US'}', "
                   f"{i if i % 10 else 2 ** 64 - i}, 'Müller {i}', {i}.25, '2026-01-{i % 28 + 1:02}', "
                   f"'2026-01-01 00:00:00.{i:03}', b'{i % 16:b}')")


def there(target, more=""):
    rows = target.rows("orders", f"{COLUMNS}{more}")
    return [(*row[:1], int(row[1]), *row[2:7], row[7].replace(tzinfo=None), *row[8:]) for row in rows]


def change(db):
    """Rows that are new, changed, deleted; keys that move."""
    db.execute("UPDATE orders SET total = total + 1000, name = NULL WHERE id % 7 = 0",
               "DELETE FROM orders WHERE id % 5 = 0 AND region = 'EU'",
               "UPDATE orders SET region = 'AS' WHERE id IN (4, 8)")
    add(db, range(101, 111))


def test_upserts_with_hard_deletes(shop, google):
    bq = BigQueryTarget(google, bucket=True)
    shop.job(bq, load="upsert", cursor=CURSOR, deletes={"action": "hard", "every": "0s"})
    first = shop.run()
    assert first["rows_applied"] == 40 and there(bq) == shop.wanted(), first
    change(shop.db)
    second = shop.run()
    assert there(bq) == shop.wanted()
    assert second["rows_read"] < 25 and "innodb_trx" in second["cursor"]["bound"], second
    assert shop.run()["rows_read"] == 0
    assert there(bq) == shop.wanted() and bq.leftovers() == []


def test_soft_deletes_keep_what_vanished(shop, bq):
    shop.job(bq, load="soft_delete", cursor=CURSOR, deletes={"every": "0s"})
    shop.run()
    before = shop.wanted()
    change(shop.db)
    shop.run()
    now = shop.wanted()
    keys = {row[:2] for row in now}
    vanished = [row for row in before if row[:2] not in keys]
    marked = there(bq, ", _bqferry_deleted_at")
    assert vanished and [row[:-1] for row in marked if row[-1] is None] == now
    assert [row[:-1] for row in marked if row[-1] is not None] == sorted(vanished)
    shop.db.execute(f"INSERT INTO orders (region, id, name) VALUES ('{vanished[0][0]}', {vanished[0][1]}, 'back')")
    shop.run()
    revived = {row[:2]: row for row in there(bq, ", _bqferry_deleted_at")}[vanished[0][:2]]
    assert revived[2] == "back" and revived[-1] is None


def test_appends_with_lookback_by_key(shop, bq):
    """A stretch that is read again is added once; what changed is another version."""
    shop.job(bq, load="append", cursor={**CURSOR, "lookback": "1h"}, key=["region", "id"])
    shop.run()
    before = shop.wanted()
    shop.db.execute("UPDATE orders SET name = 'changed' WHERE id = 3")
    add(shop.db, range(201, 204))
    report = shop.run()
    assert report["rows_read"] == 43
    new = [row for row in shop.wanted() if row not in before]
    assert len(new) == 4 and there(bq) == sorted([*before, *new])
