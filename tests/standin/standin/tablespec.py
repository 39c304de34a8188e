# SPDX-License-Identifier: Apache-2.0
"""The Table resource of the API <-> Table records, with the rules for what a table may be.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table
Clustering: …/docs/creating-clustered-tables#limitations; keys: …/docs/primary-foreign-keys#limitations;
expiration: …/docs/managing-tables#updating_a_tables_expiration_time; views: …/docs/views"""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from typing import Any, Callable

from standin import partitions
from standin.catalog import Catalog, Dataset, ForeignKey, Table, TableRef
from standin.datasets import check_kms_key
from standin.errors import invalid, not_implemented
from standin.resources import check_labels, check_table_id
from standin.types import CLUSTERABLE, KEYABLE, LEGACY, Schema, schema_from_json

KEPT = ("friendlyName", "description", "labels", "encryptionConfiguration", "defaultCollation", "defaultRoundingMode",
        "maxStaleness", "resourceTags")
UNKNOWN = ("biglakeConfiguration", "externalCatalogTableOptions", "externalDataConfiguration", "materializedView",
           "model", "partitionDefinition", "tableReplicationInfo")
# Members that a changed body may name; everything else of the resource is output only.
MAX_CLUSTERING = 4
MAX_KEY_COLUMNS = 16
MAX_FOREIGN_KEYS = 64
MAX_TABLE_DESCRIPTION = 16384

Lookup = Callable[[TableRef], Table | None]


# JSON -> record -------------------------------------------------------------------------------------------

def table_from_json(catalog: Catalog, dataset: Dataset, name: str, body: dict[str, Any], find: Lookup) -> Table:
    """A new table's record from a checked resource without nulls. find: sees the other tables (foreign keys). The
    dataset's defaults (expirations, key, collation, rounding) are applied. Views: see views.py."""
    check_table_id(name)
    ref = TableRef(*dataset.ref, name)
    check_unknown(body)
    schema = schema_from_json(body.get("schema"))
    table = Table(ref, location=dataset.location, schema=schema, properties=kept_properties(body, ref))
    table = with_partitioning(table, body)
    table = with_clustering(table, body.get("clustering"))
    table = with_constraints(table, body.get("tableConstraints"), find)
    table = with_expiration(catalog, table, body.get("expirationTime"))
    return with_defaults(catalog, table, dataset, body)


def check_unknown(body: dict[str, Any]) -> None:
    for member in UNKNOWN:
        if body.get(member) is not None:
            raise not_implemented(f"table.{member}")
    if body.get("managedTableType") not in (None, "NATIVE", "MANAGED_TABLE_TYPE_UNSPECIFIED"):
        raise not_implemented(f"table.managedTableType {body['managedTableType']}")


def kept_properties(body: dict[str, Any], ref: TableRef) -> dict[str, Any]:
    found = {member: body[member] for member in KEPT if body.get(member) not in (None, "", {})}
    check_labels(found.get("labels"), f"table {ref}")
    if len(found.get("description", "")) > MAX_TABLE_DESCRIPTION:
        raise invalid(f"The description of table {ref} is too long. The maximum length is {MAX_TABLE_DESCRIPTION} "
                      "characters.", "description")
    if found.get("defaultCollation") not in (None, "und:ci"):
        raise invalid(f"Invalid defaultCollation {found['defaultCollation']}: only und:ci is supported", "defaultCollation")
    if found.get("defaultRoundingMode") == "ROUNDING_MODE_UNSPECIFIED":
        del found["defaultRoundingMode"]
    key = (found.get("encryptionConfiguration") or {}).get("kmsKeyName")
    if key is not None:
        check_kms_key(key)
    if "maxStaleness" in found and not re.fullmatch(r"-?\d+-\d+ -?\d+ -?\d+:\d+:\d+(\.\d+)?", found["maxStaleness"]):
        raise invalid(f"Invalid maxStaleness {found['maxStaleness']}: it is an INTERVAL, Y-M D H:M:S", "maxStaleness")
    return found


def with_partitioning(table: Table, body: dict[str, Any]) -> Table:
    time, ranged = body.get("timePartitioning"), body.get("rangePartitioning")
    if time is not None and ranged is not None:
        raise invalid("Only one of timePartitioning and rangePartitioning should be specified.")
    required = bool(body.get("requirePartitionFilter") or (time or {}).get("requirePartitionFilter"))
    if required and time is None and ranged is None:
        raise invalid("requirePartitionFilter can only be set on partitioned tables", "requirePartitionFilter")
    return replace(table, time_partitioning=partitions.time_partitioning_from_json(time, table.schema),
                   range_partitioning=partitions.range_partitioning_from_json(ranged, table.schema),
                   require_partition_filter=required)


def with_clustering(table: Table, value: dict[str, Any] | None) -> Table:
    if value is None:
        return replace(table, clustering=())
    names = value.get("fields") or []
    if not names:
        raise invalid("Clustering needs at least one field", "clustering")
    if len(names) > MAX_CLUSTERING:
        raise invalid(f"Clustering fields are {len(names)}, allowed are {MAX_CLUSTERING}", "clustering")
    if len({name.lower() for name in names}) != len(names):
        raise invalid(f"Clustering fields name a column twice: {', '.join(names)}", "clustering")
    return replace(table, clustering=tuple(_clustering_column(table.schema, name) for name in names))


def _clustering_column(schema: Schema, name: str) -> str:
    item = schema.find(name)
    if item is None:
        raise invalid(f"The field specified for clustering cannot be found in the schema. Invalid field: {name}.")
    if item.repeated:
        raise invalid(f"Field {name} is REPEATED: clustering is not supported on repeated fields.")
    if item.type.name not in CLUSTERABLE:
        raise invalid(f"Field {name} has type {LEGACY.get(item.type.name, item.type.name)} which is not supported for "
                      "clustering.")
    return item.name


def with_constraints(table: Table, value: dict[str, Any] | None, find: Lookup) -> Table:
    value = value or {}
    primary: tuple[str, ...] = ()
    if value.get("primaryKey") is not None:
        primary = _key_columns(table.schema, value["primaryKey"].get("columns") or [], "Primary key")
        if len(primary) > MAX_KEY_COLUMNS:
            raise invalid(f"Primary key has {len(primary)} columns, allowed are {MAX_KEY_COLUMNS}")
    table = replace(table, primary_key=primary, foreign_keys=())
    entries = value.get("foreignKeys") or []
    if len(entries) > MAX_FOREIGN_KEYS:
        raise invalid(f"Table {table.ref} has {len(entries)} foreign keys, allowed are {MAX_FOREIGN_KEYS}")
    keys: list[ForeignKey] = []
    for number, entry in enumerate(entries, 1):
        key = _foreign_key(table, entry, number, find)
        if any(key.name.lower() == other.name.lower() for other in keys):
            raise invalid(f"Duplicate constraint name {key.name} in table {table.ref}")
        keys.append(key)
    return replace(table, foreign_keys=tuple(keys))


def _key_columns(schema: Schema, names: list[str], what: str) -> tuple[str, ...]:
    if not names:
        raise invalid(f"{what} needs at least one column")
    found = []
    for name in names:
        item = schema.find(name)
        if item is None:
            raise invalid(f"{what} column {name} cannot be found in the schema (only top-level columns can be keys)")
        if item.repeated or item.type.name not in KEYABLE:
            kind = f"ARRAY<{item.type.name}>" if item.repeated else item.type.name
            raise invalid(f"{what} column {name} has type {kind}, which is not supported for keys")
        if item.name in found:
            raise invalid(f"{what} names column {name} twice")
        found.append(item.name)
    return tuple(found)


def _foreign_key(table: Table, entry: dict[str, Any], number: int, find: Lookup) -> ForeignKey:
    target = entry.get("referencedTable") or {}
    pairs = entry.get("columnReferences") or []
    if not all(target.get(name) for name in ("projectId", "datasetId", "tableId")) or not pairs:
        raise invalid("A foreign key needs referencedTable and columnReferences")
    ref = TableRef(target["projectId"], target["datasetId"], target["tableId"])
    if ref == table.ref:
        raise invalid(f"A foreign key cannot refer to its own table {ref}")
    other = find(ref)
    if other is None:
        raise invalid(f"The table {ref} that a foreign key refers to is not found")
    columns = _key_columns(table.schema, [pair.get("referencingColumn") or "" for pair in pairs], "Foreign key")
    referenced = _key_columns(other.schema, [pair.get("referencedColumn") or "" for pair in pairs], "Referenced key")
    if sorted(name.lower() for name in referenced) != sorted(name.lower() for name in other.primary_key):
        raise invalid(f"The columns that a foreign key refers to must be the primary key of {ref}")
    for mine, theirs in zip(columns, referenced):
        left, right = table.schema.find(mine), other.schema.find(theirs)
        if left is not None and right is not None and left.type.name != right.type.name:
            raise invalid(f"Foreign key column {mine} has type {left.type.name}, the column {theirs} of {ref} has type "
                          f"{right.type.name}")
    name = entry.get("name") or f"fk${number}"
    return ForeignKey(name, ref, tuple(zip(columns, referenced)))


def with_expiration(catalog: Catalog, table: Table, value: Any) -> Table:
    if value is None:
        return replace(table, expiration_ms=None)
    if int(value) <= catalog.clock.now_ms():
        raise invalid(f"Invalid expirationTime {value} of table {table.ref}: it must be in the future", "expirationTime")
    return replace(table, expiration_ms=int(value))


def with_defaults(catalog: Catalog, table: Table, dataset: Dataset, body: dict[str, Any]) -> Table:
    """What a new table takes over from its dataset."""
    partition_default = dataset.default_partition_expiration_ms
    time = table.time_partitioning
    if time is not None and partition_default is not None and "expirationMs" not in (body.get("timePartitioning") or {}):
        table = replace(table, time_partitioning=replace(time, expiration_ms=partition_default))
    # With a default for partitions, partitioned tables do not take over the default for tables.
    lifetime = dataset.default_table_expiration_ms
    if lifetime is not None and table.expiration_ms is None and not (time is not None and partition_default is not None):
        table = replace(table, expiration_ms=catalog.clock.now_ms() + lifetime)
    properties = dict(table.properties)
    for mine, theirs in (("encryptionConfiguration", "defaultEncryptionConfiguration"),
                         ("defaultCollation", "defaultCollation"), ("defaultRoundingMode", "defaultRoundingMode")):
        if mine not in properties and dataset.properties.get(theirs) not in (None, "ROUNDING_MODE_UNSPECIFIED"):
            properties[mine] = dataset.properties[theirs]
    fields = tuple(_field_defaults(item, properties) for item in table.schema)
    return replace(table, properties=properties, schema=Schema(fields))


def _field_defaults(item: Any, properties: dict[str, Any]) -> Any:
    """New STRING columns take the table's collation, new decimal ones its rounding mode."""
    if item.type.name == "STRING" and item.collation is None and properties.get("defaultCollation"):
        return replace(item, collation=properties["defaultCollation"])
    if item.type.name in ("NUMERIC", "BIGNUMERIC") and item.rounding is None and properties.get("defaultRoundingMode"):
        return replace(item, rounding=properties["defaultRoundingMode"])
    return item


# Record -> JSON -------------------------------------------------------------------------------------------

def constraints_to_json(table: Table) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    if table.primary_key:
        found["primaryKey"] = {"columns": list(table.primary_key)}
    if table.foreign_keys:
        found["foreignKeys"] = [
            {"name": key.name, "referencedTable": key.table.to_json(),
             "columnReferences": [{"referencingColumn": mine, "referencedColumn": theirs} for mine, theirs in key.columns]}
            for key in table.foreign_keys]
    return found or None


def partitioning_to_json(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if table.time_partitioning is not None:
        found["timePartitioning"] = partitions.time_partitioning_to_json(table.time_partitioning)
        if table.require_partition_filter:
            found["timePartitioning"]["requirePartitionFilter"] = True
    if table.range_partitioning is not None:
        found["rangePartitioning"] = partitions.range_partitioning_to_json(table.range_partitioning)
    if table.partitioned:
        found["requirePartitionFilter"] = table.require_partition_filter
    if table.clustering:
        found["clustering"] = {"fields": list(table.clustering)}
    return found


def base_to_json(table: Table) -> dict[str, Any]:
    if table.base is None:
        return {}
    moment = datetime.datetime.fromtimestamp(table.base["time_ms"] / 1000, datetime.timezone.utc)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    base = {"baseTableReference": table.base["table"].to_json()}
    if table.kind == "SNAPSHOT":
        return {"snapshotDefinition": {**base, "snapshotTime": text}}
    return {"cloneDefinition": {**base, "cloneTime": text}}


def table_to_json(table: Table, base_url: str, *, statistics: bool = True, selected: Schema | None = None,
                  name: str | None = None) -> dict[str, Any]:
    """The resource. statistics: with rows and bytes (view STORAGE_STATS). selected: only these columns. name: the id
    as asked for (with a decorator)."""
    ref = table.ref if name is None else table.ref._replace(table=name)
    found: dict[str, Any] = {
        "kind": "bigquery#table", "etag": table.etag, "id": str(ref),
        "selfLink": f"{base_url}/bigquery/v2/projects/{ref.project}/datasets/{ref.dataset}/tables/{ref.table}",
        "tableReference": ref.to_json(), **table.properties}
    schema = table.schema if selected is None else selected
    if len(schema):
        found["schema"] = schema.to_json()
    found.update(partitioning_to_json(table))
    constraints = constraints_to_json(table)
    if constraints is not None:
        found["tableConstraints"] = constraints
    if table.view is not None:
        found["view"] = table.view
    found.update(base_to_json(table))
    if statistics:
        size = str(table.bytes)
        found.update(numBytes=size, numLongTermBytes="0", numRows=str(table.rows))
        if table.kind != "VIEW":
            found.update(numTotalLogicalBytes=size, numActiveLogicalBytes=size, numLongTermLogicalBytes="0")
            if table.partitioned:
                found["numPartitions"] = str(len(table.partition_times))
    found.update(creationTime=str(table.created_ms), lastModifiedTime=str(table.modified_ms), type=table.kind,
                 location=table.location)
    if table.expiration_ms is not None:
        found["expirationTime"] = str(table.expiration_ms)
    return found


def entry_to_json(table: Table) -> dict[str, Any]:
    """One entry of tables.list."""
    found: dict[str, Any] = {"kind": "bigquery#table", "id": str(table.ref), "tableReference": table.ref.to_json(),
                             "type": table.kind, "creationTime": str(table.created_ms)}
    found.update({name: table.properties[name] for name in ("labels", "friendlyName") if name in table.properties})
    found.update(partitioning_to_json(table))
    if table.expiration_ms is not None:
        found["expirationTime"] = str(table.expiration_ms)
    if table.view is not None:
        found["view"] = {"useLegacySql": table.view.get("useLegacySql", False)}
    return found


def select_columns(schema: Schema, text: str | None) -> Schema:
    """selectedFields: `a,b.c`, in the order of the schema."""
    if not text:
        return schema
    paths = [path.strip().split(".") for path in text.split(",") if path.strip()]
    return Schema(_select(schema.fields, paths, ""))


def _select(fields: tuple[Any, ...], paths: list[list[str]], where: str) -> tuple[Any, ...]:
    known = {item.name.lower() for item in fields}
    for path in paths:
        if path[0].lower() not in known:
            raise invalid(f"No such field: {where}{path[0]}", "selectedFields")
    chosen = []
    for item in fields:
        below = [path[1:] for path in paths if path[0].lower() == item.name.lower()]
        if not below:
            continue
        if [] not in below:
            members = _select(item.type.fields, below, f"{where}{item.name}.")
            item = replace(item, type=replace(item.type, fields=members))
        chosen.append(item)
    return tuple(chosen)
