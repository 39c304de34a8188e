# SPDX-License-Identifier: Apache-2.0
"""Calls with a date part (or another keyword) among their arguments, written as GoogleSQL.

The analyzer turns `DATE_ADD(d, INTERVAL 3 DAY)` into date_add(d, 3, <enum DAY>). Its own unparser needs the enum's
descriptors, which the service is not given, so that these few forms are written here.
Date parts: standard-sql/date_functions, datetime_functions, timestamp_functions, interval_functions.
"""

from __future__ import annotations

from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2
from zetasql.wasi._pb2.zetasql.public.functions import datetime_pb2, normalize_mode_pb2, rounding_mode_pb2

from standin.errors import not_implemented
from standin.sql.nodes import Node

_ENUMS = {
    "DateTimestampPart": datetime_pb2.DateTimestampPart,
    "NormalizeMode": normalize_mode_pb2.NormalizeMode,
    "RoundingMode": rounding_mode_pb2.RoundingMode,
}


def is_enum(literal: Any) -> bool:
    """Whether a ResolvedLiteral is an enum's value."""
    return literal.value.type.type_kind == type_pb2.TYPE_ENUM


def has_enum(call: Node) -> bool:
    """Whether a function call has an enum among its arguments, or could have one that is left out."""
    if call.kind != "FunctionCall":
        return False
    declared = any(argument.type.type_kind == type_pb2.TYPE_ENUM for argument in call.signature.argument)
    return declared or any(item.kind == "Literal" and is_enum(item.message) for item in call.argument_list)


def part_name(node: Node) -> str | None:
    """The date part's name, as the analyzer has it (WEEK_MONDAY), when the node is one."""
    if node.kind != "Literal" or not is_enum(node.message):
        return None
    name = _enum(node)
    return name if name in datetime_pb2.DateTimestampPart.keys() else None


def _enum(node: Node) -> str:
    short = node.type.enum_type.enum_name.rpartition(".")[2]
    if short not in _ENUMS:
        raise not_implemented(f"arguments of the type {short}")
    return _ENUMS[short].Name(node.value.value.enum_value)


def _keyword(node: Node) -> str:
    name = _enum(node)
    if name.startswith("WEEK_"):
        return f"WEEK({name.removeprefix('WEEK_')})"
    return name


def text(node: Node) -> str | None:
    """The call as GoogleSQL, when it has an enum; its other arguments are parameters already."""
    if not has_enum(node):
        return None
    name = node.function.name.removeprefix("ZetaSQL:")
    safe = "SAFE." if node.enum("error_mode") == "SAFE_ERROR_MODE" else ""
    args = [
        _keyword(argument) if argument.kind == "Literal" else f"@{argument.name}" for argument in node.argument_list
    ]
    if name == "$extract":
        zone = f" AT TIME ZONE {args[2]}" if len(args) > 2 else ""
        return f"EXTRACT({args[1]} FROM {args[0]}{zone})"
    if name == "$interval":
        return f"INTERVAL {args[0]} {args[1]}"
    if name.endswith(("_add", "_sub")) and len(args) == 3:
        return f"{safe}{name.upper()}({args[0]}, INTERVAL {args[1]} {args[2]})"
    if name.startswith("generate_") and len(args) == 4:
        return f"{safe}{name.upper()}({args[0]}, {args[1]}, INTERVAL {args[2]} {args[3]})"
    if name == "round":
        args[2] = f"'{args[2]}'"
    if name.startswith("$"):
        raise not_implemented(f"the function {name}")
    return f"{safe}{name.upper()}({', '.join(args)})"
