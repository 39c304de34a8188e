# SPDX-License-Identifier: Apache-2.0
"""Cloud Storage's JSON API, in front of fake-gcs-server.

https://docs.cloud.google.com/storage/docs/json_api/v1. Paths, parameters and bodies are those of Google's discovery
document (data/storage-v1.json); a method, parameter or field that has no effect here is answered with 501 and its name.
The child process keeps the bytes; everything that it is lenient about is decided here."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Iterable

from standin.auth import Identity
from standin.discovery import DOCUMENT, Discovery, Method, select_fields
from standin.errors import ApiError, not_implemented
from standin.gcs import buckets, objects
from standin.gcs.backend import Backend
from standin.gcs.store import Bucket, Checked, Conditions, NotModified, Object, Store, check_object_name
from standin.gcs.uploads import Uploads
from standin.http import Request, Response, parse_json, unquoted

BASE = "/storage/v1/"
DOWNLOAD = "/download/storage/v1/"
UPLOADS = ("/upload/storage/v1/", "/resumable/upload/storage/v1/")
HANDLERS: dict[str, Any] = {
    "storage.buckets.insert": buckets.insert, "storage.buckets.get": buckets.get,
    "storage.buckets.list": buckets.list_buckets, "storage.buckets.delete": buckets.delete,
    "storage.buckets.patch": buckets.change, "storage.buckets.update": buckets.change,
    "storage.buckets.getStorageLayout": buckets.layout,
    "storage.buckets.testIamPermissions": buckets.test_permissions,
    "storage.objects.get": objects.get, "storage.objects.list": objects.list_objects,
    "storage.objects.delete": objects.delete, "storage.objects.patch": objects.change,
    "storage.objects.update": objects.change, "storage.objects.compose": objects.compose,
    "storage.objects.rewrite": objects.rewrite, "storage.objects.copy": objects.rewrite,
    "storage.objects.testIamPermissions": objects.test_permissions,
}
# Parameters that ask for something that the stand-in does not have.
NOT_KNOWN = (
    "kmsKeyName",
    "destinationKmsKeyName",
    "predefinedAcl",
    "destinationPredefinedAcl",
    "dropContextGroups",
    "predefinedDefaultObjectAcl",
    "enableObjectRetention",
    "softDeleted",
    "restoreToken",
    "filter",
    "includeFoldersAsPrefixes",
    "matchGlob",
    "overrideUnlockedRetention",
    "oauth_token",
    "returnPartialSuccess",
)
BY_METHOD = ("storage.buckets.insert", "storage.buckets.list")  # they ask for permissions themselves


class StorageDiscovery(Discovery):
    """Google's document for Cloud Storage: its paths are flat already."""

    def __init__(self, path: Path = DOCUMENT.parent / "storage-v1.json"):
        super().__init__(path)

    def _collect(self, resource: dict[str, Any]) -> None:
        for item in resource.get("methods", {}).values():
            item.setdefault("flatPath", item["path"])
        super()._collect(resource)


class Gcs:
    """The service: its store, its uploads, and what jobs of BigQuery read and write."""

    def __init__(self, app: Any):
        self.app = app
        self.discovery = StorageDiscovery()
        config = app.config
        folder = Path(config.storage).resolve() if config.storage else None
        self.backend = Backend(Path(config.fake_gcs) if config.fake_gcs else None, folder)
        self.store = Store(self.backend)
        self.uploads = Uploads(self)

    def start(self) -> None:
        self.backend.start()

    def stop(self) -> None:
        self.backend.stop()
        self.uploads.clear()

    def reset(self) -> None:
        """No bucket, no object, no upload."""
        self.uploads.clear()
        self.store.clear()

    # Permissions --------------------------------------------------------------------------------

    def resource_name(self, bucket: str, name: str | None = None) -> str:
        """As policies name it. A bucket that is not there has no project."""
        known = self.store.buckets.get(bucket)
        resource = f"projects/{known.project if known else '-'}/buckets/{bucket}"
        return resource if name is None else f"{resource}/objects/{name}"

    def require(self, identity: Identity, permission: str, bucket: str, name: str | None = None) -> None:
        self.app.auth.require(identity, permission, self.resource_name(bucket, name))

    def may_write(self, identity: Identity, bucket: str, name: str) -> None:
        """Replacing an object is deleting it, too."""
        self.require(identity, "storage.objects.create", bucket, name)
        if self.store.find(bucket, name) is not None:
            self.require(identity, "storage.objects.delete", bucket, name)

    def permissions(self, request: Request, parameters: dict[str, Any], resource: str) -> Response:
        self.store.bucket(request.parameters["bucket"])
        asked = parameters.get("permissions") or []
        for name in asked:
            if not re.fullmatch(r"storage\.[A-Za-z]+\.[A-Za-z]+", name):
                raise ApiError("invalid", f"Invalid argument: permission {name}")
        held = self.app.auth.held(request.identity, asked, resource)
        answer = {"kind": "storage#testIamPermissionsResponse", **({"permissions": held} if held else {})}
        return self.json(request, answer, parameters)

    # Answers ------------------------------------------------------------------------------------

    def json(self, request: Request, value: Any, parameters: dict[str, Any]) -> Response:
        mask = parameters.get("fields") or request.argument("fields")
        return Response.json(select_fields(value, mask) if mask else value)

    def shown(self, request: Request, found: Object, parameters: dict[str, Any]) -> dict[str, Any]:
        shown = found.resource(request.base_url)
        if parameters.get("projection") == "full":
            shown["acl"] = []
        return shown

    def resource(self, request: Request, found: Object, parameters: dict[str, Any] | None = None) -> Response:
        response = self.json(request, self.shown(request, found, parameters or {}), parameters or {})
        response.headers["ETag"] = found.etag
        return response

    def bucket_resource(self, request: Request, bucket: Bucket, parameters: dict[str, Any]) -> Response:
        return self.json(request, bucket.resource(request.base_url), parameters)

    def body(self, request: Request, schema: str) -> dict[str, Any]:
        """The checked JSON of a request; none is an empty object."""
        data = request.content()
        if not data.strip():
            return {}
        kind = (request.headers.get("Content-Type") or "application/json").split(";")[0].strip().lower()
        if kind != "application/json":
            raise ApiError("badRequest", f"This API does not support parsing {kind}: it has to be application/json")
        return self.discovery.check(schema, parse_json(data))

    # For jobs -----------------------------------------------------------------------------------

    def split(self, uri: str) -> tuple[str, str]:
        """Bucket and name of gs://BUCKET/NAME."""
        match = re.fullmatch(r"gs://([^/]+)/(.+)", uri, re.DOTALL)
        if match is None:
            raise ApiError("invalid", f"Source URI must be a Google Cloud Storage location: {uri}")
        return match[1], match[2]

    def bucket_location(self, bucket: str) -> str:
        return self.store.bucket(bucket).location

    def list(self, identity: Identity, uri: str) -> list[Object]:
        """Objects of a URI with at most one `*`, which stands for any characters, slashes too:
        https://docs.cloud.google.com/bigquery/docs/batch-loading-data#load-wildcards. ApiError when there is none."""
        bucket, pattern = self.split(uri)
        if bucket not in self.store.buckets:
            raise ApiError("notFound", f"Not found: Bucket {bucket}")
        if "*" not in pattern:
            self._may_read(identity, bucket, pattern)
            found = self.store.find(bucket, pattern)
            if found is None:
                raise ApiError("notFound", f"Not found: URI {uri}")
            return [found]
        if pattern.count("*") > 1 or "*" in bucket:
            raise ApiError("invalid", f"Invalid source URI: at most one wildcard is allowed: {uri}")
        self._may_list(identity, bucket)
        head, _, tail = pattern.partition("*")
        matched = [found for found in self.store.named(bucket)
                   if found.name.startswith(head) and found.name[len(head):].endswith(tail)]
        for found in matched:
            self._may_read(identity, bucket, found.name)
        if not matched:
            raise ApiError("notFound", f"Not found: Uris {uri}")
        return matched

    def _denied(self, identity: Identity, permission: str, bucket: str, name: str | None) -> None:
        resource = self.resource_name(bucket, name)
        if not self.app.auth.policies.allows(identity.email, permission, resource):
            raise ApiError(
                "accessDenied",
                f"Access Denied: BigQuery BigQuery: Permission denied while globbing file pattern. "
                f"{identity.email} does not have {permission} access to the Google Cloud Storage "
                f"{'object' if name else 'bucket'}. Permission '{permission}' denied on resource (or it may not "
                f"exist). Please make sure gs://{bucket}/{name or ''} is accessible via appropriate IAM roles, "
                "e.g. Storage Object Viewer or Storage Object Creator.",
            )

    def _may_read(self, identity: Identity, bucket: str, name: str) -> None:
        self._denied(identity, "storage.objects.get", bucket, name)

    def _may_list(self, identity: Identity, bucket: str) -> None:
        self._denied(identity, "storage.objects.list", bucket, None)

    def read(self, identity: Identity, found: Object) -> bytes:
        return b"".join(self.store.content(found))

    def open(self, identity: Identity, found: Object) -> BinaryIO:
        """A seekable file with the object's content, at its start; the caller closes it."""
        file: BinaryIO = tempfile.SpooledTemporaryFile(max_size=8 << 20)  # type: ignore[assignment]
        for piece in self.store.content(found):
            file.write(piece)
        file.seek(0)
        return file

    def write(self, identity: Identity, uri: str, data: bytes | Iterable[bytes],
              content_type: str = "application/octet-stream") -> Object:
        """Makes an object, as an extract job does."""
        bucket, name = self.split(uri)
        if bucket not in self.store.buckets:
            raise ApiError("notFound", f"Not found: Bucket {bucket}")
        self.may_write(identity, bucket, check_object_name(name))
        content = Checked()
        try:
            for piece in [data] if isinstance(data, bytes) else data:
                content.write(piece)
            return self.store.insert(bucket, name, content, {"contentType": content_type}, Conditions())
        finally:
            content.close()


# The port -----------------------------------------------------------------------------------------

class Router:
    """Method ids from paths. A chunk of a resumable upload, a question about one and its end have ids of their own, so
    that faults and counts can tell them apart."""

    def resolve(self, app: Any, request: Request) -> tuple[str | None, Any]:
        if request.path.startswith("/standin/"):
            from standin import control
            return None, control.handle
        for prefix in UPLOADS:
            if request.path.startswith(prefix):
                return self._upload(app, request, request.path[len(prefix):])
        download = request.path.startswith(DOWNLOAD)
        if not download and not request.path.startswith(BASE):
            raise not_implemented(f"{request.method} {request.path} (only the JSON API is known)")
        path = request.path[len(DOWNLOAD if download else BASE):]
        method, parameters, known = app.gcs.discovery.match(request.method, path)
        if method is None:
            raise ApiError("methodNotAllowed" if known else "notFound", "Not Found", status=405 if known else 404)
        if download and method.id != "storage.objects.get":
            raise ApiError("notFound", "Not Found")
        request.parameters = _decoded(parameters)
        return method.id, lambda app, request: handle(app.gcs, request, method)

    @staticmethod
    def _upload(app: Any, request: Request, path: str) -> tuple[str | None, Any]:
        method, parameters, _ = app.gcs.discovery.match("POST", path)
        if method is None or method.id != "storage.objects.insert":
            raise ApiError("notFound", "Not Found")
        request.parameters = _decoded(parameters)
        if request.method == "POST" and request.argument("upload_id") is None:
            return method.id, lambda app, request: handle(app.gcs, request, method)
        if request.method in ("PUT", "POST"):
            asks = re.match(r"bytes \*/", request.headers.get("Content-Range") or "")
            return f"{method.id}:{'status' if asks else 'chunk'}", lambda app, request: app.gcs.uploads.put(request)
        if request.method == "DELETE":
            return f"{method.id}:cancel", lambda app, request: app.gcs.uploads.cancel(request)
        raise ApiError("methodNotAllowed", "Method Not Allowed", status=405)


def _decoded(parameters: dict[str, str]) -> dict[str, str]:
    try:
        return {name: unquoted(value) for name, value in parameters.items()}
    except UnicodeDecodeError as error:
        raise ApiError("invalid", "The path is not UTF-8") from error


def _resources(gcs: Gcs, request: Request) -> dict[str, str]:
    named = request.parameters
    bucket = named.get("bucket") or named.get("destinationBucket") or "-"
    name = named.get("object") or named.get("destinationObject") or "-"
    resource = gcs.resource_name(bucket)
    return {"bucket": resource, "object": f"{resource}/objects/{name}", "project": resource.split("/buckets/")[0]}


def _check_known(request: Request, parameters: dict[str, Any]) -> None:
    for name in NOT_KNOWN:
        if parameters.get(name) not in (None, False, "", []):
            raise not_implemented(f"the parameter {name} of {request.method_id}")
    for name, _ in request.headers.items:
        if name.lower().startswith("x-goog-encryption-"):
            raise not_implemented("customer-supplied encryption keys")
    if parameters.get("alt", "json") not in ("json", "media"):
        raise ApiError("invalid", f"Invalid value for alt: {parameters['alt']}")


def handle(gcs: Gcs, request: Request, method: Method) -> Response:
    gcs.app.auth.authenticate(request)
    parameters = gcs.discovery.parameters(method, request.query)
    _check_known(request, parameters)
    if request.path.startswith(DOWNLOAD):
        parameters["alt"] = "media"
    bucket = request.parameters.get("bucket")
    if bucket is not None:
        gcs.store.bucket(bucket)
    scopes = getattr(method, "scopes", ())
    if method.id in BY_METHOD:
        if scopes and not request.identity.all_scopes and not request.identity.scopes & set(scopes):
            raise gcs.app.auth.insufficient_scope()
    else:
        gcs.app.auth.authorize(request, scopes, _resources(gcs, request))
    if method.id == "storage.objects.insert":
        return gcs.uploads.insert(request, parameters)
    handler = HANDLERS.get(method.id)
    if handler is None:
        raise not_implemented(f"the method {method.id}")
    try:
        return handler(gcs, request, parameters)
    except NotModified:
        return Response(304)
