# SPDX-License-Identifier: Apache-2.0
"""Between table schemas and the analyzer's types, and what a value must pass to be stored in a column.

Types: standard-sql/data-types (parameterized types; "ARRAY: an element cannot be NULL when it is written").
"""

from __future__ import annotations

from decimal import Decimal

from standin.physical import ident
from standin.sql import functions, sqltypes
from standin.sql.sqltypes import SqlType, string_literal
from standin.types import Field, Schema, Type


def type_of_field(item: Field) -> SqlType:
    """A column's type in expressions."""
    kind = type_of(item.type)
    return sqltypes.array_of(kind) if item.repeated else kind


def type_of(kind: Type) -> SqlType:
    """A schema type without its parameters."""
    if kind.name == "STRUCT":
        return SqlType("STRUCT", fields=tuple((item.name, type_of_field(item)) for item in kind.fields))
    if kind.name == "RANGE":
        return SqlType("RANGE", element=SqlType(kind.element or "DATE"))
    return SqlType(kind.name)


def field_of(name: str, kind: SqlType, mode: str = "NULLABLE") -> Field:
    """The column that holds values of an expression's type."""
    if kind.kind == "ARRAY":
        return Field(name, _type(kind.element), "REPEATED")
    return Field(name, _type(kind), mode)


def _type(kind: SqlType) -> Type:
    if kind.kind == "STRUCT":
        pairs = zip(kind.field_names(), kind.fields, strict=True)
        return Type("STRUCT", fields=tuple(field_of(name, field) for name, (_, field) in pairs))
    if kind.kind == "RANGE":
        return Type("RANGE", element=kind.element.kind)
    return Type(kind.kind)


def schema_of(outputs: list[tuple[str, SqlType]]) -> Schema:
    """The schema of a query's result: unnamed columns are f0_, f1_, …"""
    names = [name if name and not name.startswith("$") else f"f{place}_" for place, (name, _) in enumerate(outputs)]
    return Schema(tuple(field_of(name, kind) for name, (_, kind) in zip(names, outputs, strict=True)))


def stored(item: Field, sql: str, path: str = "", depth: int = 0) -> str:
    """The physical value of column `item` for an expression of its type, or DuckDB's error() with BigQuery's words."""
    path = f"{path}{item.name}"
    if item.repeated:
        return _stored_array(item, sql, path, depth)
    value = _stored_value(item, sql, path, depth)
    if item.mode == "REQUIRED":
        return f"{functions.SCHEMA}.required({value}, {string_literal(f'Required field {path} cannot be null')})"
    return value


def _stored_array(item: Field, sql: str, path: str, depth: int) -> str:
    message = string_literal(f"Array cannot have a null element; error in writing field {path}")
    checked = f"{functions.SCHEMA}.no_nulls(coalesce({sql}, []), {message})"
    name = f"s{depth}"
    inner = _stored_value(item, name, path, depth + 1)
    return checked if inner == name else f"list_transform({checked}, lambda {name}: {inner})"


def _stored_value(item: Field, sql: str, path: str, depth: int) -> str:
    kind = item.type
    if kind.name == "STRUCT":
        parts = [
            (member.name, f"struct_extract({sql}, {string_literal(member.name)})", member) for member in kind.fields
        ]
        kept = [(name, plain, stored(member, plain, f"{path}.", depth)) for name, plain, member in parts]
        if all(plain == text for _, plain, text in kept):
            return sql
        packed = ", ".join(f"{ident(name)} := {text}" for name, _, text in kept)
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({packed}) END"
    if kind.length is not None:
        measure = "length" if kind.name == "STRING" else "octet_length"
        limit = f"{kind.name}({kind.length}) has maximum length {kind.length} but got a value with length "
        message = string_literal(f"Field {path}: {limit}")
        return (
            f"CASE WHEN {measure}({sql}) > {kind.length} THEN error({message} || {measure}({sql})) ELSE {sql} END"
        )
    if kind.precision is not None:
        return _stored_decimal(item, sql, path)
    return sql


def _stored_decimal(item: Field, sql: str, path: str) -> str:
    """NUMERIC(P, S), BIGNUMERIC(P, S): rounded to S digits (by the column's rounding mode), at most P - S before."""
    kind = item.type
    if kind.name == "NUMERIC" and item.rounding != "ROUND_HALF_EVEN":
        return _stored_numeric(item, sql, path)
    mode = "even" if item.rounding == "ROUND_HALF_EVEN" else "away"
    call = (
        f"googlesql_{kind.name.lower()}_parameters(CAST({sql} AS VARCHAR), {kind.precision}, {kind.scale or 0},"
        f" '{mode}', {string_literal(f'{path}: {kind.sql()}')})"
    )
    return f"CAST({call} AS {sqltypes.duckdb_type(SqlType(kind.name))})"


def _stored_numeric(item: Field, sql: str, path: str) -> str:
    """The same for NUMERIC by DuckDB alone, whose casts round half away from zero too."""
    precision, scale = item.type.precision or 0, item.type.scale or 0
    rounded = f"CAST(CAST({sql} AS DECIMAL(38,{scale})) AS DECIMAL(38,9))"
    whole = precision - scale
    if whole >= 29:
        return rounded
    limit = f"CAST('1{'0' * whole}' AS DECIMAL(38,{scale}))"
    what = f"Field {path}: {item.type.sql()} has precision {precision} and scale {scale}"
    message = f"{what} but got a value that is not in range: "
    return (
        f"CASE WHEN abs(CAST({sql} AS DECIMAL(38,{scale}))) >= {limit} "
        f"THEN error({string_literal(message)} || CAST({sql} AS VARCHAR)) ELSE {rounded} END"
    )


def decimal_parameters(unscaled: Decimal, precision: int, scale: int, mode: str, what: str) -> Decimal:
    """A value rounded to `scale` digits; ArithmeticError when it has more than precision - scale before the point."""
    rounding = "ROUND_HALF_EVEN" if mode == "even" else "ROUND_HALF_UP"
    value = unscaled.quantize(Decimal(1).scaleb(-scale), rounding=rounding, context=functions.EXACT)
    if abs(value) >= Decimal(10) ** (precision - scale):
        shown = functions.plain(unscaled)
        raise ArithmeticError(
            f"Field {what} has precision {precision} and scale {scale} but got a value that is not in range: {shown}"
        )
    return value
