# SPDX-License-Identifier: Apache-2.0
"""Runs that meet: two processes and one target, interrupted runs and changed configurations."""

import duckdb
import fastavro
import pytest

from support.program import Program
from support.targets import make_target


@pytest.fixture
def items(db):
    db.execute("CREATE TABLE items AS SELECT i AS id, repeat(md5(i::text), 4) AS pad"
               " FROM generate_series(1, 20000) i; CREATE TABLE other AS SELECT 1 AS id")
    return db


def ids(target, table="items"):
    return [row[0] for row in target.rows(table, "id")]


ALL = list(range(1, 20001))


# Two processes ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_two_folders_one_table(items, bqferry, tmp_path, gate, kind):
    """Their states do not know each other; the target keeps them apart."""
    target = make_target(kind, tmp_path)
    second = Program(tmp_path / "second", bqferry.binary)
    run = bqferry.start("copy", items.url(), "items", target.url, "--where", gate.at("id", 10000))
    gate.wait_reached(run)
    result = second("copy", items.url(), "items", target.url, timeout=60)
    assert result.code in (0, 7), str(result)
    if result.code == 7:
        assert str(run.pid) in result.stderr, f"the holder is not named\n{result}"
    gate.open()
    finished = run.wait()
    assert finished.code == 0, str(finished)
    assert ids(target) == ALL
    target.check("items")
    assert second.ok("copy", items.url(), "items", target.url).job()["rows_applied"] == 20000
    assert ids(target) == ALL


def test_two_jobs_one_duckdb_file(items, bqferry, duckdb_target, gate):
    """A DuckDB file is one process's at a time: the other one says who has it."""
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": items.url()}},
        "destination": duckdb_target.config, "defaults": {"retries": {"budget": "0s"}},
        "jobs": [{"name": "items", "source": {"connection": "db", "table": "items",
                                              "where": gate.at("id", 10000)}},
                 {"name": "other", "source": {"connection": "db", "table": "other"}}]})
    run = bqferry.start("run", "items")
    gate.wait_reached(run)
    result = bqferry("run", "other")
    assert result.code in (0, 7), str(result)
    if result.code == 7:
        assert str(run.pid) in result.stderr, str(result)
    gate.open()
    assert run.wait().code == 0
    bqferry.ok("run", "other")
    assert ids(duckdb_target) == ALL and ids(duckdb_target, "other")[0] == 1


def test_reader_of_files_never_sees_a_part(items, bqferry, files_target, gate, job):
    """While a replace runs and after it, the manifest's rows are the old ones or the new ones."""
    job(files_target, "items", load="replace")
    bqferry.ok("run")
    items.execute("DELETE FROM items WHERE id > 5000")
    job(files_target, {"table": "items", "where": gate.at("id", 2500)}, load="replace")
    run = bqferry.start("run")
    gate.wait_reached(run)
    assert ids(files_target) == ALL
    gate.open()
    seen = set()
    while run.running():
        try:
            seen.add(len(ids(files_target)))
        except FileNotFoundError:  # its files were replaced between two looks: look again
            continue
    assert run.wait().code == 0
    seen.add(len(ids(files_target)))
    assert seen <= {20000, 5000} and 5000 in seen


# Interrupted, then changed ----------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_interrupted_then_another_destination(items, bqferry, fault_points, job, tmp_path, kind):
    """What was staged elsewhere was never visible: the new destination gets its own rows."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    old, new = make_target(kind, tmp_path / "one"), make_target(kind, tmp_path / "two")
    job(old, "items", load="append")
    assert bqferry("run", fault="delivery.counted").killed
    job(new, "items", load="append")
    result = bqferry.ok("run")
    assert result.job()["status"] == "succeeded"
    assert ids(new) == ALL and ids(old) == []
    assert "one" in result.stderr, f"the interrupted run's place is not named\n{result}"


@pytest.mark.parametrize("fault", ("delivery.counted", "delivery.applied"))
def test_interrupted_then_another_destination_by_mistake(items, bqferry, fault_points, job, tmp_path, fault):
    """A run elsewhere is refused, and what it found interrupted is still there for who corrects the mistake."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    right, wrong = make_target("duckdb", tmp_path / "one"), make_target("duckdb", tmp_path / "two")
    cursor = {"column": "id", "wait": "0s"}
    job(right, "items", load="append", cursor=cursor)
    bqferry.ok("run")
    items.execute("INSERT INTO items (id) SELECT i FROM generate_series(20001, 20010) i")
    assert bqferry("run", fault=fault).killed
    job(wrong, "items", load="append", cursor=cursor)
    assert "its rows went to" in bqferry.fails("config", "run").stderr
    job(right, "items", load="append", cursor=cursor)
    bqferry.ok("run")
    assert ids(right) == [*ALL, *range(20001, 20011)]
    right.check("items")


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_interrupted_append_then_replace(items, bqferry, fault_points, job, tmp_path, kind):
    """The interrupted run ends as it was meant; then the job is what it is now."""
    target = make_target(kind, tmp_path)
    job(target, "items", load="append")
    bqferry.ok("run")
    assert bqferry("run", fault="delivery.counted").killed
    job(target, "items", load="replace")
    result = bqferry.ok("run")
    assert ids(target) == sorted(ALL * 2) if result.job()["status"] == "settled" else ids(target) == ALL
    bqferry.ok("run")
    assert ids(target) == ALL
    target.check("items")


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_interrupted_then_full_refresh(items, bqferry, fault_points, job, tmp_path, kind):
    """Whoever asks for all of it anew gets it, whatever was interrupted before."""
    target = make_target(kind, tmp_path)
    job(target, "items", load="append")
    bqferry.ok("run")
    assert bqferry("run", fault="delivery.counted").killed
    items.execute("DELETE FROM items WHERE id > 5000")
    bqferry.ok("run", "--full-refresh")
    assert ids(target) == list(range(1, 5001))
    target.check("items")


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_interrupted_then_the_table_is_gone_from_the_target(items, bqferry, fault_points, job, tmp_path,
                                                            kind):
    """Somebody dropped the target's table: the interrupted append still arrives, or says why not."""
    target = make_target(kind, tmp_path)
    job(target, "items", load="append")
    bqferry.ok("run")
    assert bqferry("run", fault="delivery.counted").killed
    if kind == "duckdb":
        with duckdb.connect(str(target.path)) as connection:
            connection.execute("DROP TABLE items")
    else:
        (target.folder("items") / "manifest.json").unlink()
    result = bqferry("run")
    if result.code == 0:
        assert ids(target) == ALL
    else:
        assert result.code in (2, 4) and "items" in result.stderr, str(result)


def test_interrupted_job_under_another_name_does_not_matter(items, bqferry, fault_points, tmp_path):
    """Another job's staging is not this job's business."""
    target = make_target("avro", tmp_path)

    def configure(name):
        bqferry.write_config({
            "version": 1, "connections": {"db": {"type": "postgresql", "url": items.url()}},
            "destination": target.config,
            "jobs": [{"name": name, "source": {"connection": "db", "table": "items"}}]})

    configure("first")
    assert bqferry("run", fault="delivery.staged").killed
    configure("second")
    bqferry.ok("run")
    assert ids(target) == ALL
    configure("first")
    bqferry.ok("run")
    assert ids(target) == sorted(ALL * 2)
    target.check("items")


# Few connections --------------------------------------------------------------------------------------

def test_role_with_one_connection(items, bqferry, job, duckdb_target):
    """Two workers are wanted, the role may have two sessions at most: an error that says so, or fewer
    workers; never a hang."""
    for limit in (1, 2, 3):
        items.execute(f"ALTER ROLE plain CONNECTION LIMIT {limit}")
        try:
            job(duckdb_target, "items", load="replace", workers=2, url=items.url(user="plain"))
            result = bqferry("run", timeout=60)
        finally:
            items.execute("ALTER ROLE plain CONNECTION LIMIT -1")
        if result.code == 0:
            assert ids(duckdb_target) == ALL
        else:
            assert result.code == 3 and "too many connections" in result.stderr, str(result)
            assert not duckdb_target.exists("items")


# What loaders expect of the files ---------------------------------------------------------------------

def test_avro_blocks_are_within_bigquerys_limit(items, bqferry, job, files_target):
    """At most 16 MB a block, zstd, and a sync marker that other readers find."""
    items.execute("CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 3000) AS pad"
                  " FROM generate_series(1, 500) i")
    job(files_target, "big")
    bqferry.ok("run")
    blocks = 0
    for path in files_target.folder("big").glob("*.avro"):
        with open(path, "rb") as file:
            reader = fastavro.block_reader(file)
            assert reader.codec == "zstandard"
            for block in reader:
                blocks += 1
                assert len(block.bytes_.getvalue()) <= 16_000_000
    assert blocks >= 1


def test_plain_ndjson_is_lines_of_utf8(items, bqferry, job, tmp_path):
    target = make_target("ndjson", tmp_path)
    items.execute("CREATE TABLE odd AS SELECT 1 AS id, E'a\\u2028b\\nc\\\\ \\x01 ß' AS v")
    job(target, "odd", config={"destination": {**target.config, "compression": "none"}})
    bqferry.ok("run")
    (path,) = target.folder("odd").glob("*.ndjson")
    data = path.read_bytes()
    assert data.endswith(b"\n") and data.count(b"\n") == 1
    assert not data.startswith(b"\xef\xbb\xbf")
    assert target.dicts("odd") == [{"id": 1, "v": "a\u2028b\nc\\ \x01 ß"}]
