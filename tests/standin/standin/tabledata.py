# SPDX-License-Identifier: Apache-2.0
"""tabledata.list: rows of a table in order of insertion, page by page.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list, …/docs/paging-results,
limits: https://docs.cloud.google.com/bigquery/quotas#tabledata_list_requests"""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable

from standin import partitions, physical, rowaccess, rows, tables, tablespec
from standin.catalog import Table, make_etag
from standin.errors import invalid
from standin.http import Request
from standin.resources import decode_token, encode_token
from standin.types import Schema

Fetch = Callable[[int, int], list[tuple[Any, ...]]]
MAX_PAGE_ROWS = 100_000
MAX_PAGE_BYTES = 10 * 1000 * 1000
# Rows fetched from DuckDB at a time: a page may end early by its bytes.
FETCH = 5_000


def list_rows(app: Any, request: Request, _: Any) -> Any:
    table, partition = tables.locate(app, tables.reference(request))
    if table.kind == "VIEW":
        raise invalid("Cannot list a table of type VIEW.")
    rowaccess.require_full_access(request.identity, table)
    schema = tablespec.select_columns(table.schema, request.parameters.get("selectedFields"))
    cursor = app.catalog.cursor()
    try:
        total, fetch = reader(cursor, table, partition, schema)
        start = first_row(request, table.etag)
        limit = request.parameters.get("maxResults")
        found, after = fetch_page(fetch, schema, start, limit, total, format_of(request))
    finally:
        cursor.close()
    answer: dict[str, Any] = {"kind": "bigquery#tableDataList", "etag": make_etag(table.etag, start, limit),
                              "totalRows": str(total)}
    if after < total and found:
        answer["pageToken"] = encode_token([table.etag, after])
    if found:
        answer["rows"] = found
    return answer




def reader(cursor: Any, table: Table, partition: partitions.Partition | None, schema: Schema) -> tuple[int, Fetch]:
    """How many rows a table (or partition) has, and a function that gives neutral rows from a number on."""
    if partition is None:
        return table.rows, lambda first, count: physical.fetch_rows(cursor, schema, table.slice_sql(first, count))
    source = f"(SELECT * FROM {table.source_sql} WHERE {partitions.predicate(table, partition)})"
    total = cursor.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
    return total, lambda first, count: physical.fetch_rows(cursor, schema, source, limit=count, offset=first)


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


def fetch_page(fetch: Fetch, schema: Schema, start: int, limit: int | None, total: int, timestamps: str
               ) -> tuple[list[dict[str, Any]], int]:
    """(rows of the page, number of the row after it). A page ends at its row limit or near its byte limit."""
    most = min(MAX_PAGE_ROWS if limit is None else min(limit, MAX_PAGE_ROWS), max(0, total - start))
    found: list[dict[str, Any]] = []
    size = 0
    while len(found) < most:
        count = min(FETCH, most - len(found))
        batch = fetch(start + len(found), count)
        if not batch:
            break
        for row in rows.encode_rows(schema, batch, timestamps):
            size += row_size(row)
            if found and size > MAX_PAGE_BYTES:
                return found, start + len(found)
            found.append(row)
    return found, start + len(found)


def row_size(row: dict[str, Any]) -> int:
    """About the bytes of a row's JSON."""
    size = 8
    for cell in row["f"]:
        value = cell["v"]
        size += 10 + (len(value) if isinstance(value, str) else 0 if value is None else len(json.dumps(value)))
    return size


def page_of(schema: Schema, values: Iterable[Iterable[Any]], timestamps: str) -> list[dict[str, Any]]:
    """Rows that are already neutral values (query results) as cells."""
    return list(rows.encode_rows(schema, values, timestamps))


HANDLERS = {"bigquery.tabledata.list": list_rows}
