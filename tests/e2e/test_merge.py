# SPDX-License-Identifier: Apache-2.0
"""How rows meet those of the target: by key, marked, deleted, left out, replaced; and columns that come
and go."""

import json
import time

import duckdb
import pytest

from support import readers

TABLE = """CREATE TABLE items (id int PRIMARY KEY, name text, note text,
                               updated_at timestamptz NOT NULL DEFAULT now());
           CREATE INDEX ON items (updated_at)"""
CURSOR = {"column": "updated_at", "grace": "0s", "wait": "0s"}


def fill(db, count=10):
    db.execute(TABLE)
    db.execute(f"INSERT INTO items SELECT i, 'n' || i, 'old' FROM generate_series(1, {count}) i")


def touch(db, where, **values):
    sets = ", ".join(f"{name} = {value}" for name, value in values.items())
    db.execute(f"UPDATE items SET {sets}, updated_at = now() WHERE {where}")


def same(db, target, columns="id, name, note", extra="true"):
    assert target.rows("items", columns) == db.rows(f"SELECT {columns} FROM items WHERE {extra} ORDER BY 1")


def merged(result):
    return {name: count for name, count in result.job()["merged"].items() if count}


def query(target, text):
    return readers.duckdb_query(target.path, text)


# Upsert -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("cursor", (None, CURSOR), ids=("all", "cursor"))
def test_upsert(db, bqferry, job, duckdb_target, cursor):
    fill(db)
    job(duckdb_target, "items", load="upsert", **({"cursor": cursor} if cursor else {}))
    assert merged(bqferry.ok("run")) == {"inserted": 10}
    touch(db, "id <= 3", note="'new'")
    db.execute("INSERT INTO items VALUES (11, 'n11', 'new')")
    db.execute("DELETE FROM items WHERE id = 10")
    counts = merged(bqferry.ok("run"))
    assert counts == ({"inserted": 1, "updated": 3} if cursor else {"inserted": 1, "updated": 9})
    rows = duckdb_target.rows("items", "id, note")
    assert rows[9] == (10, "old"), "an upsert alone does not see deletes"
    assert [row for row in rows if row[0] != 10] == db.rows("SELECT id, note FROM items ORDER BY 1")
    duckdb_target.check("items")


def test_the_plan_warns_of_deletes(db, bqferry, job, duckdb_target):
    fill(db, 1)
    job(duckdb_target, "items", load="upsert")
    assert "upsert alone does not see deletes" in " ".join(bqferry.ok("plan").stdout.split())
    job(duckdb_target, "items", load="upsert", deletes="hard")
    assert "does not see deletes" not in " ".join(bqferry.ok("plan").stdout.split())


@pytest.mark.parametrize("what", ("plain", "unique index", "several rows", "dropped column", "newest of several"))
def test_upsert_of_few_rows_of_many(db, bqferry, job, duckdb_target, what):
    """Where little changes DuckDB is given new rows in the place of old ones; what forbids that, and what it must
    not cost."""
    fill(db, 200)
    key = {"key": "id", "cursor": CURSOR} if what == "newest of several" else {"cursor": CURSOR}
    job(duckdb_target, "items", load="upsert", **key)
    bqferry.ok("run")
    if duckdb_target.kind == "duckdb" and what in ("unique index", "several rows"):
        with duckdb.connect(str(duckdb_target.path)) as connection:
            connection.execute("CREATE UNIQUE INDEX one ON items (id)" if what == "unique index" else
                               "INSERT INTO items SELECT * FROM items WHERE id = 5")
    if what == "dropped column":
        db.execute("ALTER TABLE items DROP COLUMN note")
    if what == "newest of several":
        db.execute("ALTER TABLE items DROP CONSTRAINT items_pkey;"
                   " INSERT INTO items VALUES (7, 'older', 'old', now() - interval '1 second')")
        db.execute("UPDATE items SET name = 'newest', updated_at = now() WHERE id = 7 AND name <> 'older'")
    touch(db, "id IN (5, 6)", name="'new'")
    db.execute("INSERT INTO items (id, name) VALUES (201, 'added')")
    if what == "several rows" and duckdb_target.kind == "duckdb":
        assert "several rows for one key (id)" in bqferry.fails("data", "run").stderr
        assert len(duckdb_target.rows("items", "id")) == 201
        return
    counts = merged(bqferry.ok("run"))
    updated = 3 if what == "newest of several" else 2
    assert (counts["inserted"], counts["updated"]) == (1, updated), counts
    if what == "dropped column":
        assert duckdb_target.rows("items", "id, note")[4:7] == [(5, None), (6, None), (7, "old")]
    expected = dict(db.rows("SELECT DISTINCT ON (id) id, name FROM items ORDER BY id, updated_at DESC"))
    assert dict(duckdb_target.rows("items", "id, name")) == expected
    assert len(duckdb_target.rows("items", "id")) == 201
    duckdb_target.check("items")


# What somebody did to the table in DuckDB, and whether another table may then take its place.
BY_HAND = {
    "plain": ("", True),
    "comments": ("COMMENT ON TABLE items IS 'mine'; COMMENT ON COLUMN items.name IS 'it''s'", True),
    "a view": ("CREATE VIEW names AS SELECT name FROM items", True),
    "a default": ("ALTER TABLE items ALTER note SET DEFAULT '(none'", True),
    "an index": ("CREATE INDEX by_name ON items (name)", False),
    "a primary key": ("ALTER TABLE items ADD PRIMARY KEY (id)", False),
    "a column": ("ALTER TABLE items ADD COLUMN mine INTEGER; UPDATE items SET mine = id", False),
    "several rows": ("INSERT INTO items SELECT * FROM items WHERE id = 7", False),
}
# What happened to the source's.
IN_SOURCE = {
    "added column": "ALTER TABLE items ADD COLUMN more int",
    "dropped column": "ALTER TABLE items DROP COLUMN note",
    "newest of several": "ALTER TABLE items DROP CONSTRAINT items_pkey;"
                         " INSERT INTO items (id, name) VALUES (7, 'older')",
}


@pytest.mark.parametrize("what", (*BY_HAND, *IN_SOURCE))
def test_upsert_of_most_rows(db, bqferry, job, duckdb_target, what):
    """Where most rows change DuckDB is given another table in the place of the old one; what forbids that, and what
    must not be lost."""
    is_duckdb = duckdb_target.kind == "duckdb"
    if not is_duckdb and what in BY_HAND:
        pytest.skip("what DuckDB's own programs did")
    fill(db, 30)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR, metadata_columns=True,
        **({"key": "id"} if what == "newest of several" else {}))
    bqferry.ok("run")
    by_hand, moves = BY_HAND.get(what, ("", True))
    if by_hand:
        with duckdb.connect(str(duckdb_target.path)) as connection:
            connection.execute(by_hand)
    db.execute(IN_SOURCE.get(what, "SELECT"))
    touch(db, "id > 5 AND name <> 'older'", name="'new'")
    db.execute("INSERT INTO items (id, name) VALUES (31, 'added')")
    if what == "several rows":
        assert "several rows for one key (id)" in bqferry.fails("data", "run").stderr
        assert duckdb_target.rows("items", "count(*), count(*) FILTER (name = 'new')") == [(31, 0)]
        return
    counts = merged(bqferry.ok("run"))
    assert counts == {"inserted": 1, "updated": 25, **({"superseded": 1} if what == "newest of several" else {})}
    expected = {number: f"n{number}" if number < 6 else "new" for number in range(1, 31)} | {31: "added"}
    assert dict(duckdb_target.rows("items", "id, name")) == expected
    duckdb_target.check("items")
    if what == "dropped column":
        assert duckdb_target.rows("items", "id, note")[4:6] == [(5, "old"), (6, None)]
    if is_duckdb:
        # Rows that nothing was staged for are the last of another table.
        assert query(duckdb_target, "SELECT id < 6 FROM items LIMIT 1") == [(not moves,)]
    kept = {
        "comments": ("SELECT comment FROM duckdb_tables() WHERE table_name = 'items' UNION ALL SELECT comment FROM"
                     " duckdb_columns() WHERE table_name = 'items' AND column_name = 'name'", [("mine",), ("it's",)]),
        "a view": ("SELECT count(*) FROM names WHERE name = 'new'", [(25,)]),
        "a default": ("SELECT column_default FROM duckdb_columns() WHERE table_name = 'items' AND"
                      " column_name = 'note'", [("'(none'",)]),
        "an index": ("SELECT index_name FROM duckdb_indexes() WHERE table_name = 'items'", [("by_name",)]),
        "a primary key": ("SELECT constraint_column_names FROM duckdb_constraints() WHERE table_name = 'items' AND"
                          " constraint_type = 'PRIMARY KEY'", [(["id"],)]),
        "a column": ("SELECT count(*) FROM items WHERE mine = id", [(30,)]),
    }
    if what in kept:
        statement, rows = kept[what]
        assert query(duckdb_target, statement) == rows


@pytest.mark.parametrize("fault", ("target.apply", "delivery.applied"))
def test_another_table_outlives_a_crash(db, bqferry, job, duckdb_target, fault_points, fault):
    """Before and after the commit: DuckDB's log knows rows, a drop and a rename."""
    if duckdb_target.kind != "duckdb":
        pytest.skip("no other target has this way")
    fill(db, 3000)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run")
    touch(db, "id > 5", name="'new'")
    assert bqferry("run", fault=fault).killed
    assert merged(bqferry.ok("run")).get("updated", 0) in (0, 2995)
    same(db, duckdb_target)
    assert query(duckdb_target, "SELECT id < 6 FROM items LIMIT 1") == [(False,)]
    duckdb_target.check("items")
    assert duckdb_target.leftovers() == []


def test_changed_rows_only(db, bqferry, job, duckdb_target):
    fill(db)
    job(duckdb_target, "items", load="upsert", changed_only=True, metadata_columns=True)
    first = bqferry.ok("run").job()["run_id"]
    touch(db, "id = 3", note="NULL")
    second = bqferry.ok("run")
    assert merged(second) == {"updated": 1, "unchanged": 9}
    ids = dict(duckdb_target.rows("items", "id, _bqferry_run_id"))
    assert ids.pop(3) == second.job()["run_id"] and set(ids.values()) == {first}
    same(db, duckdb_target)


def test_a_key_of_several_columns_of_several_types(db, bqferry, job, duckdb_target):
    db.execute("""CREATE TABLE items (a date, b text, c numeric(10,2), d uuid, e timestamptz, name text,
                                      PRIMARY KEY (a, b, c, d, e));
        INSERT INTO items SELECT date '2026-01-01' + i % 3, 'b''"' || i, i / 7.0, gen_random_uuid(),
                                 '2026-01-01Z'::timestamptz + i * interval '1 microsecond', 'old'
        FROM generate_series(1, 50) i""")
    job(duckdb_target, "items", load="upsert")
    bqferry.ok("run")
    db.execute("UPDATE items SET name = 'new' WHERE b LIKE '%1'")
    assert merged(bqferry.ok("run")) == {"updated": 50}
    columns = "b, a::text, c::text, d::text, name"
    assert duckdb_target.rows("items", columns) == sorted(db.rows(f"SELECT {columns} FROM items"))


@pytest.mark.parametrize("type_", ("boolean", "float8", "bytea", "time", "interval"))
def test_other_types_of_keys(db, bqferry, job, duckdb_target, type_):
    values = {"boolean": ("true", "false"), "float8": ("'1.5'", "'-0.1'"), "bytea": ("'\\x00'", "'\\xff'"),
              "time": ("'01:00'", "'02:00'"), "interval": ("'1 day'", "'2 days'")}[type_]
    db.execute(f"CREATE TABLE items (k {type_} PRIMARY KEY, name text);"
               f" INSERT INTO items VALUES ({values[0]}, 'a'), ({values[1]}, 'b')")
    job(duckdb_target, "items", load="upsert")
    bqferry.ok("run")
    db.execute("UPDATE items SET name = 'c' WHERE name = 'a'")
    assert merged(bqferry.ok("run")) == {"updated": 2}
    assert sorted(duckdb_target.rows("items", "name")) == [("b",), ("c",)]


# Each with two values or more that are different rows of the source.
KEYS = {
    "text": ("'a'", "'A'", "'ä'", "''", "' '", "'a '", r"'it''s ""q"" \\n'", "repeat('x', 300)", r"U&'\+01F600'"),
    'text COLLATE "nocase"': ("'b'", "'c'"), "citext": ("'b'", "'C'"), "char(5)": ("'b'", "'bc'"), "name": ("'b'", "'c'"),
    "bytea": (r"'\x'", r"'\x00'", r"'\x0000'", r"'\xff'"),
    "numeric": ("1", "1.5", "-0.000001", "12345678901234567890123456789.123456789", "0"),
    "numeric(38,9)": ("1", "1.5"), "numeric(50,20)": ("1.5", "2"), "numeric(30,-2)": ("100", "200"),
    "numeric(60,30)": ("1.5", "2"), "int8": ("-9223372036854775808", "9223372036854775807", "0"),
    "oid": ("1", "4294967295"), "timetz": ("'00:00+02'", "'00:00+01'"), "inet": ("'10.0.0.1'", "'10.0.0.1/8'"),
    "uuid": ("'00000000-0000-0000-0000-000000000001'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    "money": ("'1.5'", "'-2'"), "bit(3)": ("B'101'", "B'001'"), "mood": ("'happy'", "'sad'"), "posint": ("1", "2"),
}
# Those that BigQuery cannot tell apart.
REAL_KEYS = {"float8": ("'NaN'", "0", "1.5", "'Infinity'", "'-Infinity'", "1e-300"), "float4": ("'NaN'", "0.1"),
             "interval": ("'1 mon'", "'29 days'", "'1 day'")}


@pytest.mark.soak
def test_keys_of_every_type(db, bqferry, job, duckdb_target, seed, soak):
    """A row is found again by its key, marked when it is gone, and revived when it comes back. Some of the types,
    all of them in `make soak`."""
    keys = {**KEYS, **(REAL_KEYS if duckdb_target.kind == "duckdb" else {})}
    keys = keys if soak else dict(seed.sample(list(keys.items()), 6))
    db.execute("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
               " CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad', 'happy');"
               " CREATE DOMAIN posint AS int CHECK (value > 0)")
    for number, (type_, values) in enumerate(keys.items()):
        rows = ", ".join(f"({value}, {i}, 'old')" for i, value in enumerate(values))
        db.execute(f"CREATE TABLE k{number} (k {type_} PRIMARY KEY, n int, name text); INSERT INTO k{number} VALUES {rows}")
    job(duckdb_target, "k0", config={"jobs": [
        {"name": f"k{number}", "source": {"connection": "db", "table": f"k{number}"}, "load": "soft_delete"}
        for number in range(len(keys))]})

    def run(expected):
        result = bqferry.ok("run", timeout=120)
        for number, (type_, values) in enumerate(keys.items()):
            found = {name: count for name, count in result.job(f"k{number}")["merged"].items() if count}
            assert found == expected(len(values)), f"{type_}: {found}"

    run(lambda count: {"inserted": count})
    for number in range(len(keys)):
        db.execute(f"UPDATE k{number} SET name = 'new' WHERE n = 0; DELETE FROM k{number} WHERE n = 1")
    run(lambda count: {"updated": count - 1, "vanished": 1})
    for number, values in enumerate(keys.values()):
        db.execute(f"INSERT INTO k{number} VALUES ({values[1]}, 1, 'back')")
    run(lambda count: {"updated": count})
    for number, type_ in enumerate(keys):
        wanted = [(*row, None) for row in db.rows(f"SELECT n, name FROM k{number} ORDER BY 1")]
        assert duckdb_target.rows(f"k{number}", "n, name, _bqferry_deleted_at") == wanted, type_


@pytest.mark.parametrize("type_, old, new", (
    ("timestamptz", "0001-01-01Z", "1880-01-01Z"), ("timestamptz", "2026-10-25 00:30Z", "2026-10-25 01:30Z"),
    ("timestamptz", "1900-01-01Z", "9999-12-31 23:59:59.999999Z"), ("timestamp", "0001-01-01", "2026-03-29 02:30"),
    ("date", "0001-01-01", "9999-12-31")))
def test_keys_at_the_ends_of_time(db, bqferry, job, duckdb_target, type_, old, new):
    """Found again, whatever the offset of the machine's time zone was then."""
    db.execute(f"CREATE TABLE items (k {type_} PRIMARY KEY, name text);"
               f" INSERT INTO items VALUES ('{old}', 'old'), ('{new}', 'new')")
    job(duckdb_target, "items", load="upsert")
    bqferry.ok("run")
    db.execute("UPDATE items SET name = name || '!'")
    for zone in ("Asia/Kathmandu", "Europe/Berlin"):
        assert merged(bqferry.ok("run", env={"TZ": zone})) == {"updated": 2}
    assert sorted(duckdb_target.rows("items", "name")) == [("new!",), ("old!",)]


def test_what_cannot_be_a_key(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int, doc jsonb)")
    job(duckdb_target, "items", load="upsert")
    assert "needs a key" in bqferry.fails("config", "run").stderr
    job(duckdb_target, "items", load="upsert", key="doc")
    assert "cannot be part of a key" in bqferry.fails("config", "run").stderr
    job(duckdb_target, {"table": "items", "columns": ["doc"]}, load="upsert", key="id")
    assert "is not carried" in bqferry.fails("config", "run").stderr
    job(duckdb_target, "items", load="upsert", key="dic")
    assert 'did you mean "doc"' in bqferry.fails("config", "run").stderr


def test_null_keys_stop_the_run(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int, name text); INSERT INTO items VALUES (1, 'a')")
    job(duckdb_target, "items", load="upsert", key="id")
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES (NULL, 'b'), (NULL, 'c')")
    result = bqferry.fails("data", "run")
    assert "2 of 3 rows have NULL in their key (id)" in result.stderr
    assert duckdb_target.rows("items", "id, name") == [(1, "a")]
    duckdb_target.check("items")
    db.execute("DELETE FROM items WHERE id IS NULL; INSERT INTO items VALUES (2, 'd')")
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id, name") == [(1, "a"), (2, "d")]


def test_of_several_rows_with_one_key_the_newest_counts(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int, name text, updated_at timestamptz);"
               " INSERT INTO items VALUES (1, 'old', '2026-01-01'), (1, 'new', '2026-01-02'),"
               " (2, 'no time', NULL), (2, 'time', '2020-01-01'), (3, 'only', '2026-01-01')")
    job(duckdb_target, "items", load="upsert", key="id", cursor={**CURSOR})
    result = bqferry.ok("run")
    assert merged(result)["superseded"] == 1, "the row without a time is not read"
    assert "1 rows had the key of another row" in result.stdout
    expected = [(1, "new"), (2, "time"), (3, "only")]
    assert duckdb_target.rows("items", "id, name") == expected
    assert merged(bqferry.ok("run", "--full-refresh"))["superseded"] == 1
    assert duckdb_target.rows("items", "id, name") == expected
    job(duckdb_target, "items", load="upsert", key="id")
    (bqferry.folder / ".bqferry/jobs/main.json").unlink()
    first = (bqferry.ok("run"), duckdb_target.rows("items", "id, name"))[1]
    for _ in range(3):  # without an order it is always the same one
        bqferry.ok("run")
        assert duckdb_target.rows("items", "id, name") == first


def test_a_table_with_several_rows_of_a_key_is_refused(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="append")
    bqferry.ok("run")
    bqferry.ok("run")
    job(duckdb_target, "items", load="upsert")
    result = bqferry.fails("data", "run")
    assert "several rows for one key (id)" in result.stderr and "--full-refresh" in result.stderr
    assert len(duckdb_target.rows("items", "id")) == 6
    bqferry.ok("run", "--full-refresh")
    same(db, duckdb_target)


def test_upsert_of_nothing_but_a_key(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int PRIMARY KEY); INSERT INTO items VALUES (1), (2)")
    job(duckdb_target, "items", load="upsert")
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES (3)")
    assert merged(bqferry.ok("run")) == {"inserted": 1, "unchanged": 2}


def test_other_columns_of_the_target_stay(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="upsert")
    bqferry.ok("run")
    with duckdb.connect(str(duckdb_target.path)) as connection:
        connection.execute("ALTER TABLE items ADD COLUMN mine VARCHAR; UPDATE items SET mine = 'kept'")
    touch(db, "id = 1", note="'new'")
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id, mine") == [(1, "kept"), (2, "kept"), (3, "kept")]
    same(db, duckdb_target)


def test_files_cannot_merge(db, bqferry, job, files_target):
    fill(db)
    job(files_target, "items", load="upsert")
    assert "cannot do load: upsert" in bqferry.fails("config", "run").stderr
    job(files_target, "items", load="append", cursor=CURSOR)
    bqferry.ok("run")
    touch(db, "id = 1", note="'new'")
    assert bqferry.ok("run").job()["rows_read"] == 1
    job(files_target, "items", load="append", cursor={**CURSOR, "lookback": "5m"})
    assert "read twice" in bqferry.fails("config", "run").stderr


# Rows that vanish ---------------------------------------------------------------------------------

@pytest.mark.parametrize("mark", ({}, {"column": "is_deleted", "type": "BOOL"}))
def test_soft_delete_of_full_snapshots(db, bqferry, job, duckdb_target, mark):
    fill(db, 5)
    job(duckdb_target, "items", load="soft_delete", **({"soft_delete": mark} if mark else {}))
    bqferry.ok("run")
    column = mark.get("column", "_bqferry_deleted_at")

    def marked():
        condition = column if mark else f"{column} IS NOT NULL"
        return [row[0] for row in query(duckdb_target, f"SELECT id FROM items WHERE {condition} ORDER BY 1")]

    assert marked() == []
    db.execute("DELETE FROM items WHERE id IN (2, 4)")
    assert merged(bqferry.ok("run")) == {"updated": 3, "vanished": 2}
    assert marked() == [2, 4]
    before = query(duckdb_target, f"SELECT id, {column}::VARCHAR FROM items ORDER BY 1")
    assert merged(bqferry.ok("run")) == {"updated": 3}
    assert query(duckdb_target, f"SELECT id, {column}::VARCHAR FROM items ORDER BY 1") == before
    db.execute("INSERT INTO items VALUES (2, 'n2', 'back')")
    bqferry.ok("run")
    assert marked() == [4]
    assert duckdb_target.rows("items", "id, note")[1] == (2, "back")
    if mark:
        assert query(duckdb_target, "SELECT count(*) FROM items WHERE is_deleted IS NULL") == [(0,)]


def test_soft_delete_with_a_cursor(db, bqferry, job, duckdb_target):
    fill(db, 5)
    job(duckdb_target, "items", load="soft_delete", cursor=CURSOR, deletes={"every": "0s"},
        metadata_columns=True)
    bqferry.ok("run")
    db.execute("DELETE FROM items WHERE id = 2")
    db.execute("INSERT INTO items VALUES (6, 'n6', 'new')")
    result = bqferry.ok("run")
    assert merged(result) == {"inserted": 1, "vanished": 1, "compared_keys": True}
    marked = "SELECT id FROM items WHERE _bqferry_deleted_at IS NOT NULL ORDER BY 1"
    assert query(duckdb_target, marked) == [(2,)]
    assert query(duckdb_target, "SELECT _bqferry_deleted_at = _bqferry_synced_at,"
                 " _bqferry_run_id FROM items WHERE id = 2") == [(True, result.job()["run_id"])]
    # back with its old time: the cursor does not see it, the keys do
    db.execute("INSERT INTO items VALUES (2, 'n2', 'old', '2020-01-01')")
    bqferry.ok("run")
    assert query(duckdb_target, marked) == []
    duckdb_target.check("items")


@pytest.mark.parametrize("cursor", (None, CURSOR), ids=("all", "cursor"))
def test_hard_deletes(db, bqferry, job, duckdb_target, cursor):
    fill(db, 5)
    job(duckdb_target, {"table": "items", "where": "id < 100"}, load="upsert",
        deletes={"action": "hard", "every": "0s"}, **({"cursor": cursor} if cursor else {}))
    bqferry.ok("run")
    db.execute("DELETE FROM items WHERE id = 2; INSERT INTO items VALUES (6, 'n6'), (100, 'not this job''s')")
    assert merged(bqferry.ok("run"))["vanished"] == 1
    same(db, duckdb_target, extra="id < 100")
    db.execute("UPDATE items SET id = 200 WHERE id = 6")
    bqferry.ok("run")
    same(db, duckdb_target, extra="id < 100")


def test_keys_are_compared_as_often_as_asked(db, bqferry, job, duckdb_target):
    fill(db, 5)
    job(duckdb_target, "items", load="upsert", deletes={"action": "hard", "every": "1d"}, cursor=CURSOR)
    bqferry.ok("run")
    db.execute("DELETE FROM items WHERE id = 2")
    assert "compared_keys" not in merged(bqferry.ok("run"))
    path = bqferry.folder / ".bqferry/jobs/main.json"
    state = json.loads(path.read_text())
    for number, at in ((2, "2020-01-01T00:00:00Z"), (3, "2999-01-01T00:00:00Z")):  # a clock was wrong once
        db.execute(f"DELETE FROM items WHERE id = {number}")
        state["state"]["compared_at"] = at
        path.write_text(json.dumps(state))
        assert merged(bqferry.ok("run"))["vanished"] == 1
        same(db, duckdb_target)
    db.execute("DELETE FROM items WHERE id = 4")
    assert "compared_keys" not in merged(bqferry.ok("run"))


def test_a_limit_deletes_nothing(db, bqferry, job, duckdb_target):
    fill(db, 5)
    job(duckdb_target, "items", load="upsert", deletes="hard")
    bqferry.ok("run")
    bqferry.ok("run", "--limit", "2")
    same(db, duckdb_target)


# Appends that read again --------------------------------------------------------------------------

def test_lookback_of_an_append_with_a_key(db, bqferry, job, duckdb_target):
    """A late row arrives, a row that was read is not added again, a new version of one is."""
    fill(db, 3)
    job(duckdb_target, "items", load="append", cursor={**CURSOR, "lookback": "1h"})
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES (4, 'n4', 'late', now() - interval '30 minutes')")
    touch(db, "id = 1", note="'version 2'")
    assert merged(bqferry.ok("run")) == {"inserted": 2, "unchanged": 2}
    bqferry.ok("run")
    assert sorted(duckdb_target.rows("items", "id, note")) == [
        (1, "old"), (1, "version 2"), (2, "old"), (3, "old"), (4, "late")]


def test_lookback_of_an_append_without_a_key(db, bqferry, job, duckdb_target):
    """The range is replaced: what was read stays once, what was deleted goes, equal rows stay."""
    db.execute("CREATE TABLE items (name text, updated_at timestamptz DEFAULT now());"
               " INSERT INTO items VALUES ('old', now() - interval '3 hours'), ('twin', now()), ('twin', now())")
    job(duckdb_target, "items", load="append", cursor={**CURSOR, "lookback": "1h"})
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES ('late', now() - interval '30 minutes'), ('new', now())")
    assert merged(bqferry.ok("run")) == {"inserted": 4, "vanished": 2}
    bqferry.ok("run")
    assert sorted(duckdb_target.rows("items", "name")) == [("late",), ("new",), ("old",), ("twin",), ("twin",)]


@pytest.mark.parametrize("operator", (">=", ">"))
@pytest.mark.parametrize("column", ("bigint", "date", "timestamp"))
def test_ranges_of_other_kinds_are_replaced(db, bqferry, job, duckdb_target, column, operator):
    value = {"bigint": "i", "date": "date '2026-01-01' + i", "timestamp":
             "timestamp '2026-01-01' + i * interval '1 day'"}[column]
    db.execute(f"CREATE TABLE items (n int, at {column});"
               f" INSERT INTO items SELECT i, {value} FROM generate_series(1, 20) i")
    lookback = "3" if column == "bigint" else "3d"
    job(duckdb_target, "items", load="append",
        cursor={**CURSOR, "column": "at", "operator": operator, "lookback": lookback, "time_zone": "UTC"})
    if column != "bigint":
        bqferry.ok("run")
        bqferry.ok("state", "set", "main", "--cursor", "2026-01-16")
    for _ in range(3):
        bqferry.ok("run")
        assert duckdb_target.rows("items", "n") == [(n,) for n in range(1, 21)]
        db.execute(f"INSERT INTO items SELECT 21, {value} FROM generate_series(21, 21) i WHERE false")


def test_an_append_that_cannot_tell_is_refused(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (name text, updated_at timestamptz DEFAULT now());"
               " INSERT INTO items VALUES ('a')")
    job(duckdb_target, {"table": "items", "columns": ["name"]}, load="append",
        cursor={**CURSOR, "lookback": "1h"})
    bqferry.ok("run")
    db.execute("INSERT INTO items VALUES ('b')")
    result = bqferry.fails("config", "run")
    assert "key" in result.stderr and "updated_at" in result.stderr
    assert duckdb_target.rows("items", "name") == [("a",)]


# Columns that come and go ---------------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "upsert"))
def test_new_columns_are_added(db, bqferry, job, duckdb_target, load):
    fill(db, 3)
    job(duckdb_target, "items", load=load, cursor=CURSOR)
    bqferry.ok("run")
    db.execute("ALTER TABLE items ADD COLUMN price numeric(10,2), ADD COLUMN tags text[]")
    db.execute("INSERT INTO items VALUES (4, 'n4', 'new', now(), 9.90, '{a,b}')")
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id, price::VARCHAR, tags") == [
        (1, None, None), (2, None, None), (3, None, None), (4, "9.90", ["a", "b"])]
    assert readers.duckdb_types(duckdb_target.path, "items")["price"] == "DECIMAL(10,2)"


def test_new_columns_stop_the_job_when_asked(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR, schema={"evolve": "fail"})
    bqferry.ok("run")
    db.execute("ALTER TABLE items ADD COLUMN price int")
    db.execute("INSERT INTO items VALUES (4, 'n4')")
    result = bqferry.fails("config", "run")
    assert "has no column price" in result.stderr and "add_columns" in result.stderr
    assert len(duckdb_target.rows("items", "id")) == 3


@pytest.mark.parametrize("listed", (True, False))
def test_new_columns_are_left_out_when_asked(db, bqferry, job, duckdb_target, listed):
    fill(db, 3)
    source = {"table": "items", **({"columns": ["id", "name", "note", "updated_at"]} if listed else {})}
    job(duckdb_target, source, load="upsert", cursor=CURSOR, **({} if listed else {"schema": {"evolve": "ignore"}}))
    bqferry.ok("run")
    db.execute("ALTER TABLE items ADD COLUMN price int; INSERT INTO items VALUES (4, 'n4')")
    result = bqferry.ok("run").job()
    assert listed or "column price is left out" in " ".join(result["notes"])
    assert "price" not in readers.duckdb_types(duckdb_target.path, "items")
    same(db, duckdb_target)


def test_a_column_that_is_left_out_need_not_be_readable(db, bqferry, job, duckdb_target):
    fill(db, 3)
    db.execute("GRANT SELECT ON items TO poor")
    job(duckdb_target, "items", load="upsert", cursor=CURSOR, schema={"evolve": "ignore"}, url=db.url(user="poor"))
    bqferry.ok("run")
    db.execute("REVOKE SELECT ON items FROM poor; GRANT SELECT (id, name, note, updated_at) ON items TO poor;"
               " ALTER TABLE items ADD COLUMN price int; INSERT INTO items VALUES (4, 'n4')")
    bqferry.ok("run")
    same(db, duckdb_target)


def test_dropped_columns_stay_and_go_null(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, note text NOT NULL,"
               " updated_at timestamptz DEFAULT now());"
               " INSERT INTO items SELECT i, 'n', 'kept' FROM generate_series(1, 3) i")
    job(duckdb_target, "items", load="upsert", cursor=CURSOR, mode="required")
    bqferry.ok("run")
    db.execute("ALTER TABLE items DROP COLUMN note; UPDATE items SET updated_at = now() WHERE id = 1;"
               " INSERT INTO items VALUES (4, 'n4')")
    notes = " ".join(bqferry.ok("run").job()["notes"])
    assert "column note is no longer in the source" in notes
    assert duckdb_target.rows("items", "id, note") == [(1, None), (2, "kept"), (3, "kept"), (4, None)]
    db.execute("UPDATE items SET updated_at = now() WHERE id = 2")
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id, note")[1] == (2, None)


def test_required_is_relaxed(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, updated_at timestamptz"
               " NOT NULL DEFAULT now()); INSERT INTO items VALUES (1, 'a')")
    job(duckdb_target, "items", load="upsert", cursor=CURSOR, mode="required")
    bqferry.ok("run")
    db.execute("ALTER TABLE items ALTER name DROP NOT NULL; INSERT INTO items VALUES (2, NULL)")
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id, name") == [(1, "a"), (2, None)]


@pytest.mark.parametrize("load", ("upsert", "soft_delete"))
def test_a_renamed_key_stops_the_job(db, bqferry, job, duckdb_target, load):
    """Its new name is NULL in all rows that are there: none would be found, and all would vanish."""
    fill(db, 5)
    deletes = {"deletes": {"action": "hard", "every": "0s"}} if load == "upsert" else {}
    job(duckdb_target, "items", load=load, cursor=CURSOR, **deletes)
    bqferry.ok("run")
    db.execute("ALTER TABLE items RENAME id TO ident; UPDATE items SET note = 'new', updated_at = now() WHERE ident = 3")
    result = bqferry.fails("config", "run")
    assert 'has no column "ident"' in result.stderr and "renamed" in result.stderr, str(result)
    assert len(duckdb_target.rows("items", "id")) == 5
    job(duckdb_target, "items", load=load, cursor=CURSOR, columns={"ident": {"name": "id"}}, **deletes)
    assert merged(bqferry.ok("run"))["updated"] == 1
    assert duckdb_target.rows("items", "id, note") == db.rows("SELECT ident, note FROM items ORDER BY 1")
    job(duckdb_target, "items", load=load, cursor=CURSOR, **deletes)
    bqferry.ok("run", "--full-refresh")  # also of a table that is clustered by its key
    assert duckdb_target.rows("items", "ident, note") == db.rows("SELECT ident, note FROM items ORDER BY 1")


def test_a_changed_type_stops_the_job(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run")
    db.execute("ALTER TABLE items ALTER note TYPE int USING 7; INSERT INTO items VALUES (4, 'n4', 4)")
    result = bqferry.fails("config", "run")
    assert "column note" in result.stderr and "VARCHAR" in result.stderr and "hint" in result.stderr
    assert len(duckdb_target.rows("items", "id")) == 3
    duckdb_target.check("items")


def test_metadata_columns(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="append", metadata_columns=True)
    first = bqferry.ok("run").job()["run_id"]
    second = bqferry.ok("run").job()["run_id"]
    rows = query(duckdb_target, "SELECT _bqferry_run_id, count(*), count(DISTINCT _bqferry_synced_at),"
                 " bool_and(_bqferry_synced_at > now() - INTERVAL 1 HOUR) FROM items GROUP BY 1 ORDER BY 1")
    assert sorted(rows) == sorted([(first, 3, 1, True), (second, 3, 1, True)])
    db.execute("ALTER TABLE items ADD COLUMN _bqferry_run_id text")
    assert "of its own" in bqferry.fails("config", "run").stderr


def test_marks_come_to_a_table_that_has_none(db, bqferry, job, duckdb_target):
    fill(db, 3)
    job(duckdb_target, "items", load="upsert", cursor=CURSOR, schema={"evolve": "fail"})
    bqferry.ok("run")
    db.execute("DELETE FROM items WHERE id = 1")
    job(duckdb_target, "items", load="soft_delete", cursor=CURSOR, deletes={"every": "0s"},
        schema={"evolve": "fail"})
    bqferry.ok("run")
    assert query(duckdb_target, "SELECT id FROM items WHERE _bqferry_deleted_at IS NOT NULL") == [(1,)]
