# SPDX-License-Identifier: Apache-2.0
"""Query parameters of the API: JSON -> type and neutral value.

docs/parameterized-queries; rest/v2/QueryParameter (values are strings; timestamps, ranges, arrays, structs).
"""

from __future__ import annotations

from typing import Any

from standin import values
from standin.errors import ApiError, not_implemented
from standin.sql.sqltypes import SqlType, array_of
from standin.types import CANONICAL, Type

MAX_PARAMETERS = 10_000


def parse(configuration: dict[str, Any]) -> dict[str, Any]:
    """The named or positional parameters and the mode, as Scope takes them."""
    given = configuration.get("queryParameters") or []
    mode = (configuration.get("parameterMode") or "").upper()
    if len(given) > MAX_PARAMETERS:
        raise ApiError("invalid", f"Too many query parameters: {len(given)}, allowed {MAX_PARAMETERS}")
    if mode not in ("", "NAMED", "POSITIONAL", "NONE"):
        raise ApiError("invalid", f"Invalid value for parameterMode: {mode}", location="parameterMode")
    if given and mode in ("", "NONE"):
        mode = "NAMED" if given[0].get("name") else "POSITIONAL"
    if mode == "POSITIONAL":
        if any(item.get("name") for item in given):
            raise ApiError("invalid", "Named query parameters are not allowed with parameterMode POSITIONAL")
        return {"positional": [_parameter(item, str(place)) for place, item in enumerate(given, 1)],
                "parameter_mode": "POSITIONAL"}  # fmt: skip
    named: dict[str, tuple[SqlType, Any]] = {}
    for item in given:
        name = (item.get("name") or "").lower()
        if not name:
            raise ApiError("invalid", "Query parameter name is missing with parameterMode NAMED")
        if name in named:
            raise ApiError("invalid", f"Query parameter '{item['name']}' is given twice")
        named[name] = _parameter(item, item["name"])
    return {"named": named, "parameter_mode": "NAMED"}


def _parameter(item: dict[str, Any], name: str) -> tuple[SqlType, Any]:
    kind = _type(item.get("parameterType") or {}, name)
    try:
        return kind, _value(kind, item.get("parameterValue") or {})
    except values.ValueRefused as error:
        raise ApiError("invalid", f"Invalid value for query parameter {name} of type {kind}: {error}") from error


def _type(given: dict[str, Any], name: str) -> SqlType:
    text = (given.get("type") or "").upper()
    if text == "ARRAY":
        element = _type(given.get("arrayType") or {}, name)
        if element.kind == "ARRAY":
            raise ApiError("invalid", f"Query parameter {name}: an ARRAY of ARRAY is not supported")
        return array_of(element)
    if text in ("STRUCT", "RECORD"):
        fields = given.get("structTypes") or []
        return SqlType("STRUCT", fields=tuple((f.get("name") or "", _type(f.get("type") or {}, name)) for f in fields))
    if text == "RANGE":
        return SqlType("RANGE", element=_type(given.get("rangeElementType") or {}, name))
    kind = CANONICAL.get(text)
    if kind is None:
        raise ApiError("invalid", f"Invalid type '{given.get('type') or ''}' of query parameter {name}")
    if str(given.get("timestampPrecision", "6")) != "6":
        raise not_implemented("TIMESTAMP parameters with picoseconds")
    return SqlType(kind)


def _value(kind: SqlType, given: dict[str, Any]) -> Any:
    if kind.kind == "ARRAY":
        if given.get("arrayValues") is None:
            return [] if "value" not in given or given.get("value") is not None else None
        return [_value(kind.element, item) for item in given["arrayValues"]]
    if kind.kind == "STRUCT":
        members = given.get("structValues")
        if members is None:
            return None
        return tuple(_value(field, members.get(name) or {}) for name, field in kind.fields)
    if kind.kind == "RANGE":
        bounds = given.get("rangeValue")
        if bounds is None:
            return None
        return tuple(_bound(kind.element, bounds.get(side)) for side in ("start", "end"))
    text = given.get("value")
    return None if text is None else _SCALARS[kind.kind](text)


def _bound(kind: SqlType, given: dict[str, Any] | None) -> Any:
    text = (given or {}).get("value")
    return None if text is None or text.upper() == "UNBOUNDED" else _SCALARS[kind.kind](text)


_SCALARS = {
    "INT64": values.parse_int,
    "FLOAT64": values.parse_float,
    "BOOL": values.parse_bool,
    "STRING": str,
    "BYTES": lambda text: values.parse_bytes(Type("BYTES"), text),
    "NUMERIC": lambda text: values.parse_decimal(Type("NUMERIC"), text, None),
    "BIGNUMERIC": lambda text: values.parse_decimal(Type("BIGNUMERIC"), text, None),
    "DATE": values.parse_date,
    "TIME": values.parse_time,
    "DATETIME": values.parse_datetime,
    "TIMESTAMP": values.parse_timestamp,
    "INTERVAL": values.parse_interval,
    "JSON": lambda text: values.parse_json_text(text),
    "GEOGRAPHY": str,
}
