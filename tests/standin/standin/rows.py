# SPDX-License-Identifier: Apache-2.0
"""Neutral values -> the JSON cells of responses: `{"f": [{"v": …}, …]}`.

The forms: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list (rows),
…/rest/v2/DataFormatOptions (timestamps), …/standard-sql/data-types (text forms), and what Google's clients parse
(google-cloud-bigquery `_helpers.py`)."""

from __future__ import annotations

import base64
import datetime
from decimal import Decimal
from typing import Any, Callable, Iterable

from standin.types import Field, Schema, Type

EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_DAY = datetime.date(1970, 1, 1)

# Values of DataFormatOptions.timestampOutputFormat.
FLOAT64, INT64, ISO8601 = "FLOAT64", "INT64", "ISO8601_STRING"


def timestamp_format(use_int64: bool | None, output: str | None) -> str:
    """timestampOutputFormat when given, else by useInt64Timestamp, else seconds as a float."""
    if output and output != "TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED":
        return output
    return INT64 if use_int64 else FLOAT64


def float_text(value: float) -> str:
    """As Java's Double.toString: 1.5, 100.0, 1.0E10, NaN, Infinity."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if str(value)[0] == "-" else "0.0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    return _java(sign, digits, int(exponent))


def _java(sign: int, digits: tuple[int, ...], exponent: int) -> str:
    """digits x 10^exponent: plain between 10^-3 and 10^7, else d.dddE±n; at least one digit after the point."""
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0") or "0"
    exponent += len(text) - len(stripped)
    power = len(stripped) + exponent - 1
    prefix = "-" if sign else ""
    if not -3 <= power < 7:
        return f"{prefix}{stripped[0]}.{stripped[1:] or '0'}E{power}"
    if power < 0:
        return f"{prefix}0.{'0' * (-power - 1)}{stripped}"
    whole = stripped[:power + 1].ljust(power + 1, "0")
    return f"{prefix}{whole}.{stripped[power + 1:] or '0'}"


def numeric_text(value: Decimal) -> str:
    """A plain decimal without needless zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def date_text(days: int) -> str:
    return (EPOCH_DAY + datetime.timedelta(days=days)).isoformat()


def time_text(micros: int) -> str:
    seconds, fraction = divmod(micros, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}" if fraction else text


def datetime_text(micros: int, separator: str = "T") -> str:
    # Not isoformat's default: years below 1000 keep four digits there too, but the fraction is 0 or 6 digits in both.
    return (EPOCH + datetime.timedelta(microseconds=micros)).isoformat(separator)


def timestamp_text(micros: int, form: str = FLOAT64) -> str:
    if form == INT64:
        return str(micros)
    if form == ISO8601:
        moment = EPOCH + datetime.timedelta(microseconds=micros)
        return f"{moment.isoformat(timespec='microseconds')}000000Z"
    if micros == 0:
        return "0.0"
    sign, digits, _ = Decimal(micros).as_tuple()
    return _java(sign, digits, -6)


def interval_text(value: tuple[int, int, int]) -> str:
    """[-]Y-M [-]D [-]H:M:S[.F], F with 3 or 6 digits."""
    months, days, micros = value
    years, rest = divmod(abs(months), 12)
    seconds, fraction = divmod(abs(micros), 1_000_000)
    tail = f".{fraction:06}" if fraction % 1000 else f".{fraction // 1000:03}" if fraction else ""
    return (f"{'-' if months < 0 else ''}{years}-{rest} {days} {'-' if micros < 0 else ''}{seconds // 3600}:"
            f"{seconds // 60 % 60}:{seconds % 60}{tail}")


def scalar_text(kind: Type, value: Any, timestamps: str = FLOAT64) -> str:
    """Text of a neutral scalar as a cell carries it."""
    return _cell_of(kind, timestamps)(value)


def _range_cell(kind: Type, timestamps: str) -> Callable[[Any], Any]:
    bound = _cell_of(Type(kind.element or ""), timestamps)

    def cell(value: Any) -> str:
        low, high = ("UNBOUNDED" if each is None else bound(each) for each in value)
        return f"[{low}, {high})"
    return cell


def _cell_of(kind: Type, timestamps: str) -> Callable[[Any], Any]:
    if kind.name == "STRUCT":
        cells = [_field_cell(item, timestamps) for item in kind.fields]
        return lambda value: {"f": [{"v": cell(each)} for cell, each in zip(cells, value)]}
    if kind.name == "RANGE":
        return _range_cell(kind, timestamps)
    simple: dict[str, Callable[[Any], Any]] = {
        "INT64": str, "FLOAT64": float_text, "BOOL": lambda value: "true" if value else "false",
        "STRING": str, "JSON": str, "GEOGRAPHY": str,
        "BYTES": lambda value: base64.b64encode(value).decode("ascii"),
        "NUMERIC": numeric_text, "BIGNUMERIC": numeric_text, "DATE": date_text, "TIME": time_text,
        "DATETIME": datetime_text, "TIMESTAMP": lambda value: timestamp_text(value, timestamps),
        "INTERVAL": interval_text,
    }
    return simple[kind.name]


def _field_cell(item: Field, timestamps: str) -> Callable[[Any], Any]:
    one = _cell_of(item.type, timestamps)
    if item.repeated:
        return lambda value: [{"v": None if each is None else one(each)} for each in value or ()]
    return lambda value: None if value is None else one(value)


def encode_rows(schema: Schema, rows: Iterable[Iterable[Any]], timestamps: str = FLOAT64) -> Iterable[dict[str, Any]]:
    """The `rows` of a response, one at a time."""
    cells = [_field_cell(item, timestamps) for item in schema]
    for row in rows:
        yield {"f": [{"v": cell(value)} for cell, value in zip(cells, row)]}
