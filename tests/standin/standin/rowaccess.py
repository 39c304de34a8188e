# SPDX-License-Identifier: Apache-2.0
"""Row-level access policies of tables: the methods rowAccessPolicies.*, and what jobs do to policies.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/rowAccessPolicies
Permissions: https://docs.cloud.google.com/bigquery/docs/managing-row-level-security
What removes and copies them: …/docs/row-level-security-intro#implicit_deletion_of_row-level_access_policies
Full access (the TRUE filter): …/docs/using-row-level-security-with-features

Rows are not filtered here: a table with policies can be read with full access only. Who is in a group or a domain is
not known, so those grant nothing."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace
from typing import Any

from standin import partitions
from standin.catalog import Table, TableRef, Transaction, make_etag
from standin.errors import ApiError, invalid, not_implemented
from standin.http import Request
from standin.resources import page, strip_nulls

MAX_POLICIES = 400  # https://docs.cloud.google.com/bigquery/quotas#row-level_security
EVERYBODY = ("allUsers", "allAuthenticatedUsers")


@dataclass(frozen=True)
class RowPolicy:
    """filter: the SQL condition. grantees: as IAM spells members; callers never see them in answers."""
    id: str
    filter: str
    grantees: tuple[str, ...]
    created_ms: int

    @property
    def is_true(self) -> bool:
        return self.filter.strip("() \t\n").upper() == "TRUE"


def require(app: Any, identity: Any, permission: str, ref: TableRef) -> None:
    app.auth.require(identity, permission, f"projects/{ref.project}/datasets/{ref.dataset}/tables/{ref.table}")


# Methods ----------------------------------------------------------------------------------------------------

def reference(request: Request) -> TableRef:
    named = request.parameters
    ref = TableRef(named["projectId"], named["datasetId"], named["tableId"])
    if ref.table != partitions.split_table_id(ref.table)[0]:
        raise invalid(f"Row access policies belong to whole tables: {ref}")
    return ref


def to_json(table: Table, policy: RowPolicy) -> dict[str, Any]:
    moment = rfc3339(policy.created_ms)
    return {"etag": make_etag(table.ref, policy.id, policy.filter, policy.created_ms),
            "rowAccessPolicyReference": {**table.ref.to_json(), "policyId": policy.id},
            "filterPredicate": policy.filter, "creationTime": moment, "lastModifiedTime": moment}


def rfc3339(moment_ms: int) -> str:
    moment = datetime.datetime.fromtimestamp(moment_ms / 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment_ms % 1000:03d}Z"


def list_policies(app: Any, request: Request, _: Any) -> Any:
    table = app.catalog.table(reference(request))
    request.parameters["maxResults"] = request.parameters.get("pageSize")
    chosen, token = page(request, sorted(table.policies, key=lambda item: item.id), lambda item: item.id, 50)
    answer: dict[str, Any] = {}
    if chosen:
        answer["rowAccessPolicies"] = [to_json(table, each) for each in chosen]
    if token:
        answer["nextPageToken"] = token
    return answer


def find(table: Table, name: str) -> RowPolicy:
    found = next((each for each in table.policies if each.id == name), None)
    if found is None:
        raise ApiError("notFound", f"Not found: Row access policy {name} on table {table.ref}")
    return found


def get(app: Any, request: Request, _: Any) -> Any:
    table = app.catalog.table(reference(request))
    return to_json(table, find(table, request.parameters["policyId"]))


def insert(app: Any, request: Request, body: dict[str, Any]) -> Any:
    body = strip_nulls(body)
    ref = reference(request)
    require(app, request.identity, "bigquery.rowAccessPolicies.setIamPolicy", ref)
    require(app, request.identity, "bigquery.tables.getData", ref)
    named = body.get("rowAccessPolicyReference") or {}
    if any(named.get(key) not in (None, value) for key, value in ref.to_json().items()):
        raise invalid("The rowAccessPolicyReference of the body is not of the table of the request")
    policy = RowPolicy(named.get("policyId") or "", body.get("filterPredicate") or "", tuple(body.get("grantees") or ()),
                       app.clock.tick_ms())
    # rowAccessPolicyReference.policyId: letters, digits, underscores; up to 256 characters
    if not re.fullmatch(r"[A-Za-z0-9_]{1,256}", policy.id):
        raise invalid(f'Invalid row access policy ID "{policy.id}"', "rowAccessPolicyReference.policyId")
    if not policy.filter.strip():
        raise ApiError("required", "Required parameter is missing: filterPredicate")
    with app.catalog.transaction() as tx:
        table = tx.table(ref)
        if table.kind != "TABLE":
            raise invalid(f"{ref} is not allowed for this operation because it is currently a {table.kind}.")
        check_filter(app, request, ref, policy.filter)
        if len(table.policies) >= MAX_POLICIES:
            raise ApiError("quotaExceeded", f"Table {ref} has {MAX_POLICIES} row access policies, allowed are as many")
        if any(each.id == policy.id for each in table.policies):
            raise ApiError("duplicate", f"Already Exists: Row access policy {policy.id} on table {ref}")
        table = tx.put(replace(table, policies=(*table.policies, policy)))
    return to_json(table, policy)


def check_filter(app: Any, request: Request, ref: TableRef, text: str) -> None:
    """A boolean expression over the table's columns: Google's analyzer says whether it is one."""
    app.sql.view_schema(app, f"SELECT 1 AS one FROM `{ref.project}`.`{ref.dataset}`.`{ref.table}` WHERE ({text})", ref)


def delete(app: Any, request: Request, _: Any) -> Any:
    ref = reference(request)
    require(app, request.identity, "bigquery.rowAccessPolicies.setIamPolicy", ref)
    with app.catalog.transaction() as tx:
        table = tx.table(ref)
        policy = find(table, request.parameters["policyId"])
        if len(table.policies) == 1 and not request.parameters.get("force"):
            raise invalid(f"Deleting {policy.id}, the last row access policy of {ref}, would widen access; force says that "
                          "it is meant")
        tx.put(replace(table, policies=tuple(each for each in table.policies if each != policy)))
    return None


# Jobs -------------------------------------------------------------------------------------------------------

def has_full_access(identity: Any, table: Table) -> bool:
    members = {*EVERYBODY, f"user:{identity.email}", f"serviceAccount:{identity.email}"}
    return not table.policies or any(each.is_true and members & set(each.grantees) for each in table.policies)


def require_full_access(identity: Any, table: Table) -> None:
    """Of DML, copy jobs and tabledata.list."""
    if not has_full_access(identity, table):
        raise ApiError("accessDenied", f"Access Denied: Table {table.ref}: User does not have full access to a table that has "
                       "row access policies (a policy with the filter TRUE)")


def refuse_filtered(identity: Any, table: Table) -> None:
    """Of queries and extract jobs, which would see some of the rows."""
    if not has_full_access(identity, table):
        raise not_implemented(f"reading {table.ref} under row access policies without a TRUE filter")


def copied(first: Table, target: Table, replaces: bool) -> tuple[RowPolicy, ...]:
    """The destination's after a copy: the source's instead of its own, or both."""
    if replaces:
        return first.policies
    names = {each.id for each in target.policies}
    twice = sorted(each.id for each in first.policies if each.id in names)
    if twice:
        raise invalid(f"Row access policy {twice[0]} is on the source table {first.ref} and on {target.ref}")
    return (*target.policies, *first.policies)


def dropped(tx: Transaction, ref: TableRef) -> None:
    """WRITE_TRUNCATE takes the policies away, of a partition too."""
    table = tx.table(ref)
    if table.policies:
        tx.put(replace(table, policies=()))


HANDLERS = {
    "bigquery.rowAccessPolicies.list": list_policies,
    "bigquery.rowAccessPolicies.get": get,
    "bigquery.rowAccessPolicies.insert": insert,
    "bigquery.rowAccessPolicies.delete": delete,
}
