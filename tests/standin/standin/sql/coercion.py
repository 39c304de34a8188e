# SPDX-License-Identifier: Apache-2.0
"""Which values a variable or a default takes: the rules of coercion (standard-sql/conversion_rules)."""

from __future__ import annotations

from typing import Any

from standin.sql import sqltypes
from standin.sql.nodes import Node
from standin.sql.sqltypes import SqlType

_WIDER = {
    "INT64": {"NUMERIC", "BIGNUMERIC", "FLOAT64"},
    "NUMERIC": {"BIGNUMERIC", "FLOAT64"},
    "BIGNUMERIC": {"FLOAT64"},
    "DATE": {"DATETIME", "TIMESTAMP"},
    "DATETIME": {"TIMESTAMP"},
}
_FROM_TEXT = {"DATE", "TIME", "DATETIME", "TIMESTAMP", "BYTES"}
_FROM_FLOAT = {"NUMERIC", "BIGNUMERIC"}


def coercible(found: SqlType, wanted: SqlType) -> bool:
    """Whether any value of a type may be used where another is wanted."""
    if found == wanted:
        return True
    if found.kind == wanted.kind == "STRUCT" and len(found.fields) == len(wanted.fields):
        return all(coercible(a, b) for (_, a), (_, b) in zip(found.fields, wanted.fields, strict=True))
    if found.kind == wanted.kind == "ARRAY":
        return coercible(found.element, wanted.element)
    return wanted.kind in _WIDER.get(found.kind, set())


def literal_coercible(node: Node, wanted: SqlType) -> bool:
    """Whether this expression may be used where a type is wanted: literals (and arrays and structs of them) may more."""
    found = sqltypes.from_proto(node.type)
    if coercible(found, wanted):
        return True
    if node.kind == "Literal":
        return _literal(found, sqltypes.value_from_proto(found, node.value.value), wanted)
    if node.kind == "MakeStruct" and wanted.kind == "STRUCT" and len(node.field_list) == len(wanted.fields):
        return all(literal_coercible(a, b) for a, (_, b) in zip(node.field_list, wanted.fields, strict=True))
    if node.kind == "FunctionCall" and node.function.name == "ZetaSQL:$make_array" and wanted.kind == "ARRAY":
        return all(literal_coercible(item, wanted.element) for item in node.argument_list)
    return False


def _literal(found: SqlType, value: Any, wanted: SqlType) -> bool:
    if value is None or value == [] and wanted.kind == "ARRAY":
        return True
    if found.kind == "ARRAY" and wanted.kind == "ARRAY":
        return all(_literal(found.element, item, wanted.element) for item in value)
    if found.kind == "STRUCT" and wanted.kind == "STRUCT" and len(found.fields) == len(wanted.fields):
        parts = zip(found.fields, value, wanted.fields, strict=True)
        return all(_literal(a, item, b) for (_, a), item, (_, b) in parts)
    if found.kind == "STRING":
        return wanted.kind in _FROM_TEXT | {"STRING"}
    if found.kind == "FLOAT64":
        return wanted.kind in _FROM_FLOAT | {"FLOAT64"}
    return coercible(found, wanted)
