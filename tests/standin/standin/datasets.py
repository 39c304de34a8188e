# SPDX-License-Identifier: Apache-2.0
"""The methods projects.* and datasets.*.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets, …/rest/v2/projects
Rules of properties: https://docs.cloud.google.com/bigquery/docs/updating-datasets, …/datasets, …/time-travel"""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

from standin.catalog import Dataset, DatasetRef, make_etag
from standin.errors import ApiError, invalid, not_implemented
from standin.http import Request
from standin.resources import (check_dataset_id, check_labels, check_project_id, label_filter, location_of, merge_patch,
                               page, passes, same_location, strip_nulls)

KEPT = ("access", "defaultCollation", "defaultEncryptionConfiguration", "defaultPartitionExpirationMs",
        "defaultRoundingMode", "defaultTableExpirationMs", "description", "friendlyName", "isCaseInsensitive", "labels",
        "maxTimeTravelHours", "resourceTags", "storageBillingModel")
UNKNOWN = ("externalCatalogDatasetOptions", "externalDatasetReference", "linkedDatasetSource")
HOUR_MS = 3_600_000


def reference(request: Request) -> DatasetRef:
    return DatasetRef(request.parameters["projectId"], request.parameters["datasetId"])


def to_json(app: Any, item: Dataset, request: Request | None = None) -> dict[str, Any]:
    base = request.base_url if request is not None else app.urls.get("bigquery", "")
    found = {"kind": "bigquery#dataset", "etag": item.etag, "id": str(item.ref),
             "selfLink": f"{base}/bigquery/v2/projects/{item.ref.project}/datasets/{item.ref.dataset}",
             "datasetReference": {"datasetId": item.ref.dataset, "projectId": item.ref.project},
             **item.properties, "creationTime": str(item.created_ms), "lastModifiedTime": str(item.modified_ms),
             "location": item.location, "type": "DEFAULT"}
    found.setdefault("maxTimeTravelHours", "168")
    return found


def check_properties(body: dict[str, Any], name: str) -> dict[str, Any]:
    """The members of a resource that are kept, after the service's rules for them."""
    for member in UNKNOWN:
        if body.get(member) is not None:
            raise not_implemented(f"dataset.{member}")
    found = {member: body[member] for member in KEPT if body.get(member) not in (None, "", {})}
    check_access(found.get("access") or [])
    check_labels(found.get("labels"), f"dataset {name}")
    for member, least in (("defaultTableExpirationMs", HOUR_MS), ("defaultPartitionExpirationMs", 1)):
        value = int(found.get(member, "0"))
        if value == 0:
            found.pop(member, None)
        elif value < least:
            raise invalid(f"Invalid {member} {value}: the minimum is {least}", member)
    hours = int(found.get("maxTimeTravelHours", "168"))
    if not 48 <= hours <= 168 or hours % 24:
        raise invalid(f"Invalid maxTimeTravelHours {hours}: it must be between 48 and 168 and a multiple of 24",
                      "maxTimeTravelHours")
    if found.get("defaultCollation") not in (None, "und:ci"):
        raise invalid(f"Invalid defaultCollation {found['defaultCollation']}: only und:ci is supported",
                      "defaultCollation")
    key = (found.get("defaultEncryptionConfiguration") or {}).get("kmsKeyName")
    if key is not None:
        check_kms_key(key)
    return found


ENTITIES = ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember")
RESOURCES = ("view", "dataset", "routine")


def check_access(entries: list[dict[str, Any]]) -> None:
    """https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#access: each entry names one entity with a
    role, or one authorized resource without."""
    for entry in entries:
        named = [name for name in (*ENTITIES, *RESOURCES) if entry.get(name)]
        if len(named) != 1:
            raise invalid(f"An access entry names exactly one entity, this one has {', '.join(named) or 'none'}", "access")
        role = entry.get("role")
        if named[0] in RESOURCES:
            if role:
                raise invalid(f"An access entry of a {named[0]} has no role", "access")
        elif role not in ("READER", "WRITER", "OWNER") and not (role or "").startswith(("roles/", "projects/", "organizations/")):
            raise invalid(f"Invalid role {role} of an access entry", "access")


def check_kms_key(name: str) -> None:
    """https://docs.cloud.google.com/bigquery/docs/customer-managed-encryption#key_resource_id"""
    parts = name.split("/")
    if len(parts) < 8 or parts[0::2][:4] != ["projects", "locations", "keyRings", "cryptoKeys"] or not all(parts):
        raise invalid(f"Invalid KMS key name {name}: it must have the form "
                      "projects/PROJECT/locations/LOCATION/keyRings/KEY_RING/cryptoKeys/KEY")


def default_access(identity: Any) -> list[dict[str, str]]:
    return [{"role": "WRITER", "specialGroup": "projectWriters"}, {"role": "OWNER", "specialGroup": "projectOwners"},
            {"role": "OWNER", "userByEmail": identity.email}, {"role": "READER", "specialGroup": "projectReaders"}]


def insert(app: Any, request: Request, body: dict[str, Any]) -> Any:
    body = strip_nulls(body)
    project = request.parameters["projectId"]
    check_project_id(project)
    app.catalog.check_project(project)
    named = body.get("datasetReference") or {}
    if not named.get("datasetId"):
        raise ApiError("required", "Required parameter is missing: datasetReference.datasetId")
    if named.get("projectId", project) != project:
        raise invalid(f"Dataset reference's project {named['projectId']} is not the project of the request, {project}")
    return to_json(app, create(app, request.identity, DatasetRef(project, named["datasetId"]), body), request)


def create(app: Any, identity: Any, ref: DatasetRef, body: dict[str, Any]) -> Dataset:
    """A new dataset from a checked resource; ApiError `duplicate` when there is one. Also for CREATE SCHEMA."""
    check_dataset_id(ref.dataset)
    properties = check_properties(body, str(ref))
    location = location_of(body.get("location") or app.catalog.default_location)
    properties.setdefault("access", default_access(identity))
    with app.catalog.lock:
        if app.catalog.find_dataset(ref) is not None:
            raise ApiError("duplicate", f"Already Exists: Dataset {ref}")
        return app.catalog.put_dataset(Dataset(ref, location, properties, 0, 0))


def get(app: Any, request: Request, _: Any) -> Any:
    found = to_json(app, app.catalog.dataset(reference(request)), request)
    view = request.parameters.get("datasetView")
    if view == "METADATA":
        found.pop("access", None)
    elif view == "ACL":
        found = {name: found[name] for name in ("kind", "etag", "id", "selfLink", "datasetReference", "access",
                                                "location", "type") if name in found}
    return found


def list_datasets(app: Any, request: Request, _: Any) -> Any:
    project = request.parameters["projectId"]
    app.catalog.check_project(project)
    terms = label_filter(request.parameters.get("filter"))
    found = [item for item in app.catalog.datasets(project)
             if (request.parameters.get("all") or not item.ref.dataset.startswith("_"))
             and passes(terms, item.properties.get("labels", {})) and _visible(app, request, item)]
    chosen, token = page(request, found, lambda item: item.ref.dataset, 50)
    answer: dict[str, Any] = {"kind": "bigquery#datasetList", "etag": make_etag([item.etag for item in chosen])}
    if token:
        answer["nextPageToken"] = token
    if chosen:
        answer["datasets"] = [_entry(item) for item in chosen]
    return answer


def _visible(app: Any, request: Request, item: Dataset) -> bool:
    """Results are filtered to those on which the caller has bigquery.datasets.get."""
    try:
        app.auth.require(request.identity, "bigquery.datasets.get", f"projects/{item.ref.project}/datasets/{item.ref.dataset}")
    except ApiError:
        return False
    return True


def _entry(item: Dataset) -> dict[str, Any]:
    found = {"kind": "bigquery#dataset", "id": str(item.ref), "datasetReference": item.ref.to_json(),
             "location": item.location, "type": "DEFAULT"}
    found.update({name: item.properties[name] for name in ("labels", "friendlyName") if name in item.properties})
    return found


def patch(app: Any, request: Request, body: dict[str, Any]) -> Any:
    return _change(app, request, body, lambda old: merge_patch(old, body))


def update(app: Any, request: Request, body: dict[str, Any]) -> Any:
    # isCaseInsensitive, location and access without a value stay: a dataset always has them.
    def replaced(old: dict[str, Any]) -> dict[str, Any]:
        stays = {name: old[name] for name in ("access", "isCaseInsensitive") if name in old}
        return {**stays, **strip_nulls(body)}
    return _change(app, request, body, replaced)


def _change(app: Any, request: Request, body: dict[str, Any], merge: Any) -> Any:
    from standin.routes import check_match
    ref = reference(request)
    mode = request.parameters.get("updateMode")
    with app.catalog.lock:
        old = app.catalog.dataset(ref)
        check_match(request, old.etag)
        named = body.get("datasetReference") or {}
        if named.get("datasetId", ref.dataset) != ref.dataset or named.get("projectId", ref.project) != ref.project:
            raise invalid("The datasetReference of the body is not the dataset of the request")
        if body.get("location") and not same_location(body["location"], old.location):
            raise invalid(f"Cannot change the location of dataset {ref} from {old.location} to {body['location']}")
        merged = merge(old.properties)
        if mode == "UPDATE_METADATA":
            merged["access"] = old.properties.get("access")
        elif mode == "UPDATE_ACL":
            merged = {**old.properties, "access": merged.get("access")}
        properties = check_properties(merged, str(ref))
        return to_json(app, app.catalog.put_dataset(replace(old, properties=properties)), request)


def delete(app: Any, request: Request, _: Any) -> Any:
    from standin.routes import check_match
    with app.catalog.lock:
        check_match(request, app.catalog.dataset(reference(request)).etag)
        app.catalog.drop_dataset(reference(request), bool(request.parameters.get("deleteContents")))
    return None


def undelete(app: Any, request: Request, body: dict[str, Any]) -> Any:
    moment = body.get("deletionTime")
    time_ms = None
    if moment:
        try:
            time_ms = int(datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() * 1000)
        except ValueError:
            raise invalid(f"Invalid deletionTime {moment}", "deletionTime") from None
    return to_json(app, app.catalog.undelete_dataset(reference(request), time_ms), request)


def list_projects(app: Any, request: Request, _: Any) -> Any:
    names = app.catalog.projects or sorted({item.ref.project for item in app.catalog.all_datasets()})
    chosen, token = page(request, sorted(names), lambda name: name, 50)
    projects = [{"kind": "bigquery#project", "id": name, "numericId": str(10**11 + number), "friendlyName": name,
                 "projectReference": {"projectId": name}} for number, name in enumerate(chosen)]
    answer: dict[str, Any] = {"kind": "bigquery#projectList", "etag": make_etag(chosen), "totalItems": len(names)}
    if token:
        answer["nextPageToken"] = token
    if projects:
        answer["projects"] = projects
    return answer


def service_account(app: Any, request: Request, _: Any) -> Any:
    app.catalog.check_project(request.parameters["projectId"])
    return {"kind": "bigquery#getServiceAccountResponse",
            "email": f"bq-{10**11}@bigquery-encryption.iam.gserviceaccount.com"}


HANDLERS = {
    "bigquery.projects.list": list_projects,
    "bigquery.projects.getServiceAccount": service_account,
    "bigquery.datasets.list": list_datasets,
    "bigquery.datasets.get": get,
    "bigquery.datasets.insert": insert,
    "bigquery.datasets.patch": patch,
    "bigquery.datasets.update": update,
    "bigquery.datasets.delete": delete,
    "bigquery.datasets.undelete": undelete,
}
