# SPDX-License-Identifier: Apache-2.0
"""BigQuery: a state and a table that have lost each other. Nothing is guessed, and nobody is left in the dark."""

import json
import shutil
from datetime import datetime, timedelta, timezone

import pytest
from support.targets import BigQueryTarget
from test_merge import CURSOR, fill

ANEW = "was made anew at"
ADDED = "there is no cursor of this job yet, and the target table holds 10 rows"


@pytest.fixture
def bq(google):
    return BigQueryTarget(google)


def notes(result):
    return "\n".join(result.job()["notes"])


def make_older(bqferry, hours):
    """Lets the last run be one of some hours ago."""
    path = bqferry.folder / ".bqferry/jobs/main.json"
    document = json.loads(path.read_text())
    state = document["state"]
    for place, key in ((state, "succeeded_at"), (state["cursor"], "set_at")):
        assert key in place, document
        place[key] = (datetime.now(timezone.utc) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    path.write_text(json.dumps(document))


def test_a_table_that_was_made_anew(db, bqferry, job, bq):
    """Somebody dropped it and made it again: what the cursor has passed is not in it, and nothing would tell."""
    fill(db)
    job(bq, "items", load="upsert", cursor=CURSOR)
    bqferry.ok("run")
    make_older(bqferry, hours=-1)
    assert ANEW not in notes(bqferry.ok("run"))
    make_older(bqferry, hours=1)
    bq.client.query(f"CREATE OR REPLACE TABLE `{bq.name('items')}` AS SELECT * FROM `{bq.name('items')}` WHERE FALSE").result()
    assert ANEW in bqferry.ok("plan").stdout
    assert ANEW in notes(bqferry.ok("run")) and bq.rows("items") == []
    assert ANEW not in notes(bqferry.ok("run", "--full-refresh")) and len(bq.rows("items")) == 10
    assert ANEW not in notes(bqferry.ok("run"))


def test_an_append_that_has_lost_its_state(db, bqferry, job, bq):
    """The rows are added again, as docs/operations.md says; but not without a word."""
    fill(db)
    job(bq, "items", load="append", cursor=CURSOR)
    assert ADDED not in notes(bqferry.ok("run"))
    assert ADDED not in notes(bqferry.ok("run"))
    shutil.rmtree(bqferry.folder / ".bqferry")
    assert ADDED in bqferry.ok("plan").stdout
    assert ADDED in notes(bqferry.ok("run")) and len(bq.rows("items")) == 20


@pytest.mark.parametrize("columns, words", (("id STRING, name STRING, note STRING, updated_at TIMESTAMP", "id is STRING there and INT64 here"),
                                            ("other STRING", 'has no column "id"')))
def test_an_interrupted_run_whose_table_is_another_one(db, bqferry, job, bq, fault_points, columns, words):
    """What is staged can never meet it: the run says what is in the way, instead of trying the same for ever."""
    fill(db)
    job(bq, "items", load="upsert")
    bqferry.ok("run")
    assert bqferry("run", fault="delivery.counted").killed
    bq.client.query(f"CREATE OR REPLACE TABLE `{bq.name('items')}` ({columns})").result()
    result = bqferry.fails("config", "run")
    assert words in result.stderr and "are staged" not in result.stderr, str(result)
    bq.client.delete_table(bq.name("items"))
    assert bqferry.ok("run").job()["status"] == "succeeded" and len(bq.rows("items")) == 10
    bq.check("items")
