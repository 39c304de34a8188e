# SPDX-License-Identifier: Apache-2.0
"""Aggregate and window function calls as DuckDB calls (standard-sql/aggregate_functions, window-function-calls)."""

from __future__ import annotations

from standin.errors import not_implemented
from standin.sql import functions, sqltypes
from standin.sql.expressions import Expressions, column_name, known_type, type_of
from standin.sql.nodes import Node

_PLAIN = {
    "any_value": "any_value",
    "bit_and": "bit_and",
    "bit_or": "bit_or",
    "bit_xor": "bit_xor",
    "logical_and": "bool_and",
    "logical_or": "bool_or",
    "stddev": "stddev_samp",
    "stddev_samp": "stddev_samp",
    "stddev_pop": "stddev_pop",
    "variance": "var_samp",
    "var_samp": "var_samp",
    "var_pop": "var_pop",
    "corr": "corr",
    "covar_pop": "covar_pop",
    "covar_samp": "covar_samp",
}
_WINDOW = {
    "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile",
    "lag", "lead", "first_value", "last_value", "nth_value",
}  # fmt: skip
_ORDERED = {"INT64", "STRING", "BYTES", "NUMERIC", "BIGNUMERIC", "DATE", "TIME", "DATETIME", "TIMESTAMP", "BOOL"}


def order_items(items: list[Node], expressions: Expressions) -> str:
    """ORDER BY items: GoogleSQL puts NULLs first ascending, last descending; NaN comes right after NULL."""
    texts = []
    for item in items:
        if item.collation_name is not None:
            raise not_implemented("ORDER BY … COLLATE")
        column = item.column_ref
        kind = known_type(column.column.type)
        if kind.kind in ("ARRAY", "STRUCT", "JSON", "GEOGRAPHY"):
            raise not_implemented(f"ORDER BY on {kind}")
        name = expressions.compile(column)
        descending = item.is_descending
        nulls = item.enum("null_order")
        first = not descending if nulls == "ORDER_UNSPECIFIED" else nulls == "NULLS_FIRST"
        place = "NULLS FIRST" if first else "NULLS LAST"
        direction = "DESC" if descending else "ASC"
        if kind.kind == "FLOAT64":
            texts.append(f"({name} IS NULL) {'DESC' if first else 'ASC'}")
            texts.append(f"isnan({name}) {'ASC' if descending else 'DESC'} NULLS LAST")
        texts.append(f"{name} {direction} {place}")
    return ", ".join(texts)


def aggregate(node: Node, expressions: Expressions) -> str:
    """An aggregate function call."""
    if node.kind != "AggregateFunctionCall":
        raise not_implemented(f"the aggregation {node.kind}")
    if node.group_by_list or node.where_expr is not None or node.having_expr is not None:
        raise not_implemented("aggregation of aggregations")
    order = order_items(node.order_by_item_list, expressions) if node.order_by_item_list else ""
    limit = expressions.compile(node.limit) if node.limit is not None else ""
    return _call(node, expressions, order, limit, "")


def analytic(node: Node, group: Node, expressions: Expressions) -> str:
    """A window function call with its OVER clause."""
    over = _over(node, group, expressions)
    name = _name(node)
    if name in _WINDOW:
        arguments = [expressions.compile(argument) for argument in node.argument_list]
        nulls = node.enum("null_handling_modifier")
        modifier = " IGNORE NULLS" if nulls == "IGNORE_NULLS" else ""
        if name in ("lag", "lead") and len(arguments) > 1:
            arguments[1] = f"CAST({arguments[1]} AS INTEGER)"
        call = f"{name}({', '.join(arguments)}{modifier}) OVER ({over})"
        return f"CAST({call} AS {sqltypes.duckdb_type(type_of(node))})"
    return _call(node, expressions, "", "", f" OVER ({over})")


def _name(node: Node) -> str:
    return node.function.name.rpartition(":")[2]


def _call(node: Node, expressions: Expressions, order: str, limit: str, over: str) -> str:
    name = _name(node)
    if node.enum("error_mode") != "DEFAULT_ERROR_MODE":
        raise not_implemented(f"SAFE.{name}")
    result = type_of(node)
    target = sqltypes.duckdb_type(result)
    arguments = node.argument_list
    args = [expressions.compile(argument) for argument in arguments]
    kinds = [type_of(argument) for argument in arguments]
    distinct = "DISTINCT " if node.distinct else ""
    if node.kind == "AggregateFunctionCall" and node.having_modifier is not None:
        return _having(node, name, args, expressions, target)
    if name in ("max_by", "min_by"):
        return f"CAST(arg_{name[:3]}_null({args[0]}, {args[1]}) AS {target})"
    if name == "$count_star":
        return f"count(*){over}"
    if name == "count":
        return f"count({distinct}{args[0]}){over}"
    if name == "countif":
        return f"count({distinct}CASE WHEN {args[0]} THEN 1 END){over}"
    if name == "approx_count_distinct":
        return f"count(DISTINCT {args[0]}){over}"
    if name == "sum":
        return _sum(result.kind, distinct, args[0], over, target)
    if name == "avg":
        return _average(kinds[0].kind, distinct + args[0], over, target)
    if name in ("min", "max"):
        return _extreme(name, kinds[0].kind, args[0], over)
    if name == "array_agg":
        return _array_agg(node, args[0], distinct, order, limit, over, target)
    if name == "string_agg" and result.kind == "STRING":
        return _string_agg(args, distinct, order, limit, over)
    if name == "array_concat_agg" and not limit and not over:
        inner = f"list({args[0]}{' ORDER BY ' + order if order else ''}) FILTER ({args[0]} IS NOT NULL)"
        return f"CAST(flatten({inner}) AS {target})"
    if name in _PLAIN and not order and not limit:
        if name == "any_value":
            distinct = ""
        return f"CAST({_PLAIN[name]}({distinct}{', '.join(args)}){over} AS {target})"
    raise not_implemented(f"the aggregate function {name.upper()} in this form")


def _having(node: Node, name: str, args: list[str], expressions: Expressions, target: str) -> str:
    """ANY_VALUE(x HAVING MAX y)."""
    if name != "any_value":
        raise not_implemented(f"{name.upper()}(… HAVING MAX/MIN …)")
    modifier = node.having_modifier
    kind = type(modifier.message).DESCRIPTOR.fields_by_name["kind"].enum_type.values_by_number[modifier.message.kind].name
    by = expressions.compile(modifier.having_expr)
    function = "arg_max_null" if kind == "MAX" else "arg_min_null"
    return f"CAST({function}({args[0]}, {by}) AS {target})"


def _average(kind: str, argument: str, over: str, target: str) -> str:
    if kind in ("INT64", "FLOAT64"):
        return f"avg({argument}){over}"
    if kind not in ("NUMERIC", "BIGNUMERIC"):
        raise not_implemented(f"AVG of {kind}")
    number = sqltypes.SqlType(kind)
    count = functions.cast(sqltypes.INT64, number, f"nullif(count({argument}){over}, 0)")
    plain = argument.removeprefix("DISTINCT ")
    distinct = "DISTINCT " if plain != argument else ""
    return functions.decimal_call("divide", number, [_sum(kind, distinct, plain, over, target), count])


def _sum(kind: str, distinct: str, argument: str, over: str, target: str) -> str:
    """DuckDB's sums of 38 digits wrap around without a word; an approximate sum beside them tells."""
    total = f"sum({distinct}{argument}){over}"
    if kind == "NUMERIC":
        return f"{functions.SCHEMA}.numeric_sum({total}, sum({distinct}CAST({argument} AS DOUBLE)){over})"
    if kind == "BIGNUMERIC":
        return f"CAST(googlesql_bignumeric_sum(CAST({total} AS VARCHAR)) AS BIGNUM)"
    return f"CAST({total} AS {target})"


def _extreme(name: str, kind: str, argument: str, over: str) -> str:
    if kind == "FLOAT64":
        nan = "CAST('nan' AS DOUBLE)"
        return f"CASE WHEN coalesce(bool_or(isnan({argument})){over}, FALSE) THEN {nan} ELSE {name}({argument}){over} END"
    if kind not in _ORDERED:
        raise not_implemented(f"{name.upper()} of {kind}")
    return f"{name}({argument}){over}"


def _array_agg(node: Node, argument: str, distinct: str, order: str, limit: str, over: str, target: str) -> str:
    ordering = f" ORDER BY {order}" if order else ""
    only = f" FILTER ({argument} IS NOT NULL)" if node.enum("null_handling_modifier") == "IGNORE_NULLS" else ""
    call = f"CAST(list({distinct}{argument}{ordering}){only}{over} AS {target})"
    return f"list_slice({call}, 1, {limit})" if limit else call


def _string_agg(args: list[str], distinct: str, order: str, limit: str, over: str) -> str:
    separator = args[1] if len(args) > 1 else "','"
    ordering = f" ORDER BY {order}" if order else ""
    if limit:
        items = f"list({distinct}{args[0]}{ordering}) FILTER ({args[0]} IS NOT NULL){over}"
        return f"array_to_string(list_slice({items}, 1, {limit}), {separator})"
    return f"string_agg({distinct}{args[0]}, {separator}{ordering}){over}"


def _over(node: Node, group: Node, expressions: Expressions) -> str:
    parts = []
    if group.partition_by is not None:
        columns = ", ".join(expressions.compile(item) for item in group.partition_by.partition_by_list)
        parts.append(f"PARTITION BY {columns}")
    if group.order_by is not None:
        parts.append("ORDER BY " + order_items(group.order_by.order_by_item_list, expressions))
    frame = node.window_frame
    if frame is not None and _name(node) not in _WINDOW - {"first_value", "last_value", "nth_value"}:
        unit = frame.enum("frame_unit")
        start, end = _bound(frame.start_expr, expressions), _bound(frame.end_expr, expressions)
        offsets = "PRECEDING" in start + end and "UNBOUNDED PRECEDING" != start or "FOLLOWING" in start
        if unit == "RANGE" and offsets and "FLOAT64" in _order_kinds(group):
            raise not_implemented("RANGE with offsets over FLOAT64")
        parts.append(f"{unit} BETWEEN {start} AND {end}")
    return " ".join(parts)


def _order_kinds(group: Node) -> set[str]:
    return {known_type(item.column_ref.column.type).kind for item in group.order_by.order_by_item_list}


def _bound(bound: Node, expressions: Expressions) -> str:
    text = bound.enum("boundary_type").replace("_", " ")
    if not text.startswith("OFFSET"):
        return text
    return f"{expressions.compile(bound.expression)} {text.removeprefix('OFFSET ')}"


__all__ = ["aggregate", "analytic", "column_name", "order_items"]
