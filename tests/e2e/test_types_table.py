# SPDX-License-Identifier: Apache-2.0
"""The table of types itself, against the server: a wrong expectation is found without bqferry."""

import pytest

from support import matrix


@pytest.fixture(scope="module")
def types_db(server):
    database = matrix.make_database(server)
    yield database
    database.drop()


def test_every_expected_text_is_the_servers_own(types_db):
    """What becomes a STRING is what the server prints; but for padding, and timetz is ISO 8601."""
    with types_db.connect() as connection:
        connection.execute("SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle ="
                           " 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1")
        wrong, seen = [], 0
        for section in matrix.sections_of(types_db):
            if section.bigquery != "STRING" or "char" in section.sql_type \
                    or section.sql_type == "timetz":
                continue
            printed = dict(connection.execute(
                f"SELECT id, format('%s', v) FROM matrix.\"{section.name}\"").fetchall())
            for number, row in enumerate(section.rows):
                seen += 1
                if printed[number] != (row.avro or ""):  # NULL prints as nothing
                    wrong.append(f"line {row.line}: {row.avro!r}, the server: {printed[number]!r}")
        assert not wrong, "\n".join(wrong)
        assert seen > 150


def test_every_built_in_type_is_in_the_table(types_db):
    """Every type that a column can have is somewhere in the table, alone or in a section's type."""
    have = {row[0] for row in types_db.rows(
        "SELECT DISTINCT a.atttypid::regtype::text FROM pg_attribute a JOIN pg_class c"
        " ON c.oid = a.attrelid WHERE c.relnamespace = 'matrix'::regnamespace AND c.relkind = 'r'")}
    # without input of their own: only the server makes such values
    internal = {"pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_ddl_command",
                "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", "gtsvector"}
    built_in = {row[0] for row in types_db.rows(
        "SELECT oid::regtype::text FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        " AND typtype IN ('b', 'r', 'm') AND typelem = 0 AND typname NOT LIKE '\\_%'")}
    assert sorted(built_in - have - internal) == []


def test_every_reason_is_in_the_table():
    seen = {reason for section in matrix.read_table() for reason in section.reasons}
    assert seen == {"infinity", "nan", "range", "midnight_24", "dimensions", "null_element", "utf8",
                    "null_array", "duplicate_key"}
