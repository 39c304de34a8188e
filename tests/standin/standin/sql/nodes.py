# SPDX-License-Identifier: Apache-2.0
"""A thin view of the analyzer's protobuf trees (parse trees and resolved trees).

The generated messages model inheritance by a `parent` field and abstract classes by `Any…Proto` messages
with one `node` choice. `Node` looks fields up through the parents and unwraps the choices, so that the tree
reads as in ZetaSQL's own documentation (docs/resolved_ast.md): `node.kind == "FilterScan"`, `node.input_scan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

_TREE = ("Resolved", "AST")


def concrete(message: Message) -> Message | None:
    """The message inside an Any… wrapper; None when nothing is set."""
    while message.DESCRIPTOR.name.startswith(("AnyResolved", "AnyAST")):
        choice = message.WhichOneof("node")
        if choice is None:
            return None
        message = getattr(message, choice)
    return message


def _field_path(message: Message, name: str) -> tuple[Message, Any] | None:
    """The (sub)message and field descriptor that hold `name`, seeking up through the parents."""
    while True:
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is not None:
            return message, field
        if "parent" not in message.DESCRIPTOR.fields_by_name:
            return None
        message = message.parent


def _wrap(message: Message) -> Any:
    inner = concrete(message)
    return None if inner is None else Node(inner)


def _is_tree(field: Any) -> bool:
    kind = field.message_type
    return kind is not None and kind.name.startswith(("AnyResolved", "AnyAST", *_TREE))


class Node:
    """One node of a parse tree or resolved tree."""

    __slots__ = ("kind", "message")

    def __init__(self, message: Message):
        self.message = message
        name = message.DESCRIPTOR.name
        for prefix in _TREE:
            if name.startswith(prefix):
                name = name[len(prefix) :]
                break
        self.kind = name.removesuffix("Proto")

    def __getattr__(self, name: str) -> Any:
        return self.field(name)

    def field(self, name: str) -> Any:
        """A field's value (for fields whose names are taken here: `kind`, `message`, `location`)."""
        found = _field_path(self.message, name)
        if found is None:
            raise AttributeError(f"{self.kind} has no field {name}")
        holder, field = found
        value = getattr(holder, name)
        if field.is_repeated:
            return [_wrap(item) for item in value] if _is_tree(field) else list(value)
        if field.message_type is None:
            return value
        if not holder.HasField(name):
            return None
        return _wrap(value) if _is_tree(field) else value

    def has(self, name: str) -> bool:
        """Whether an optional scalar or message field is set."""
        found = _field_path(self.message, name)
        return found is not None and found[0].HasField(name)

    def children(self) -> Iterator[Node]:
        """The nodes directly below, in field order (the parents' fields first)."""
        yield from _children(self.message)

    def walk(self) -> Iterator[Node]:
        """This node and all below."""
        yield self
        for child in self.children():
            yield from child.walk()

    def location(self) -> tuple[int, int] | None:
        """Byte offsets of the node's text, when the tree was made with locations."""
        found = _field_path(self.message, "parse_location_range")
        if found is None or not found[0].HasField("parse_location_range"):
            return None
        place = found[0].parse_location_range
        return place.start, place.end

    def enum(self, name: str) -> str:
        """An enum field's value by its name."""
        found = _field_path(self.message, name)
        if found is None:
            raise AttributeError(f"{self.kind} has no field {name}")
        holder, field = found
        return field.enum_type.values_by_number[getattr(holder, name)].name

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def _children(message: Message) -> Iterator[Node]:
    for field, value in message.ListFields():
        if not _is_tree(field):
            continue
        if field.name == "parent":
            yield from _children(value)
            continue
        for item in value if field.is_repeated else (value,):
            inner = concrete(item)
            if inner is not None:
                yield Node(inner)
