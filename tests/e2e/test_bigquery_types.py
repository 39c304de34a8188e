# SPDX-License-Identifier: Apache-2.0
"""Every type of tests/data/postgres/types.txt into BigQuery, by Avro and by NDJSON, with and without a
bucket, read back with google-cloud-bigquery and compared with the same table as DuckDB."""

import pytest

from conftest import unavailable
from support import matrix
from support.carried import Carried, refused_by, source_of, values_of
from support.postgres import find_major
from support.targets import make_target

SECTIONS = matrix.read_table(major=find_major())
WAYS = ("bq", "bq-bucket", "bq-ndjson", "bq-bucket-ndjson")


@pytest.fixture(scope="module")
def types_db(server):
    database = matrix.make_database(server)
    yield database
    database.drop()


@pytest.fixture(scope="module")
def carried(types_db, google_server, tmp_path_factory):
    """carried(way): the run of that way, once a module."""
    made = {}

    def get(way):
        if way not in made:
            made[way] = Carried(types_db, tmp_path_factory.mktemp(way), way, google_server)
        return made[way]

    return get


@pytest.mark.parametrize("section", SECTIONS, ids=[section.name for section in SECTIONS])
@pytest.mark.parametrize("way", WAYS)
def test_values_and_schema(carried, way, section):
    run = carried(way)
    if section.name not in run.sections:
        unavailable(f"the server lacks the extension for {section.sql_type}")
    job = run.jobs[section.name]
    assert job["status"] == "succeeded", job["error"]
    rows = len(section.rows) - len(refused_by(way, section))
    assert (job["rows_read"], job["rows_staged"], job["rows_applied"]) == (rows, rows, rows)
    fields = run.target.get(section.name).schema
    assert [field.name for field in fields] == ["id", "v"]
    matrix.check_bigquery_field(fields[1], section.type, "v")
    wrong = [f"line {row.line}, {row.literal}: {found!r}, wanted {wanted!r}"
             for row, wanted, found in values_of(run, section) if not matrix.same(found, wanted)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_over(carried, way):
    assert carried(way).target.leftovers() == []


REFUSED = [(way, section) for way in WAYS for section in SECTIONS if refused_by(way, section)]


@pytest.mark.parametrize("way, section", REFUSED, ids=[f"{way}-{section.name}" for way, section in REFUSED])
def test_what_bigquery_refuses(types_db, google, bqferry, tmp_path, way, section):
    """The job says what, leaves nothing behind, and goes on once the source is put right."""
    target = make_target(way, tmp_path, google)
    config = {"version": 1, "connections": {"db": {"type": "postgresql", "url": types_db.url()}},
              "destination": target.config, "jobs": [{"name": "main", "load": "replace", "source": {
                  "connection": "db", "table": f"matrix.{section.name}"}}]}
    bqferry.write_config(config)
    result = bqferry.fails("data", "run")
    assert "load job" in result.stderr and "out of range" in result.stderr or "NULL" in result.stderr
    assert not target.exists(section.name) or target.rows(section.name) == []
    assert target.leftovers() == []
    config["jobs"][0]["source"] = {"connection": "db", **source_of(way, section)}
    bqferry.write_config(config)
    bqferry.ok("run")
    assert len(target.rows(section.name, "id")) == len(section.rows) - len(refused_by(way, section))
