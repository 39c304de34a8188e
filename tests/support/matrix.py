# SPDX-License-Identifier: Apache-2.0
"""tests/data/postgres/types.txt: what it says, and how a value that arrived is compared with it."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path

import yaml

from support.readers import json_loads

DATA = Path(__file__).resolve().parents[1] / "data/postgres"


# Types --------------------------------------------------------------------------------------------

@dataclass
class Type:
    """A type as BigQuery's SQL spells it."""
    kind: str
    precision: int = 0
    scale: int = 0
    repeated: bool = False
    fields: dict = field(default_factory=dict)


def split_outside(text, separator):
    """Splits where no bracket is open."""
    parts, depth = [""], 0
    for character in text:
        depth += character in "<(["
        depth -= character in ">)]"
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def parse_type(text):
    text = text.strip()
    if text.startswith("ARRAY<"):
        element = parse_type(text[6:-1])
        element.repeated = True
        return element
    if text.startswith("STRUCT<"):
        members = (part.split(" ", 1) for part in split_outside(text[7:-1], ","))
        return Type("STRUCT", fields={name: parse_type(kind) for name, kind in members})
    match = re.fullmatch(r"(\w+)(?:\((\d+),\s*(\d+)\))?", text)
    return Type(match[1], int(match[2] or 0), int(match[3] or 0))


# The table ----------------------------------------------------------------------------------------

class Interval:
    """ISO 8601 with a sign for each part: months, days and microseconds, never mixed."""

    PATTERN = re.compile(r"P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?"
                         r"(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d*(?:\.\d+)?)S)?)?")

    def __init__(self, text):
        match = self.PATTERN.fullmatch(text)
        assert match and text not in ("P", "PT") and not text.endswith("T"), f"no interval: {text!r}"
        years, months, days, hours, minutes = (int(part or 0) for part in match.groups()[:5])
        seconds = Decimal(match[6] or 0)
        self.parts = (years * 12 + months, days,
                      (hours * 60 + minutes) * 60_000_000 + int(seconds * 1_000_000))

    @classmethod
    def canonical(cls, text):
        """BigQuery's own text, which Avro files carry: [-]Y-M [-]D [-]H:M:S[.F]."""
        match = re.fullmatch(r"(-?)(\d+)-(\d+) (-?\d+) (-?)(\d+):(\d+):(\d+(?:\.\d+)?)", text)
        assert match, f"no interval: {text!r}"
        sign, clock = match[1], match[5]
        return cls(f"P{sign}{match[2]}Y{sign}{match[3]}M{match[4]}D"
                   f"T{clock}{match[6]}H{clock}{match[7]}M{clock}{match[8]}S")

    def __eq__(self, other):
        return isinstance(other, Interval) and self.parts == other.parts

    def __repr__(self):
        return f"Interval{self.parts}"


class Json:
    """JSON text, compared by meaning: numbers exactly, repeated members kept, their order not."""

    def __init__(self, text):
        self.value = json_loads(text)

    def __repr__(self):
        return f"Json({self.value})"


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


NAMES = {"D": Decimal, "J": Json, "I": Interval, "date": date, "time": time, "datetime": datetime,
         "utc": utc, "nan": math.nan, "inf": math.inf}


@dataclass
class Row:
    literal: str
    avro: object
    ndjson: object
    duckdb: object
    reasons: list
    line: int


@dataclass
class Section:
    name: str
    sql_type: str
    bigquery: str
    duckdb_type: str
    options: dict
    line: int
    rows: list = field(default_factory=list)

    @property
    def type(self):
        return parse_type(self.bigquery)

    @property
    def column_options(self):
        """What the configuration says of the column."""
        known = ("on_invalid", "type", "arrays", "composites", "naive_timestamps")
        return {name: self.options[name] for name in known if name in self.options}

    @property
    def reasons(self):
        """{reason: how often} over the section's rows."""
        return dict(Counter(reason for row in self.rows for reason in row.reasons))


def parse_row(line, number):
    cells = [cell.strip() for cell in line.split(";;")]
    reasons = cells.pop()[1:].split() if cells[-1].startswith("!") else []
    assert 2 <= len(cells) <= 4, f"line {number}: {len(cells)} cells"
    cells += ["="] * (4 - len(cells))
    avro = eval(cells[1], dict(NAMES))
    ndjson, duckdb = (avro if cell == "=" else eval(cell, dict(NAMES)) for cell in cells[2:])
    return Row(cells[0], avro, ndjson, duckdb, reasons, number)


def parse_header(line, number):
    text, _, options = line.partition("  {") if "  {" in line else line.partition(" {")
    options = yaml.safe_load("{" + options) if options else {}
    if "on_invalid" in options and options["on_invalid"] is None:
        options["on_invalid"] = "null"
    sql_type, rest = text[2:].split(" -> ")
    bigquery, duckdb_type = rest.split(" : ")
    name = re.sub(r"\W+", "_", sql_type.strip()).strip("_")
    wishes = re.sub(r"\W+", "_", "_".join(
        f"{key}_{value}" for key, value in options.items() if key not in ("needs", "no_null")))
    return Section(f"{name}_{wishes}".strip("_").lower(), sql_type.strip(), bigquery.strip(),
                   duckdb_type.strip(), options, number)


def read_table(path=DATA / "types.txt", major=None):
    """All sections, or those that a PostgreSQL of that major can have."""
    sections = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("::"):
            sections.append(parse_header(line, number))
        elif line.strip() and not line.startswith("#"):
            sections[-1].rows.append(parse_row(line, number))
    names = Counter()
    for section in sections:
        names[section.name] += 1
        if names[section.name] > 1:
            section.name += f"_{names[section.name]}"
        if not section.type.repeated and not section.options.get("no_null"):
            section.rows.append(Row("NULL", None, None, None, [], section.line))
    return [section for section in sections if not major or section.options.get("since", 0) <= major]


# Comparing ----------------------------------------------------------------------------------------

def same_float(one, other):
    if not (isinstance(one, float) and isinstance(other, float)):
        return False
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other and math.copysign(1, one) == math.copysign(1, other)


def same_json(one, other):
    """Both as json_loads gives them."""
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = list(one["members"]), list(other["members"])
        if len(left) != len(right):
            return False
        for name, value in left:  # repeated members must keep their order among themselves
            found = next((pair for pair in right if pair[0] == name), None)
            if found is None or not same_json(value, found[1]):
                return False
            right.remove(found)
        return True
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return type(one) is type(other) and one == other


def same(one, other):
    """Equal in value and in Python's type; NaN equals NaN, 0.0 is not −0.0, Decimals by value."""
    if isinstance(one, Json) or isinstance(other, Json):
        return isinstance(one, Json) and isinstance(other, Json) and same_json(one.value, other.value)
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return same_float(one, other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


def from_avro(value, kind):
    """What fastavro gave, in the table's terms."""
    if value is None:
        return None
    if kind.repeated:
        return [from_avro(item, without_repeat(kind)) for item in value]
    if kind.kind == "STRUCT":
        return {name: from_avro(value.get(name), member) for name, member in kind.fields.items()} \
            if list(value) == list(kind.fields) else value
    if kind.kind == "JSON":
        return Json(value)
    if kind.kind == "INTERVAL":
        return Interval.canonical(value)
    return value


def from_ndjson(value, kind):
    """What json gave (numbers as Decimal, objects as {"members": […]})."""
    if kind.kind == "JSON" and not kind.repeated:
        found = Json("null")
        found.value = value
        return found
    if value is None:
        return None
    if kind.repeated:
        return [from_ndjson(item, without_repeat(kind)) for item in value]
    if kind.kind == "STRUCT":
        members = dict(value["members"])
        return {name: from_ndjson(members.get(name), kind.fields.get(name, kind)) for name in members}
    if kind.kind == "INTERVAL":
        return Interval(value)
    if kind.kind in ("NUMERIC", "BIGNUMERIC"):
        assert isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value), f"not a decimal: {value!r}"
        return Decimal(value)
    if kind.kind == "INT64" and isinstance(value, Decimal):
        return int(value)
    if kind.kind == "FLOAT64" and isinstance(value, Decimal):
        return float(value)
    return value


def without_repeat(kind):
    return Type(kind.kind, kind.precision, kind.scale, False, kind.fields)


def wanted_ndjson(value, kind):
    """The table's NDJSON cell in the terms of from_ndjson."""
    if value is None:
        return None
    if kind.repeated:
        return [wanted_ndjson(item, without_repeat(kind)) for item in value]
    if kind.kind == "STRUCT":
        return {name: wanted_ndjson(item, kind.fields[name]) for name, item in value.items()}
    if kind.kind in ("NUMERIC", "BIGNUMERIC"):
        assert isinstance(value, str), f"the table must spell this number as a string: {value!r}"
        return Decimal(value)
    return value


def from_duckdb(value, duckdb_type):
    if value is None:
        return None
    if duckdb_type == "JSON":
        return Json(value)
    if duckdb_type == "JSON[]":
        return [Json(item) for item in value]
    return value


def bigquery_json(value):
    """What BigQuery keeps of JSON, https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/json-data:
    the first of repeated members, whole numbers of 64 bits as they are, others as the nearest FLOAT64."""
    if isinstance(value, dict):
        members = {}
        for name, inner in value["members"]:
            members.setdefault(name, bigquery_json(inner))
        return {"members": list(members.items())}
    if isinstance(value, list):
        return [bigquery_json(inner) for inner in value]
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and -2**63 <= value < 2**64
        return Decimal(int(value)) if whole else Decimal(repr(float(value)))
    return value


def is_json_null(value):
    return isinstance(value, Json) and value.value is None


def bigquery_refuses(value, ndjson):
    """JSON numbers beyond FLOAT64; JSON's null in an array, which NDJSON cannot tell from no value."""
    def beyond(inner):
        if isinstance(inner, dict):
            return any(beyond(item) for _, item in inner["members"])
        if isinstance(inner, list):
            return any(map(beyond, inner))
        return isinstance(inner, Decimal) and math.isinf(float(inner))

    if isinstance(value, list):
        return any(bigquery_refuses(item, ndjson) or (ndjson and is_json_null(item)) for item in value)
    return isinstance(value, Json) and beyond(value.value)


def _bigquery_json(text):
    found = Json(text)
    found.value = bigquery_json(found.value)
    return found


def from_bigquery(value, kind):
    """What readers.bigquery_raw gave, in the table's terms."""
    if value is None:
        return None
    if kind.repeated:
        return [from_bigquery(item, without_repeat(kind)) for item in value]
    if kind.kind == "STRUCT":
        return {name: from_bigquery(value.get(name), member) for name, member in kind.fields.items()} \
            if list(value) == list(kind.fields) else value
    if kind.kind == "JSON":
        return _bigquery_json(value)
    if kind.kind == "INTERVAL":
        return Interval.canonical(value)
    return value


def wanted_bigquery(value, kind):
    """The table's AVRO cell as BigQuery keeps it."""
    if value is None:
        return None
    if kind.repeated:
        return [wanted_bigquery(item, without_repeat(kind)) for item in value]
    if kind.kind == "STRUCT":
        return {name: wanted_bigquery(item, kind.fields[name]) for name, item in value.items()}
    if isinstance(value, Json):
        found = Json("null")
        found.value = bigquery_json(value.value)
        return found
    return value


def check_bigquery_field(found, kind, name):
    """google.cloud.bigquery.SchemaField."""
    aliases = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
    assert found.name == name, found
    assert aliases.get(found.field_type, found.field_type) == kind.kind, found
    assert found.mode == ("REPEATED" if kind.repeated else "NULLABLE"), found
    assert (found.precision or 0, found.scale or 0) == (kind.precision, kind.scale), found
    assert found.max_length is None, found
    assert len(found.fields) == len(kind.fields)
    for member, (inner, wanted) in zip(found.fields, kind.fields.items()):
        check_bigquery_field(member, wanted, inner)


def duckdb_column(duckdb_type):
    """How the column is read: what Python's client cannot hold exactly is read as text."""
    if "TIME ZONE" in duckdb_type or "INTERVAL" in duckdb_type:
        return "CAST(v AS VARCHAR)"
    return "v"


# Schemas ------------------------------------------------------------------------------------------

AVRO_TYPES = {
    "BOOL": "boolean", "INT64": "long", "FLOAT64": "double", "STRING": "string", "BYTES": "bytes",
    "DATE": {"type": "int", "logicalType": "date"},
    "TIME": {"type": "long", "logicalType": "time-micros"},
    "DATETIME": {"type": "long", "logicalType": "local-timestamp-micros"},
    "TIMESTAMP": {"type": "long", "logicalType": "timestamp-micros"},
    "JSON": {"type": "string", "sqlType": "JSON"},
    "INTERVAL": "string",
    "GEOGRAPHY": "string",
}
DECIMALS = {"NUMERIC": (38, 9), "BIGNUMERIC": (76, 38)}


def check_avro_type(found, kind, nullable=True):
    """The Avro schema of a field is the one that BigQuery loads as `kind`."""
    if kind.repeated:
        assert found["type"] == "array", found
        check_avro_type(found["items"], without_repeat(kind), nullable=False)
        return
    if nullable:
        assert isinstance(found, list) and len(found) == 2 and found[0] == "null", found
        found = found[1]
    if kind.kind == "STRUCT":
        assert found["type"] == "record", found
        assert [member["name"] for member in found["fields"]] == list(kind.fields)
        for member in found["fields"]:
            check_avro_type(member["type"], kind.fields[member["name"]])
    elif kind.kind in DECIMALS:
        precision, scale = (kind.precision, kind.scale) if kind.precision else DECIMALS[kind.kind]
        assert found["type"] == "bytes" and found["logicalType"] == "decimal", found
        # a BIGNUMERIC has 76 digits and a part of one more
        assert found["precision"] in ((76, 77) if precision == 76 and not kind.precision
                                      else (precision,)), found
        assert found.get("scale", 0) == scale, found
    else:
        wanted = AVRO_TYPES[kind.kind]
        if isinstance(wanted, str):
            assert found == wanted or found == {"type": wanted}, found
        else:
            assert isinstance(found, dict), found
            assert {name: found.get(name) for name in wanted} == wanted, found


def check_field(found, kind):
    """A manifest's TableFieldSchema."""
    aliases = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
    assert aliases.get(found["type"], found["type"]) == kind.kind, found
    assert found.get("mode", "NULLABLE") == ("REPEATED" if kind.repeated else "NULLABLE"), found
    if kind.precision:
        assert found["precision"] == str(kind.precision), found
        assert found.get("scale", "0") == str(kind.scale), found
    else:
        assert "precision" not in found and "scale" not in found, found
    if kind.kind == "STRUCT":
        assert [member["name"] for member in found["fields"]] == list(kind.fields), found
        for member in found["fields"]:
            check_field(member, kind.fields[member["name"]])


# The tables on the server -------------------------------------------------------------------------

def make_database(server, table=DATA / "types.txt"):
    """One table a section of the text table, schema `matrix`: id and v, a row a line."""
    database = server.new_database()
    database.table = table
    available = {row[0] for row in database.rows("SELECT name FROM pg_available_extensions")}
    database.extensions = set()
    for section in read_table(table):
        for extension in section.options.get("needs", []):
            if extension in available:
                database.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} CASCADE")
                database.extensions.add(extension)
    database.execute((DATA / "types.sql").read_text())
    database.execute("CREATE SCHEMA matrix")
    for section in sections_of(database):
        statements = [f'CREATE TABLE matrix."{section.name}" (id int, v {section.sql_type})']
        statements += [f'INSERT INTO matrix."{section.name}" VALUES ({number}, {row.literal})'
                       for number, row in enumerate(section.rows)]
        database.execute(";\n".join(statements))
    return database


def sections_of(database):
    """Those that this server can have."""
    return [section for section in read_table(database.table, database.server.major())
            if set(section.options.get("needs", [])) <= database.extensions]
