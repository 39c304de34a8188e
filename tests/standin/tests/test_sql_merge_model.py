# SPDX-License-Identifier: Apache-2.0
"""Random MERGE statements against a model of a page of Python.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement"""

import os
import random

import pytest

QUERIES = "/bigquery/v2/projects/test-project/queries"
TWO_SOURCES = "UPDATE/MERGE must match at most one source row for each target row"
# name of a search condition -> its SQL and its meaning; t and s are (id, v) or None
CONDITIONS = {
    "": ("", lambda t, s: True),
    "odd": (" AND MOD(S.v, 2) = 1", lambda t, s: s[1] is not None and s[1] % 2 == 1),
    "less": (" AND T.v < S.v", lambda t, s: None not in (t[1], s[1]) and t[1] < s[1]),
    "old": (" AND T.v > 5", lambda t, s: t[1] is not None and t[1] > 5),
    "new": (" AND T.v IS DISTINCT FROM S.v", lambda t, s: t[1] != s[1]),
}
SIDES = {"MATCHED": ["", "odd", "less", "old", "new"], "NOT MATCHED": ["", "odd"], "NOT MATCHED BY SOURCE": ["", "old"]}


def run(plain, text):
    answer = plain("POST", QUERIES, json={"query": text, "useLegacySql": False}).json()
    return answer, [tuple(None if c["v"] is None else int(c["v"]) for c in row["f"]) for row in answer.get("rows", [])]


def rows_of(rand, unique):
    ids = rand.sample(range(12), rand.randint(0, 8)) if unique else [rand.randint(0, 11) for _ in range(rand.randint(0, 6))]
    return [(rand.choice([key, key, key, None]), rand.choice([None, 1, 2, 3, 6, 7])) for key in ids]


def literal(rows):
    items = ", ".join(f"STRUCT({a if a is not None else 'NULL'} AS id, {b if b is not None else 'NULL'} AS v)" for a, b in rows)
    return f"UNNEST(ARRAY<STRUCT<id INT64, v INT64>>[{items}])"


def clauses_of(rand):
    found = []
    for _ in range(rand.randint(1, 4)):
        side = rand.choice(list(SIDES))
        action = {"MATCHED": ["UPDATE", "DELETE"], "NOT MATCHED": ["INSERT"], "NOT MATCHED BY SOURCE": ["UPDATE", "DELETE"]}[side]
        found.append((side, rand.choice(SIDES[side]), rand.choice(action)))
    return found


def text_of(clauses, source, on):
    parts = []
    for side, condition, action in clauses:
        value = "S.v" if side == "MATCHED" else "COALESCE(T.v, 0) + 100"
        work = {"UPDATE": f"UPDATE SET v = {value}", "DELETE": "DELETE", "INSERT": "INSERT ROW"}[action]
        parts.append(f"WHEN {side}{CONDITIONS[condition][0]} THEN {work}")
    return f"MERGE d.k T USING (SELECT * FROM {literal(source)}) S ON {on} " + " ".join(parts)


def first(clauses, side, t, s):
    return next((action for kind, condition, action in clauses if kind == side and CONDITIONS[condition][1](t, s)), None)


def model(target, source, clauses, matches):
    """(rows after, [inserted, updated, deleted]), or None when two source rows would change one target row."""
    after, counts = [], [0, 0, 0]
    matched = set()
    for t in target:
        partners = [n for n, s in enumerate(source) if matches(t, s)]
        matched.update(partners)
        if partners:
            actions = [(first(clauses, "MATCHED", t, source[n]), source[n][1]) for n in partners]
        else:
            actions = [(first(clauses, "NOT MATCHED BY SOURCE", t, None), (t[1] or 0) + 100)]
        actions = [item for item in actions if item[0] is not None]
        if len(actions) > 1:
            return None
        if not actions:
            after.append(t)
        elif actions[0][0] == "UPDATE":
            after.append((t[0], actions[0][1]))
            counts[1] += 1
        else:
            counts[2] += 1
    for n, s in enumerate(source):
        if n not in matched and first(clauses, "NOT MATCHED", None, s) == "INSERT":
            after.append(s)
            counts[0] += 1
    return after, counts


@pytest.mark.parametrize("seed", range(int(os.environ.get("STANDIN_SEEDS", "8"))))
def test_merge(plain, dataset, seed):
    """#merge_statement: rows, counts and the error, ten statements one after the other."""
    rand = random.Random(seed)
    target = rows_of(rand, True)
    run(plain, f"CREATE TABLE d.k AS SELECT * FROM {literal(target)}")
    for _ in range(10):
        source, clauses = rows_of(rand, rand.random() < 0.7), clauses_of(rand)
        on, matches = rand.choice([("T.id = S.id", lambda t, s: t[0] is not None and t[0] == s[0]), ("FALSE", lambda t, s: False)])
        text = text_of(clauses, source, on)
        answer, _ = run(plain, text)
        wanted = model(target, source, clauses, matches)
        if wanted is None:
            assert answer["error"]["message"] == TWO_SOURCES, (seed, text, answer)
        else:
            assert "error" not in answer, (seed, text, answer)
            target = wanted[0]
            stats = answer["dmlStats"]
            counts = [int(stats.get(f"{name}RowCount", 0)) for name in ("inserted", "updated", "deleted")]
            assert counts == wanted[1] and answer["numDmlAffectedRows"] == str(sum(counts)), (seed, text, answer)
        _, found = run(plain, "SELECT id, v FROM d.k")
        assert sorted(found, key=repr) == sorted(target, key=repr), (seed, text)
