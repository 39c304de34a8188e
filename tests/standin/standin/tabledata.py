# SPDX-License-Identifier: Apache-2.0
"""tabledata.list: rows of a table in order of insertion, page by page.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list, …/docs/paging-results,
limits: https://docs.cloud.google.com/bigquery/quotas#tabledata_list_requests"""

from __future__ import annotations

import json
from typing import Any, Iterable

from standin import partitions, physical, rows, tables, tablespec
from standin.catalog import make_etag
from standin.errors import invalid
from standin.http import Request
from standin.resources import decode_token, encode_token
from standin.types import Schema

MAX_PAGE_ROWS = 100_000
MAX_PAGE_BYTES = 10 * 1000 * 1000
# Rows fetched from DuckDB at a time: a page may end early by its bytes.
FETCH = 5_000


def list_rows(app: Any, request: Request, _: Any) -> Any:
    table, partition = tables.locate(app, tables.reference(request))
    if table.kind == "VIEW":
        raise invalid("Cannot list a table of type VIEW.")
    schema = tablespec.select_columns(table.schema, request.parameters.get("selectedFields"))
    source = table.source_sql
    cursor = app.catalog.cursor()
    try:
        total = table.rows
        if partition is not None:
            source = f"(SELECT * FROM {source} WHERE {partitions.predicate(table, partition)})"
            total = cursor.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
        start = first_row(request, table.etag)
        limit = request.parameters.get("maxResults")
        found, after = fetch_page(cursor, schema, source, start, limit, total, format_of(request))
    finally:
        cursor.close()
    answer: dict[str, Any] = {"kind": "bigquery#tableDataList", "etag": make_etag(table.etag, start, limit),
                              "totalRows": str(total)}
    if after < total and found:
        answer["pageToken"] = encode_token([table.etag, after])
    if found:
        answer["rows"] = found
    return answer




def format_of(request: Request) -> str:
    return rows.timestamp_format(request.parameters.get("formatOptions.useInt64Timestamp"),
                                 request.parameters.get("formatOptions.timestampOutputFormat"))


def first_row(request: Request, etag: str) -> int:
    """pageToken wins over startIndex; a token of an older version of the table still says where to go on."""
    token = request.parameters.get("pageToken")
    if not token:
        return request.parameters.get("startIndex") or 0
    value = decode_token(token)
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)):
        raise invalid(f"Invalid page token {token}", "pageToken")
    return value[1]


def fetch_page(cursor: Any, schema: Schema, source: str, start: int, limit: int | None, total: int, timestamps: str
               ) -> tuple[list[dict[str, Any]], int]:
    """(rows of the page, number of the row after it). A page ends at its row limit or near its byte limit."""
    most = min(MAX_PAGE_ROWS if limit is None else min(limit, MAX_PAGE_ROWS), max(0, total - start))
    found: list[dict[str, Any]] = []
    size = 0
    while len(found) < most:
        count = min(FETCH, most - len(found))
        batch = physical.fetch_rows(cursor, schema, source, limit=count, offset=start + len(found))
        if not batch:
            break
        for row in rows.encode_rows(schema, batch, timestamps):
            size += len(json.dumps(row))
            if found and size > MAX_PAGE_BYTES:
                return found, start + len(found)
            found.append(row)
    return found, start + len(found)


def page_of(schema: Schema, values: Iterable[Iterable[Any]], timestamps: str) -> list[dict[str, Any]]:
    """Rows that are already neutral values (query results) as cells."""
    return list(rows.encode_rows(schema, values, timestamps))


HANDLERS = {"bigquery.tabledata.list": list_rows}
