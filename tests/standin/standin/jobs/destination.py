# SPDX-License-Identifier: Apache-2.0
"""Where load and copy jobs write: the destination table, what may happen to it, and the one change that makes the
job's rows visible.

Dispositions: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad and
#JobConfigurationTableCopy; partitions: …/docs/load-data-partitioned-tables, …/docs/managing-partitioned-table-data;
limits: https://docs.cloud.google.com/bigquery/quotas#partitioned_tables"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from standin import partitions
from standin.catalog import DatasetRef, Table, TableRef, Transaction, table_not_found
from standin.errors import ApiError, invalid, not_implemented
from standin.physical import ident
from standin.resources import check_table_id, same_location

CREATE = ("CREATE_IF_NEEDED", "CREATE_NEVER")
WRITE = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_EMPTY")
UPDATE_OPTIONS = ("ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION")


def reference(value: dict[str, Any] | None, what: str) -> TableRef:
    """A TableReference of a configuration; its table id may have a decorator."""
    value = value or {}
    missing = [name for name in ("projectId", "datasetId", "tableId") if not value.get(name)]
    if missing:
        raise ApiError("required", f"Required parameter is missing: {what}.{missing[0]}")
    return TableRef(value["projectId"], value["datasetId"], value["tableId"])


def check_choice(value: str | None, allowed: tuple[str, ...], what: str) -> None:
    if value is not None and value not in allowed:
        raise invalid(f"Invalid value for {what}: {value} is not a valid value", what)


def check_destination(app: Any, ref: TableRef, location: str) -> None:
    """At once, when the job comes: the name, the dataset, its location."""
    name, _, snapshot = partitions.split_table_id(ref.table)
    check_table_id(name)
    if snapshot is not None:
        raise invalid(f"Cannot write to a snapshot of a table: {ref}")
    dataset = app.catalog.dataset(ref.parent)
    if not same_location(dataset.location, location):
        raise ApiError("notFound", f"Not found: Dataset {ref.parent} was not found in location {location}")


@dataclass
class Destination:
    """The destination as it is when the job looks: table None = not there. partition: of the decorator (None without one,
    or while there is no table)."""
    ref: TableRef
    decorator: str | None
    table: Table | None
    partition: partitions.Partition | None
    create: str
    write: str

    @property
    def shown(self) -> str:
        return f"{self.ref}${self.decorator}" if self.decorator is not None else str(self.ref)

    @property
    def truncates(self) -> bool:
        return self.write in ("WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA")

    @property
    def replaces_schema(self) -> bool:
        """WRITE_TRUNCATE of a whole table; of a partition it keeps the table's schema."""
        return self.write == "WRITE_TRUNCATE" and self.decorator is None


def resolve(find: Any, ref: TableRef, create: str, write: str) -> Destination:
    """find: sees tables (the catalog's or a transaction's). Raises what only shows with the table."""
    name, decorator, _ = partitions.split_table_id(ref.table)
    plain = ref._replace(table=name)
    table = find(plain)
    if table is None and create == "CREATE_NEVER":
        raise table_not_found(plain)
    partition = None
    if table is not None:
        if table.kind != "TABLE":
            raise invalid(f"{plain} is not allowed for this operation because it is currently a {table.kind}.")
        if decorator is not None:
            partition = parse_for_write(table, decorator)
        plain = table.ref
    return Destination(plain, decorator, table, partition, create, write)


def parse_for_write(table: Table, decorator: str) -> partitions.Partition:
    if not table.partitioned:
        raise invalid(f"Cannot write to the partition ${decorator} of table {table.ref}: the table is not partitioned")
    partition = partitions.parse_decorator(table, decorator)
    if partition.id == partitions.UNPARTITIONED or (partition.id == partitions.NULL and table.ingestion_time):
        raise invalid(f"Cannot write to the partition {partition.id} of table {table.ref}")
    return partition


def require_permissions(app: Any, job: Any, destination: Destination) -> None:
    """What a job that writes needs: to make the table, or to change its data (and its schema, when it may)."""
    ref = destination.ref
    dataset = f"projects/{ref.project}/datasets/{ref.dataset}"
    if destination.table is None:
        app.auth.require(job.identity, "bigquery.tables.create", dataset)
    resource = f"{dataset}/tables/{ref.table}"
    app.auth.require(job.identity, "bigquery.tables.updateData", resource)
    if destination.replaces_schema:
        app.auth.require(job.identity, "bigquery.tables.update", resource)


def check_empty(destination: Destination, tx: Transaction) -> None:
    """WRITE_EMPTY refuses a table (or partition) with rows."""
    if destination.write != "WRITE_EMPTY" or destination.table is None:
        return
    rows = destination.table.rows
    if destination.partition is not None:
        rows = tx.cursor.execute(f"SELECT count(*) FROM {destination.table.source_sql} WHERE "
                                 f"{partitions.predicate(destination.table, destination.partition)}").fetchone()[0]
    if rows:
        raise ApiError("duplicate", f"Already Exists: Table {destination.shown}")


def put_rows(tx: Transaction, destination: Destination, source: str) -> None:
    """Adds the rows of a physical table `source` (which has the destination's physical columns), or puts them in place of
    the table's or the partition's rows. The destination exists by now, in the transaction."""
    table = tx.table(destination.ref)
    fresh: list[str] = []
    if table.partitioned:
        fresh = partitions.ids_in(tx.cursor, table, ident(source))
        check_partitions(table, destination, fresh)
    replaced: set[str] = set(fresh)
    if destination.truncates and destination.partition is not None:
        old = table.physical
        name = tx.rewrite(table.ref, copy=False)
        tx.cursor.execute(f"INSERT INTO {ident(name)} ({table.columns_sql}) SELECT {table.columns_sql} FROM {ident(old)} "
                          f"WHERE NOT {partitions.predicate(table, destination.partition)} ORDER BY rowid")
        replaced.add(destination.partition.id)
        tx.touched(table.ref, replaced)
    elif destination.truncates:
        name = tx.rewrite(table.ref, copy=False)
    else:
        name = tx.append(table.ref)
    tx.cursor.execute(f"INSERT INTO {ident(name)} ({table.columns_sql}) SELECT {table.columns_sql} FROM {ident(source)} "
                      "ORDER BY rowid")
    if table.partitioned:
        check_partition_count(tx, tx.table(table.ref))


def check_partitions(table: Table, destination: Destination, fresh: list[str]) -> None:
    partitions.check_job_limit(table, fresh)
    if destination.partition is not None and any(name != destination.partition.id for name in fresh):
        other = next(name for name in fresh if name != destination.partition.id)
        raise invalid(f"Some rows belong to different partitions rather than destination partition {destination.shown} "
                      f"(for example {other})")


def check_partition_count(tx: Transaction, table: Table) -> None:
    present = partitions.ids_in(tx.cursor, table, ident(table.physical))
    if len(present) > partitions.MAX_PARTITIONS_PER_TABLE:
        raise ApiError("quotaExceeded", f"Table {table.ref} would have {len(present)} partitions, allowed are "
                       f"{partitions.MAX_PARTITIONS_PER_TABLE}")


def check_same_partitioning(table: Table, given: Table, *, said_partitioning: bool, said_clustering: bool) -> None:
    """A job may repeat the specification of the table that is there; another one is refused."""
    if said_partitioning and not partitions.same_specification(table, given):
        raise invalid(f"Incompatible table partitioning specification. Expects partitioning specification "
                      f"{partitions.describe(table)}, but input partitioning specification is {partitions.describe(given)}")
    mine, theirs = ([name.lower() for name in each.clustering] for each in (table, given))
    if said_clustering and mine != theirs:
        raise invalid(f"Incompatible table partitioning specification. Expects clustering specification "
                      f"clustering({','.join(table.clustering)}), but input clustering specification is "
                      f"clustering({','.join(given.clustering)})")


def check_encryption(destination: Destination, given: dict[str, Any] | None) -> None:
    """A key for a table that has another: only a job that replaces the table may bring it."""
    if given is None or destination.table is None:
        return
    key = given.get("kmsKeyName")
    current = (destination.table.properties.get("encryptionConfiguration") or {}).get("kmsKeyName")
    if key != current and not destination.replaces_schema:
        raise invalid(f"Table {destination.ref} is encrypted with the key {current or '(Google-managed)'}, the job asks for "
                      f"{key}")


def with_encryption(table: Table, given: dict[str, Any] | None) -> Table:
    if given is None:
        return table
    return replace(table, properties={**table.properties, "encryptionConfiguration": given})


def refuse_sessions(part: dict[str, Any]) -> None:
    for name in ("connectionProperties", "createSession"):
        if part.get(name):
            raise not_implemented(f"configuration.load.{name}")


def dataset_of(ref: TableRef) -> DatasetRef:
    return ref.parent
