# SPDX-License-Identifier: Apache-2.0
"""The commands as people and scripts meet them: output, JSON, reports, progress, logs, exit codes."""

import json
import re
import subprocess

import jsonschema
import pytest
import yaml

from support import readers
from support.program import ROOT, clean_environment
from support.targets import make_target

SHOP = """
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, mood mood, updated_at timestamptz);
    INSERT INTO customers SELECT i, 'Name ' || i, 'ok', TIMESTAMPTZ '2024-01-01' + i * INTERVAL '1 hour'
        FROM generate_series(1, 1000) i;
    CREATE INDEX ON customers (updated_at);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int REFERENCES customers, total numeric(10,2),
        odd numeric, dates date[], settled timestamp);
    INSERT INTO orders SELECT i, 1 + i % 1000, i / 7.0, i, ARRAY['2024-01-01'::date, NULL], NULL
        FROM generate_series(1, 2000) i;
    COMMENT ON TABLE orders IS 'Orders of the shop';
    ANALYZE"""


@pytest.fixture
def shop(db, bqferry, tmp_path):
    db.execute(SHOP)
    target = make_target("duckdb", tmp_path)
    db.target = target
    bqferry.write_config({
        "version": 1, "connections": {"shop": {"type": "postgresql", "url": db.url()}},
        "destination": target.config, "defaults": {"on_invalid": "null", "retries": {"budget": "0s"}},
        "jobs": [{"name": "customers", "source": {"connection": "shop", "table": "public.customers"}},
                 {"name": "orders", "source": {"connection": "shop", "table": "public.orders"},
                  "workers": 2}]})
    return db


# run: report, progress, logs --------------------------------------------------------------------------

JOB_KEYS = {"job", "status", "run_id", "attempt", "load", "source", "target", "workers", "shards",
            "rows_read", "bytes_read", "rows_staged", "bytes_staged", "rows_applied", "invalid", "phases",
            "retries", "notes", "error", "merged", "cursor", "target_jobs"}


def test_report(shop, bqferry):
    result = bqferry.ok("run")
    report = result.report
    assert set(report) == {"version", "id", "started_at", "finished_at", "duration_ms", "exit_code", "jobs"}
    assert report["version"] == 1 and report["exit_code"] == 0
    for name in ("started_at", "finished_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", report[name])
    assert report["started_at"] <= report["finished_at"] and report["duration_ms"] >= 0
    assert [one["job"] for one in report["jobs"]] == ["customers", "orders"]
    customers, orders = report["jobs"]
    for one in (customers, orders):
        assert set(one) == JOB_KEYS
        assert one["status"] == "succeeded" and one["error"] is None and one["retries"] == 0
        assert one["attempt"] == 1 and one["load"] == "append"
        assert re.fullmatch(r"[a-z0-9-]+", one["run_id"])
        assert set(one["phases"]) == {"settle_ms", "plan_ms", "extract_ms", "apply_ms", "commit_ms"}
        assert all(value >= 0 for value in one["phases"].values())
        assert one["bytes_read"] > 0 and one["bytes_staged"] > 0
    assert customers["run_id"] != orders["run_id"]
    assert orders["source"] == {"connection": "shop", "relation": "public.orders"}
    assert customers["rows_read"] == customers["rows_staged"] == customers["rows_applied"] == 1000
    assert orders["rows_read"] == orders["rows_staged"] == orders["rows_applied"] == 2000
    assert customers["invalid"] == {} and orders["invalid"] == {"dates": {"null_element": 2000}}
    assert "orders" in orders["target"]


def test_report_of_a_failure(shop, bqferry):
    shop.execute("DROP TABLE orders")
    result = bqferry.fails("source", "run")
    report = result.report
    assert report["exit_code"] == 3
    error = result.job("orders")["error"]
    assert error["kind"] == "source" and "orders" in error["message"] and error["retryable"] is False
    assert "hint" in error
    assert result.job("customers")["status"] == "succeeded"


def test_report_that_cannot_be_written(shop, bqferry):
    result = bqferry("run", "--report", "no-such-folder/report.json")
    assert result.code != 0 and "no-such-folder" in result.stderr, str(result)


def test_report_on_standard_output(shop, bqferry):
    result = bqferry.ok("run", "--report", "-", "--progress", "none")
    assert {one["job"] for one in json.loads(result.stdout)["jobs"]} == {"customers", "orders"}


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_progress_as_json(shop, bqferry):
    result = bqferry.ok("-q", "run", "--progress", "json")
    lines = json_lines(result.stderr)
    assert {line.get("job") for line in lines} >= {"customers", "orders"}
    last = [line for line in lines if line.get("job") == "orders"][-1]
    assert last["rows"] == 2000


def test_logs_as_json(shop, bqferry):
    result = bqferry.ok("--log-format", "json", "run", "--progress", "none")
    lines = json_lines(result.stderr)
    assert lines
    for line in lines:
        assert line["severity"] in ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR")
        assert isinstance(line["message"], str) and "time" in line
    shop.execute("DROP TABLE orders")
    lines = json_lines(bqferry.fails("source", "--log-format", "json", "run", "--progress",
                                     "none").stderr)
    errors = [line for line in lines if line["severity"] == "ERROR"]
    assert any("orders" in line["message"] for line in errors)


def test_an_error_is_logged_once(shop, bqferry):
    shop.execute("DROP TABLE orders")
    result = bqferry.fails("source", "run", "orders", "--progress", "none")
    lines = [line for line in result.stderr.splitlines() if "public.orders" in line]
    assert len(lines) == 1, str(result)


def test_quiet(shop, bqferry):
    result = bqferry.ok("-q", "run")
    assert result.stderr == "", str(result)
    shop.execute("DROP TABLE orders")
    assert bqferry.fails("source", "-q", "run").stderr.strip()


def test_plain_progress_in_a_pipe(shop, bqferry):
    result = bqferry.ok("run")
    assert "\r" not in result.text and "\x1b" not in result.text
    assert "orders" in result.stderr and "2,000" in result.text.replace("2000", "2,000")


def test_terminal(shop, bqferry):
    """On a terminal progress moves in place; nothing of it is left broken at the end."""
    import os
    import pty
    master, slave = pty.openpty()
    process = subprocess.Popen([bqferry.binary, "run"], cwd=bqferry.folder, stdin=slave, stdout=slave,
                               stderr=slave, env=clean_environment(bqferry.home, TERM="xterm"))
    os.close(slave)
    output = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        output += data
    assert process.wait(60) == 0, output.decode()
    os.close(master)
    text = output.decode()
    assert "orders" in text and "customers" in text
    assert text.count("\x1b[?25l") <= text.count("\x1b[?25h"), "the cursor stays hidden"


# plan, check, discover --------------------------------------------------------------------------------

def test_plan(shop, bqferry):
    result = bqferry.ok("plan")
    for word in ("orders", "customers", "numeric(10,2)", "NUMERIC(10, 2)", "BIGNUMERIC", "ARRAY<DATE>",
                 "DATETIME", "TIMESTAMP", "high", "medium", "CREATE TABLE"):
        assert word in result.stdout, f"no {word}\n{result}"
    assert "append" in result.stdout and "again" in result.stdout, f"append appends again: not said\n{result}"
    assert shop.target.tables() == set() and not shop.target.path.exists()
    assert not list((bqferry.folder / ".bqferry").rglob("*.json"))


def test_plan_as_json(shop, bqferry):
    plan = bqferry.ok("plan", "--json").json()
    jobs = {one["job"]: one for one in plan["jobs"]}
    assert set(jobs) == {"customers", "orders"}
    columns = {column["source"]["name"]: column for column in jobs["orders"]["columns"]}
    assert list(columns) == ["id", "customer_id", "total", "odd", "dates", "settled"]
    assert columns["total"]["target"]["confidence"] == "high"
    assert columns["odd"]["target"]["confidence"] in ("medium", "low")
    assert "orders" in json.dumps(jobs["orders"]["ddl"])
    assert not shop.target.path.exists()


def test_plan_of_one_job(shop, bqferry):
    plan = bqferry.ok("plan", "orders", "--json").json()
    assert [one["job"] for one in plan["jobs"]] == ["orders"]


def test_plan_that_cannot_work(shop, bqferry):
    shop.execute("DROP TABLE orders")
    result = bqferry.fails("source", "plan")
    assert "orders" in result.text and "customers" in result.stdout


def test_plan_ddl_is_what_duckdb_has(shop, bqferry):
    ddl = {one["job"]: one["ddl"] for one in bqferry.ok("plan", "--json").json()["jobs"]}
    bqferry.ok("run")
    import duckdb
    with duckdb.connect() as connection:
        for statement in ddl.values():
            connection.execute(statement if isinstance(statement, str) else ";".join(statement))
        for table in ("customers", "orders"):
            planned = dict(connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?"
                " ORDER BY column_index", [table]).fetchall())
            assert planned == readers.duckdb_types(shop.target.path, table)


def test_check(shop, bqferry):
    result = bqferry.ok("check")
    assert "PostgreSQL" in result.stdout and "libduckdb" in result.stdout
    assert not shop.target.exists("orders")
    items = [item for section in bqferry.ok("check", "--json").json()["sections"]
             for item in section["items"]]
    assert items and all(item["level"] in ("ok", "warning") for item in items)


def test_check_finds_what_is_missing(shop, bqferry):
    config = yaml.safe_load((bqferry.folder / "bqferry.yaml").read_text())
    config["connections"]["shop"]["url"] = shop.url(user="poor")
    bqferry.write_config(config)
    result = bqferry.fails("source", "check")
    assert "GRANT" in result.stdout and "orders" in result.stdout, str(result)
    config["connections"]["shop"]["url"] = "postgresql://ferry@127.0.0.1:1/shop"
    (bqferry.folder / "file").write_text("no folder\n")
    config["destination"] = {"type": "files", "path": "file/exports"}
    bqferry.write_config(config)
    result = bqferry("check", "--json")
    assert result.code == 1, str(result)  # the source and the target
    failed = [item for section in result.json()["sections"] for item in section["items"]
              if item["level"] == "failed"]
    assert len(failed) >= 2
    assert "file/exports" in json.dumps(failed)


def test_discover(shop, bqferry):
    result = bqferry.ok("discover", "shop")
    assert "customers" in result.stdout and "orders" in result.stdout and "id" in result.stdout
    result = bqferry.ok("discover", "shop", "public.customers")
    for word in ("updated_at", "timestamp with time zone", "TIMESTAMP", "Name 1"):
        assert word in result.stdout, f"no {word}\n{result}"
    for arguments in (("shop",), ("shop", "public"), ("shop", "public.*"), ("shop", "public.orders"),
                      (shop.url(),)):
        text = json.dumps(bqferry.ok("discover", *arguments, "--json").json())
        assert "orders" in text
    result = bqferry.fails("source", "discover", "shop", "public.oders")
    assert "orders" in result.stderr
    bqferry.fails("config", "discover", "shopp")


# init, config, help -----------------------------------------------------------------------------------

def test_init(shop, bqferry, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    bqferry.ok("init", "--source-url-env", "SHOP_URL", "--table", "public.customers", "--to",
               "duckdb:w.duckdb", cwd=folder)
    text = (folder / "bqferry.yaml").read_text()
    assert "${SHOP_URL}" in text and text.count("#") > 5
    assert "SHOP_URL" in (folder / "env.example").read_text()
    bqferry.ok("config", "validate", cwd=folder, env={"SHOP_URL": shop.url()})
    bqferry.ok("run", cwd=folder, env={"SHOP_URL": shop.url()})
    assert len(readers.duckdb_rows(folder / "w.duckdb", "customers", "id")) == 1000
    again = bqferry("init", "--source-url-env", "SHOP_URL", cwd=folder)
    assert again.code == 2 and "bqferry.yaml" in again.stderr and "--force" in again.stderr
    assert (folder / "bqferry.yaml").read_text() == text


def test_init_keeps_the_password_out(shop, bqferry, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    url = f"postgresql://pw_role:s3cret@127.0.0.1:{shop.server.port}/{shop.name}"
    bqferry.ok("init", "--source", url, "--table", "public.*", "--to", "files:out", "--write-env",
               cwd=folder)
    assert "s3cret" not in (folder / "bqferry.yaml").read_text()
    assert "s3cret" not in (folder / "env.example").read_text()
    assert "s3cret" in (folder / ".env").read_text()
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    bqferry.ok("config", "validate", cwd=folder)


def test_schema_accepts_and_refuses(shop, bqferry):
    schema = bqferry.ok("config", "schema").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = yaml.safe_load((bqferry.folder / "bqferry.yaml").read_text())
    assert list(validator.iter_errors(good)) == []
    demo = re.search(r"<<'YAML'\n(.*?)\nYAML\n", (ROOT / "tools/demo/demo.sh").read_text(), re.S)[1]
    assert list(validator.iter_errors(yaml.safe_load(demo))) == []
    for change in ({"destinaton": {}}, {"parallel": "many"}, {"version": 2}, {"jobs": {"a": 1}}):
        assert list(validator.iter_errors({**good, **change})), change


def test_generated_pages_are_current(bqferry):
    assert bqferry.ok("config", "docs").stdout == (ROOT / "docs/configuration.md").read_text()
    assert bqferry.ok("help", "--markdown").stdout == (ROOT / "docs/cli.md").read_text()


def test_every_command_has_help(bqferry):
    for command in ("copy", "init", "check", "discover", "plan", "run", "config", "version", "help"):
        text = bqferry.ok(command, "--help").stdout
        assert f"bqferry {command}" in text
        assert text == bqferry.ok("help", command).stdout
    assert "run" in bqferry.ok("--help").stdout
    assert re.search(r"\d+\.\d+\.\d+", bqferry.ok("version").stdout)
    assert re.search(r"\d+\.\d+\.\d+", bqferry.ok("--version").stdout)


# copy -------------------------------------------------------------------------------------------------

def test_copy(db, bqferry, target):
    db.execute(SHOP)
    result = bqferry.ok("copy", db.url(), "public.customers", target.url)
    assert len(target.rows("customers", "id")) == 1000
    assert result.job()["load"] == "replace"
    bqferry.ok("copy", db.url(), "public.customers", target.url)
    assert len(target.rows("customers", "id")) == 1000
    bqferry.ok("copy", db.url(), "public.customers", target.url, "--load", "append", "--where", "id <= 10",
               "--workers", "1")
    assert len(target.rows("customers", "id")) == 1010
    target.check("customers")


def test_copy_options(db, bqferry, tmp_path):
    db.execute(SHOP)
    target = make_target("ndjson", tmp_path)
    bqferry.ok("copy", db.url(), f"files:{target.path}", "--query",
               "SELECT id, dates, 'x' AS c FROM orders WHERE id <= 3", "--as", "few", "--format", "ndjson",
               "--on-invalid", "null", "--columns", "id,dates")
    assert target.dicts("few") == [{"id": number, "dates": ["2024-01-01"]} for number in (1, 2, 3)]
    bqferry.ok("copy", db.url(), "public.*", target.url, "--limit", "5", "--on-invalid", "null")
    assert len(target.rows("orders")) == len(target.rows("customers")) == 5
    bqferry.fails("data", "copy", db.url(), "public.orders", target.url)
    assert len(target.rows("orders")) == 5


def test_copy_into_a_dataset(db, bqferry, tmp_path):
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    target = make_target("duckdb", tmp_path)
    bqferry.ok("copy", db.url(), "t", f"{target.url}?dataset=raw")
    assert target.rows("t", schema="raw") == [(1,)]


def test_copy_writes_its_configuration(db, bqferry, tmp_path):
    db.execute(SHOP)
    target = make_target("duckdb", tmp_path)
    result = bqferry.ok("copy", db.url(), "public.orders", target.url, "--where", "id <= 7",
                        "--on-invalid", "null", "--write-config")
    assert not target.path.exists()
    bqferry.write_config(result.stdout)
    env = {}
    for name in re.findall(r"\$\{(\w+)\}", result.stdout):
        env[name] = db.url()
    bqferry.ok("run", env=env)
    assert len(target.rows("orders", "id")) == 7


def test_copy_relative_paths(db, bqferry):
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    bqferry.ok("copy", db.url(), "t", "duckdb:warehouse.duckdb")
    bqferry.ok("copy", db.url(), "t", "files:exports/")
    assert (bqferry.folder / "warehouse.duckdb").exists()
    assert readers.files_rows(bqferry.folder / "exports/t") == [{"id": 1}]


def test_killed_copy_is_settled_by_the_same_command(db, bqferry, fault_points, target):
    db.execute("CREATE TABLE t AS SELECT 1 AS id")
    arguments = ("copy", db.url(), "t", target.url, "--load", "append")
    assert bqferry(*arguments, fault="delivery.counted").killed
    assert bqferry.ok(*arguments).job()["status"] == "settled"
    assert target.rows("t") == [(1,)]
    bqferry.ok(*arguments)
    assert target.rows("t") == [(1,), (1,)]


# Where things are found and left ------------------------------------------------------------------------

def test_library_is_found_without_help(shop, bqferry):
    """Nothing but a checkout and `make`: libduckdb lies below .deps."""
    if not (ROOT / ".deps/duckdb/libduckdb.so").exists() or ROOT not in bqferry.binary.parents:
        pytest.skip("not a build of this checkout")
    result = bqferry.ok("check", env={"BQFERRY_DUCKDB_LIBRARY": None})
    assert "libduckdb.so" in result.stdout


def test_nothing_else_is_written(shop, bqferry):
    """A run leaves its target, its state and its report; temporary files go."""
    before = {path for path in bqferry.folder.iterdir()}
    bqferry.ok("run")
    new = {path.name for path in bqferry.folder.iterdir()} - {path.name for path in before}
    assert new == {".bqferry", "report-1.json"}
    names = {path.name for path in shop.target.path.parent.iterdir()}
    assert not [name for name in names if name.endswith((".wal", ".tmp", ".lock"))], names


