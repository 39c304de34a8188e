# SPDX-License-Identifier: Apache-2.0
"""ALTER TABLE and ALTER VIEW, with their refusals.

standard-sql/data-definition-language (alter_table_*), docs/managing-table-schemas, docs/primary-foreign-keys
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from standin import tables
from standin.catalog import Table, Transaction
from standin.errors import ApiError, invalid, not_implemented
from standin.resources import check_table_id
from standin.sql import schemas, sqltypes
from standin.sql.analyzer import Analyzed
from standin.sql.context import Context
from standin.sql.nodes import Node
from standin.sql.options import Options
from standin.sql.results import StatementResult
from standin.types import Field, Schema, Type, check_column_name


def run(context: Context, analyzed: Analyzed, tx: Transaction, result: StatementResult) -> None:
    """Apply all actions of the statement, or none."""
    node = analyzed.statement
    ref = context.table_ref(list(node.name_path))
    result.ddl_table = ref
    if context.find(ref) is None and node.is_if_exists:
        result.ddl_operation = "SKIP"
        return
    table = context.table(ref)
    context.require("bigquery.tables.update", ref)
    wanted = "VIEW" if node.kind == "AlterViewStmt" else "TABLE"
    if table.kind != wanted and not (wanted == "TABLE" and table.kind == "SNAPSHOT"):
        raise invalid(f"{ref} is not allowed for this operation because it is currently a {table.kind}.")
    result.ddl_operation = "ALTER"
    if node.kind == "AlterTableSetOptionsStmt":
        _set_options(context, analyzed, tx, table, node)
        return
    for action in node.alter_action_list:
        _apply(context, analyzed, tx, tx.table(ref), action)


def renames(node: Node) -> bool:
    """Whether a parsed ALTER TABLE renames columns."""
    if node.kind != "AlterTableStatement":
        return False
    kinds = {action.kind for action in node.action_list.actions}
    if "RenameColumnAction" in kinds and len(kinds) > 1:
        raise invalid("ALTER TABLE RENAME COLUMN cannot be combined with other actions in one statement")
    return kinds == {"RenameColumnAction"}


def rename_columns(context: Context, node: Node, tx: Transaction) -> StatementResult:
    """From the parse tree: the analyzer looks at one rename after the other, and so refuses to swap two names."""
    result = StatementResult("ALTER_TABLE", ddl_operation="ALTER")
    ref = context.table_ref([part.id_string for part in node.path.names])
    result.ddl_table = ref
    if context.find(ref) is None and node.is_if_exists:
        result.ddl_operation = "SKIP"
        return result
    table = context.table(ref)
    context.require("bigquery.tables.update", ref)
    if table.kind != "TABLE":
        raise invalid(f"{ref} is not allowed for this operation because it is currently a {table.kind}.")
    _rename_columns(tx, table, node.action_list.actions)
    return result


def _apply(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    handler = _ACTIONS.get(action.kind)
    if handler is None:
        raise not_implemented(f"ALTER TABLE {action.kind.removesuffix('Action')}")
    handler(context, analyzed, tx, table, action)


# --- columns -------------------------------------------------------------------------------------


def _add_column(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    from standin.sql.ddl import column_of

    item = column_of(context, action.column_definition)
    check_column_name(item.name, True)
    if table.schema.find(item.name) is not None:
        if action.is_if_not_exists:
            return
        raise invalid(f"Column already exists: {item.name}")
    if item.mode == "REQUIRED":
        raise invalid(
            f"Provided Schema does not match Table {table.ref}. Cannot add required fields to an existing schema. "
            f"(field: {item.name})"
        )
    if item.default is not None:
        raise invalid(
            f"Cannot add column {item.name} with a default value to an existing table: use ALTER TABLE ADD COLUMN, then "
            "ALTER TABLE ALTER COLUMN SET DEFAULT"
        )
    tx.set_schema(table.ref, Schema((*table.schema.fields, item)))


def _drop_column(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    item = table.schema.find(action.name)
    if item is None:
        if action.is_if_exists:
            return
        raise invalid(f"Column not found: {action.name}")
    _refuse_special(table, item, "drop")
    if len(table.schema) == 1:
        raise invalid(f"ALTER TABLE DROP COLUMN cannot drop all columns of table {table.ref}")
    tx.set_schema(table.ref, Schema(tuple(other for other in table.schema if other is not item)))


def _refuse_special(table: Table, item: Field, verb: str) -> None:
    name = item.name.lower()
    if name == (table.partition_column or "").lower():
        raise invalid(f"Cannot {verb} column {item.name}: it is the partitioning column of {table.ref}")
    if name in (column.lower() for column in table.clustering):
        raise invalid(f"Cannot {verb} column {item.name}: {table.ref} is clustered by it")
    if name in (column.lower() for column in table.primary_key):
        raise invalid(f"Cannot {verb} column {item.name}: it is part of the primary key of {table.ref}")
    if any(name == mine.lower() for key in table.foreign_keys for mine, _ in key.columns):
        raise invalid(f"Cannot {verb} column {item.name}: it is part of a foreign key of {table.ref}")


def _rename_columns(tx: Transaction, table: Table, actions: list[Node]) -> None:
    """All renames of a statement happen at once, so that columns can be swapped."""
    renamed: dict[str, str] = {}
    for action in actions:
        name, new = action.column_name.id_string, action.new_column_name.id_string
        item = table.schema.find(name)
        if item is None:
            if action.is_if_exists:
                continue
            raise invalid(f"Column not found: {name}")
        _refuse_special(table, item, "rename")
        check_column_name(new, True)
        renamed[item.name] = new
    fields = tuple(replace(item, name=renamed.get(item.name, item.name)) for item in table.schema)
    names = [item.name.lower() for item in fields]
    for name in renamed.values():
        if names.count(name.lower()) > 1:
            raise invalid(f"Column already exists: {name}")
    tx.set_schema(table.ref, Schema(fields), {new: old for old, new in renamed.items()})


def _column(table: Table, action: Node) -> Field | None:
    item = table.schema.find(action.column)
    if item is None and not action.is_if_exists:
        raise invalid(f"Column not found: {action.column}")
    return item


def _replaced(table: Table, old: Field, new: Field) -> Schema:
    return Schema(tuple(new if item is old else item for item in table.schema))


def _column_options(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    item = _column(table, action)
    if item is None:
        return
    changed = item
    for name, (_, value) in Options(context, analyzed, action.option_list).values.items():
        if name == "description":
            changed = replace(changed, description=value)
        elif name == "rounding_mode":
            changed = replace(changed, rounding=value)
        elif name in ("data_policies", "policy_tags"):
            raise not_implemented(f"the column option {name}")
        else:
            raise invalid(f"Unknown option: {name} of column {item.name}")
    tx.set_schema(table.ref, _replaced(table, item, changed))


def _drop_not_null(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    item = _column(table, action)
    if item is None:
        return
    if item.mode != "REQUIRED":
        raise invalid(f"ALTER TABLE ALTER COLUMN DROP NOT NULL requires column {item.name} to be NOT NULL, which it is not")
    tx.set_schema(table.ref, _replaced(table, item, replace(item, mode="NULLABLE")))


def _set_default(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    from standin.sql.dml import compiled_default

    item = _column(table, action)
    if item is None:
        return
    text = action.default_value.sql
    compiled_default(context, text, schemas.type_of_field(item))
    tx.set_schema(table.ref, _replaced(table, item, replace(item, default=text)))


def _drop_default(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    item = _column(table, action)
    if item is not None:
        tx.set_schema(table.ref, _replaced(table, item, replace(item, default=None)))


_WIDER = {
    "INT64": ("NUMERIC", "BIGNUMERIC", "FLOAT64"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT64"),
}


def _set_data_type(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    from standin.sql.ddl import field_with

    item = _column(table, action)
    if item is None:
        return
    name = item.name.lower()
    keys = [*table.primary_key, *(mine for key in table.foreign_keys for mine, _ in key.columns)]
    if name in (column.lower() for column in keys) or name == (table.partition_column or "").lower():
        raise invalid(f"Cannot change the type of column {item.name}: it is a key or partitioning column of {table.ref}")
    kind = sqltypes.from_proto(action.updated_type)
    parameters = action.updated_type_parameters
    wanted = field_with(schemas.field_of(item.name, kind), action.updated_annotations, parameters)
    if wanted.repeated != item.repeated:
        raise _cannot_change(item, wanted)
    changed = replace(item, type=_widened(item, wanted, item.type, wanted.type, item.repeated))
    tx.set_schema(table.ref, _replaced(table, item, changed))


def _cannot_change(old: Field, new: Field) -> ApiError:
    return ApiError(
        "invalidQuery",
        "ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type "
        f"({old.sql_type()}) is assignable to the new type ({new.sql_type()})",
        location="query",
    )


def _widened(item: Field, wanted: Field, old: Type, new: Type, repeated: bool) -> Type:
    if old.name == new.name == "STRUCT":
        if repeated and old.bare() != new.bare():
            raise _cannot_change(item, wanted)
        if [member.name.lower() for member in old.fields] != [member.name.lower() for member in new.fields]:
            raise _cannot_change(item, wanted)
        members = tuple(
            replace(before, type=_widened(item, wanted, before.type, after.type, before.repeated))
            for before, after in zip(old.fields, new.fields, strict=True)
        )
        return replace(old, fields=members)
    if old.name != new.name:
        # The page's own example goes from NUMERIC to BIGNUMERIC(40, 20), which has fewer digits before the point.
        fits = old == Type("NUMERIC") and new.name == "BIGNUMERIC" or _digits_fit(old, new)
        if new.name not in _WIDER.get(old.name, ()) or not fits:
            raise _cannot_change(item, wanted)
        return new
    if old.name in ("STRING", "BYTES"):
        if new.length is not None and (old.length is None or new.length < old.length):
            raise _cannot_change(item, wanted)
    elif not _digits_fit(old, new):
        raise _cannot_change(item, wanted)
    return new


def _digits_fit(old: Type, new: Type) -> bool:
    """Whether every value of the old decimal type is one of the new."""
    if new.precision is None:
        return True
    whole = new.precision - (new.scale or 0)
    if old.name == "INT64":
        return whole >= 19
    if old.precision is None:
        old_whole, old_scale = {"NUMERIC": (29, 9), "BIGNUMERIC": (39, 38)}[old.name]
    else:
        old_whole, old_scale = old.precision - (old.scale or 0), old.scale or 0
    return whole >= old_whole and (new.scale or 0) >= old_scale


# --- the table -----------------------------------------------------------------------------------


def _set_options(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    body = tables.as_body(table)
    Options(context, analyzed, action.option_list).apply_to_table(body)
    tables.change(context.app, tx, table, body, {})


def _rename_to(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    """Within the dataset only; the rows go along."""
    path = list(action.new_path)
    if len(path) > 1:
        raise invalid("ALTER TABLE RENAME TO takes an unqualified table name: a table cannot be moved to another dataset")
    if table.primary_key:
        raise invalid(f"Cannot rename table {table.ref}: it has a primary key")
    check_table_id(path[0])
    target = table.ref._replace(table=path[0])
    if tx.find(target) is not None:
        raise ApiError("duplicate", f"Already Exists: Table {target}")
    created = tx.create(replace(table, ref=target, history=()))
    from standin.sql.ddl import copy_rows

    copy_rows(context, tx, table, created)
    tx.drop(table.ref)


def primary_key_columns(node: Node) -> list[str]:
    """The columns of a PRIMARY KEY … NOT ENFORCED."""
    if not node.unenforced:
        raise invalid("Enforced PRIMARY KEY is not supported: say NOT ENFORCED")
    return list(node.column_name_list)


def foreign_key(analyzed: Analyzed, node: Node, names: list[str]) -> dict[str, Any]:
    """The API's form of a FOREIGN KEY … REFERENCES … NOT ENFORCED."""
    if node.enforced:
        raise invalid("Enforced FOREIGN KEY is not supported: say NOT ENFORCED")
    target = analyzed.relations[node.referenced_table.serialization_id].handle.table
    mine = list(node.referencing_column_list) or [names[place] for place in node.referencing_column_offset_list]
    theirs = [target.schema.fields[place].name for place in node.referenced_column_offset_list]
    pairs = zip(mine, theirs, strict=True)
    found: dict[str, Any] = {
        "referencedTable": target.ref.to_json(),
        "columnReferences": [{"referencingColumn": a, "referencedColumn": b} for a, b in pairs],
    }
    if node.constraint_name:
        found["name"] = node.constraint_name
    return found


def _add_constraint(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    body = tables.as_body(table)
    constraints = dict(body.get("tableConstraints") or {})
    node = action.constraint
    if node.kind == "PrimaryKey":
        if table.primary_key:
            if action.is_if_not_exists:
                return
            raise invalid(f"Already Exists: primary key of table {table.ref}")
        constraints["primaryKey"] = {"columns": primary_key_columns(node)}
    elif node.kind == "ForeignKey":
        names = [item.name for item in table.schema]
        constraints["foreignKeys"] = [*constraints.get("foreignKeys", []), foreign_key(analyzed, node, names)]
    else:
        raise not_implemented("CHECK constraints")
    tables.change(context.app, tx, table, {**body, "tableConstraints": constraints}, {})


def _drop_primary_key(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    if not table.primary_key:
        if action.is_if_exists:
            return
        raise invalid(f"Table {table.ref} has no primary key")
    tx.put(replace(table, primary_key=()))


def _drop_constraint(context: Context, analyzed: Analyzed, tx: Transaction, table: Table, action: Node) -> None:
    name = action.name.lower()
    kept = tuple(key for key in table.foreign_keys if key.name.lower() != name)
    if len(kept) == len(table.foreign_keys):
        if action.is_if_exists:
            return
        raise invalid(f"Table {table.ref} has no constraint {action.name}")
    tx.put(replace(table, foreign_keys=kept))


_ACTIONS = {
    "AddColumnAction": _add_column,
    "DropColumnAction": _drop_column,
    "AlterColumnOptionsAction": _column_options,
    "AlterColumnDropNotNullAction": _drop_not_null,
    "AlterColumnSetDefaultAction": _set_default,
    "AlterColumnDropDefaultAction": _drop_default,
    "AlterColumnSetDataTypeAction": _set_data_type,
    "SetOptionsAction": _set_options,
    "RenameToAction": _rename_to,
    "AddConstraintAction": _add_constraint,
    "DropPrimaryKeyAction": _drop_primary_key,
    "DropConstraintAction": _drop_constraint,
}
