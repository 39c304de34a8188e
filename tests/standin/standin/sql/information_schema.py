# SPDX-License-Identifier: Apache-2.0
"""INFORMATION_SCHEMA views, made from the catalog and the jobs when they are read.

docs/information-schema-intro (qualifiers), docs/information-schema-{schemata,tables,columns,column-field-paths,partitions,
table-options,key-column-usage,table-constraints,constraint-column-usage,views,table-storage,jobs}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from standin import partitions, rows
from standin.catalog import Dataset, DatasetRef, Table
from standin.errors import ApiError, not_implemented
from standin.physical import ident
from standin.sql import sqltypes
from standin.sql.analyzer import Column, Relation
from standin.sql.sqltypes import BOOL, INT64, JSON, STRING, TIMESTAMP, SqlType, array_of
from standin.types import Field

DAY_MS = 24 * 3600 * 1000
Scope = list[Dataset]


def relation(context: Any, parts: list[str]) -> Relation:
    """The relation that `[project.]{dataset|region-x}.INFORMATION_SCHEMA.VIEW` means."""
    place = next(i for i, part in enumerate(parts) if part.upper() == "INFORMATION_SCHEMA")
    if place + 2 != len(parts):
        raise ApiError("invalidQuery", f"Invalid INFORMATION_SCHEMA name: {'.'.join(parts)}", location="query")
    name = parts[-1].upper()
    if name not in _VIEWS:
        raise not_implemented(f"INFORMATION_SCHEMA.{name}")
    view = _VIEWS[name]
    project, qualifier = _qualifier(context, parts[:place])
    if qualifier is None and not view.project_level:
        raise ApiError("invalidQuery", f"INFORMATION_SCHEMA.{name} must be qualified with a dataset or a region",
                       location="query")  # fmt: skip
    if qualifier is not None and not qualifier.lower().startswith("region-"):
        if view.project_level:
            raise ApiError("invalidQuery", f"INFORMATION_SCHEMA.{name} cannot be qualified with a dataset", location="query")
        scope = [context.app.catalog.dataset(DatasetRef(project, qualifier))]
        context.require("bigquery.tables.list", scope[0].ref)
    else:
        region = context.location if qualifier is None else qualifier[len("region-") :]
        scope = [d for d in context.app.catalog.datasets(project) if d.location.lower() == region.lower()]
        scope = [dataset for dataset in scope if not dataset.ref.dataset.startswith("_")]
    columns = tuple(Column(column, kind) for column, kind in view.columns)
    return Relation(columns, Handle(context, project, view, scope))


def _qualifier(context: Any, parts: list[str]) -> tuple[str, str | None]:
    if not parts:
        default = context.default_dataset
        return (default.project, default.dataset) if default is not None else (context.project, None)
    if len(parts) == 1:
        return context.project, parts[0]
    if len(parts) == 2:
        return parts[0], parts[1]
    raise ApiError("invalidQuery", f"Invalid INFORMATION_SCHEMA qualifier: {'.'.join(parts)}", location="query")


@dataclass(frozen=True)
class View:
    """Columns, and the rows of a scope as dictionaries (missing: NULL)."""

    columns: tuple[tuple[str, SqlType], ...]
    rows: Callable[[Any, str, Scope], Iterable[dict[str, Any]]]
    project_level: bool = False


@dataclass
class Handle:
    """What a scan of such a view reads."""

    context: Any
    project: str
    view: View
    scope: Scope
    ref: str = "INFORMATION_SCHEMA"

    def select(self, names: list[str], when: int | None, compiler: Any) -> tuple[str, dict[str, str]]:
        """The rows as VALUES, with the wanted columns only."""
        if when is not None:
            raise not_implemented("FOR SYSTEM_TIME AS OF on INFORMATION_SCHEMA")
        kinds = dict(self.view.columns)
        wanted = names or [self.view.columns[0][0]]
        values = [
            "(" + ", ".join(sqltypes.literal(kinds[name], row.get(name)) for name in wanted) + ")"
            for row in self.view.rows(self.context, self.project, self.scope)
        ]
        text = ", ".join(ident(name) for name in wanted)
        if not values:
            nulls = ", ".join(f"{sqltypes.literal(kinds[name], None)} AS {ident(name)}" for name in wanted)
            return f"(SELECT {nulls} WHERE FALSE)", {name: ident(name) for name in names}
        return f"(VALUES {', '.join(values)}) AS v({text})", {name: ident(name) for name in names}


def _tables(context: Any, scope: Scope) -> Iterator[Table]:
    for dataset in scope:
        for table in context.app.catalog.tables(dataset.ref):
            yield context.find(table.ref) or table


def _named(table: Table, prefix: str = "table") -> dict[str, Any]:
    first, second = (f"{prefix}_catalog", f"{prefix}_schema")
    return {first: table.ref.project, second: table.ref.dataset, f"{prefix}_name": table.ref.table}


def _yes(value: Any) -> str:
    return "YES" if value else "NO"


# --- datasets ------------------------------------------------------------------------------------


def _schemata(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for dataset in scope:
        yield {
            "catalog_name": dataset.ref.project,
            "schema_name": dataset.ref.dataset,
            "creation_time": dataset.created_ms * 1000,
            "last_modified_time": dataset.modified_ms * 1000,
            "location": dataset.location,
            "ddl": f"CREATE SCHEMA `{dataset.ref.project}.{dataset.ref.dataset}`\nOPTIONS(\n"
            f'  location="{dataset.location.lower()}"\n);',
            "default_collation_name": dataset.properties.get("defaultCollation"),
        }


# --- tables --------------------------------------------------------------------------------------


def _tables_view(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        kind = {"TABLE": "BASE TABLE", "VIEW": "VIEW", "SNAPSHOT": "SNAPSHOT"}[table.kind]
        row = {
            **_named(table),
            "table_type": "CLONE" if kind == "BASE TABLE" and table.base else kind,
            "is_insertable_into": _yes(table.kind == "TABLE"),
            "is_fine_grained_mutations_enabled": "NO",
            "is_typed": "NO",
            "is_change_history_enabled": "NO",
            "creation_time": table.created_ms * 1000,
            "ddl": ddl_of(table),
            "default_collation_name": table.properties.get("defaultCollation") or "NULL",
        }
        if table.base is not None:
            base = table.base["table"]
            row.update(base_table_catalog=base.project, base_table_schema=base.dataset, base_table_name=base.table,
                       snapshot_time_ms=table.base["time_ms"] * 1000)  # fmt: skip
        yield row


def _columns(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        for place, item in enumerate(table.schema, start=1):
            clustered = [name.lower() for name in table.clustering]
            name = item.name.lower()
            yield {
                **_named(table),
                "column_name": item.name,
                "ordinal_position": place,
                "is_nullable": _yes(item.mode == "NULLABLE"),
                "data_type": item.sql_type(),
                "is_generated": "NEVER",
                "is_hidden": "NO",
                "is_system_defined": "NO",
                "is_partitioning_column": _yes(name == (table.partition_column or "").lower()),
                "clustering_ordinal_position": clustered.index(name) + 1 if name in clustered else None,
                "collation_name": item.collation or "NULL",
                "column_default": item.default or "NULL",
                "rounding_mode": item.rounding,
                "policy_tags": [],
            }


def _field_paths(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        for item in table.schema:
            for path, field in _paths(item, ""):
                yield {
                    **_named(table),
                    "column_name": item.name,
                    "field_path": path,
                    "data_type": field.sql_type(),
                    "description": field.description,
                    "collation_name": field.collation or "NULL",
                    "rounding_mode": field.rounding,
                    "policy_tags": [],
                }


def _paths(item: Field, prefix: str) -> Iterator[tuple[str, Field]]:
    yield prefix + item.name, item
    for member in item.type.fields:
        yield from _paths(member, f"{prefix}{item.name}.")


def _partitions(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        if table.kind == "VIEW":
            continue
        shared = {**_named(table), "storage_tier": "ACTIVE"}
        if not table.partitioned:
            yield {
                **shared,
                "total_rows": table.rows,
                "total_logical_bytes": table.bytes,
                "total_billable_bytes": table.bytes,
                "last_modified_time": table.modified_ms * 1000,
            }
            continue
        cursor = context.app.catalog.cursor()
        try:
            found = partitions.statistics(cursor, table)
        finally:
            cursor.close()
        for name, count, size in found:
            yield {
                **shared,
                "partition_id": name,
                "total_rows": count,
                "total_logical_bytes": size,
                "total_billable_bytes": size,
                "last_modified_time": table.partition_times.get(name, table.modified_ms) * 1000,
            }


def _table_options(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        for name, kind, value in options_of(table):
            yield {**_named(table), "option_name": name, "option_type": kind, "option_value": value}


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _milliseconds(moment: int) -> str:
    seconds, rest = divmod(moment, 1000)
    return f"{rows.datetime_text(seconds * 1_000_000)}.{rest:03}"


def options_of(table: Table) -> Iterator[tuple[str, str, str]]:
    """(name, type, SQL text) of the options that a table has."""
    properties = table.properties
    if table.expiration_ms is not None:
        yield "expiration_timestamp", "TIMESTAMP", f'TIMESTAMP "{_milliseconds(table.expiration_ms)}Z"'
    if table.time_partitioning is not None and table.time_partitioning.expiration_ms is not None:
        yield "partition_expiration_days", "FLOAT64", repr(table.time_partitioning.expiration_ms / DAY_MS)
    if table.require_partition_filter:
        yield "require_partition_filter", "BOOL", "true"
    for name, member in (("friendly_name", "friendlyName"), ("description", "description")):
        if properties.get(member) is not None:
            yield name, "STRING", _text(properties[member])
    if properties.get("labels"):
        pairs = ", ".join(f"STRUCT({_text(key)}, {_text(value)})" for key, value in sorted(properties["labels"].items()))
        yield "labels", "ARRAY<STRUCT<STRING, STRING>>", f"[{pairs}]"
    key = (properties.get("encryptionConfiguration") or {}).get("kmsKeyName")
    if key:
        yield "kms_key_name", "STRING", _text(key)
    if properties.get("maxStaleness"):
        yield "max_staleness", "INTERVAL", f'INTERVAL "{properties["maxStaleness"]}" YEAR TO SECOND'


def ddl_of(table: Table) -> str:
    """The statement that would make the table (INFORMATION_SCHEMA.TABLES.ddl)."""
    name = f"`{table.ref.project}.{table.ref.dataset}.{table.ref.table}`"
    shown = {option: value for option, _, value in options_of(table)}
    if "labels" in shown:
        shown["labels"] = shown["labels"].replace("STRUCT(", "(")
    options = ",\n".join(f"  {option}={value}" for option, value in shown.items())
    tail = f"\nOPTIONS(\n{options}\n)" if options else ""
    if table.kind == "VIEW":
        return f"CREATE VIEW {name}{tail}\nAS {table.view['query']};"
    if table.base is not None:
        base = table.base["table"]
        word = "SNAPSHOT TABLE" if table.kind == "SNAPSHOT" else "TABLE"
        return f"CREATE {word} {name}\nCLONE `{base.project}.{base.dataset}.{base.table}`{tail};"
    lines = [f"  {_column_ddl(item)}" for item in table.schema]
    if table.primary_key:
        lines.append(f"  PRIMARY KEY ({', '.join(table.primary_key)}) NOT ENFORCED")
    text = f"CREATE TABLE {name}\n(\n" + ",\n".join(lines) + "\n)"
    text += _partition_ddl(table)
    if table.clustering:
        text += f"\nCLUSTER BY {', '.join(table.clustering)}"
    return f"{text}{tail};"


def _column_ddl(item: Field) -> str:
    text = f"{item.name} {item.sql_type()}"
    if item.default is not None:
        text += f" DEFAULT {item.default}"
    if item.mode == "REQUIRED":
        text += " NOT NULL"
    if item.description is not None:
        text += f" OPTIONS(description={_text(item.description)})"
    return text


def _partition_ddl(table: Table) -> str:
    ranged, time = table.range_partitioning, table.time_partitioning
    if ranged is not None:
        bounds = f"{ranged.start}, {ranged.end}, {ranged.interval}"
        return f"\nPARTITION BY RANGE_BUCKET({ranged.column}, GENERATE_ARRAY({bounds}))"
    if time is None:
        return ""
    if time.column is None:
        by = "_PARTITIONDATE" if time.type == "DAY" else f"TIMESTAMP_TRUNC(_PARTITIONTIME, {time.type})"
        return f"\nPARTITION BY {by}"
    kind = table.schema.find(time.column).type.name
    if time.type == "DAY":
        return f"\nPARTITION BY {time.column if kind == 'DATE' else f'DATE({time.column})'}"
    return f"\nPARTITION BY {kind}_TRUNC({time.column}, {time.type})"


def _views(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        if table.kind == "VIEW":
            yield {**_named(table), "view_definition": table.view["query"], "check_option": None, "use_standard_sql": "YES"}


# --- keys ----------------------------------------------------------------------------------------


def _constraints(table: Table) -> Iterator[tuple[str, str, list[tuple[str, int | None]]]]:
    """(name, type, [(column, position in the unique constraint)])"""
    if table.primary_key:
        yield f"{table.ref.table}.pk$", "PRIMARY KEY", [(name, None) for name in table.primary_key]
    for key in table.foreign_keys:
        yield f"{table.ref.table}.{key.name}", "FOREIGN KEY", [(mine, None) for mine, _ in key.columns]


def _key_columns(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        keys = {f"{table.ref.table}.{key.name}": key for key in table.foreign_keys}
        for name, _, columns in _constraints(table):
            for place, (column, _unused) in enumerate(columns, start=1):
                unique = None
                if name in keys:
                    other = context.find(keys[name].table)
                    order = [column.lower() for column in other.primary_key] if other is not None else []
                    referenced = keys[name].columns[place - 1][1].lower()
                    unique = order.index(referenced) + 1 if referenced in order else None
                yield {
                    **_constraint(table, name),
                    "column_name": column,
                    "ordinal_position": place,
                    "position_in_unique_constraint": unique,
                }


def _constraint(table: Table, name: str) -> dict[str, Any]:
    ref = table.ref
    return {
        "constraint_catalog": ref.project,
        "constraint_schema": ref.dataset,
        "constraint_name": name,
        **_named(table),
    }


def _table_constraints(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        for name, kind, _ in _constraints(table):
            yield {
                **_constraint(table, name),
                "constraint_type": kind,
                "is_deferrable": "NO",
                "initially_deferred": "NO",
                "enforced": "NO",
            }


def _constraint_columns(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    """For foreign keys the referenced columns."""
    for table in _tables(context, scope):
        keys = {f"{table.ref.table}.{key.name}": key for key in table.foreign_keys}
        for name, _, columns in _constraints(table):
            constraint = _constraint(table, name)
            for place, (column, _unused) in enumerate(columns):
                if name in keys:
                    other = keys[name].table
                    target = {"table_catalog": other.project, "table_schema": other.dataset, "table_name": other.table}
                    yield {**constraint, **target, "column_name": keys[name].columns[place][1]}
                else:
                    yield {**constraint, "column_name": column}


# --- storage and jobs ----------------------------------------------------------------------------


def _storage(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for table in _tables(context, scope):
        if table.kind == "VIEW":
            continue
        yield {
            "project_id": table.ref.project,
            "table_catalog": table.ref.project,
            "project_number": 10**11,
            "table_schema": table.ref.dataset,
            "table_name": table.ref.table,
            "creation_time": table.created_ms * 1000,
            "total_rows": table.rows,
            "total_partitions": len(table.partition_times) if table.partitioned else 0,
            "total_logical_bytes": table.bytes,
            "active_logical_bytes": table.bytes,
            "long_term_logical_bytes": 0,
            "storage_last_modified_time": table.modified_ms * 1000,
            "deleted": False,
            "table_type": {"TABLE": "BASE TABLE"}.get(table.kind, table.kind),
        }


def _jobs(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for job in context.app.jobs.all(project):
        if job.location.lower() != context.location.lower():
            continue
        yield job_row(job)


def _own_jobs(context: Any, project: str, scope: Scope) -> Iterator[dict[str, Any]]:
    for row in _jobs(context, project, scope):
        if row["user_email"] == context.identity.email:
            yield row


def job_row(job: Any) -> dict[str, Any]:
    """One row of JOBS."""
    resource = job.to_json()
    statistics, configuration = resource["statistics"], resource["configuration"]
    details = statistics.get("query", {})
    part = configuration.get(job.kind, {})
    failed = job.error.proto() if job.error is not None else None
    stats = details.get("dmlStats")
    return {
        "creation_time": job.created_ms * 1000,
        "project_id": job.project,
        "project_number": 10**11,
        "user_email": job.identity.email,
        "principal_subject": resource["principal_subject"],
        "job_id": job.id,
        "job_type": job.kind.upper(),
        "statement_type": details.get("statementType"),
        "priority": part.get("priority", "INTERACTIVE") if job.kind == "query" else None,
        "start_time": None if job.started_ms is None else job.started_ms * 1000,
        "end_time": None if job.ended_ms is None else job.ended_ms * 1000,
        "query": part.get("query") if job.kind == "query" else None,
        "state": job.state,
        "total_bytes_processed": int(statistics.get("totalBytesProcessed", 0)),
        "total_bytes_billed": int(details.get("totalBytesBilled", 0)),
        "total_slot_ms": int(statistics.get("totalSlotMs", 0)),
        "error_result": failed and tuple(failed.get(name) for name in ("reason", "location", "debugInfo", "message")),
        "cache_hit": False if job.kind == "query" else None,
        "destination_table": _reference(part.get("destinationTable")),
        "referenced_tables": [_reference(item) for item in details.get("referencedTables", [])],
        "labels": sorted((configuration.get("labels") or {}).items()),
        "parent_job_id": job.parent.id if job.parent is not None else None,
        "transaction_id": (statistics.get("transactionInfo") or {}).get("transactionId"),
        "session_info": _session(statistics.get("sessionInfo")),
        "dml_statistics": stats
        and tuple(int(stats.get(name, 0)) for name in ("insertedRowCount", "deletedRowCount", "updatedRowCount")),
        "query_dialect": "GOOGLE_SQL" if job.kind == "query" else None,
        "continuous": False if job.kind == "query" else None,
    }


def _reference(item: dict[str, str] | None) -> tuple[str, str, str] | None:
    return None if not item else (item["projectId"], item["datasetId"], item["tableId"])


def _session(item: dict[str, str] | None) -> tuple[str] | None:
    return None if not item else (item["sessionId"],)


# --- the views -----------------------------------------------------------------------------------


def _kinds(text: str, **special: SqlType) -> tuple[tuple[str, SqlType], ...]:
    """`name name:I name:T …`: STRING, INT64, TIMESTAMP, BOOL (:B), JSON (:J), or given by name."""
    letters = {"": STRING, "I": INT64, "T": TIMESTAMP, "B": BOOL, "J": JSON}
    found = []
    for word in text.split():
        name, _, letter = word.partition(":")
        found.append((name, special.get(name) or letters[letter]))
    return tuple(found)


def _struct(**fields: SqlType) -> SqlType:
    return SqlType("STRUCT", fields=tuple(fields.items()))


_TABLE_REF = _struct(project_id=STRING, dataset_id=STRING, table_id=STRING)
_TABLE = "table_catalog table_schema table_name"
_CONSTRAINT = "constraint_catalog constraint_schema constraint_name"
_JOB_COLUMNS = _kinds(
    "creation_time:T project_id project_number:I user_email principal_subject job_id job_type statement_type priority"
    " start_time:T end_time:T query state reservation_id edition total_bytes_processed:I total_bytes_billed:I"
    " total_slot_ms:I total_modified_partitions:I error_result cache_hit:B destination_table referenced_tables labels"
    " parent_job_id transaction_id session_info dml_statistics query_dialect continuous:B",
    error_result=_struct(reason=STRING, location=STRING, debug_info=STRING, message=STRING),
    destination_table=_TABLE_REF,
    referenced_tables=array_of(_TABLE_REF),
    labels=array_of(_struct(key=STRING, value=STRING)),
    session_info=_struct(session_id=STRING),
    dml_statistics=_struct(inserted_row_count=INT64, deleted_row_count=INT64, updated_row_count=INT64),
)
_VIEWS = {
    "SCHEMATA": View(
        _kinds("catalog_name schema_name schema_owner creation_time:T last_modified_time:T location ddl"
               " default_collation_name sync_status:J"), _schemata, project_level=True,
    ),  # fmt: skip
    "TABLES": View(
        _kinds(f"{_TABLE} table_type managed_table_type is_insertable_into is_fine_grained_mutations_enabled is_typed"
               " is_change_history_enabled creation_time:T base_table_catalog base_table_schema base_table_name"
               " snapshot_time_ms:T replica_source_catalog replica_source_schema replica_source_name replication_status"
               " replication_error ddl default_collation_name sync_status:J upsert_stream_apply_watermark:T"), _tables_view,
    ),  # fmt: skip
    "COLUMNS": View(
        _kinds(f"{_TABLE} column_name ordinal_position:I is_nullable data_type is_generated generation_expression is_stored"
               " async_generation_status:J is_hidden is_updatable is_system_defined is_partitioning_column"
               " clustering_ordinal_position:I collation_name column_default rounding_mode policy_tags",
               policy_tags=array_of(STRING)), _columns,
    ),  # fmt: skip
    "COLUMN_FIELD_PATHS": View(
        _kinds(f"{_TABLE} column_name field_path data_type description collation_name rounding_mode policy_tags",
               policy_tags=array_of(STRING)), _field_paths,
    ),  # fmt: skip
    "PARTITIONS": View(
        _kinds(f"{_TABLE} partition_id total_rows:I total_logical_bytes:I total_billable_bytes:I last_modified_time:T"
               " storage_tier"), _partitions,
    ),  # fmt: skip
    "TABLE_OPTIONS": View(_kinds(f"{_TABLE} option_name option_type option_value"), _table_options),
    "VIEWS": View(_kinds(f"{_TABLE} view_definition check_option use_standard_sql"), _views),
    "KEY_COLUMN_USAGE": View(
        _kinds(f"{_CONSTRAINT} {_TABLE} column_name ordinal_position:I position_in_unique_constraint:I"), _key_columns
    ),
    "TABLE_CONSTRAINTS": View(
        _kinds(f"{_CONSTRAINT} {_TABLE} constraint_type is_deferrable initially_deferred enforced"), _table_constraints
    ),
    "CONSTRAINT_COLUMN_USAGE": View(_kinds(f"{_TABLE} column_name {_CONSTRAINT}"), _constraint_columns),
    "TABLE_STORAGE": View(
        _kinds("project_id table_catalog project_number:I table_schema table_name creation_time:T total_rows:I"
               " total_partitions:I total_logical_bytes:I active_logical_bytes:I long_term_logical_bytes:I"
               " current_physical_bytes:I total_physical_bytes:I active_physical_bytes:I long_term_physical_bytes:I"
               " time_travel_physical_bytes:I storage_last_modified_time:T deleted:B table_type"
               " managed_table_type fail_safe_physical_bytes:I last_metadata_index_refresh_time:T"
               " table_deletion_reason table_deletion_time:T"), _storage, project_level=True,
    ),  # fmt: skip
    "JOBS": View(_JOB_COLUMNS, _jobs, project_level=True),
    "JOBS_BY_PROJECT": View(_JOB_COLUMNS, _jobs, project_level=True),
    "JOBS_BY_USER": View(_JOB_COLUMNS, _own_jobs, project_level=True),
}

