# SPDX-License-Identifier: Apache-2.0
"""Every type of tests/data/mysql/types.txt through a server and bqferry, read back by others."""

import pytest

from support import matrix, mysql_matrix, readers
from support.carried import Carried, refused_by, values_of
from support.program import Program
from support.targets import KINDS, make_target

SECTIONS = mysql_matrix.read_table()

# Both encodings, with and without a bucket.
BIGQUERY = ("bq", "bq-bucket", "bq-ndjson", "bq-bucket-ndjson")


@pytest.fixture(scope="module")
def types_db(sql_server):
    database = mysql_matrix.make_database(sql_server)
    yield database
    database.drop()


@pytest.fixture(scope="module")
def carried(request, types_db, tmp_path_factory):
    """carried(kind): the run of that target, once a module."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = Carried(
                types_db, tmp_path_factory.mktemp(kind), kind,
                google=request.getfixturevalue("google_server") if kind in BIGQUERY else None,
                sections=mysql_matrix.sections_of(types_db.server), schema=types_db.name)
        return made[kind]

    return get


def take(carried, kind, section):
    """The run, when the job ended well; None when this server has no such type."""
    run = carried(kind)
    if section.name not in run.sections:
        return None, None
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
    if not run:
        return
    folder = run.target.folder(section.name)
    fields = readers.check_shards(folder)["schema"]["fields"]
    assert [field["name"] for field in fields] == ["id", "v"]
    matrix.check_field(fields[1], section.type)
    for shard in readers.manifest(folder)["shards"]:
        schema, _ = readers.read_avro(folder / shard["file"])
        matrix.check_avro_type(schema["fields"][1]["type"], section.type)
    check_values(run, section)


@parametrize
def test_ndjson(carried, section):
    run, _ = take(carried, "ndjson", section)
    if not run:
        return
    found = readers.check_shards(run.target.folder(section.name))
    matrix.check_field(found["schema"]["fields"][1], section.type)
    check_values(run, section)


@parametrize
def test_duckdb(carried, section):
    run, _ = take(carried, "duckdb", section)
    if not run:
        return
    types = readers.duckdb_types(run.target.path, section.name)
    assert types == {"id": "BIGINT", "v": section.duckdb_type}
    check_values(run, section)


@pytest.mark.parametrize("way", BIGQUERY)
@parametrize
def test_bigquery(carried, section, way):
    run, job = take(carried, way, section)
    if not run:
        return
    rows = len(section.rows) - len(refused_by(way, section))
    assert (job["rows_read"], job["rows_staged"], job["rows_applied"]) == (rows, rows, rows)
    fields = run.target.get(section.name).schema
    assert [field.name for field in fields] == ["id", "v"]
    matrix.check_bigquery_field(fields[1], section.type, "v")
    check_values(run, section)


@pytest.mark.parametrize("kind", KINDS)
@parametrize
def test_report_counts(carried, section, kind):
    run, job = take(carried, kind, section)
    if not run:
        return
    rows = len(section.rows)
    assert (job["rows_read"], job["rows_staged"], job["rows_applied"]) == (rows, rows, rows)
    found = job["invalid"].get("v", {})
    assert {reason: number for reason, number in found.items() if number} == section.reasons
    assert set(job["invalid"]) <= {"v"}


def test_most_sections_are_of_every_server(types_db):
    assert len(mysql_matrix.sections_of(types_db.server)) > 100


# What a policy of `fail` refuses ------------------------------------------------------------------

@pytest.mark.parametrize("kind", ("duckdb", "avro"))
def test_refused_values(types_db, tmp_path, kind):
    """Each value that has a reason stops its job, with a message that names column and reason."""
    refused = [(section, number, row) for section in mysql_matrix.sections_of(types_db.server)
               for number, row in enumerate(section.rows)
               if section.options.get("on_invalid") in ("null", "clamp") and row.reasons]
    assert len(refused) > 25
    target = make_target(kind, tmp_path)
    program = Program(tmp_path / "work")
    program.write_config({
        "version": 1, "connections": {"db": {"url": types_db.url()}},
        "destination": target.config,
        "jobs": [{"name": f"r{place}", "load": "replace", "target": f"r{place}",
                  "source": {"connection": "db", "table": f"{types_db.name}.{section.name}",
                             "where": f"id = {number}"},
                  "columns": {"v": {**section.column_options, "on_invalid": "fail"}}}
                 for place, (section, number, _) in enumerate(refused)]})
    result = program("run", timeout=300)
    assert result.code == 5, str(result)
    wrong = []
    for place, (section, _, row) in enumerate(refused):
        job = result.job(f"r{place}")
        error = job["error"] or {}
        if job["status"] != "failed" or error.get("kind") != "data":
            wrong.append(f"line {row.line}: {row.literal}: {job['status']} {error}")
        elif f"reason {row.reasons[0]}" not in error["message"] or '"v"' not in error["message"]:
            wrong.append(f"line {row.line}: {error['message']}")
    assert not wrong, "\n".join(wrong)
    assert target.tables() == set()
    assert target.leftovers() == []


# The table itself ---------------------------------------------------------------------------------

def test_expected_texts_are_the_servers_own(types_db):
    """What becomes a STRING without a wish is what the server prints."""
    wrong, seen = [], 0
    for section in mysql_matrix.sections_of(types_db.server):
        if section.bigquery != "STRING" or section.options.get("type"):
            continue
        printed = dict(types_db.rows(f"SELECT id, CAST(v AS CHAR) FROM `{section.name}`"))
        for number, row in enumerate(section.rows):
            seen += 1
            if printed[number] != row.avro:
                wrong.append(f"line {row.line}: {row.avro!r}, the server: {printed[number]!r}")
    assert not wrong, "\n".join(wrong)
    assert seen > 40


def test_every_type_is_in_the_table(types_db):
    have = {row[0] for row in types_db.rows(
        "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema ="
        f" '{types_db.name}'")}
    everywhere = {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double",
                  "bit", "year", "date", "datetime", "timestamp", "time", "char", "varchar",
                  "tinytext", "text", "mediumtext", "longtext", "enum", "set", "binary",
                  "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "point", "polygon",
                  "geometry"}
    assert everywhere <= have
