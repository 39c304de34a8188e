# SPDX-License-Identifier: Apache-2.0
"""copy, init, plan, check, discover and the report with BigQuery; tables that are there already; jobs side by side."""

import pytest

from support.targets import BigQueryTarget


@pytest.fixture
def items(db):
    db.execute("CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(10,2), at timestamptz);"
               " INSERT INTO items SELECT i, 'item ' || i, i / 4.0, '2026-01-01'::timestamptz + i * interval '1 hour'"
               " FROM generate_series(1, 500) i; ANALYZE items; COMMENT ON TABLE items IS 'What we sell';"
               " COMMENT ON COLUMN items.price IS 'in EUR'")
    return db


def write(bqferry, db, into, /, **job):
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": db.url()}}, "destination": into.config,
        "defaults": {"load": "replace", "retries": {"budget": "0s"}},
        "jobs": [{"name": "items", "source": {"table": "items"}, **job}]})


# The one-liner --------------------------------------------------------------------------------------

def test_copy(items, bqferry, google):
    environment = google.environment()
    result = bqferry.ok("copy", items.url(), "public.items", "bigquery://test-project/shop", env=environment)
    assert "bq ls test-project:shop" in result.stdout
    rows = list(google.client().list_rows("test-project.shop.items"))
    assert len(rows) == 500
    bqferry.ok("copy", items.url(), "public.items", "bigquery:///shop", "--as", "again", "--load", "append",
               "--format", "ndjson", env=environment)
    assert len(list(google.client().list_rows("test-project.shop.again"))) == 500


def test_copy_as_a_configuration(items, bqferry, google):
    result = bqferry.ok("copy", items.url(), "public.items", "bigquery://test-project/shop?location=EU",
                        "--write-config", env=google.environment())
    bqferry.write_config(result.stdout)
    bqferry.ok("config", "validate", env={"SOURCE_URL": items.url()})
    bqferry.ok("run", env={**google.environment(), "SOURCE_URL": items.url()})
    assert google.client().get_dataset("shop").location == "EU"
    assert len(list(google.client().list_rows("test-project.shop.items"))) == 500


@pytest.mark.parametrize("url, words", [
    ("bigquery://test-project", ["bigquery://PROJECT/DATASET"]),
    ("bigquery://p/d/t", ["--as"]),
    ("bigquery://test-project/my-dataset", ["letters, digits and _"]),
    ("bigquery://test-project/d?location=us_east", ["location"]),
    ("bigquery://test-project/d?buckett=x", ["buckett", "bucket"]),
])
def test_copy_to_nowhere(items, bqferry, google, url, words):
    result = bqferry.fails("config", "copy", items.url(), "public.items", url, env=google.environment())
    for word in words:
        assert word in result.stderr, str(result)
    assert google.calls("bigquery.*") == []


def test_init(items, bqferry, google):
    bqferry.ok("init", "--source-url-env", "SHOP_URL", "--table", "public.items", "--to",
               "bigquery://test-project/raw", env={"SHOP_URL": items.url()})
    assert "GOOGLE_APPLICATION_CREDENTIALS" in (bqferry.folder / "env.example").read_text()
    bqferry.ok("run", env={**google.environment(), "SHOP_URL": items.url()})
    assert len(list(google.client().list_rows("test-project.raw.items"))) == 500


# Looking --------------------------------------------------------------------------------------------

def test_plan(items, bqferry, google):
    target = BigQueryTarget(google)
    write(bqferry, items, target, target={"partition_by": {"column": "at", "type": "hour"}, "cluster_by": "name"})
    text = bqferry.ok("plan").stdout
    for words in ("PARTITION BY TIMESTAMP_TRUNC(`at`, HOUR)", "CLUSTER BY `name`", "as avro", "one load job",
                  "100,000 load jobs", "1,500 changes", "USD a month", "5 months of hours"):
        assert words in text, text
    forecast = bqferry.ok("plan", "--json").json()["jobs"][0]["forecast"]
    assert (forecast["load_jobs"], forecast["table_changes"], forecast["format"]) == (1, 1, "avro")
    # 500 rows of at least 8 + 2 + 16 + 8 bytes; 0.02 USD a GiB and month
    assert 500 * 34 <= forecast["storage_bytes"] < 500 * 200
    assert forecast["storage_month_usd"] == pytest.approx(forecast["storage_bytes"] / 2**30 * 0.02)
    assert forecast["scan_usd"] == pytest.approx(10 * 2**20 / 2**40 * 6.25)  # 10 MB at least
    # nothing was made, nothing changed
    assert {call["http"] for call in google.calls("bigquery.*")} == {"GET"}


def test_plan_names_what_another_destination_cannot_do(items, bqferry, duckdb_target):
    write(bqferry, items, duckdb_target, target={"partition_by": "at", "labels": {"a": "b"}})
    text = bqferry.ok("plan").stdout
    assert "partition_by, labels: only BigQuery has a use for it" in text
    bqferry.ok("run")
    assert len(duckdb_target.rows("items", "id")) == 500


def test_discover(items, bqferry, google):
    target = BigQueryTarget(google)
    write(bqferry, items, target, target={"partition_by": "at", "cluster_by": ["id"]})
    bqferry.ok("run")
    assert f"{target.dataset}.items" in bqferry.ok("discover", "destination").stdout
    text = bqferry.ok("discover", "destination", f"{target.dataset}.items").stdout
    for words in ("500 rows", "What we sell", "one a day, of at", "clustered by: id", "NUMERIC(10, 2)", "in EUR"):
        assert words in text, text
    found = bqferry.ok("discover", "destination", f"{target.dataset}.items", "--json").json()
    assert found["rows"] == 500 and found["timePartitioning"] == {"type": "DAY", "field": "at"}
    assert found["tableConstraints"]["primaryKey"]["columns"] == ["id"]
    tables = bqferry.ok("discover", "destination", target.dataset, "--json").json()["tables"]
    assert tables == [{"dataset": target.dataset, "table": "items", "kind": "table"}]
    assert "nothing" in bqferry.fails("config", "discover", "destination", "nothing.items").stderr
    assert "nothing" in bqferry.fails("target", "discover", "destination", "nothing").stderr


def test_types_that_are_not_ours(items, bqferry, google):
    """Columns of the table that are somebody else's, of types that no source has, are in nobody's way."""
    target = BigQueryTarget(google)
    write(bqferry, items, target, load="upsert")
    bqferry.ok("run")
    google.client().query(f"ALTER TABLE `{target.name('items')}` ADD COLUMN valid RANGE<DATE>,"
                          " ADD COLUMN parts ARRAY<STRUCT<n INT64, inside STRUCT<valid RANGE<DATE>>>>").result()
    bqferry.ok("run")
    text = bqferry.ok("discover", "destination", f"{target.dataset}.items").stdout
    assert "NUMERIC(10, 2)" in text and "of types that only BigQuery has: valid, parts" in text
    found = bqferry.ok("discover", "destination", f"{target.dataset}.items", "--json").json()
    assert [field["name"] for field in found["schema"]["fields"]] == ["id", "name", "price", "at"]
    assert found["other_columns"] == ["valid", "parts"]
    assert len(target.get("items").schema) == 6


def test_discover_a_connection_of_that_name(items, bqferry, google):
    bqferry.write_config({
        "version": 1, "connections": {"destination": {"type": "postgresql", "url": items.url()}},
        "destination": BigQueryTarget(google).config, "jobs": []})
    assert "public.items" in bqferry.ok("discover", "destination").stdout


def test_check(items, bqferry, google):
    target = BigQueryTarget(google, bucket=True)
    write(bqferry, items, target)
    text = bqferry.ok("check").stdout
    assert target.bucket in text and "test-project" in text
    target.config["bucket"] = "no-such-bucket"
    write(bqferry, items, target)
    assert "no-such-bucket" in bqferry.fails("target", "check").stdout


# What arrives beside the rows -----------------------------------------------------------------------

def test_report_and_labels(items, bqferry, google):
    target = BigQueryTarget(google, labels={"team": "data", "env": "test"})
    write(bqferry, items, target, target={"labels": {"env": "prod"}})
    result = bqferry.ok("run")
    job = result.job()
    done = job["target_jobs"]
    assert [entry["kind"] for entry in done] == ["load"] and done[0]["bytes_billed"] == 0
    assert done[0]["id"] in result.stdout and "console.cloud.google.com" in done[0]["link"]
    found = google.client().get_job(done[0]["id"], location="US")
    assert found.labels == {"managed_by": "bqferry", "job": "items", "run_id": job["run_id"], "team": "data",
                            "env": "prod"}
    assert target.get("items").labels == {"managed_by": "bqferry", "job": "items", "team": "data", "env": "prod"}


ALIASES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def plain(fields):
    """Fields of a schema in one spelling: what is not said left out, numbers as text, SQL's names of types."""
    return [{"name": field["name"], "type": ALIASES.get(field["type"], field["type"]),
             "mode": field.get("mode") or "NULLABLE",
             **{key: str(field[key]) for key in ("precision", "scale", "maxLength", "description") if field.get(key)},
             **({"fields": plain(field["fields"])} if field.get("fields") else {})} for field in fields]


@pytest.mark.parametrize("bucket", (False, True))
@pytest.mark.parametrize("load", ("append", "replace"))
def test_the_schema_that_arrives_is_the_plan(db, bqferry, google, load, bucket):
    """To the mode, the precision, the length and the description, of a new table and after a second load."""
    db.execute("CREATE TYPE part AS (weight numeric(8,3), name text);"
               " CREATE TABLE items (id bigint NOT NULL, price numeric(12,4) NOT NULL, big numeric(60,20), code varchar(20),"
               " parts part[], one part, tags text[] NOT NULL, at timestamp NOT NULL, data jsonb);"
               " COMMENT ON COLUMN items.price IS 'in \"EUR\", with taxes'; COMMENT ON TABLE items IS 'Grüße: 1 < 2';"
               " INSERT INTO items VALUES (1, 2.5, 3, 'x', ARRAY[ROW(1, 'a')::part], ROW(2, 'b'), '{t}', now(), '{}')")
    target = BigQueryTarget(google, bucket=bucket)
    write(bqferry, db, target, load=load, mode="required", columns={"code": {"description": "by hand"}})
    planned = bqferry.ok("plan", "--json").json()["jobs"][0]["schema"]
    for _ in range(2):
        bqferry.ok("run")
        found = google.client()._connection.api_request(
            method="GET", path=f"/projects/{google.project}/datasets/{target.dataset}/tables/items")
        assert plain(found["schema"]["fields"]) == plain(planned["fields"])
        assert found["description"].startswith("Grüße: 1 < 2")
    modes = {field["name"]: field["mode"] for field in plain(planned["fields"])}
    assert modes["id"] == modes["price"] == modes["at"] == "REQUIRED" and modes["big"] == "NULLABLE"


# Tables that are there ------------------------------------------------------------------------------

EXISTING = [
    ("another partitioning", {"type": "MONTH", "field": "at"}, None, {"partition_by": {"column": "at", "type": "day"}},
     ["partition"]),
    ("no partitioning", None, None, {"partition_by": {"column": "at", "type": "day"}}, ["partition"]),
    ("other clusters", None, ["name"], {"cluster_by": ["id"]}, ["cluster"]),
]


@pytest.mark.parametrize("load", ("append", "replace"))
@pytest.mark.parametrize("partitions, clusters, wishes, words", [case[1:] for case in EXISTING],
                         ids=[case[0].replace(" ", "-") for case in EXISTING])
def test_a_table_of_another_layout(items, bqferry, google, load, partitions, clusters, wishes, words):
    """Stops before anything is read, and says what to do."""
    from google.cloud import bigquery
    target = BigQueryTarget(google)
    google.client().create_dataset(target.dataset)
    table = bigquery.Table(target.name("items"), schema=[
        bigquery.SchemaField("id", "INT64"), bigquery.SchemaField("name", "STRING"),
        bigquery.SchemaField("price", "NUMERIC", precision=10, scale=2), bigquery.SchemaField("at", "TIMESTAMP")])
    if partitions:
        table.time_partitioning = bigquery.TimePartitioning(type_=partitions["type"], field=partitions["field"])
    table.clustering_fields = clusters
    google.client().create_table(table)
    write(bqferry, items, target, load=load, target=wishes)
    result = bqferry.fails("config", "run")
    assert "hint" in result.stderr and all(word in result.stderr for word in words), str(result)
    assert result.job()["rows_read"] == 0 and target.rows("items") == []


def test_a_dataset_elsewhere(items, bqferry, google):
    from google.cloud import bigquery
    target = BigQueryTarget(google, location="US")
    made = bigquery.Dataset(f"{google.project}.{target.dataset}")
    made.location = "EU"
    google.client().create_dataset(made)
    write(bqferry, items, target)
    result = bqferry.fails("config", "run")
    assert "EU" in result.stderr and "US" in result.stderr, str(result)
    del target.config["location"]
    write(bqferry, items, target)
    bqferry.ok("run")
    assert len(target.rows("items")) == 500


def test_a_view_in_the_way(items, bqferry, google):
    from google.cloud import bigquery
    target = BigQueryTarget(google)
    google.client().create_dataset(target.dataset)
    view = bigquery.Table(target.name("items"))
    view.view_query = "SELECT 1 AS id"
    google.client().create_table(view)
    write(bqferry, items, target)
    assert "VIEW" in bqferry.fails("config", "run").stderr.upper()


# Side by side ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("bucket", (False, True))
def test_two_jobs_at_once(items, bqferry, google, bucket):
    """Jobs of one run, and two runs of other jobs, into one dataset that neither finds."""
    target = BigQueryTarget(google, bucket=bucket)
    jobs = [{"name": f"j{number}", "source": {"table": "items"}, "target": f"t{number}", "load": "replace"}
            for number in range(4)]
    bqferry.write_config({
        "version": 1, "connections": {"db": {"type": "postgresql", "url": items.url()}},
        "destination": target.config, "parallel": 2, "jobs": jobs})
    first, second = bqferry.start("run", "j0", "j1"), bqferry.start("run", "j2", "j3")
    for result in (first.wait(), second.wait()):
        assert result.code == 0, str(result)
    assert target.tables() == {"t0", "t1", "t2", "t3"} and target.leftovers() == []
    assert all(len(target.rows(f"t{number}", "id")) == 500 for number in range(4))


def test_the_same_job_twice_at_once(items, bqferry, google):
    target = BigQueryTarget(google)
    write(bqferry, items, target, load="append")
    google.job_fault(seconds=2)
    first = bqferry.start("run")
    from support.processes import wait_until
    wait_until(lambda: google.counts("bigquery.jobs.insert*"), "the first run's job")
    second = bqferry("run")
    assert second.code == 7, str(second)
    assert first.wait().code == 0
    assert len(target.rows("items", "id")) == 500


def test_two_configurations_append_to_one_table(items, bqferry, google, tmp_path):
    """Other state, other run ids: nothing is taken for the other's."""
    from support.program import Program
    target = BigQueryTarget(google)
    other = Program(tmp_path / "other", bqferry.binary)
    for program in (bqferry, other):
        write(program, items, target, load="append")
    running = [program.start("run") for program in (bqferry, other)]
    for run in running:
        result = run.wait()
        assert result.code == 0, str(result)
    other.close()
    assert len(target.rows("items", "id")) == 1000 and target.leftovers() == []
