# SPDX-License-Identifier: Apache-2.0
"""The command line by itself: help, usage errors, init, passwords. No database is needed."""

import json
import os
import pty
import re
import select
import stat
import time
from pathlib import Path

import pytest
import yaml

from conftest import unavailable
from support.program import ROOT, clean_environment, find_release

COMMANDS = ["copy", "init", "check", "discover", "plan", "run", "config", "version", "help"]
SECRET = "correct-horse-battery"
URL = f"postgresql://me:{SECRET}@127.0.0.1:1/shop"


# Help -----------------------------------------------------------------------------------------------

def test_without_a_word_it_says_what_to_type_first(bqferry):
    result = bqferry()
    assert result.code == 2
    assert "bqferry copy postgresql://" in result.stdout
    assert "bqferry init" in result.stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", result.stdout, re.M), command


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_is_no_failure(bqferry, words):
    assert "Commands:" in bqferry.ok(*words).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(bqferry, command):
    text = bqferry.ok(command, "--help").stdout
    assert text.startswith(f"bqferry {command}: ")
    assert f"usage: bqferry {command}" in text
    assert f"\nExamples:\n  bqferry {command}" in text
    assert "--log-format text|json" in text
    assert max(len(line) for line in text.splitlines()) <= 110
    assert bqferry.ok("help", command).stdout == text


def test_options_may_stand_before_the_command(bqferry):
    assert bqferry.ok("--log-format", "json", "-q", "run", "--help").stdout.startswith("bqferry run")


def test_the_page_about_the_command_line_is_the_programs_own(bqferry):
    assert bqferry.ok("help", "--markdown").stdout == (ROOT / "docs/cli.md").read_text()


def test_version(bqferry):
    text = bqferry.ok("version").stdout
    assert re.match(r"bqferry \d+\.\d+\.\d+\n", text)
    assert "postgresql" in text and "files" in text
    assert bqferry.ok("--version").stdout == text


# Mistakes -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, says", [
    (["rnu"], "did you mean bqferry run?"),
    (["frobnicate"], 'there is no command "frobnicate"'),
    (["run", "--tga", "x"], "did you mean --tag?"),
    (["run", "--progress", "jsno"], "did you mean json?"),
    (["run", "--limit", "many"], '--limit: "many" is not a whole number'),
    (["run", "--limit", "-1"], '--limit: "-1" is not a whole number'),
    (["run", "-x"], "unknown option -x"),
    (["--confg", "x", "run"], "did you mean --config?"),
    (["plan", "--tag"], "--tag needs a value"),
    (["discover"], "CONNECTION is missing"),
    (["discover", "a", "b", "c"], "one word too many: c"),
    (["config"], "WHAT is missing"),
    (["config", "shema"], "did you mean schema?"),
    (["config", "validate=yes"], "is none of schema|docs|validate"),
    (["version", "--config", "x.yaml"], "reads no configuration"),
    (["help", "rum"], "did you mean bqferry run?"),
    (["copy"], "SOURCE_URL is missing"),
    (["copy", URL, "duckdb:w.duckdb"], "SOURCE_URL TABLE TARGET_URL"),
    (["copy", URL, "t", "duckdb:w.duckdb", "--query", "SELECT 1"], "not both"),
    (["copy", URL, "t", "duckdb"], "should be TYPE:PATH"),
    (["copy", URL, "t", "duckdb:"], "names no path"),
    (["copy", URL, "t", "file:out"], "did you mean files:?"),
    (["copy", URL, "t", "files:out?format"], "should be KEY=VALUE"),
    (["copy", URL, "t", "files:out?format=avro", "--format", "ndjson"], "the format is said twice"),
    (["copy", "oracle://me@h/db", "t", "files:out"], "should begin with one of postgresql://"),
    (["copy", URL, "t", "files:out", "--workers", "0"], '--workers: "0" is not a whole number from 1'),
    (["copy", URL, "t", "files:out", "--load", "upsert"], "is none of replace|append"),
    (["copy", URL, "t", "files:out", "--where", "a = '\udcff'"], "--where is not valid UTF-8"),
])
def test_a_mistake_in_the_words_is_named(bqferry, words, says):
    result = bqferry.fails("config", *words)
    assert says in result.stderr
    assert SECRET not in result.text
    assert not list(bqferry.folder.glob("*.duckdb")) and not (bqferry.folder / ".bqferry").exists()


def test_usage_follows_a_usage_error(bqferry):
    assert "usage: bqferry discover CONNECTION [WHAT]" in bqferry.fails("config", "discover").stderr


def test_in_json_every_line_of_a_mistake_is_json(bqferry):
    result = bqferry.fails("config", "--log-format", "json", "run", "--tga", "x")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert [line["severity"] for line in lines] == ["ERROR"]
    assert lines[0]["hint"] == "did you mean --tag?"


def test_a_missing_configuration_says_how_to_get_one(bqferry):
    for command in (["run"], ["plan"], ["check"], ["discover", "shop"], ["config", "validate"]):
        result = bqferry.fails("config", *command)
        assert "bqferry.yaml" in result.stderr and "bqferry init" in result.stderr, command


def test_all_mistakes_of_a_configuration_and_a_summary(bqferry):
    bqferry.write_config({"version": 1, "connectoins": {}, "jobs": [{"name": "a", "lod": "append"}]})
    result = bqferry.fails("config", "config", "validate")
    named = [line for line in result.stderr.splitlines() if re.search(r"bqferry\.yaml:\d+:\d+", line)]
    assert len(named) >= 2
    assert re.search(r"bqferry\.yaml has \d+ mistakes; nothing was done", result.stderr)


def test_quiet_prints_errors_only(bqferry):
    result = bqferry.fails("config", "-q", "run")
    assert result.stdout == "" and "error: " in result.stderr


def test_an_old_report_does_not_stay_for_a_run_that_cannot_start(bqferry):
    report = bqferry.folder / "report.json"
    report.write_text("{}")
    bqferry.fails("config", "run", "--report", report)
    assert not report.exists()


def test_results_that_cannot_be_written_are_a_failure(bqferry):
    with open("/dev/full", "w") as full:
        import subprocess
        done = subprocess.run([bqferry.binary, "help"], stdout=full, stderr=subprocess.PIPE,
                              env=clean_environment(bqferry.home), text=True)
    assert done.returncode == 1
    assert "cannot write to standard output" in done.stderr


# copy -----------------------------------------------------------------------------------------------

def written_config(bqferry, *words):
    result = bqferry.ok("copy", *words, "--write-config")
    assert SECRET not in result.text
    return result.stdout, yaml.safe_load(result.stdout)


def test_write_config_keeps_the_password_out_and_says_so(bqferry):
    text, config = written_config(bqferry, URL, "public.orders", "duckdb:w.duckdb?dataset=raw")
    assert config["connections"]["source"] == {"type": "postgresql", "url": "${SOURCE_URL}"}
    assert "# SOURCE_URL=postgresql://me:***@127.0.0.1:1/shop" in text
    assert config["destination"] == {"type": "duckdb", "path": "w.duckdb", "dataset": "raw"}
    assert config["jobs"] == [{"name": "orders", "load": "replace", "retries": {"budget": "10s"},
                               "source": {"connection": "source", "table": "public.orders"}}]
    bqferry.write_config(text)
    bqferry.fails("config", "config", "validate")
    bqferry.ok("config", "validate", env={"SOURCE_URL": URL})


def test_write_config_without_a_password_can_be_used_at_once(bqferry):
    where = 'note = \'${HOME} "x"\' AND\n\ttotal > 0 -- \\'
    text, config = written_config(
        bqferry, "postgresql://me@127.0.0.1:1/shop", "public.orders", "files:out", "--load", "append",
        "--columns", "id, total", "--where", where, "--on-invalid", "null", "--workers", "3",
        "--format", "ndjson", "--as", "o", "--state", "st")
    assert config["connections"]["source"]["url"] == "postgresql://me@127.0.0.1:1/shop"
    assert config["destination"] == {"type": "files", "path": "out", "format": "ndjson"}
    assert config["state"] == {"type": "file", "path": "st"}
    job = config["jobs"][0]
    assert job["source"]["columns"] == ["id", "total"]
    assert job["source"]["where"] == where.replace("${", "$${")
    assert (job["load"], job["on_invalid"], job["workers"], job["target"]) == ("append", "null", 3, "o")
    bqferry.write_config(text)
    bqferry.ok("config", "validate")


def test_write_config_of_a_query_and_of_a_pattern(bqferry):
    _, config = written_config(bqferry, URL, "--query", "SELECT 1 AS one", "files:out")
    assert config["jobs"][0] == {"name": "query", "load": "replace", "target": "query",
                                 "retries": {"budget": "10s"}, "source": {"connection": "source", "query": "SELECT 1 AS one"}}
    text, config = written_config(bqferry, URL, "public.*", "files:out")
    assert config["jobs"][0]["name"] == "public"
    bqferry.write_config(text)
    bqferry.ok("config", "validate", env={"SOURCE_URL": URL})


def test_what_the_configuration_refuses_copy_refuses(bqferry):
    result = bqferry.fails("config", "copy", URL, "public.orders", "files:out?formta=avro")
    assert "format" in result.stderr and "--write-config" in result.stderr
    assert SECRET not in result.text


def test_the_password_is_gone_from_the_process_list(bqferry):
    """The name server of this address never answers, so the process is there to be looked at."""
    url = f"postgresql://me:{SECRET}@192.0.2.1:5432/shop?connect_timeout=10&password={SECRET}2"
    running = bqferry.start("copy", url, "public.orders", "files:out")
    seen = b""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and running.running() and b"***" not in seen:
        seen = Path(f"/proc/{running.pid}/cmdline").read_bytes()
        time.sleep(0.02)
    assert b"postgresql://me:***@192.0.2.1" in seen and b"files:out" in seen
    assert SECRET.encode() not in seen
    running.process.kill()
    running.process.communicate()


def test_an_unreachable_source_is_exit_code_3_without_the_password(bqferry):
    result = bqferry.fails("source", "copy", URL, "public.orders", "files:out", "--progress", "none")
    assert SECRET not in result.text
    assert "127.0.0.1" in result.stderr
    assert SECRET not in json.dumps(result.report)
    for file in bqferry.folder.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


# init -----------------------------------------------------------------------------------------------

def test_init_writes_what_validate_accepts(bqferry):
    result = bqferry.ok("init", "--source-url-env", "SHOP_URL", "--table", "public.orders", "--table",
                        "sales.orders", "--table", "public.*", "--to", "duckdb:w.duckdb")
    assert "export SHOP_URL=" in result.stdout
    config = yaml.safe_load((bqferry.folder / "bqferry.yaml").read_text())
    assert config["connections"]["source"]["url"] == "${SHOP_URL}"
    assert [(job["name"], job.get("target")) for job in config["jobs"]] == [
        ("orders", None), ("sales-orders", "sales_orders"), ("public", None)]
    assert "SHOP_URL=postgresql://USER:PASSWORD@HOST" in (bqferry.folder / "env.example").read_text()
    assert not (bqferry.folder / ".env").exists()
    bqferry.ok("config", "validate", env={"SHOP_URL": URL})


def test_what_init_wrote_is_valid(bqferry):
    bqferry.ok("init")
    config = yaml.safe_load((bqferry.folder / "bqferry.yaml").read_text())
    assert config["destination"] == {"type": "duckdb", "path": "warehouse.duckdb"}
    assert config["jobs"] == [{"name": "public", "source": {"connection": "source",
                                                            "table": "public.*"}}]
    assert "SOURCE_URL" in bqferry.fails("config", "config", "validate").stderr
    assert "1 job" in bqferry.ok("config", "validate", env={"SOURCE_URL": URL}).stdout


def test_init_overwrites_nothing_without_force(bqferry):
    bqferry.write_config("mine")
    result = bqferry.fails("config", "init")
    assert "--force" in result.stderr
    assert (bqferry.folder / "bqferry.yaml").read_text() == "mine"
    assert not (bqferry.folder / "env.example").exists()
    bqferry.ok("init", "--force")
    assert "version: 1" in (bqferry.folder / "bqferry.yaml").read_text()
    (bqferry.folder / "bqferry.yaml").unlink()
    bqferry.fails("config", "init")  # env.example is there


def test_init_keeps_a_password_out_unless_told(bqferry):
    assert SECRET not in bqferry.ok("init", "--source", URL).text
    for file in bqferry.folder.rglob("*"):
        assert not file.is_file() or SECRET not in file.read_text(), file
    (bqferry.folder / ".env").write_text("OTHER=1")
    bqferry.ok("init", "--source", URL, "--write-env", "--force")
    env = bqferry.folder / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert env.read_text() == f'OTHER=1\nSOURCE_URL="{URL}"\n'
    assert SECRET not in (bqferry.folder / "bqferry.yaml").read_text()
    bqferry.ok("config", "validate")


def test_init_does_not_replace_a_value_of_env_without_force(bqferry):
    (bqferry.folder / ".env").write_text("export SOURCE_URL = old\n")
    bqferry.fails("config", "init", "--source", URL, "--write-env")
    assert (bqferry.folder / ".env").read_text() == "export SOURCE_URL = old\n"
    assert not (bqferry.folder / "bqferry.yaml").exists()


def test_a_source_without_a_password_stands_in_the_configuration(bqferry):
    bqferry.ok("init", "--source", "postgresql://me@localhost/shop", "--to", "files:exports/")
    config = yaml.safe_load((bqferry.folder / "bqferry.yaml").read_text())
    assert config["connections"]["source"]["url"] == "postgresql://me@localhost/shop"
    assert config["destination"] == {"type": "files", "path": "exports/"}
    bqferry.ok("config", "validate")


def test_init_elsewhere(bqferry):
    (bqferry.folder / "sub").mkdir()
    bqferry.ok("--config", "sub/mine.yaml", "init", "--source", URL, "--write-env")
    assert sorted(path.name for path in (bqferry.folder / "sub").iterdir()) == [
        ".env", "env.example", "mine.yaml"]
    bqferry.ok("config", "validate", "--config", "sub/mine.yaml")


@pytest.mark.parametrize("words, says", [
    (["--source", "oracle://x/y"], "should begin with one of postgresql://"),
    (["--source-url-env", "1X"], "is no name of a variable"),
    (["--to", "nowhere"], "should be TYPE:PATH"),
    (["--to", "pigeon:x"], "mistake"),
    (["--write-env"], "--write-env needs --source"),
])
def test_init_refuses(bqferry, words, says):
    assert says in bqferry.fails("config", "init", *words).stderr
    assert not (bqferry.folder / "bqferry.yaml").exists()


def converse(bqferry, answers):
    """init on a terminal of its own; (question, answer) in turn."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(bqferry.folder)
        os.execve(bqferry.binary, [str(bqferry.binary), "init"],
                  clean_environment(bqferry.home, TERM="xterm"))
    seen = ""

    def read_until(text):
        nonlocal seen
        deadline = time.monotonic() + 20
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    chunk = os.read(terminal, 4096)
                except OSError:
                    return False
                if not chunk:
                    return False
                seen += chunk.decode(errors="replace")
        return True

    for question, answer in answers:
        assert read_until(question), seen
        seen = seen.split(question, 1)[1]
        os.write(terminal, (answer + "\n").encode())
    read_until("never said")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen


def test_init_asks_on_a_terminal(bqferry):
    code, seen = converse(bqferry, [("Source,", URL), (".env", "y"), ("Tables or patterns", "public.a, b.c"),
                                    ("Target,", "")])
    assert code == 0, seen
    config = yaml.safe_load((bqferry.folder / "bqferry.yaml").read_text())
    assert [job["source"]["table"] for job in config["jobs"]] == ["public.a", "b.c"]
    assert config["destination"]["path"] == "warehouse.duckdb"
    assert f'SOURCE_URL="{URL}"' in (bqferry.folder / ".env").read_text()
    bqferry.ok("config", "validate")


def test_no_answer_writes_nothing(bqferry):
    code, _ = converse(bqferry, [("Source,", "\x04")])
    assert code == 1
    assert [path.name for path in bqferry.folder.iterdir()] == ["home"]


# What is only for tests ------------------------------------------------------------------------------

def test_a_release_reads_no_variable_that_no_page_tells_of():
    """Fault points, locks that run fast: whoever sets such a variable could undo promises."""
    release = find_release()
    if not release:
        unavailable("build/release/bqferry is not built")
    named = set(re.findall(rb"BQFERRY_[A-Z_]+", release.read_bytes()))
    pages = b"".join(page.read_bytes() for page in (ROOT / "docs").rglob("*.md"))
    assert named and {name for name in named if name not in pages} == set()
