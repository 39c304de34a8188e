# SPDX-License-Identifier: Apache-2.0
"""Who may do what on which resource.

Methods and their permissions: https://docs.cloud.google.com/bigquery/docs/access-control and
https://docs.cloud.google.com/storage/docs/access-control/iam-json. Roles: the same pages' tables; a role here lists
the permissions that this server asks for. Whoever has no policy may do everything.

Resources are named from the project down, and a grant holds for all below it:
projects/P, projects/P/datasets/D, projects/P/datasets/D/tables/T, projects/P/buckets/B, projects/P/buckets/B/objects/O,
projects/P/serviceAccounts/EMAIL."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field
from typing import Any

_VIEW = ["bigquery.datasets.get", "bigquery.datasets.getIamPolicy", "bigquery.tables.list", "bigquery.tables.get",
         "bigquery.tables.getData", "bigquery.tables.export", "bigquery.tables.getIamPolicy",
         "bigquery.routines.get", "bigquery.routines.list", "bigquery.models.getData", "bigquery.models.list",
         "bigquery.tables.createSnapshot", "resourcemanager.projects.get"]
_EDIT = _VIEW + ["bigquery.datasets.create", "bigquery.tables.create", "bigquery.tables.delete",
                 "bigquery.tables.update", "bigquery.tables.updateData", "bigquery.tables.updateTag",
                 "bigquery.tables.createIndex", "bigquery.tables.deleteIndex", "bigquery.tables.restoreSnapshot",
                 "bigquery.routines.create", "bigquery.routines.delete", "bigquery.routines.update"]
_OWN = _EDIT + ["bigquery.datasets.update", "bigquery.datasets.delete", "bigquery.datasets.setIamPolicy",
                "bigquery.tables.setIamPolicy", "bigquery.rowAccessPolicies.*"]
_OBJECTS_READ = ["storage.objects.get", "storage.objects.list"]
_OBJECTS_CREATE = ["storage.objects.create", "storage.multipartUploads.create", "storage.multipartUploads.abort",
                   "storage.multipartUploads.listParts"]
_OBJECTS_USE = _OBJECTS_READ + _OBJECTS_CREATE + ["storage.objects.delete", "storage.objects.update"]

ROLES: dict[str, list[str]] = {
    "roles/bigquery.dataViewer": _VIEW,
    "roles/bigquery.dataEditor": _EDIT,
    "roles/bigquery.dataOwner": _OWN,
    "roles/bigquery.metadataViewer": ["bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list",
                                      "resourcemanager.projects.get"],
    "roles/bigquery.jobUser": ["bigquery.jobs.create", "resourcemanager.projects.get"],
    "roles/bigquery.user": ["bigquery.jobs.create", "bigquery.jobs.list", "bigquery.datasets.create",
                            "bigquery.datasets.get", "bigquery.tables.list", "bigquery.readsessions.create",
                            "bigquery.readsessions.getData", "resourcemanager.projects.get"],
    "roles/bigquery.readSessionUser": ["bigquery.readsessions.create", "bigquery.readsessions.getData",
                                       "resourcemanager.projects.get"],
    "roles/bigquery.resourceViewer": ["bigquery.jobs.get", "bigquery.jobs.list", "bigquery.jobs.listAll"],
    "roles/bigquery.admin": ["bigquery.*", "resourcemanager.projects.get"],
    "roles/storage.objectViewer": _OBJECTS_READ,
    "roles/storage.objectCreator": _OBJECTS_CREATE,
    "roles/storage.objectUser": _OBJECTS_USE,
    "roles/storage.objectAdmin": _OBJECTS_USE + ["storage.objects.getIamPolicy", "storage.objects.setIamPolicy"],
    "roles/storage.admin": ["storage.*"],
    "roles/storage.legacyBucketReader": ["storage.buckets.get", "storage.objects.list"],
    "roles/storage.legacyBucketWriter": ["storage.buckets.get", "storage.objects.list", "storage.objects.delete",
                                         *_OBJECTS_CREATE],
    "roles/storage.bucketViewer": ["storage.buckets.get", "storage.buckets.list"],
    "roles/iam.serviceAccountTokenCreator": ["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.signJwt",
                                             "iam.serviceAccounts.signBlob", "iam.serviceAccounts.getOpenIdToken"],
    "roles/iam.workloadIdentityUser": ["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"],
    "roles/viewer": [*_VIEW, "bigquery.jobs.get", "bigquery.jobs.list", "storage.buckets.list"],
    "roles/editor": [*_EDIT, "bigquery.jobs.*", "storage.buckets.create", "storage.buckets.list",
                     "storage.buckets.delete"],
    "roles/owner": ["*"],
}

# method id -> (permission, the kind of resource that it is asked on); None: asked nowhere, or by the method itself
METHODS: dict[str, tuple[str, str] | None] = {
    "bigquery.projects.list": None,
    "bigquery.projects.getServiceAccount": ("resourcemanager.projects.get", "project"),
    "bigquery.datasets.list": None,
    "bigquery.datasets.get": ("bigquery.datasets.get", "dataset"),
    "bigquery.datasets.insert": ("bigquery.datasets.create", "project"),
    "bigquery.datasets.patch": ("bigquery.datasets.update", "dataset"),
    "bigquery.datasets.update": ("bigquery.datasets.update", "dataset"),
    "bigquery.datasets.delete": ("bigquery.datasets.delete", "dataset"),
    "bigquery.datasets.undelete": ("bigquery.datasets.create", "project"),
    "bigquery.tables.list": ("bigquery.tables.list", "dataset"),
    "bigquery.tables.get": ("bigquery.tables.get", "table"),
    "bigquery.tables.insert": ("bigquery.tables.create", "dataset"),
    "bigquery.tables.patch": ("bigquery.tables.update", "table"),
    "bigquery.tables.update": ("bigquery.tables.update", "table"),
    "bigquery.tables.delete": ("bigquery.tables.delete", "table"),
    "bigquery.tables.getIamPolicy": ("bigquery.tables.getIamPolicy", "table"),
    "bigquery.tables.setIamPolicy": ("bigquery.tables.setIamPolicy", "table"),
    "bigquery.tables.testIamPermissions": None,
    "bigquery.rowAccessPolicies.list": ("bigquery.rowAccessPolicies.list", "table"),
    "bigquery.rowAccessPolicies.get": ("bigquery.rowAccessPolicies.list", "table"),
    "bigquery.rowAccessPolicies.insert": ("bigquery.rowAccessPolicies.create", "table"),
    "bigquery.rowAccessPolicies.delete": ("bigquery.rowAccessPolicies.delete", "table"),
    "bigquery.tabledata.list": ("bigquery.tables.getData", "table"),
    "bigquery.tabledata.insertAll": ("bigquery.tables.updateData", "table"),
    "bigquery.jobs.insert": ("bigquery.jobs.create", "project"),
    "bigquery.jobs.query": ("bigquery.jobs.create", "project"),
    "bigquery.jobs.list": ("bigquery.jobs.list", "project"),
    "bigquery.jobs.get": None,
    "bigquery.jobs.getQueryResults": None,
    "bigquery.jobs.cancel": None,
    "bigquery.jobs.delete": None,
    "bigquery.routines.list": ("bigquery.routines.list", "dataset"),
    "bigquery.models.list": ("bigquery.models.list", "dataset"),
    "storage.buckets.list": ("storage.buckets.list", "project"),
    "storage.buckets.insert": ("storage.buckets.create", "project"),
    "storage.buckets.get": ("storage.buckets.get", "bucket"),
    "storage.buckets.patch": ("storage.buckets.update", "bucket"),
    "storage.buckets.update": ("storage.buckets.update", "bucket"),
    "storage.buckets.delete": ("storage.buckets.delete", "bucket"),
    "storage.buckets.getIamPolicy": ("storage.buckets.getIamPolicy", "bucket"),
    "storage.buckets.setIamPolicy": ("storage.buckets.setIamPolicy", "bucket"),
    "storage.buckets.getStorageLayout": ("storage.objects.list", "bucket"),
    "storage.buckets.testIamPermissions": None,
    "storage.objects.list": ("storage.objects.list", "bucket"),
    "storage.objects.get": ("storage.objects.get", "object"),
    "storage.objects.insert": ("storage.objects.create", "bucket"),
    "storage.objects.delete": ("storage.objects.delete", "object"),
    "storage.objects.patch": ("storage.objects.update", "object"),
    "storage.objects.update": ("storage.objects.update", "object"),
    "storage.objects.compose": ("storage.objects.create", "bucket"),
    "storage.objects.rewrite": None,
    "storage.objects.copy": None,
}


class PolicyError(ValueError):
    """A policy that makes no sense."""


def expand(names: list[str]) -> list[str]:
    """Roles to their permissions; permissions (patterns) stay."""
    found: list[str] = []
    for name in names:
        if name.startswith("roles/"):
            if name not in ROLES:
                raise PolicyError(f"the stand-in does not know the role {name}; it knows {', '.join(sorted(ROLES))}")
            found += ROLES[name]
        else:
            found.append(name)
    return found


@dataclass
class Grant:
    permissions: list[str]
    resource: str

    def gives(self, permission: str, resource: str) -> bool:
        below = self.resource == "*" or resource == self.resource or resource.startswith(self.resource + "/")
        return below and any(fnmatch.fnmatchcase(permission, pattern) for pattern in self.permissions)


@dataclass
class Policy:
    grants: list[Grant]
    deny: list[Grant] = field(default_factory=list)

    def allows(self, permission: str, resource: str) -> bool:
        return (any(grant.gives(permission, resource) for grant in self.grants)
                and not any(grant.gives(permission, resource) for grant in self.deny))


def _grants(entries: list[Any], what: str) -> list[Grant]:
    """Permissions and roles for everything, or objects that name a resource."""
    made = []
    for entry in entries:
        if isinstance(entry, str):
            made.append(Grant(expand([entry]), "*"))
            continue
        if not isinstance(entry, dict) or set(entry) - {"role", "permissions", "resource"}:
            raise PolicyError(f"{what} takes names and objects with role or permissions, and resource: {entry!r}")
        names = [entry["role"]] if "role" in entry else list(entry.get("permissions", []))
        made.append(Grant(expand(names), entry.get("resource", "*").rstrip("/")))
    return made


class Policies:
    """Policies by the e-mail address of an identity (patterns allowed)."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.policies: dict[str, Policy] = {}

    def put(self, identity: str, text: dict[str, Any]) -> None:
        """{"allow": [names] or null for everything, "grants": [{role|permissions, resource}], "deny": [names, objects]}"""
        unknown = sorted(set(text) - {"allow", "grants", "deny"})
        if unknown:
            raise PolicyError(f"a policy has no {', '.join(unknown)}; it has allow, grants and deny")
        grants = _grants(text.get("grants") or [], "grants")
        allow = text.get("allow")
        if allow is not None:
            grants += _grants(allow, "allow")
        elif not grants:
            grants = [Grant(["*"], "*")]
        policy = Policy(grants, _grants(text.get("deny") or [], "deny"))
        with self.lock:
            self.policies[identity] = policy

    def clear(self, identity: str | None = None) -> None:
        with self.lock:
            for name in [name for name in self.policies if identity in (None, name)]:
                del self.policies[name]

    def of(self, email: str) -> Policy | None:
        with self.lock:
            if email in self.policies:
                return self.policies[email]
            return next((policy for name, policy in self.policies.items() if fnmatch.fnmatchcase(email, name)), None)

    def allows(self, email: str, permission: str, resource: str) -> bool:
        policy = self.of(email)
        return policy is None or policy.allows(permission, resource)

    def denies(self, email: str, permission: str, resource: str) -> bool:
        """Somebody has said no, which holds even where no permission is asked for."""
        policy = self.of(email)
        return policy is not None and any(grant.gives(permission, resource) for grant in policy.deny)
