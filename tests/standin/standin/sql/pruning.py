# SPDX-License-Identifier: Apache-2.0
"""Which columns and partitions a statement reads, hence its bytes, and whether a required filter is there.

A constant predicate on the partitioning column keeps out the partitions that cannot match; what comes from a
subquery or another column does not (docs/querying-partitioned-tables, docs/using-dml-with-partitioned-tables).
Sizes: docs/best-practices-costs, standard-sql/data-types#data_type_sizes, dml-syntax#on-demand-query-size-calculation.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field
from typing import Any

from standin import partitions, physical
from standin.catalog import Table, TableRef
from standin.errors import ApiError
from standin.physical import ident
from standin.sql import sqltypes
from standin.sql.analyzer import Analyzed
from standin.sql.context import Context, TableHandle
from standin.sql.expressions import Expressions
from standin.sql.nodes import Node

Alias = ChainMap
Conjunct = tuple[Node, Alias]
_COMPARE = {
    "$equal": ("{lo} <= {k}", "{hi} >= {k}"),
    "$less": ("{lo} < {k}",),
    "$less_or_equal": ("{lo} <= {k}",),
    "$greater": ("{hi} > {k}",),
    "$greater_or_equal": ("{hi} >= {k}",),
}
_TURNED = {
    "$equal": "$equal",
    "$less": "$greater",
    "$less_or_equal": "$greater_or_equal",
    "$greater": "$less",
    "$greater_or_equal": "$less_or_equal",
}
# Functions that keep order, so that the ends of a partition map to the ends of their values.
_MONOTONE = {
    "date", "datetime", "timestamp", "date_trunc", "timestamp_trunc", "datetime_trunc", "$extract_date",
}  # fmt: skip


@dataclass
class Read:
    """What is read of one table: columns by lower-case name, partitions by id (None: all of them)."""

    table: Table
    columns: set[str] = field(default_factory=set)
    partitions: set[str] | None = field(default_factory=set)
    filtered: bool = True


class Reads:
    """The tables that an analyzed statement reads."""

    def __init__(self, context: Context, analyzed: Analyzed):
        self.context = context
        self.analyzed = analyzed
        self.tables: dict[TableRef, Read] = {}
        self._definitions: dict[int, Node] = {}
        self._with: dict[str, Node] = {}
        self._expressions = Expressions(context.environment(analyzed.scope), lambda node: "")
        self._live = live_columns(analyzed.statement)
        self.all_columns: dict[TableRef, set[str] | None] = {}  # of the target of UPDATE, DELETE, MERGE

    def collect(self) -> Reads:
        """Walk the statement."""
        node = self.analyzed.statement
        if node.kind == "InsertStmt":
            for child in (node.query, *node.row_list):
                self._subqueries(child)
            return self
        target = {"UpdateStmt": self._update, "DeleteStmt": self._update, "MergeStmt": self._merge}.get(node.kind)
        if target is not None:
            target(node)
        else:
            for child in node.children():
                self._any(child)
        return self

    # --- bytes ---

    def bytes(self) -> int:
        """Logical bytes of what is read, and of the updated partitions where there are some."""
        total = 0
        with self.context.cursor() as cursor:
            for read in self.tables.values():
                total += self._size(cursor, read.table, read.columns, read.partitions)
            for ref, kept in self.all_columns.items():
                total += self._size(cursor, self.tables[ref].table, None, kept)
        return total

    def _size(self, cursor: Any, table: Table, columns: set[str] | None, kept: set[str] | None) -> int:
        if columns is not None and not columns or kept is not None and not kept:
            return 0
        size = physical.row_size(table.schema, columns)
        condition = "TRUE"
        if kept is not None:
            ids = ", ".join(physical.literal(name) for name in sorted(kept))
            condition = f"({partitions.id_expression(table)}) IN ({ids})"
        source = self.context.source(table)
        found = cursor.execute(f"SELECT coalesce(sum({size}), 0) FROM {source} WHERE {condition}").fetchone()[0]
        return int(found)

    def check_filters(self) -> None:
        """ApiError unless each table that requires a partition filter has one."""
        for read in self.tables.values():
            if read.table.require_partition_filter and not read.filtered:
                column = read.table.partition_column or ""
                shown = "_PARTITION_LOAD_TIME', '_PARTITIONDATE', '_PARTITIONTIME" if read.table.ingestion_time else column
                ref = read.table.ref
                raise ApiError(
                    "invalidQuery",
                    f"Cannot query over table '{ref.project}.{ref.dataset}.{ref.table}' without a filter over "
                    f"column(s) '{shown}' that can be used for partition elimination",
                    location="query",
                )

    # --- statements ---

    def _update(self, node: Node) -> None:
        conjuncts = self._split(node.where_expr, Alias()) if node.where_expr is not None else []
        self._scan(node.table_scan, conjuncts)
        if node.kind == "UpdateStmt":
            if node.from_scan is not None:
                self._scan(node.from_scan, conjuncts)
            for item in node.update_item_list:
                self._subqueries(item)
        if node.where_expr is not None:
            self._subqueries(node.where_expr)
        if node.kind == "DeleteStmt" and self._covers_partitions(node, conjuncts):
            self.tables = {}
            return
        self._modified(node)

    def _covers_partitions(self, node: Node, conjuncts: list[Conjunct]) -> bool:
        """A DELETE of whole partitions reads nothing: its filter holds for all of each partition that it meets
        (docs/using-dml-with-partitioned-tables#using_dml_delete_to_delete_partitions)."""
        relation = self.analyzed.relations[node.table_scan.table.serialization_id]
        table = relation.handle.table
        names = [relation.columns[index].name for index in node.table_scan.column_index_list]
        own = self._own(table, node.table_scan, names)
        kept = self.tables[table.ref].partitions
        if not table.partitioned or not own or len(own) != len(names) or kept is None or len(self.tables) > 1:
            return False
        if any(self._test(expr, alias, own) is None for expr, alias in conjuncts):
            return False
        full = []
        for side in ("lo", "hi"):
            self._expressions.overrides = {number: f"{side}_{number}" for number in own}
            try:
                full.append(self._expressions.compile(node.where_expr))
            finally:
                self._expressions.overrides = {}
        if not kept:
            return True
        rows = ", ".join(self._row(table, name) for name in sorted(kept))
        low, high = self._casts(table, own)
        text = (
            f"SELECT count(*) FROM (SELECT empty, always, {low}, {high} FROM (VALUES {rows}) "
            f"v(id, low, high, empty, always)) WHERE always OR NOT coalesce({full[0]} AND {full[1]}, FALSE)"
        )
        with self.context.cursor() as cursor:
            return cursor.execute(text).fetchone()[0] == 0

    @staticmethod
    def _own(table: Table, node: Node, names: list[str]) -> dict[int, tuple[str, sqltypes.SqlType]]:
        """The scanned columns that say which partition a row is in, by column id."""
        own = {}
        for name, column in zip(names, node.column_list, strict=True):
            if name.lower() == (table.partition_column or "").lower() or name == "_PARTITIONDATE":
                own[column.column_id] = (name, sqltypes.from_proto(column.type))
        return own

    def _modified(self, node: Node) -> None:
        handle = self.analyzed.relations[node.table_scan.table.serialization_id].handle
        self.all_columns[handle.ref] = self.tables[handle.ref].partitions

    def _merge(self, node: Node) -> None:
        on = self._split(node.merge_expr, Alias())
        needed: list[list[Conjunct]] = []
        for clause in node.when_clause_list:
            own = self._split(clause.match_expr, Alias()) if clause.match_expr is not None else []
            kind = clause.enum("match_type")
            if kind == "MATCHED":
                needed.append(on + own)
            elif kind == "NOT_MATCHED_BY_SOURCE":
                needed.append(own)
            else:
                needed.append(on)
            self._subqueries(clause)
        for conjuncts in needed:
            self._scan(node.table_scan, conjuncts)
        self._scan(node.from_scan, self._source_conjuncts(node, on))
        self._subqueries(node.merge_expr)
        if any(clause.enum("action_type") != "INSERT" for clause in node.when_clause_list):
            self._modified(node)

    def _source_conjuncts(self, node: Node, on: list[Conjunct]) -> list[Conjunct]:
        """Of the source, only rows that match (or that an INSERT clause takes) are needed."""
        inserts = [c for c in node.when_clause_list if c.enum("match_type") == "NOT_MATCHED_BY_TARGET"]
        if not inserts:
            return on
        constant = node.merge_expr.kind == "Literal" and not node.merge_expr.value.value.bool_value
        if constant and len(inserts) == 1 and inserts[0].match_expr is not None:
            return self._split(inserts[0].match_expr, Alias())
        return []

    # --- scans ---

    def _any(self, node: Node) -> None:
        if node.kind.endswith("Scan"):
            self._scan(node, [])
            return
        for child in node.children():
            self._any(child)

    def _subqueries(self, node: Node | None) -> None:
        """Scans inside of expressions: nothing from outside prunes them."""
        if node is None:
            return
        if node.kind.endswith("Scan"):
            self._scan(node, [])
            return
        for child in node.children():
            self._subqueries(child)

    def _split(self, node: Node, alias: Alias) -> list[Conjunct]:
        if node.kind == "FunctionCall" and node.function.name == "ZetaSQL:$and":
            return [part for argument in node.argument_list for part in self._split(argument, alias)]
        return [(node, alias)]

    def _scan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        method = getattr(self, f"_{node.kind}", None)
        if method is not None:
            method(node, conjuncts)
            return
        for child in node.children():
            self._any(child)

    def _TableScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        relation = self.analyzed.relations[node.table.serialization_id]
        handle = relation.handle
        if not isinstance(handle, TableHandle):
            return
        names = [relation.columns[index].name for index in node.column_index_list]
        if handle.table.kind == "VIEW":
            self._view(handle)
            return
        read = self.tables.setdefault(handle.ref, Read(handle.table))
        pairs = zip(names, node.column_list, strict=True)
        read.columns |= {name.lower() for name, column in pairs if column.column_id in self._live}
        table = handle.table
        if not table.partitioned:
            read.partitions = None
            return
        kept, filtered = self._kept(table, node, names, conjuncts)
        read.filtered = read.filtered and filtered
        if read.partitions is not None:
            read.partitions |= kept

    def _view(self, handle: TableHandle) -> None:
        inner = Reads(self.context, handle.context.analyze(handle.table.view["query"])).collect()
        for ref, read in inner.tables.items():
            known = self.tables.setdefault(ref, read)
            if known is not read:
                known.columns |= read.columns
                known.filtered = known.filtered and read.filtered
                both = known.partitions is not None and read.partitions is not None
                known.partitions = known.partitions | read.partitions if both else None

    def _ProjectScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        for item in node.expr_list:
            self._definitions[item.column.column_id] = item.expr
            self._subqueries(item.expr)
        self._scan(node.input_scan, conjuncts)

    def _FilterScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        self._subqueries(node.filter_expr)
        alias = conjuncts[0][1] if conjuncts else Alias()
        self._scan(node.input_scan, conjuncts + self._split(node.filter_expr, alias))

    def _JoinScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        alias = conjuncts[0][1] if conjuncts else Alias()
        on = self._split(node.join_expr, alias) if node.join_expr is not None else []
        self._subqueries(node.join_expr)
        kind = node.enum("join_type")
        left = {"INNER": conjuncts + on, "LEFT": conjuncts, "RIGHT": on, "FULL": []}[kind]
        right = {"INNER": conjuncts + on, "LEFT": on, "RIGHT": conjuncts, "FULL": []}[kind]
        self._scan(node.left_scan, left)
        self._scan(node.right_scan, right)

    def _ArrayScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        for expression in node.array_expr_list:
            self._subqueries(expression)
        if node.input_scan is not None:
            self._scan(node.input_scan, conjuncts)

    def _OrderByScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        self._scan(node.input_scan, conjuncts)

    def _LimitOffsetScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        self._scan(node.input_scan, [])

    def _AggregateScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        for item in node.group_by_list:
            self._definitions[item.column.column_id] = item.expr
        for item in (*node.group_by_list, *node.aggregate_list):
            self._subqueries(item.expr)
        self._scan(node.input_scan, conjuncts if node.group_by_list and not node.grouping_set_list else [])

    def _AnalyticScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        """A filter above a window function keeps rows out of the result, not out of the window."""
        self._scan(node.input_scan, [])

    def _SetOperationScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        for item in node.input_item_list:
            pairs = zip(node.column_list, item.output_column_list, strict=True)
            renamed = {outer.column_id: inner.column_id for outer, inner in pairs}
            self._scan(item.scan, [(expr, alias.new_child(renamed)) for expr, alias in conjuncts])

    def _WithScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        for entry in node.with_entry_list:
            self._with[entry.with_query_name] = entry.with_subquery
        self._scan(node.query, conjuncts)

    def _WithRefScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        inner = self._with[node.with_query_name]
        renamed = {
            outer.column_id: column.column_id
            for outer, column in zip(node.column_list, inner.column_list, strict=False)
        }
        self._scan(inner, [(expr, alias.new_child(renamed)) for expr, alias in conjuncts])

    def _RecursiveScan(self, node: Node, conjuncts: list[Conjunct]) -> None:
        self._scan(node.non_recursive_term.scan, [])
        self._scan(node.recursive_term.scan, [])

    # --- partitions ---

    def _kept(
        self, table: Table, node: Node, names: list[str], conjuncts: list[Conjunct]
    ) -> tuple[set[str], bool]:
        """The ids of the partitions that may hold matching rows, and whether a predicate could keep some out."""
        own = self._own(table, node, names)
        tests = [text for expr, alias in conjuncts if (text := self._test(expr, alias, own)) is not None]
        with self.context.cursor() as cursor:
            ids = self._partition_ids(cursor, table)
            filtered = any("lo_" in text or "hi_" in text or "empty" in text for text in tests)
            if not tests or not ids:
                return set(ids), filtered
            rows = ", ".join(self._row(table, name) for name in ids)
            low, high = self._casts(table, own)
            text = (
                f"SELECT id FROM (SELECT id, empty, always, {low}, {high} FROM (VALUES {rows}) "
                f"v(id, low, high, empty, always)) WHERE always OR ({' AND '.join(tests)})"
            )
            return {name for (name,) in cursor.execute(text).fetchall()}, filtered

    def _partition_ids(self, cursor: Any, table: Table) -> list[str]:
        return partitions.ids_in(cursor, table, self.context.source(table))

    def _row(self, table: Table, name: str) -> str:
        text = physical.literal(name)
        if name == partitions.NULL:
            return f"({text}, NULL::BIGINT, NULL::BIGINT, TRUE, FALSE)"
        if name == partitions.UNPARTITIONED:
            return f"({text}, NULL::BIGINT, NULL::BIGINT, FALSE, TRUE)"
        bounds = partitions.parse_decorator(table, name)
        return f"({text}, {bounds.low}, {bounds.high}, FALSE, FALSE)"

    def _casts(self, table: Table, own: dict[int, tuple[str, sqltypes.SqlType]]) -> tuple[str, str]:
        """The partition's first and last value of each of its columns: lo_ID, hi_ID."""
        lows, highs = ["0 AS _l"], ["0 AS _h"]
        for number, (name, kind) in own.items():
            last = "low" if table.ingestion_time else "high - 1"
            for side, value in ((lows, "low"), (highs, last)):
                prefix = "lo" if side is lows else "hi"
                side.append(f"{_of_micros(kind.kind, value)} AS {prefix}_{number}")
        return ", ".join(lows), ", ".join(highs)

    def _test(self, node: Node, alias: Alias, own: dict[int, Any]) -> str | None:
        """A condition on lo_ID, hi_ID and empty that holds for partitions that may match; None when unknown."""
        constant = self._constant(node)
        if constant is not None:
            return f"coalesce({constant}, FALSE)"
        if node.kind == "ColumnRef":
            inner = self._definition(node, alias)
            return self._test(inner, alias, own) if inner is not None else None
        if node.kind != "FunctionCall":
            return None
        name = node.function.name.removeprefix("ZetaSQL:")
        arguments = node.argument_list
        if name in ("$and", "$or"):
            parts = [self._test(argument, alias, own) for argument in arguments]
            if name == "$or":
                return None if None in parts else "(" + " OR ".join(parts) + ")"
            known = [part for part in parts if part is not None]
            return "(" + " AND ".join(known) + ")" if known else None
        if name == "$is_null":
            ends = self._ends(arguments[0], alias, own)
            return "empty" if ends else None
        if name == "$not":
            inner = arguments[0]
            if inner.kind == "FunctionCall" and inner.function.name == "ZetaSQL:$is_null":
                return "NOT empty" if self._ends(inner.argument_list[0], alias, own) else None
            return None
        return self._comparison(name, arguments, alias, own)

    def _comparison(self, name: str, arguments: list[Node], alias: Alias, own: dict[int, Any]) -> str | None:
        if name == "$between":
            ends = self._ends(arguments[0], alias, own)
            low, high = self._constant(arguments[1]), self._constant(arguments[2])
            return self._held([f"{ends[1]} >= {low}", f"{ends[0]} <= {high}"]) if ends and low and high else None
        if name == "$in":
            ends = self._ends(arguments[0], alias, own)
            values = [self._constant(argument) for argument in arguments[1:]]
            if not ends or None in values:
                return None
            return "(" + " OR ".join(self._held([f"{ends[0]} <= {v}", f"{ends[1]} >= {v}"]) for v in values) + ")"
        if name == "$in_array":
            ends, array = self._ends(arguments[0], alias, own), self._constant(arguments[1])
            if not ends or array is None:
                return None
            return self._held([f"list_bool_or(list_transform({array}, lambda _k: {ends[0]} <= _k AND {ends[1]} >= _k))"])
        if name not in _COMPARE:
            return None
        ends, constant = self._ends(arguments[0], alias, own), self._constant(arguments[1])
        if not ends or constant is None:
            ends, constant = self._ends(arguments[1], alias, own), self._constant(arguments[0])
            name = _TURNED[name]
        if not ends or constant is None:
            return None
        return self._held([text.format(lo=ends[0], hi=ends[1], k=constant) for text in _COMPARE[name]])

    @staticmethod
    def _held(parts: list[str]) -> str:
        return "(NOT empty AND coalesce(" + " AND ".join(parts) + ", FALSE))"

    def _definition(self, node: Node, alias: Alias) -> Node | None:
        number = self._number(node.column.column_id, alias)
        return self._definitions.get(number)

    @staticmethod
    def _number(number: int, alias: Alias) -> int:
        seen = set()
        while number in alias and number not in seen:
            seen.add(number)
            number = alias[number]
        return number

    def _ends(self, node: Node, alias: Alias, own: dict[int, Any]) -> tuple[str, str] | None:
        """The least and greatest value of a monotone expression of the partitioning column over a partition."""
        if node.kind == "ColumnRef":
            number = self._number(node.column.column_id, alias)
            if number in own:
                return f"lo_{number}", f"hi_{number}"
            inner = self._definitions.get(number)
            return self._ends(inner, alias, own) if inner is not None else None
        if node.kind == "Cast" and node.format is None:
            kinds = ("DATE", "DATETIME", "TIMESTAMP")
            source, target = sqltypes.from_proto(node.expr.type).kind, sqltypes.from_proto(node.type).kind
            inner = self._ends(node.expr, alias, own) if source in kinds and target in kinds else None
            return self._applied(node, node.expr, inner)
        if node.kind == "FunctionCall" and node.function.name.removeprefix("ZetaSQL:") in _MONOTONE:
            arguments = node.argument_list
            if any(self._constant(a) is None and a.type.type_kind != 15 for a in arguments[1:]):
                return None
            return self._applied(node, arguments[0], self._ends(arguments[0], alias, own))
        return None

    def _applied(self, node: Node, argument: Node, ends: tuple[str, str] | None) -> tuple[str, str] | None:
        if ends is None:
            return None
        if argument.kind != "ColumnRef":
            return None
        texts = []
        for end in ends:
            self._expressions.overrides = {argument.column.column_id: end}
            try:
                texts.append(self._expressions.compile(node))
            except ApiError:
                return None
            finally:
                self._expressions.overrides = {}
        return texts[0], texts[1]

    def _constant(self, node: Node) -> str | None:
        """The DuckDB expression of a constant: no column, no subquery, nothing random."""
        for inner in node.walk():
            if inner.kind in ("ColumnRef", "SubqueryExpr"):
                return None
            if inner.kind == "FunctionCall" and inner.function.name in ("ZetaSQL:rand", "ZetaSQL:generate_uuid"):
                return None
        if node.type.type_kind == 15:
            return None
        return self._expressions.compile(node)


def live_columns(statement: Node) -> set[int]:
    """The ids of the columns that have a part in the result: what a subquery selects and nobody uses is not read."""
    uses: dict[int, set[int]] = {}
    live: set[int] = set()
    _collect_uses(statement, uses, live)
    pending = list(live)
    while pending:
        for number in uses.get(pending.pop(), ()):
            if number not in live:
                live.add(number)
                pending.append(number)
    return live


def _collect_uses(node: Node, uses: dict[int, set[int]], into: set[int]) -> None:
    """Adds the columns that a node uses to `into`; those that only serve a computed column, to that column's uses."""
    if node.kind == "ColumnRef":
        into.add(node.column.column_id)
        return
    if node.kind == "OutputColumn":
        into.add(node.column.column_id)
    if node.kind in ("InsertStmt", "SubqueryExpr") and (scan := node.query if node.kind == "InsertStmt" else node.subquery):
        into |= {column.column_id for column in scan.column_list}
    if node.kind == "ComputedColumn":
        _collect_children(node, uses, uses.setdefault(node.column.column_id, set()))
        return
    if node.kind == "AggregateScan":
        into |= {item.column.column_id for item in node.group_by_list}
    if node.kind == "SetOperationScan":
        for item in node.input_item_list:
            for outer, inner in zip(node.column_list, item.output_column_list, strict=True):
                uses.setdefault(outer.column_id, set()).add(inner.column_id)
        if not node.enum("op_type").endswith("UNION_ALL"):
            into |= {column.column_id for column in node.column_list}
    if node.kind == "RecursiveScan":
        for item in (node.non_recursive_term, node.recursive_term):
            into |= {column.column_id for column in item.output_column_list}
    if node.kind == "WithScan":
        for entry in node.with_entry_list:
            for inner in node.walk():
                if inner.kind == "WithRefScan" and inner.with_query_name == entry.with_query_name:
                    pairs = zip(inner.column_list, entry.with_subquery.column_list, strict=False)
                    for outer, column in pairs:
                        uses.setdefault(outer.column_id, set()).add(column.column_id)
    if node.kind == "ArrayScan":
        for expression in node.array_expr_list:
            _collect_uses(expression, uses, into)
    _collect_children(node, uses, into)


def _collect_children(node: Node, uses: dict[int, set[int]], into: set[int]) -> None:
    for child in node.children():
        _collect_uses(child, uses, into)


def _of_micros(kind: str, value: str) -> str:
    if kind == "DATE":
        return f"CAST(make_timestamp({value}) AS DATE)"
    if kind == "DATETIME":
        return f"make_timestamp({value})"
    if kind == "TIMESTAMP":
        return f"make_timestamptz({value})"
    return f"({value})"


__all__ = ["Read", "Reads", "ident"]
