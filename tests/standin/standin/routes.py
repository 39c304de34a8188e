# SPDX-License-Identifier: Apache-2.0
"""Which method of the BigQuery API a request means, and the way through its checks to its handler.

Paths, parameters and bodies are those of the discovery document; only the documented base path is served.
Partial responses, etags: https://docs.cloud.google.com/bigquery/docs/api-performance"""

from __future__ import annotations

import json
from typing import Any, Callable

from standin import datasets, rowaccess, tabledata, tables, uploads
from standin.discovery import Method, select_fields
from standin.errors import ApiError, not_implemented
from standin.http import CONTROL, Handler, Request, Response, parse_json, unquoted
from standin.jobs import resource as jobs

BASE = "/bigquery/v2/"
UPLOADS = ("/upload/bigquery/v2/", "/resumable/upload/bigquery/v2/")
DISCOVERY = ("/discovery/v1/apis/bigquery/v2/rest", "/$discovery/rest")
MAX_BODY = 20 * 1024 * 1024

# handler(app, request, body) -> a JSON value, a Response, or None (204)
Work = Callable[[Any, Request, Any], Any]

HANDLERS: dict[str, Work] = {**datasets.HANDLERS, **tables.HANDLERS, **tabledata.HANDLERS, **rowaccess.HANDLERS,
                            **jobs.HANDLERS}

NOT_FOUND = """<!DOCTYPE html>
<html lang=en>
  <title>Error 404 (Not Found)!!1</title>
  <p><b>404.</b> <ins>That's an error.</ins>
  <p>The requested URL <code>{path}</code> was not found on this server. <ins>That's all we know.</ins>
"""


class Router:
    """The port of the BigQuery API."""

    def resolve(self, app: Any, request: Request) -> tuple[str | None, Handler]:
        if request.path.startswith(CONTROL):
            from standin import control
            return None, control.handle
        if request.path in DISCOVERY and request.method == "GET":
            return "discovery.apis.getRest", discovery_document
        for prefix in UPLOADS:
            if request.path.startswith(prefix):
                return self._upload(app, request, request.path[len(prefix):])
        if not request.path.startswith(BASE):
            return None, unknown_path
        method, parameters, known = app.discovery.match(request.method, request.path[len(BASE):])
        if method is None:
            return None, wrong_verb if known else unknown_path
        request.parameters = decode(parameters)
        return method.id, lambda app, request: handle(app, request, method)

    @staticmethod
    def _upload(app: Any, request: Request, path: str) -> tuple[str | None, Handler]:
        """Media uploads of jobs.insert. The steps after the first have method ids of their own, for faults to name."""
        method, parameters, _ = app.discovery.match("POST", path)
        if method is None or not method.uploads:
            return None, unknown_path
        request.parameters = decode(parameters)
        if request.method == "POST":
            return method.id, lambda app, request: handle_upload(app, request, method)
        if request.method in ("PUT", "DELETE"):
            step = uploads.step_of(request)
            return f"{method.id}:{step}", lambda app, request: handle_upload(app, request, method)
        return None, wrong_verb


def decode(parameters: dict[str, str]) -> dict[str, Any]:
    try:
        return {name: unquoted(value) for name, value in parameters.items()}
    except UnicodeDecodeError as error:
        raise ApiError("badRequest", "The path is not UTF-8") from error


def unknown_path(app: Any, request: Request) -> Response:
    body = NOT_FOUND.format(path=request.path.replace("<", "&lt;")).encode()
    return Response(404, {"Content-Type": "text/html; charset=UTF-8"}, body)


def wrong_verb(app: Any, request: Request) -> Response:
    """The path is there, under other HTTP methods: Google's front end answers as for an unknown path."""
    return unknown_path(app, request)


def discovery_document(app: Any, request: Request) -> Response:
    """The document with this server's address, so that `bq --api` and generated clients find it."""
    root = request.base_url + "/"
    document = {**app.discovery.document, "rootUrl": root, "baseUrl": root + app.discovery.document["servicePath"]}
    return Response.json(document)


def prepare(app: Any, request: Request, method: Method) -> None:
    """Who asks, what the query says. Raises ApiError."""
    app.auth.authenticate(request)
    request.parameters.update(app.discovery.parameters(method, request.query))
    if request.parameters.get("alt", "json") != "json":
        raise not_implemented(f"alt={request.parameters['alt']}")
    if "callback" in request.parameters:
        raise not_implemented("JSONP (callback)")
    app.auth.authorize(request, method.scopes)


def read_body(app: Any, request: Request, method: Method) -> Any:
    if method.request is None:
        if request.method in ("GET", "DELETE") and request.body.length:
            raise ApiError("badRequest", f"A {request.method} request has no body")
        request.body.drain()
        return None
    kind = (request.headers.get("Content-Type") or "application/json").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError("badRequest", f"Unsupported content with type: {kind}")
    if (request.body.length or 0) > MAX_BODY:
        raise ApiError("badRequest", f"Request payload size exceeds the limit: {MAX_BODY} bytes.")
    data = request.content()
    return app.discovery.check(method.request, parse_json(data) if data.strip() else {})


def handle(app: Any, request: Request, method: Method) -> Response:
    work = HANDLERS.get(method.id)
    prepare(app, request, method)
    if work is None:
        raise not_implemented(f"the method {method.id}")
    mask = request.parameters.get("fields")
    if mask and method.response:
        app.discovery.check_mask(method.response, mask)
    for name in ("uploadType", "upload_protocol"):
        if name in request.parameters:
            raise ApiError("badRequest", f"{name} is for upload paths (/upload/bigquery/v2/…)")
    return finish(request, work(app, request, read_body(app, request, method)))


def handle_upload(app: Any, request: Request, method: Method) -> Response:
    if request.method == "POST" or request.headers.get("Authorization") is not None:
        prepare(app, request, method)
    else:  # the address of an upload session is its own credential
        request.parameters.update(app.discovery.parameters(method, request.query))
    return finish(request, uploads.handle(app, request, method))


def finish(request: Request, result: Any) -> Response:
    """The HTTP answer of a handler's result: partial when `fields` asks for it, 304 when the client has it."""
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(204)
    headers = {"Vary": "Origin, X-Origin, Referer", "Cache-Control": "private"}
    etag = result.get("etag")
    if etag is not None:
        headers["ETag"] = etag
        if request.method == "GET" and matches(request.headers.get("If-None-Match"), etag):
            return Response(304, headers)
    mask = request.parameters.get("fields") or request.argument("$fields")
    if mask:
        result = select_fields(result, mask)
    if request.parameters.get("prettyPrint", True):
        body = (json.dumps(result, ensure_ascii=False, indent=2) + "\n").encode()
        return Response(200, {"Content-Type": "application/json; charset=UTF-8", **headers}, body)
    return Response.json(result, headers=headers)


def matches(header: str | None, etag: str) -> bool:
    """Does an If-Match or If-None-Match header name the etag? Quotes do not matter."""
    if header is None:
        return False
    given = [item.strip().removeprefix("W/").strip('"') for item in header.split(",")]
    return "*" in given or etag.strip('"') in given


def check_match(request: Request, etag: str) -> None:
    """If-Match of a change: 412 when the resource has changed meanwhile.
    https://docs.cloud.google.com/bigquery/docs/api-performance (etags), RFC 9110 section 13.1.1"""
    header = request.headers.get("If-Match")
    if header is not None and not matches(header, etag):
        raise ApiError("conditionNotMet", "Precondition check failed.", location="If-Match", location_type="header")
