# SPDX-License-Identifier: Apache-2.0
"""Recorded calls held against Google's discovery documents, by way of JSON Schema: another reading of the documents
than the stand-in's own, so that one checks the other.

    check_calls(google.recorded())          # AssertionError names the call and what is wrong with it"""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import jsonschema

DATA = Path(__file__).resolve().parents[1] / "standin/data"
DOCUMENTS = {"bigquery": "bigquery-v2.json", "storage": "storage-v1.json"}
WHOLE_NUMBERS = ("int64", "uint64", "int32", "uint32")
# What every Google API takes: https://docs.cloud.google.com/apis/docs/system-parameters
SYSTEM = ("upload_id", "$alt", "$fields", "$prettyPrint", "$key")


def _schema(spec):
    """JSON Schema of a discovery schema; null stands for a field that is not set."""
    if "$ref" in spec:
        return {"anyOf": [{"$ref": f"#/$defs/{spec['$ref']}"}, {"type": "null"}]}
    kind = spec.get("type", "any")
    if kind == "any":
        return {}
    if kind == "array":
        return {"type": ["array", "null"], "items": _schema(spec["items"])}
    if kind == "object":
        extra = spec.get("additionalProperties")
        return {"type": ["object", "null"],
                "properties": {name: _schema(inner) for name, inner in spec.get("properties", {}).items()},
                "additionalProperties": _schema(extra) if extra else not spec.get("properties") and "id" not in spec}
    if spec.get("format") in WHOLE_NUMBERS:
        # protobuf's JSON: text or number, https://protobuf.dev/programming-guides/json/
        return {"type": ["string", "integer", "null"], "pattern": r"^-?[0-9]+$"}
    made = {"type": [kind, "null"]}
    if "enum" in spec:
        made["enum"] = [*spec["enum"], None]
    return made


class Document:
    def __init__(self, name):
        self.text = json.loads((DATA / name).read_text())
        self.definitions = {name: _schema(spec) for name, spec in self.text["schemas"].items()}
        self.methods = {}
        self._collect(self.text)

    def _collect(self, part):
        for method in part.get("methods", {}).values():
            self.methods[method["id"]] = method
        for inner in part.get("resources", {}).values():
            self._collect(inner)

    def paths(self, method):
        """Patterns of the paths that a method may be called with."""
        media = method.get("mediaUpload", {}).get("protocols", {})
        templates = ["/" + self.text["servicePath"] + method.get("flatPath", method["path"]),
                     *(protocol["path"] for protocol in media.values())]
        if method.get("supportsMediaDownload"):
            templates.append("/download/" + self.text["servicePath"] + method["path"])
        return [re.sub(r"\{[^}]*\}", "[^/]+", re.sub(r"([.$])", r"\\\1", template)) for template in templates]

    def body_schema(self, method):
        return {**self.definitions[method["request"]["$ref"]], "$defs": self.definitions}


@cache
def document(service):
    return Document(DOCUMENTS[service])


def _check_parameter(name, text, spec):
    assert spec is not None, f"the method has no parameter {name}"
    assert not spec.get("enum") or text in spec["enum"], f"{name}={text} is none of {spec.get('enum')}"
    if spec["type"] == "boolean":
        assert text.lower() in ("true", "false"), f"{name}={text} is no boolean"
    if spec["type"] == "integer" or spec.get("format") in WHOLE_NUMBERS:
        assert re.fullmatch(r"-?\d+", text), f"{name}={text} is no whole number"
    assert "pattern" not in spec or re.search(spec["pattern"], text), f"{name}={text} is not as {spec.get('pattern')}"


def check_call(call):
    """One call of the BigQuery or the Cloud Storage port."""
    pages = document(call["service"])
    name, _, step = call["method_id"].partition(":")
    assert name in pages.methods, f"no method {name}"
    method = pages.methods[name]
    assert any(re.fullmatch(pattern, call["path"]) for pattern in pages.paths(method)), f"no path of {name}"
    assert step or call["http"] == method["httpMethod"], f"{name} is a {method['httpMethod']}"
    known = {**pages.text["parameters"], **{name: spec for name, spec in method.get("parameters", {}).items()
                                            if spec.get("location") == "query"}}
    given = [name for name, _ in call["query"]]
    for name, text in call["query"]:
        if name not in SYSTEM:
            _check_parameter(name, unquote(text), known.get(name))
            assert known[name].get("repeated") or given.count(name) == 1, f"{name} is given twice"
    missing = [name for name, spec in known.items() if spec.get("required") and name not in given]
    assert not missing or step, f"required: {', '.join(missing)}"
    if call["body"] is not None and not step:
        assert "request" in method, f"{name} takes no body"
        jsonschema.Draft202012Validator(pages.body_schema(method)).validate(call["body"])


def check_calls(calls):
    """All of them but those of the token endpoints, which have no document. Returns how many were checked."""
    checked = 0
    for call in calls:
        if call["service"] not in DOCUMENTS or call["method_id"] == "discovery.apis.getRest":
            continue
        try:
            check_call(call)
        except (AssertionError, jsonschema.ValidationError) as error:
            text = error.message if isinstance(error, jsonschema.ValidationError) else error
            raise AssertionError(f"{text}\nin {json.dumps(call, indent=1)[:3000]}") from None
        checked += 1
    return checked
