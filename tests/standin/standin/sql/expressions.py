# SPDX-License-Identifier: Apache-2.0
"""Resolved expressions as DuckDB expressions.

Every column is named by its id (`c7`), which is unique in a statement; that makes correlation and nesting plain.
Tree: ZetaSQL's docs/resolved_ast.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from standin.errors import ApiError, not_implemented
from standin.sql import dateparts, functions, reference, sqltypes
from standin.sql.analyzer import Scope, api_error
from standin.sql.googlesql import GoogleSqlError
from standin.sql.nodes import Node
from standin.sql.sqltypes import SqlType


@dataclass
class Environment:
    """What expressions may ask about their statement."""

    scope: Scope
    connection: Any  # a DuckDB connection outside of any transaction, to compute constants with
    now_micros: int
    user: str = "nobody"
    system_variables: dict[tuple[str, ...], Any] = field(default_factory=dict)


def type_of(node: Node) -> SqlType:
    """An expression's type."""
    return known_type(node.type)


def known_type(proto: Any) -> SqlType:
    """The analyzer's type, or 501."""
    try:
        return sqltypes.from_proto(proto)
    except sqltypes.UnknownType as error:
        raise not_implemented(f"the type {error}") from None


def column_name(column: Any) -> str:
    """The name that a resolved column has in the compiled text."""
    return f"c{column.column_id}"


class Expressions:
    """Compiles expressions; `subquery` compiles a scan to a SELECT."""

    def __init__(self, environment: Environment, subquery: Callable[[Node], str]):
        self.environment = environment
        self._subquery = subquery
        self.overrides: dict[int, str] = {}  # column id -> what to write instead of its name

    def compile(self, node: Node) -> str:
        """The DuckDB expression of a resolved expression."""
        method = getattr(self, f"_{node.kind}", None)
        if method is None:
            raise not_implemented(f"the SQL expression {node.kind}")
        try:
            return method(node)
        except sqltypes.UnknownType as error:
            raise not_implemented(f"the type {error}") from None

    # --- leaves ---

    def constant_value(self, node: Node) -> tuple[SqlType, Any] | None:
        """Type and value of a literal, query parameter, script variable or system variable."""
        scope = self.environment.scope
        if node.kind == "Literal":
            kind = known_type(node.value.type)
            return kind, sqltypes.value_from_proto(kind, node.value.value)
        if node.kind == "Parameter":
            if node.position:
                return scope.positional[node.position - 1]
            return scope.named[node.name.lower()]
        if node.kind == "Constant":
            name = node.constant.name.lower()
            return next(value for key, value in scope.variables.items() if key.lower() == name)
        if node.kind == "SystemVariable":
            path = tuple(part.lower() for part in node.name_path)
            if path not in self.environment.system_variables:
                raise not_implemented("the system variable @@" + ".".join(path))
            return type_of(node), self.environment.system_variables[path]
        return None

    def _constant(self, node: Node) -> str:
        kind, value = self.constant_value(node)
        return sqltypes.literal(kind, value)

    _Literal = _Parameter = _Constant = _SystemVariable = _constant

    def _ColumnRef(self, node: Node) -> str:
        return self.overrides.get(node.column.column_id) or column_name(node.column)

    # --- calls ---

    def _FunctionCall(self, node: Node) -> str:
        name = node.function.name.removeprefix("ZetaSQL:")
        current = self._current(name, node)
        if current is not None:
            return current
        if node.enum("error_mode") == "DEFAULT_ERROR_MODE" and not node.generic_argument_list:
            native = self._native(name, node)
            if native is not None:
                return native
        if name in ("rand", "generate_uuid", "$with_side_effects"):
            raise not_implemented(f"the function {name} with SAFE or side effects")
        return self._by_reference(node)

    def _native(self, name: str, node: Node) -> str | None:
        arguments = node.argument_list
        result = type_of(node)
        if name in ("date_trunc", "timestamp_trunc", "datetime_trunc") and len(arguments) == 2:
            part = dateparts.part_name(arguments[1])
            if part:
                return functions.truncate(name, type_of(arguments[0]), self.compile(arguments[0]), part)
        if name in ("timestamp_add", "timestamp_sub", "datetime_add", "datetime_sub") and len(arguments) == 3:
            part = dateparts.part_name(arguments[2])
            return functions.shift(name, self.compile(arguments[0]), self.compile(arguments[1]), part or "")
        writer = functions.FUNCTIONS.get(name)
        if writer is None or any(argument.type.type_kind == 15 for argument in arguments):
            return None
        return writer([type_of(a) for a in arguments], result, [self.compile(a) for a in arguments])

    def _current(self, name: str, node: Node) -> str | None:
        """The functions of the statement's own time and user: one value for the whole statement."""
        micros = self.environment.now_micros
        if name == "session_user":
            return sqltypes.string_literal(self.environment.user)
        if name == "current_timestamp":
            return sqltypes.literal(sqltypes.TIMESTAMP, micros)
        if name not in ("current_date", "current_datetime", "current_time"):
            return None
        if node.argument_list:
            zone = self.constant_value(node.argument_list[0])
            if zone is None or zone[1] is None:
                raise not_implemented(f"{name} with a computed time zone")
            micros = _local_micros(micros, zone[1])
        if name == "current_datetime":
            return sqltypes.literal(sqltypes.DATETIME, micros)
        day, rest = divmod(micros, 86_400_000_000)
        return sqltypes.literal(sqltypes.DATE, day) if name == "current_date" else sqltypes.literal(sqltypes.TIME, rest)

    def _by_reference(self, node: Node) -> str:
        result = type_of(node)
        try:
            text = reference.call(node, self.compile)
        except GoogleSqlError as error:
            raise api_error(error) from error
        if text is not None:
            return text
        try:
            return sqltypes.literal(result, reference.evaluate(node))
        except GoogleSqlError as error:
            return f"CAST(error({sqltypes.string_literal(str(error))}) AS {sqltypes.duckdb_type(result)})"

    def _Cast(self, node: Node) -> str:
        source, target = type_of(node.expr), type_of(node)
        parameters = node.type_modifiers is not None and node.type_modifiers.HasField("type_parameters")
        simple = node.format is None and not parameters
        if simple and (not node.return_null_on_error or source == target):
            native = functions.cast(source, target, self.compile(node.expr))
            if native is not None:
                return native
        if simple and node.expr.kind == "Literal" and node.expr.value.value.WhichOneof("value") is None:
            return sqltypes.literal(target, None)
        return self._by_reference(node)

    _GetJsonField = _by_reference

    # --- structs ---

    def _MakeStruct(self, node: Node) -> str:
        return sqltypes.struct_literal(type_of(node), [self.compile(item) for item in node.field_list])

    def _GetStructField(self, node: Node) -> str:
        name = type_of(node.expr).field_names()[node.field_idx]
        return f"struct_extract({self.compile(node.expr)}, {sqltypes.string_literal(name)})"

    def _WithExpr(self, node: Node) -> str:
        """WITH(a AS 1, b AS a + 1, a + b): nested one-row SELECTs."""
        inner = f"(SELECT {self.compile(node.expr)} AS r"
        text = inner + " FROM ({}))"
        source = "SELECT 1 AS _one"
        for item in node.assignment_list:
            source = f"SELECT *, {self.compile(item.expr)} AS {column_name(item.column)} FROM ({source})"
        return text.format(source)

    # --- subqueries ---

    def _SubqueryExpr(self, node: Node) -> str:
        kind = node.enum("subquery_type")
        select = self._subquery(node.subquery)
        if kind == "EXISTS":
            return f"EXISTS ({select})"
        column = column_name(node.subquery.column_list[0])
        if kind == "SCALAR":
            return f"(SELECT {column} FROM ({select}))"
        if kind == "ARRAY":
            result = sqltypes.duckdb_type(type_of(node))
            return f"coalesce(CAST(ARRAY(SELECT {column} FROM ({select})) AS {result}), [])"
        if kind == "IN":
            needle, element = type_of(node.in_expr), known_type(node.subquery.column_list[0].type)
            if needle.kind in ("FLOAT64", "STRUCT", "JSON") or needle != element:
                raise not_implemented(f"IN (subquery) with {needle}")
            return f"({self.compile(node.in_expr)} IN (SELECT {column} FROM ({select})))"
        raise not_implemented(f"the subquery form {kind}")


def _local_micros(micros: int, zone: str) -> int:
    import datetime
    import zoneinfo

    moment = datetime.datetime.fromtimestamp(micros // 1_000_000, datetime.timezone.utc)
    try:
        offset = moment.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ApiError("invalidQuery", f"Invalid time zone: {zone}", location="query") from None
    return micros + int(offset.total_seconds()) * 1_000_000
