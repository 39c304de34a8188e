# SPDX-License-Identifier: Apache-2.0
"""Query jobs, jobs.query and jobs.getQueryResults.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query, …/jobs/getQueryResults,
…/rest/v2/Job#JobConfigurationQuery, #JobStatistics2; requestId: …/rest/v2/jobs/query#QueryRequest"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from standin import tabledata
from standin.catalog import DatasetRef, Table, TableRef
from standin.errors import ApiError, invalid, not_implemented
from standin.http import Request
from standin.resources import encode_token
from standin.types import Schema

REQUEST_ID_MS = 15 * 60 * 1000
LONGEST_WAIT_MS = 200_000
_requests: dict[tuple[str, str], tuple[int, str, Any]] = {}
_requests_lock = threading.Lock()
UNKNOWN = ("userDefinedFunctionResources", "tableDefinitions", "externalTableDefinitions", "scriptOptions", "continuous",
           "writeIncrementalResults")


@dataclass
class QueryResults:
    """What getQueryResults gives out: rows are those of a table record."""

    schema: Schema
    table: Table | None = None
    affected: int | None = None


# The job ------------------------------------------------------------------------------------------------

def check(configuration: dict[str, Any]) -> None:
    """What is refused at once."""
    query = configuration["query"]
    if not query.get("query"):
        raise ApiError("required", "Required parameter is missing: query")
    for name in UNKNOWN:
        if query.get(name):
            raise not_implemented(f"configuration.query.{name}")
    if (query.get("priority") or "INTERACTIVE") not in ("INTERACTIVE", "BATCH"):
        raise invalid(f"Invalid value for priority: {query['priority']}", "priority")


def uses_legacy_sql(query: dict[str, Any]) -> bool:
    """useLegacySql is true unless set, and a first line #standardSQL or #legacySQL wins."""
    first = query["query"].lstrip().split("\n", 1)[0].strip().lower()
    if first == "#standardsql":
        return False
    return first == "#legacysql" or query.get("useLegacySql", True)


def location(app: Any, configuration: dict[str, Any]) -> str | None:
    """The location of the data that a query names: where it runs when nobody says so."""
    query = configuration["query"]
    if not query.get("query") or uses_legacy_sql(query):
        return None
    from standin.sql import script
    try:
        return script.location_of(app, query)
    except ApiError:
        return None


def before_insert(app: Any, job: Any) -> Any:
    """A dry run is answered at once, and is no job that anybody could ask for."""
    check(job.configuration)
    if not job.configuration.get("dryRun"):
        return None
    job.begin()
    run(app, job)
    job.finish(None)
    answer = app.jobs.to_json(job)
    return answer


def run(app: Any, job: Any) -> None:
    """Runs a query job in its thread. ApiError: the job fails with it."""
    check(job.configuration)
    if uses_legacy_sql(job.configuration["query"]):
        raise ApiError("invalidQuery", "Legacy SQL is not known to the stand-in; set useLegacySql to false (it is true when "
                       "it is not set)", location="query")
    from standin.sql import script
    script.run(app, job)


# Results ------------------------------------------------------------------------------------------------

def answer(app: Any, job: Any, request: Request, kind: str, start: int, limit: int | None,
           timestamps: str) -> dict[str, Any]:
    """The answer of jobs.query and getQueryResults for a job that is done."""
    results: QueryResults = job.results
    statistics = job.statistics
    found: dict[str, Any] = {"kind": kind, "jobReference": job.reference_json(), "jobComplete": True, "location": job.location,
                             "cacheHit": False, "totalBytesProcessed": statistics.get("totalBytesProcessed", "0"),
                             "schema": results.schema.to_json()}
    details = statistics.get("query", {})
    for name in ("numDmlAffectedRows", "dmlStats", "statementType"):
        if name in details:
            found[name] = details[name]
    if kind == "bigquery#getQueryResultsResponse":
        found.pop("dmlStats", None)
        found.pop("statementType", None)
        found.pop("location", None)
        found["etag"] = job.id
    if "sessionInfo" in statistics:
        found["sessionInfo"] = statistics["sessionInfo"]
    if results.table is None:
        if results.affected is None:
            found["totalRows"] = "0"
        return found
    table = results.table
    found["totalRows"] = str(table.rows)
    cursor = app.catalog.cursor()
    try:
        total, fetch = tabledata.reader(cursor, table, None, results.schema)
        page, after = tabledata.fetch_page(fetch, results.schema, start, limit, total, timestamps)
    finally:
        cursor.close()
    if page:
        found["rows"] = page
    if after < table.rows and limit != 0:
        found["pageToken"] = encode_token([table.etag, after])
    return found


def get_query_results(app: Any, request: Request, _: Any) -> Any:
    """Waits for the end of the job up to timeoutMs; a failed job is an HTTP error."""
    parameters = request.parameters
    project = parameters["projectId"]
    job = app.jobs.find(project, parameters["jobId"], parameters.get("location"))
    app.auth.require_job(request.identity, job.identity.email, "bigquery.jobs.get", project)
    if job.kind != "query":
        raise invalid(f"Job {project}:{job.location}.{job.id} is not a query job: its type is {job.kind.upper()}")
    job.plan.poll()
    _wait(job, parameters.get("timeoutMs"))
    if not job.done.is_set():
        return {"kind": "bigquery#getQueryResultsResponse", "jobReference": job.reference_json(), "jobComplete": False}
    if job.error is not None:
        raise _as_http(job.error)
    return answer(app, job, request, "bigquery#getQueryResultsResponse", tabledata.first_row(request, ""),
                  parameters.get("maxResults"), tabledata.format_of(request))


def _wait(job: Any, timeout_ms: Any) -> None:
    timeout = 10_000 if timeout_ms is None else int(timeout_ms)
    job.done.wait(min(timeout, LONGEST_WAIT_MS) / 1000)


def _as_http(error: ApiError) -> ApiError:
    if error.reason == "stopped":
        return ApiError("stopped", error.message, location=error.location, status=400)
    return error


FIELDS = {"query": "query", "defaultDataset": "defaultDataset", "useQueryCache": "useQueryCache",
          "useLegacySql": "useLegacySql", "parameterMode": "parameterMode", "queryParameters": "queryParameters",
          "maximumBytesBilled": "maximumBytesBilled", "connectionProperties": "connectionProperties",
          "createSession": "createSession", "continuous": "continuous", "preserveNulls": "preserveNulls",
          "destinationEncryptionConfiguration": "destinationEncryptionConfiguration",
          "writeIncrementalResults": "writeIncrementalResults"}


def query(app: Any, request: Request, body: dict[str, Any]) -> Any:
    """jobs.query: insert, wait, answer with the first page. Invalid SQL is an HTTP error here."""
    project = request.parameters["projectId"]
    for name in ("queryResultsFormat", "arrowSerializationOptions"):
        if body.get(name) and body[name] not in ("JSON", "QUERY_RESULTS_FORMAT_UNSPECIFIED"):
            raise not_implemented(f"{name} of jobs.query")
    configuration: dict[str, Any] = {"query": {mine: body[name] for name, mine in FIELDS.items() if body.get(name) is not None}}
    for name in ("labels", "jobTimeoutMs", "dryRun", "reservation", "maxSlots"):
        if body.get(name) is not None:
            configuration[name] = body[name]
    check(configuration)
    known = _remembered(app, project, body)
    if known is not None:
        job = known
    else:
        reference = {"location": body["location"]} if body.get("location") else {}
        job = app.jobs.prepare(request.identity, project, {"configuration": configuration, "jobReference": reference})
        if configuration.get("dryRun"):
            return _dry_run(app, job)
        app.jobs.register(job)
        _remember(app, project, body, job)
        job.start()
    _wait(job, body.get("timeoutMs"))
    if not job.done.is_set():
        return {"kind": "bigquery#queryResponse", "jobReference": job.reference_json(), "jobComplete": False,
                "location": job.location, "jobCreationReason": {"code": "REQUESTED"}}
    if job.error is not None:
        raise _as_http(job.error)
    options = body.get("formatOptions") or {}
    timestamps = tabledata.rows.timestamp_format(options.get("useInt64Timestamp"), options.get("timestampOutputFormat"))
    limit = body.get("maxResults")
    found = answer(app, job, request, "bigquery#queryResponse", 0, None if limit is None else int(limit), timestamps)
    found["jobCreationReason"] = {"code": "REQUESTED"}
    times = job.statistics_json()
    found.update({name: times[name] for name in ("creationTime", "startTime", "endTime", "totalSlotMs") if name in times})
    billed = job.statistics.get("query", {}).get("totalBytesBilled")
    if billed is not None:
        found["totalBytesBilled"] = billed
    return found


def _dry_run(app: Any, job: Any) -> dict[str, Any]:
    job.begin()
    run(app, job)
    job.finish(None)
    details = job.statistics.get("query", {})
    found = {"kind": "bigquery#queryResponse", "jobReference": {"projectId": job.project, "location": job.location},
             "jobComplete": True, "cacheHit": False, "location": job.location,
             "totalBytesProcessed": job.statistics.get("totalBytesProcessed", "0")}
    if "schema" in details:
        found["schema"] = details["schema"]
    return found


def _remembered(app: Any, project: str, body: dict[str, Any]) -> Any:
    """The job of an earlier request with the same requestId (15 minutes), if that was the same request."""
    request_id = body.get("requestId")
    if not request_id:
        return None
    if len(request_id) > 36 or not request_id.isascii():
        raise invalid(f"Invalid requestId {request_id}: at most 36 ASCII characters", "requestId")
    with _requests_lock:
        found = _requests.get((project, request_id))
    if found is None or found[0] < app.clock.now_ms() - REQUEST_ID_MS:
        return None
    if found[1] != json.dumps(body, sort_keys=True):
        raise invalid(f"The requestId {request_id} was used before by another request", "requestId")
    return found[2]


def _remember(app: Any, project: str, body: dict[str, Any], job: Any) -> None:
    request_id = body.get("requestId")
    if request_id:
        with _requests_lock:
            _requests[(project, request_id)] = (app.clock.now_ms(), json.dumps(body, sort_keys=True), job)


HANDLERS = {"bigquery.jobs.query": query, "bigquery.jobs.getQueryResults": get_query_results}

__all__ = ["DatasetRef", "QueryResults", "TableRef", "check", "run", "time"]
