# SPDX-License-Identifier: Apache-2.0
"""Configurations and commands are read out of the guides and used as they stand there."""

import json
import re
import shlex
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(page, language):
    """Texts of the fenced blocks of a page, first to last."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


def commands(text):
    """Word lists of the bqferry commands in a block of shell, without comments."""
    return [shlex.split(line, comments=True)[1:] for line in text.splitlines() if line.startswith("bqferry ")]


@pytest.fixture
def shop(db):
    db.execute("CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, total numeric(10,2),"
               " created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL); CREATE INDEX ON orders (updated_at);"
               " INSERT INTO orders SELECT i, i % 7, i / 3.0, '2026-01-01Z'::timestamptz + i * interval '1 hour',"
               " now() - i * interval '1 day' FROM generate_series(1, 100) i")
    return db


def environment(google, shop):
    return {"BIGQUERY_EMULATOR_HOST": google.bigquery, "STORAGE_EMULATOR_HOST": google.gcs, "SHOP_URL": shop.url()}


def test_the_first_load_into_bigquery(shop, google, bqferry):
    env = environment(google, shop)
    as_yourself = commands(blocks("bigquery.md", "sh")[1])
    assert as_yourself[0][0] == "copy", "the guide begins with one copy"
    words = [shop.url() if word == "$SHOP_URL" else word for word in as_yourself[0]]
    bqferry.ok(*words, env=env)
    table = google.client("my-project-123").get_table("my-project-123.raw_data.orders")
    assert table.num_rows == 100 and table.location == "US"
    google.client("my-project-123").delete_dataset("raw_data", delete_contents=True)

    bqferry.write_config(next(text for text in blocks("bigquery.md", "yaml") if "connections:" in text))
    everyday = next(found for found in map(commands, blocks("bigquery.md", "sh")) if ["check"] in found)
    assert [words[0] for words in everyday] == ["check", "plan", "run", "discover"]
    for words in everyday:
        bqferry.ok(*words, env=env)
    table = google.client("my-project-123").get_table("my-project-123.raw_data.orders")
    assert table.num_rows == 100 and table.clustering_fields == ["customer_id"] and table.location == "EU"


def test_the_job_of_the_guide_to_incremental_loads(shop, google, bqferry, tmp_path):
    job = blocks("incremental.md", "yaml")[0]
    bqferry.write_config("version: 1\nconnections: { shop: { type: postgresql, url: \"${SHOP_URL}\" } }\n"
                         "destination: { type: bigquery, project: test-project, dataset: guide }\n" + job)
    env = environment(google, shop)
    for words in (["check"], ["plan"], ["run"], ["state", "show", "orders"], ["runs", "list"],
                  ["backfill", "orders", "--start", "2024-01-01", "--end", "2024-06-30"],
                  ["run", "orders", "--full-refresh"], ["gc"]):
        bqferry.ok(*words, env=env)
    assert google.client().get_table("guide.orders").num_rows == 90  # start: 90d


def keys_of(value):
    """Names of all members; of lists, of their first one."""
    if isinstance(value, list):
        return keys_of(value[0]) if value else {}
    return {name: keys_of(part) for name, part in value.items()} if isinstance(value, dict) else {}


def test_the_page_about_reports_shows_what_reports_have(shop, google, bqferry):
    bqferry.write_config({
        "version": 1, "connections": {"shop": {"type": "postgresql", "url": shop.url()}},
        "destination": {"type": "bigquery", "project": "test-project", "dataset": "reported"},
        "jobs": [{"name": "orders", "source": {"table": "orders"}, "load": "upsert", "cursor": {"column": "updated_at"}}]})
    result = bqferry.ok("run", "--metrics", "metrics.prom", env=environment(google, shop))
    page = (DOCS / "reports.md").read_text()
    shown, made = keys_of(json.loads(blocks("reports.md", "json")[0])), keys_of(result.report)
    for report in (shown, made):  # of the job's own columns and kind
        for name in ("invalid", "merged", "cursor"):
            report["jobs"].pop(name)
    assert shown == made
    for part in ("merged", "cursor"):
        missing = [name for name in result.job()[part] if f"`{name}`" not in page]
        assert missing == [], f"{part}: {missing}"
    metrics = set(re.findall(r"^bqferry_job_(\w+)", (bqferry.folder / "metrics.prom").read_text(), re.M))
    told = set(re.findall(r"`(?:bqferry_job|…)_(\w+)`", page))
    assert metrics == told
