# SPDX-License-Identifier: Apache-2.0
"""Methods of buckets: https://docs.cloud.google.com/storage/docs/json_api/v1/buckets"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from standin.errors import ApiError, not_implemented
from standin.gcs.store import DUAL_REGIONS, MULTI_REGIONS, STORAGE_CLASSES, Bucket, Conditions, NotModified
from standin.http import Request, Response

if TYPE_CHECKING:
    from standin.gcs import Gcs

LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
REGION = re.compile(r"[A-Z]+-[A-Z]+\d+")
# What is kept and shown, without any effect here.
KEPT = ("labels", "lifecycle", "iamConfiguration", "softDeletePolicy", "cors")
SERVICE_FIELDS = (
    "id",
    "kind",
    "selfLink",
    "etag",
    "generation",
    "metageneration",
    "projectNumber",
    "timeCreated",
    "updated",
    "locationType",
    "name",
    "location",
    "storageClass",
    "owner",
    "satisfiesPZI",
    "satisfiesPZS",
)

Parameters = dict[str, Any]


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    """Fields of a bucket that may be set; what has an effect that the stand-in does not have is refused by name."""
    fields = {}
    for name, value in body.items():
        if name in KEPT:
            fields[name] = value
        elif name == "versioning" and not (value or {}).get("enabled"):
            fields[name] = value
        elif name not in SERVICE_FIELDS and value not in (None, False, {}, []):
            raise not_implemented(f"the field {name} of a bucket")
    for name, value in (fields.get("labels") or {}).items():
        if not LABEL.fullmatch(name) or (value is not None and not re.fullmatch(r"[a-z0-9_-]{0,63}", value)):
            raise ApiError("invalid", f"Invalid label: {name}={value}")
    return fields


def insert(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    project = parameters.get("project")
    if not project:
        raise ApiError("required", "Required parameter: project", status=400)
    gcs.app.auth.require(request.identity, "storage.buckets.create", f"projects/{project}")
    body = gcs.body(request, "Bucket")
    if not body.get("name"):
        raise ApiError("required", "Required parameter: bucket name", status=400)
    location = (body.get("location") or "US").upper()
    if location not in MULTI_REGIONS + DUAL_REGIONS and not REGION.fullmatch(location):
        raise ApiError("invalid", f"The specified location constraint is not valid: {body['location']}")
    storage_class = body.get("storageClass") or "STANDARD"
    if storage_class not in STORAGE_CLASSES:
        raise ApiError("invalid", f"Invalid argument: storage class {storage_class}")
    fields = {
        "location": location,
        "storageClass": storage_class,
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "inherited"},
        **{name: value for name, value in _fields(body).items() if value is not None},
    }
    return gcs.bucket_resource(request, gcs.store.add_bucket(body["name"], project, fields), parameters)


def get(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    bucket = gcs.store.bucket(request.parameters["bucket"])
    conditions = Conditions.of(parameters)
    if conditions.failed(bucket) == "not-match":
        raise NotModified()
    conditions.check(bucket)
    return gcs.bucket_resource(request, bucket, parameters)


def list_buckets(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    project = parameters.get("project")
    if not project:
        raise ApiError("required", "Required parameter: project", status=400)
    gcs.app.auth.require(request.identity, "storage.buckets.list", f"projects/{project}")
    prefix, after = parameters.get("prefix", ""), parameters.get("pageToken", "")
    most = min(int(parameters.get("maxResults") or 1000), 1000)
    with gcs.store.lock:
        names = sorted(name for name, bucket in gcs.store.buckets.items()
                       if bucket.project == project and name.startswith(prefix) and name > after)
        items = [gcs.store.buckets[name].resource(request.base_url) for name in names[:most]]
    answer: dict[str, Any] = {"kind": "storage#buckets"}
    if len(names) > most:
        answer["nextPageToken"] = names[most - 1]
    if items:
        answer["items"] = items
    return gcs.json(request, answer, parameters)


def delete(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    gcs.store.remove_bucket(request.parameters["bucket"], Conditions.of(parameters))
    return Response(204)


def change(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    """patch and update; a bucket's location and name stay what they are."""
    body = gcs.body(request, "Bucket")
    with gcs.store.lock:
        bucket = gcs.store.bucket(request.parameters["bucket"])
        Conditions.of(parameters).check(bucket)
        if body.get("location", bucket.location).upper() != bucket.location:
            raise ApiError("invalid", "The location of a bucket cannot be changed.")
        _apply(bucket, body, request.method == "PATCH")
    return gcs.bucket_resource(request, bucket, parameters)


def _apply(bucket: Bucket, body: dict[str, Any], patch: bool) -> None:
    asked = _fields(body)
    if patch and isinstance(asked.get("labels"), dict):
        merged = {**bucket.fields.get("labels", {}), **asked["labels"]}
        asked["labels"] = {name: value for name, value in merged.items() if value is not None}
    fixed = {name: bucket.fields[name] for name in ("location", "storageClass", "iamConfiguration")}
    fields = {**(bucket.fields if patch else fixed), **asked}
    if body.get("storageClass"):
        fields["storageClass"] = body["storageClass"]
    bucket.fields = {name: value for name, value in fields.items() if value not in (None, {})}
    bucket.metageneration += 1
    bucket.updated = time.time()


def layout(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    shown = gcs.store.bucket(request.parameters["bucket"]).resource(request.base_url)
    return gcs.json(
        request,
        {
            "kind": "storage#storageLayout",
            "bucket": shown["name"],
            "location": shown["location"],
            "locationType": shown["locationType"],
            "hierarchicalNamespace": {"enabled": False},
        },
        parameters,
    )


def test_permissions(gcs: "Gcs", request: Request, parameters: Parameters) -> Response:
    return gcs.permissions(request, parameters, gcs.resource_name(request.parameters["bucket"]))
