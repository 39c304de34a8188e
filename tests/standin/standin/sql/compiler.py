# SPDX-License-Identifier: Apache-2.0
"""Resolved queries as DuckDB SELECT statements.

Each scan becomes a SELECT that yields its column list, each column named by its id (expressions.column_name).
Tree: ZetaSQL's docs/resolved_ast.md; queries: standard-sql/query-syntax.
"""

from __future__ import annotations

from typing import Any

from standin.errors import not_implemented
from standin.sql import aggregates, sqltypes
from standin.sql.analyzer import Analyzed
from standin.sql.expressions import Environment, Expressions, column_name, known_type
from standin.sql.nodes import Node


class Compiler:
    """Compiles the scans of one analyzed statement.

    A relation's handle gives `select(columns)`: the FROM text and the DuckDB expression of each named column.
    """

    def __init__(self, analyzed: Analyzed, environment: Environment):
        self.analyzed = analyzed
        self.expressions = Expressions(environment, self.scan)
        self.scanned: list[tuple[Node, Any]] = []  # each table scan with its relation's handle
        self.row_id_of: Node | None = None  # the scan that shall also yield the physical row's id
        self._recursive: list[str] = []

    def query(self, statement: Node) -> tuple[str, list[tuple[str, sqltypes.SqlType]]]:
        """A query statement's SELECT, whose columns are o0, o1, …, and its output columns."""
        outputs = [(item.name, known_type(item.column.type)) for item in statement.output_column_list]
        inner = self.scan(statement.query)
        picked = ", ".join(
            f"{column_name(item.column)} AS o{number}" for number, item in enumerate(statement.output_column_list)
        )
        return f"SELECT {picked} FROM ({inner})", outputs

    def scan(self, node: Node) -> str:
        """The SELECT of one scan."""
        method = getattr(self, f"_{node.kind}", None)
        if method is None:
            raise not_implemented(f"the SQL construct {node.kind}")
        return method(node)

    def _columns(self, node: Node) -> str:
        return ", ".join(dict.fromkeys(column_name(column) for column in node.column_list)) or "1 AS _one"

    # --- sources ---

    def _SingleRowScan(self, node: Node) -> str:
        return "SELECT 1 AS _one"

    def _TableScan(self, node: Node) -> str:
        relation = self.analyzed.relations[node.table.serialization_id]
        when = None
        if node.for_system_time_expr is not None:
            when = self.constant(node.for_system_time_expr)
        names = [relation.columns[index].name for index in node.column_index_list]
        self.scanned.append((node, relation.handle))
        source, columns = relation.handle.select(names, None if when is None else when[1], self)
        picked = [
            f"{columns[name]} AS {column_name(column)}"
            for name, column in zip(names, node.column_list, strict=True)
        ]
        if node is self.row_id_of or self.row_id_of is not None and node.message is self.row_id_of.message:
            picked.append('"_row" AS _row')
        return f"SELECT {', '.join(picked) or '1 AS _one'} FROM {source}"

    def constant(self, node: Node) -> tuple[sqltypes.SqlType, Any]:
        """Type and value of an expression without columns."""
        return self.expressions.constant_value(node) or self._evaluated(node)

    def _evaluated(self, node: Node) -> tuple[sqltypes.SqlType, Any]:
        kind = known_type(node.type)
        text = f"SELECT {sqltypes.to_wire(kind, self.expressions.compile(node))}"
        value = self.expressions.environment.connection.execute(text).fetchone()[0]
        return kind, sqltypes.from_wire_value(kind, value)

    def _WithScan(self, node: Node) -> str:
        parts = []
        for entry in node.with_entry_list:
            name = f"w_{entry.with_query_name}"
            inner = entry.with_subquery
            columns = ", ".join(f"x{number}" for number in range(len(inner.column_list))) or "_one"
            if inner.kind == "RecursiveScan":
                self._recursive.append(name)
                text = self._recursive_text(inner)
                self._recursive.pop()
            else:
                picked = ", ".join(column_name(column) for column in inner.column_list) or "1"
                text = f"SELECT {picked} FROM ({self.scan(inner)})"
            parts.append(f"{sqltypes.quoted(name)}({columns}) AS ({text})")
        word = "WITH RECURSIVE" if node.recursive else "WITH"
        return f"{word} {', '.join(parts)} {self.scan(node.query)}"

    def _WithRefScan(self, node: Node) -> str:
        return self._from_with(f"w_{node.with_query_name}", node)

    def _from_with(self, name: str, node: Node) -> str:
        picked = ", ".join(f"x{number} AS {column_name(column)}" for number, column in enumerate(node.column_list))
        return f"SELECT {picked or '1 AS _one'} FROM {sqltypes.quoted(name)}"

    def _recursive_text(self, node: Node) -> str:
        if node.recursion_depth_modifier is not None:
            raise not_implemented("WITH RECURSIVE … WITH DEPTH")
        word = "UNION ALL" if node.enum("op_type") == "UNION_ALL" else "UNION"
        return f"{self._item(node.non_recursive_term)} {word} {self._item(node.recursive_term)}"

    def _RecursiveRefScan(self, node: Node) -> str:
        return self._from_with(self._recursive[-1], node)

    # --- operators ---

    def _ProjectScan(self, node: Node) -> str:
        computed = {item.column.column_id: item.expr for item in node.expr_list}
        wanted = dict.fromkeys(column.column_id for column in node.column_list)
        picked = []
        for number in wanted:
            if number in computed:
                picked.append(f"{self.expressions.compile(computed[number])} AS c{number}")
            else:
                picked.append(f"c{number}")
        return f"SELECT {', '.join(picked) or '1 AS _one'} FROM ({self.scan(node.input_scan)})"

    def _FilterScan(self, node: Node) -> str:
        condition = self.expressions.compile(node.filter_expr)
        return f"SELECT {self._kept(node)} FROM ({self.scan(node.input_scan)}) WHERE {condition}"

    def _kept(self, node: Node) -> str:
        """The columns of a scan that may carry the row id through."""
        columns = self._columns(node)
        return f"{columns}, _row" if self.row_id_of is not None and _holds(node, self.row_id_of) else columns

    def _JoinScan(self, node: Node) -> str:
        left, right = self.scan(node.left_scan), self.scan(node.right_scan)
        kind = node.enum("join_type")
        if node.is_lateral:
            raise not_implemented("LATERAL joins")
        if node.join_expr is None:
            condition = "TRUE"
        else:
            condition = self.expressions.compile(node.join_expr)
        return f"SELECT {self._kept(node)} FROM ({left}) {kind} JOIN ({right}) ON {condition}"

    def _ArrayScan(self, node: Node) -> str:
        if len(node.array_expr_list) != 1 or len(node.element_column_list) != 1:
            raise not_implemented("UNNEST of several arrays")
        array = self.expressions.compile(node.array_expr_list[0])
        element = column_name(node.element_column_list[0])
        offset = column_name(node.array_offset_column.column) if node.array_offset_column is not None else None
        if node.input_scan is None:
            source, outer = "SELECT 1 AS _one", ""
        else:
            source, outer = self.scan(node.input_scan), "*, "
        if node.join_expr is not None and node.is_outer:
            raise not_implemented("LEFT JOIN UNNEST with a condition")
        items, places = array, f"range(len({array}))"
        if node.is_outer:
            empty = f"len(coalesce({array}, [])) = 0"
            items = f"CASE WHEN {empty} THEN [NULL] ELSE {array} END"
            places = f"CASE WHEN {empty} THEN [NULL] ELSE range(len({array})) END"
        picked = f"unnest({items}) AS {element}"
        if offset is not None:
            picked += f", unnest({places}) AS {offset}"
        text = f"SELECT {outer}{picked} FROM ({source})"
        if node.join_expr is not None:
            text = f"SELECT * FROM ({text}) WHERE {self.expressions.compile(node.join_expr)}"
        return f"SELECT {self._columns(node)} FROM ({text})"

    def _SetOperationScan(self, node: Node) -> str:
        word = {
            "UNION_ALL": "UNION ALL", "UNION_DISTINCT": "UNION", "EXCEPT_DISTINCT": "EXCEPT",
            "INTERSECT_DISTINCT": "INTERSECT", "EXCEPT_ALL": "EXCEPT ALL", "INTERSECT_ALL": "INTERSECT ALL",
        }[node.enum("op_type")]  # fmt: skip
        names = [column_name(column) for column in node.column_list]
        items = [self._item(item) for item in node.input_item_list]
        text = f" {word} ".join(f"({item})" for item in items)
        columns = ", ".join(names) or "_one"
        return f"SELECT {', '.join(names) or '1 AS _one'} FROM ({text}) AS u({columns})"

    def _item(self, item: Node) -> str:
        picked = ", ".join(
            f"{column_name(column)} AS p{number}" for number, column in enumerate(item.output_column_list)
        )
        return f"SELECT {picked or '1 AS _one'} FROM ({self.scan(item.scan)})"

    def _OrderByScan(self, node: Node) -> str:
        order = aggregates.order_items(node.order_by_item_list, self.expressions)
        return f"SELECT {self._columns(node)} FROM ({self.scan(node.input_scan)}) ORDER BY {order}"

    def _LimitOffsetScan(self, node: Node) -> str:
        limit = self._count(node.limit) if node.limit is not None else "NULL"
        offset = f" OFFSET {self._count(node.offset)}" if node.offset is not None else ""
        inner = self.scan(node.input_scan)
        if node.input_scan.kind not in ("OrderByScan", "ProjectScan", "FilterScan"):
            inner = f"SELECT * FROM ({inner})"
        return f"SELECT {self._columns(node)} FROM ({inner} LIMIT {limit}{offset})"

    def _count(self, node: Node) -> str:
        value = self.expressions.constant_value(node) if node.kind != "Cast" else None
        if value is None and node.kind == "Cast":
            value = self.expressions.constant_value(node.expr)
        if value is None or value[1] is None or value[1] < 0:
            raise not_implemented("LIMIT or OFFSET that is not a constant")
        return str(value[1])

    def _AggregateScan(self, node: Node) -> str:
        if node.grouping_call_list:
            raise not_implemented("GROUPING()")
        picked, groups = [], []
        for item in node.group_by_list:
            picked.append(f"{self.expressions.compile(item.expr)} AS {column_name(item.column)}")
            groups.append(str(len(picked)))
        wanted = {column.column_id for column in node.column_list}
        for item in node.aggregate_list:
            if item.column.column_id in wanted:
                picked.append(f"{aggregates.aggregate(item.expr, self.expressions)} AS {column_name(item.column)}")
        source = f"({self.scan(node.input_scan)})"
        grouping = f" GROUP BY {', '.join(groups)}" if groups else ""
        if node.grouping_set_list:
            source, picked, grouping = self._grouping_sets(node, source, picked, len(groups))
        if not groups and len(picked) == 0:
            picked.append("count(*) AS _one")
        text = f"SELECT {', '.join(picked)} FROM {source}{grouping}"
        return f"SELECT {self._columns(node)} FROM ({text})"

    def _grouping_sets(self, node: Node, source: str, picked: list[str], count: int) -> tuple[str, list[str], str]:
        """ROLLUP, CUBE and GROUPING SETS: the keys get names of their own first."""
        names = [f"g{item.column.column_id}" for item in node.group_by_list]
        pairs = list(zip(node.group_by_list, names, strict=True))
        keys = [f"{self.expressions.compile(item.expr)} AS {name}" for item, name in pairs]
        source = f"(SELECT *, {', '.join(keys)} FROM {source})"
        renamed = [f"{name} AS {column_name(item.column)}" for item, name in pairs]
        sets = []
        for item in node.grouping_set_list:
            if item.kind == "GroupingSet":
                columns = ", ".join(f"g{ref.column.column_id}" for ref in item.group_by_column_list)
                sets.append(f"({columns})")
            elif item.kind in ("Rollup", "Cube"):
                lists = item.rollup_column_list if item.kind == "Rollup" else item.cube_column_list
                parts = ["(" + ", ".join(f"g{ref.column.column_id}" for ref in part.column_list) + ")" for part in lists]
                sets.append(f"{item.kind.upper()} ({', '.join(parts)})")
            else:
                raise not_implemented(f"GROUP BY {item.kind}")
        return source, renamed + picked[count:], f" GROUP BY GROUPING SETS ({', '.join(sets)})"

    def _AnalyticScan(self, node: Node) -> str:
        picked = []
        for group in node.function_group_list:
            for item in group.analytic_function_list:
                text = aggregates.analytic(item.expr, group, self.expressions)
                picked.append(f"{text} AS {column_name(item.column)}")
        inner = f"SELECT *, {', '.join(picked)} FROM ({self.scan(node.input_scan)})"
        return f"SELECT {self._columns(node)} FROM ({inner})"

    def _BarrierScan(self, node: Node) -> str:
        return self.scan(node.input_scan)


def _holds(node: Node, wanted: Node) -> bool:
    return any(inner.message is wanted.message or inner.message == wanted.message for inner in node.walk())
