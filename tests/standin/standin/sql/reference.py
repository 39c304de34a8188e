# SPDX-License-Identifier: Apache-2.0
"""Scalar functions computed by Google's reference engine, called from DuckDB.

What the compiler has no exact DuckDB translation for becomes a Python function in DuckDB: the call is turned
back into GoogleSQL with parameters for its arguments, prepared once, and evaluated row by row. Slow (some tenths
of a millisecond a row), and right.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import duckdb
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_pb2

from standin.sql import analyzer, dateparts, googlesql, sqltypes
from standin.sql.googlesql import service_pb2
from standin.sql.nodes import Node, concrete
from standin.sql.sqltypes import SqlType

_REMEMBERED = 4096
# A transaction does not see functions that are made after its start, so there are a few general ones, made with the
# database: the first argument is the number of the evaluator, the rest are its arguments.
_CALLS = {"BIGINT": "bigint", "BOOLEAN": "boolean", "VARCHAR": "varchar", "BLOB": "blob"}
_evaluators: list[Evaluator] = []
_numbers: dict[tuple[str, tuple[SqlType, ...], SqlType], int] = {}
_texts: dict[bytes, str] = {}
_lock = threading.Lock()

# DuckDB tries to import these for every row of a Python function; a failing import costs 0.1 ms each time.
for _module in ("pandas", "pyarrow", "polars"):
    if importlib.util.find_spec(_module) is None:
        sys.modules.setdefault(_module, None)  # type: ignore[arg-type]


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the general functions. The connection must live as long as its database: it owns them."""
    for result, name in _CALLS.items():
        connection.create_function(
            f"googlesql_{name}", _dispatch, None, duckdb.sqltype(result), null_handling="special", side_effects=False
        )


def _dispatch(*arguments: Any) -> Any:
    return _evaluators[arguments[0]].call(arguments[1:])


def call(node: Node, argument_text: Callable[[Node], str]) -> str | None:
    """The DuckDB expression that computes this expression node by the reference engine; None when it has no arguments
    (`evaluate` gives its value). `argument_text` compiles an argument; literal arguments are part of the evaluator."""
    parameterized, arguments = _parameterize(node)
    if not arguments:
        return None
    result = sqltypes.from_proto(node.type)
    kinds = tuple(sqltypes.from_proto(argument.type) for argument in arguments)
    number = _number(_text(parameterized), kinds, result)
    wired = [sqltypes.to_wire(kind, argument_text(a)) for kind, a in zip(kinds, arguments, strict=True)]
    nested = result.kind in ("ARRAY", "STRUCT", "RANGE")
    name = "varchar" if nested else _CALLS[sqltypes.wire_type(result)]
    text = f"googlesql_{name}({', '.join([str(number), *wired])})"
    return sqltypes.from_json(result, text) if nested else sqltypes.from_wire(result, text)


def _number(text: str, kinds: tuple[SqlType, ...], result: SqlType) -> int:
    with _lock:
        key = (text, kinds, result)
        if key not in _numbers:
            _evaluators.append(Evaluator(text, kinds, result))
            _numbers[key] = len(_evaluators) - 1
        return _numbers[key]


def evaluate(node: Node) -> Any:
    """The neutral value of an expression without columns."""
    parameterized, arguments = _parameterize(node)
    if arguments:
        raise ValueError("the expression has arguments")
    return Evaluator(_text(parameterized), (), sqltypes.from_proto(node.type)).compute(())


class Evaluator:
    """A prepared GoogleSQL expression with parameters p0, p1, …"""

    def __init__(self, text: str, kinds: tuple[SqlType, ...], result: SqlType):
        self.text = text
        self.kinds = kinds
        self.result = result
        self._seen: OrderedDict[Any, Any] = OrderedDict()
        self._generation = -1
        self._number = 0
        self._prepare()

    def _prepare(self) -> None:
        scope = analyzer.Scope(resolve=lambda path: None)
        scope.named = {f"p{number}": (kind, None) for number, kind in enumerate(self.kinds)}
        generation = googlesql.instance().generation
        request = service_pb2.PrepareRequest(sql=self.text, options=analyzer.options(scope))
        request.registered_catalog_id = analyzer.registered(analyzer.base_catalog())
        answer = googlesql.instance().call("Prepare", request, service_pb2.PrepareResponse)
        self._number = answer.prepared.prepared_expression_id
        self._generation = generation

    def call(self, arguments: tuple[Any, ...]) -> Any:
        """Wire values in, wire value out."""
        try:
            if arguments in self._seen:
                return self._seen[arguments]
            hashable = True
        except TypeError:
            hashable = False
        neutral = [sqltypes.from_wire_value(k, v) for k, v in zip(self.kinds, arguments, strict=False)]
        value = sqltypes.to_wire_value(self.result, self.compute(neutral))
        if isinstance(value, (list, dict)):
            value = json.dumps(value, default=bytes.hex)
        if hashable:
            self._seen[arguments] = value
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return value

    def compute(self, arguments: Any) -> Any:
        """Neutral values in, neutral value out; raises GoogleSqlError."""
        if googlesql.instance().generation != self._generation:
            self._prepare()
        request = service_pb2.EvaluateRequest(prepared_expression_id=self._number)
        for number, (kind, value) in enumerate(zip(self.kinds, arguments, strict=True)):
            request.params.add(name=f"p{number}").value.CopyFrom(sqltypes.value_to_proto(kind, value))
        answer = googlesql.instance().call("Evaluate", request, service_pb2.EvaluateResponse)
        return sqltypes.value_from_proto(self.result, answer.value)


def _parameterize(node: Node) -> tuple[resolved_ast_pb2.AnyResolvedExprProto, list[Node]]:
    """A copy of the node with parameters instead of its arguments, and the arguments."""
    copy = type(node.message)()
    copy.CopyFrom(node.message)
    arguments: list[Node] = []
    inner = Node(copy)
    if node.kind == "FunctionCall":
        call = copy.parent
        spelled = dateparts.has_enum(node)
        for argument in call.argument_list:
            _replace(argument, arguments, spelled)
        for argument in call.generic_argument_list:
            if argument.HasField("expr"):
                _replace(argument.expr, arguments)
            elif argument.HasField("inline_lambda"):
                own = {column.column_id for column in argument.inline_lambda.argument_list}
                _replace_outer(argument.inline_lambda.body, own, arguments)
    elif node.kind == "Cast":
        for name in ("expr", "format", "time_zone"):
            if copy.HasField(name):
                _replace(getattr(copy, name), arguments)
    elif node.kind == "GetJsonField":
        _replace(copy.expr, arguments)
    elif node.kind not in ("Literal",):
        raise analyzer.not_implemented(f"the expression {inner.kind}")
    return _any_expression(copy), arguments


def _text(expression: resolved_ast_pb2.AnyResolvedExprProto) -> str:
    """The GoogleSQL text of an expression."""
    key = expression.SerializeToString(deterministic=True)
    text = _texts.get(key)
    if text is None:
        text = dateparts.text(Node(concrete(expression)))
        if text is None:
            request = service_pb2.BuildSqlRequest(resolved_expression=expression)
            request.registered_catalog_id = analyzer.registered(analyzer.base_catalog())
            text = analyzer.call("BuildSql", request, service_pb2.BuildSqlResponse).sql
        _texts[key] = text
    return text


def _any_expression(message: Any) -> resolved_ast_pb2.AnyResolvedExprProto:
    wrapped = resolved_ast_pb2.AnyResolvedExprProto()
    kind = message.DESCRIPTOR.name
    if kind == "ResolvedFunctionCallProto":
        wrapped.resolved_function_call_base_node.resolved_function_call_node.CopyFrom(message)
        return wrapped
    for field in wrapped.DESCRIPTOR.fields:
        if field.message_type.name == kind:
            getattr(wrapped, field.name).CopyFrom(message)
            return wrapped
    raise analyzer.not_implemented(f"the expression {kind}")


def _replace(slot: resolved_ast_pb2.AnyResolvedExprProto, arguments: list[Node], spelled: bool = False) -> None:
    choice = slot.WhichOneof("node")
    if choice is None:
        return
    if choice == "resolved_literal_node" and (not spelled or dateparts.is_enum(slot.resolved_literal_node)):
        return
    copy = resolved_ast_pb2.AnyResolvedExprProto()
    copy.CopyFrom(slot)
    argument = Node(concrete(copy))
    slot.Clear()
    parameter = slot.resolved_parameter_node
    parameter.parent.type.CopyFrom(argument.type)
    parameter.name = f"p{len(arguments)}"
    arguments.append(argument)


def _replace_outer(slot: Any, own: set[int], arguments: list[Node]) -> None:
    """Inside a lambda, only the columns from outside (and parameters) become arguments."""
    choice = slot.WhichOneof("node")
    if choice == "resolved_column_ref_node":
        if slot.resolved_column_ref_node.column.column_id not in own:
            _replace(slot, arguments)
        return
    if choice in ("resolved_parameter_node", "resolved_constant_node", "resolved_subquery_expr_node"):
        _replace(slot, arguments)
        return
    _walk_slots(concrete(slot), own, arguments)


def _walk_slots(message: Any, own: set[int], arguments: list[Node]) -> None:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for item in value if field.is_repeated else (value,):
            if field.message_type.name == "AnyResolvedExprProto":
                _replace_outer(item, own, arguments)
            elif field.message_type.name.startswith(("Resolved", "AnyResolved")):
                _walk_slots(item, own, arguments)
