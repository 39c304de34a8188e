# SPDX-License-Identifier: Apache-2.0
"""Default values of columns: their check when a schema comes by the API, and their use in loads.

https://docs.cloud.google.com/bigquery/docs/default-values"""

from __future__ import annotations

from typing import Any

from standin.catalog import TableRef
from standin.types import Field, Schema


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
            stored(app, identity, ref, item)


def missing(table: Schema, given: Schema) -> list[Field]:
    """Columns of a table with a default that the data's schema lacks: they get it."""
    return [item for item in table if item.default is not None and given.find(item.name) is None]
