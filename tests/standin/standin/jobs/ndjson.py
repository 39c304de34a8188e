# SPDX-License-Identifier: Apache-2.0
"""Newline-delimited JSON -> rows.

https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-json (data types, limits, bad records),
…/docs/json-data (JSON columns take native values), …/docs/nested-repeated; sizes: …/quotas#load_jobs"""

from __future__ import annotations

import io
import json
import zlib
from decimal import Decimal
from typing import Any, BinaryIO, Callable, Iterator

from standin.errors import ApiError
from standin.types import Field, Schema, Type
from standin.values import (ValueRefused, check_int, first_wins, json_text, parse_decimal, text_parser,
                            timestamp_of_seconds)

MAX_ROW = 100 * 1000 * 1000
SAFE_INTEGER = 2**53 - 1
GZIP = b"\x1f\x8b"


class BadRow(Exception):
    """A record that is not taken."""


Convert = Callable[[Any], Any]


def converter(column: Field, ignore_unknown: bool) -> Convert:
    """From a parsed JSON value to the neutral value of a column. Raises ValueRefused; its message says what is wrong,
    but for the column's name."""
    one = _one(column, ignore_unknown)
    if column.repeated:
        return lambda value: _array(value, one, column)
    return lambda value: _nullable(value, one, column)


def _nullable(value: Any, one: Convert, column: Field) -> Any:
    if value is None:
        if column.mode == "REQUIRED":
            raise ValueRefused(f"Only optional fields can be set to NULL. Field: {column.name}; Value: NULL")
        return None
    return one(value)


def _array(value: Any, one: Convert, column: Field) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueRefused(f"Repeated field must be imported as a JSON array. Field: {column.name}.")
    if any(item is None for item in value):
        raise ValueRefused(f"Only optional fields can be set to NULL. Field: {column.name}; Value: NULL")
    return [one(item) for item in value]


def _one(column: Field, ignore_unknown: bool) -> Convert:
    kind = column.type
    if kind.name == "STRUCT":
        return _struct(column, ignore_unknown)
    if kind.name == "RANGE":
        return _range(column)
    if kind.name == "JSON":
        return json_text
    return _scalar(column)


def _struct(column: Field, ignore_unknown: bool) -> Convert:
    members = Members(column.type.fields, ignore_unknown, f"{column.name}.")

    def convert(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, dict):
            raise ValueRefused(f"This field: {column.name} is not a record.")
        return members.row(value)
    return convert


def _range(column: Field) -> Convert:
    bound = _scalar(Field(column.name, Type(column.type.element or "")))

    def convert(value: Any) -> tuple[Any, Any]:
        if not isinstance(value, dict) or set(value) - {"start", "end"}:
            raise ValueRefused(f"Field {column.name}: a RANGE is an object with start and end")
        low, high = (None if value.get(name) is None else bound(value[name]) for name in ("start", "end"))
        if low is not None and high is not None and low >= high:
            raise ValueRefused(f"Field {column.name}: the start of a RANGE must be before its end")
        return low, high
    return convert


def _scalar(column: Field) -> Convert:
    kind = column.type
    parse = text_parser(column)

    def convert(value: Any) -> Any:
        if isinstance(value, list):
            raise ValueRefused(f"Array specified for non-repeated field: {column.name}.")
        if isinstance(value, dict):
            raise ValueRefused(f"Nested field specified for the field {column.name}, which is of type {kind.name}")
        try:
            if isinstance(value, str):
                return parse(value)
            return _unquoted(column, value)
        except ValueRefused as error:
            raise ValueRefused(f"{error}; Field: {column.name}; Value: {str(value)[:200]}") from None
    return convert


def _unquoted(column: Field, value: Any) -> Any:
    """A JSON number, true or false."""
    kind = column.type.name
    if isinstance(value, bool):
        if kind == "BOOL":
            return value
        raise ValueRefused(f"Could not convert value 'boolean' to {kind}")
    text = str(value)
    if kind == "INT64":
        return _integer(value)
    if kind == "FLOAT64":
        number = float(value)
        if number in (float("inf"), float("-inf")):
            raise ValueRefused(f"Could not convert value '{value}' to float: it is out of range")
        return number
    if kind in ("NUMERIC", "BIGNUMERIC"):
        if Decimal(repr(float(value))) != value:
            raise ValueRefused(f"The number {text} has more digits than a JSON number can carry: pass it as a string")
        return parse_decimal(column.type, text, column.rounding)
    if kind == "TIMESTAMP":
        return timestamp_of_seconds(value)
    if kind == "BOOL" and value in (0, 1):
        return bool(value)
    raise ValueRefused(f"Could not convert value '{text}' to {kind}: a JSON string is needed")


def _integer(value: Decimal) -> int:
    """Beyond 2^53 a JSON number is not safe (the documents ask for a string): here it is refused, not corrupted."""
    if value != value.to_integral_value():
        raise ValueRefused(f"Could not convert value '{value}' to integer")
    number = check_int(int(value))
    if abs(number) > SAFE_INTEGER:
        raise ValueRefused(f"The integer {number} is outside of [-2^53+1, 2^53-1]: pass it as a string to avoid data "
                           "corruption")
    return number


class Members:
    """The members of an object by name, whatever the case."""

    def __init__(self, fields: tuple[Field, ...], ignore_unknown: bool, where: str):
        self._where = where
        self._ignore = ignore_unknown
        self._fields = fields
        self._index = {item.name.lower(): number for number, item in enumerate(fields)}
        self._convert = [converter(item, ignore_unknown) for item in fields]

    def row(self, value: dict[str, Any]) -> tuple[Any, ...]:
        found: list[Any] = [[] if item.repeated else None for item in self._fields]
        given = [False] * len(found)
        for name, item in value.items():
            number = self._index.get(name.lower())
            if number is None:
                if self._ignore:
                    continue
                raise ValueRefused(f"No such field: {self._where}{name}.")
            found[number] = self._convert[number](item)
            given[number] = True
        for number, item in enumerate(self._fields):
            if not given[number] and item.mode == "REQUIRED":
                raise ValueRefused(f"Missing required field: {self._where}{item.name}.")
        return tuple(found)


def refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON (pass it as a string)")


DECODER = json.JSONDecoder(object_pairs_hook=first_wins, parse_float=Decimal, parse_int=Decimal,
                           parse_constant=refuse_constant)


def parse_line(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRow(f"Invalid UTF-8 at byte {error.start} of the row") from None
    try:
        value = DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"Parser terminated before end of string: {error}") from None
    if not isinstance(value, dict):
        raise BadRow("Start of array encountered without start of object." if isinstance(value, list)
                     else "Value encountered without start of object.")
    return value


def is_gzip(file: BinaryIO) -> bool:
    head = file.read(2)
    file.seek(0)
    return head == GZIP


def lines(file: BinaryIO, uri: str) -> Iterator[tuple[int, bytes]]:
    """(position of the row, its bytes) of each line that is not empty; of gzip files as of plain ones."""
    source: Any = io.BufferedReader(Inflated(file, uri), 1 << 20) if is_gzip(file) else file
    position = 0
    while True:
        line = source.readline(MAX_ROW + 2)
        if not line:
            return
        if len(line) > MAX_ROW + 1:
            raise ApiError("invalid", f"Error while reading data, error message: JSON parsing error in row starting at "
                           f"position {position}: Row size is larger than: {MAX_ROW}. File: {uri}", location=uri)
        text = line.strip(b"\r\n")
        if text.strip():
            yield position, text
        position += len(line)


class Inflated(io.RawIOBase):
    """The content of a gzip file (several members too), with errors that name the file."""

    def __init__(self, file: BinaryIO, uri: str):
        self._file = file
        self._uri = uri
        self._inflate = zlib.decompressobj(31)
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._inflate.unused_data or self._file.read(1 << 16)
            if self._inflate.eof and data:
                self._inflate = zlib.decompressobj(31)
            if not data:
                if not self._inflate.eof:
                    raise self._broken("the file ends too early")
                return 0
            try:
                self._ready = self._inflate.decompress(data)
            except zlib.error as error:
                raise self._broken(str(error)) from error
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _broken(self, text: str) -> ApiError:
        return ApiError("invalid", f"Error while reading data, error message: Input file is not in gzip format or is "
                        f"truncated: {text}. File: {self._uri}", location=self._uri)


class Reader:
    """Rows of one file; bad ones are counted in `bad` and described in `errors` (ErrorProto)."""

    def __init__(self, schema: Schema, uri: str, ignore_unknown: bool):
        self._members = Members(schema.fields, ignore_unknown, "")
        self.uri = uri
        self.bad = 0
        self.rows = 0
        self.errors: list[dict[str, str]] = []

    def read(self, file: BinaryIO) -> Iterator[tuple[Any, ...]]:
        for position, line in lines(file, self.uri):
            self.rows += 1
            try:
                yield self._members.row(parse_line(line))
            except (BadRow, ValueRefused) as error:
                self.bad += 1
                if len(self.errors) < 5:
                    self.errors.append({
                        "reason": "invalid", "location": self.uri,
                        "message": f"Error while reading data, error message: JSON parsing error in row starting at "
                                   f"position {position}: {error} File: {self.uri}"})
