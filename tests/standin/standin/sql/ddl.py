# SPDX-License-Identifier: Apache-2.0
"""CREATE, DROP and ALTER of tables, views and datasets (standard-sql/data-definition-language).

A statement is turned into the API's resource, so that the rules for what a table may be are in one place
(tablespec.py). Refusals of ALTER TABLE: docs/managing-table-schemas, docs/default-values, docs/primary-foreign-keys.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from standin import datasets, partitions, tables, tablespec
from standin.catalog import Table, TableRef, Transaction
from standin.errors import ApiError, invalid, not_implemented
from standin.physical import ident
from standin.sql import alter, dateparts, schemas, sqltypes
from standin.sql.analyzer import Analyzed
from standin.sql.compiler import Compiler
from standin.sql.context import Context, TableHandle
from standin.sql.nodes import Node
from standin.sql.options import Options
from standin.sql.results import StatementResult
from standin.types import Field, Schema

PSEUDO_COLUMNS = {"_PARTITIONTIME": sqltypes.TIMESTAMP, "_PARTITIONDATE": sqltypes.DATE}
OTHER_PARTITIONING = (
    "Cannot replace a table with a different partitioning spec. Instead, DROP the table, and then recreate it. "
    "New partitioning spec is {new} and existing spec is {old}"
)
NO_DDL = (
    "DDL statements are not supported in a transaction, except for those creating or droping temporary tables or "
    "temporary functions."
)
TYPES = {
    "CreateTableStmt": "CREATE_TABLE",
    "CreateTableAsSelectStmt": "CREATE_TABLE_AS_SELECT",
    "CreateViewStmt": "CREATE_VIEW",
    "CreateSchemaStmt": "CREATE_SCHEMA",
    "CreateSnapshotTableStmt": "CREATE_SNAPSHOT_TABLE",
    "DropSnapshotTableStmt": "DROP_SNAPSHOT_TABLE",
    "AlterTableStmt": "ALTER_TABLE",
    "AlterTableSetOptionsStmt": "ALTER_TABLE",
    "AlterViewStmt": "ALTER_VIEW",
    "AlterSchemaStmt": "ALTER_SCHEMA",
}
_DROPPED = {"TABLE": "DROP_TABLE", "VIEW": "DROP_VIEW", "SCHEMA": "DROP_SCHEMA"}


def describe(context: Context, analyzed: Analyzed) -> StatementResult:
    """The result of a dry run: only its type, and the schema of a CREATE TABLE."""
    statement = analyzed.statement
    result = StatementResult(_type(statement))
    if statement.kind in ("CreateTableStmt", "CreateTableAsSelectStmt"):
        result.ddl_table = context.table_ref(list(statement.name_path))
        if statement.enum("create_scope") != "CREATE_TEMP":
            context.require("bigquery.tables.create", result.ddl_table.parent)
        result.schema = Creation(context, analyzed).schema()
    return result


def _type(statement: Node) -> str:
    if statement.kind == "DropStmt":
        kind = statement.object_type.upper()
        if kind not in _DROPPED:
            raise not_implemented(f"DROP {kind}")
        return _DROPPED[kind]
    if statement.kind not in TYPES:
        raise not_implemented(f"the statement {statement.kind.removesuffix('Stmt')}")
    return TYPES[statement.kind]


def run(context: Context, sql: str, analyzed: Analyzed) -> StatementResult:
    """Run a DDL statement."""
    statement = analyzed.statement
    result = StatementResult(_type(statement))
    check_transaction(context, statement)
    tx = context.transaction
    if statement.kind in ("CreateTableStmt", "CreateTableAsSelectStmt"):
        Creation(context, analyzed).run(tx, result)
    elif statement.kind == "CreateViewStmt":
        _create_view(context, analyzed, tx, result)
    elif statement.kind == "CreateSnapshotTableStmt":
        _create_snapshot(context, analyzed, tx, result)
    elif statement.kind == "CreateSchemaStmt":
        _create_schema(context, analyzed, result)
    elif statement.kind in ("DropStmt", "DropSnapshotTableStmt"):
        _drop(context, statement, tx, result)
    elif statement.kind == "AlterSchemaStmt":
        _alter_schema(context, analyzed, result)
    else:
        alter.run(context, analyzed, tx, result)
    return result


def check_transaction(context: Context, statement: Node) -> None:
    """In a transaction there is DDL of temporary tables only."""
    if context.transaction_id is None:
        return
    temporary = statement.kind.startswith("CreateTable") and statement.enum("create_scope") == "CREATE_TEMP"
    if statement.kind == "DropStmt" and statement.object_type.upper() == "TABLE":
        temporary = list(statement.name_path)[-1].lower() in context.temporary
    if not temporary:
        raise ApiError("invalidQuery", NO_DDL, location="query")


# --- CREATE TABLE --------------------------------------------------------------------------------


class Creation:
    """CREATE TABLE in all its forms."""

    def __init__(self, context: Context, analyzed: Analyzed):
        self.context = context
        self.analyzed = analyzed
        self.node = analyzed.statement
        self.temporary = self.node.enum("create_scope") == "CREATE_TEMP"

    def run(self, tx: Transaction, result: StatementResult) -> None:
        """Create the table, and fill it from its query or source."""
        context, node = self.context, self.node
        ref = self._ref()
        result.ddl_table = ref
        mode = node.enum("create_mode")
        known = tx.find(ref)
        if known is not None and mode == "CREATE_IF_NOT_EXISTS":
            result.ddl_operation = "SKIP"
            return
        context.require("bigquery.tables.create", ref.parent)
        body = self._body()
        if node.kind == "CreateTableAsSelectStmt" and "timePartitioning" in body and "field" not in body["timePartitioning"]:
            raise invalid("Creating ingestion time partitioned tables using a query is not supported")
        result.ddl_operation = "CREATE"
        if known is not None and mode == "CREATE_OR_REPLACE":
            result.ddl_operation = "REPLACE"
            self._check_replaced(known, body)
            tx.drop(ref)
        table = tables.create(context.app, tx, ref, body)
        self._fill(tx, table)
        if self.temporary:
            context.temporary[list(node.name_path)[-1].lower()] = ref

    def _ref(self) -> TableRef:
        path = list(self.node.name_path)
        if not self.temporary:
            return self.context.table_ref(path)
        if not self.context.allows_temporary:
            raise ApiError("invalidQuery", "Use of CREATE TEMPORARY TABLE requires a script or session", location="query")
        if len(path) > 1:
            raise ApiError("invalidQuery", f"Cannot create temporary table with path {'.'.join(path)}", location="query")
        known = self.context.temporary.get(path[0].lower())
        return known or TableRef(*self.context.hidden(), f"{path[0]}_{self.context.job_id[-40:]}")

    def _check_replaced(self, known: Table, body: dict[str, Any]) -> None:
        if known.kind != "TABLE":
            raise invalid(f"{known.ref} is not allowed for this operation because it is currently a {known.kind}.")
        dataset = self.context.app.catalog.dataset(known.ref.parent)
        wanted = tablespec.table_from_json(self.context.app.catalog, dataset, known.ref.table, body, self.context.find)
        if not partitions.same_specification(known, wanted):
            raise invalid(
                OTHER_PARTITIONING.format(new=partitions.describe(wanted), old=partitions.describe(known))
            )

    def schema(self) -> Schema:
        """The new table's columns."""
        return Schema(tuple(column_of(self.context, item) for item in self.node.column_definition_list))

    def _body(self) -> dict[str, Any]:
        node = self.node
        if node.collation_name is not None or node.connection is not None or node.check_constraint_list:
            raise not_implemented("CREATE TABLE with DEFAULT COLLATE, WITH CONNECTION or CHECK")
        source = self._source()
        body: dict[str, Any] = {} if source is None else {
            name: item for name, item in tables.as_body(source).items() if name != "expirationTime"
        }  # fmt: skip
        if source is None:
            body["schema"] = self.schema().to_json()
        for member in partitioning_of(self.analyzed, list(node.partition_by_list)).items():
            body[member[0]] = member[1]
        if node.cluster_by_list:
            body["clustering"] = {"fields": [_column_name(item) for item in node.cluster_by_list]}
        constraints = self._constraints()
        if constraints:
            body["tableConstraints"] = constraints
        Options(self.context, self.analyzed, node.option_list).apply_to_table(body)
        if self.temporary:
            body.setdefault("expirationTime", str(self.context.app.clock.now_ms() + 24 * 3600 * 1000))
        return body

    def _source(self) -> Table | None:
        """The table of LIKE, COPY or CLONE."""
        node = self.node
        if node.like_table is not None and node.like_table.name:
            return self.analyzed.relations[node.like_table.serialization_id].handle.table
        if node.kind == "CreateTableStmt" and (node.clone_from or node.copy_from) is not None:
            return source_of(self.context, self.analyzed, node.clone_from or node.copy_from)
        return None

    def _constraints(self) -> dict[str, Any]:
        node = self.node
        found: dict[str, Any] = {}
        if node.primary_key is not None:
            found["primaryKey"] = {"columns": alter.primary_key_columns(node.primary_key)}
        if node.foreign_key_list:
            names = [item.name for item in node.column_definition_list]
            found["foreignKeys"] = [alter.foreign_key(self.analyzed, key, names) for key in node.foreign_key_list]
        return found

    def _fill(self, tx: Transaction, table: Table) -> None:
        node = self.node
        if node.kind == "CreateTableAsSelectStmt":
            compiler = Compiler(self.analyzed, self.context.environment(self.analyzed.scope))
            text, _ = compiler.query(node)
            kept = ", ".join(schemas.stored(item, f"o{place}") for place, item in enumerate(table.schema))
            tx.cursor.execute(
                f"INSERT INTO {ident(table.physical)} ({table.columns_sql}) SELECT {kept or 'NULL'} FROM ({text})"
            )
        elif node.clone_from is not None or node.copy_from is not None:
            source = source_of(self.context, self.analyzed, node.clone_from or node.copy_from)
            copy_rows(self.context, tx, source, table)
            if node.clone_from is not None:
                base = {"table": source.ref, "time_ms": self.context.app.clock.now_ms()}
                tx.put(replace(tx.table(table.ref), base=base))


def source_of(context: Context, analyzed: Analyzed, node: Node) -> Table:
    """The table (at a time) that CLONE or COPY names."""
    if node.kind != "TableScan":
        raise not_implemented("CLONE … WHERE")
    handle = analyzed.relations[node.table.serialization_id].handle
    if not isinstance(handle, TableHandle):
        raise invalid("An INFORMATION_SCHEMA view cannot be copied")
    table = handle.table
    context.require("bigquery.tables.getData", table.ref)
    if table.kind == "VIEW":
        raise invalid(f"{table.ref} is not allowed for this operation because it is currently a VIEW.")
    if node.for_system_time_expr is not None:
        compiler = Compiler(analyzed, context.environment(analyzed.scope))
        _, micros = compiler.constant(node.for_system_time_expr)
        table = context.app.catalog.table_at(table.ref, micros // 1000)
    return table


def copy_rows(context: Context, tx: Transaction, source: Table, target: Table) -> None:
    """All rows of a version of a table into a new one of the same columns."""
    tx.cursor.execute(
        f"INSERT INTO {ident(target.physical)} ({target.columns_sql}) SELECT {source.columns_sql} "
        f"FROM {context.source(source)} ORDER BY _row"
    )


def column_of(context: Context, node: Node) -> Field:
    """A column definition (ResolvedColumnDefinition) as a schema field."""
    if node.generated_column_info is not None:
        raise not_implemented("generated columns")
    kind = sqltypes.from_proto(node.type)
    notes = node.annotations
    parameters = notes.type_parameters if notes is not None else None
    item = field_with(schemas.field_of(node.name, kind), notes, parameters)
    if node.default_value is not None:
        item = replace(item, default=node.default_value.sql)
        from standin.sql.dml import compiled_default

        compiled_default(context, node.default_value.sql, kind)
    return item


def field_with(item: Field, notes: Node | None, parameters: Any) -> Field:
    """The field with its annotations: NOT NULL, options, type parameters; nested ones too."""
    own = notes.type_parameters if notes is not None else None
    if own is not None and own.ByteSize():
        parameters = own
    if item.repeated:
        inner = notes.child_list[0] if notes is not None and notes.child_list else None
        below = parameters.child_list[0] if parameters is not None and parameters.child_list else parameters
        if notes is not None and notes.not_null:
            raise invalid(f"NOT NULL cannot be applied to the ARRAY column {item.name}")
        bare = field_with(replace(item, mode="NULLABLE"), inner, below)
        return _with_options(replace(bare, mode="REPEATED"), notes)
    kind = item.type
    if kind.name == "STRUCT":
        members = []
        for place, member in enumerate(kind.fields):
            note = notes.child_list[place] if notes is not None and place < len(notes.child_list) else None
            below = parameters.child_list[place] if parameters is not None and place < len(parameters.child_list) else None
            members.append(field_with(member, note, below))
        kind = replace(kind, fields=tuple(members))
    elif parameters is not None:
        kind = _with_parameters(kind, parameters)
    item = replace(item, type=kind)
    if notes is not None and notes.collation_name is not None:
        raise not_implemented("COLLATE")
    if notes is not None and notes.not_null:
        item = replace(item, mode="REQUIRED")
    return _with_options(item, notes)


def _with_parameters(kind: Any, parameters: Any) -> Any:
    choice = parameters.WhichOneof("type_parameters")
    if choice == "string_type_parameters":
        text = parameters.string_type_parameters
        return replace(kind, length=None if text.is_max_length else text.max_length)
    if choice == "numeric_type_parameters":
        numeric = parameters.numeric_type_parameters
        if numeric.is_max_precision:
            raise not_implemented("BIGNUMERIC(MAX)")
        return replace(kind, precision=numeric.precision, scale=numeric.scale)
    if choice is not None:
        raise not_implemented(f"type parameters of {kind.name}")
    return kind


def _with_options(item: Field, notes: Node | None) -> Field:
    for option in notes.option_list if notes is not None else []:
        value = option.value.value.value.string_value if option.value.kind == "Literal" else None
        if option.name == "description":
            item = replace(item, description=value)
        elif option.name == "rounding_mode":
            item = replace(item, rounding=value)
        elif option.name in ("data_policies", "policy_tags"):
            raise not_implemented(f"the column option {option.name}")
        else:
            raise invalid(f"Unknown option: {option.name} of column {item.name}")
    return item


def partitioning_of(analyzed: Analyzed, expressions: list[Node]) -> dict[str, Any]:
    """timePartitioning or rangePartitioning of a PARTITION BY clause."""
    if not expressions:
        return {}
    if len(expressions) > 1:
        raise invalid("Only a single PARTITION BY expression is supported but found " + str(len(expressions)))
    node = expressions[0]
    found = _partition_expression(node)
    if found is None:
        raise invalid(
            "PARTITION BY expression must be DATE(<timestamp_column>), DATE(<datetime_column>), "
            "DATETIME_TRUNC(<datetime_column>, DAY/HOUR/MONTH/YEAR), a DATE column, "
            "TIMESTAMP_TRUNC(<timestamp_column>, DAY/HOUR/MONTH/YEAR), DATE_TRUNC(<date_column>, MONTH/YEAR), "
            "or RANGE_BUCKET(<int64_column>, GENERATE_ARRAY(<int64_value>, <int64_value>[, <int64_value>]))"
        )
    return found


def _partition_expression(node: Node) -> dict[str, Any] | None:
    if node.kind == "ColumnRef":
        return _time(node, "DAY") if sqltypes.from_proto(node.type).kind == "DATE" else None
    if node.kind != "FunctionCall":
        return None
    name = node.function.name.removeprefix("ZetaSQL:")
    arguments = node.argument_list
    column = arguments[0] if arguments and arguments[0].kind == "ColumnRef" else None
    if name == "date" and column is not None and len(arguments) == 1:
        return _time(column, "DAY")
    if name in ("timestamp_trunc", "datetime_trunc", "date_trunc") and column is not None and len(arguments) == 2:
        part = dateparts.part_name(arguments[1])
        return _time(column, part) if part in ("HOUR", "DAY", "MONTH", "YEAR") else None
    if name == "range_bucket" and column is not None and arguments[1].kind == "FunctionCall":
        bounds = [_integer(argument) for argument in arguments[1].argument_list]
        if arguments[1].function.name != "ZetaSQL:generate_array" or None in bounds:
            return None
        step = bounds[2] if len(bounds) > 2 else 1
        limits = {"start": str(bounds[0]), "end": str(bounds[1]), "interval": str(step)}
        return {"rangePartitioning": {"field": column.column.name, "range": limits}}
    return None


def _integer(node: Node) -> int | None:
    if node.kind == "Literal" and sqltypes.from_proto(node.type).kind == "INT64":
        return node.value.value.int64_value
    return None


def _time(column: Node, part: str) -> dict[str, Any]:
    name = column.column.name
    if name.upper() in ("_PARTITIONTIME", "_PARTITIONDATE"):
        return {"timePartitioning": {"type": part}}
    return {"timePartitioning": {"type": part, "field": name}}


def _column_name(node: Node) -> str:
    if node.kind != "ColumnRef":
        raise invalid("CLUSTER BY expressions must be columns")
    return node.column.name


# --- views, snapshots ----------------------------------------------------------------------------


def _create_view(context: Context, analyzed: Analyzed, tx: Transaction, result: StatementResult) -> None:
    node = analyzed.statement
    ref = context.table_ref(list(node.name_path))
    result.ddl_table = ref
    if node.has_explicit_columns:
        raise not_implemented("CREATE VIEW with a list of columns")
    if node.recursive or node.is_value_table:
        raise not_implemented("recursive views and views of values")
    known = tx.find(ref)
    mode = node.enum("create_mode")
    result.ddl_operation = "CREATE"
    if known is not None and mode == "CREATE_IF_NOT_EXISTS":
        result.ddl_operation = "SKIP"
        return
    context.require("bigquery.tables.create", ref.parent)
    body: dict[str, Any] = {"view": {"query": node.sql, "useLegacySql": False}}
    Options(context, analyzed, node.option_list).apply_to_table(body)
    if known is not None and mode == "CREATE_OR_REPLACE":
        if known.kind != "VIEW":
            raise invalid(f"{ref} is not allowed for this operation because it is currently a {known.kind}.")
        result.ddl_operation = "REPLACE"
        tx.drop(ref)
    tables.create(context.app, tx, ref, body)


def _create_snapshot(context: Context, analyzed: Analyzed, tx: Transaction, result: StatementResult) -> None:
    """docs/table-snapshots-create: read-only, with the source's schema and partitioning."""
    node = analyzed.statement
    ref = context.table_ref(list(node.name_path))
    result.ddl_table = ref
    if tx.find(ref) is not None and node.enum("create_mode") == "CREATE_IF_NOT_EXISTS":
        result.ddl_operation = "SKIP"
        return
    context.require("bigquery.tables.create", ref.parent)
    source = source_of(context, analyzed, node.clone_from)
    body = {name: item for name, item in tables.as_body(source).items() if name != "expirationTime"}
    Options(context, analyzed, node.option_list).apply_to_table(body)
    table = tables.create(context.app, tx, ref, body)
    copy_rows(context, tx, source, table)
    base = {"table": source.ref, "time_ms": context.app.clock.now_ms()}
    tx.put(replace(tx.table(ref), kind="SNAPSHOT", base=base))
    result.ddl_operation = "CREATE"


# --- datasets ------------------------------------------------------------------------------------


def _create_schema(context: Context, analyzed: Analyzed, result: StatementResult) -> None:
    node = analyzed.statement
    ref = context.dataset_ref(list(node.name_path))
    result.ddl_dataset = ref
    if node.enum("create_mode") == "CREATE_OR_REPLACE":
        raise invalid("CREATE OR REPLACE SCHEMA is not supported")
    if context.app.catalog.find_dataset(ref) is not None and node.enum("create_mode") == "CREATE_IF_NOT_EXISTS":
        result.ddl_operation = "SKIP"
        return
    if not context.unchecked:
        context.app.auth.require(context.identity, "bigquery.datasets.create", f"projects/{ref.project}")
    body = {"location": context.location}
    Options(context, analyzed, node.option_list).apply_to_dataset(body)
    datasets.create(context.app, context.identity, ref, body)
    result.ddl_operation = "CREATE"


def _alter_schema(context: Context, analyzed: Analyzed, result: StatementResult) -> None:
    node = analyzed.statement
    ref = context.dataset_ref(list(node.name_path))
    result.ddl_dataset = ref
    dataset = context.app.catalog.find_dataset(ref)
    if dataset is None and node.is_if_exists:
        result.ddl_operation = "SKIP"
        return
    dataset = context.app.catalog.dataset(ref)
    context.require("bigquery.datasets.update", ref)
    body = dict(dataset.properties)
    for action in node.alter_action_list:
        if action.kind != "SetOptionsAction":
            raise not_implemented(f"ALTER SCHEMA {action.kind}")
        Options(context, analyzed, action.option_list).apply_to_dataset(body, changed=True)
    access = body.get("access")
    properties = datasets.check_properties({name: item for name, item in body.items() if item is not None}, str(ref))
    if access is not None:
        properties["access"] = access
    context.app.catalog.put_dataset(replace(dataset, properties=properties))
    result.ddl_operation = "ALTER"


# --- DROP ----------------------------------------------------------------------------------------


def _drop(context: Context, node: Node, tx: Transaction, result: StatementResult) -> None:
    snapshot = node.kind == "DropSnapshotTableStmt"
    kind = "SNAPSHOT" if snapshot else node.object_type.upper()
    path = list(node.name_path)
    if kind == "SCHEMA":
        _drop_schema(context, node, result)
        return
    ref = context.table_ref(path)
    result.ddl_table = ref
    if context.app.catalog.find_dataset(ref.parent) is None and node.is_if_exists:
        result.ddl_operation = "SKIP"
        return
    table = context.find(ref)
    if table is None and node.is_if_exists:
        result.ddl_operation = "SKIP"
        return
    table = context.table(ref)
    context.require("bigquery.tables.delete", ref)
    if table.kind != kind:
        raise invalid(f"{ref} is not allowed for this operation because it is currently a {table.kind}.")
    tx.drop(ref)
    context.temporary.pop(path[-1].lower(), None)
    result.ddl_operation = "DROP"


def _drop_schema(context: Context, node: Node, result: StatementResult) -> None:
    ref = context.dataset_ref(list(node.name_path))
    result.ddl_dataset = ref
    if context.app.catalog.find_dataset(ref) is None and node.is_if_exists:
        result.ddl_operation = "SKIP"
        return
    context.app.catalog.dataset(ref)
    context.require("bigquery.datasets.delete", ref)
    context.app.catalog.drop_dataset(ref, node.enum("drop_mode") == "CASCADE")
    result.ddl_operation = "DROP"
