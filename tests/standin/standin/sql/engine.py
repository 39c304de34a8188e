# SPDX-License-Identifier: Apache-2.0
"""One statement of a query job: analyze, estimate, run.

Statement types: rest/v2/Job#JobStatistics2 (statementType); dry runs: docs/best-practices-costs.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import Any

import duckdb

from standin import physical, tables
from standin.catalog import DatasetRef, Table, TableRef
from standin.errors import ApiError, invalid, not_implemented
from standin.physical import ident
from standin.sql import alter, analyzer, ddl, results, schemas, sqltypes
from standin.sql.compiler import Compiler
from standin.sql.context import DAY_MS, Context
from standin.sql.dml import Dml
from standin.sql.nodes import Node
from standin.sql.pruning import Reads
from standin.sql.results import StatementResult
from standin.types import Schema

_DML = {
    "InsertStmt": "INSERT",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE",
    "MergeStmt": "MERGE",
    "TruncateStmt": "TRUNCATE_TABLE",
}
# Parse tree kinds of statements that must see, and keep, the tables as they are while they run.
_WRITING = ("Insert", "Update", "Delete", "Merge", "Truncate", "Create", "Drop", "Alter", "Rename")
_ALTERED = ("AlterTable", "AlterView")
_anonymous = itertools.count(1)


@dataclass
class Destination:
    """Where a query's rows go (configuration.query.destinationTable and its dispositions)."""

    ref: TableRef
    create: str = "CREATE_IF_NEEDED"
    write: str = "WRITE_EMPTY"
    body: dict[str, Any] | None = None  # timePartitioning, clustering, … of a new table
    schema_update_options: tuple[str, ...] = ()


def execute(context: Context, sql: str, kind: str, destination: Destination | None = None) -> StatementResult:
    """Run one statement; `kind` is its parse tree's. Raises ApiError; nothing of a failed statement stays."""
    try:
        if context.dry_run:
            return _dry_run(context, sql, kind)
        if kind.startswith(_WRITING):
            with context.writing() as tx:
                parsed = _parsed(sql) if kind.startswith(_ALTERED) else None
                if parsed is not None and alter.renames(parsed):
                    ddl.check_transaction(context, parsed)
                    return alter.rename_columns(context, parsed, tx)
                analyzed = context.analyze(sql, ddl.PSEUDO_COLUMNS, _paths(parsed))
                return _run(context, sql, analyzed, destination)
        return _run(context, sql, context.analyze(sql), destination)
    except duckdb.Error as error:
        raise results.api_error(error) from error


def _dry_run(context: Context, sql: str, kind: str) -> StatementResult:
    parsed = _parsed(sql) if kind.startswith(_ALTERED) else None
    if parsed is not None and alter.renames(parsed):
        return StatementResult("ALTER_TABLE")
    analyzed = context.analyze(sql, ddl.PSEUDO_COLUMNS, _paths(parsed))
    statement = analyzed.statement
    if statement.kind == "QueryStmt":
        result = StatementResult("SELECT")
        _, outputs = Compiler(analyzed, context.environment(analyzed.scope)).query(statement)
        result.schema = checked_schema(outputs)
    elif statement.kind in _DML:
        result = StatementResult(_DML[statement.kind])
        Dml(context, analyzed)
        if statement.kind == "TruncateStmt":
            return result
    else:
        result = ddl.describe(context, analyzed)
    _estimate(context, analyzed, result)
    return result


def _parsed(sql: str) -> Node:
    return analyzer.parse_script(sql).statement_list_node.statement_list[0]


def _paths(parsed: Node | None) -> list[list[str]]:
    """The path of the object that an ALTER statement is about."""
    return [] if parsed is None else [[part.id_string for part in parsed.path.names]]


def _estimate(context: Context, analyzed: analyzer.Analyzed, result: StatementResult) -> None:
    """Bytes, referenced tables, and the check of required partition filters."""
    reads = Reads(context, analyzed).collect()
    reads.check_filters()
    result.bytes_processed = reads.bytes()
    result.tables_billed = len(reads.tables)
    result.referenced = list(reads.tables)
    counts = [len(read.partitions) for read in reads.tables.values() if read.partitions is not None]
    if counts:
        result.statistics["totalPartitionsProcessed"] = str(sum(counts))


def _run(context: Context, sql: str, analyzed: analyzer.Analyzed, destination: Destination | None) -> StatementResult:
    statement = analyzed.statement
    if statement.kind == "QueryStmt":
        result = StatementResult("SELECT")
        _estimate(context, analyzed, result)
        _check_billed(context, result)
        _select(context, analyzed, result, destination)
        return result
    if destination is not None:
        raise invalid("Cannot set destination table in jobs with DDL, DML or script statements")
    if statement.kind in _DML:
        result = StatementResult(_DML[statement.kind])
        if statement.kind != "TruncateStmt":
            _estimate(context, analyzed, result)
            _check_billed(context, result)
        dml = Dml(context, analyzed)
        result.dml = dml.run()
        if dml.ref not in result.referenced and statement.kind != "TruncateStmt":
            result.referenced.append(dml.ref)
        return result
    if statement.kind == "AssertStmt":
        return _assert(context, analyzed)
    result = ddl.run(context, sql, analyzed)
    if statement.kind == "CreateTableAsSelectStmt":
        _estimate(context, analyzed, result)
    return result


def _check_billed(context: Context, result: StatementResult) -> None:
    limit = context.maximum_bytes_billed
    if limit is not None and result.bytes_billed > limit:
        raise ApiError(
            "bytesBilledLimitExceeded",
            f"Query exceeded limit for bytes billed: {limit}. {result.bytes_billed} or higher required.",
            status=400,
        )


def checked_schema(outputs: list[tuple[str, sqltypes.SqlType]]) -> Schema:
    """A result's schema; names must differ, because results are kept in a table."""
    schema = schemas.schema_of(outputs)
    seen: set[str] = set()
    for item in schema:
        if item.name.lower() in seen:
            raise ApiError(
                "invalidQuery", f"Duplicate column names in the result are not supported. Found duplicate(s): {item.name}",
                location="query",
            )  # fmt: skip
        seen.add(item.name.lower())
    return schema


def _select(
    context: Context, analyzed: analyzer.Analyzed, result: StatementResult, destination: Destination | None
) -> None:
    if context.transaction is not None:
        if destination is not None:
            raise not_implemented("a destination table inside of a transaction")
        _select_in_transaction(context, analyzed, result)
        return
    with context.writing(exclusive=destination is not None) as tx:
        text, outputs = Compiler(analyzed, context.environment(analyzed.scope)).query(analyzed.statement)
        result.schema = checked_schema(outputs)
        if destination is None:
            ref = anonymous_ref(context)
            target = tx.create(
                Table(ref, schema=result.schema, expiration_ms=context.app.clock.now_ms() + DAY_MS)
            ).physical
            table_schema = result.schema
        else:
            ref, target, table_schema = _open_destination(context, tx, destination, result.schema)
        _insert_rows(tx.cursor, target, result.schema, table_schema, text)
    result.table = context.app.catalog.find_table(ref)
    result.schema = result.table.schema


def _insert_rows(cursor: Any, target: str, schema: Schema, table_schema: Schema, text: str) -> None:
    names = [ident(item.name) for item in schema] or [ident("__empty__")]
    kept = [schemas.stored(table_schema.find(item.name) or item, f"o{place}") for place, item in enumerate(schema)]
    cursor.execute(f"INSERT INTO {ident(target)} ({', '.join(names)}) SELECT {', '.join(kept) or 'NULL'} FROM ({text})")


def _select_in_transaction(context: Context, analyzed: analyzer.Analyzed, result: StatementResult) -> None:
    """Rows that a transaction sees are carried out of it, since its end must not take the result away."""
    text, outputs = Compiler(analyzed, context.environment(analyzed.scope)).query(analyzed.statement)
    result.schema = checked_schema(outputs)
    kept = ", ".join(
        f"{schemas.stored(item, f'o{place}')} AS {ident(item.name)}" for place, item in enumerate(result.schema)
    )
    rows = physical.fetch_rows(context.transaction.cursor, result.schema, f"(SELECT {kept} FROM ({text}))")
    ref = anonymous_ref(context)
    with context.app.catalog.transaction(exclusive=False) as tx:
        table = tx.create(Table(ref, schema=result.schema, expiration_ms=context.app.clock.now_ms() + DAY_MS))
        physical.insert_rows(tx.cursor, table.physical, table.schema, rows)
    result.table = context.app.catalog.find_table(ref)


def anonymous_ref(context: Context) -> TableRef:
    """A new name for a result (docs/cached-results: kept 24 hours in a hidden dataset)."""
    key = hashlib.sha256(f"{context.job_id}/{next(_anonymous)}".encode()).hexdigest()
    return TableRef(*context.hidden(), f"anon{key}")


def _open_destination(context: Context, tx: Any, destination: Destination, schema: Schema) -> tuple[TableRef, str, Schema]:
    """The physical table for the rows; WRITE_TRUNCATE takes the result's schema, WRITE_APPEND must fit."""
    ref = destination.ref
    context.app.catalog.dataset(ref.parent)
    table = tx.find(ref)
    body = dict(destination.body or {})
    if table is None:
        if destination.create == "CREATE_NEVER":
            raise ApiError("notFound", f"Not found: Table {ref}")
        context.require("bigquery.tables.create", ref.parent)
        body["schema"] = schema.to_json()
        table = tables.create(context.app, tx, ref, body)
        return ref, table.physical, table.schema
    context.require("bigquery.tables.updateData", ref)
    if destination.write == "WRITE_EMPTY":
        if table.rows:
            raise ApiError("duplicate", f"Already Exists: Table {ref}")
        destination.write = "WRITE_APPEND"
    if destination.write == "WRITE_TRUNCATE":
        context.require("bigquery.tables.update", ref)
        kept = {name: item for name, item in tables.as_body(table).items() if name not in ("schema", "tableConstraints")}
        kept.update(body)
        tx.drop(ref)
        table = tables.create(context.app, tx, ref, {**kept, "schema": schema.to_json()})
        return ref, table.physical, table.schema
    if destination.write == "WRITE_TRUNCATE_DATA":
        _check_fits(table, schema)
        return ref, tx.rewrite(ref, copy=False), table.schema
    if destination.schema_update_options:
        raise not_implemented("schemaUpdateOptions of a query job")
    _check_fits(table, schema)
    return ref, tx.append(ref), table.schema


def _check_fits(table: Table, schema: Schema) -> None:
    for item in schema:
        known = table.schema.find(item.name)
        if known is None:
            raise invalid(f"Provided Schema does not match Table {table.ref}. Cannot add fields (field: {item.name})")
        if known.type.bare() != item.type.bare() or known.repeated != item.repeated:
            raise invalid(
                f"Provided Schema does not match Table {table.ref}. Field {item.name} has changed type from "
                f"{known.sql_type()} to {item.sql_type()}"
            )
    for known in table.schema:
        if known.mode == "REQUIRED" and schema.find(known.name) is None:
            raise invalid(f"Provided Schema does not match Table {table.ref}. Field {known.name} is missing in new schema")


def _assert(context: Context, analyzed: analyzer.Analyzed) -> StatementResult:
    """ASSERT (standard-sql/debugging-statements)."""
    node = analyzed.statement
    value = evaluate(context, node.expression, analyzed)
    if value is not True:
        text = node.description or "Assertion failed"
        raise ApiError("invalidQuery", text, location="query")
    return StatementResult("ASSERT")


def evaluate(context: Context, node: Node, analyzed: analyzer.Analyzed) -> Any:
    """The neutral value of an expression without columns from outside (it may hold subqueries)."""
    compiler = Compiler(analyzed, context.environment(analyzed.scope))
    kind = sqltypes.from_proto(node.type)
    text = f"SELECT {sqltypes.to_wire(kind, compiler.expressions.compile(node))}"
    try:
        with context.cursor() as cursor:
            return sqltypes.from_wire_value(kind, cursor.execute(text).fetchone()[0])
    except duckdb.Error as error:
        raise results.api_error(error) from error


def view_schema(app: Any, query: str, ref: TableRef) -> Schema:
    """The schema of a view's query (docs/views); tables in it must be qualified."""
    from types import SimpleNamespace

    identity = SimpleNamespace(email="view@standin")
    location = app.catalog.dataset(ref.parent).location
    context = Context(app, identity, ref.project, location, "view", now_micros=app.clock.now_ms() * 1000)
    context.unchecked = True
    analyzed = context.analyze(query)
    if analyzed.statement.kind != "QueryStmt":
        raise ApiError("invalidQuery", "The query of a view must be a SELECT", location="query")
    outputs = [(item.name, sqltypes.from_proto(item.column.type)) for item in analyzed.statement.output_column_list]
    return checked_schema(outputs)


__all__ = ["DatasetRef", "Destination", "evaluate", "execute", "view_schema"]
