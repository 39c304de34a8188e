# SPDX-License-Identifier: Apache-2.0
"""Avro object container files -> rows, under BigQuery's conversion rules.

https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-avro (conversions, logical types, codecs);
decimals: …/rest/v2/Job#JobConfigurationLoad.FIELDS.decimal_target_types; JSON: …/docs/json-data (sqlType);
block size: https://docs.cloud.google.com/bigquery/quotas#load_jobs. The bytes are read by fastavro."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, BinaryIO, Callable, Iterator

import fastavro

from standin.errors import ApiError, invalid, not_implemented
from standin.types import Field, Schema, Type, check_names
from standin.values import (EXACT, ValueRefused, check_bytes_length, check_days, check_decimal, check_micros, check_text_length,
                            check_time)

CODECS = ("null", "deflate", "snappy", "zstandard")
MAX_BLOCK = 16 * 1024 * 1024
MAX_NESTING = 15
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
PRIMITIVES = {"boolean": "BOOL", "int": "INT64", "long": "INT64", "float": "FLOAT64", "double": "FLOAT64",
              "bytes": "BYTES", "string": "STRING"}
# logical type -> (the Avro type that it must be on, BigQuery type, factor to the neutral value)
LOGICAL = {
    "date": ("int", "DATE", 1), "time-millis": ("int", "TIME", 1000), "time-micros": ("long", "TIME", 1),
    "timestamp-millis": ("long", "TIMESTAMP", 1000), "timestamp-micros": ("long", "TIMESTAMP", 1),
    "local-timestamp-millis": ("long", "DATETIME", 1000), "local-timestamp-micros": ("long", "DATETIME", 1),
}
CHECKS: dict[str, Callable[[int], int]] = {
    "DATE": check_days, "TIME": check_time, "TIMESTAMP": check_micros,
    "DATETIME": lambda value: check_micros(value, "DATETIME")}

Convert = Callable[[Any], Any]


class Options:
    """What of the load configuration decides about types."""

    def __init__(self, load: dict[str, Any]):
        self.logical = bool(load.get("useAvroLogicalTypes"))
        self.targets_given = "decimalTargetTypes" in load
        self.targets = load.get("decimalTargetTypes") or ["NUMERIC"]


class AvroFile:
    """One file: its schema as a BigQuery schema, and its rows. uri: for messages."""

    def __init__(self, file: BinaryIO, uri: str, options: Options):
        self.uri = uri
        self.options = options
        self._named: dict[str, dict[str, Any]] = {}
        try:
            self._reader = fastavro.block_reader(file)
            self.avro = json.loads(self._reader.metadata["avro.schema"])
            self.codec = self._reader.codec
        except ImportError as error:
            raise not_implemented(f"this Avro codec here ({error})") from error
        except Exception as error:
            raise self.broken(error) from error
        if self.codec not in CODECS:
            raise self.error(f"The Apache Avro library failed to parse the header: unsupported codec {self.codec} "
                             f"(BigQuery reads {', '.join(CODECS)})")
        if self.codec == "snappy" and importlib.util.find_spec("cramjam") is None:
            raise not_implemented("Avro blocks compressed with Snappy (the Python package cramjam is not installed)")
        if not isinstance(self.avro, dict) or self.avro.get("type") != "record":
            raise self.error("The Avro schema must be a record")
        self.avro = self._resolve(self.avro, "")
        self.schema = Schema(self._fields(self.avro, (self._name_of(self.avro, ""),), 1))
        check_names(self.schema.fields, "")
        self._stripped = fastavro.parse_schema(strip(json.loads(self._reader.metadata["avro.schema"])))

    def error(self, message: str) -> ApiError:
        return ApiError("invalid", f"Error while reading data, error message: {message} File: {self.uri}", location=self.uri)

    def broken(self, error: Exception) -> ApiError:
        text = str(error) or type(error).__name__
        return self.error(f"The Apache Avro library failed to read data with the following error: {text}")

    # Schema -----------------------------------------------------------------------------------------

    @staticmethod
    def _name_of(avro: dict[str, Any], space: str) -> str:
        name = avro.get("name") or ""
        own = avro.get("namespace", space)
        return name if "." in name or not own else f"{own}.{name}"

    def _resolve(self, avro: Any, space: str) -> Any:
        """Remembers named types and checks their names."""
        if isinstance(avro, list):
            return [self._resolve(item, space) for item in avro]
        if not isinstance(avro, dict):
            return avro
        kind = avro.get("type")
        if isinstance(kind, (dict, list)):
            return {**avro, "type": self._resolve(kind, space)}
        if kind in ("record", "enum", "fixed", "error"):
            full = self._name_of(avro, space)
            if not all(NAME.fullmatch(part) for part in full.split(".")):
                raise self.error(f"Invalid Avro name {full}: names contain only letters, digits and underscores")
            space = full.rpartition(".")[0]
            avro = {**avro, "_space": space, "_full": full}
            self._named[full] = avro
        if kind == "record":
            avro["fields"] = [{**item, "type": self._resolve(item["type"], space)} for item in avro["fields"]]
            for item in avro["fields"]:
                if not NAME.fullmatch(item["name"]):
                    raise self.error(f"Invalid Avro field name {item['name']}: names contain only letters, digits and "
                                     "underscores")
        for part in ("items", "values"):
            if part in avro:
                avro = {**avro, part: self._resolve(avro[part], space)}
        return avro

    def definition(self, avro: Any, space: str = "") -> Any:
        """A named type's definition; other schemas as they are."""
        if isinstance(avro, str) and avro not in PRIMITIVES and avro != "null":
            for name in (f"{space}.{avro}" if space and "." not in avro else avro, avro):
                if name in self._named:
                    return self._named[name]
            raise self.error(f"Unknown Avro type {avro}")
        if isinstance(avro, dict) and isinstance(avro.get("type"), (dict, list)):
            return self.definition(avro["type"], space)
        return avro

    def _fields(self, record: dict[str, Any], above: tuple[str, ...], depth: int) -> tuple[Field, ...]:
        if depth > MAX_NESTING:
            raise self.error(f"The Avro schema is nested deeper than {MAX_NESTING} levels.")
        found = []
        for item in record["fields"]:
            made = self._field(item["name"], item["type"], record.get("_space", ""), above, depth)
            if made is not None:
                found.append(replace(made, description=item["doc"]) if item.get("doc") else made)
        return tuple(found)

    def _field(self, name: str, avro: Any, space: str, above: tuple[str, ...], depth: int) -> Field | None:
        """None: null, or a record inside of itself: left out."""
        avro = self.definition(avro, space)
        mode = "REQUIRED"
        if isinstance(avro, list):
            members = [item for item in avro if item != "null"]
            if not members:
                return None
            if len(members) > 1:
                raise not_implemented(f"Avro unions of several types (field {name})")
            mode = "NULLABLE" if len(members) < len(avro) else "REQUIRED"
            avro = self.definition(members[0], space)
        if avro == "null":
            return None
        kind = kind_of(avro)
        if kind == "array":
            return self._array(name, avro, space, above, depth)
        if kind == "map":
            value = self._field("value", avro["values"], space, above, depth + 1)
            if value is None:
                return None
            return Field(name, Type("STRUCT", fields=(Field("key", Type("STRING"), "REQUIRED"), value)), "REPEATED")
        if kind == "record":
            full = avro["_full"]
            if full in above:
                return None
            return Field(name, Type("STRUCT", fields=self._fields(avro, (*above, full), depth + 1)), mode,
                         description=avro.get("doc"))
        return Field(name, self._scalar(name, avro), mode,
                     description=avro.get("doc") if kind == "enum" and isinstance(avro, dict) else None)

    def _array(self, name: str, avro: dict[str, Any], space: str, above: tuple[str, ...], depth: int) -> Field | None:
        items = self.definition(avro["items"], space)
        inner = self._field(name, items, space, above, depth)
        if inner is None:
            return None
        if inner.mode == "REPEATED":
            raise self.error(f"Field {name}: arrays of arrays are not supported")
        return replace(inner, mode="REPEATED")

    def _scalar(self, name: str, avro: Any) -> Type:
        kind = kind_of(avro)
        logical = avro.get("logicalType") if isinstance(avro, dict) else None
        if logical == "decimal" and kind in ("bytes", "fixed"):
            return Type(self._decimal_target(avro, name))
        if self.options.logical and logical in LOGICAL and LOGICAL[logical][0] == kind:
            return Type(LOGICAL[logical][1])
        if kind == "string" and isinstance(avro, dict) and avro.get("sqlType") == "JSON":
            return Type("JSON")
        if kind == "enum":
            return Type("STRING")
        if kind == "fixed":
            return Type("BYTES")
        if kind not in PRIMITIVES:
            raise self.error(f"Unknown Avro type {kind} (field {name})")
        return Type(PRIMITIVES[kind])

    def _decimal_target(self, avro: dict[str, Any], name: str) -> str:
        """The first of NUMERIC, BIGNUMERIC, STRING that is allowed and holds the precision and scale; else the widest
        allowed."""
        precision, scale = avro.get("precision"), avro.get("scale", 0)
        if not isinstance(precision, int) or not isinstance(scale, int) or precision < 1 or not 0 <= scale <= precision:
            raise self.error(f"Invalid decimal precision {precision} or scale {scale} of field {name}")
        holds = {"NUMERIC": scale <= 9 and precision - scale <= 29, "BIGNUMERIC": scale <= 38 and precision - scale <= 38,
                 "STRING": True}
        allowed = [target for target in holds if target in self.options.targets]
        return next((target for target in allowed if holds[target]), allowed[-1])

    # Rows -------------------------------------------------------------------------------------------

    def bind(self, target: Schema, ignore_unknown: bool) -> list[tuple[Field, str | None, Convert | None]]:
        """How each column of target is filled: (column, name in the file, conversion); None: not in the file."""
        by_name = {item["name"].lower(): item for item in self.avro["fields"]}
        bound: list[tuple[Field, str | None, Convert | None]] = []
        for column in target:
            item = by_name.get(column.name.lower())
            if item is None or self.schema.find(column.name) is None:
                bound.append((column, None, None))
            else:
                convert = self.converter(item["type"], column, self.avro.get("_space", ""), column.name)
                bound.append((column, item["name"], convert))
        known = {column.name.lower() for column in target}
        for item in self.schema:
            if item.name.lower() not in known and not ignore_unknown:
                raise invalid(f"Provided Schema does not match the file {self.uri}. Cannot add fields (field: {item.name})")
        return bound

    def converter(self, avro: Any, column: Field, space: str, path: str) -> Convert:
        """A function from fastavro's value (logical types undone) to the neutral value of the column."""
        avro = self.definition(avro, space)
        if isinstance(avro, list):
            avro = self.definition(next(item for item in avro if item != "null"), space)
        kind = kind_of(avro)
        if kind == "array" and column.repeated:
            one = self.converter(avro["items"], replace(column, mode="REQUIRED"), space, path)
            return lambda value: list_of(value, one)
        if kind == "map" and column.repeated:
            value_field = column.type.fields[1]
            one = self.converter(avro["values"], value_field, space, f"{path}.value")
            return lambda value: [(key, None if each is None else one(each)) for key, each in (value or {}).items()]
        if kind == "record" and column.type.name == "STRUCT" and not column.repeated:
            return self._record(avro, column, path)
        if kind in ("array", "map", "record") or column.repeated or column.type.name == "STRUCT":
            raise invalid(f"Field {path} is {column.sql_type()} in the schema, but {kind} in the file {self.uri}")
        return self._scalar_converter(avro, column, path)

    def _record(self, avro: dict[str, Any], column: Field, path: str) -> Convert:
        by_name = {item["name"].lower(): item for item in avro["fields"]}
        members: list[tuple[Field, str | None, Convert | None]] = []
        for member in column.type.fields:
            item = by_name.get(member.name.lower())
            if item is None:
                members.append((member, None, None))
            else:
                members.append((member, item["name"], self.converter(item["type"], member, avro.get("_space", ""),
                                                                     f"{path}.{member.name}")))
        return lambda value: tuple(take(value, *member) for member in members)

    def _scalar_converter(self, avro: Any, column: Field, path: str) -> Convert:
        natural = self._scalar(path, avro)
        kind, logical = kind_of(avro), avro.get("logicalType") if isinstance(avro, dict) else None
        wanted = column.type
        if kind == "bytes" and wanted.name == "BYTES" and not self.options.targets_given:
            return lambda value: check_bytes_length(wanted, value)
        if natural.name != wanted.name and not (natural.name == "STRING" and wanted.name in ("JSON", "GEOGRAPHY")):
            raise invalid(f"Field {path} is {wanted.name} in the schema, but {natural.name} in the file {self.uri}")
        if logical == "decimal" and kind in ("bytes", "fixed"):
            scale = avro.get("scale", 0)
            return lambda value: decimal_of(value, scale, column)
        if wanted.name in CHECKS:
            factor = LOGICAL[logical or ""][2]
            check = CHECKS[wanted.name]
            return lambda value: check(value * factor)
        return plain_converter(column)

    def rows(self, target: Schema, ignore_unknown: bool = False) -> Iterator[tuple[Any, ...]]:
        """Neutral rows; a bad value is an ApiError that names file, row and column (Avro has no bad records to skip)."""
        bound = self.bind(target, ignore_unknown)
        number = 0
        try:
            for block in self._reader:
                if block.size > MAX_BLOCK and block.num_records > 1:
                    raise self.error(f"The Avro block at byte {block.offset} has {block.size} bytes, allowed are {MAX_BLOCK}.")
                data = block.bytes_  # type: ignore[attr-defined]
                for _ in range(block.num_records):
                    record: Any = fastavro.schemaless_reader(data, self._stripped)
                    yield self._row(record, bound, number)
                    number += 1
        except (ApiError, GeneratorExit):
            raise
        except ImportError as error:
            raise not_implemented(f"the Avro codec {self.codec} here ({error})") from error
        except Exception as error:
            raise self.broken(error) from error

    def _row(self, record: dict[str, Any], bound: list[tuple[Field, str | None, Convert | None]], number: int
             ) -> tuple[Any, ...]:
        values = []
        for column, name, convert in bound:
            try:
                values.append(take(record, column, name, convert))
            except ValueRefused as error:
                raise self.error(f"Error in row {number + 1} (position {number}): Field {column.name}: {error}.") from error
        return tuple(values)


def kind_of(avro: Any) -> str:
    return avro if isinstance(avro, str) else avro.get("type", "")


def strip(avro: Any) -> Any:
    """Without logical types: fastavro then gives the plain values."""
    if isinstance(avro, list):
        return [strip(item) for item in avro]
    if isinstance(avro, dict):
        return {name: strip(item) if name in ("type", "items", "values", "fields") else item
                for name, item in avro.items() if name not in ("logicalType", "precision", "scale", "default")}
    return avro


def take(record: Any, column: Field, name: str | None, convert: Convert | None) -> Any:
    """A column's value from a record."""
    value = None if name is None else record[name]
    if value is None:
        if column.mode == "REQUIRED":
            raise ValueRefused("Required field cannot be null")
        return [] if column.repeated else None
    assert convert is not None
    return convert(value)


def list_of(value: Any, one: Convert) -> list[Any]:
    if any(each is None for each in value):
        raise ValueRefused("An array cannot contain a null element")
    return [one(each) for each in value]


def decimal_of(value: bytes, scale: int, column: Field) -> Any:
    number = EXACT.scaleb(Decimal(int.from_bytes(value, "big", signed=True)), -scale)
    if column.type.name == "STRING":
        text = format(number, "f")
        return check_text_length(column.type, text)
    return check_decimal(column.type, number, column.rounding)


def plain_converter(column: Field) -> Convert:
    from standin.values import parse_geography, parse_json_text
    kind = column.type
    converters: dict[str, Convert] = {
        "STRING": lambda value: check_text_length(kind, value), "BYTES": lambda value: check_bytes_length(kind, value),
        "JSON": parse_json_text, "GEOGRAPHY": parse_geography, "INT64": int, "FLOAT64": float, "BOOL": bool,
    }
    return converters[kind.name]
