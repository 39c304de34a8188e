# SPDX-License-Identifier: Apache-2.0
"""Parsing and analyzing statements with Google's analyzer, set up as BigQuery has it.

The catalog that the analyzer sees is made for each statement from the tables that the statement names, spelled
as the statement spells them (`ds.t`, `` `p.d.t` ``, `p.d.INFORMATION_SCHEMA.TABLES`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from zetasql.wasi._pb2.zetasql.proto import options_pb2 as language_pb2
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import function_pb2 as enums_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2

from standin.errors import ApiError, not_implemented
from standin.sql import googlesql, sqltypes
from standin.sql.googlesql import GoogleSqlError, service_pb2
from standin.sql.nodes import Node, concrete
from standin.sql.sqltypes import SqlType

# In ZetaSQL but not in BigQuery (standard-sql/query-syntax, dml-syntax, data-definition-language have none of these).
_NOT_IN_BIGQUERY = (
    "DML_RETURNING|INSERT_ON_CONFLICT|ORDERED_PRIMARY_KEYS|TTL|UUID_TYPE|MAP_TYPE|MEASURE|LATERAL_JOIN|LATERAL_COLUMN"
    "|TIMESTAMP_NANOS|TIMESTAMP_PRECISION|TIMESTAMP_PICOS|PROTO|MATCH_RECOGNIZE|MODULE|SQL_GRAPH|ROW_TYPE|FOR_UPDATE"
    "|MULTILEVEL_AGGREGATION|AGGREGATE_FILTERING|UPDATE_CONSTRUCTOR|IDENTITY_COLUMNS|GENERATED|ANONYMIZATION"
    "|DIFFERENTIAL_PRIVACY|TABLESAMPLE_FROM_REPEATABLE|TOKENIZED_SEARCH|LOCALITY|COLLATION|EXTERNAL_SCHEMA"
    "|TEST_IDEALLY|CHECK_CONSTRAINT|STRUCT_BRACED|CAST_DIFFERENT_ARRAY|TEXTMAPPER|DISABLE_VALIDATE|LIMIT_ALL"
    "|PIPE_(IF|FORK|TEE|INSERT|EXPORT|CREATE|LOG|ASSERT|DESCRIBE|STATIC|RECURSIVE|WITH)|GROUPING_SET_REWRITE"
    "|ARRAY_EQUALITY|ARRAY_ORDERING|JSON_TYPE_COMPARISON|INTERLEAVE|ENUM_VALUE_DESCRIPTOR|STRATIFIED"
)
# In BigQuery, and not among ZetaSQL's own full set.
_ONLY_IN_BIGQUERY = (
    "FEATURE_CREATE_TABLE_CLONE",
    "FEATURE_ALTER_COLUMN_SET_DATA_TYPE",
    "FEATURE_CREATE_VIEWS_WITH_COLUMN_OPTIONS",
    "FEATURE_V_1_4_DISABLE_FLOAT32",
)
_CACHED_CATALOGS = 24
_SYSTEM_VARIABLES = {
    ("row_count",): sqltypes.INT64,
    ("current_job_id",): sqltypes.STRING,
    ("last_job_id",): sqltypes.STRING,
    ("project_id",): sqltypes.STRING,
    ("dataset_id",): sqltypes.STRING,
    ("dataset_project_id",): sqltypes.STRING,
    ("location",): sqltypes.STRING,
    ("session_id",): sqltypes.STRING,
    ("time_zone",): sqltypes.STRING,
    ("query_label",): sqltypes.STRING,
    ("script", "job_id"): sqltypes.STRING,
    ("script", "bytes_processed"): sqltypes.INT64,
    ("script", "bytes_billed"): sqltypes.INT64,
    ("script", "creation_time"): sqltypes.TIMESTAMP,
    ("script", "slot_ms"): sqltypes.INT64,
    ("script", "num_child_jobs"): sqltypes.INT64,
    ("script", "statement_id"): sqltypes.INT64,
    ("error", "message"): sqltypes.STRING,
    ("error", "statement_text"): sqltypes.STRING,
    ("error", "formatted_stack_trace"): sqltypes.STRING,
}


@dataclass(frozen=True)
class Column:
    """A column as the analyzer sees it; pseudo columns are not in `SELECT *`."""

    name: str
    type: SqlType
    pseudo: bool = False
    has_default: bool = False


@dataclass(frozen=True)
class Relation:
    """A table as the analyzer sees it; `handle` is what the caller wants back from a scan of it."""

    columns: tuple[Column, ...]
    handle: Any


@dataclass
class Scope:
    """What a statement may refer to besides its tables."""

    resolve: Callable[[list[str]], Relation | None]
    named: dict[str, tuple[SqlType, Any]] = field(default_factory=dict)
    positional: list[tuple[SqlType, Any]] = field(default_factory=list)
    parameter_mode: str = "NAMED"
    variables: dict[str, tuple[SqlType, Any]] = field(default_factory=dict)
    pseudo_columns: dict[str, SqlType] = field(default_factory=dict)


@dataclass
class Analyzed:
    """A resolved tree with the relations that its table scans name (by serialization id)."""

    statement: Node
    relations: dict[int, Relation]
    scope: Scope


class _State:
    language: language_pb2.LanguageOptionsProto | None = None
    catalogs: OrderedDict[tuple[int, bytes], int] = OrderedDict()


def language() -> language_pb2.LanguageOptionsProto:
    """BigQuery's dialect: external product mode and the features that BigQuery documents."""
    if _State.language is None:
        options = googlesql.instance().call(
            "GetLanguageOptions",
            service_pb2.LanguageOptionsRequest(maximum_features=True),
            language_pb2.LanguageOptionsProto,
        )
        refused = re.compile(_NOT_IN_BIGQUERY)
        keep = []
        for number in options.enabled_language_features:
            name = options_pb2.LanguageFeature.Name(number)
            if not refused.search(name):
                keep.append(number)
        del options.enabled_language_features[:]
        options.enabled_language_features.extend(keep)
        options.enabled_language_features.extend(options_pb2.LanguageFeature.Value(name) for name in _ONLY_IN_BIGQUERY)
        options.product_mode = options_pb2.PRODUCT_EXTERNAL
        options.name_resolution_mode = options_pb2.NAME_RESOLUTION_DEFAULT
        del options.supported_statement_kinds[:]
        options.supported_generic_entity_types.extend(["CAPACITY", "RESERVATION", "ASSIGNMENT"])
        _State.language = options
    return _State.language


_CODES = {"3": "invalidQuery", "5": "notFound", "11": "invalidQuery", "12": "notImplemented", "13": "notImplemented"}


def api_error(error: GoogleSqlError) -> ApiError:
    """What BigQuery answers for what the analyzer refuses (error-messages: invalidQuery)."""
    match = re.match(r"Code: (\d+), Message: (.*)\Z", str(error), re.DOTALL)
    code, text = match.groups() if match else ("3", str(error))
    text = re.sub(r"\s*\[zetasql[^\]]*\]\s*\Z", "", text).strip()
    text = re.sub(r" \[at (\d+:\d+)\]", r" at [\1]", text)
    reason = _CODES.get(code, "invalidQuery")
    if reason == "notImplemented":
        return not_implemented(f"this SQL: {text}")
    return ApiError(reason, text, location="query" if reason == "invalidQuery" else None)


def call(method: str, request: Any, response: type) -> Any:
    """A call of the analyzer whose refusals are BigQuery's errors."""
    try:
        return googlesql.instance().call(method, request, response)
    except GoogleSqlError as error:
        raise api_error(error) from error


def parse_script(sql: str) -> Node:
    """The parse tree of a whole script (ASTScript), with locations."""
    request = service_pb2.ParseRequest(sql_statement=sql, allow_script=True)
    request.options.CopyFrom(language())
    return Node(call("Parse", request, service_pb2.ParseResponse).parsed_script)


def table_names(sql: str) -> list[list[str]]:
    """The paths of the tables that a statement reads or writes."""
    request = service_pb2.ExtractTableNamesFromStatementRequest(sql_statement=sql)
    request.options.CopyFrom(language())
    answer = call(
        "ExtractTableNamesFromStatement", request, service_pb2.ExtractTableNamesFromStatementResponse
    )
    return [list(name.table_name_segment) for name in answer.table_name]


def options(scope: Scope, system_variables: bool = False) -> language_pb2.AnalyzerOptionsProto:
    result = language_pb2.AnalyzerOptionsProto(
        prune_unused_columns=True,
        error_message_mode=options_pb2.ERROR_MESSAGE_ONE_LINE,
        default_timezone="UTC",
        preserve_column_aliases=True,
        allow_undeclared_parameters=False,
    )
    result.language_options.CopyFrom(language())
    if scope.parameter_mode == "POSITIONAL":
        result.parameter_mode = options_pb2.PARAMETER_POSITIONAL
        result.positional_query_parameters.extend(sqltypes.to_proto(kind) for kind, _ in scope.positional)
    else:
        for name, (kind, _) in scope.named.items():
            result.query_parameters.add(name=name).type.CopyFrom(sqltypes.to_proto(kind))
    for name, kind in scope.pseudo_columns.items():
        result.ddl_pseudo_columns.add(name=name).type.CopyFrom(sqltypes.to_proto(kind))
    for path, kind in _SYSTEM_VARIABLES.items() if system_variables else ():
        result.system_variables.add(name_path=path).type.CopyFrom(sqltypes.to_proto(kind))
    result.enabled_rewrites.extend(_REWRITES)
    return result


# What is left to ZetaSQL's own rewriters, so that neither compiler nor reference engine meets it.
_REWRITES = [
    options_pb2.ResolvedASTRewrite.Value(f"REWRITE_{name}")
    for name in (
        "FLATTEN PIVOT UNPIVOT ARRAY_FILTER_TRANSFORM ARRAY_INCLUDES TYPEOF_FUNCTION NULLIFERROR_FUNCTION LIKE_ANY_ALL"
        " BUILTIN_FUNCTION_INLINER GROUPING_SET MULTIWAY_UNNEST ORDER_BY_AND_LIMIT_IN_AGGREGATE"
    ).split()
]


def base_catalog() -> simple_catalog_pb2.SimpleCatalogProto:
    catalog = simple_catalog_pb2.SimpleCatalogProto(name="root")
    catalog.builtin_function_options.language_options.CopyFrom(language())
    for name in ("max_by", "min_by"):
        _add_extreme(catalog, name)
    return catalog


def _add_extreme(catalog: simple_catalog_pb2.SimpleCatalogProto, name: str) -> None:
    """MAX_BY(x, y), MIN_BY(x, y): in BigQuery (standard-sql/aggregate_functions), not in ZetaSQL."""
    function = catalog.custom_function.add(name_path=[name], group="BigQuery", mode=enums_pb2.FunctionEnums.AGGREGATE)
    signature = function.signature.add()
    for kind in (enums_pb2.ARG_TYPE_ANY_1, enums_pb2.ARG_TYPE_ANY_2):
        signature.argument.add(kind=kind, num_occurrences=-1)
    signature.return_type.kind = enums_pb2.ARG_TYPE_ANY_1
    signature.return_type.num_occurrences = -1


def build_catalog(
    paths: Iterable[list[str]], scope: Scope
) -> tuple[simple_catalog_pb2.SimpleCatalogProto, dict[int, Relation]]:
    """A catalog with the named tables that exist, and the relations by their serialization ids."""
    catalog = base_catalog()
    relations: dict[int, Relation] = {}
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    for path in paths:
        exact = tuple(path)
        folded = tuple(part.lower() for part in path)
        if folded in seen:
            if seen[folded] != exact and scope.resolve(path) is not None:
                raise not_implemented("one statement with names that differ only in case: " + ".".join(path))
            continue
        relation = scope.resolve(path)
        if relation is None:
            continue
        seen[folded] = exact
        number = len(relations) + 1
        relations[number] = relation
        _add_table(catalog, path, number, relation)
    for name, (kind, value) in scope.variables.items():
        constant = catalog.constant.add(name_path=[name])
        constant.type.CopyFrom(sqltypes.to_proto(kind))
        constant.value.CopyFrom(sqltypes.value_to_proto(kind, value))
    return catalog, relations


def _add_table(catalog: Any, path: list[str], number: int, relation: Relation) -> None:
    for part in path[:-1]:
        for inner in catalog.catalog:
            if inner.name.lower() == part.lower():
                catalog = inner
                break
        else:
            catalog = catalog.catalog.add(name=part)
    table = catalog.table.add(name=path[-1], serialization_id=number)
    for column in relation.columns:
        proto = table.column.add(
            name=column.name, is_pseudo_column=column.pseudo, is_writable_column=True,
            has_default_value=column.has_default,
        )  # fmt: skip
        proto.type.CopyFrom(sqltypes.to_proto(column.type))


def registered(catalog: simple_catalog_pb2.SimpleCatalogProto) -> int:
    """The id of the catalog in the analyzer, registered when it is new; the oldest is let go."""
    generation = googlesql.instance().generation
    key = (generation, catalog.SerializeToString(deterministic=True))
    known = _State.catalogs.get(key)
    if known is not None:
        _State.catalogs.move_to_end(key)
        return known
    request = service_pb2.RegisterCatalogRequest(simple_catalog=catalog)
    number = call("RegisterCatalog", request, service_pb2.RegisterResponse).registered_id
    _State.catalogs[key] = number
    if len(_State.catalogs) > _CACHED_CATALOGS:
        (made, _), old = _State.catalogs.popitem(last=False)
        if made != generation:
            return number
        googlesql.instance().call("UnregisterCatalog", service_pb2.UnregisterRequest(registered_id=old))
    return number


def analyze(sql: str, scope: Scope, paths: Iterable[list[str]] = ()) -> Analyzed:
    """Analyze one statement; raises ApiError as BigQuery does. `paths`: tables that it names besides those it reads."""
    catalog, relations = build_catalog([*table_names(sql), *paths], scope)
    request = service_pb2.AnalyzeRequest(sql_statement=sql, options=options(scope, True))
    if scope.variables:
        request.simple_catalog.CopyFrom(catalog)
    else:
        request.registered_catalog_id = registered(catalog)
    answer = call("Analyze", request, service_pb2.AnalyzeResponse)
    return Analyzed(Node(_concrete(answer.resolved_statement)), relations, scope)


def analyze_expression(sql: str, scope: Scope, columns: dict[str, SqlType] | None = None) -> Node:
    """Analyze one expression without tables; `columns` are names that it may use."""
    catalog, _ = build_catalog([], scope)
    request_options = options(scope, True)
    for name, kind in (columns or {}).items():
        request_options.expression_columns.add(name=name).type.CopyFrom(sqltypes.to_proto(kind))
    request = service_pb2.AnalyzeRequest(sql_expression=sql, options=request_options)
    if scope.variables:
        request.simple_catalog.CopyFrom(catalog)
    else:
        request.registered_catalog_id = registered(catalog)
    answer = call("Analyze", request, service_pb2.AnalyzeResponse)
    return Node(_concrete(answer.resolved_expression))


def _concrete(message: Any) -> Any:
    inner = concrete(message)
    if inner is None:
        raise not_implemented("a statement that the SQL analyzer returns empty")
    return inner


def type_name(kind: SqlType) -> str:
    """GoogleSQL text of a type, with quoted member names."""
    if kind.kind == "STRUCT":
        return "STRUCT<" + ", ".join(f"`{name}` {type_name(field)}" for name, field in kind.fields) + ">"
    if kind.kind in ("ARRAY", "RANGE"):
        return f"{kind.kind}<{type_name(kind.element)}>"
    return kind.kind
