# SPDX-License-Identifier: Apache-2.0
"""The published discovery document as a judge: what it does not list is refused as the service refuses it.

The document: https://bigquery.googleapis.com/discovery/v1/apis/bigquery/v2/rest (data/bigquery-v2.json).
Its format: https://developers.google.com/discovery/v1/reference/apis.
JSON forms of values: https://protobuf.dev/programming-guides/json/ (int64 as text or number, null = absent)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from standin.errors import ApiError

DOCUMENT = Path(__file__).resolve().parent.parent / "data" / "bigquery-v2.json"

INTEGER_RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}

# What the service takes beyond the document: the `bq` tool and older clients send these (documented in
# https://docs.cloud.google.com/apis/docs/system-parameters).
SYSTEM_PARAMETERS = {"$alt", "$fields", "$prettyPrint", "$key", "userIp", "upload_id", "trace"}


# What the service must take although the document does not list it: google-cloud-bigquery sends it with these.
# And a FLOAT64 parameter's value as a JSON number, where the document says string.
NUMBERS_AS_TEXT = {("QueryParameterValue", "value")}
UNLISTED = {"bigquery.jobs.get": {"projection"}, "bigquery.jobs.cancel": {"projection"}}


def snake(name: str) -> str:
    """lowerCamelCase to the name of the protobuf field, as error messages show it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def bad(message: str) -> ApiError:
    return ApiError("badRequest", message)


@dataclass(frozen=True)
class Method:
    """One method of the document."""
    id: str
    verb: str
    pattern: re.Pattern[str]
    parameters: dict[str, dict[str, Any]]
    request: str | None
    response: str | None
    uploads: dict[str, str]  # protocol -> path
    scopes: tuple[str, ...] = ()


class Discovery:
    """The document, read once."""

    def __init__(self, path: Path = DOCUMENT):
        self.document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        self.schemas: dict[str, Any] = self.document["schemas"]
        self.common: dict[str, Any] = self.document["parameters"]
        self.methods: dict[str, Method] = {}
        self._collect(self.document)
        # Longer patterns first: `tables/T/data` before `tables/T`.
        self._ordered = sorted(self.methods.values(), key=lambda method: -len(method.pattern.pattern))

    def _collect(self, resource: dict[str, Any]) -> None:
        for item in resource.get("methods", {}).values():
            uploads = {}
            for protocol, media in item.get("mediaUpload", {}).get("protocols", {}).items():
                uploads[protocol] = media["path"]
            self.methods[item["id"]] = Method(
                item["id"], item["httpMethod"], self._compile(item["flatPath"], item["path"]), item.get("parameters", {}),
                item.get("request", {}).get("$ref"), item.get("response", {}).get("$ref"), uploads, tuple(item.get("scopes", ())))
        for child in resource.get("resources", {}).values():
            self._collect(child)

    @staticmethod
    def _compile(flat: str, path: str) -> re.Pattern[str]:
        """The flat path with the path's parameter names; `{+resource}` covers its whole flat path."""
        if "{+resource}" in path:
            body, _, suffix = flat.partition(":")
            body = re.sub(r"\{[^}]*\}", "[^/:]+", body)
            return re.compile(f"(?P<resource>{body}):{suffix}")
        names = iter(re.findall(r"\{\+?(\w+)\}", path))
        return re.compile(re.sub(r"\{[^}]*\}", lambda _: f"(?P<{next(names)}>[^/]+)", flat))

    def match(self, verb: str, path: str) -> tuple[Method | None, dict[str, str], bool]:
        """(method, raw path parameters, whether the path is known under another verb). path: below basePath."""
        known = False
        for method in self._ordered:
            found = method.pattern.fullmatch(path)
            if found is None:
                continue
            known = True
            if method.verb == verb:
                return method, found.groupdict(), True
        return None, {}, known

    # Query parameters -----------------------------------------------------------------------------

    def parameters(self, method: Method, query: list[tuple[str, str]]) -> dict[str, Any]:
        """Query parameters as values. Unknown names, wrong values and twice-given names are refused."""
        found: dict[str, Any] = {}
        for name, text in query:
            if name in SYSTEM_PARAMETERS or name in UNLISTED.get(method.id, ()):
                continue
            spec = method.parameters.get(name)
            if spec is None or spec.get("location") != "query":
                spec = self.common.get(name)
            if spec is None:
                raise bad(f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
                          f"Field '{name}' could not be found in request message.")
            value = self._parameter(name, spec, text)
            if spec.get("repeated"):
                found.setdefault(name, []).append(value)
            elif name in found:
                raise bad(f"Invalid value at '{snake(name)}': the query parameter is given twice")
            else:
                found[name] = value
        return found

    @staticmethod
    def _parameter(name: str, spec: dict[str, Any], text: str) -> Any:
        kind = spec["type"]
        wrong = bad(f"Invalid value at '{snake(name)}' "
                    f"(TYPE_{(spec.get('format') or kind).replace('boolean', 'bool').upper()}), \"{text}\"")
        if "enum" in spec and text not in spec["enum"]:
            raise wrong
        if kind == "boolean":
            if text.lower() not in ("true", "false", "1", "0", ""):
                raise wrong
            return text.lower() in ("true", "1", "")
        if kind == "integer" or spec.get("format") in INTEGER_RANGES:
            low, high = INTEGER_RANGES[spec.get("format", "int32")]
            if not re.fullmatch(r"[+-]?\d+", text) or not low <= int(text) <= high:
                raise wrong
            return int(text)
        return text

    # Bodies ---------------------------------------------------------------------------------------

    def check(self, schema: str, value: Any, *, root: str | None = None) -> Any:
        """The body as the service would see it: unknown names refused, read-only fields and nulls left out,
        int64 as text. root: how messages call the body (Google: the name of the request's body field)."""
        if not isinstance(value, dict):
            raise bad("Invalid JSON payload received. Unexpected token.")
        return self._object(self.schemas[schema], value, root or schema[0].lower() + schema[1:])

    def _object(self, schema: dict[str, Any], value: dict[str, Any], where: str) -> dict[str, Any]:
        properties = schema.get("properties", {})
        extra = schema.get("additionalProperties")
        checked: dict[str, Any] = {}
        for name, item in value.items():
            spec = properties.get(name)
            if spec is None and extra is not None:
                checked[name] = None if item is None else self._value(extra, item, f"{where}[{name}]")
                continue
            if spec is None:
                raise bad(f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.")
            if item is None:
                checked[name] = None
                continue
            if isinstance(item, float) and (schema.get("id"), name) in NUMBERS_AS_TEXT:
                item = repr(item)
            item = self._value(spec, item, f"{where}.{snake(name)}")
            if not spec.get("readOnly"):
                checked[name] = item
        return checked

    def _value(self, spec: dict[str, Any], value: Any, where: str) -> Any:
        if "$ref" in spec:
            schema = self.schemas[spec["$ref"]]
            # google.protobuf.Value and friends have no properties: anything goes.
            if schema.get("type") != "object":
                return self._value(schema, value, where)
            if not isinstance(value, dict):
                raise bad(f"Invalid value at '{where}' (type.googleapis.com/google.cloud.bigquery.v2.{spec['$ref']}), "
                          f"{json.dumps(value)}")
            return self._object(schema, value, where)
        check = {"object": self._plain_object, "array": self._array, "boolean": self._boolean,
                 "integer": self._integer, "number": self._number, "string": self._string}.get(spec.get("type", "any"))
        return value if check is None else check(spec, value, where)

    @staticmethod
    def _wrong(kind: str, value: Any, where: str) -> ApiError:
        return bad(f"Invalid value at '{where}' ({kind}), {json.dumps(value)}")

    def _plain_object(self, spec: dict[str, Any], value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise self._wrong("TYPE_MESSAGE", value, where)
        return self._object(spec, value, where)

    def _array(self, spec: dict[str, Any], value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise bad(f"Invalid JSON payload received. '{where}' must be a list, it is {json.dumps(value)}")
        return [self._value(spec["items"], item, f"{where}[{index}]") for index, item in enumerate(value)]

    def _boolean(self, spec: dict[str, Any], value: Any, where: str) -> Any:
        if isinstance(value, str) and value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise self._wrong("TYPE_BOOL", value, where)
        return value

    def _integer(self, spec: dict[str, Any], value: Any, where: str) -> Any:
        return self._whole(spec.get("format", "int32"), value, where)

    def _whole(self, form: str, value: Any, where: str) -> int:
        wrong = self._wrong(f"TYPE_{form.upper()}", value, where)
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise wrong
        try:
            number = int(value) if not isinstance(value, float) else int(value) if value.is_integer() else None
        except (ValueError, OverflowError):
            raise wrong from None
        low, high = INTEGER_RANGES[form]
        if number is None or not low <= number <= high:
            raise wrong
        return number

    def _number(self, spec: dict[str, Any], value: Any, where: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise self._wrong("TYPE_DOUBLE", value, where)
        try:
            return float(value)
        except ValueError:
            raise self._wrong("TYPE_DOUBLE", value, where) from None

    def _string(self, spec: dict[str, Any], value: Any, where: str) -> Any:
        form = spec.get("format")
        if form in INTEGER_RANGES:
            return str(self._whole(form, value, where))
        if not isinstance(value, str):
            raise self._wrong("TYPE_STRING", value, where)
        if "enum" in spec and value not in spec["enum"]:
            raise bad(f"Invalid value at '{where}' (TYPE_ENUM), \"{value}\"")
        if form == "byte":
            try:
                base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
            except binascii.Error:
                raise self._wrong("TYPE_BYTES", value, where) from None
        return value


    # Partial responses ----------------------------------------------------------------------------

    def check_mask(self, schema: str, mask: str) -> None:
        """The names of a field mask must be members of the response."""
        self._check_mask({"$ref": schema}, _parse_mask(mask), mask)

    def _check_mask(self, spec: dict[str, Any], tree: dict[str, Any], mask: str) -> None:
        while "$ref" in spec or spec.get("type") == "array":
            spec = self.schemas[spec["$ref"]] if "$ref" in spec else spec["items"]
        members = spec.get("properties")
        for name, below in tree.items():
            if members is None or name == "*" or spec.get("additionalProperties") is not None:
                continue
            if name not in members:
                raise ApiError("invalidParameter", f"Invalid field selection {name}", location="fields",
                               location_type="parameter")
            self._check_mask(members[name], below, mask)


def select_fields(value: Any, mask: str) -> Any:
    """A partial response: https://cloud.google.com/bigquery/docs/api-performance#partial-response."""
    return _project(value, _parse_mask(mask))


def _parse_mask(mask: str) -> dict[str, Any]:
    tree, rest = _mask_list(mask)
    if rest:
        raise ApiError("invalidParameter", f"Invalid field selection {mask}", location="fields", location_type="parameter")
    return tree


def _mask_list(text: str) -> tuple[dict[str, Any], str]:
    tree: dict[str, Any] = {}
    while True:
        found = re.match(r"\s*([\w*.$-]+(?:/[\w*.$-]+)*)", text)
        if not found:
            raise ApiError("invalidParameter", f"Invalid field selection {text}", location="fields",
                           location_type="parameter")
        node = tree
        for name in found.group(1).split("/"):
            node = node.setdefault(name, {})
        text = text[found.end():]
        if text.startswith("("):
            inner, text = _mask_list(text[1:])
            if not text.startswith(")"):
                raise ApiError("invalidParameter", "Invalid field selection: ')' is missing", location="fields",
                               location_type="parameter")
            node.update(inner)
            text = text[1:]
        if not text.startswith(","):
            return tree, text
        text = text[1:]


def _project(value: Any, tree: dict[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_project(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, item in value.items():
        node = tree.get(name, tree.get("*"))
        if node is not None:
            kept[name] = _project(item, node)
    return kept
