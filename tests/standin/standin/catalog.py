# SPDX-License-Identifier: Apache-2.0
"""Datasets and tables: what is there, in which version, and where its rows are.

Records (Dataset, Table) are immutable; a change puts a new record in place of the old one. A physical DuckDB table
only grows: whatever changes or removes rows goes to a fresh physical table. So a Table record, once read, stays
readable, an older version is its record (time travel), and a rollback forgets records.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets and …/tables
Time travel: https://docs.cloud.google.com/bigquery/docs/time-travel
Transactions: https://docs.cloud.google.com/bigquery/docs/transactions"""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Iterator, NamedTuple

import duckdb

from standin import physical
from standin.errors import ApiError, invalid
from standin.physical import ident
from standin.types import Schema

TIME_TRAVEL_MS = 7 * 24 * 3600 * 1000
# Versions of one table that are kept: enough for tests of time travel, bounded in memory.
KEPT_VERSIONS = 12
KEPT_GONE = 200  # deleted tables


class Clock:
    """Wall time in milliseconds, never the same twice in a row nor backwards; tests may move it forward."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self.offset_ms = 0

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.offset_ms

    def tick_ms(self) -> int:
        """A time stamp later than any before it: versions of a table are told apart by it."""
        with self._lock:
            self._last = max(self._last + 1, self.now_ms())
            return self._last


class DatasetRef(NamedTuple):
    project: str
    dataset: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}"

    def to_json(self) -> dict[str, str]:
        return {"projectId": self.project, "datasetId": self.dataset}


class TableRef(NamedTuple):
    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"

    @property
    def parent(self) -> DatasetRef:
        return DatasetRef(self.project, self.dataset)

    def to_json(self) -> dict[str, str]:
        return {"projectId": self.project, "datasetId": self.dataset, "tableId": self.table}


@dataclass(frozen=True)
class Dataset:
    """properties: the members of the API's resource that callers set, as JSON (labels, description, access, …)."""
    ref: DatasetRef
    location: str
    properties: dict[str, Any]
    created_ms: int
    modified_ms: int
    etag: str = ""

    @property
    def default_table_expiration_ms(self) -> int | None:
        return _optional_int(self.properties.get("defaultTableExpirationMs"))

    @property
    def default_partition_expiration_ms(self) -> int | None:
        return _optional_int(self.properties.get("defaultPartitionExpirationMs"))


@dataclass(frozen=True)
class TimePartitioning:
    """type: HOUR, DAY, MONTH or YEAR. column: None = ingestion time (_PARTITIONTIME)."""
    type: str
    column: str | None = None
    expiration_ms: int | None = None


@dataclass(frozen=True)
class RangePartitioning:
    column: str
    start: int
    end: int
    interval: int


@dataclass(frozen=True)
class ForeignKey:
    name: str
    table: TableRef
    columns: tuple[tuple[str, str], ...]  # (referencing, referenced)


@dataclass(frozen=True)
class Table:
    """kind: TABLE, VIEW, SNAPSHOT (CLONE is a TABLE with `base`). rows, bytes: of the rows. row_limit: rows of the
    physical table that belong to this version. properties: further members of the resource as JSON
    (friendlyName, description, labels, encryptionConfiguration, defaultCollation, maxStaleness, …)."""
    ref: TableRef
    kind: str = "TABLE"
    schema: Schema = Schema()
    location: str = "US"
    physical: str = ""
    rows: int = 0
    bytes: int = 0
    time_partitioning: TimePartitioning | None = None
    range_partitioning: RangePartitioning | None = None
    clustering: tuple[str, ...] = ()
    require_partition_filter: bool = False
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    expiration_ms: int | None = None
    view: dict[str, Any] | None = None
    base: dict[str, Any] | None = None  # of snapshots and clones: {"table": TableRef, "time_ms": int}
    properties: dict[str, Any] = field(default_factory=dict)
    policies: tuple[Any, ...] = ()  # rowaccess.RowPolicy
    created_ms: int = 0
    modified_ms: int = 0
    etag: str = ""
    # When the partitions' rows changed last: partition id -> ms. Kept by transactions.
    partition_times: dict[str, int] = field(default_factory=dict, compare=False)
    next_expiry_ms: int | None = field(default=None, compare=False)  # when its oldest partition expires
    history: tuple["Table", ...] = field(default=(), compare=False, repr=False)

    @property
    def partitioned(self) -> bool:
        return self.time_partitioning is not None or self.range_partitioning is not None

    @property
    def ingestion_time(self) -> bool:
        """Has the pseudo column _PARTITIONTIME, physically too."""
        return self.time_partitioning is not None and self.time_partitioning.column is None

    @property
    def partition_column(self) -> str | None:
        """The column (or _PARTITIONTIME) that decides where a row belongs."""
        if self.range_partitioning is not None:
            return self.range_partitioning.column
        if self.time_partitioning is not None:
            return self.time_partitioning.column or physical.PARTITION_TIME
        return None

    @property
    def columns_sql(self) -> str:
        names = [ident(item.name) for item in self.schema]
        if self.ingestion_time:
            names.append(ident(physical.PARTITION_TIME))
        return ", ".join(names) or ident("__empty__")

    @property
    def source_sql(self) -> str:
        """A FROM item with exactly this version's rows and columns (and _PARTITIONTIME), in order of insertion.
        It can be read outside of the transaction that wrote it."""
        return self.slice_sql(0, self.rows)

    def slice_sql(self, first: int, count: int) -> str:
        """As source_sql, of `count` rows from row number `first` on."""
        last = min(self.rows, first + count)
        return f"(SELECT {self.columns_sql} FROM {ident(self.physical)} WHERE rowid >= {first} AND rowid < {last})"


def _optional_int(value: Any) -> int | None:
    return None if value in (None, "", "0", 0) else int(value)


def make_etag(*parts: Any) -> str:
    text = json.dumps(parts, default=str, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


class Catalog:
    """Thread-safe. `lock` is held by whoever changes something; reading takes it for moments only."""

    def __init__(self, clock: Clock, database: str = ":memory:", projects: tuple[str, ...] = (),
                 threads: int = 2, default_location: str = "US"):
        self.clock = clock
        self.projects = projects
        self.default_location = default_location
        self.lock = threading.RLock()
        self._state = threading.RLock()
        self._datasets: dict[DatasetRef, Dataset] = {}
        self._tables: dict[DatasetRef, dict[str, Table]] = {}
        self._graveyard: list[tuple[int, Table]] = []
        self._dead_datasets: list[tuple[int, Dataset]] = []
        self._forgotten: list[str] = []  # physical tables to be dropped
        self._numbers = itertools.count(1)
        self._thread = threading.local()
        self.database = duckdb.connect(database, config={"threads": threads, "temp_directory": tempfile.gettempdir()})
        self.database.execute("SET GLOBAL TimeZone = 'UTC'")

    def cursor(self) -> Any:
        """A DuckDB connection of the caller's own, to read with; close it."""
        cursor = self.database.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor

    def new_physical(self) -> str:
        return f"t_{next(self._numbers)}"

    def reset(self) -> None:
        """Everything is gone."""
        with self.lock, self._state:
            self._datasets.clear()
            self._tables.clear()
            self._graveyard.clear()
            self._dead_datasets.clear()
            cursor = self.cursor()
            for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                cursor.execute(f"DROP TABLE IF EXISTS {ident(name)}")
            cursor.close()

    # Reading --------------------------------------------------------------------------------------

    def check_project(self, project: str) -> None:
        if self.projects and project not in self.projects:
            raise ApiError("notFound", f"Not found: Project {project}")

    def find_dataset(self, ref: DatasetRef) -> Dataset | None:
        with self._state:
            return self._datasets.get(ref)

    def dataset(self, ref: DatasetRef) -> Dataset:
        self.check_project(ref.project)
        found = self.find_dataset(ref)
        if found is None:
            raise ApiError("notFound", f"Not found: Dataset {ref}")
        return found

    def datasets(self, project: str) -> list[Dataset]:
        """In order of their ids."""
        with self._state:
            return sorted((item for ref, item in self._datasets.items() if ref.project == project),
                          key=lambda item: item.ref)

    def all_datasets(self) -> list[Dataset]:
        with self._state:
            return sorted(self._datasets.values(), key=lambda item: item.ref)

    def find_table(self, ref: TableRef) -> Table | None:
        """None when it is not there or has expired."""
        with self._state:
            found = self._tables.get(ref.parent, {}).get(ref.table)
            if found is None:
                dataset = self._datasets.get(ref.parent)
                if dataset is not None and dataset.properties.get("isCaseInsensitive"):
                    found = next((item for name, item in self._tables[ref.parent].items()
                                  if name.lower() == ref.table.lower()), None)
        if found is None:
            return None
        now = self.clock.now_ms()
        if found.expiration_ms is not None and found.expiration_ms <= now:
            self._expire(found)
            return None
        if found.next_expiry_ms is not None and found.next_expiry_ms <= now and not self._in_transaction():
            return self._expire_partitions(found)
        return found

    def _in_transaction(self) -> bool:
        return getattr(self._thread, "depth", 0) > 0

    def _expire_partitions(self, table: Table) -> Table | None:
        with self.transaction() as tx:
            if tx.find(table.ref) is not None:
                tx.put(tx.table(table.ref))
        with self._state:
            return self._tables.get(table.ref.parent, {}).get(table.ref.table)

    def _expire(self, table: Table) -> None:
        with self._state:
            tables = self._tables.get(table.ref.parent, {})
            if tables.get(table.ref.table) is table:
                del tables[table.ref.table]
                self._bury(table.expiration_ms or 0, table)

    def _bury(self, gone_ms: int, table: Table) -> None:
        """Keeps a table that is gone for time travel; of very many only the last. The caller holds _state."""
        self._graveyard.append((gone_ms, table))
        for _, old in self._graveyard[:-KEPT_GONE]:
            for version in iterate_versions(old):
                self._forgotten.append(version.physical)
        del self._graveyard[:-KEPT_GONE]

    def table(self, ref: TableRef) -> Table:
        self.dataset(ref.parent)
        found = self.find_table(ref)
        if found is None:
            raise table_not_found(ref, self.dataset(ref.parent).location)
        return found

    def tables(self, ref: DatasetRef) -> list[Table]:
        """In order of their ids; without expired ones."""
        self.dataset(ref)
        with self._state:
            names = sorted(self._tables.get(ref, {}))
        found = (self.find_table(TableRef(*ref, name)) for name in names)
        return [table for table in found if table is not None]

    def table_at(self, ref: TableRef, time_ms: int) -> Table:
        """The version at a time in the time travel window, of a table that may be deleted by now."""
        now = self.clock.now_ms()
        if time_ms > now:
            raise invalid(f"Invalid snapshot time {time_ms} for table {ref}. Cannot read from the future")
        if time_ms < now - TIME_TRAVEL_MS:
            raise invalid(f"Invalid snapshot time {time_ms} for table {ref}. Cannot read before {now - TIME_TRAVEL_MS}")
        current = self.find_table(ref)
        candidates: list[tuple[int, Table]] = [] if current is None else [(now + 1, current)]
        with self._state:
            candidates += [item for item in self._graveyard if item[1].ref == ref]
        for gone_ms, table in candidates:
            if not table.created_ms <= time_ms < gone_ms:
                continue
            for version in (table, *reversed(table.history)):
                if version.modified_ms <= time_ms:
                    return version
            raise invalid(f"Invalid snapshot time {time_ms} for table {ref}. The stand-in keeps {KEPT_VERSIONS} versions")
        if candidates and current is not None:
            raise invalid(f"Invalid snapshot time {time_ms} for table {ref}. Cannot read before {current.created_ms}")
        raise table_not_found(ref, self.dataset(ref.parent).location)

    # Changing -------------------------------------------------------------------------------------

    def transaction(self, exclusive: bool = True) -> "Transaction":
        """exclusive: others wait until it ends (short changes). Otherwise a snapshot that may fail at its commit."""
        return Transaction(self, exclusive)

    def put_dataset(self, dataset: Dataset) -> Dataset:
        """Creates or replaces; sets times and etag."""
        with self.lock, self._state:
            now = self.clock.tick_ms()
            before = self._datasets.get(dataset.ref)
            created = before.created_ms if before else now
            dataset = replace(dataset, created_ms=created, modified_ms=now)
            dataset = replace(dataset, etag=make_etag(dataset.ref, dataset.properties, dataset.location, now))
            self._datasets[dataset.ref] = dataset
            self._tables.setdefault(dataset.ref, {})
            return dataset

    def drop_dataset(self, ref: DatasetRef, delete_contents: bool) -> None:
        with self.lock:
            dataset = self.dataset(ref)
            tables = self.tables(ref)
            if tables and not delete_contents:
                raise ApiError("resourceInUse", f"Dataset {ref} is still in use")
            with self._state:
                now = self.clock.tick_ms()
                for table in tables:
                    self._bury(now, table)
                self._dead_datasets.append((now, dataset))
                del self._datasets[ref]
                del self._tables[ref]

    def undelete_dataset(self, ref: DatasetRef, time_ms: int | None) -> Dataset:
        """https://docs.cloud.google.com/bigquery/docs/restore-deleted-datasets"""
        with self.lock, self._state:
            if ref in self._datasets:
                raise ApiError("duplicate", f"Already Exists: Dataset {ref}")
            found = [item for item in self._dead_datasets if item[1].ref == ref
                     and (time_ms is None or item[1].created_ms <= time_ms < item[0])
                     and item[0] > self.clock.now_ms() - TIME_TRAVEL_MS]
            if not found:
                raise ApiError("notFound", f"Not found: Dataset {ref}")
            gone_ms, dataset = found[-1]
            self._datasets[ref] = dataset
            self._tables[ref] = {table.ref.table: table for when, table in self._graveyard
                                 if table.ref.parent == ref and when == gone_ms}
            self._graveyard = [item for item in self._graveyard if not (item[1].ref.parent == ref and item[0] == gone_ms)]
            self._dead_datasets.remove(found[-1])
            return dataset


def table_not_found(ref: TableRef, location: str | None = None) -> ApiError:
    tail = f" was not found in location {location}" if location else ""
    return ApiError("notFound", f"Not found: Table {ref}{tail}")


class Transaction:
    """Changes to tables that become visible together, or not at all.

    Use as a context manager (exclusive), or with commit() and rollback(). `cursor` is a DuckDB connection inside of a
    DuckDB transaction; it sees what was written here."""

    def __init__(self, catalog: Catalog, exclusive: bool):
        self.catalog = catalog
        self.exclusive = exclusive
        if exclusive:
            catalog.lock.acquire()
        try:
            self.cursor: Any = catalog.cursor()
            self.cursor.execute("BEGIN TRANSACTION")
        except BaseException:
            if exclusive:
                catalog.lock.release()
            raise
        self._open = True
        catalog._thread.depth = getattr(catalog._thread, "depth", 0) + 1
        self._seen: dict[TableRef, Table | None] = {}   # as first read here
        self._now: dict[TableRef, Table | None] = {}    # as changed here; None = dropped
        self._dirty: set[TableRef] = set()              # rows changed
        self._rewritten: set[TableRef] = set()
        self._touched: dict[TableRef, set[str]] = {}
        self._made: set[str] = set()                    # physical tables of this transaction

    def __enter__(self) -> "Transaction":
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if not self._open:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()

    # Reading --------------------------------------------------------------------------------------

    def find(self, ref: TableRef) -> Table | None:
        """The table as this transaction sees it. rows and bytes are those of the last commit."""
        if ref in self._now:
            return self._now[ref]
        if ref not in self._seen:
            self._seen[ref] = self.catalog.find_table(ref)
        return self._seen[ref]

    def table(self, ref: TableRef) -> Table:
        found = self.find(ref)
        if found is None:
            raise table_not_found(ref, self.catalog.dataset(ref.parent).location)
        return found

    # Changing -------------------------------------------------------------------------------------

    def create(self, table: Table) -> Table:
        """A new table (no check of its content). Its physical table is made here, empty."""
        if self.find(table.ref) is not None:
            raise ApiError("duplicate", f"Already Exists: Table {table.ref}")
        dataset = self.catalog.dataset(table.ref.parent)
        table = replace(table, location=dataset.location, rows=0, bytes=0, history=(), created_ms=0, partition_times={})
        if table.kind != "VIEW":
            table = replace(table, physical=self.new_physical(table))
            self._dirty.add(table.ref)
            self._rewritten.add(table.ref)
        self._now[table.ref] = table
        return table

    def new_physical(self, table: Table) -> str:
        """An empty physical table with the table's columns; it belongs to nobody yet."""
        name = self.catalog.new_physical()
        self._made.add(name)
        columns = physical.columns_sql(table.schema, table.ingestion_time)
        self.cursor.execute(f"CREATE TABLE {ident(name)} ({columns})")
        return name

    def put(self, table: Table) -> Table:
        """Replaces the record (labels, keys, …). A changed schema: set_schema; changed rows: append, rewrite."""
        self.table(table.ref)
        self._now[table.ref] = table
        return table

    def drop(self, ref: TableRef) -> None:
        self.table(ref)
        self._now[ref] = None
        self._dirty.discard(ref)

    def append(self, ref: TableRef) -> str:
        """The physical table to INSERT into. Only ever add rows to it."""
        table = self.table(ref)
        self._now[ref] = table
        self._dirty.add(ref)
        return table.physical

    def rewrite(self, ref: TableRef, copy: bool = True) -> str:
        """A fresh physical table for rows to be deleted or updated, with the rows (copy) or empty."""
        table = self.table(ref)
        name = self.new_physical(table)
        if copy:
            self.cursor.execute(f"INSERT INTO {ident(name)} ({table.columns_sql}) "
                                f"SELECT {table.columns_sql} FROM {ident(table.physical)} ORDER BY rowid")
        self._replace_physical(replace(table, physical=name))
        return name

    def _replace_physical(self, new: Table) -> None:
        self._now[new.ref] = new
        self._dirty.add(new.ref)
        self._rewritten.add(new.ref)

    def set_schema(self, ref: TableRef, schema: Schema, sources: dict[str, str] | None = None) -> Table:
        """Another schema for the rows that are there. sources: new column name -> old one, for renamed columns; other
        columns keep theirs by name, and are NULL or [] when they are new."""
        table = self.table(ref)
        sources = {name.lower(): old.lower() for name, old in (sources or {}).items()}
        old = {item.name.lower(): item for item in table.schema}
        changed = replace(table, schema=schema)
        if table.kind == "VIEW":
            return self.put(changed)
        pairs = [(old.get(sources.get(item.name.lower(), item.name.lower())), item) for item in schema]
        same = [None if before is None else (before.name, physical.type_of_field(before)) for before, _ in pairs]
        if same == [(item.name, physical.type_of_field(item)) for item in schema] and len(same) == len(table.schema):
            return self.put(changed)
        columns = [physical.convert_field(before, item, ident(before.name) if before else "NULL")
                   for before, item in pairs]
        if table.ingestion_time:
            columns.append(ident(physical.PARTITION_TIME))
        name = self.new_physical(changed)
        self.cursor.execute(f"INSERT INTO {ident(name)} ({changed.columns_sql}) "
                            f"SELECT {', '.join(columns) or 'NULL'} FROM {ident(table.physical)} ORDER BY rowid")
        changed = replace(changed, physical=name)
        self._replace_physical(changed)
        return changed

    def touched(self, ref: TableRef, partitions: set[str]) -> None:
        """Says which partitions' rows changed (their modification times)."""
        self._touched.setdefault(ref, set()).update(partitions)

    # End ------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Everything becomes visible. Raises ApiError when others changed the same tables (not exclusive)."""
        try:
            with self.catalog.lock:
                self._check_conflicts()
                final = {ref: self._finish(ref, table) for ref, table in self._now.items()}
                self._drop_superseded(final)
                try:
                    self.cursor.execute("COMMIT")
                except duckdb.TransactionException as error:
                    raise self._conflict(next(iter(self._now)), str(error)) from error
                self._open = False
                self._publish(final)
        except BaseException:
            self.rollback()
            raise
        self._end()

    def rollback(self) -> None:
        if self._open:
            self._open = False
            try:
                self.cursor.execute("ROLLBACK")
            except duckdb.Error:
                pass
        self._end()

    def _end(self) -> None:
        self._open = False
        if self.cursor is not None:
            self.cursor.close()
            self.cursor = None
            self.catalog._thread.depth = max(0, getattr(self.catalog._thread, "depth", 0) - 1)
            if self.exclusive:
                self.catalog.lock.release()

    @staticmethod
    def _conflict(ref: TableRef, detail: str = "") -> ApiError:
        return ApiError("invalidQuery", f"Transaction is aborted due to concurrent update against table {ref}.",
                        debug_info=detail or None)

    def _check_conflicts(self) -> None:
        for ref in self._now:
            base = self._seen.get(ref)
            current = self.catalog.find_table(ref)
            if base is current:
                continue
            appended = (base is not None and current is not None and ref not in self._rewritten
                        and base.physical == current.physical and base.schema == current.schema)
            if not appended:
                raise self._conflict(ref)
            changed = self._now[ref]
            if changed is not None and current is not None:
                self._now[ref] = replace(changed, rows=current.rows, bytes=current.bytes, history=current.history)

    def _finish(self, ref: TableRef, table: Table | None) -> Table | None:
        """Counts, times, etag and history of a changed table."""
        if table is None:
            return None
        now = self.catalog.clock.tick_ms()
        before = self.catalog.find_table(ref)
        if table.time_partitioning is not None and table.time_partitioning.expiration_ms is not None:
            table = self._without_expired(table, now)
        if ref in self._dirty:
            table = self._count(ref, table, before, now)
        table = replace(table, next_expiry_ms=self._next_expiry(table))
        created = table.created_ms or now
        history: tuple[Table, ...] = ()
        if before is not None and before.created_ms == created:
            history = (*before.history, replace(before, history=()))[-KEPT_VERSIONS:]
        return replace(table, created_ms=created, modified_ms=now, history=history,
                       etag=make_etag(ref, created, now, table.rows))

    def _without_expired(self, table: Table, now: int) -> Table:
        """https://docs.cloud.google.com/bigquery/docs/managing-partitioned-tables#set_the_partition_expiration: rows of
        partitions that are too old are gone at once."""
        from standin import partitions  # partitions knows Table; only here do we need it
        present = partitions.ids_in(self.cursor, table, ident(table.physical))
        expired = [name for name in present if (partitions.expiry_ms(table, name) or now + 1) <= now]
        if not expired:
            return table
        name = self.new_physical(table)
        gone = ", ".join(physical.literal(each) for each in expired)
        self.cursor.execute(f"INSERT INTO {ident(name)} ({table.columns_sql}) SELECT {table.columns_sql} FROM "
                            f"{ident(table.physical)} WHERE ({partitions.id_expression(table)}) NOT IN ({gone}) ORDER BY rowid")
        table = replace(table, physical=name)
        self._replace_physical(table)
        self.touched(table.ref, set(expired))
        return table

    @staticmethod
    def _next_expiry(table: Table) -> int | None:
        if table.time_partitioning is None or table.time_partitioning.expiration_ms is None:
            return None
        from standin import partitions
        times = [partitions.expiry_ms(table, name) for name in table.partition_times]
        return min((each for each in times if each is not None), default=None)

    def _drop_superseded(self, final: dict[TableRef, Table | None]) -> None:
        """Physical tables that were made here and belong to nobody in the end."""
        used = {table.physical for table in final.values() if table is not None}
        if self._made <= used:
            return
        known = {name for (name,) in self.cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for name in sorted(self._made - used):
            if name in known:
                self.cursor.execute(f"DROP TABLE {ident(name)}")

    def _count(self, ref: TableRef, table: Table, before: Table | None, now: int) -> Table:
        known, size = 0, 0
        if before is not None and before.physical == table.physical:
            known, size = before.rows, before.bytes
        from standin import partitions  # partitions knows Table; only here do we need it
        source = ident(table.physical)
        total, added = self.cursor.execute(f"SELECT count(*) FROM {source}").fetchone()[0], 0
        if total > known:
            added = self.cursor.execute(f"SELECT coalesce(sum({physical.row_size(table.schema)}), 0) FROM {source} "
                                        f"WHERE rowid >= {known}").fetchone()[0]
        if known and total == known and table is before:
            return table
        times = partitions.times_after(self.cursor, table, known, now,
                                       ref not in self._rewritten, self._touched.get(ref))
        return replace(table, rows=total, bytes=size + int(added), partition_times=times)

    def _publish(self, final: dict[TableRef, Table | None]) -> None:
        catalog = self.catalog
        with catalog._state:
            unused, catalog._forgotten = catalog._forgotten, []
            for ref, table in final.items():
                tables = catalog._tables.get(ref.parent)
                if tables is None:
                    continue
                before = tables.get(ref.table)
                if table is None:
                    if before is not None:
                        del tables[ref.table]
                        catalog._bury(catalog.clock.tick_ms(), before)
                    continue
                tables[ref.table] = table
                kept = {version.physical for version in (table, *table.history)}
                if before is not None:
                    unused += [version.physical for version in before.history
                               if version.physical and version.physical not in kept]
        for name in dict.fromkeys(unused):
            self._forget(name)

    def _forget(self, name: str) -> None:
        """A physical table that no kept version needs."""
        cursor = self.catalog.cursor()
        try:
            cursor.execute(f"DROP TABLE IF EXISTS {ident(name)}")
        except duckdb.Error:
            pass  # somebody still reads it
        finally:
            cursor.close()


def iterate_versions(table: Table) -> Iterator[Table]:
    """From the newest."""
    yield table
    yield from reversed(table.history)
