# SPDX-License-Identifier: Apache-2.0
"""Queries and their results as the API gives them out; parameters; errors; dry runs.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query, …/jobs/getQueryResults,
…/docs/parameterized-queries, …/docs/best-practices-costs"""

import datetime
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery
from sqlrun import dry_run, job, refused, sql  # noqa: F401

QUERIES = "/bigquery/v2/projects/test-project/queries"
UTC = datetime.timezone.utc


def post(plain, text, **members):
    return plain("POST", QUERIES, json={"query": text, "useLegacySql": False, **members})


def test_all_types_come_back(sql):  # noqa: F811
    """rest/v2/jobs/getQueryResults (rows), read by Google's client."""
    row = sql("SELECT 9223372036854775807 AS i, -1.5 AS f, CAST('inf' AS FLOAT64) AS inf, TRUE AS b, 'ä\\n' AS s, b'\\x00\\xff' AS bs, "
              "NUMERIC '1.10' AS n, BIGNUMERIC '0.00000000000000000000000000000000000001' AS bn, DATE '0001-01-01' AS d, "
              "TIME '23:59:59.999999' AS t, DATETIME '9999-12-31 23:59:59.999999' AS dt, TIMESTAMP '2020-01-01 00:00:00.000001+01' AS ts, "
              "JSON '{\"b\": 1, \"a\": [null]}' AS j, [1, 2] AS a, STRUCT(1 AS x, ['y'] AS y) AS st, CAST(NULL AS INT64) AS nul, "
              "[STRUCT(1 AS k)] AS ast, INTERVAL '1-2 3 4:5:6.7' YEAR TO SECOND AS iv, RANGE(DATE '2020-01-01', NULL) AS r")[0]
    assert row[:6] == (9223372036854775807, -1.5, float("inf"), True, "ä\n", b"\x00\xff")
    assert row[6:9] == (Decimal("1.1"), Decimal("1E-38"), datetime.date(1, 1, 1))
    assert row[9] == datetime.time(23, 59, 59, 999999) and row[10] == datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)
    assert row[11] == datetime.datetime(2019, 12, 31, 23, 0, 0, 1, tzinfo=UTC)
    assert row[12] == {"b": 1, "a": [None]} and row[13] == [1, 2] and row[14] == {"x": 1, "y": ["y"]} and row[15] is None
    assert row[16] == [{"k": 1}] and row[17].years == 1 and row[17].months == 2 and row[17].days == 3
    assert row[18] == {"start": datetime.date(2020, 1, 1), "end": None}


def test_the_first_queries_may_come_at_once(google, client):
    for _ in range(3):
        google.reset(data=True)
        with ThreadPoolExecutor(8) as pool:
            found = pool.map(lambda number: [*client.query_and_wait(f"SELECT NUMERIC '1.5' * {number}")], range(8))
            assert [float(rows[0][0]) for rows in found] == [1.5 * number for number in range(8)]


def test_names_of_columns(sql, job, refused):  # noqa: F811
    """standard-sql/query-syntax#implicit_aliases: unnamed columns are f0_, f1_; names in a result must differ."""
    found = job("SELECT 1, 2 AS x, 'a'").result()
    assert [field.name for field in found.schema] == ["f0_", "x", "f2_"]
    refused("SELECT 1 AS x, 2 AS X", "invalidQuery", "Duplicate column names in the result are not supported. Found duplicate(s): X")


def test_schema_uses_legacy_names(plain, dataset):
    """rest/v2/tables#TableFieldSchema: INTEGER, FLOAT, BOOLEAN, RECORD in answers; NULLABLE, REPEATED."""
    answer = post(plain, "SELECT 1 AS a, 1.5 AS b, TRUE AS c, [STRUCT(1 AS k)] AS d").json()
    assert [(f["name"], f["type"], f["mode"]) for f in answer["schema"]["fields"]] == [
        ("a", "INTEGER", "NULLABLE"), ("b", "FLOAT", "NULLABLE"), ("c", "BOOLEAN", "NULLABLE"), ("d", "RECORD", "REPEATED")]
    assert answer["rows"] == [{"f": [{"v": "1"}, {"v": "1.5"}, {"v": "true"}, {"v": [{"v": {"f": [{"v": "1"}]}}]}]}]
    assert answer["jobComplete"] is True and answer["totalRows"] == "1" and answer["kind"] == "bigquery#queryResponse"
    assert answer["jobReference"]["projectId"] == "test-project" and answer["location"] == "US"
    assert answer["statementType"] == "SELECT" and answer["cacheHit"] is False


def test_timestamps_are_floats_unless_asked(plain, dataset):
    """rest/v2/DataFormatOptions: seconds as a float by default, microseconds with useInt64Timestamp."""
    text = "SELECT TIMESTAMP '2023-01-01 12:00:00.123456+00' AS ts"
    assert post(plain, text).json()["rows"][0]["f"][0]["v"] == "1.672574400123456E9"
    options = {"useInt64Timestamp": True}
    assert post(plain, text, formatOptions=options).json()["rows"][0]["f"][0]["v"] == "1672574400123456"
    options = {"timestampOutputFormat": "ISO8601_STRING"}
    assert post(plain, text, formatOptions=options).json()["rows"][0]["f"][0]["v"] == "2023-01-01T12:00:00.123456000000Z"


def test_pages(plain, client, dataset):
    """docs/paging-results: maxResults, pageToken, startIndex; order is kept; schema on every page."""
    first = post(plain, "SELECT x FROM UNNEST(GENERATE_ARRAY(1, 10)) AS x ORDER BY x DESC", maxResults=3).json()
    assert [row["f"][0]["v"] for row in first["rows"]] == ["10", "9", "8"] and first["totalRows"] == "10"
    url = f"{QUERIES}/{first['jobReference']['jobId']}?location=US&maxResults=4"
    second = plain("GET", f"{url}&pageToken={first['pageToken']}").json()
    assert [row["f"][0]["v"] for row in second["rows"]] == ["7", "6", "5", "4"] and "schema" in second
    assert plain("GET", f"{url}&startIndex=9").json()["rows"] == [{"f": [{"v": "1"}]}]
    none = plain("GET", f"{QUERIES}/{first['jobReference']['jobId']}?location=US&maxResults=0").json()
    assert "rows" not in none and none["totalRows"] == "10" and none["jobComplete"] is True
    rows = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 2500)) AS x ORDER BY x").result(page_size=1000)
    assert [row.x for row in rows] == list(range(1, 2501))


def test_results_are_a_table(job, client):  # noqa: F811
    """docs/cached-results: each result is in an anonymous table of a hidden dataset, for about a day."""
    done = job("SELECT 1 AS x")
    assert done.destination.dataset_id.startswith("_") and done.destination.table_id.startswith("anon")
    table = client.get_table(done.destination)
    assert [tuple(row.values()) for row in client.list_rows(table)] == [(1,)]
    assert datetime.timedelta(hours=23) < table.expires - datetime.datetime.now(UTC) < datetime.timedelta(hours=25)


def test_query_and_wait(client, dataset):
    """rest/v2/jobs/query, the way that google-cloud-bigquery goes with query_and_wait."""
    assert [tuple(row.values()) for row in client.query_and_wait("SELECT 1 AS x, 'y' AS y")] == [(1, "y")]
    with pytest.raises(BadRequest, match="Unrecognized name: nope"):
        client.query_and_wait("SELECT nope")


def test_invalid_sql(plain, refused, client):  # noqa: F811
    """docs/error-messages#invalidQuery: jobs.query answers 400; jobs.insert a job that has failed; with the position."""
    answer = post(plain, "SELECT\n  nope")
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["errors"][0]["reason"] == "invalidQuery"
    assert error["message"] == "Unrecognized name: nope at [2:3]" and error["errors"][0]["location"] == "query"
    refused("SELECT 1 +", "invalidQuery", "Syntax error: Unexpected end of ")
    refused("SELECT * FROM d.nope", "notFound", "Not found: Table test-project:d.nope was not found in location US")
    refused("SELECT * FROM nowhere.t", "notFound", "Not found: Dataset test-project:nowhere")
    refused("SELECT * FROM t", "invalid", 'Table "t" must be qualified with a dataset (e.g. dataset.table).')
    refused("SELECT 1 / 0", "invalidQuery", "division by zero: 1 / 0")
    refused("SELECT 9223372036854775807 + x FROM UNNEST([1]) x", "invalidQuery", "int64 overflow: 9223372036854775807 + 1")
    refused("SELECT [1, 2][OFFSET(2)] AS x", "invalidQuery", "Array index 2 is out of bounds")
    refused("SELECT (SELECT x FROM UNNEST([1, 2]) x) AS y", "invalidQuery", "Scalar subquery produced more than one element")
    refused("SELECT ERROR('mine') AS x", "invalidQuery", "mine")


def test_unknown_functions(refused):  # noqa: F811
    """What the stand-in does not know it says with 501 and a name."""
    refused("SELECT ST_GEOGFROMTEXT('POINT(1 2)') AS g", "notImplemented", "st_geogfromtext")
    refused("SELECT APPROX_QUANTILES(x, 2) AS q FROM UNNEST([1]) x", "notImplemented", "APPROX_QUANTILES")
    refused("SELECT NO_SUCH_FUNCTION(1)", "invalidQuery", "Function not found: NO_SUCH_FUNCTION")


def test_legacy_sql(plain, dataset):
    """rest/v2/jobs/query: useLegacySql is true when it is not set; #standardSQL wins over it."""
    answer = plain("POST", QUERIES, json={"query": "SELECT 1"})
    assert answer.status_code == 400 and answer.json()["error"]["errors"][0]["reason"] == "invalidQuery"
    assert plain("POST", QUERIES, json={"query": "#standardSQL\nSELECT 1"}).status_code == 200
    assert post(plain, "#legacySQL\nSELECT 1").status_code == 400


def test_default_dataset(sql, client):  # noqa: F811
    """rest/v2/Job#JobConfigurationQuery.defaultDataset"""
    sql("CREATE TABLE d.t AS SELECT 1 AS x")
    default = bigquery.DatasetReference("test-project", "d")
    for name in ("t", "d.t", "`test-project.d.t`", "`test-project`.d.t", "test-project.d.t"):
        assert sql(f"SELECT x FROM {name}", default_dataset=default) == [(1,)]


def test_table_names_have_cases(sql, refused):  # noqa: F811
    """standard-sql/lexical#case_sensitivity: tables yes, columns no."""
    sql("CREATE TABLE d.Things AS SELECT 1 AS Name")
    assert sql("SELECT NAME FROM d.Things") == [(1,)]
    refused("SELECT name FROM d.things", "notFound", "d.things")


PARAMETERS = [
    ("INT64", 5, 5), ("FLOAT64", 1.5, 1.5), ("BOOL", True, True), ("STRING", "a'\"\\\n", "a'\"\\\n"), ("BYTES", b"\x00a", b"\x00a"),
    ("NUMERIC", Decimal("1.5"), Decimal("1.5")), ("BIGNUMERIC", Decimal("1E-38"), Decimal("1E-38")),
    ("DATE", datetime.date(2020, 1, 2), datetime.date(2020, 1, 2)), ("TIME", datetime.time(1, 2, 3, 4), datetime.time(1, 2, 3, 4)),
    ("DATETIME", datetime.datetime(2020, 1, 2, 3), datetime.datetime(2020, 1, 2, 3)),
    ("TIMESTAMP", datetime.datetime(2020, 1, 2, 3, 0, 0, 5, tzinfo=UTC), datetime.datetime(2020, 1, 2, 3, 0, 0, 5, tzinfo=UTC)),
    ("STRING", None, None)]


@pytest.mark.parametrize("kind, given, wanted", PARAMETERS)
def test_scalar_parameters(sql, kind, given, wanted):  # noqa: F811
    """docs/parameterized-queries: named and positional, every type."""
    assert sql("SELECT @p AS x", query_parameters=[bigquery.ScalarQueryParameter("p", kind, given)]) == [(wanted,)]
    assert sql("SELECT ? AS x", query_parameters=[bigquery.ScalarQueryParameter(None, kind, given)]) == [(wanted,)]


def test_nested_parameters(sql):  # noqa: F811
    """docs/parameterized-queries: arrays, structs, arrays of structs, ranges."""
    struct = bigquery.StructQueryParameter("s", bigquery.ScalarQueryParameter("x", "INT64", 1),
                                           bigquery.ArrayQueryParameter("y", "STRING", ["a", "b"]))
    array = bigquery.ArrayQueryParameter("a", "INT64", [3, 4])
    structs = bigquery.ArrayQueryParameter("l", "STRUCT", [
        bigquery.StructQueryParameter(None, bigquery.ScalarQueryParameter("k", "INT64", n)) for n in (1, 2)])
    assert sql("SELECT @s.x + 1 AS x, @s.y AS y, ARRAY_LENGTH(@a) AS n, 4 IN UNNEST(@a) AS four, "
               "(SELECT SUM(e.k) FROM UNNEST(@l) AS e) AS k", query_parameters=[struct, array, structs]) == [
        (2, ["a", "b"], 2, True, 3)]


def test_missing_and_wrong_parameters(refused):  # noqa: F811
    """docs/parameterized-queries: an undeclared parameter is an error of the query."""
    refused("SELECT @p AS x", "invalidQuery", "Query parameter 'p' not found")
    refused("SELECT ? AS x, ? AS y", "invalidQuery", "parameter",
            query_parameters=[bigquery.ScalarQueryParameter(None, "INT64", 1)])
    refused("SELECT @p AS x", "invalid", "p", query_parameters=[bigquery.ScalarQueryParameter("p", "DATE", "2020-13-01")])


def test_destination_table(job, sql, client, dataset, refused):  # noqa: F811
    """docs/writing-results: WRITE_EMPTY, WRITE_APPEND, WRITE_TRUNCATE; created with partitions and clusters."""
    target = dataset.table("r")
    members = {"destination": target, "clustering_fields": ["x"], "time_partitioning": bigquery.TimePartitioning(field="day")}
    job("SELECT 1 AS x, DATE '2024-01-01' AS day", **members)
    assert client.get_table(target).time_partitioning.field == "day"
    with pytest.raises(Conflict):
        job("SELECT 1 AS x, DATE '2024-01-01' AS day", destination=target, write_disposition="WRITE_EMPTY")
    job("SELECT 2 AS x, DATE '2024-01-02' AS day", destination=target, write_disposition="WRITE_APPEND")
    assert sql("SELECT x FROM d.r ORDER BY x") == [(1,), (2,)]
    refused("SELECT 'a' AS x", "invalid", "changed type", destination=target, write_disposition="WRITE_APPEND")
    job("SELECT 3 AS x, DATE '2024-01-03' AS day", destination=target, write_disposition="WRITE_TRUNCATE")
    assert sql("SELECT x FROM d.r") == [(3,)]
    with pytest.raises(NotFound):
        job("SELECT 1 AS x", destination=dataset.table("no"), create_disposition="CREATE_NEVER")


def test_request_id(plain, sql):  # noqa: F811
    """rest/v2/jobs/query#QueryRequest.requestId: a request sent again is not run again; another request may not reuse it."""
    sql("CREATE TABLE d.t (x INT64)")
    first = post(plain, "INSERT d.t VALUES (1)", requestId="abc-1").json()
    again = post(plain, "INSERT d.t VALUES (1)", requestId="abc-1").json()
    assert first["jobReference"] == again["jobReference"] and first["numDmlAffectedRows"] == "1"
    assert sql("SELECT COUNT(*) FROM d.t") == [(1,)]
    assert post(plain, "INSERT d.t VALUES (2)", requestId="abc-1").status_code == 400
    post(plain, "INSERT d.t VALUES (2)", requestId="abc-2")
    assert sql("SELECT COUNT(*) FROM d.t") == [(2,)]


def test_location(client, sql):  # noqa: F811
    """docs/locations#specify_locations: a query runs where its data is, and does not find data elsewhere."""
    elsewhere = bigquery.Dataset("test-project.eu")
    elsewhere.location = "EU"
    client.create_dataset(elsewhere)
    done = client.query("CREATE TABLE eu.t AS SELECT 1 AS x")
    done.result()
    assert done.location == "EU"
    assert list(client.query("SELECT x FROM eu.t").result())[0].x == 1
    with pytest.raises(NotFound, match="was not found in location US"):
        client.query("SELECT x FROM eu.t", location="US").result()


def test_labels_and_statistics(client, sql):  # noqa: F811
    """rest/v2/Job#JobStatistics2: referencedTables, labels, bytes processed and billed (10 MB at least for each table)."""
    sql("CREATE TABLE d.t AS SELECT 1 AS x, 'abc' AS y")
    done = client.query("SELECT x FROM d.t", job_config=bigquery.QueryJobConfig(labels={"team": "x"}))
    done.result()
    assert done.labels == {"team": "x"} and [table.table_id for table in done.referenced_tables] == ["t"]
    assert done.total_bytes_processed == 8 and done.total_bytes_billed == 10 * 1024 * 1024 and done.slot_millis is not None
    assert done.statement_type == "SELECT" and done.cache_hit is False and done.billing_tier == 1
    done = client.query("SELECT 1 AS x")
    done.result()
    assert done.total_bytes_processed == 0 and done.total_bytes_billed == 0


def test_maximum_bytes_billed(sql, client):  # noqa: F811
    """docs/best-practices-costs#restrict-bytes-billed: a query over the limit fails without a charge."""
    sql("CREATE TABLE d.t AS SELECT 1 AS x")
    with pytest.raises(Exception, match="Query exceeded limit for bytes billed: 1000000"):
        client.query("SELECT x FROM d.t", job_config=bigquery.QueryJobConfig(maximum_bytes_billed=1_000_000), job_retry=None).result(
            job_retry=None)
    assert sql("SELECT x FROM d.t", maximum_bytes_billed=20_000_000) == [(1,)]


# Dry runs -----------------------------------------------------------------------------------------------

@pytest.fixture
def days(sql):  # noqa: F811
    """Three days of two rows each; a row is 8 (id) + 8 (day) + 2 + 3 (v) = 21 bytes."""
    sql("CREATE TABLE d.days (id INT64, day DATE, v STRING) PARTITION BY day CLUSTER BY id")
    sql("INSERT d.days SELECT n, DATE_ADD(DATE '2024-01-01', INTERVAL DIV(n, 2) DAY), 'abc' FROM UNNEST(GENERATE_ARRAY(0, 5)) n")


@pytest.mark.parametrize("text, size", [
    ("SELECT id FROM d.days", 48), ("SELECT * FROM d.days", 126), ("SELECT COUNT(*) FROM d.days", 0),
    ("SELECT v FROM d.days WHERE day = '2024-01-02'", 2 * (5 + 8)),
    ("SELECT day FROM d.days WHERE day BETWEEN '2024-01-02' AND '2024-01-03'", 32),
    ("SELECT day FROM d.days WHERE day IN ('2024-01-01', '2024-01-03')", 32),
    ("SELECT day FROM d.days WHERE day > '2024-01-02' OR day < '2024-01-02'", 32),
    ("SELECT day FROM d.days WHERE DATE_TRUNC(day, MONTH) = '2024-02-01'", 0),
    ("SELECT day FROM d.days WHERE CAST(day AS TIMESTAMP) >= TIMESTAMP '2024-01-03'", 16),
    ("SELECT day FROM d.days WHERE day = (SELECT MAX(day) FROM d.days)", 48),
    ("SELECT day FROM d.days WHERE day = DATE_ADD(DATE '2024-01-01', INTERVAL 1 DAY)", 16),
    ("SELECT day FROM (SELECT day, id FROM d.days) WHERE day = '2024-01-01'", 16),
    ("WITH w AS (SELECT day AS other FROM d.days) SELECT other FROM w WHERE other = '2024-01-01'", 16),
    ("SELECT a.day FROM d.days a JOIN (SELECT 1 AS id) b ON a.id = b.id AND a.day = '2024-01-01'", 32),
    ("SELECT day FROM d.days WHERE id = 1", 96), ("SELECT day FROM d.days WHERE day IS NULL", 0)])
def test_dry_run_bytes(days, dry_run, text, size):  # noqa: F811
    """docs/best-practices-costs, docs/querying-partitioned-tables: columns that are read, of partitions that may match; values
    from subqueries do not prune."""
    assert dry_run(text).total_bytes_processed == size


@pytest.mark.parametrize("text, size", [
    ("INSERT d.days (id) SELECT id FROM d.days WHERE day = '2024-01-01'", 32),
    ("UPDATE d.days SET v = 'x' WHERE day = '2024-01-01'", 2 * (8 + 5) + 42),
    ("DELETE d.days WHERE day = '2024-01-01' AND id = 1", 32 + 42),
    ("DELETE d.days WHERE day = '2024-01-01'", 0), ("DELETE d.days WHERE day >= '2024-01-02'", 0),
    ("TRUNCATE TABLE d.days", 0),
    ("MERGE d.days T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED THEN UPDATE SET v = 'x'", 6 * (8 + 5) + 126),
    ("MERGE d.days T USING (SELECT 1 AS id) S ON T.id = S.id AND T.day = '2024-01-01' WHEN MATCHED THEN UPDATE SET v = 'x'",
     2 * 21 + 42),
    ("MERGE d.days T USING (SELECT 1 AS id) S ON T.id = S.id AND T.day BETWEEN '2024-01-01' AND '2024-01-02' "
     "WHEN MATCHED THEN UPDATE SET v = 'x' WHEN NOT MATCHED THEN INSERT (id) VALUES (S.id)", 4 * 21 + 84),
    ("MERGE d.days T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED AND T.day = '2024-01-01' THEN DELETE "
     "WHEN NOT MATCHED BY SOURCE AND T.day = '2024-01-03' THEN DELETE", 4 * 16 + 84),
    ("MERGE d.days T USING (SELECT 1 AS id) S ON T.id = S.id AND T.day = '2024-01-01' WHEN NOT MATCHED BY SOURCE THEN DELETE",
     6 * 16 + 126),
    ("MERGE d.days T USING (SELECT 1 AS id) S ON FALSE WHEN NOT MATCHED THEN INSERT (id) VALUES (S.id) "
     "WHEN NOT MATCHED BY SOURCE AND T.day = '2024-01-03' THEN DELETE", 16 + 42)])
def test_dry_run_bytes_of_dml(days, dry_run, sql, text, size):  # noqa: F811
    """dml-syntax#on-demand-query-size-calculation, docs/using-dml-with-partitioned-tables#pruning_partitions_when_using_a_merge:
    columns read + all columns of the partitions that are updated; nothing is changed."""
    before = sql("SELECT COUNT(*), SUM(id) FROM d.days")
    assert dry_run(text).total_bytes_processed == size
    assert sql("SELECT COUNT(*), SUM(id) FROM d.days") == before


def test_dry_run_says_the_schema(dry_run, plain, client, dataset):  # noqa: F811
    """rest/v2/Job#JobConfiguration.dryRun: the schema, no rows; invalid SQL is an error at once; there is no job."""
    found = dry_run("SELECT 1 AS x, 'a' AS y")
    assert [(field.name, field.field_type) for field in found.schema] == [("x", "INTEGER"), ("y", "STRING")]
    assert found.statement_type == "SELECT"
    with pytest.raises(BadRequest, match="Unrecognized name"):
        dry_run("SELECT nope")
    answer = post(plain, "SELECT 1 AS x", dryRun=True).json()
    assert answer["schema"]["fields"][0]["name"] == "x" and answer["totalBytesProcessed"] == "0" and "rows" not in answer
    assert "jobId" not in answer["jobReference"]


def test_require_partition_filter(sql, days, refused, dry_run):  # noqa: F811
    """docs/querying-partitioned-tables#require_a_partition_filter_in_queries: an OR with another column does not help."""
    sql("ALTER TABLE d.days SET OPTIONS (require_partition_filter = true)")
    words = "Cannot query over table 'test-project.d.days' without a filter over column(s) 'day' that can be used for partition"
    for text in ("SELECT id FROM d.days", "SELECT id FROM d.days WHERE id = 1 OR day = '2024-01-01'",
                 "UPDATE d.days SET v = 'x' WHERE id = 1", "DELETE d.days WHERE true",
                 "MERGE d.days T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED THEN DELETE"):
        refused(text, "invalidQuery", words)
    assert sql("SELECT id FROM d.days WHERE day = '2024-01-01' AND id = 1") == [(1,)]
    sql("MERGE d.days T USING (SELECT 1 AS id) S ON T.id = S.id AND T.day >= '2024-01-01' WHEN MATCHED THEN DELETE")


def test_pruning_by_time_and_range(sql, dry_run):  # noqa: F811
    """docs/partitioned-tables: hours and months of timestamps, ranges of integers, ingestion time."""
    sql("CREATE TABLE d.h (x INT64, ts TIMESTAMP) PARTITION BY TIMESTAMP_TRUNC(ts, HOUR)")
    sql("INSERT d.h VALUES (1, '2024-01-01 10:30:00+00'), (2, '2024-01-01 11:30:00+00'), (3, NULL)")
    assert dry_run("SELECT x FROM d.h WHERE ts < '2024-01-01 11:00:00+00'").total_bytes_processed == 16
    assert dry_run("SELECT x FROM d.h WHERE TIMESTAMP_TRUNC(ts, DAY) = '2024-01-01 00:00:00+00'").total_bytes_processed == 32
    assert dry_run("SELECT x FROM d.h WHERE ts IS NULL").total_bytes_processed == 8
    sql("CREATE TABLE d.r (x INT64, y INT64) PARTITION BY RANGE_BUCKET(x, GENERATE_ARRAY(0, 100, 10))")
    sql("INSERT d.r VALUES (5, 0), (15, 0), (500, 0)")
    assert dry_run("SELECT y FROM d.r WHERE x < 10").total_bytes_processed == 32  # 500 is in __UNPARTITIONED__, always read
    sql("CREATE TABLE d.i (x INT64) PARTITION BY _PARTITIONDATE")
    sql("INSERT d.i (_PARTITIONTIME, x) VALUES ('2024-01-01', 1), ('2024-01-02', 2)")
    assert dry_run("SELECT x FROM d.i WHERE _PARTITIONDATE = '2024-01-01'").total_bytes_processed == 8
    assert dry_run("SELECT x FROM d.i WHERE _PARTITIONTIME > '2024-01-01'").total_bytes_processed == 8


def test_parameters_prune(days, client):
    """docs/querying-partitioned-tables: a query parameter is a constant."""
    config = bigquery.QueryJobConfig(dry_run=True, query_parameters=[
        bigquery.ScalarQueryParameter("day", "DATE", datetime.date(2024, 1, 1)), bigquery.ArrayQueryParameter("l", "DATE", ["2024-01-02"])])
    assert client.query("SELECT day FROM d.days WHERE day = @day OR day IN UNNEST(@l)", job_config=config).total_bytes_processed == 32
