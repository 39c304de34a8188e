# SPDX-License-Identifier: Apache-2.0
"""Default values of columns: their check when a schema comes by the API, and their use in loads.

https://docs.cloud.google.com/bigquery/docs/default-values"""

from __future__ import annotations

from typing import Any

import duckdb

from standin import physical
from standin.catalog import TableRef
from standin.errors import invalid
from standin.types import Field, Schema
from standin.values import ValueRefused, check_bytes_length, check_decimal, check_text_length


def stored(app: Any, identity: Any, ref: TableRef, item: Field) -> str:
    """The DuckDB expression of a column's default, in its physical form. ApiError when it is none that is allowed."""
    from standin.sql import schemas
    from standin.sql.context import Context
    from standin.sql.dml import compiled_default
    location = app.catalog.dataset(ref.parent).location
    context = Context(app, identity, ref.project, location, "default", now_micros=app.clock.now_ms() * 1000)
    return schemas.stored(item, compiled_default(context, item.default or "NULL", schemas.type_of_field(item)))


def check(app: Any, identity: Any, ref: TableRef, schema: Schema, before: Schema | None = None) -> None:
    """Every default that is new in schema must be an expression of its column's type."""
    for item in schema:
        old = None if before is None else before.find(item.name)
        if item.default is not None and (old is None or old.default != item.default):
            check_value(app, item, stored(app, identity, ref, item))


def check_value(app: Any, item: Field, expression: str) -> None:
    """A default must keep the constraints of its column: parameters, REQUIRED, no NULL in arrays."""
    wrong = f"Invalid default value for {item.name}: {item.default}"
    cursor = app.catalog.cursor()
    try:
        value = cursor.execute(f"SELECT {physical.read_field(item, expression)}").fetchone()[0]
    except duckdb.Error as error:
        raise invalid(f"{wrong} ({str(error).splitlines()[0]})") from error
    finally:
        cursor.close()
    if value is None:
        if item.mode != "NULLABLE":
            raise invalid(f"{wrong}: it cannot be NULL in a column that is {item.mode}")
        return
    values = physical.reader(item)(value)
    for each in values if item.repeated else [values]:
        if each is None:
            raise invalid(f"{wrong}: an array has no NULL elements")
        _check_parameters(item, each, wrong)


def _check_parameters(item: Field, value: Any, wrong: str) -> None:
    try:
        if item.type.name == "STRING":
            check_text_length(item.type, value)
        elif item.type.name == "BYTES":
            check_bytes_length(item.type, value)
        elif item.type.name in ("NUMERIC", "BIGNUMERIC"):
            check_decimal(item.type, value, item.rounding)
    except ValueRefused as error:
        raise invalid(f"{wrong}: {error}") from None


def missing(table: Schema, given: Schema) -> list[Field]:
    """Columns of a table with a default that the data's schema lacks: they get it."""
    return [item for item in table if item.default is not None and given.find(item.name) is None]
