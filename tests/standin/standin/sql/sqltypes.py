# SPDX-License-Identifier: Apache-2.0
"""GoogleSQL types as the analyzer speaks of them, and their three other forms.

* the analyzer's TypeProto and ValueProto,
* DuckDB's types and literals (the physical forms of `standin.physical`),
* neutral Python values, the same as `standin.physical` uses: DATE days, TIME/DATETIME/TIMESTAMP microseconds,
  INTERVAL (months, days, microseconds), RANGE (start, end), STRUCT tuples, ARRAY lists, NUMERIC Decimal.

A "wire" form is a DuckDB expression that Python can fetch, or hand to a Python function, without loss.

Type page: standard-sql/data-types.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

BIGNUMERIC_SCALE = 38
_WIDE = Context(prec=100)
_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_MICROS = 1_000_000

_KINDS = {
    "INT64": type_pb2.TYPE_INT64,
    "BOOL": type_pb2.TYPE_BOOL,
    "FLOAT64": type_pb2.TYPE_DOUBLE,
    "STRING": type_pb2.TYPE_STRING,
    "BYTES": type_pb2.TYPE_BYTES,
    "DATE": type_pb2.TYPE_DATE,
    "TIME": type_pb2.TYPE_TIME,
    "DATETIME": type_pb2.TYPE_DATETIME,
    "TIMESTAMP": type_pb2.TYPE_TIMESTAMP,
    "NUMERIC": type_pb2.TYPE_NUMERIC,
    "BIGNUMERIC": type_pb2.TYPE_BIGNUMERIC,
    "JSON": type_pb2.TYPE_JSON,
    "INTERVAL": type_pb2.TYPE_INTERVAL,
    "GEOGRAPHY": type_pb2.TYPE_GEOGRAPHY,
    "ARRAY": type_pb2.TYPE_ARRAY,
    "STRUCT": type_pb2.TYPE_STRUCT,
    "RANGE": type_pb2.TYPE_RANGE,
    "ENUM": type_pb2.TYPE_ENUM,
}
_NAMES = {number: name for name, number in _KINDS.items()}

_DUCKDB = {
    "INT64": "BIGINT",
    "BOOL": "BOOLEAN",
    "FLOAT64": "DOUBLE",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ",
    "NUMERIC": "DECIMAL(38,9)",
    "BIGNUMERIC": "BIGNUM",
    "JSON": "JSON",
    "INTERVAL": "INTERVAL",
    "GEOGRAPHY": "VARCHAR",
}
_WIRE = _DUCKDB | {
    "DATE": "BIGINT",
    "TIME": "BIGINT",
    "DATETIME": "BIGINT",
    "TIMESTAMP": "BIGINT",
    "NUMERIC": "VARCHAR",
    "BIGNUMERIC": "VARCHAR",
    "JSON": "VARCHAR",
    "INTERVAL": "VARCHAR",
    "FLOAT64": "VARCHAR",  # a Python function's NaN would become NULL
}


class UnknownType(Exception):
    """A type that the stand-in does not carry."""


@dataclass(frozen=True)
class SqlType:
    """`kind` is GoogleSQL's name; ARRAY and RANGE have an `element`, STRUCT has (name, type) `fields`."""

    kind: str
    element: SqlType | None = None
    fields: tuple[tuple[str, SqlType], ...] = ()

    def __str__(self) -> str:
        if self.kind in ("ARRAY", "RANGE"):
            return f"{self.kind}<{self.element}>"
        if self.kind == "STRUCT":
            return "STRUCT<" + ", ".join(f"{name} {kind}".strip() for name, kind in self.fields) + ">"
        return self.kind

    def field_names(self) -> list[str]:
        """The fields' names in DuckDB: their own, or `_field_N` where GoogleSQL has none or twice the same."""
        names: list[str] = []
        seen: set[str] = set()
        for position, (name, _) in enumerate(self.fields, start=1):
            if not name or name.lower() in seen:
                name = f"_field_{position}"
            seen.add(name.lower())
            names.append(name)
        return names


def array_of(element: SqlType) -> SqlType:
    """ARRAY<element>."""
    return SqlType("ARRAY", element=element)


INT64, BOOL, FLOAT64, STRING, BYTES = (SqlType(k) for k in ("INT64", "BOOL", "FLOAT64", "STRING", "BYTES"))
NUMERIC, BIGNUMERIC, JSON, INTERVAL = (SqlType(k) for k in ("NUMERIC", "BIGNUMERIC", "JSON", "INTERVAL"))
DATE, TIME, DATETIME, TIMESTAMP = (SqlType(k) for k in ("DATE", "TIME", "DATETIME", "TIMESTAMP"))


def quoted(name: str) -> str:
    """An identifier for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def string_literal(text: str) -> str:
    """A string literal for DuckDB; NUL characters by chr(0)."""
    parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\0")]
    return parts[0] if len(parts) == 1 else "(" + " || chr(0) || ".join(parts) + ")"


# --- the analyzer's types ------------------------------------------------------------------------


def from_proto(proto: type_pb2.TypeProto) -> SqlType:
    """The analyzer's type; raises UnknownType."""
    name = _NAMES.get(proto.type_kind)
    if name is None:
        raise UnknownType(type_pb2.TypeKind.Name(proto.type_kind).removeprefix("TYPE_"))
    if name == "ARRAY":
        return array_of(from_proto(proto.array_type.element_type))
    if name == "RANGE":
        return SqlType("RANGE", element=from_proto(proto.range_type.element_type))
    if name == "STRUCT":
        return SqlType("STRUCT", fields=tuple((f.field_name, from_proto(f.field_type)) for f in proto.struct_type.field))
    return SqlType(name)


def to_proto(sql_type: SqlType) -> type_pb2.TypeProto:
    """The analyzer's message for a type."""
    proto = type_pb2.TypeProto(type_kind=_KINDS[sql_type.kind])
    if sql_type.kind == "ARRAY":
        proto.array_type.element_type.CopyFrom(to_proto(sql_type.element))
    elif sql_type.kind == "RANGE":
        proto.range_type.element_type.CopyFrom(to_proto(sql_type.element))
    elif sql_type.kind == "STRUCT":
        proto.struct_type.SetInParent()
        for name, field in sql_type.fields:
            proto.struct_type.field.add(field_name=name).field_type.CopyFrom(to_proto(field))
    return proto


# --- the analyzer's values -----------------------------------------------------------------------


def value_from_proto(sql_type: SqlType, proto: value_pb2.ValueProto) -> Any:
    """A ValueProto as a neutral value; None for NULL."""
    choice = proto.WhichOneof("value")
    if choice is None:
        return None
    value = getattr(proto, choice)
    reader = _READERS.get(sql_type.kind)
    return value if reader is None else reader(sql_type, value)


def _read_timestamp(_: SqlType, value: Any) -> int:
    return value.seconds * _MICROS + value.nanos // 1000


def _read_datetime(_: SqlType, value: Any) -> int:
    bits = value.bit_field_datetime_seconds
    moment = datetime.datetime(
        bits >> 26, bits >> 22 & 15, bits >> 17 & 31, bits >> 12 & 31, bits >> 6 & 63, bits & 63
    )
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1) + value.nanos // 1000


def _read_time(_: SqlType, bits: int) -> int:
    seconds = (bits >> 42) * 3600 + (bits >> 36 & 63) * 60 + (bits >> 30 & 63)
    return seconds * _MICROS + (bits & (1 << 30) - 1) // 1000


def _read_interval(_: SqlType, data: bytes) -> tuple[int, int, int]:
    micros = int.from_bytes(data[:8], "little", signed=True)
    days = int.from_bytes(data[8:12], "little", signed=True)
    packed = int.from_bytes(data[12:16], "little")
    months = packed >> 13 & 0x3FFFF
    return (-months if packed >> 31 else months), days, micros


_READERS = {
    "TIMESTAMP": _read_timestamp,
    "DATETIME": _read_datetime,
    "TIME": _read_time,
    "INTERVAL": _read_interval,
    "NUMERIC": lambda _, data: Decimal(int.from_bytes(data, "little", signed=True)).scaleb(-9, _WIDE),
    "BIGNUMERIC": lambda _, data: Decimal(int.from_bytes(data, "little", signed=True)).scaleb(-38, _WIDE),
    "ARRAY": lambda t, value: [value_from_proto(t.element, item) for item in value.element],
    "STRUCT": lambda t, value: tuple(
        value_from_proto(field, item) for (_, field), item in zip(t.fields, value.field, strict=True)
    ),
    "RANGE": lambda t, value: (value_from_proto(t.element, value.start), value_from_proto(t.element, value.end)),
}


def value_to_proto(sql_type: SqlType, value: Any) -> value_pb2.ValueProto:
    """A neutral value as a ValueProto."""
    proto = value_pb2.ValueProto()
    if value is not None:
        _fill(proto, sql_type, value)
    return proto


def _fill(proto: value_pb2.ValueProto, sql_type: SqlType, value: Any) -> None:
    kind = sql_type.kind
    if kind in _PLAIN_FIELDS:
        setattr(proto, _PLAIN_FIELDS[kind], value)
    elif kind in ("NUMERIC", "BIGNUMERIC"):
        scale = 9 if kind == "NUMERIC" else BIGNUMERIC_SCALE
        setattr(proto, f"{kind.lower()}_value", _little_endian(int(Decimal(value).scaleb(scale, _WIDE))))
    elif kind == "TIMESTAMP":
        proto.timestamp_value.seconds, micros = divmod(value, _MICROS)
        proto.timestamp_value.nanos = micros * 1000
    elif kind == "DATETIME":
        seconds, micros = divmod(value, _MICROS)
        t = _EPOCH + datetime.timedelta(seconds=seconds)
        packed = t.year << 26 | t.month << 22 | t.day << 17 | t.hour << 12 | t.minute << 6 | t.second
        proto.datetime_value.bit_field_datetime_seconds = packed
        proto.datetime_value.nanos = micros * 1000
    elif kind == "TIME":
        seconds, micros = divmod(value, _MICROS)
        proto.time_value = (
            (seconds // 3600) << 42 | (seconds // 60 % 60) << 36 | (seconds % 60) << 30 | micros * 1000
        )
    elif kind == "INTERVAL":
        months, days, micros = value
        packed = abs(months) << 13 | (1 << 31 if months < 0 else 0)
        proto.interval_value = (
            micros.to_bytes(8, "little", signed=True)
            + days.to_bytes(4, "little", signed=True)
            + packed.to_bytes(4, "little")
        )
    elif kind == "ARRAY":
        proto.array_value.SetInParent()
        for item in value:
            proto.array_value.element.append(value_to_proto(sql_type.element, item))
    elif kind == "STRUCT":
        proto.struct_value.SetInParent()
        for (_, field), item in zip(sql_type.fields, value, strict=True):
            proto.struct_value.field.append(value_to_proto(field, item))
    elif kind == "RANGE":
        proto.range_value.start.CopyFrom(value_to_proto(sql_type.element, value[0]))
        proto.range_value.end.CopyFrom(value_to_proto(sql_type.element, value[1]))
    else:
        raise UnknownType(kind)


_PLAIN_FIELDS = {
    "INT64": "int64_value",
    "BOOL": "bool_value",
    "FLOAT64": "double_value",
    "STRING": "string_value",
    "BYTES": "bytes_value",
    "DATE": "date_value",
    "JSON": "json_value",
}


def _little_endian(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)


# --- DuckDB --------------------------------------------------------------------------------------


def duckdb_type(sql_type: SqlType) -> str:
    """The DuckDB type that holds values of this type."""
    if sql_type.kind == "ARRAY":
        return f"{duckdb_type(sql_type.element)}[]"
    if sql_type.kind == "RANGE":
        bound = duckdb_type(sql_type.element)
        return f'STRUCT("start" {bound}, "end" {bound})'
    if sql_type.kind == "STRUCT":
        return _struct_type(sql_type, duckdb_type)
    try:
        return _DUCKDB[sql_type.kind]
    except KeyError:
        raise UnknownType(str(sql_type)) from None


def wire_type(sql_type: SqlType) -> str:
    """The DuckDB type of the wire form."""
    if sql_type.kind == "ARRAY":
        return f"{wire_type(sql_type.element)}[]"
    if sql_type.kind == "RANGE":
        bound = wire_type(sql_type.element)
        return f'STRUCT("start" {bound}, "end" {bound})'
    if sql_type.kind == "STRUCT":
        return _struct_type(sql_type, wire_type)
    return _WIRE[sql_type.kind]


def _struct_type(sql_type: SqlType, inner: Any) -> str:
    if not sql_type.fields:
        raise UnknownType("STRUCT<>")
    pairs = zip(sql_type.field_names(), sql_type.fields, strict=True)
    return "STRUCT(" + ", ".join(f"{quoted(name)} {inner(field)}" for name, (_, field) in pairs) + ")"


def _is_plain(sql_type: SqlType) -> bool:
    """Whether the wire form is the physical form."""
    if sql_type.kind in ("ARRAY", "RANGE"):
        return _is_plain(sql_type.element)
    if sql_type.kind == "STRUCT":
        return all(_is_plain(field) for _, field in sql_type.fields)
    return _WIRE[sql_type.kind] == _DUCKDB[sql_type.kind]


def to_wire(sql_type: SqlType, sql: str, depth: int = 0) -> str:
    """A DuckDB expression that turns the physical value `sql` into its wire form."""
    return _convert(sql_type, sql, depth, _TO_WIRE, lambda t, s, d: to_wire(t, s, d))


def from_wire(sql_type: SqlType, sql: str, depth: int = 0) -> str:
    """The inverse of to_wire, on a DuckDB expression."""
    return _convert(sql_type, sql, depth, _FROM_WIRE, lambda t, s, d: from_wire(t, s, d))


def _convert(
    sql_type: SqlType, sql: str, depth: int, simple: dict[str, str], inner: Any, plain: Any = _is_plain
) -> str:
    if plain(sql_type):
        return sql
    if sql_type.kind == "ARRAY":
        name = f"_e{depth}"
        return f"list_transform({sql}, lambda {name}: {inner(sql_type.element, name, depth + 1)})"
    if sql_type.kind in ("STRUCT", "RANGE"):
        if sql_type.kind == "RANGE":
            parts = [("start", sql_type.element), ("end", sql_type.element)]
        else:
            parts = [(n, f) for n, (_, f) in zip(sql_type.field_names(), sql_type.fields, strict=True)]
        packed = ", ".join(
            f"{quoted(name)} := {inner(field, f'struct_extract({sql}, {string_literal(name)})', depth)}"
            for name, field in parts
        )
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({packed}) END"
    return simple[sql_type.kind].format(sql)


_TO_WIRE = {
    "DATE": "(({0}) - DATE '1970-01-01')",
    "TIME": "epoch_us({0})",
    "DATETIME": "epoch_us({0})",
    "TIMESTAMP": "epoch_us({0})",
    "NUMERIC": "CAST({0} AS VARCHAR)",
    "BIGNUMERIC": "CAST({0} AS VARCHAR)",
    "JSON": "CAST({0} AS VARCHAR)",
    "FLOAT64": "CAST({0} AS VARCHAR)",
    "INTERVAL": (
        "CASE WHEN {0} IS NOT NULL THEN concat_ws(',', datepart('year', {0}) * 12 + datepart('month', {0}), datepart('day', {0}),"
        " datepart('hour', {0}) * 3600000000 + datepart('minute', {0}) * 60000000 + datepart('microsecond', {0})) END"
    ),
}
_FROM_WIRE = {
    "FLOAT64": "CAST({0} AS DOUBLE)",
    "DATE": "(DATE '1970-01-01' + CAST({0} AS INTEGER))",
    "TIME": "(TIME '00:00:00' + to_microseconds({0}))",
    "DATETIME": "make_timestamp({0})",
    "TIMESTAMP": "make_timestamptz({0})",
    "NUMERIC": "CAST({0} AS DECIMAL(38,9))",
    "BIGNUMERIC": "CAST({0} AS BIGNUM)",
    "JSON": "CAST({0} AS JSON)",
    "INTERVAL": (
        "(to_months(CAST(split_part({0}, ',', 1) AS INTEGER)) + to_days(CAST(split_part({0}, ',', 2) AS INTEGER))"
        " + to_microseconds(CAST(split_part({0}, ',', 3) AS BIGINT)))"
    ),
}


_FROM_JSON = _FROM_WIRE | {"BYTES": "unhex({0})"}


def from_json(sql_type: SqlType, sql: str) -> str:
    """The physical value of an ARRAY, STRUCT or RANGE whose wire form came as JSON text (BYTES as hex)."""
    wire = wire_type(sql_type).replace("BLOB", "VARCHAR")
    return _convert(sql_type, f"CAST(CAST({sql} AS JSON) AS {wire})", 0, _FROM_JSON, _from_json_inner, _is_json_plain)


def _from_json_inner(sql_type: SqlType, sql: str, depth: int) -> str:
    return _convert(sql_type, sql, depth, _FROM_JSON, _from_json_inner, _is_json_plain)


def _is_json_plain(sql_type: SqlType) -> bool:
    return _is_plain(sql_type) and "BYTES" not in str(sql_type)


def from_wire_value(sql_type: SqlType, value: Any) -> Any:
    """A wire value that Python got from DuckDB, as a neutral value."""
    if value is None:
        return None
    kind = sql_type.kind
    if kind == "FLOAT64":
        return float(value)
    if kind == "NUMERIC":
        return Decimal(value)
    if kind == "BIGNUMERIC":
        return Decimal(int(value)).scaleb(-BIGNUMERIC_SCALE, _WIDE)
    if kind == "INTERVAL":
        months, days, micros = value.split(",")
        return int(months), int(days), int(micros)
    if kind == "ARRAY":
        return [from_wire_value(sql_type.element, item) for item in value]
    if kind == "STRUCT":
        pairs = zip(sql_type.fields, value.values(), strict=True)
        return tuple(from_wire_value(field, item) for (_, field), item in pairs)
    if kind == "RANGE":
        return tuple(from_wire_value(sql_type.element, item) for item in value.values())
    return value


def to_wire_value(sql_type: SqlType, value: Any) -> Any:
    """A neutral value as the Python value that DuckDB takes for the wire form."""
    if value is None:
        return None
    kind = sql_type.kind
    if kind == "FLOAT64":
        return _float_text(value)
    if kind == "NUMERIC":
        return format(value, "f")
    if kind == "BIGNUMERIC":
        return str(int(value.scaleb(BIGNUMERIC_SCALE, _WIDE)))
    if kind == "INTERVAL":
        return ",".join(map(str, value))
    if kind == "ARRAY":
        return [to_wire_value(sql_type.element, item) for item in value]
    if kind == "STRUCT":
        pairs = zip(sql_type.field_names(), sql_type.fields, value, strict=True)
        return {name: to_wire_value(field, item) for name, (_, field), item in pairs}
    if kind == "RANGE":
        return {name: to_wire_value(sql_type.element, v) for name, v in zip(("start", "end"), value, strict=True)}
    return value


def literal(sql_type: SqlType, value: Any) -> str:
    """A DuckDB expression for a neutral value, always of the type's own physical type."""
    if value is None:
        return f"CAST(NULL AS {duckdb_type(sql_type)})"
    kind = sql_type.kind
    if kind == "INT64":
        return f"{value}::BIGINT" if value >= 0 else f"CAST('{value}' AS BIGINT)"
    if kind == "BOOL":
        return "TRUE" if value else "FALSE"
    if kind == "FLOAT64":
        return f"CAST('{_float_text(value)}' AS DOUBLE)"
    if kind == "STRING":
        return string_literal(value)
    if kind == "BYTES":
        return f"unhex('{value.hex()}')"
    if kind == "DATE":
        return f"DATE '{datetime.date.fromordinal(_EPOCH_DAY + value).isoformat()}'"
    if kind in ("JSON", "GEOGRAPHY"):
        return f"CAST({string_literal(value)} AS {duckdb_type(sql_type)})"
    if kind == "ARRAY":
        return f"CAST([{', '.join(literal(sql_type.element, v) for v in value)}] AS {duckdb_type(sql_type)})"
    if kind == "STRUCT":
        return struct_literal(sql_type, [literal(f, v) for (_, f), v in zip(sql_type.fields, value, strict=True)])
    if kind == "RANGE":
        start, end = (literal(sql_type.element, v) for v in value)
        return f'struct_pack("start" := {start}, "end" := {end})'
    wire = to_wire_value(sql_type, value)
    return from_wire(sql_type, string_literal(wire) if isinstance(wire, str) else f"CAST('{wire}' AS BIGINT)")


def struct_literal(sql_type: SqlType, parts: list[str]) -> str:
    """A DuckDB struct of the type from its fields' expressions."""
    if not parts:
        raise UnknownType("STRUCT<>")
    pairs = zip(sql_type.field_names(), parts, strict=True)
    return "struct_pack(" + ", ".join(f"{quoted(name)} := {part}" for name, part in pairs) + ")"


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)
