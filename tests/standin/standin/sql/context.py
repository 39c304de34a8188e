# SPDX-License-Identifier: Apache-2.0
"""What the statements of one query job share: names, variables, the transaction, and what they have read.

Names: standard-sql/lexical (path expressions), docs/tables (default dataset), docs/multi-statement-queries
(temporary tables), docs/information-schema-intro (qualifiers).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from standin import physical, rowaccess
from standin.catalog import Dataset, DatasetRef, Table, TableRef, Transaction
from standin.errors import ApiError, not_implemented
from standin.physical import ident
from standin.sql import analyzer, functions, information_schema, reference, schemas, sqltypes
from standin.sql.analyzer import Column, Relation, Scope
from standin.sql.compiler import Compiler
from standin.sql.expressions import Environment
from standin.sql.sqltypes import SqlType

_prepared: list[Any] = []  # the database that has the helpers: kept, so that no other one can have its id
_preparing = threading.Lock()
DAY_MS = 24 * 3600 * 1000


@dataclass
class Context:
    """One query job (a script's statements share it)."""

    app: Any
    identity: Any
    project: str
    location: str
    job_id: str
    default_dataset: DatasetRef | None = None
    scope_parameters: dict[str, Any] = field(default_factory=dict)  # named, positional, parameter_mode of Scope
    variables: dict[str, tuple[SqlType, Any]] = field(default_factory=dict)
    system_variables: dict[tuple[str, ...], Any] = field(default_factory=dict)
    transaction: Transaction | None = None
    transaction_id: str | None = None
    temporary: dict[str, TableRef] = field(default_factory=dict)  # lower-case name -> table
    hidden_dataset: DatasetRef | None = None
    now_micros: int = 0
    dry_run: bool = False
    referenced: dict[TableRef, Table] = field(default_factory=dict)
    allows_temporary: bool = False  # in scripts and sessions
    maximum_bytes_billed: int | None = None
    _side: Any = None  # a DuckDB connection outside of every transaction
    unchecked: bool = False  # permissions are somebody else's business

    def __post_init__(self) -> None:
        database = self.app.catalog.database
        with _preparing:  # the first queries of a server may come at once
            if not any(known is database for known in _prepared):
                functions.prepare(database)
                reference.prepare(database)
                _prepared[:] = [database]

    # --- names ---

    def table_ref(self, path: list[str]) -> TableRef:
        """The table that a path means; ApiError when it is not qualified enough."""
        parts = ".".join(path).split(".")
        if len(parts) == 1:
            known = self.temporary.get(parts[0].lower())
            if known is not None:
                return known
            if self.default_dataset is None:
                raise ApiError(
                    "invalid",
                    f'Table "{parts[0]}" must be qualified with a dataset (e.g. dataset.table).',
                )
            return TableRef(*self.default_dataset, parts[0])
        if len(parts) == 2 and parts[0].upper() == "_SESSION":
            known = self.temporary.get(parts[1].lower())
            if known is None:
                raise ApiError("notFound", f"Not found: Table {'.'.join(parts)}")
            return known
        if len(parts) == 2:
            project = self.default_dataset.project if self.default_dataset else self.project
            return TableRef(project, parts[0], parts[1])
        if len(parts) == 3:
            return TableRef(*parts)
        raise ApiError("invalidQuery", f"Invalid table name: `{'.'.join(path)}`", location="query")

    def dataset_ref(self, path: list[str]) -> DatasetRef:
        """The dataset that a path means."""
        parts = ".".join(path).split(".")
        if len(parts) == 1:
            return DatasetRef(self.project, parts[0])
        if len(parts) == 2:
            return DatasetRef(*parts)
        raise ApiError("invalidQuery", f"Invalid schema name: `{'.'.join(path)}`", location="query")

    # --- the catalog as this job sees it ---

    def find(self, ref: TableRef) -> Table | None:
        """The table, or None."""
        if self.transaction is not None:
            return self.transaction.find(ref)
        return self.app.catalog.find_table(ref)

    def table(self, ref: TableRef) -> Table:
        """The table, or ApiError notFound; a dataset elsewhere is not found either."""
        dataset = self.app.catalog.dataset(ref.parent)
        found = self.find(ref)
        if found is None or dataset.location.lower() != self.location.lower():
            raise ApiError("notFound", f"Not found: Table {ref} was not found in location {self.location}")
        return found

    def source(self, table: Table) -> str:
        """A FROM item with the table's rows as this job sees them, and their ids as `_row`."""
        extra = [f"rowid AS {ident('_row')}", *(ident(item.name) for item in table.schema)]
        if table.ingestion_time:
            extra.append(ident(physical.PARTITION_TIME))
        limit = "" if self.changed_here(table.ref) else f" WHERE rowid < {table.rows}"
        return f"(SELECT {', '.join(extra)} FROM {ident(table.physical)}{limit})"

    def changed_here(self, ref: TableRef) -> bool:
        """Whether the open transaction has written to the table."""
        return self.transaction is not None and self.transaction.find(ref) is not None and ref in self.transaction._now

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Any]:
        """A DuckDB connection to read with."""
        if self.transaction is not None:
            yield self.transaction.cursor
            return
        cursor = self.app.catalog.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    @contextlib.contextmanager
    def writing(self, exclusive: bool = True) -> Iterator[Transaction]:
        """The job's open transaction, or one for this statement alone."""
        if self.transaction is not None:
            yield self.transaction
            return
        with self.app.catalog.transaction(exclusive) as transaction:
            self.transaction = transaction
            try:
                yield transaction
            finally:
                self.transaction = None

    def require(self, permission: str, ref: TableRef | DatasetRef) -> None:
        """ApiError accessDenied unless the caller has the permission."""
        if self.unchecked:
            return
        resource = f"projects/{ref.project}/datasets/{ref.dataset}"
        if isinstance(ref, TableRef):
            if ref.parent == self.hidden_dataset or ref.dataset.startswith("_"):
                return
            resource += f"/tables/{ref.table}"
        self.app.auth.require(self.identity, permission, resource)

    def hidden(self) -> DatasetRef:
        """The dataset of this caller's results and temporary tables, made when it is first needed."""
        if self.hidden_dataset is None:
            key = hashlib.sha256(f"{self.identity.email}|{self.location}".encode()).hexdigest()[:40]
            self.hidden_dataset = DatasetRef(self.project, f"_{key}")
        if self.app.catalog.find_dataset(self.hidden_dataset) is None:
            self.app.catalog.put_dataset(Dataset(self.hidden_dataset, self.location, {}, 0, 0))
        return self.hidden_dataset

    # --- analysis ---

    def scope(self, pseudo_columns: dict[str, SqlType] | None = None) -> Scope:
        """What the next statement may refer to."""
        return Scope(
            resolve=self.resolve,
            variables=dict(self.variables),
            pseudo_columns=pseudo_columns or {},
            **self.scope_parameters,
        )

    def environment(self, scope: Scope) -> Environment:
        """What compiled expressions ask about their statement."""
        if self._side is None:
            self._side = self.app.catalog.cursor()
        return Environment(
            scope,
            self._side,
            self.now_micros,
            self.identity.email,
            dict(self.system_variables),
        )

    def resolve(self, path: list[str]) -> Relation | None:
        """The relation that a path in a statement means."""
        parts = ".".join(path).split(".")
        if any(part.upper() == "INFORMATION_SCHEMA" for part in parts):
            return information_schema.relation(self, parts)
        if "*" in parts[-1]:
            raise not_implemented("wildcard tables: " + ".".join(path))
        if re.search(r"[$@]", parts[-1]) and len(parts) > 1:
            raise ApiError(
                "invalid", f"Invalid table name: `{'.'.join(path)}`. Table decorators are not supported in GoogleSQL"
            )
        ref = self.table_ref(path)
        dataset = self.app.catalog.find_dataset(ref.parent)
        table = self.find(ref)
        if table is None and dataset is not None:
            return self._deleted(ref)
        return self.relation(self.table(ref))

    def _deleted(self, ref: TableRef) -> Relation | None:
        """None: the analyzer does not see it; whoever needs the table says that it is not found."""
        return None

    def relation(self, table: Table) -> Relation:
        """A table or view as the analyzer sees it."""
        columns = [
            Column(item.name, schemas.type_of_field(item), has_default=item.default is not None) for item in table.schema
        ]
        if table.ingestion_time:
            columns.append(Column("_PARTITIONTIME", sqltypes.TIMESTAMP, pseudo=True))
            if table.time_partitioning is not None and table.time_partitioning.type == "DAY":
                columns.append(Column("_PARTITIONDATE", sqltypes.DATE, pseudo=True))
        try:
            return Relation(tuple(columns), TableHandle(self, table))
        except sqltypes.UnknownType as error:
            raise not_implemented(f"the type {error} in SQL") from None

    def analyze(
        self, sql: str, pseudo_columns: dict[str, SqlType] | None = None, paths: list[list[str]] | None = None
    ) -> analyzer.Analyzed:
        """Analyze one statement; a table that is not there is reported as BigQuery does."""
        scope = self.scope(pseudo_columns)
        try:
            return analyzer.analyze(sql, scope, paths or [])
        except ApiError as error:
            missing = re.match(r"Table not found: (`?)(.+?)\1(?:;| at \[|\Z)", error.message)
            if missing is None:
                raise
            path = missing.group(2).replace("`", "")
            ref = self.table_ref([path])
            self.table(ref)
            raise


@dataclass
class TableHandle:
    """A scanned table."""

    context: Context
    table: Table

    @property
    def ref(self) -> TableRef:
        return self.table.ref

    def select(self, names: list[str], when: int | None, compiler: Compiler) -> tuple[str, dict[str, str]]:
        """The FROM item and the DuckDB expression of each column; `when` is FOR SYSTEM_TIME AS OF, in micros."""
        context, table = self.context, self.table
        context.require("bigquery.tables.getData", table.ref)
        rowaccess.refuse_filtered(context.identity, table)
        context.referenced.setdefault(table.ref, table)
        if table.kind == "VIEW":
            return self._view(when), {name: ident(name) for name in names}
        if when is None:
            source = context.source(table)
        else:
            table = context.app.catalog.table_at(table.ref, when // 1000)
            source = context.source(table) if not context.changed_here(table.ref) else table.source_sql
        return source, {name: self._column(name) for name in names}

    def _column(self, name: str) -> str:
        if name == "_PARTITIONDATE":
            return f"{functions.SCHEMA}.day_of({ident(physical.PARTITION_TIME)})"
        return ident(name)

    def _view(self, when: int | None) -> str:
        if when is not None:
            raise not_implemented("FOR SYSTEM_TIME AS OF on a view")
        context = self.context
        inner = Context(
            context.app, context.identity, self.table.ref.project, context.location, context.job_id,
            transaction=context.transaction, now_micros=context.now_micros, referenced=context.referenced,
        )  # fmt: skip
        analyzed = inner.analyze(self.table.view["query"])
        text, _ = Compiler(analyzed, inner.environment(analyzed.scope)).query(analyzed.statement)
        picked = ", ".join(f"o{place} AS {ident(item.name)}" for place, item in enumerate(self.table.schema))
        return f"(SELECT {picked} FROM ({text}))"
