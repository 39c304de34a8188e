# SPDX-License-Identifier: Apache-2.0
"""Every type of tests/data/postgres/types.txt through the server and bqferry, read back by others."""

import pytest

from conftest import unavailable
from support import matrix, readers
from support.carried import Carried, values_of
from support.postgres import find_major
from support.program import Program
from support.targets import KINDS, make_target

SECTIONS = matrix.read_table(major=find_major())


@pytest.fixture(scope="module")
def types_db(server):
    database = matrix.make_database(server)
    yield database
    database.drop()


@pytest.fixture(scope="module")
def carried(types_db, tmp_path_factory):
    """carried(kind): the run of that target, once a module."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = Carried(types_db, tmp_path_factory.mktemp(kind), kind)
        return made[kind]

    return get


def take(carried, kind, section):
    """The run, when the job ended well."""
    run = carried(kind)
    if section.name not in run.sections:
        unavailable(f"the server lacks the extension for {section.sql_type}")
    job = run.jobs[section.name]
    assert job["status"] == "succeeded", job["error"]
    return run, job


def check_values(run, section):
    wrong = [f"line {row.line}, {row.literal}: {found!r}, wanted {wanted!r}"
             for row, wanted, found in values_of(run, section) if not matrix.same(found, wanted)]
    assert not wrong, "\n".join(wrong)


def parametrize(function):
    return pytest.mark.parametrize(
        "section", SECTIONS, ids=[section.name for section in SECTIONS])(function)


@parametrize
def test_avro(carried, section):
    run, _ = take(carried, "avro", section)
    folder = run.target.folder(section.name)
    fields = readers.check_shards(folder)["schema"]["fields"]
    assert [field["name"] for field in fields] == ["id", "v"]
    matrix.check_field(fields[1], section.type)
    for shard in readers.manifest(folder)["shards"]:
        schema, _ = readers.read_avro(folder / shard["file"])
        assert [field["name"] for field in schema["fields"]] == ["id", "v"]
        matrix.check_avro_type(schema["fields"][1]["type"], section.type)
    check_values(run, section)


@parametrize
def test_ndjson(carried, section):
    run, _ = take(carried, "ndjson", section)
    found = readers.check_shards(run.target.folder(section.name))
    matrix.check_field(found["schema"]["fields"][1], section.type)
    check_values(run, section)


@parametrize
def test_duckdb(carried, section):
    run, _ = take(carried, "duckdb", section)
    types = readers.duckdb_types(run.target.path, section.name)
    assert types == {"id": "BIGINT", "v": section.duckdb_type}
    check_values(run, section)


@pytest.mark.parametrize("kind", KINDS)
@parametrize
def test_report_counts(carried, section, kind):
    _, job = take(carried, kind, section)
    rows = len(section.rows)
    assert (job["rows_read"], job["rows_staged"], job["rows_applied"]) == (rows, rows, rows)
    found = job["invalid"].get("v", {})
    if "dimensions" in section.reasons:  # such an array becomes NULL, and that an empty array
        found.pop("null_array", None)
    assert {reason: number for reason, number in found.items() if number} == section.reasons
    assert set(job["invalid"]) <= {"v"}


# What a policy of `fail` refuses ------------------------------------------------------------------

def refused():
    """(section, row) of every value that is no valid one, once a type."""
    seen = set()
    for section in SECTIONS:
        if section.options.get("on_invalid") not in ("null", "clamp"):
            continue
        for row in section.rows:
            if row.reasons and (section.sql_type, row.literal) not in seen:
                seen.add((section.sql_type, row.literal))
                yield section, row


REFUSED = list(refused())
# No nearest value is there: clamping refuses these as well.
NO_NEAREST = [(section, row) for section, row in REFUSED
              if set(row.reasons) <= {"nan", "null_element", "dimensions", "utf8"}]


def refusal_jobs(cases, policy):
    return [{"name": f"r{number}", "source": {
                "connection": "db",
                "query": f"SELECT 1 AS id, CAST({row.literal} AS {section.sql_type}) AS odd_one"},
             "load": "replace", "target": f"r{number}", "on_invalid": policy,
             **({"columns": {"odd_one": {"type": section.options["type"]}}}
                if "type" in section.options else {})}
            for number, (section, row) in enumerate(cases)]


@pytest.mark.parametrize("kind", ("duckdb", "avro"))
@pytest.mark.parametrize("policy", ("fail", "clamp"))
def test_refused_values(types_db, tmp_path, kind, policy):
    cases = REFUSED if policy == "fail" else NO_NEAREST
    assert len(cases) > (30 if policy == "fail" else 4)
    target = make_target(kind, tmp_path)
    program = Program(tmp_path / "work")
    program.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": types_db.url()}},
        "destination": target.config, "jobs": refusal_jobs(cases, policy)})
    result = program("run", timeout=300)
    assert result.code == 5, str(result)
    wrong = []
    for number, (section, row) in enumerate(cases):
        job = result.job(f"r{number}")
        error = job["error"] or {}
        if job["status"] != "failed" or error.get("kind") != "data":
            wrong.append(f"line {row.line}: {section.sql_type} {row.literal}: {job['status']} {error}")
        elif "odd_one" not in error["message"]:
            wrong.append(f"line {row.line}: the message names no column: {error['message']}")
    assert not wrong, "\n".join(wrong)
    assert target.tables() == set()
    assert target.leftovers() == []
