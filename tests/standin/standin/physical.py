# SPDX-License-Identifier: Apache-2.0
"""How BigQuery's values live in DuckDB, and the ways in and out.

Three forms of a value:
- physical: a DuckDB value (table below);
- wire: a DuckDB expression whose result Python can fetch, or that JSON can carry, without loss;
- neutral: the Python value that everything else here works with.

  type        physical                   neutral
  INT64       BIGINT                     int
  FLOAT64     DOUBLE                     float
  BOOL        BOOLEAN                    bool
  STRING      VARCHAR                    str
  BYTES       BLOB                       bytes
  NUMERIC     DECIMAL(38, 9)             Decimal
  BIGNUMERIC  BIGNUM, value x 10^38      Decimal
  DATE        DATE                       int, days since 1970-01-01
  TIME        TIME                       int, microseconds since midnight
  DATETIME    TIMESTAMP                  int, microseconds since 1970-01-01 00:00:00
  TIMESTAMP   TIMESTAMPTZ                int, microseconds since 1970-01-01 00:00:00 UTC
  INTERVAL    INTERVAL                   (months, days, microseconds)
  JSON        JSON, canonical text       str
  GEOGRAPHY   VARCHAR, WKT               str
  RANGE       STRUCT("start", "end")     (start, end), None = unbounded
  STRUCT      STRUCT                     tuple of its members
  REPEATED    a list, never NULL         list
"""

from __future__ import annotations

import decimal
import json
import os
import tempfile
from decimal import Decimal
from typing import Any, Callable, Iterable

from standin.types import Field, Schema, Type

BIG_SCALE = 38
SUMMANDS = 100
EXACT = decimal.Context(prec=120, Emin=-10**6, Emax=10**6)
PARTITION_TIME = "_PARTITIONTIME"

SIMPLE = {
    "INT64": "BIGINT", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN", "STRING": "VARCHAR", "BYTES": "BLOB",
    "NUMERIC": "DECIMAL(38, 9)", "BIGNUMERIC": "BIGNUM", "DATE": "DATE", "TIME": "TIME", "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ", "INTERVAL": "INTERVAL", "JSON": "JSON", "GEOGRAPHY": "VARCHAR",
}


def ident(name: str) -> str:
    """A DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A DuckDB string literal."""
    return "'" + text.replace("'", "''") + "'"


# Types --------------------------------------------------------------------------------------------------

def type_of(kind: Type) -> str:
    """The DuckDB type of a value that is not REPEATED."""
    if kind.name == "STRUCT":
        return "STRUCT(" + ", ".join(f"{ident(item.name)} {type_of_field(item)}" for item in kind.fields) + ")"
    if kind.name == "RANGE":
        element = SIMPLE[kind.element or ""]
        return f'STRUCT("start" {element}, "end" {element})'
    return SIMPLE[kind.name]


def type_of_field(item: Field) -> str:
    return type_of(item.type) + ("[]" if item.repeated else "")


def columns_sql(schema: Schema, partition_time: bool = False) -> str:
    """The column list of CREATE TABLE."""
    columns = [f"{ident(item.name)} {type_of_field(item)}" for item in schema]
    if partition_time:
        columns.append(f"{ident(PARTITION_TIME)} TIMESTAMPTZ")
    # DuckDB has no table without columns; BigQuery has.
    return ", ".join(columns or ['"__empty__" BOOLEAN'])


# Reading: physical -> wire -> neutral ----------------------------------------------------------------------

def read_expression(kind: Type, sql: str, depth: int = 0) -> str:
    """Wire form of the physical expression `sql`."""
    if kind.name == "STRUCT":
        members = [(item.name, read_field(item, f"({sql}).{ident(item.name)}", depth)) for item in kind.fields]
        if all(text == f"({sql}).{ident(name)}" for name, text in members):
            return sql
        packed = ", ".join(f"{ident(name)} := {text}" for name, text in members)
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({packed}) END"
    if kind.name == "RANGE":
        bound = Type(kind.element or "")
        low, high = (read_expression(bound, f'({sql}).{ident(name)}') for name in ("start", "end"))
        return f'CASE WHEN {sql} IS NOT NULL THEN struct_pack("start" := {low}, "end" := {high}) END'
    if kind.name in ("BIGNUMERIC", "JSON"):
        return f"({sql})::VARCHAR"
    if kind.name == "DATE":
        return f"(({sql}) - DATE '1970-01-01')"
    if kind.name in ("TIME", "DATETIME", "TIMESTAMP"):
        return f"epoch_us({sql})"
    if kind.name == "INTERVAL":
        return (f"CASE WHEN {sql} IS NOT NULL THEN [date_part('year', {sql}) * 12 + date_part('month', {sql}), "
                f"date_part('day', {sql}), date_part('hour', {sql}) * 3600000000 + date_part('minute', {sql}) * 60000000 "
                f"+ date_part('microsecond', {sql})] END")
    return sql


def read_field(item: Field, sql: str, depth: int = 0) -> str:
    if not item.repeated:
        return read_expression(item.type, sql, depth)
    name = f"x{depth}"
    inner = read_expression(item.type, name, depth + 1)
    return sql if inner == name else f"list_transform({sql}, lambda {name}: {inner})"


def reader(item: Field) -> Callable[[Any], Any]:
    """Turns a fetched wire value into the neutral one."""
    one = _reader(item.type)
    if item.repeated:
        return lambda value: [] if value is None else [None if each is None else one(each) for each in value]
    return lambda value: None if value is None else one(value)


def _reader(kind: Type) -> Callable[[Any], Any]:
    if kind.name == "STRUCT":
        return _struct_reader(kind)
    if kind.name == "RANGE":
        return lambda value: (value["start"], value["end"])
    if kind.name == "BIGNUMERIC":
        return unscaled
    if kind.name == "INTERVAL":
        return tuple
    return lambda value: value


def _struct_reader(kind: Type) -> Callable[[Any], Any]:
    """By position; by name when only some of the members are wanted."""
    readers = [reader(item) for item in kind.fields]
    names = [item.name for item in kind.fields]

    def read(value: dict[str, Any]) -> tuple[Any, ...]:
        members = value.values() if len(value) == len(names) else [value[name] for name in names]
        return tuple(each(member) for each, member in zip(readers, members))
    return read


def unscaled(text: str) -> Decimal:
    """The Decimal of a BIGNUM's text."""
    return EXACT.scaleb(Decimal(text), -BIG_SCALE)


def scaled(value: Decimal) -> str:
    """The BIGNUM's text of a Decimal with at most 38 digits after the point."""
    return str(int(EXACT.scaleb(value, BIG_SCALE)))


def fetch_rows(cursor: Any, schema: Schema, source: str, *, order: str = "", limit: int | None = None,
               offset: int = 0) -> list[tuple[Any, ...]]:
    """Neutral rows of `source` (a FROM item, or a table name) with the columns of schema."""
    columns = ", ".join(read_field(item, ident(item.name)) for item in schema) or "NULL"
    tail = f" ORDER BY {order}" if order else ""
    tail += f" LIMIT {limit}" if limit is not None else ""
    tail += f" OFFSET {offset}" if offset else ""
    fetched = cursor.execute(f"SELECT {columns} FROM {source}{tail}").fetchall()
    readers = [reader(item) for item in schema]
    return [tuple(read(value) for read, value in zip(readers, row)) for row in fetched]


# Writing: neutral -> wire (JSON) -> physical ---------------------------------------------------------------

def _json_type(kind: Type) -> str:
    if kind.name == "STRUCT":
        members = (f"c{number} {_json_type_of_field(item)}" for number, item in enumerate(kind.fields))
        return f"STRUCT({', '.join(members)})"
    if kind.name == "RANGE":
        return "STRUCT(c0 BIGINT, c1 BIGINT)"
    if kind.name == "INTERVAL":
        return "STRUCT(c0 BIGINT, c1 BIGINT, c2 BIGINT)"
    if kind.name in ("INT64", "DATE", "TIME", "DATETIME", "TIMESTAMP"):
        return "BIGINT"
    if kind.name in ("FLOAT64", "BOOL"):
        return SIMPLE[kind.name]
    return "VARCHAR"


def _json_type_of_field(item: Field) -> str:
    return _json_type(item.type) + ("[]" if item.repeated else "")


def _store(kind: Type, sql: str, depth: int) -> str:
    """Physical form of a wire expression as JSON carried it."""
    if kind.name == "STRUCT":
        packed = ", ".join(f"{ident(item.name)} := {_store_field(item, f'({sql}).c{number}', depth)}"
                           for number, item in enumerate(kind.fields))
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({packed}) END"
    if kind.name == "RANGE":
        bound = Type(kind.element or "")
        return (f'CASE WHEN {sql} IS NOT NULL THEN struct_pack("start" := {_store(bound, f"({sql}).c0", depth)}, '
                f'"end" := {_store(bound, f"({sql}).c1", depth)}) END')
    if kind.name == "INTERVAL":
        return (f"to_months(({sql}).c0::INTEGER) + to_days(({sql}).c1::INTEGER) + to_microseconds(({sql}).c2)")
    if kind.name == "BYTES":
        return f"unhex({sql})"
    if kind.name in ("NUMERIC", "BIGNUMERIC", "JSON"):
        return f"({sql})::{SIMPLE[kind.name]}"
    if kind.name == "DATE":
        return f"(DATE '1970-01-01' + ({sql})::INTEGER)"
    if kind.name == "TIME":
        return f"(TIME '00:00:00' + to_microseconds({sql}))"
    if kind.name == "DATETIME":
        return f"make_timestamp({sql})"
    if kind.name == "TIMESTAMP":
        return f"make_timestamp({sql})::TIMESTAMPTZ"
    return sql


def _store_field(item: Field, sql: str, depth: int = 0) -> str:
    if not item.repeated:
        return _store(item.type, sql, depth)
    name = f"x{depth}"
    inner = _store(item.type, name, depth + 1)
    changed = sql if inner == name else f"list_transform({sql}, lambda {name}: {inner})"
    return f"coalesce({changed}, [])"


def _writer(item: Field) -> Callable[[Any], Any]:
    one = _write_one(item.type)
    if item.repeated:
        return lambda value: [] if value is None else [one(each) for each in value]
    return lambda value: None if value is None else one(value)


def _write_one(kind: Type) -> Callable[[Any], Any]:
    if kind.name == "STRUCT":
        writers = [(f"c{number}", _writer(item)) for number, item in enumerate(kind.fields)]
        return lambda value: {name: write(each) for (name, write), each in zip(writers, value)}
    if kind.name in ("RANGE", "INTERVAL"):
        return lambda value: {f"c{number}": each for number, each in enumerate(value)}
    if kind.name == "BYTES":
        return lambda value: value.hex()
    if kind.name == "NUMERIC":
        return lambda value: format(value, "f")
    if kind.name == "BIGNUMERIC":
        return scaled
    if kind.name == "FLOAT64":
        return _write_float
    return lambda value: value


def _write_float(value: float) -> Any:
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return value


class RowFile:
    """Neutral rows on their way into a physical table: written as JSON first (outside of any lock), inserted by DuckDB's
    reader then. Close it, or use it as a context manager. Values were checked before."""

    def __init__(self, schema: Schema):
        self.schema = schema
        self.count = 0
        self._longest = 0
        self._writers = [(f"c{number}", _writer(item)) for number, item in enumerate(schema)]
        handle, self.path = tempfile.mkstemp(suffix=".json", prefix="standin-rows-")
        self._file = os.fdopen(handle, "w", encoding="ascii", buffering=1 << 18)

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def write(self, row: Iterable[Any]) -> None:
        line = json.dumps({name: write(value) for (name, write), value in zip(self._writers, row)} or {"c": 1})
        self._longest = max(self._longest, len(line))
        self._file.write(line + "\n")
        self.count += 1

    def insert_into(self, cursor: Any, physical: str, partition_time: int | None = None) -> int:
        """Appends the rows. partition_time: of an ingestion-time partitioned table, microseconds."""
        self._file.flush()
        if self.count:
            _insert_file(cursor, physical, self.schema, self.path, self._longest, partition_time)
        return self.count

    def close(self) -> None:
        self._file.close()
        if os.path.exists(self.path):
            os.unlink(self.path)


def insert_rows(cursor: Any, physical: str, schema: Schema, rows: Iterable[Iterable[Any]], *,
                partition_time: int | None = None) -> int:
    """Appends neutral rows to a physical table; returns their number. For one row or a million (DuckDB's own ways for
    Python values take milliseconds a row)."""
    with RowFile(schema) as file:
        for row in rows:
            file.write(row)
        return file.insert_into(cursor, physical, partition_time)


def _insert_file(cursor: Any, physical: str, schema: Schema, path: str, longest: int,
                 partition_time: int | None) -> None:
    wire = ", ".join(f"c{number}: {literal(_json_type_of_field(item))}" for number, item in enumerate(schema))
    values = [_store_field(item, f"c{number}") for number, item in enumerate(schema)]
    names = [ident(item.name) for item in schema]
    if partition_time is not None:
        names.append(ident(PARTITION_TIME))
        values.append(f"make_timestamp({partition_time})::TIMESTAMPTZ")
    size = max(16 * 1024 * 1024, longest + 1024)
    columns = wire or "c: 'BIGINT'"
    cursor.execute(f"INSERT INTO {ident(physical)} ({', '.join(names) or ident('__empty__')}) "
                   f"SELECT {', '.join(values) or 'NULL'} FROM read_json({literal(path)}, format = 'newline_delimited', "
                   f"columns = {{{columns}}}, maximum_object_size = {size})")


# Sizes ---------------------------------------------------------------------------------------------------

FIXED_SIZES = {"INT64": 8, "FLOAT64": 8, "BOOL": 1, "DATE": 8, "TIME": 8, "DATETIME": 8, "TIMESTAMP": 8,
               "NUMERIC": 16, "BIGNUMERIC": 32, "INTERVAL": 16, "RANGE": 16}


def size_expression(item: Field, sql: str, depth: int = 0) -> str:
    """Logical bytes of a physical expression, NULL = 0.
    https://docs.cloud.google.com/bigquery/pricing#data (also standard-sql/data-types#data_type_sizes)"""
    if item.repeated:
        name = f"z{depth}"
        inner = _size(item.type, name, depth + 1)
        return f"coalesce(list_sum(list_transform({sql}, lambda {name}: {inner})), 0)"
    return _size(item.type, sql, depth)


def _size(kind: Type, sql: str, depth: int) -> str:
    if kind.name == "STRUCT":
        return f"({total([size_expression(item, f'({sql}).{ident(item.name)}', depth) for item in kind.fields])})"
    if kind.name in FIXED_SIZES:
        return f"CASE WHEN {sql} IS NULL THEN 0 ELSE {FIXED_SIZES[kind.name]} END"
    if kind.name == "BYTES":
        return f"coalesce(2 + octet_length({sql}), 0)"
    extra = 0 if kind.name == "JSON" else 2
    return f"coalesce({extra} + strlen(({sql})::VARCHAR), 0)"


def row_size(schema: Schema, columns: set[str] | None = None) -> str:
    """Logical bytes of a row (of some of its columns, lower-case names), as a DuckDB expression."""
    parts = [size_expression(item, ident(item.name)) for item in schema
             if columns is None or item.name.lower() in columns]
    return total(parts)


def total(parts: list[str]) -> str:
    """The sum of expressions, not nested deeper than DuckDB's parser goes: a table may have 10,000 columns."""
    while len(parts) > SUMMANDS:
        parts = ["(" + " + ".join(parts[first:first + SUMMANDS]) + ")" for first in range(0, len(parts), SUMMANDS)]
    return " + ".join(parts) or "0"


# Changing a table's form ------------------------------------------------------------------------------------

def convert_field(old: Field | None, new: Field, sql: str, depth: int = 0) -> str:
    """The physical value of `new` from the physical expression `sql` of `old` (None: a new column): new members
    are NULL or [], numbers widen as ALTER COLUMN SET DATA TYPE allows."""
    if old is None:
        return "[]" if new.repeated else f"NULL::{type_of(new.type)}"
    if old.type == new.type or type_of_field(old) == type_of_field(new):
        return sql
    if not new.repeated:
        return _convert(old.type, new.type, sql, depth)
    name = f"v{depth}"
    return f"list_transform({sql}, lambda {name}: {_convert(old.type, new.type, name, depth + 1)})"


def _convert(old: Type, new: Type, sql: str, depth: int) -> str:
    if new.name == "STRUCT":
        named = {item.name.lower(): item for item in old.fields}
        packed = []
        for item in new.fields:
            before = named.get(item.name.lower())
            source = f"({sql}).{ident(before.name)}" if before else sql
            packed.append(f"{ident(item.name)} := {convert_field(before, item, source, depth)}")
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(packed)}) END"
    if new.name == "BIGNUMERIC" and old.name == "INT64":
        return f"(({sql})::VARCHAR || repeat('0', 38))::BIGNUM"
    if new.name == "BIGNUMERIC" and old.name == "NUMERIC":
        return f"(replace(({sql})::VARCHAR, '.', '') || repeat('0', 29))::BIGNUM"
    return f"({sql})::{type_of(new)}"
