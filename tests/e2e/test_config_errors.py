# SPDX-License-Identifier: Apache-2.0
"""Bad configurations and command lines: exit code 2, the place, what was expected, the nearest word."""

import re

import pytest

GOOD = """\
version: 1
connections:
  shop:
    type: postgresql
    host: 127.0.0.1
    password: not-for-the-log
destination:
  type: files
  path: exports
jobs:
  - name: orders
    source: {connection: shop, table: public.orders}
    load: append
"""

# What is wrong, how the good text is changed, "line:column" of the mistake, words of the message.
BAD = [
    ("unknown key", ("  path: exports\n", "  path: exports\n  compresion: none\n"), "10:3",
     ["compresion", "compression"]),
    ("unknown key at the top", ("jobs:\n", "job:\n"), "10:1", ["job", "jobs"]),
    ("key of a later part", ("  type: files\n", "  type: files\n  region: b\n"), "9:3", ["region"]),
    ("key of another destination", ("  type: files\n", "  type: files\n  bucket: staging\n"), "9:11",
     ["bucket", "bigquery"]),
    ("credentials for a folder", ("  type: files\n", "  type: files\n  credentials: k.json\n"), "9:16",
     ["credentials", "gs://"]),
    ("partition without a column", ("load: append", "load: replace\n    replace: partition"), "14:14",
     ["partition_by"]),
    ("bigquery without a dataset", ("  type: files\n  path: exports\n", "  type: bigquery\n"), None,
     ["destination.dataset", "jobs[0]"]),
    ("bigquery with a path", ("  type: files\n", "  type: bigquery\n  dataset: raw\n"), "10:9",
     ["path", "duckdb or files"]),
    ("labels in upper case", ("load: append", "load: append\n    target: {labels: {Team: data}}"), "14:29",
     ["Team", "lower-case"]),
    ("wrong type", ("destination:\n", "parallel: many\ndestination:\n"), "7:11", ["parallel", "many"]),
    ("number out of range", ("destination:\n", "parallel: 0\ndestination:\n"), "7:11", ["parallel"]),
    ("no such port", ("host: 127.0.0.1", "port: 65536"), "5:11", ["port", "65536"]),
    ("one port of two", ("host: 127.0.0.1", "port: '5432,0'"), "5:11", ["port", "5432,0"]),
    ("list instead of text", ("  path: exports\n", "  path: [a, b]\n"), "9:9", ["path"]),
    ("missing variable", ("host: 127.0.0.1", "host: ${NO_SUCH_VARIABLE}"), "5:11",
     ["NO_SUCH_VARIABLE"]),
    ("missing file of a secret", ("password: not-for-the-log", "password: ${file:no-such-file}"),
     "6:15", ["no-such-file"]),
    ("unknown connection", ("connection: shop", "connection: shopp"), "12:26", ["shopp", "shop"]),
    ("unknown destination", ("type: files", "type: file"), "8:9", ["file", "files"]),
    ("unknown source", ("type: postgresql", "type: postgres-sql"), "4:11",
     ["postgres-sql", "postgresql"]),
    ("unknown load mode", ("load: append", "load: merge"), "13:11",
     ["merge", "append", "replace", "upsert"]),
    ("unknown policy", ("  - name: orders\n", "  - name: orders\n    on_invalid: ignore\n"), "12:17",
     ["ignore", "fail", "null", "clamp"]),
    ("unknown format", ("  type: files\n", "  type: files\n  format: parquet\n"), "9:11",
     ["parquet", "avro", "ndjson"]),
    ("bad duration", ("  - name: orders\n", "  - name: orders\n    retries: {budget: soon}\n"), "12:23",
     ["soon"]),
    ("no table and no query", (", table: public.orders", ""), None, ["table", "query"]),
    ("table and query", ("table: public.orders", "table: public.orders, query: SELECT 1"), None,
     ["table", "query"]),
    ("job without a name", ("  - name: orders\n    source", "  - source"), "11:5", ["name"]),
    ("two jobs of one name", ("    load: append\n",
                              "    load: append\n"
                              "  - name: orders\n"
                              "    load: append\n"
                              "    source: {connection: shop, table: public.other}\n"), "14:11",
     ["orders"]),
    ("no load mode", ("    load: append\n", ""), None, ["load", "append", "replace"]),
    ("key twice", ("  path: exports\n", "  path: exports\n  path: other\n"), "10:3", ["path"]),
    ("newer version", ("version: 1", "version: 2"), "1:10", ["version", "1"]),
    ("no version", ("version: 1\n", ""), None, ["version"]),
    ("no YAML", ("connections:\n", "connections: {\n"), None, []),
    ("a tab", ("  type: files\n", "\ttype: files\n"), None, []),
    ("empty file", (GOOD, ""), None, ["empty"]),
    ("no mapping", (GOOD, "- 1\n- 2\n"), None, []),
]


@pytest.mark.parametrize("change, place, words", [case[1:] for case in BAD],
                         ids=[case[0].replace(" ", "-") for case in BAD])
def test_bad_configuration(bqferry, change, place, words):
    assert GOOD.count(change[0]) == 1
    bqferry.write_config(GOOD.replace(*change))
    for command in (("run",), ("config", "validate")):
        result = bqferry.fails("config", *command)
        assert "bqferry.yaml" in result.stderr, str(result)
        if place:
            assert f"bqferry.yaml:{place}" in result.stderr, f"wanted {place}\n{result}"
        for word in words:
            assert word in result.stderr, f"wanted the word {word}\n{result}"
        assert "not-for-the-log" not in result.text
    assert not (bqferry.folder / "exports").exists()


def test_good_configuration(bqferry):
    bqferry.write_config(GOOD)
    bqferry.ok("config", "validate")


def test_all_mistakes_at_once(bqferry):
    bqferry.write_config(GOOD.replace("path: exports", "pth: exports")
                         .replace("connection: shop", "connection: shopp")
                         .replace("version: 1", "version: one"))
    result = bqferry.fails("config", "run")
    for place in ("bqferry.yaml:1:10", "bqferry.yaml:9:3", "bqferry.yaml:12:26"):
        assert place in result.stderr, str(result)


def test_mistake_in_an_included_file(bqferry):
    bqferry.write_config(GOOD + "include: [jobs/*.yaml]\n")
    bqferry.write_config("jobs:\n  - name: more\n    sorce: {connection: shop, table: a.b}\n    load: append\n",
                         name="jobs/more.yaml")
    result = bqferry.fails("config", "run")
    assert re.search(r"jobs/more\.yaml:3:5", result.stderr), str(result)
    assert "source" in result.stderr


def test_two_jobs_with_one_target(bqferry, db, files_target):
    db.execute("CREATE TABLE orders (id int); CREATE SCHEMA other; CREATE TABLE other.orders (id int)")
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}},
        "destination": files_target.config,
        "jobs": [{"name": "one", "source": {"connection": "db", "table": "public.orders"}},
                 {"name": "two", "source": {"connection": "db", "table": "other.orders"}}]})
    result = bqferry.fails("config", "run")
    assert "orders" in result.stderr and "jobs[0]" in result.stderr and "jobs[1]" in result.stderr


def test_missing_configuration(bqferry):
    result = bqferry.fails("config", "run")
    assert "bqferry.yaml" in result.stderr and "init" in result.stderr, str(result)
    result = bqferry.fails("config", "run", "--config", "elsewhere/etl.yaml")
    assert "elsewhere/etl.yaml" in result.stderr


def test_environment_file_is_beside_the_configuration(bqferry, db, files_target):
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    (bqferry.folder / "etc").mkdir()
    (bqferry.folder / "etc/.env").write_text(f"DB_URL={db.url()}\nFORMAT=ndjson\n")
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": "${DB_URL}"}},
        "destination": {"type": "files", "path": "exports", "format": "${FORMAT:-avro}",
                        "compression": "${COMPRESSION:-none}"},
        "jobs": [{"name": "t", "source": {"connection": "db", "table": "t"}}]}, name="etc/b.yaml")
    bqferry.ok("run", "--config", "etc/b.yaml", env={"FORMAT": "ndjson"})
    # a relative path starts at the configuration's folder
    assert list((bqferry.folder / "etc/exports/t").glob("*.ndjson"))


@pytest.mark.parametrize("arguments, words", [
    ((), ["run", "copy"]),
    (("rnu",), ["rnu", "run"]),
    (("run", "--reprot", "x"), ["--reprot", "--report"]),
    (("run", "--limit", "many"), ["--limit", "many"]),
    (("run", "--limit", "-1"), ["--limit"]),
    (("run", "--progress", "loud"), ["loud", "plain"]),
    (("run", "--report"), ["--report"]),
    (("--log-level", "loud", "run"), ["loud", "debug"]),
    (("copy", "postgresql://127.0.0.1/x"), ["TABLE"]),
    (("copy", "oracle://127.0.0.1/x", "t", "files:x"), ["SOURCE_URL", "postgresql"]),
    (("copy", "postgresql://127.0.0.1/x", "t", "floppy:x"), ["floppy", "duckdb"]),
    (("copy", "postgresql://127.0.0.1/x", "t", "files:x?format=parquet"), ["parquet", "avro"]),
    (("copy", "postgresql://127.0.0.1/x", "t", "files:x", "--load", "merge"), ["merge", "append"]),
    (("discover",), ["CONNECTION"]),
    (("config", "nothing"), ["nothing", "schema"]),
])
def test_bad_command_line(bqferry, arguments, words):
    result = bqferry(*arguments)
    assert result.code == 2, str(result)
    for word in words:
        assert word in result.text, f"wanted the word {word}\n{result}"


def test_unknown_job(bqferry):
    bqferry.write_config(GOOD)
    result = bqferry.fails("config", "run", "order")
    assert "order" in result.stderr and "orders" in result.stderr
    result = bqferry.fails("config", "run", "--tag", "nightly")
    assert "nightly" in result.stderr


# What only the source or the target can tell: refused when planned, nothing is touched ---------------

PLANS = [
    ("unknown column", {"columns": {"totl": {"type": "STRING"}}}, {}, ["totl", "total"]),
    ("unknown wanted column", {}, {"columns": ["id", "totl"]}, ["totl", "total"]),
    ("impossible type", {"columns": {"note": {"type": "INT64"}}}, {}, ["note", "INT64"]),
    ("unknown type", {"columns": {"total": {"type": "DECIMALL"}}}, {}, ["DECIMALL"]),
    ("broken condition", {}, {"where": "no_such_column > 1"}, ["no_such_column"]),
    ("condition that ends early", {}, {"where": "id > 0) TO STDOUT; --"}, []),
    ("unknown time zone", {"naive_timestamps": {"type": "TIMESTAMP", "time_zone": "Europe/Berln"}}, {},
     ["Europe/Berln"]),
    ("forbidden name", {"columns": {"note": {"name": "_PARTITION_x"}}}, {}, ["_PARTITION"]),
    ("same name twice", {"columns": {"note": {"name": "TOTAL"}}}, {}, ["total", "TOTAL"]),
]


@pytest.mark.parametrize("keys, source, words", [case[1:] for case in PLANS],
                         ids=[case[0].replace(" ", "-") for case in PLANS])
def test_bad_plan(db, bqferry, job, target, keys, source, words):
    db.execute("CREATE TABLE orders (id int, total numeric(10,2), note text, at timestamp);"
               " INSERT INTO orders VALUES (1, 2, 'x', now())")
    job(target, {"table": "public.orders", **source}, **keys)
    result = bqferry("run")
    # conditions and time zones are the server's business, all else is known before
    assert result.code in ((2, 3) if "where" in source or "naive_timestamps" in keys else (2,)), str(result)
    for word in words:
        assert word in result.stderr, f"wanted the word {word}\n{result}"
    assert target.tables() == set() and target.leftovers() == []


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_names_that_differ_by_case_only(db, bqferry, job, tmp_path, kind):
    from support.targets import make_target
    target = make_target(kind, tmp_path)
    db.execute('CREATE TABLE t ("Id" int, id int)')
    job(target, "t")
    result = bqferry.fails("config", "run")
    assert "Id" in result.stderr and "name" in result.stderr
    job(target, "t", columns={"Id": {"name": "id_upper"}})
    bqferry.ok("run")


def test_an_empty_endpoint_is_none(bqferry):
    """`${…:-}` that nobody set: the variable of Google's clients counts, and its emulator takes any project."""
    bqferry.write_config({"version": 1, "jobs": [], "destination": {
        "type": "bigquery", "project": "acme", "dataset": "d", "endpoints": {"bigquery": ""}}})
    bqferry.ok("config", "validate", env={"BIGQUERY_EMULATOR_HOST": "localhost:9050"})
    assert "destination.project" in bqferry.fails("config", "config", "validate").stderr
