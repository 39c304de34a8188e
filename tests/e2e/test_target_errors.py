# SPDX-License-Identifier: Apache-2.0
"""What can go wrong at the target: exit code, words, and what was there before is there still."""

import os
import resource
import signal
import subprocess
import sys

import duckdb
import pytest

from support import readers
from support.targets import make_target

OLD = [(number,) for number in range(1, 11)]


@pytest.fixture
def old_rows(db, bqferry, job, tmp_path):
    """old_rows(kind, folder): a target with ten rows, ready for a big run of the same job."""
    def make(kind, folder=None, load="replace", big_rows=40_000):
        target = make_target(kind, folder or tmp_path)
        db.execute("DROP TABLE IF EXISTS items;"
                   " CREATE TABLE items AS SELECT i AS id, '' AS pad FROM generate_series(1, 10) i")
        job(target, "items", load=load, workers=2)
        bqferry.ok("run")
        # 26 MB of hexadecimal digits, which compress to half and not further
        db.execute("INSERT INTO items SELECT i, (SELECT string_agg(md5(i::text || j), '')"
                   f" FROM generate_series(1, 20) j) FROM generate_series(11, {big_rows}) i")
        return target
    return make


def check_old(target):
    assert target.rows("items", "id") == OLD
    target.check("items")


# DuckDB -----------------------------------------------------------------------------------------------

@pytest.fixture
def read_only_folder(tmp_path):
    """read_only_folder(fill): a folder that nobody may write, root neither."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    mounted = []

    def make(fill):
        if os.getuid() == 0:
            mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder],
                                   capture_output=True)
            if mount.returncode != 0:
                pytest.skip("root without the right to mount: a read-only folder cannot be made")
            mounted.append(folder)
        fill(folder)
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        else:
            for path in [*folder.rglob("*"), folder]:
                path.chmod(0o555 if path.is_dir() else 0o444)
        return folder

    yield make
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)
    else:
        folder.chmod(0o755)


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_read_only_target(db, bqferry, job, read_only_folder, kind):
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")

    def fill(folder):
        job(make_target(kind, folder), "items", load="replace")
        bqferry.ok("run")

    folder = read_only_folder(fill)
    target = make_target(kind, folder)
    result = bqferry.fails("target", "run")
    assert str(target.path) in result.stderr, str(result)
    assert target.rows("items", "id") == OLD


def test_duckdb_file_held_by_another_process(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")
    job(duckdb_target, "items", load="replace")
    bqferry.ok("run")
    program = f"import duckdb, sys; c = duckdb.connect({str(duckdb_target.path)!r}); print('held', " \
              "flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        result = bqferry.fails("locked", "run")
        assert str(duckdb_target.path) in result.stderr
        assert str(holder.pid) in result.stderr, f"the holder is not named\n{result}"
        holder.stdin.close()
    assert duckdb_target.rows("items", "id") == OLD
    bqferry.ok("run")


def test_no_duckdb_file(bqferry, job, db, duckdb_target):
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")
    duckdb_target.path.write_bytes(b"this is a letter, not a database\n" * 500)
    before = duckdb_target.path.read_bytes()
    job(duckdb_target, "items")
    result = bqferry.fails("target", "run")
    assert str(duckdb_target.path) in result.stderr
    assert duckdb_target.path.read_bytes() == before


def test_no_duckdb_library(bqferry, job, db, duckdb_target):
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")
    job(duckdb_target, "items", config={
        "destination": {**duckdb_target.config, "library": "/nowhere/libduckdb.so"}})
    result = bqferry.fails("target", "run", env={"BQFERRY_DUCKDB_LIBRARY": None})
    assert "/nowhere/libduckdb.so" in result.stderr
    check = bqferry("check")
    assert check.code == 4 and "/nowhere/libduckdb.so" in check.text, str(check)


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_folder_that_cannot_be_made(db, bqferry, job, tmp_path, kind):
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")
    (tmp_path / "file").write_text("no folder\n")
    target = make_target(kind, tmp_path / "file")
    job(target, "items")
    result = bqferry.fails("target", "run")
    assert str(tmp_path / "file") in result.stderr
    assert (tmp_path / "file").read_text() == "no folder\n"


def test_tables_own_connection_sees_old_rows_until_the_end(db, bqferry, job, duckdb_target, gate):
    """The file itself: a crash at any moment leaves the old rows, so a copy of it holds them too."""
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")
    job(duckdb_target, "items", load="replace")
    bqferry.ok("run")
    db.execute("INSERT INTO items SELECT generate_series(11, 20000)")
    job(duckdb_target, {"table": "items", "where": gate.at("id", 10_000)}, load="replace")
    run = bqferry.start("run")
    gate.wait_reached(run)
    copy = duckdb_target.path.with_name("copy.duckdb")
    copy.write_bytes(duckdb_target.path.read_bytes())
    wal = duckdb_target.path.with_name(duckdb_target.path.name + ".wal")
    if wal.exists():
        copy.with_name("copy.duckdb.wal").write_bytes(wal.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        assert connection.execute("SELECT id FROM items ORDER BY id").fetchall() == OLD
    gate.open()
    assert run.wait().code == 0
    assert len(duckdb_target.rows("items", "id")) == 20_000


# A full disk ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("load", ("append", "replace"))
@pytest.mark.parametrize("kind", ("duckdb", "avro", "ndjson"))
def test_full_disk(bqferry, small_disk, old_rows, kind, load):
    if small_disk is None:
        pytest.skip("a small file system needs root; test_file_size_limit stands in")
    target = old_rows(kind, small_disk, load)
    result = bqferry.fails("target", "run")
    assert "space" in result.stderr.lower(), str(result)
    assert str(target.path) in result.stderr or "items" in result.stderr
    check_old(target)
    # room again: the job goes on as if nothing had been
    job = result.job()
    assert job["status"] == "failed" and job["error"]["kind"] == "target"


@pytest.mark.parametrize("kind", ("duckdb", "avro", "ndjson"))
def test_file_size_limit(bqferry, old_rows, kind):
    target = old_rows(kind)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    result = bqferry.fails("target", "run", preexec_fn=limit)
    assert "large" in result.stderr.lower() or "space" in result.stderr.lower(), str(result)
    check_old(target)
    bqferry.ok("run")
    assert len(target.rows("items", "id")) == 40_000


def test_state_on_a_full_disk(db, bqferry, job, small_disk, duckdb_target):
    """No intent, no run: what cannot be written down first is not done."""
    if small_disk is None:
        pytest.skip("a small file system needs root")
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")
    job(duckdb_target, "items", config={"state": {"type": "file", "path": str(small_disk)}})
    with open(small_disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
    result = bqferry("run")
    assert result.code != 0 and "space" in result.stderr.lower(), str(result)
    assert not duckdb_target.exists("items") and duckdb_target.leftovers() == []
    (small_disk / "filler").unlink()
    bqferry.ok("run")
    assert duckdb_target.rows("items", "id") == OLD


def test_damaged_state(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE items AS SELECT generate_series(1, 10) AS id")
    job(duckdb_target, "items", load="append")
    bqferry.ok("run")
    states = list((bqferry.folder / ".bqferry/jobs").glob("*.json"))
    assert states
    for state in states:
        state.write_text(state.read_text()[:-10])
    result = bqferry.fails("config", "run")
    assert str(states[0].name) in result.stderr
    assert duckdb_target.rows("items", "id") == OLD


# Tables that are there already ------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ("duckdb", "avro", "ndjson"))
def test_append_of_other_columns_is_refused(db, bqferry, job, tmp_path, kind):
    target = make_target(kind, tmp_path)
    db.execute("CREATE TABLE t AS SELECT 1 AS id, 'x' AS note")
    job(target, "t", load="append", schema={"evolve": "fail"})
    bqferry.ok("run")
    before = target.rows("t")
    for statement, word in (("ADD COLUMN more int", "more"),
                            ("DROP COLUMN more; ALTER TABLE t ALTER COLUMN id TYPE text", "id")):
        db.execute(f"ALTER TABLE t {statement}")
        result = bqferry.fails("config", "run")
        assert word in result.stderr, str(result)
        assert target.rows("t") == before
        target.check("t")
    # replace brings the new columns
    job(target, "t", load="replace")
    bqferry.ok("run")
    assert target.rows("t", "id, note") == [("1", "x")]


def test_append_into_a_table_made_by_hand(db, bqferry, job, duckdb_target):
    """Names count, not places; columns that the source lacks stay NULL or make it refuse."""
    db.execute("CREATE TABLE t AS SELECT 1 AS id, 'x'::text AS note")
    with duckdb.connect(str(duckdb_target.path)) as connection:
        connection.execute("CREATE TABLE t (note VARCHAR, id BIGINT)")
        connection.execute("INSERT INTO t VALUES ('old', 0)")
    job(duckdb_target, "t", load="append")
    bqferry.ok("run")
    assert duckdb_target.rows("t", "id, note") == [(0, "old"), (1, "x")]


def test_replace_keeps_other_tables_and_views(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    with duckdb.connect(str(duckdb_target.path)) as connection:
        connection.execute("CREATE TABLE mine (v INT); INSERT INTO mine VALUES (7)")
    job(duckdb_target, "t", load="replace")
    bqferry.ok("run")
    with duckdb.connect(str(duckdb_target.path)) as connection:
        connection.execute("CREATE VIEW over_t AS SELECT id + 1 AS next FROM t")
    db.execute("UPDATE t SET id = 5")
    bqferry.ok("run")
    assert readers.duckdb_query(duckdb_target.path, "SELECT next FROM over_t") == [(6,)]
    assert readers.duckdb_query(duckdb_target.path, "SELECT v FROM mine") == [(7,)]


def test_view_in_the_way(db, bqferry, job, duckdb_target):
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    with duckdb.connect(str(duckdb_target.path)) as connection:
        connection.execute("CREATE VIEW t AS SELECT 42 AS id")
    job(duckdb_target, "t", load="replace")
    result = bqferry("run")
    assert result.code in (2, 4), str(result)
    assert "view" in result.stderr.lower()
    assert readers.duckdb_query(duckdb_target.path, "SELECT id FROM t") == [(42,)]


def test_folder_of_somebody_else(db, bqferry, job, files_target):
    """Files that bqferry did not write stay where they are."""
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    folder = files_target.folder("t")
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine\n")
    job(files_target, "t", load="replace")
    for _ in range(2):
        bqferry("run")
        assert (folder / "notes.txt").read_text() == "mine\n"


def test_damaged_manifest(db, bqferry, job, files_target):
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    job(files_target, "t", load="append")
    bqferry.ok("run")
    path = files_target.folder("t") / "manifest.json"
    path.write_text(path.read_text()[:-20])
    result = bqferry.fails("target", "run")
    assert str(path) in result.stderr, str(result)


def test_policy_failure_leaves_the_old_rows(db, bqferry, job, target):
    db.execute("CREATE TABLE items AS SELECT i AS id, DATE '2024-01-01' AS d"
               " FROM generate_series(1, 10) i")
    job(target, "items", load="replace")
    bqferry.ok("run")
    db.execute("INSERT INTO items SELECT i, '2024-01-02' FROM generate_series(11, 30000) i;"
               " INSERT INTO items VALUES (30001, 'infinity')")
    result = bqferry.fails("data", "run")
    assert "infinity" in result.stderr and '"d"' in result.stderr, str(result)
    assert "on_invalid" in result.stderr, f"the way out is not named\n{result}"
    assert target.rows("items", "id") == OLD
    target.check("items")


# REQUIRED ---------------------------------------------------------------------------------------------

def test_required_columns(db, bqferry, job, tmp_path):
    target = make_target("avro", tmp_path)
    db.execute("CREATE TABLE t (id int NOT NULL, note text); INSERT INTO t VALUES (1, 'x')")
    job(target, "t", load="replace")
    bqferry.ok("run")
    fields = readers.manifest(target.folder("t"))["schema"]["fields"]
    assert [field.get("mode", "NULLABLE") for field in fields] == ["NULLABLE", "NULLABLE"]
    job(target, "t", load="replace", columns={"id": {"mode": "required"}, "note": {"mode": "required"}})
    bqferry.ok("run")
    fields = readers.manifest(target.folder("t"))["schema"]["fields"]
    assert [field["mode"] for field in fields] == ["REQUIRED", "REQUIRED"]
    schema, rows = readers.read_avro(next(target.folder("t").glob("*.avro")))
    assert [field["type"] for field in schema["fields"]] == ["long", "string"]
    assert rows == [{"id": 1, "note": "x"}]
    db.execute("INSERT INTO t VALUES (2, NULL)")
    result = bqferry.fails("data", "run")
    assert "note" in result.stderr
    assert target.rows("t") == [(1, "x")]
