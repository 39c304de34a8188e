# SPDX-License-Identifier: Apache-2.0
"""Partitions: specifications, ids, decorators, and which rows belong where.

https://docs.cloud.google.com/bigquery/docs/partitioned-tables (partition types, `__NULL__`, `__UNPARTITIONED__`,
decorators, limits), …/creating-partitioned-tables, …/managing-partitioned-table-data, and
…/reference/rest/v2/tables#TimePartitioning, #RangePartitioning"""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass
from typing import Any

from standin import physical
from standin.catalog import RangePartitioning, Table, TimePartitioning
from standin.errors import invalid
from standin.physical import ident
from standin.types import LEGACY, Field, Schema

MAX_PARTITIONS_PER_JOB = 4_000
MAX_PARTITIONS_PER_TABLE = 10_000
NULL = "__NULL__"
UNPARTITIONED = "__UNPARTITIONED__"

DAY_US = 24 * 3600 * 1_000_000
EPOCH = datetime.datetime(1970, 1, 1)
# Dates outside go to __UNPARTITIONED__.
FIRST_DATE, LAST_DATE = datetime.date(1960, 1, 1), datetime.date(2159, 12, 31)
FORMATS = {"HOUR": ("%Y%m%d%H", 10), "DAY": ("%Y%m%d", 8), "MONTH": ("%Y%m", 6), "YEAR": ("%Y", 4)}


# Specifications ------------------------------------------------------------------------------------------

def time_partitioning_from_json(value: dict[str, Any] | None, schema: Schema | None) -> TimePartitioning | None:
    """schema: None when there is none yet (then an ingestion-time table is meant, or a load brings the column)."""
    if value is None:
        return None
    kind = value.get("type") or ""
    if kind not in FORMATS:
        raise invalid(f"Invalid time partitioning type {kind or '(none)'}. Supported types are DAY, HOUR, MONTH and YEAR.")
    expiration = value.get("expirationMs")
    if expiration is not None and int(expiration) <= 0:
        raise invalid(f"Invalid partition expiration {expiration}: it must be positive")
    column = value.get("field") or None
    if column is not None and schema is not None:
        item = _partition_column(column, schema, ("DATE", "TIMESTAMP", "DATETIME"), "time")
        if kind == "HOUR" and item.type.name == "DATE":
            raise invalid(f"The field specified for partitioning can only be of type TIMESTAMP or DATETIME for HOUR "
                          f"partitioning. The type found is: {item.type.name}.")
        column = item.name
    return TimePartitioning(kind, column, None if expiration is None else int(expiration))


def _partition_column(name: str, schema: Schema, allowed: tuple[str, ...], what: str) -> Field:
    item = schema.find(name)
    if item is None:
        raise invalid(f"The field specified for partitioning cannot be found in the schema: {name}")
    if item.type.name not in allowed:
        raise invalid(f"The field specified for {what} partitioning can only be of type "
                      f"{', '.join(LEGACY.get(each, each) for each in allowed)}. The type found is: "
                      f"{LEGACY.get(item.type.name, item.type.name)}.")
    if item.repeated:
        raise invalid(f"The field specified for partitioning cannot be REPEATED: {name}")
    return item


def range_partitioning_from_json(value: dict[str, Any] | None, schema: Schema | None) -> RangePartitioning | None:
    if value is None:
        return None
    column = value.get("field") or ""
    if not column:
        raise invalid("The field of range partitioning is missing")
    bounds = value.get("range") or {}
    if any(bounds.get(name) is None for name in ("start", "end", "interval")):
        raise invalid("Range partitioning needs range.start, range.end and range.interval")
    start, end, interval = (int(bounds[name]) for name in ("start", "end", "interval"))
    if interval <= 0:
        raise invalid(f"Range partitioning: the interval must be positive, it is {interval}")
    if start >= end:
        raise invalid(f"Range partitioning: start must be less than end, they are {start} and {end}")
    if (end - start + interval - 1) // interval > MAX_PARTITIONS_PER_TABLE:
        raise invalid(f"Range partitioning would make more than {MAX_PARTITIONS_PER_TABLE} partitions")
    if schema is not None:
        column = _partition_column(column, schema, ("INT64",), "range").name
    return RangePartitioning(column, start, end, interval)


def time_partitioning_to_json(item: TimePartitioning) -> dict[str, Any]:
    found: dict[str, Any] = {"type": item.type}
    if item.expiration_ms is not None:
        found["expirationMs"] = str(item.expiration_ms)
    if item.column is not None:
        found["field"] = item.column
    return found


def range_partitioning_to_json(item: RangePartitioning) -> dict[str, Any]:
    return {"field": item.column,
            "range": {"start": str(item.start), "end": str(item.end), "interval": str(item.interval)}}


def same_specification(left: Table, right: Table) -> bool:
    """The kind of partitioning (its expiration may differ)."""
    def form(table: Table) -> Any:
        item = table.time_partitioning
        if item is not None:
            return ("time", item.type, item.column and item.column.lower())
        ranged = table.range_partitioning
        return None if ranged is None else ("range", ranged.column.lower(), ranged.start, ranged.end, ranged.interval)
    return form(left) == form(right)


def describe(table: Table) -> str:
    """For messages."""
    if table.time_partitioning is not None:
        item = table.time_partitioning
        return f"interval(type:{item.type.lower()}{',field:' + item.column if item.column else ''})"
    if table.range_partitioning is not None:
        ranged = table.range_partitioning
        return f"range(field:{ranged.column},start:{ranged.start},end:{ranged.end},interval:{ranged.interval})"
    return "none"


# Ids ---------------------------------------------------------------------------------------------------

def id_expression(table: Table) -> str:
    """The id of the partition that a physical row belongs to, as a DuckDB expression."""
    if table.range_partitioning is not None:
        item = table.range_partitioning
        column = ident(item.column)
        first = f"{item.start} + (({column} - {item.start}) // {item.interval}) * {item.interval}"
        return (f"CASE WHEN {column} IS NULL THEN '{NULL}' WHEN {column} < {item.start} OR {column} >= {item.end} "
                f"THEN '{UNPARTITIONED}' ELSE ({first})::VARCHAR END")
    time = table.time_partitioning
    if time is None:
        return "''"
    column = f"{ident(table.partition_column or '')}::TIMESTAMP"
    text = f"strftime({column}, '{FORMATS[time.type][0]}')"
    if time.column is None:
        return f"CASE WHEN {column} IS NULL THEN '{UNPARTITIONED}' ELSE {text} END"
    return (f"CASE WHEN {column} IS NULL THEN '{NULL}' WHEN {column} < TIMESTAMP '{FIRST_DATE}' "
            f"OR {column} >= TIMESTAMP '2160-01-01' THEN '{UNPARTITIONED}' ELSE {text} END")


def id_of_time(micros: int, kind: str) -> str:
    """The id of the partition of a moment."""
    return (EPOCH + datetime.timedelta(microseconds=micros)).strftime(FORMATS[kind][0])


@dataclass(frozen=True)
class Partition:
    """One partition that a decorator names. low, high: bounds [low, high) of the partitioning column: microseconds
    (time) or integers (range); None for __NULL__ and __UNPARTITIONED__."""
    id: str
    low: int | None = None
    high: int | None = None


def split_table_id(text: str) -> tuple[str, str | None, int | None]:
    """(table id, partition decorator, snapshot decorator): T, T$20260822, T@1693000000000."""
    name, at, snapshot = text.partition("@")
    name, dollar, partition = name.partition("$")
    if at:
        if not re.fullmatch(r"-?\d{1,15}", snapshot):
            raise invalid(f"Invalid snapshot decorator @{snapshot} in table id {text}")
        return name, partition if dollar else None, int(snapshot)
    if dollar and not partition:
        raise invalid(f"Invalid table ID \"{text}\": the partition decorator is empty")
    return name, partition if dollar else None, None


def parse_decorator(table: Table, text: str) -> Partition:
    """The partition `T$text` of a table, whose kind of partitioning decides the form."""
    wrong = invalid(f"Invalid partition decorator ${text} for table {table.ref}: its partitioning is {describe(table)}")
    if not table.partitioned:
        raise invalid(f"Cannot read partition information from a table that is not partitioned: {table.ref}${text}")
    if text in (NULL, UNPARTITIONED):
        return Partition(text)
    if table.range_partitioning is not None:
        item = table.range_partitioning
        if not re.fullmatch(r"-?\d{1,19}", text):
            raise wrong
        low = int(text)
        if not item.start <= low < item.end or (low - item.start) % item.interval:
            raise wrong
        return Partition(text, low, min(low + item.interval, item.end))
    assert table.time_partitioning is not None
    return _parse_time(table.time_partitioning.type, text, wrong)


def _parse_time(kind: str, text: str, wrong: Exception) -> Partition:
    form, length = FORMATS[kind]
    if len(text) != length or not text.isdigit():
        raise wrong
    try:
        low = datetime.datetime.strptime(text, form)
        if kind == "YEAR":
            high = low.replace(year=low.year + 1)
        elif kind == "MONTH":
            high = low + datetime.timedelta(days=calendar.monthrange(low.year, low.month)[1])
        else:
            high = low + (datetime.timedelta(days=1) if kind == "DAY" else datetime.timedelta(hours=1))
    except (ValueError, OverflowError):
        raise wrong from None
    if not FIRST_DATE <= low.date() <= LAST_DATE:
        raise wrong
    second = datetime.timedelta(microseconds=1)
    return Partition(text, (low - EPOCH) // second, (high - EPOCH) // second)


def expiry_ms(table: Table, partition_id: str) -> int | None:
    """When a partition expires: its end plus the table's partition expiration; None for the special ones."""
    time = table.time_partitioning
    if time is None or time.expiration_ms is None or partition_id in (NULL, UNPARTITIONED):
        return None
    high = parse_decorator(table, partition_id).high
    return None if high is None else high // 1000 + time.expiration_ms


def predicate(table: Table, partition: Partition) -> str:
    """Which physical rows are in it, as a DuckDB condition."""
    return f"({id_expression(table)}) = {physical.literal(partition.id)}"


# Rows --------------------------------------------------------------------------------------------------

def statistics(cursor: Any, table: Table) -> list[tuple[str, int, int]]:
    """(partition id, rows, bytes) of each partition that has rows, in order of ids."""
    rows = cursor.execute(f"SELECT {id_expression(table)} AS id, count(*), sum({physical.row_size(table.schema)}) "
                          f"FROM {table.source_sql} GROUP BY 1 ORDER BY 1").fetchall()
    return [(name, count, int(size)) for name, count, size in rows]


def ids_in(cursor: Any, table: Table, source: str, condition: str = "TRUE") -> list[str]:
    """The distinct partition ids of the physical rows of a FROM item."""
    found = cursor.execute(f"SELECT DISTINCT {id_expression(table)} FROM {source} WHERE {condition}").fetchall()
    return sorted(name for (name,) in found)


def check_job_limit(table: Table, ids: list[str]) -> None:
    """https://docs.cloud.google.com/bigquery/quotas#partitioned_tables"""
    if len(ids) > MAX_PARTITIONS_PER_JOB:
        raise invalid(f"Too many partitions modified by this job: {len(ids)}, allowed {MAX_PARTITIONS_PER_JOB} "
                      f"(table {table.ref})")


def times_after(cursor: Any, table: Table, known: int, now: int, appended: bool, touched: set[str] | None
                ) -> dict[str, int]:
    """When each partition's rows changed last, after a change at `now`: when rows were only appended, the partitions of
    rows from number `known` on; else `touched`, or all."""
    if not table.partitioned:
        return {}
    source = ident(table.physical)
    if appended:
        changed = set(ids_in(cursor, table, source, f"rowid >= {known}"))
        return {**table.partition_times, **dict.fromkeys(changed, now)}
    present = ids_in(cursor, table, source)
    return {name: now if touched is None or name in touched else table.partition_times.get(name, now)
            for name in present}
