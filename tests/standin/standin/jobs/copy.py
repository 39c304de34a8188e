# SPDX-License-Identifier: Apache-2.0
"""Copy jobs: tables and partitions, snapshots, clones and restores, atomically.

https://docs.cloud.google.com/bigquery/docs/managing-tables#copy-table (and its limitations: a copy does not stop when it
is cancelled), …/docs/managing-partitioned-tables#copying_partitioned_tables (which specifications go together),
…/docs/primary-foreign-keys#limitations (constraints), …/rest/v2/Job#JobConfigurationTableCopy, …/docs/table-snapshots-intro,
…/docs/table-clones-intro"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any

from standin import partitions, physical, rowaccess
from standin.catalog import Table, TableRef, Transaction
from standin.datasets import check_kms_key
from standin.errors import ApiError, invalid, not_implemented
from standin.jobs import destination
from standin.jobs.destination import Destination, check_choice
from standin.physical import ident
from standin.resources import same_location
from standin.tablespec import with_defaults
from standin.types import Schema, merge_append

WRITE = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_EMPTY")
MAX_SOURCES = 1_200


@dataclass
class Source:
    """A table (maybe at a time) or one of its partitions."""
    shown: str
    table: Table
    partition: partitions.Partition | None


def operation(copy: dict[str, Any]) -> str:
    kind = copy.get("operationType") or "COPY"
    return "COPY" if kind == "OPERATION_TYPE_UNSPECIFIED" else kind


def source_references(copy: dict[str, Any]) -> list[TableRef]:
    one, several = copy.get("sourceTable"), copy.get("sourceTables")
    if one is not None and several:
        raise invalid("Only one of sourceTable and sourceTables should be specified.")
    if one is None and not several:
        raise ApiError("required", "Required parameter is missing: configuration.copy.sourceTables")
    return [destination.reference(item, "configuration.copy.sourceTables") for item in several or [one]]


def check(app: Any, copy: dict[str, Any], location: str, has_media: bool) -> None:
    """At once, when the job comes."""
    refs = source_references(copy)
    if len(refs) > MAX_SOURCES:
        raise invalid(f"Too many source tables: {len(refs)}, allowed are {MAX_SOURCES}")
    target = destination.reference(copy.get("destinationTable"), "configuration.copy.destinationTable")
    check_choice(copy.get("createDisposition"), destination.CREATE, "createDisposition")
    check_choice(copy.get("writeDisposition"), WRITE, "writeDisposition")
    if operation(copy) != "COPY" and len(refs) > 1:
        raise invalid(f"A {operation(copy)} operation takes one source table, not {len(refs)}")
    key = (copy.get("destinationEncryptionConfiguration") or {}).get("kmsKeyName")
    if key is not None:
        check_kms_key(key)
    expiration(copy)
    destination.check_destination(app, target, location)
    for ref in refs:
        dataset = app.catalog.dataset(ref.parent)
        if not same_location(dataset.location, location):
            raise not_implemented(f"copies across regions ({ref} is in {dataset.location}, the job in {location})")


def expiration(copy: dict[str, Any]) -> int | None:
    text = copy.get("destinationExpirationTime")
    if text is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise invalid(f"Invalid destinationExpirationTime {text}", "destinationExpirationTime") from None
    if moment.tzinfo is None:
        raise invalid(f"Invalid destinationExpirationTime {text}: it has no time zone", "destinationExpirationTime")
    return int(moment.timestamp() * 1000)


# The work --------------------------------------------------------------------------------------------------------

def run(app: Any, job: Any) -> None:
    copy = job.configuration["copy"]
    ref = destination.reference(copy["destinationTable"], "destinationTable")
    with app.catalog.transaction() as tx:
        found = [source(app, job, tx, each) for each in source_references(copy)]
        if operation(copy) in ("SNAPSHOT", "CLONE") and tx.find(ref) is not None:
            raise ApiError("duplicate", f"Already Exists: Table {ref}")
        target = destination.resolve(tx.find, ref, copy.get("createDisposition") or "CREATE_IF_NEEDED",
                                     copy.get("writeDisposition") or "WRITE_EMPTY")
        destination.require_permissions(app, job, target)
        check_kinds(copy, found, target)
        check_same_schemas(found)
        destination.check_encryption(target, copy.get("destinationEncryptionConfiguration"))
        destination.check_empty(target, tx)
        rows, size = apply(app, job, copy, found, target, tx)
    job.statistics["copy"] = {"copiedRows": str(rows), "copiedLogicalBytes": str(size)}


def source(app: Any, job: Any, tx: Transaction, ref: TableRef) -> Source:
    name, decorator, snapshot = partitions.split_table_id(ref.table)
    plain = ref._replace(table=name)
    app.catalog.dataset(ref.parent)
    app.auth.require(job.identity, "bigquery.tables.getData",
                     f"projects/{ref.project}/datasets/{ref.dataset}/tables/{name}")
    if snapshot is None:
        table = tx.table(plain)
    else:
        table = app.catalog.table_at(plain, app.clock.now_ms() + snapshot if snapshot < 0 else snapshot)
    if table.kind == "VIEW":
        raise invalid(f"{plain} is not allowed for this operation because it is currently a VIEW.")
    if table.policies:
        rowaccess.require(app, job.identity, "bigquery.rowAccessPolicies.list", table.ref)
        rowaccess.require(app, job.identity, "bigquery.rowAccessPolicies.getIamPolicy", table.ref)
        rowaccess.require_full_access(job.identity, table)
    return Source(str(ref), table, None if decorator is None else partitions.parse_decorator(table, decorator))


def check_kinds(copy: dict[str, Any], found: list[Source], target: Destination) -> None:
    """Which types of tables the operations go from and to: JobConfigurationTableCopy.OperationType."""
    kind = operation(copy)
    wanted = "SNAPSHOT" if kind == "RESTORE" else "TABLE"
    for each in found:
        if each.table.kind != wanted:
            raise invalid(f"{each.table.ref} is not allowed for the operation {kind} because it is currently a "
                          f"{each.table.kind}.")
    if kind in ("SNAPSHOT", "CLONE"):
        if target.decorator is not None or found[0].partition is not None:
            raise invalid(f"A {kind} operation is of whole tables, without partition decorators")


def check_same_schemas(found: list[Source]) -> None:
    """All sources have one schema, partitioning and clustering."""
    first = found[0].table
    for each in found[1:]:
        if form(each.table.schema) != form(first.schema):
            raise invalid(f"Source tables {first.ref} and {each.table.ref} have different schemas")
        if each.table.partitioned != first.partitioned or not partitions.same_specification(first, each.table):
            raise invalid(f"Source tables {first.ref} and {each.table.ref} have different partitioning specifications: "
                          f"{partitions.describe(first)} and {partitions.describe(each.table)}")
        if lowered(each.table.clustering) != lowered(first.clustering):
            raise invalid(f"Source tables {first.ref} and {each.table.ref} have different clustering specifications")


def form(schema: Schema) -> Any:
    """Names, types and modes."""
    return [(item.name.lower(), item.type.sql().lower(), item.mode) for item in schema]


def lowered(names: tuple[str, ...]) -> list[str]:
    return [name.lower() for name in names]


def apply(app: Any, job: Any, copy: dict[str, Any], found: list[Source], target: Destination, tx: Transaction
          ) -> tuple[int, int]:
    first = found[0].table
    if target.table is None:
        create(app, copy, found[0], target, tx)
    else:
        check_specifications(found, target)
        check_schema(first, target)
        if target.replaces_schema:
            overwrite(copy, first, target, tx)
        policies = rowaccess.copied(first, target.table, target.write == "WRITE_TRUNCATE")
        if policies != target.table.policies:
            tx.put(replace(tx.table(target.ref), policies=policies))
    if first.policies:
        rowaccess.require(app, job.identity, "bigquery.rowAccessPolicies.create", target.ref)
        rowaccess.require(app, job.identity, "bigquery.rowAccessPolicies.setIamPolicy", target.ref)
    table = tx.table(target.ref)
    if target.decorator is not None and target.partition is None:
        target.partition = destination.parse_for_write(table, target.decorator)
    staging = stage(job, found, target, table, tx)
    rows, size = tx.cursor.execute(
        f"SELECT count(*), coalesce(sum({physical.row_size(table.schema)}), 0) FROM {ident(staging)}").fetchone()
    destination.put_rows(tx, target, staging)
    tx.cursor.execute(f"DROP TABLE {ident(staging)}")
    return rows, int(size)


def create(app: Any, copy: dict[str, Any], first: Source, target: Destination, tx: Transaction) -> None:
    """A new table like the source, but for its expiration; the dataset's defaults hold for it."""
    kind = operation(copy)
    source_table = first.table
    fresh = replace(source_table, ref=target.ref, kind="SNAPSHOT" if kind == "SNAPSHOT" else "TABLE", expiration_ms=None,
                    base=None, created_ms=0)
    if kind in ("SNAPSHOT", "CLONE"):
        fresh = replace(fresh, base={"table": source_table.ref, "time_ms": base_time(app, copy)})
    if target.decorator is not None and not fresh.partitioned:
        raise invalid(f"Cannot write to the partition {target.shown}: the source table is not partitioned")
    properties = {name: item for name, item in fresh.properties.items() if name != "encryptionConfiguration"}
    fresh = destination.with_encryption(replace(fresh, properties=properties), copy.get("destinationEncryptionConfiguration"))
    fresh = with_defaults(app.catalog, fresh, app.catalog.dataset(target.ref.parent),
                          {"timePartitioning": {"expirationMs": "kept"}})
    moment = expiration(copy)
    if moment is not None:
        if moment <= app.clock.now_ms():
            raise invalid("destinationExpirationTime must be in the future", "destinationExpirationTime")
        fresh = replace(fresh, expiration_ms=moment)
    tx.create(fresh)


def base_time(app: Any, copy: dict[str, Any]) -> int:
    ref = source_references(copy)[0]
    snapshot = partitions.split_table_id(ref.table)[2]
    now = app.clock.now_ms()
    return now if snapshot is None else now + snapshot if snapshot < 0 else snapshot


def check_specifications(found: list[Source], target: Destination) -> None:
    """Partitioning and clustering of the sources and of a destination that is there."""
    table = target.table
    assert table is not None
    first = found[0].table
    if lowered(first.clustering) != lowered(table.clustering):
        raise invalid(f"Incompatible table partitioning specification. Expects clustering specification "
                      f"clustering({','.join(table.clustering)}), but input clustering specification is "
                      f"clustering({','.join(first.clustering)})")
    if not table.partitioned:
        return
    if not first.partitioned:
        if not table.ingestion_time:
            raise invalid(f"Incompatible table partitioning specification. Expects partitioning specification "
                          f"{partitions.describe(table)}, but input partitioning specification is none")
        return
    if not partitions.same_specification(first, table) and not coarser(found, target):
        raise invalid(f"Incompatible table partitioning specification. Expects partitioning specification "
                      f"{partitions.describe(table)}, but input partitioning specification is {partitions.describe(first)}")
    if target.partition is not None:
        check_decorators(found, target)


def coarser(found: list[Source], target: Destination) -> bool:
    """Between partitions of ingestion-time tables the destination's may be longer and contain the source's."""
    table = target.table
    assert table is not None
    return (table.ingestion_time and target.partition is not None and found[0].table.ingestion_time
            and all(contains(target.partition, each.partition) for each in found))


def contains(outer: partitions.Partition, inner: partitions.Partition | None) -> bool:
    return (inner is not None and outer.low is not None and outer.high is not None and inner.low is not None
            and inner.high is not None and outer.low <= inner.low and inner.high <= outer.high)


def check_decorators(found: list[Source], target: Destination) -> None:
    """Into a partition only the same partition of the sources goes."""
    assert target.partition is not None
    for each in found:
        if each.partition is None:
            raise invalid(f"Cannot copy the partitioned table {each.shown} into the partition {target.shown}: name the "
                          "source's partition too")
        if each.partition.id != target.partition.id and not contains(target.partition, each.partition):
            raise invalid(f"Cannot copy the partition {each.shown} into the partition {target.shown}: they must be the same "
                          "partition")


def check_schema(first: Table, target: Destination) -> None:
    """An append (or a partition) needs the destination's columns."""
    table = target.table
    assert table is not None
    if target.replaces_schema:
        return
    if not len(table.schema) and not table.rows:
        return
    for item in table.schema:
        if first.schema.find(item.name) is None:
            raise invalid(f"Provided Schema does not match Table {table.ref}. Field {item.name} is missing in new schema")
    merge_append(table.schema, first.schema, str(table.ref), additions=False, relaxation=False)
    for item in first.schema:
        mine = table.schema.find(item.name)
        if mine is not None and mine.type.sql().lower() != item.type.sql().lower():
            raise invalid(f"Provided Schema does not match Table {table.ref}. Field {item.name} has changed type from "
                          f"{mine.type.sql()} to {item.type.sql()}")


def overwrite(copy: dict[str, Any], first: Table, target: Destination, tx: Transaction) -> None:
    """WRITE_TRUNCATE: schema, constraints, description, labels and the expiration of partitions are the source's.
    Partitioning, clustering, key and the table's own expiration stay the destination's."""
    table = target.table
    assert table is not None
    key = table.properties.get("encryptionConfiguration")
    properties = {name: item for name, item in first.properties.items() if name != "encryptionConfiguration"}
    if key is not None:
        properties["encryptionConfiguration"] = key
    keys = tuple(each for each in first.foreign_keys if each.table != table.ref)
    partitioning = table.time_partitioning
    if partitioning is not None and first.time_partitioning is not None:
        partitioning = replace(partitioning, expiration_ms=first.time_partitioning.expiration_ms)
    fresh = replace(table, schema=first.schema, primary_key=first.primary_key, foreign_keys=keys, properties=properties,
                    time_partitioning=partitioning)
    tx.put(destination.with_encryption(fresh, copy.get("destinationEncryptionConfiguration")))


def stage(job: Any, found: list[Source], target: Destination, table: Table, tx: Transaction) -> str:
    """The rows of all sources in one physical table with the destination's columns."""
    staging = tx.new_physical(table)
    for each in found:
        old = {item.name.lower(): item for item in each.table.schema}
        values = []
        for item in table.schema:
            before = old.get(item.name.lower())
            values.append(physical.convert_field(before, item, ident(before.name) if before else "NULL"))
        if table.ingestion_time:
            values.append(partition_time(job, each, target, table))
        condition = partitions.predicate(each.table, each.partition) if each.partition is not None else "TRUE"
        tx.cursor.execute(f"INSERT INTO {ident(staging)} ({table.columns_sql}) SELECT {', '.join(values) or 'NULL'} "
                          f"FROM {each.table.source_sql} WHERE {condition}")
    return staging


def partition_time(job: Any, each: Source, target: Destination, table: Table) -> str:
    """Rows keep their partition, unless the destination names one or the source has none."""
    if target.partition is not None:
        return f"make_timestamp({target.partition.low})::TIMESTAMPTZ"
    if each.table.ingestion_time:
        return ident(physical.PARTITION_TIME)
    assert table.time_partitioning is not None
    name = partitions.id_of_time(job.started_ms * 1000, table.time_partitioning.type)
    return f"make_timestamp({partitions.parse_decorator(table, name).low})::TIMESTAMPTZ"
