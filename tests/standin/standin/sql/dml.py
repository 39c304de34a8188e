# SPDX-License-Identifier: Apache-2.0
"""INSERT, UPDATE, DELETE, MERGE and TRUNCATE (standard-sql/dml-syntax, docs/using-dml-with-partitioned-tables).

A statement is first computed into a temporary table of changes; then checked; then a fresh physical table is written
from the old one and the changes. Nothing of a failed statement is seen.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from standin import partitions, physical, rowaccess
from standin.catalog import TableRef, Transaction
from standin.errors import ApiError, invalid, not_implemented
from standin.physical import ident
from standin.sql import analyzer, coercion, schemas, sqltypes
from standin.sql.compiler import Compiler
from standin.sql.context import Context, TableHandle
from standin.sql.expressions import Expressions, column_name
from standin.sql.nodes import Node
from standin.sql.results import DmlStats

_numbers = itertools.count(1)
TWO_SOURCES = "UPDATE/MERGE must match at most one source row for each target row"


@dataclass
class Change:
    """One WHEN clause (or the whole of an UPDATE, DELETE or INSERT): its action, and new values by column."""

    number: int
    action: str  # INSERT, UPDATE, DELETE
    values: dict[str, str] = field(default_factory=dict)  # lower-case column name -> stored expression


class Dml:
    """Runs one DML statement in a context; `handle` is its target."""

    def __init__(self, context: Context, analyzed: analyzer.Analyzed):
        self.context = context
        self.analyzed = analyzed
        self.statement = analyzed.statement
        self.compiler = Compiler(analyzed, context.environment(analyzed.scope))
        self.scan = self.statement.table_scan
        handle = analyzed.relations[self.scan.table.serialization_id].handle
        if not isinstance(handle, TableHandle) or handle.table.kind != "TABLE":
            kind = handle.table.kind if isinstance(handle, TableHandle) else "INFORMATION_SCHEMA view"
            raise ApiError("invalidQuery", f"Cannot modify {kind.lower()} {handle.ref} by DML", location="query")
        self.handle = handle
        self.ref: TableRef = handle.ref
        context.require("bigquery.tables.updateData", self.ref)
        rowaccess.require_full_access(context.identity, handle.table)

    def run(self) -> DmlStats:
        """Apply the statement."""
        kind = self.statement.kind
        with self.context.writing() as tx:
            self.table = tx.table(self.ref)
            if kind == "InsertStmt":
                return self._insert(tx)
            if kind == "UpdateStmt":
                return self._update(tx)
            if kind == "DeleteStmt":
                return self._delete(tx)
            if kind == "MergeStmt":
                return self._merge(tx)
            if kind == "TruncateStmt":
                return self._truncate(tx)
        raise not_implemented(f"the statement {kind}")

    # --- values ---

    def _stored(self, name: str, sql: str) -> str:
        item = self.table.schema.find(name)
        if item is None:
            return self._stored_partition_time(sql)
        return schemas.stored(item, sql)

    def _stored_partition_time(self, sql: str) -> str:
        """Only exact boundaries of partitions are taken for _PARTITIONTIME."""
        unit = self.table.time_partitioning.type.lower()
        start = f"CAST(date_trunc('{unit}', make_timestamp(epoch_us({sql}))) AS TIMESTAMPTZ)"
        message = f"Invalid value for _PARTITIONTIME: it is not the start of a partition ({unit}) of table {self.ref}"
        return f"CASE WHEN {sql} <> {start} THEN error({sqltypes.string_literal(message)}) ELSE {sql} END"

    def _default(self, name: str) -> str:
        """The stored default of a column that gets no value."""
        item = self.table.schema.find(name)
        if item is None:
            return self._partition_time()
        kind = schemas.type_of_field(item)
        if item.default is None:
            return schemas.stored(item, f"CAST(NULL AS {sqltypes.duckdb_type(kind)})")
        return schemas.stored(item, compiled_default(self.context, item.default, kind))

    def _partition_time(self) -> str:
        """Rows of an ingestion-time table belong to the partition of the statement's time."""
        unit = self.table.time_partitioning.type.lower()
        micros = self.context.now_micros
        return f"CAST(date_trunc('{unit}', make_timestamp({micros})) AS TIMESTAMPTZ)"

    def _value(self, name: str, node: Node) -> str:
        """The stored value for a column from a DML value expression (or DEFAULT)."""
        if node.kind == "DMLDefault":
            return self._default(name)
        return self._stored(name, self.compiler.expressions.compile(node))

    def _names(self) -> list[str]:
        names = [item.name for item in self.table.schema]
        return [*names, physical.PARTITION_TIME] if self.table.ingestion_time else names

    def _complete(self, values: dict[str, str]) -> dict[str, str]:
        return {name.lower(): values.get(name.lower()) or self._default(name) for name in self._names()}

    # --- INSERT ---

    def _insert(self, tx: Transaction) -> DmlStats:
        node = self.statement
        if node.enum("insert_mode") != "OR_ERROR" or node.returning is not None:
            raise not_implemented("INSERT OR … and THEN RETURN")
        if node.assert_rows_modified is not None:
            raise not_implemented("ASSERT_ROWS_MODIFIED")
        columns = [column.name for column in node.insert_column_list]
        names = self._names()
        if node.query is not None:
            outputs = [column_name(column) for column in node.query_output_column_list]
            given = {name.lower(): self._stored(name, sql) for name, sql in zip(columns, outputs, strict=True)}
            complete = self._complete(given)
            picked = ", ".join(complete[name.lower()] for name in names)
            text = f"SELECT {picked or 'NULL'} FROM ({self.compiler.scan(node.query)})"
        else:
            rows = []
            for row in node.row_list:
                values = {
                    name.lower(): self._value(name, value.value)
                    for name, value in zip(columns, row.value_list, strict=True)
                }
                complete = self._complete(values)
                rows.append("SELECT " + (", ".join(complete[name.lower()] for name in names) or "NULL"))
            text = " UNION ALL ".join(rows)
        target = tx.append(self.ref)
        count = tx.cursor.execute(f"INSERT INTO {ident(target)} ({self.table.columns_sql}) {text}").fetchone()[0]
        self._check_partitions(tx, target)
        return DmlStats(inserted=count)

    def _check_partitions(self, tx: Transaction, target: str, condition: str = "TRUE") -> None:
        if self.table.partitioned:
            known = self.table.rows if target == self.table.physical else 0
            ids = partitions.ids_in(tx.cursor, self.table, ident(target), f"rowid >= {known} AND {condition}")
            partitions.check_job_limit(self.table, ids)

    # --- UPDATE, DELETE ---

    def _target(self) -> str:
        """The target's scan, which also yields `_row`."""
        self.compiler.row_id_of = self.scan
        text = self.compiler.scan(self.scan)
        self.compiler.row_id_of = None
        return text

    def _update(self, tx: Transaction) -> DmlStats:
        node = self.statement
        if node.returning is not None or node.assert_rows_modified is not None:
            raise not_implemented("THEN RETURN and ASSERT_ROWS_MODIFIED")
        change = Change(1, "UPDATE", self._assignments(node.update_item_list))
        source = f"({self._target()})"
        if node.from_scan is not None:
            source += f" JOIN ({self.compiler.scan(node.from_scan)}) ON TRUE"
        condition = self.compiler.expressions.compile(node.where_expr)
        return self._apply(tx, [change], f"SELECT *, 1 AS _action FROM {source} WHERE {condition}")

    def _delete(self, tx: Transaction) -> DmlStats:
        node = self.statement
        if node.returning is not None or node.assert_rows_modified is not None:
            raise not_implemented("THEN RETURN and ASSERT_ROWS_MODIFIED")
        condition = self.compiler.expressions.compile(node.where_expr) if node.where_expr is not None else "TRUE"
        text = f"SELECT *, 1 AS _action FROM ({self._target()}) WHERE {condition}"
        return self._apply(tx, [Change(1, "DELETE")], text)

    def _truncate(self, tx: Transaction) -> DmlStats:
        if self.statement.where_expr is not None:
            raise not_implemented("TRUNCATE … WHERE")
        source = self.context.source(self.table)
        count = tx.cursor.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
        if count:
            tx.rewrite(self.ref, copy=False)
        return DmlStats(deleted=count)

    def _assignments(self, items: list[Node]) -> dict[str, str]:
        """SET items; several members of one STRUCT column make one new value."""
        values: dict[str, str] = {}
        members: dict[str, list[tuple[list[int], Node]]] = {}
        columns: dict[str, Any] = {}
        for item in items:
            if item.set_value is None:
                raise not_implemented("UPDATE of array elements (nested DML)")
            path, column = _target_path(item.target)
            name = column.name.lower()
            if not path:
                values[name] = self._value(column.name, item.set_value.value)
            else:
                members.setdefault(name, []).append((path, item.set_value.value))
                columns[name] = column
        for name, changes in members.items():
            column = columns[name]
            kind = sqltypes.from_proto(column.type)
            values[name] = self._stored(column.name, self._with_members(kind, column_name(column), changes))
        return values

    def _with_members(self, kind: sqltypes.SqlType, sql: str, changes: list[tuple[list[int], Node]]) -> str:
        parts = []
        for place, (name, (_, field_kind)) in enumerate(zip(kind.field_names(), kind.fields, strict=True)):
            here = [(path[1:], node) for path, node in changes if path[0] == place]
            old = f"struct_extract({sql}, {sqltypes.string_literal(name)})"
            whole = next((node for path, node in here if not path), None)
            if whole is not None:
                if whole.kind == "DMLDefault":
                    raise not_implemented("DEFAULT for a member of a STRUCT")
                parts.append(self.compiler.expressions.compile(whole))
            elif here:
                parts.append(self._with_members(field_kind, old, here))
            else:
                parts.append(old)
        return sqltypes.struct_literal(kind, parts)

    # --- MERGE ---

    def _merge(self, tx: Transaction) -> DmlStats:
        node = self.statement
        changes, cases = [], []
        for number, clause in enumerate(node.when_clause_list, start=1):
            changes.append(self._clause(number, clause))
            matched = {
                "MATCHED": "_row IS NOT NULL AND _src IS NOT NULL",
                "NOT_MATCHED_BY_SOURCE": "_src IS NULL",
                "NOT_MATCHED_BY_TARGET": "_row IS NULL",
            }[clause.enum("match_type")]
            if clause.match_expr is not None:
                condition = self.compiler.expressions.compile(clause.match_expr)
                cases.append(f"WHEN {matched} AND ({condition}) THEN {number}")
            else:
                cases.append(f"WHEN {matched} THEN {number}")
        target = self._target()
        source = f"SELECT *, row_number() OVER () AS _src FROM ({self.compiler.scan(node.from_scan)})"
        condition = self.compiler.expressions.compile(node.merge_expr)
        joined = f"SELECT * FROM ({target}) FULL JOIN ({source}) ON {condition}"
        picked = f"SELECT *, CASE {' '.join(cases)} END AS _action FROM ({joined})"
        return self._apply(tx, changes, f"SELECT * FROM ({picked}) WHERE _action IS NOT NULL")

    def _clause(self, number: int, clause: Node) -> Change:
        action = clause.enum("action_type")
        if action == "INSERT":
            columns = [column.name for column in clause.insert_column_list]
            values = {
                name.lower(): self._value(name, value.value)
                for name, value in zip(columns, clause.insert_row.value_list, strict=True)
            }
            return Change(number, action, self._complete(values))
        if action == "UPDATE":
            return Change(number, action, self._assignments(clause.update_item_list))
        return Change(number, action)

    # --- applying ---

    def _apply(self, tx: Transaction, changes: list[Change], text: str) -> DmlStats:
        """`text` yields `_row`, `_action` (a change's number) and every column that the values use."""
        name = f"changes_{next(_numbers)}"
        columns = []
        for place, column in enumerate(self._names()):
            cases = [
                f"WHEN {change.number} THEN {change.values[column.lower()]}"
                for change in changes
                if column.lower() in change.values
            ]
            if cases:
                columns.append(f"CASE _action {' '.join(cases)} END AS n{place}")
        has_row = any(change.action != "INSERT" for change in changes)
        keep = ["_row" if has_row or self.statement.kind == "MergeStmt" else "NULL AS _row", "_action", *columns]
        tx.cursor.execute(f"CREATE TEMP TABLE {name} AS SELECT {', '.join(keep)} FROM ({text})")
        try:
            stats = self._count(tx, name, changes)
            self._check_once(tx, name, changes)
            if stats.affected:
                self._write(tx, name, changes, stats)
        finally:
            tx.cursor.execute(f"DROP TABLE IF EXISTS {name}")
        return stats

    def _count(self, tx: Transaction, name: str, changes: list[Change]) -> DmlStats:
        counts = dict(tx.cursor.execute(f"SELECT _action, count(*) FROM {name} GROUP BY 1").fetchall())
        stats = DmlStats()
        for change in changes:
            count = counts.get(change.number, 0)
            if change.action == "INSERT":
                stats.inserted += count
            elif change.action == "UPDATE":
                stats.updated += count
            else:
                stats.deleted += count
        return stats

    def _check_once(self, tx: Transaction, name: str, changes: list[Change]) -> None:
        rows = [str(change.number) for change in changes if change.action != "INSERT"]
        if not rows:
            return
        twice = tx.cursor.execute(
            f"SELECT 1 FROM {name} WHERE _action IN ({', '.join(rows)}) GROUP BY _row HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        if twice:
            raise ApiError("invalidQuery", TWO_SOURCES, location="query")

    def _write(self, tx: Transaction, name: str, changes: list[Change], stats: DmlStats) -> None:
        inserts = [str(change.number) for change in changes if change.action == "INSERT"]
        mutations = [str(change.number) for change in changes if change.action != "INSERT"]
        old = self.context.source(self.table)
        touched = self._touched(tx, name, old, mutations) if self.table.partitioned else set()
        if stats.updated or stats.deleted:
            target = tx.rewrite(self.ref, copy=False)
            tx.cursor.execute(
                f"INSERT INTO {ident(target)} ({self.table.columns_sql}) {self._rewritten(name, old, changes, mutations)}"
            )
        else:
            target = tx.append(self.ref)
        if stats.inserted:
            placed = {column.lower(): f"n{place}" for place, column in enumerate(self._names())}
            picked = ", ".join(placed[column.lower()] for column in self._names())
            tx.cursor.execute(
                f"INSERT INTO {ident(target)} ({self.table.columns_sql}) "
                f"SELECT {picked or 'NULL'} FROM {name} WHERE _action IN ({', '.join(inserts)})"
            )
        if self.table.partitioned:
            written = f"(SELECT {self._written(changes)} FROM {name})"
            if self._writes_partition_column(changes):
                column = ident(self.table.partition_column or "")
                touched |= set(partitions.ids_in(tx.cursor, self.table, written, f"{column} IS NOT NULL"))
            tx.touched(self.ref, touched)
            partitions.check_job_limit(self.table, sorted(touched))

    def _writes_partition_column(self, changes: list[Change]) -> bool:
        column = (self.table.partition_column or "").lower()
        return any(column in change.values for change in changes)

    def _written(self, changes: list[Change]) -> str:
        column = self.table.partition_column or ""
        place = [name.lower() for name in self._names()].index(column.lower())
        present = any(column.lower() in change.values for change in changes)
        return f"{f'n{place}' if present else 'NULL'} AS {ident(column)}"

    def _touched(self, tx: Transaction, name: str, old: str, mutations: list[str]) -> set[str]:
        if not mutations:
            return set()
        condition = f"_row IN (SELECT _row FROM {name} WHERE _action IN ({', '.join(mutations)}))"
        return set(partitions.ids_in(tx.cursor, self.table, old, condition))

    def _rewritten(self, name: str, old: str, changes: list[Change], mutations: list[str]) -> str:
        """The old rows with their changes, in their old order."""
        picked = []
        for place, column in enumerate(self._names()):
            setters = [
                str(change.number)
                for change in changes
                if change.action == "UPDATE" and column.lower() in change.values
            ]
            kept = f"o.{ident(column)}"
            if setters:
                kept = f"CASE WHEN c._action IN ({', '.join(setters)}) THEN c.n{place} ELSE {kept} END"
            picked.append(kept)
        deletes = [str(change.number) for change in changes if change.action == "DELETE"]
        alive = f"WHERE c._action IS NULL OR c._action NOT IN ({', '.join(deletes)})" if deletes else ""
        joined = f"(SELECT * FROM {name} WHERE _action IN ({', '.join(mutations)})) c"
        source = f"{old} o LEFT JOIN {joined} ON o._row = c._row"
        return f"SELECT {', '.join(picked) or 'NULL'} FROM {source} {alive} ORDER BY o._row"


def _target_path(node: Node) -> tuple[list[int], Any]:
    """The member path (field positions) and the column of an UPDATE item's target."""
    path: list[int] = []
    while node.kind == "GetStructField":
        path.insert(0, node.field_idx)
        node = node.expr
    if node.kind != "ColumnRef":
        raise not_implemented(f"an UPDATE target of the kind {node.kind}")
    return path, node.column


_DEFAULT_FUNCTIONS = {
    "current_date", "current_datetime", "current_time", "current_timestamp", "generate_uuid", "rand", "session_user",
    "st_geogpoint", "$make_array",
}  # fmt: skip


def compiled_default(context: Context, text: str, kind: sqltypes.SqlType) -> str:
    """A column default's DuckDB expression: a literal or one of a few functions, coerced to the column's type
    (docs/default-values)."""
    scope = analyzer.Scope(resolve=lambda path: None)
    wrong = f"Invalid default value expression {text}"
    try:
        node = analyzer.analyze_expression(text, scope)
        for inner in node.walk():
            if inner.kind == "FunctionCall" and inner.function.name.rpartition(":")[2] not in _DEFAULT_FUNCTIONS:
                raise invalid(f"{wrong}: the function {inner.function.name.rpartition(':')[2]} is not allowed in it")
            if inner.kind in ("SubqueryExpr", "Cast"):
                raise invalid(f"{wrong}: it must be a literal or one of the allowed functions")
        if sqltypes.from_proto(node.type) != kind:
            if not coercion.literal_coercible(node, kind):
                raise invalid(f"{wrong}: it has type {sqltypes.from_proto(node.type)}, the column {kind}")
            node = analyzer.analyze_expression(f"CAST({text} AS {analyzer.type_name(kind)})", scope)
    except ApiError as error:
        if error.message.startswith(wrong) or error.reason == "notImplemented":
            raise
        raise invalid(f"{wrong}: {error.message}") from error

    def no_subquery(_: Node) -> str:
        raise invalid(f"{wrong}: subqueries are not allowed")

    return Expressions(context.environment(scope), no_subquery).compile(node)
