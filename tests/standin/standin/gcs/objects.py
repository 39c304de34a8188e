# SPDX-License-Identifier: Apache-2.0
"""Methods of objects: https://docs.cloud.google.com/storage/docs/json_api/v1/objects"""

from __future__ import annotations

import base64
import re
import time
import zlib
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Iterable, Iterator

from standin.errors import ApiError
from standin.gcs.backend import BackendError
from standin.gcs.store import SETTABLE, Checked, Conditions, NotModified, Object, check_object_name, no_object
from standin.gcs.uploads import object_fields
from standin.http import Request, Response

if TYPE_CHECKING:
    from standin.gcs import Gcs

MAX_PAGE = 1000
MAX_SOURCES = 32
MEBIBYTE = 1 << 20
RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")

Parameters = dict[str, Any]


def _generation(parameters: Parameters, name: str = "generation") -> int | None:
    value = parameters.get(name)
    return None if value is None else int(value)


def find(gcs: "Gcs", request: Request, parameters: Parameters) -> Object:
    """The object of the path; who may not list a bucket is not told what is not in it
    (https://docs.cloud.google.com/storage/docs/access-control/iam-json, note to objects.get)."""
    bucket, name = request.parameters["bucket"], request.parameters["object"]
    found = gcs.store.find(bucket, name, _generation(parameters))
    if found is None:
        gcs.require(request.identity, "storage.objects.list", bucket)
        raise no_object(bucket, name)
    return found


# Reading ------------------------------------------------------------------------------------------

def get(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    found = find(gcs, request, parameters)
    conditions = Conditions.of(parameters)
    failed = conditions.failed(found)
    if failed == "not-match":
        raise NotModified()
    conditions.check(found)
    if parameters.get("alt") == "media":
        return media(gcs, request, parameters, found)
    return gcs.resource(request, found, parameters)


def _selected(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of a Range header; None: all. A range that starts behind the end is 416;
    one that cannot be read is ignored (RFC 9110, section 14.2)."""
    match = RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    if match[3] is not None:
        if int(match[3]) == 0 or size == 0:
            raise ApiError("requestedRangeNotSatisfiable", "Request range not satisfiable", status=416)
        return max(0, size - int(match[3])), size
    first, end = int(match[1]), int(match[2]) + 1 if match[2] else size
    if match[2] and end <= first:
        return None
    if first >= size:
        raise ApiError("requestedRangeNotSatisfiable", "Request range not satisfiable", status=416)
    return first, min(end, size)


def _hashes(found: Object) -> str:
    return f"crc32c={found.crc32c}" + (f",md5={found.md5}" if found.md5 else "")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    machine = zlib.decompressobj(31)
    for piece in pieces:
        yield machine.decompress(piece)
    yield machine.flush()


def media(gcs: "Gcs", request: Request, parameters: Parameters, found: Object) -> Response:
    """https://docs.cloud.google.com/storage/docs/downloading-objects, https://docs.cloud.google.com/storage/docs/transcoding"""
    headers = {
        "Content-Type": found.fields.get("contentType", "application/octet-stream"), "ETag": found.etag,
        "Last-Modified": formatdate(found.updated, usegmt=True), "X-Goog-Generation": str(found.generation),
        "X-Goog-Metageneration": str(found.metageneration), "X-Goog-Hash": _hashes(found),
        "X-Goog-Storage-Class": found.fields.get("storageClass", "STANDARD"),
        "X-Goog-Stored-Content-Length": str(found.size),
        "X-Goog-Stored-Content-Encoding": found.fields.get("contentEncoding", "identity")}
    for name, field in (("Cache-Control", "cacheControl"), ("Content-Disposition", "contentDisposition"),
                        ("Content-Language", "contentLanguage")):
        if found.fields.get(field):
            headers[name] = found.fields[field]
    encoding = found.fields.get("contentEncoding")
    accepts = "gzip" in (request.headers.get("Accept-Encoding") or "")
    if encoding == "gzip" and not accepts:
        pieces = _inflated(_pieces(gcs, request, parameters, found, 0, found.size))
        return Response(200, {**headers, "Warning": "214 UploadServer gunzipped"}, pieces)
    if encoding:
        headers["Content-Encoding"] = encoding
    selected = _selected(request.headers.get("Range"), found.size)
    start, end = selected or (0, found.size)
    headers["Content-Length"] = str(end - start)
    if selected:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    pieces = _pieces(gcs, request, parameters, found, start, end)
    return Response(206 if selected else 200, headers, b"" if start == end else pieces)


def _pieces(
    gcs: "Gcs", request: Request, parameters: Parameters, found: Object, start: int, end: int
) -> Iterable[bytes]:
    """The content; an object that was replaced or removed between look-up and reading is gone, which is a 404."""
    try:
        return gcs.store.content(found, start, end)
    except BackendError:
        if gcs.store.find(found.bucket, found.name, found.generation) is not None:
            raise
        raise no_object(found.bucket, found.name) from None


def list_objects(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    """https://docs.cloud.google.com/storage/docs/json_api/v1/objects/list: names in the order of their UTF-8 bytes;
    names with the delimiter behind the prefix are folded into prefixes; a page has at most 1,000 of both."""
    bucket = request.parameters["bucket"]
    prefix, delimiter = parameters.get("prefix", ""), parameters.get("delimiter", "")
    most = min(int(parameters.get("maxResults") or MAX_PAGE), MAX_PAGE)
    after = _page_start(parameters.get("pageToken"))
    items: list[dict[str, Any]] = []
    prefixes: list[str] = []
    token = None
    last = None
    for found in _between(gcs.store.named(bucket), parameters):
        if not found.name.startswith(prefix):
            continue
        cut = found.name.find(delimiter, len(prefix)) if delimiter else -1
        folded = found.name[:cut + len(delimiter)] if cut >= 0 else None
        place = folded or found.name
        whole = parameters.get("includeTrailingDelimiter") and folded == found.name
        if after is not None and place.encode() <= after or (folded in prefixes and not whole):
            continue
        if len(items) + len(prefixes) >= most:
            token = base64.urlsafe_b64encode(str(last).encode()).decode()
            break
        last = place
        if folded is None or whole:
            items.append(gcs.shown(request, found, parameters))
        if folded is not None and folded not in prefixes:
            prefixes.append(folded)
    answer: dict[str, Any] = {"kind": "storage#objects"}
    answer.update(
        {name: value for name, value in (("nextPageToken", token), ("prefixes", prefixes), ("items", items)) if value}
    )
    return gcs.json(request, answer, parameters)


def _between(objects: list[Object], parameters: Parameters) -> Iterator[Object]:
    start, end = parameters.get("startOffset", "").encode(), parameters.get("endOffset", "").encode()
    for found in objects:
        name = found.name.encode()
        if name >= start and (not end or name < end):
            yield found


def _page_start(token: str | None) -> bytes | None:
    if not token:
        return None
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError as error:
        raise ApiError("invalid", f"Invalid page token: {token}") from error


# Changing -----------------------------------------------------------------------------------------

def delete(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    found = find(gcs, request, parameters)
    gcs.store.remove(found.bucket, found.name, _generation(parameters), Conditions.of(parameters))
    return Response(204)


def change(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    """patch merges (null removes), update replaces: https://docs.cloud.google.com/storage/docs/viewing-editing-metadata"""
    body = gcs.body(request, "Object")
    find(gcs, request, parameters)
    with gcs.store.lock:
        found = find(gcs, request, parameters)
        Conditions.of(parameters).check(found)
        patch = request.method == "PATCH"
        fields = {**found.fields} if patch else {}
        removed = [name for name in SETTABLE if name in body and body[name] is None]
        asked = object_fields(body)
        if patch and "metadata" in asked:
            merged = {**found.fields.get("metadata", {}), **asked["metadata"]}
            asked["metadata"] = {name: value for name, value in merged.items() if value is not None}
        fields.update(asked)
        for name in removed:
            fields.pop(name, None)
        if not fields.get("metadata", True):
            del fields["metadata"]
        found.fields = fields
        found.metageneration += 1
        found.updated = time.time()
    return gcs.resource(request, found, parameters)


def compose(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    """https://docs.cloud.google.com/storage/docs/composing-objects: 1 to 32 sources; the result has no MD5."""
    bucket = request.parameters["destinationBucket"]
    name = check_object_name(request.parameters["destinationObject"])
    body = gcs.body(request, "ComposeRequest")
    entries = body.get("sourceObjects") or []
    if not entries:
        raise ApiError("required", "You must provide at least one source component.", status=400)
    if len(entries) > MAX_SOURCES:
        raise ApiError("invalid", f"The number of source components provided ({len(entries)}) exceeds the maximum "
                       f"({MAX_SOURCES})")
    conditions = Conditions.of(parameters)
    conditions.check(gcs.store.find(bucket, name))
    sources = [_source(gcs, request, bucket, entry) for entry in entries]
    content = Checked()
    try:
        for source in sources:
            for piece in _pieces(gcs, request, parameters, source, 0, source.size):
                content.write(piece)
        gcs.may_write(request.identity, bucket, name)
        fields = object_fields(body.get("destination") or {})
        made = gcs.store.insert(bucket, name, content, fields, conditions,
                                components=sum(source.components or 1 for source in sources))
    finally:
        content.close()
    if body.get("deleteSourceObjects"):
        for source in sources:
            if source.name != name and gcs.store.find(bucket, source.name, source.generation):
                gcs.store.remove(bucket, source.name, source.generation, Conditions())
    return gcs.resource(request, made, parameters)


def _source(gcs: "Gcs", request: Request, bucket: str, entry: dict[str, Any]) -> Object:
    name = entry.get("name")
    if not name:
        raise ApiError("required", "Required: the name of a source object", status=400)
    gcs.require(request.identity, "storage.objects.get", bucket, name)
    generation = int(entry["generation"]) if entry.get("generation") else None
    found = gcs.store.get(bucket, name, generation)
    wanted = (entry.get("objectPreconditions") or {}).get("ifGenerationMatch")
    Conditions(generation_match=None if wanted is None else int(wanted)).check(found)
    return found


def rewrite(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    """https://docs.cloud.google.com/storage/docs/json_api/v1/objects/rewrite: until `done`, the caller comes back with
    the token; more than one call is needed only when maxBytesRewrittenPerCall says so."""
    source, target = request.parameters["sourceBucket"], request.parameters["destinationBucket"]
    name = check_object_name(request.parameters["destinationObject"])
    gcs.require(request.identity, "storage.objects.get", source, request.parameters["sourceObject"])
    found = gcs.store.get(source, request.parameters["sourceObject"], _generation(parameters, "sourceGeneration"))
    Conditions.of(parameters, source=True).check(found)
    gcs.store.bucket(target)
    body = gcs.body(request, "Object")
    moved, again = _progress(gcs, parameters, found)
    copying = request.method_id == "storage.objects.copy"
    if moved < found.size and not copying:
        return gcs.json(request, {"kind": "storage#rewriteResponse", "totalBytesRewritten": str(moved),
                                  "objectSize": str(found.size), "done": False, "rewriteToken": again}, parameters)
    content = Checked()
    try:
        for piece in _pieces(gcs, request, parameters, found, 0, found.size):
            content.write(piece)
        gcs.may_write(request.identity, target, name)
        fields = object_fields(body) if any(body.get(field) is not None for field in SETTABLE) else dict(found.fields)
        made = gcs.store.insert(target, name, content, fields, Conditions.of(parameters), components=found.components)
    finally:
        content.close()
    if copying:
        return gcs.resource(request, made, parameters)
    return gcs.json(request, {"kind": "storage#rewriteResponse", "totalBytesRewritten": str(found.size),
                              "objectSize": str(found.size), "done": True,
                              "resource": gcs.shown(request, made, {})}, parameters)


def _progress(gcs: "Gcs", parameters: Parameters, found: Object) -> tuple[int, str]:
    """How many bytes are copied with this call, and the token for the next one. The token carries both."""
    most = parameters.get("maxBytesRewrittenPerCall")
    if most is None:
        return found.size, ""
    if int(most) < MEBIBYTE or int(most) % MEBIBYTE:
        raise ApiError("invalid", "maxBytesRewrittenPerCall must be an integral multiple of 1 MiB (1048576).")
    before = 0
    if parameters.get("rewriteToken"):
        generation, _, done = str(parameters["rewriteToken"]).partition("-")
        if generation != str(found.generation) or not done.isdigit():
            raise ApiError("invalid", "The rewrite token is not of this source")
        before = int(done)
    moved = min(before + int(most), found.size)
    return moved, f"{found.generation}-{moved}"


def test_permissions(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    resource = gcs.resource_name(request.parameters["bucket"], request.parameters["object"])
    return gcs.permissions(request, parameters, resource)
