# SPDX-License-Identifier: Apache-2.0
"""BigQuery's types and schemas: the JSON of the API <-> objects, with the rules that the service applies.

Types: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types
Schemas and names: https://docs.cloud.google.com/bigquery/docs/schemas
TableFieldSchema: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
Limits: https://docs.cloud.google.com/bigquery/quotas#standard_tables"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any, Iterator

from standin.errors import invalid, not_implemented

MAX_COLUMNS = 10_000
MAX_NESTING = 15
MAX_NAME = 300
MAX_DESCRIPTION = 1024

# Name in the API's JSON or in SQL -> GoogleSQL name.
CANONICAL = {
    "STRING": "STRING", "BYTES": "BYTES",
    "INTEGER": "INT64", "INT64": "INT64",
    "FLOAT": "FLOAT64", "FLOAT64": "FLOAT64",
    "BOOLEAN": "BOOL", "BOOL": "BOOL",
    "TIMESTAMP": "TIMESTAMP", "DATE": "DATE", "TIME": "TIME", "DATETIME": "DATETIME",
    "GEOGRAPHY": "GEOGRAPHY", "NUMERIC": "NUMERIC", "DECIMAL": "NUMERIC",
    "BIGNUMERIC": "BIGNUMERIC", "BIGDECIMAL": "BIGNUMERIC",
    "JSON": "JSON", "INTERVAL": "INTERVAL", "RANGE": "RANGE",
    "RECORD": "STRUCT", "STRUCT": "STRUCT",
}
# Responses use the names of legacy SQL, whatever the table was created with.
LEGACY = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}

MODES = ("NULLABLE", "REQUIRED", "REPEATED")
ROUNDING_MODES = ("ROUND_HALF_AWAY_FROM_ZERO", "ROUND_HALF_EVEN")

# https://docs.cloud.google.com/bigquery/docs/schemas#column_names
RESERVED_PREFIXES = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER",
                     "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TYPE", "_CHANGE_TIMESTAMP")
FLEXIBLE_PUNCTUATION = set("&%=+:'<>#|")

CLUSTERABLE = {"BIGNUMERIC", "BOOL", "DATE", "DATETIME", "GEOGRAPHY", "INT64", "NUMERIC", "RANGE", "STRING", "TIMESTAMP"}
KEYABLE = {"BIGNUMERIC", "BOOL", "BYTES", "DATE", "DATETIME", "INT64", "NUMERIC", "STRING", "TIMESTAMP"}


@dataclass(frozen=True)
class Type:
    """One GoogleSQL type. name: a value of CANONICAL. length: STRING(n), BYTES(n). precision, scale: of
    NUMERIC(p, s) and BIGNUMERIC(p, s), None without parameters. fields: of a STRUCT. element: of a RANGE."""
    name: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fields: tuple["Field", ...] = ()
    element: str | None = None

    def sql(self) -> str:
        """GoogleSQL text, as INFORMATION_SCHEMA shows it."""
        if self.name == "STRUCT":
            return "STRUCT<" + ", ".join(f"{quote(item.name)} {item.sql_type()}" for item in self.fields) + ">"
        if self.name == "RANGE":
            return f"RANGE<{self.element}>"
        if self.length is not None:
            return f"{self.name}({self.length})"
        if self.precision is not None:
            return f"{self.name}({self.precision}, {self.scale})" if self.scale else f"{self.name}({self.precision})"
        return self.name

    def bare(self) -> "Type":
        """Without parameters: what an expression of this type has."""
        fields = tuple(replace(item, type=item.type.bare()) for item in self.fields)
        return Type(self.name, fields=fields, element=self.element)


@dataclass(frozen=True)
class Field:
    """A column or a member of a STRUCT. more: further members of its JSON that are only kept."""
    name: str
    type: Type
    mode: str = "NULLABLE"
    description: str | None = None
    default: str | None = None
    collation: str | None = None
    rounding: str | None = None
    policy_tags: Any = None
    more: tuple[tuple[str, Any], ...] = field(default=(), hash=False)

    @property
    def repeated(self) -> bool:
        return self.mode == "REPEATED"

    def sql_type(self) -> str:
        return f"ARRAY<{self.type.sql()}>" if self.repeated else self.type.sql()

    def to_json(self) -> dict[str, Any]:
        """TableFieldSchema, with the legacy type names that the service answers with."""
        kind = self.type
        found: dict[str, Any] = {"name": self.name, "type": LEGACY.get(kind.name, kind.name)}
        found["mode"] = self.mode
        if self.description is not None:
            found["description"] = self.description
        if kind.name == "STRUCT":
            found["fields"] = [item.to_json() for item in kind.fields]
        if kind.name == "RANGE":
            found["rangeElementType"] = {"type": kind.element}
        if kind.length is not None:
            found["maxLength"] = str(kind.length)
        if kind.precision is not None:
            found["precision"] = str(kind.precision)
            if kind.scale:
                found["scale"] = str(kind.scale)
        for name, value in (("defaultValueExpression", self.default), ("collation", self.collation),
                            ("roundingMode", self.rounding), ("policyTags", self.policy_tags)):
            if value is not None:
                found[name] = value
        found.update(self.more)
        return found


@dataclass(frozen=True)
class Schema:
    fields: tuple[Field, ...] = ()

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def find(self, name: str) -> Field | None:
        """Names are unique whatever their case."""
        name = name.lower()
        return next((item for item in self.fields if item.name.lower() == name), None)

    def to_json(self) -> dict[str, Any]:
        return {"fields": [item.to_json() for item in self.fields]}


def quote(name: str) -> str:
    """A GoogleSQL identifier, quoted only where it must be."""
    if name.isascii() and name.isidentifier():
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


# JSON -> objects --------------------------------------------------------------------------------------

KEPT = ("dataPolicies", "dataPolicyList", "dataGovernanceTagsInfo", "categories")


def schema_from_json(value: dict[str, Any] | None) -> Schema:
    """A TableSchema that has passed the discovery document's check. Raises ApiError `invalid`."""
    if not value:
        return Schema()
    for name in value:
        if name != "fields" and value[name] is not None:
            raise not_implemented(f"schema.{name}")
    fields = tuple(field_from_json(item, "", 1) for item in value.get("fields") or [])
    schema = Schema(fields)
    check_names(fields, "")
    if count_fields(fields) > MAX_COLUMNS:
        raise invalid(f"Too many fields in the schema: {count_fields(fields)}. Allowed field count: {MAX_COLUMNS}.")
    return schema


def count_fields(fields: tuple[Field, ...]) -> int:
    return sum(1 + count_fields(item.type.fields) for item in fields)


def check_names(fields: tuple[Field, ...], where: str) -> None:
    seen: set[str] = set()
    for item in fields:
        if item.name.lower() in seen:
            raise invalid(f"Field {where}{item.name} already exists in schema", f"{where}{item.name}")
        seen.add(item.name.lower())
        check_names(item.type.fields, f"{where}{item.name}.")


def check_column_name(name: str, top: bool) -> None:
    """https://docs.cloud.google.com/bigquery/docs/schemas#flexible-column-names"""
    allowed = name and len(name) <= MAX_NAME and all(
        character == "_" or character in FLEXIBLE_PUNCTUATION or character.isspace()
        or unicodedata.category(character) in ("Pc", "Pd") or unicodedata.category(character)[0] in "LNM"
        for character in name)
    if not allowed:
        raise invalid(f'Invalid field name "{name}". Fields must contain the allowed characters, and be at most '
                      f"{MAX_NAME} characters long. For allowed characters, please refer to "
                      "https://cloud.google.com/bigquery/docs/schemas#column_names", name)
    prefix = next((prefix for prefix in RESERVED_PREFIXES if name.upper().startswith(prefix)), None)
    if top and prefix:
        raise invalid(f'Invalid field name "{name}". Field names are not allowed to start with the (case-insensitive) '
                      f"prefixes {', '.join(RESERVED_PREFIXES)}", name)


def field_from_json(value: dict[str, Any], where: str, depth: int) -> Field:
    name = value.get("name") or ""
    if not name:
        raise invalid("Field name is missing: every field of a schema needs one", where or None)
    check_column_name(name, depth == 1)
    path = f"{where}{name}"
    if depth > MAX_NESTING:
        raise invalid(f"Nested depth {depth} of the schema exceeds the maximum nested depth {MAX_NESTING}: {path}", path)
    mode = _mode(value, path)
    kind = _type(value, path, depth)
    for unknown in ("generatedColumn", "foreignTypeDefinition"):
        if value.get(unknown) is not None:
            raise not_implemented(f"schema.fields.{unknown} ({path})")
    description = value.get("description")
    if description is not None and len(description) > MAX_DESCRIPTION:
        raise invalid(f"The description for field {path} is too long. The maximum length is {MAX_DESCRIPTION} "
                      "characters.", path)
    default = value.get("defaultValueExpression")
    if default is not None and depth > 1:
        raise invalid(f"Default value expression is not allowed on the nested field {path}", path)
    if default is not None and default.strip().upper() == "NULL":
        if mode != "NULLABLE":
            raise invalid(f"Invalid default value for {path}: it cannot be NULL in a column that is {mode}", path)
        default = None
    collation = value.get("collation")
    if collation and (collation != "und:ci" or kind.name != "STRING"):
        raise invalid(f"Field {path}: collation {collation} is not supported (only und:ci, only on STRING)", path)
    rounding = value.get("roundingMode")
    if rounding == "ROUNDING_MODE_UNSPECIFIED":
        rounding = None
    if rounding is not None and kind.name not in ("NUMERIC", "BIGNUMERIC"):
        raise invalid(f"Field {path}: rounding mode is only allowed on NUMERIC and BIGNUMERIC", path)
    more = tuple((kept, value[kept]) for kept in KEPT if value.get(kept) is not None)
    return Field(name, kind, mode, description, default, collation or None, rounding, value.get("policyTags"), more)


def _mode(value: dict[str, Any], path: str) -> str:
    mode = value.get("mode")
    if mode in (None, ""):
        return "NULLABLE"
    if mode.upper() not in MODES:
        raise invalid(f"Invalid value for mode: {mode} is not a valid value", path)
    return mode.upper()


def _type(value: dict[str, Any], path: str, depth: int) -> Type:
    text = value.get("type") or ""
    name = CANONICAL.get(text.upper())
    if name is None:
        if text.upper() == "FOREIGN":
            raise not_implemented(f"the type FOREIGN ({path})")
        raise invalid(f"Invalid value for type: {text or '(none)'} is not a valid value", path)
    members = value.get("fields") or []
    if name == "STRUCT":
        if not members:
            raise invalid(f"Field {path} is type RECORD but has no schema", path)
    elif members:
        raise invalid(f"Field {path} is of type {text} and cannot have nested fields", path)
    element = _range_element(value, name, path)
    length, precision, scale = _parameters(value, name, path)
    if value.get("timestampPrecision") is not None:
        if name != "TIMESTAMP" or value["timestampPrecision"] not in ("6", "12"):
            raise invalid(f"Field {path}: invalid timestampPrecision {value['timestampPrecision']}", path)
        if value["timestampPrecision"] == "12":
            raise not_implemented(f"timestampPrecision 12 ({path})")
    fields = tuple(field_from_json(item, f"{path}.", depth + 1) for item in members)
    return Type(name, length, precision, scale, fields, element)


def _range_element(value: dict[str, Any], name: str, path: str) -> str | None:
    element = (value.get("rangeElementType") or {}).get("type")
    if name != "RANGE":
        if element is not None:
            raise invalid(f"Field {path}: rangeElementType is only allowed on RANGE", path)
        return None
    if element not in ("DATE", "DATETIME", "TIMESTAMP"):
        raise invalid(f"Field {path}: a RANGE needs rangeElementType DATE, DATETIME or TIMESTAMP", path)
    return element


def _parameters(value: dict[str, Any], name: str, path: str) -> tuple[int | None, int | None, int | None]:
    """maxLength, precision and scale, with the rules of TableFieldSchema."""
    length, precision, scale = (None if value.get(key) is None else int(value[key])
                                for key in ("maxLength", "precision", "scale"))
    if length is not None and name not in ("STRING", "BYTES"):
        raise invalid(f"Field {path}: maxLength is only allowed on STRING and BYTES", path)
    if length is not None and length <= 0:
        raise invalid(f"Field {path}: maxLength must be positive", path)
    if name not in ("NUMERIC", "BIGNUMERIC"):
        if precision is not None or scale is not None:
            raise invalid(f"Field {path}: precision and scale are only allowed on NUMERIC and BIGNUMERIC", path)
        return length, None, None
    if precision is None:
        if scale:
            raise invalid(f"Field {path}: scale is only allowed together with precision", path)
        return None, None, None
    scale = scale or 0
    check_precision(name, precision, scale, path)
    return None, precision, scale


def check_precision(name: str, precision: int, scale: int, path: str) -> None:
    """NUMERIC: 0 <= s <= 9, max(1, s) <= p <= s + 29; BIGNUMERIC: 0 <= s <= 38, max(1, s) <= p <= s + 38."""
    most_scale, whole = (9, 29) if name == "NUMERIC" else (38, 38)
    if not 0 <= scale <= most_scale:
        raise invalid(f"Field {path}: scale of {name} must be between 0 and {most_scale}, it is {scale}", path)
    if not max(1, scale) <= precision <= scale + whole:
        raise invalid(f"Field {path}: precision of {name} with scale {scale} must be between {max(1, scale)} and "
                      f"{scale + whole}, it is {precision}", path)


# Changing a schema ---------------------------------------------------------------------------------------

def merge_update(old: Schema, new: Schema, table: str, *, additions: bool = True, relaxation: bool = True) -> Schema:
    """The schema after tables.patch or tables.update, or an ApiError: columns may be added (NULLABLE or REPEATED, at
    the end or anywhere in the list; nested too), REQUIRED may become NULLABLE, descriptions and the like change.
    https://docs.cloud.google.com/bigquery/docs/managing-table-schemas"""
    return Schema(_merge(old.fields, new.fields, f"Provided Schema does not match Table {table}.", "",
                         additions, relaxation))


def _merge(old: tuple[Field, ...], new: tuple[Field, ...], prefix: str, where: str, additions: bool,
           relaxation: bool) -> tuple[Field, ...]:
    named = {item.name.lower(): item for item in new}
    known = {item.name.lower() for item in old}
    for item in old:
        if item.name.lower() not in named:
            raise invalid(f"{prefix} Field {where}{item.name} is missing in new schema")
    order = [item.name.lower() for item in new if item.name.lower() in known]
    if order != [item.name.lower() for item in old]:
        raise invalid(f"{prefix} Fields of {where or 'the table'} are in another order")
    merged = [_merge_one(item, named[item.name.lower()], prefix, where, additions, relaxation) for item in old]
    for item in new:
        if item.name.lower() in known:
            continue
        if not additions:
            raise invalid(f"{prefix} Cannot add fields (field: {where}{item.name})")
        if item.mode == "REQUIRED":
            raise invalid(f"{prefix} Cannot add required fields to an existing schema. (field: {where}{item.name})")
        if item.default is not None:
            raise invalid(f"{prefix} Cannot add the field {where}{item.name} with a default value to an existing table: "
                          "add the field first, then set its default")
        merged.append(item)
    return tuple(merged)


def _merge_one(old: Field, new: Field, prefix: str, where: str, additions: bool, relaxation: bool) -> Field:
    path = f"{where}{old.name}"
    if old.type.name != new.type.name or old.type.element != new.type.element:
        raise invalid(f"{prefix} Field {path} has changed type from {LEGACY.get(old.type.name, old.type.name)} to "
                      f"{LEGACY.get(new.type.name, new.type.name)}")
    if (old.type.length, old.type.precision, old.type.scale) != (new.type.length, new.type.precision, new.type.scale):
        raise invalid(f"{prefix} Field {path} has changed its type parameters from {old.type.sql()} to {new.type.sql()}")
    mode = old.mode
    if old.mode != new.mode:
        if (old.mode, new.mode) != ("REQUIRED", "NULLABLE") or not relaxation:
            raise invalid(f"{prefix} Field {path} has changed mode from {old.mode} to {new.mode}")
        mode = new.mode
    fields = _merge(old.type.fields, new.type.fields, prefix, f"{path}.", additions, relaxation)
    return replace(new, name=old.name, mode=mode, type=replace(old.type, fields=fields))


def merge_append(old: Schema, new: Schema, table: str, *, additions: bool, relaxation: bool) -> Schema:
    """The table's schema after rows with the schema `new` were added, or an ApiError. Columns that `new` lacks are NULL;
    more columns and REQUIRED ones that are not so in `new` need additions and relaxation (schemaUpdateOptions).
    https://docs.cloud.google.com/bigquery/docs/managing-table-schemas (load and query append jobs)"""
    prefix = f"Provided Schema does not match Table {table}."
    return Schema(_append(old.fields, new.fields, prefix, "", additions, relaxation))


def _append(old: tuple[Field, ...], new: tuple[Field, ...], prefix: str, where: str, additions: bool,
            relaxation: bool) -> tuple[Field, ...]:
    named = {item.name.lower(): item for item in new}
    merged = []
    for item in old:
        other = named.pop(item.name.lower(), None)
        if other is None:
            if item.mode == "REQUIRED" and item.default is None:
                if not relaxation:
                    raise invalid(f"{prefix} Field {where}{item.name} is missing in new schema")
                item = replace(item, mode="NULLABLE")
            merged.append(item)
        else:
            merged.append(_append_one(item, other, prefix, where, additions, relaxation))
    for item in named.values():
        if not additions:
            raise invalid(f"{prefix} Cannot add fields (field: {where}{item.name})")
        if item.mode == "REQUIRED" and not relaxation:
            raise invalid(f"{prefix} Cannot add required fields to an existing schema. (field: {where}{item.name})")
        merged.append(replace(item, mode="NULLABLE") if item.mode == "REQUIRED" else item)
    return tuple(merged)


def _append_one(old: Field, new: Field, prefix: str, where: str, additions: bool, relaxation: bool) -> Field:
    path = f"{where}{old.name}"
    if old.type.name != new.type.name or old.type.element != new.type.element:
        raise invalid(f"{prefix} Field {path} has changed type from {LEGACY.get(old.type.name, old.type.name)} to "
                      f"{LEGACY.get(new.type.name, new.type.name)}")
    given = (new.type.length, new.type.precision, new.type.scale)
    if given != (None, None, None) and given != (old.type.length, old.type.precision, old.type.scale):
        raise invalid(f"{prefix} Field {path} has changed its type parameters from {old.type.sql()} to {new.type.sql()}")
    mode = old.mode
    if old.mode != new.mode and (old.repeated or new.repeated):
        raise invalid(f"{prefix} Field {path} has changed mode from {old.mode} to {new.mode}")
    if (old.mode, new.mode) == ("REQUIRED", "NULLABLE"):
        if not relaxation:
            raise invalid(f"{prefix} Field {path} has changed mode from REQUIRED to NULLABLE")
        mode = "NULLABLE"
    fields = _append(old.type.fields, new.type.fields, prefix, f"{path}.", additions, relaxation)
    return replace(old, mode=mode, type=replace(old.type, fields=fields))
