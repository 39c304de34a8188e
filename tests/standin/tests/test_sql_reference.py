# SPDX-License-Identifier: Apache-2.0
"""The same queries on the stand-in (DuckDB) and on ZetaSQL's reference engine: the rows must be the same.

The reference engine is the executable definition of GoogleSQL that Google ships with the language."""

import os
import random
from pathlib import Path

import pytest
import running  # noqa: F401

ROWS = """t AS (
SELECT 1 AS id, 'one' AS s, TIMESTAMP '2020-01-01 00:00:00+00' AS ts, DATE '2020-01-01' AS d, NUMERIC '1.5' AS n, 1.5 AS f,
  [1, 2, 3] AS a, STRUCT(1 AS x, 'a' AS y) AS st, JSON '{"k":[1,2]}' AS j, BIGNUMERIC '1.5' AS bn, b'abc' AS b,
  DATETIME '2020-01-01 10:00:00' AS dt, TIME '10:00:00' AS tm
UNION ALL SELECT 2, NULL, NULL, NULL, NULL, CAST('nan' AS FLOAT64), [], NULL, NULL, NULL, NULL, NULL, NULL
UNION ALL SELECT 3, 'Three', '2021-06-01 12:34:56.789+00', '2021-06-01', -2.25, -0.1, [9], (3, 'c'), JSON '"str"',
  BIGNUMERIC '-0.00000000000000000000000000000000000001', b'x', '2021-01-01 10:00:00', '23:59:59.5')"""
QUERIES = [line for line in (Path(__file__).parent / "queries.sql").read_text().splitlines() if line and line[0] != "-"]


def with_rows(query):
    """The query over the rows above, as one statement that both engines read."""
    lowered = query.lower()
    if lowered.startswith("with recursive "):
        return f"WITH RECURSIVE {ROWS}, {query[len('with recursive '):]}"
    if lowered.startswith("with "):
        return f"WITH {ROWS}, {query[len('with '):]}"
    return f"WITH {ROWS} {query}"


def reference(query):
    """(names, rows as cells) of Google's engine."""
    from standin import rows
    from standin.sql import analyzer, schemas, sqltypes
    from standin.sql.googlesql import service_pb2

    request = service_pb2.EvaluateQueryRequest(sql=query, options=analyzer.options(analyzer.Scope(resolve=lambda path: None)))
    request.registered_catalog_id = analyzer.registered(analyzer.base_catalog())
    answer = analyzer.call("EvaluateQuery", request, service_pb2.EvaluateQueryResponse)
    kinds = [sqltypes.from_proto(column.type) for column in answer.prepared.columns]
    names = [column.name for column in answer.prepared.columns]
    values = [[sqltypes.value_from_proto(kind, cell) for kind, cell in zip(kinds, row.cell, strict=True)]
              for row in answer.content.table_data.row]
    schema = schemas.schema_of(list(zip(names, kinds, strict=True)))
    return [item.name for item in schema], list(rows.encode_rows(schema, values, rows.INT64))


def standin(plain, query):
    answer = plain("POST", "/bigquery/v2/projects/test-project/queries",
                   json={"query": query, "useLegacySql": False, "formatOptions": {"useInt64Timestamp": True}}).json()
    assert "error" not in answer, answer["error"]["message"]
    return [field["name"] for field in answer["schema"]["fields"]], answer.get("rows", [])


def same(plain, query):
    names, rows = standin(plain, query)
    wanted_names, wanted = reference(query)
    assert names == wanted_names
    assert sorted(map(repr, rows)) == sorted(map(repr, wanted))
    if " order by " in query.lower().rpartition(")")[2]:
        assert rows == wanted


@pytest.mark.parametrize("query", QUERIES)
def test_same_rows(plain, query):
    """standard-sql: one query."""
    same(plain, with_rows(query))


COLUMNS = {"INT64": ["id", "a[SAFE_OFFSET(0)]", "st.x"], "STRING": ["s", "st.y"], "FLOAT64": ["f"], "NUMERIC": ["n"],
           "BIGNUMERIC": ["bn"], "DATE": ["d"], "DATETIME": ["dt"], "TIMESTAMP": ["ts"], "BOOL": ["id > 1", "s IS NULL"]}
NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
LITERALS = {"INT64": ["0", "1", "-7"], "STRING": ["'one'", "''", "'T%'"], "FLOAT64": ["0.5", "-2.0"],
            "NUMERIC": ["NUMERIC '0.3'", "NUMERIC '-7'"], "BIGNUMERIC": ["BIGNUMERIC '0.1'"], "DATE": ["DATE '2020-06-01'"],
            "DATETIME": ["DATETIME '2020-06-01 00:00:00'"], "TIMESTAMP": ["TIMESTAMP '2020-06-01 00:00:00+02'"],
            "BOOL": ["TRUE", "CAST(NULL AS BOOL)"]}


def expression(rand, kind, depth):
    """A random expression of a type."""
    def more(other=kind):
        return expression(rand, other, depth - 1)
    if depth == 0 or rand.random() < 0.2:
        return rand.choice(COLUMNS[kind] + LITERALS[kind])
    forms = ["COALESCE({0}, {1})", "IF({b}, {0}, {1})", "CASE WHEN {b} THEN {0} ELSE {1} END", "NULLIF({0}, {1})",
             "CASE {0} WHEN {1} THEN {0} ELSE {1} END"]
    if kind in NUMBERS:
        forms += ["({0} + {1})", "({0} - {1})", "({0} * {1})", "-({0})", "ABS({0})", "GREATEST({0}, {1})", "SAFE_DIVIDE({0}, {1})"
                  if kind != "INT64" else "MOD({0}, 3)"]
    if kind == "STRING":
        forms += ["({0} || {1})", "UPPER({0})", "SUBSTR({0}, {i}, 2)", "REPLACE({0}, 'e', {1})", "CAST({n} AS STRING)",
                  "TO_HEX(MD5({0}))", "LPAD({0}, 3, '*')"]
    if kind == "BOOL":
        other = rand.choice([name for name in COLUMNS if name != "BOOL"])
        left, right, third = more(other), more(other), more(other)
        return rand.choice([f"({left} {sign} {right})" for sign in ("=", "<>", "<", "<=", ">", ">=")]
                           + [f"{left} BETWEEN {right} AND {third}", f"{left} IN ({right}, {third})", f"{left} IS NULL",
                              f"({more()} AND {more()})", f"({more()} OR {more()})", f"(NOT {more()})",
                              f"{left} IS DISTINCT FROM {right}", f"{more('STRING')} LIKE {more('STRING')}"])
    if kind in ("DATE", "DATETIME", "TIMESTAMP"):
        forms += [kind + "_TRUNC({0}, MONTH)", kind + "_ADD({0}, INTERVAL 3 DAY)", "CAST({t} AS " + kind + ")"]
    form = rand.choice(forms)
    return form.format(more(), more(), b=more("BOOL"), i=rand.choice(["1", "-2", "0", "id"]), n=more(rand.choice(NUMBERS)),
                       t=more(rand.choice(["DATE", "DATETIME", "TIMESTAMP"])))


@pytest.mark.parametrize("seed", range(int(os.environ.get("STANDIN_SEEDS", "8"))))
def test_random_expressions(plain, seed):
    """standard-sql/conditional_expressions, operators, string_functions, conversion_rules: random expressions of each type.
    Both engines fail, or both give the same value. STANDIN_SEEDS says how many (make soak takes more)."""
    rand = random.Random(seed)
    for kind in COLUMNS:
        text = expression(rand, kind, 3)
        query = with_rows(f"SELECT id, {text} AS x FROM t ORDER BY id")
        try:
            _, wanted = reference(query)
        except Exception as error:
            answer = plain("POST", "/bigquery/v2/projects/test-project/queries", json={"query": query, "useLegacySql": False})
            assert answer.status_code == 400, (text, str(error), answer.text)
            continue
        assert standin(plain, query)[1] == wanted, (seed, text)


def test_fingerprints(plain):
    """standard-sql/hash_functions: FARM_FINGERPRINT of texts of 0 to 200 bytes, each way through the algorithm."""
    text = "SELECT FARM_FINGERPRINT(SUBSTR(REPEAT('0123456789abcdefghijk', 10), 1, n)) AS x FROM UNNEST(GENERATE_ARRAY(0, 200)) n"
    assert sorted(map(repr, standin(plain, text)[1])) == sorted(map(repr, reference(text)[1]))
