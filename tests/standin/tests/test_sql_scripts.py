# SPDX-License-Identifier: Apache-2.0
"""Scripts, transactions and sessions.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language, …/docs/multi-statement-queries,
…/docs/transactions, …/docs/sessions-intro, …/standard-sql/system-variables"""

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery
from sqlrun import dry_run, job, refused, sql  # noqa: F401


def test_variables(sql, refused):  # noqa: F811
    """#declare, #set: types, defaults, several at once, from a struct, coercion; names are case-insensitive."""
    assert sql("DECLARE a, b INT64 DEFAULT 2; DECLARE c DEFAULT 'x'; DECLARE d NUMERIC; DECLARE e DATE DEFAULT '2024-01-02'; "
               "SET d = 3; SET (a, c) = (SELECT AS STRUCT 7, 'y'); SET B = A + b; SELECT a, b, c, d, e") == [
        (7, 9, "y", 3, __import__("datetime").date(2024, 1, 2))]
    refused("DECLARE x INT64; SET x = 'a'", "invalidQuery", "INT64")
    refused("SET x = 1; SELECT x", "invalidQuery", "Undeclared variable: x")
    refused("DECLARE x INT64; DECLARE X STRING; SELECT x", "invalidQuery", "redeclaration")


def test_columns_hide_variables(sql):  # noqa: F811
    """#declare: a column of the same name wins."""
    assert sql("DECLARE x INT64 DEFAULT 1; SELECT x FROM (SELECT 5 AS x)") == [(5,)]


def test_branches_and_loops(sql):  # noqa: F811
    """#if, #case, #loops, #while, #repeat, #for-in, #break, #continue, labels"""
    assert sql("""
        DECLARE log ARRAY<STRING> DEFAULT []; DECLARE i INT64 DEFAULT 0;
        WHILE i < 3 DO SET i = i + 1; IF i = 2 THEN CONTINUE; END IF; SET log = ARRAY_CONCAT(log, [FORMAT('w%d', i)]); END WHILE;
        LOOP SET i = i + 1; IF i > 5 THEN BREAK; ELSEIF i = 5 THEN SET log = ARRAY_CONCAT(log, ['five']); END IF; END LOOP;
        REPEAT SET i = i - 1; UNTIL i < 4 END REPEAT;
        FOR row IN (SELECT x, x * 10 AS y FROM UNNEST([1, 2]) AS x ORDER BY x) DO
            SET log = ARRAY_CONCAT(log, [FORMAT('f%d', row.y)]); END FOR;
        outer_loop: LOOP LOOP BREAK outer_loop; END LOOP; END LOOP;
        CASE i WHEN 3 THEN SET log = ARRAY_CONCAT(log, ['three']); ELSE SET log = ARRAY_CONCAT(log, ['other']); END CASE;
        CASE WHEN i > 100 THEN SET log = []; ELSE SET log = ARRAY_CONCAT(log, ['end']); END CASE;
        SELECT ARRAY_TO_STRING(log, ',') AS log""") == [("w1,w3,five,f10,f20,three,end",)]


def test_errors_are_caught(sql, refused):  # noqa: F811
    """#beginexceptionend, #raise: @@error.message; RAISE without a message passes the error on."""
    assert sql("BEGIN SELECT 1 / 0; EXCEPTION WHEN ERROR THEN SELECT @@error.message AS m; END") == [("division by zero: 1 / 0",)]
    assert sql("BEGIN RAISE USING MESSAGE = 'mine'; EXCEPTION WHEN ERROR THEN SELECT @@error.message AS m; END") == [("mine",)]
    refused("BEGIN SELECT 1 / 0; EXCEPTION WHEN ERROR THEN RAISE; END", "invalidQuery", "division by zero")
    refused("SELECT 1; RAISE USING MESSAGE = CONCAT('a', 'b')", "invalidQuery", "ab")


def test_assert(sql, refused):  # noqa: F811
    """standard-sql/debugging-statements#assert"""
    sql("ASSERT (SELECT COUNT(*) > 1 FROM UNNEST([1, 2])) AS 'must be many'")
    refused("ASSERT (SELECT COUNT(*) > 5 FROM UNNEST([1, 2])) AS 'must be many'", "invalidQuery", "must be many")
    refused("ASSERT 1 = 2", "invalidQuery", "Assertion failed")


def test_execute_immediate(sql, refused):  # noqa: F811
    """#execute_immediate: USING by position and by name, INTO."""
    sql("CREATE TABLE d.t (x INT64, y STRING)")
    assert sql("DECLARE n INT64; DECLARE s STRING; "
               "EXECUTE IMMEDIATE 'INSERT d.t VALUES (?, ?)' USING 1, 'a'; "
               "EXECUTE IMMEDIATE 'INSERT d.t VALUES (@v, @w)' USING 2 AS v, 'b' AS w; "
               "EXECUTE IMMEDIATE FORMAT('SELECT COUNT(*), MAX(y) FROM %s', 'd.t') INTO n, s; SELECT n, s") == [(2, "b")]
    refused("EXECUTE IMMEDIATE 'SELECT 1; SELECT 2'", "invalidQuery", "one statement")


def test_row_count(sql):  # noqa: F811
    """system-variables: @@row_count of the last DML, @@script.job_id, @@project_id"""
    sql("CREATE TABLE d.t (x INT64)")
    assert sql("INSERT d.t VALUES (1), (2); SELECT @@row_count AS n, @@project_id AS p") == [(2, "test-project")]
    assert sql("DECLARE n INT64; DELETE d.t WHERE x = 1; SET n = @@row_count; SELECT n") == [(1,)]


def test_temporary_tables(sql, refused):  # noqa: F811
    """docs/multi-statement-queries#temporary_tables: by their bare name, only in their script."""
    assert sql("CREATE TEMP TABLE things AS SELECT 1 AS x; INSERT things VALUES (2); SELECT SUM(x) FROM _SESSION.things") == [(3,)]
    refused("SELECT * FROM things", "invalid", "must be qualified with a dataset")
    refused("CREATE TEMP TABLE things (x INT64)", "invalidQuery", "requires a script or session")


def test_child_jobs(client, sql):  # noqa: F811
    """docs/multi-statement-queries: each statement is a job with the script as its parent; a failed one ends the script."""
    sql("CREATE TABLE d.t (x INT64)")
    script = client.query("INSERT d.t VALUES (1);\nSELECT x FROM d.t;\nUPDATE d.t SET x = 5 WHERE true")
    script.result()
    assert script.statement_type == "SCRIPT" and script.num_child_jobs == 3
    children = sorted(client.list_jobs(parent_job=script), key=lambda child: child.created)
    assert [child.statement_type for child in children] == ["INSERT", "SELECT", "UPDATE"]
    assert [tuple(row.values()) for row in children[1].result()] == [(1,)] and children[2].num_dml_affected_rows == 1
    assert children[1].script_statistics.evaluation_kind == "STATEMENT"
    frame = children[1].script_statistics.stack_frames[0]
    assert (frame.start_line, frame.start_column, frame.text) == (2, 1, "SELECT x FROM d.t")
    assert children[0].parent_job_id == script.job_id and script.job_id not in [job.job_id for job in children]
    failed = client.query("UPDATE d.t SET x = 6 WHERE true; SELECT nope; UPDATE d.t SET x = 7 WHERE true", job_retry=None)
    with pytest.raises(BadRequest, match="Unrecognized name: nope at \\[1:41\\]"):
        failed.result(job_retry=None)
    assert sql("SELECT x FROM d.t") == [(6,)]


def test_results_of_a_script(sql):  # noqa: F811
    """docs/multi-statement-queries: the answer is that of the last statement that was run."""
    assert sql("SELECT 1; SELECT 2 AS x") == [(2,)]


def test_commit(sql):  # noqa: F811
    """docs/transactions: several tables at once; own changes are seen."""
    sql("CREATE TABLE d.a (x INT64)")
    sql("CREATE TABLE d.b (x INT64)")
    assert sql("BEGIN TRANSACTION; INSERT d.a VALUES (1); INSERT d.b SELECT x + 1 FROM d.a; UPDATE d.a SET x = 10 WHERE true; "
               "COMMIT TRANSACTION; SELECT (SELECT x FROM d.a) AS a, (SELECT x FROM d.b) AS b") == [(10, 2)]


def test_rollback(sql, client, dataset):  # noqa: F811
    """docs/transactions: ROLLBACK undoes all of it; so does a script that ends or fails inside of a transaction."""
    sql("CREATE TABLE d.a AS SELECT 1 AS x")
    before = client.get_table(dataset.table("a")).modified
    assert sql("BEGIN TRANSACTION; DELETE d.a WHERE true; INSERT d.a VALUES (5), (6); SELECT COUNT(*) FROM d.a; "
               "ROLLBACK TRANSACTION; SELECT x FROM d.a") == [(1,)]
    sql("BEGIN TRANSACTION; INSERT d.a VALUES (7)")
    with pytest.raises(BadRequest):
        client.query("BEGIN TRANSACTION; INSERT d.a VALUES (8); SELECT 1 / 0; COMMIT TRANSACTION", job_retry=None).result(job_retry=None)
    assert sql("SELECT x FROM d.a") == [(1,)] and client.get_table(dataset.table("a")).modified == before


def test_rollback_in_a_handler(sql):  # noqa: F811
    """docs/transactions (example): an exception handler rolls back and reports."""
    sql("CREATE TABLE d.a AS SELECT 1 AS x")
    assert sql("BEGIN BEGIN TRANSACTION; INSERT d.a VALUES (2); SELECT 1 / 0; COMMIT TRANSACTION; "
               "EXCEPTION WHEN ERROR THEN SELECT @@error.message; ROLLBACK TRANSACTION; END; SELECT COUNT(*) FROM d.a") == [(1,)]


def test_merge_in_a_transaction(sql):  # noqa: F811
    """docs/transactions: MERGE, TRUNCATE and temporary tables take part."""
    sql("CREATE TABLE d.a AS SELECT 1 AS id, 'a' AS v")
    assert sql("CREATE TEMP TABLE s AS SELECT 1 AS id, 'b' AS v UNION ALL SELECT 2, 'c'; BEGIN TRANSACTION; "
               "MERGE d.a T USING s ON T.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT ROW; "
               "MERGE d.a T USING s ON T.id = s.id WHEN MATCHED AND T.id = 1 THEN DELETE; COMMIT TRANSACTION; "
               "SELECT id, v FROM d.a") == [(2, "c")]


def test_conflict(client, sql):  # noqa: F811
    """docs/transactions#transaction_concurrency: of two transactions that change the same rows, one fails, and nothing of it stays."""
    sql("CREATE TABLE d.a AS SELECT 1 AS x")
    config = bigquery.QueryJobConfig(create_session=True)
    first = client.query("SELECT 1", job_config=config)
    first.result()

    def run(text):
        properties = [bigquery.ConnectionProperty("session_id", first.session_info.session_id)]
        return client.query(text, job_config=bigquery.QueryJobConfig(connection_properties=properties), job_retry=None).result(
            job_retry=None)

    run("BEGIN TRANSACTION")
    run("UPDATE d.a SET x = 2 WHERE true")
    sql("UPDATE d.a SET x = 3 WHERE true")
    with pytest.raises(BadRequest, match="Transaction is aborted due to concurrent update against table test-project:d.a"):
        run("COMMIT TRANSACTION")
    assert sql("SELECT x FROM d.a") == [(3,)]


def test_no_ddl_in_transactions(refused, sql):  # noqa: F811
    """docs/transactions#limitations: no DDL but of temporary tables; no nesting; control statements need a script or session."""
    refused("BEGIN TRANSACTION; CREATE TABLE d.t (x INT64); COMMIT TRANSACTION", "invalidQuery",
            "DDL statements are not supported in a transaction")
    assert sql("BEGIN TRANSACTION; CREATE TEMP TABLE t AS SELECT 1 AS x; COMMIT TRANSACTION; SELECT x FROM t") == [(1,)]
    refused("BEGIN TRANSACTION; BEGIN TRANSACTION; SELECT 1", "invalidQuery", "nested transactions are not supported")
    refused("COMMIT TRANSACTION", "invalidQuery", "only in scripts or sessions")
    refused("SELECT 1; COMMIT TRANSACTION", "invalidQuery", "There is no active transaction")


def test_transaction_id(client, sql):  # noqa: F811
    """rest/v2/Job#TransactionInfo: children of a transaction carry its id."""
    sql("CREATE TABLE d.a AS SELECT 1 AS x")
    script = client.query("BEGIN TRANSACTION; UPDATE d.a SET x = 2 WHERE true; COMMIT TRANSACTION")
    script.result()
    update = next(child for child in client.list_jobs(parent_job=script) if child.statement_type == "UPDATE")
    assert update.transaction_info.transaction_id


def test_sessions(client, sql):  # noqa: F811
    """docs/sessions-intro: variables, temporary tables and an open transaction live on in a session; nobody else sees them."""
    sql("CREATE TABLE d.a AS SELECT 1 AS x")
    first = client.query("CREATE TEMP TABLE mine AS SELECT 42 AS x", job_config=bigquery.QueryJobConfig(create_session=True))
    first.result()
    session = first.session_info.session_id

    def run(text):
        properties = [bigquery.ConnectionProperty("session_id", session)]
        config = bigquery.QueryJobConfig(connection_properties=properties)
        return [tuple(row.values()) for row in client.query(text, job_config=config, job_retry=None).result(job_retry=None)]

    assert run("SELECT x FROM mine") == [(42,)]
    run("DECLARE v INT64 DEFAULT 7; SELECT v")
    assert run("SELECT v + 1 AS w") == [(8,)]
    run("BEGIN TRANSACTION")
    run("UPDATE d.a SET x = 2 WHERE true")
    assert run("SELECT x FROM d.a") == [(2,)] and sql("SELECT x FROM d.a") == [(1,)]
    run("COMMIT TRANSACTION")
    assert sql("SELECT x FROM d.a") == [(2,)]
    with pytest.raises(NotFound):
        properties = [bigquery.ConnectionProperty("session_id", "nope")]
        client.query("SELECT 1", job_config=bigquery.QueryJobConfig(connection_properties=properties)).result()


def test_dry_run_of_a_script(dry_run):  # noqa: F811
    """docs/multi-statement-queries: a script is checked by its syntax; its bytes are not known before."""
    found = dry_run("DECLARE x INT64; SELECT x")
    assert found.statement_type == "SCRIPT" and found.total_bytes_processed == 0
    with pytest.raises(BadRequest, match="Syntax error"):
        dry_run("DECLARE x INT64; SELECT FROM")
