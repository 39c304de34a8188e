# SPDX-License-Identifier: Apache-2.0
"""The methods tables.*.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables
Changing schemas: https://docs.cloud.google.com/bigquery/docs/managing-table-schemas
Deleting partitions: https://docs.cloud.google.com/bigquery/docs/managing-partitioned-tables#delete_a_partition"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from standin import defaults, partitions, tablespec
from standin.catalog import DatasetRef, Table, TableRef, Transaction, make_etag
from standin.errors import ApiError, invalid, not_implemented
from standin.http import Request, unquoted
from standin.physical import ident
from standin.resources import merge_patch, page, strip_nulls
from standin.types import merge_update, schema_from_json

CHANGEABLE = (*tablespec.KEPT, "schema", "timePartitioning", "rangePartitioning", "requirePartitionFilter", "clustering",
              "tableConstraints", "expirationTime", "view")


def reference(request: Request) -> TableRef:
    """With a decorator still in the table's name."""
    return TableRef(request.parameters["projectId"], request.parameters["datasetId"], request.parameters["tableId"])


def locate(app: Any, ref: TableRef) -> tuple[Table, partitions.Partition | None]:
    """The table (at a time, for T@ms) and the partition (T$p) that an id with decorators names."""
    name, decorator, snapshot = partitions.split_table_id(ref.table)
    plain = ref._replace(table=name)
    app.catalog.dataset(ref.parent)
    if snapshot is None:
        table = app.catalog.table(plain)
    else:
        now = app.clock.now_ms()
        table = app.catalog.table_at(plain, now + snapshot if snapshot < 0 else snapshot)
    return table, None if decorator is None else partitions.parse_decorator(table, decorator)


# Creating ---------------------------------------------------------------------------------------------------

def insert(app: Any, request: Request, body: dict[str, Any]) -> Any:
    body = strip_nulls(body)
    parent = DatasetRef(request.parameters["projectId"], request.parameters["datasetId"])
    named = body.get("tableReference") or {}
    if not named.get("tableId"):
        raise ApiError("required", "Required parameter is missing: tableReference.tableId")
    if named.get("projectId", parent.project) != parent.project or named.get("datasetId", parent.dataset) != parent.dataset:
        raise invalid("The tableReference of the body is not in the dataset of the request")
    with app.catalog.transaction() as tx:
        table = create(app, tx, TableRef(*parent, named["tableId"]), body)
        defaults.check(app, request.identity, table.ref, table.schema)
    return tablespec.table_to_json(app.catalog.table(TableRef(*parent, named["tableId"])), request.base_url)


def create(app: Any, tx: Transaction, ref: TableRef, body: dict[str, Any]) -> Table:
    """A new table or view from a resource (checked against the discovery document, without nulls), in a transaction.
    For tables.insert, CREATE TABLE, CREATE VIEW and jobs that create their destination."""
    dataset = app.catalog.dataset(ref.parent)
    if tx.find(ref) is not None:
        raise ApiError("duplicate", f"Already Exists: Table {ref}")
    if body.get("view") is not None:
        return tx.create(_view(app, tx, ref, body))
    return tx.create(tablespec.table_from_json(app.catalog, dataset, ref.table, body, tx.find))


def _view(app: Any, tx: Transaction, ref: TableRef, body: dict[str, Any]) -> Table:
    """https://docs.cloud.google.com/bigquery/docs/views"""
    view = body["view"]
    for member in ("timePartitioning", "rangePartitioning", "clustering", "tableConstraints"):
        if body.get(member) is not None:
            raise invalid(f"{member} is not supported on views")
    if not view.get("query"):
        raise invalid("The query of a view is missing", "view.query")
    if view.get("useLegacySql", True):
        raise not_implemented("legacy SQL (view.useLegacySql is true unless it is set to false)")
    for member in ("userDefinedFunctionResources", "privacyPolicy", "foreignDefinitions"):
        if view.get(member):
            raise not_implemented(f"view.{member}")
    schema = app.sql.view_schema(app, view["query"], ref)
    plain = {name: item for name, item in body.items() if name not in ("view", "schema")}
    dataset = app.catalog.dataset(ref.parent)
    table = tablespec.table_from_json(app.catalog, dataset, ref.table, plain, tx.find)
    return replace(table, kind="VIEW", schema=schema, view={"query": view["query"], "useLegacySql": False})


# Reading ----------------------------------------------------------------------------------------------------

def get(app: Any, request: Request, _: Any) -> Any:
    ref = reference(request)
    table, partition = locate(app, ref)
    if partition is not None:
        rows, size = partition_size(app, table, partition)
        table = replace(table, rows=rows, bytes=size)
    selected = tablespec.select_columns(table.schema, request.parameters.get("selectedFields"))
    statistics = request.parameters.get("view") != "BASIC"
    return tablespec.table_to_json(table, request.base_url, statistics=statistics, selected=selected,
                                    name=table.ref.table + ref.table[len(table.ref.table):])


def partition_size(app: Any, table: Table, partition: partitions.Partition) -> tuple[int, int]:
    cursor = app.catalog.cursor()
    try:
        return next(((rows, size) for name, rows, size in partitions.statistics(cursor, table) if name == partition.id),
                    (0, 0))
    finally:
        cursor.close()


def list_tables(app: Any, request: Request, _: Any) -> Any:
    parent = DatasetRef(request.parameters["projectId"], request.parameters["datasetId"])
    found = app.catalog.tables(parent)
    chosen, token = page(request, found, lambda table: table.ref.table, 50)
    answer: dict[str, Any] = {"kind": "bigquery#tableList", "etag": make_etag([table.etag for table in chosen]),
                              "totalItems": len(found)}
    if token:
        answer["nextPageToken"] = token
    if chosen:
        answer["tables"] = [tablespec.entry_to_json(table) for table in chosen]
    return answer


# Changing ---------------------------------------------------------------------------------------------------

def as_body(table: Table) -> dict[str, Any]:
    """The changeable members of the resource."""
    resource = tablespec.table_to_json(table, "", statistics=False)
    return {name: resource[name] for name in CHANGEABLE if name in resource}


def patch(app: Any, request: Request, body: dict[str, Any]) -> Any:
    return _change(app, request, body, lambda old: merge_patch(old, body))


def update(app: Any, request: Request, body: dict[str, Any]) -> Any:
    return _change(app, request, body, lambda old: strip_nulls(body))


def _change(app: Any, request: Request, body: dict[str, Any], merge: Any) -> Any:
    from standin.routes import check_match
    if request.parameters.get("autodetect_schema"):
        raise not_implemented("autodetect_schema")
    ref = reference(request)
    if ref.table != partitions.split_table_id(ref.table)[0]:
        raise invalid(f"Cannot update a table with a decorator: {ref}")
    named = body.get("tableReference") or {}
    if any(named.get(key) not in (None, value) for key, value in ref.to_json().items()):
        raise invalid("The tableReference of the body is not the table of the request")
    with app.catalog.transaction() as tx:
        app.catalog.dataset(ref.parent)
        table = tx.table(ref)
        check_match(request, table.etag)
        tablespec.check_unknown(body)
        changed = change(app, tx, table, merge(as_body(table)), body)
        defaults.check(app, request.identity, changed.ref, changed.schema, table.schema)
    return tablespec.table_to_json(app.catalog.table(table.ref), request.base_url)


def change(app: Any, tx: Transaction, table: Table, merged: dict[str, Any], given: dict[str, Any]) -> Table:
    """The table with the members of a changed resource; refuses what cannot change. given: what the caller said."""
    ref = table.ref
    if table.kind == "VIEW":
        return _change_view(app, tx, table, merged, given)
    if merged.get("view") is not None:
        raise invalid(f"Cannot turn table {ref} into a view")
    if table.kind == "SNAPSHOT" and given.get("schema") is not None:
        raise invalid(f"The schema of the table snapshot {ref} cannot be changed")
    schema = table.schema
    if given.get("schema") is not None:
        schema = merge_update(table.schema, schema_from_json(merged.get("schema")), str(ref))
    elif "schema" in given:
        raise invalid(f"Provided Schema does not match Table {ref}. The schema cannot be removed")
    if schema != table.schema:
        table = tx.set_schema(ref, schema)
    table = _change_partitioning(table, merged, given)
    table = tablespec.with_clustering(table, merged.get("clustering"))
    table = tablespec.with_constraints(table, merged.get("tableConstraints"), tx.find)
    if merged.get("expirationTime") != (None if table.expiration_ms is None else str(table.expiration_ms)):
        table = tablespec.with_expiration(app.catalog, table, merged.get("expirationTime"))
    return tx.put(replace(table, properties=tablespec.kept_properties(merged, ref)))


def _change_partitioning(table: Table, merged: dict[str, Any], given: dict[str, Any]) -> Table:
    """Only the expiration of partitions and requirePartitionFilter may change."""
    # The filter has two names (the older one below timePartitioning); what the caller said counts.
    time = dict(merged.get("timePartitioning") or {})
    inner = (given.get("timePartitioning") or {}).get("requirePartitionFilter")
    if "requirePartitionFilter" not in given and inner is not None:
        merged = {**merged, "requirePartitionFilter": inner}
    time.pop("requirePartitionFilter", None)
    if time:
        merged = {**merged, "timePartitioning": time}
    wanted = tablespec.with_partitioning(replace(table, require_partition_filter=False), merged)
    if partitions.same_specification(table, wanted):
        return wanted
    if not table.partitioned:
        raise invalid(f"Cannot convert non partitioned table to partitioned table: {table.ref}")
    if not wanted.partitioned:
        raise invalid(f"Cannot convert partitioned table to non partitioned table: {table.ref}")
    raise invalid(f"Cannot change partitioning spec for a partitioned table: {table.ref} has "
                  f"{partitions.describe(table)}, the request says {partitions.describe(wanted)}")


def _change_view(app: Any, tx: Transaction, table: Table, merged: dict[str, Any], given: dict[str, Any]) -> Table:
    body = {name: item for name, item in merged.items() if name != "expirationTime"}
    if merged.get("view") is None:
        raise invalid(f"Cannot turn view {table.ref} into a table")
    changed = _view(app, tx, table.ref, body) if merged["view"] != table.view else table
    if given.get("schema") is not None:
        # Of a view's columns only descriptions and policy tags can be changed.
        schema = merge_update(changed.schema, schema_from_json(given["schema"]), str(table.ref), additions=False)
        changed = replace(changed, schema=schema)
    changed = replace(table, schema=changed.schema, view=changed.view,
                      properties=tablespec.kept_properties(merged, table.ref))
    if merged.get("expirationTime") != (None if table.expiration_ms is None else str(table.expiration_ms)):
        changed = tablespec.with_expiration(app.catalog, changed, merged.get("expirationTime"))
    return tx.put(changed)


def delete(app: Any, request: Request, _: Any) -> Any:
    from standin.routes import check_match
    ref = reference(request)
    name, decorator, snapshot = partitions.split_table_id(ref.table)
    if snapshot is not None:
        raise invalid(f"Cannot delete a snapshot of a table: {ref}")
    plain = ref._replace(table=name)
    with app.catalog.transaction() as tx:
        app.catalog.dataset(ref.parent)
        table = tx.table(plain)
        check_match(request, table.etag)
        if decorator is None:
            tx.drop(table.ref)
        else:
            delete_partition(app, tx, table, partitions.parse_decorator(table, decorator))
    return None


def delete_partition(app: Any, tx: Transaction, table: Table, partition: partitions.Partition) -> None:
    if partition.id in (partitions.NULL, partitions.UNPARTITIONED):
        raise invalid(f"Cannot delete the partition {partition.id} of table {table.ref}")
    known = table.physical
    gone = tx.cursor.execute(f"SELECT count(*) FROM {ident(known)} WHERE {partitions.predicate(table, partition)}"
                             ).fetchone()[0]
    if not gone:
        raise ApiError("notFound", f"Not found: Partition {table.ref}${partition.id}")
    name = tx.rewrite(table.ref, copy=False)
    tx.cursor.execute(f"INSERT INTO {ident(name)} ({table.columns_sql}) SELECT {table.columns_sql} FROM {ident(known)} "
                      f"WHERE NOT {partitions.predicate(table, partition)} ORDER BY rowid")
    tx.touched(table.ref, {partition.id})


def test_permissions(app: Any, request: Request, body: dict[str, Any]) -> Any:
    resource = request.parameters["resource"]
    parts = [unquoted(part) for part in resource.split("/")]
    app.catalog.table(TableRef(parts[1], parts[3], parts[5]))
    held = app.auth.held(request.identity, body.get("permissions") or [], resource)
    return {"permissions": held} if held else {}


HANDLERS = {
    "bigquery.tables.get": get,
    "bigquery.tables.insert": insert,
    "bigquery.tables.list": list_tables,
    "bigquery.tables.patch": patch,
    "bigquery.tables.update": update,
    "bigquery.tables.delete": delete,
    "bigquery.tables.testIamPermissions": test_permissions,
}
