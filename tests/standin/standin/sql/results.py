# SPDX-License-Identifier: Apache-2.0
"""What a statement leaves behind, and DuckDB's run-time errors in BigQuery's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import duckdb

from standin.catalog import Table, TableRef
from standin.errors import ApiError, not_implemented
from standin.types import Schema

MINIMUM_BILLED = 10 * 1024 * 1024
MEBIBYTE = 1024 * 1024


@dataclass
class DmlStats:
    """Rows that a DML statement touched."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def affected(self) -> int:
        """numDmlAffectedRows."""
        return self.inserted + self.updated + self.deleted

    def to_json(self) -> dict[str, str]:
        """The API's DmlStats: only what is not zero."""
        named = {
            "insertedRowCount": self.inserted,
            "deletedRowCount": self.deleted,
            "updatedRowCount": self.updated,
        }
        return {name: str(count) for name, count in named.items() if count}


@dataclass
class StatementResult:
    """One statement's outcome. `table` holds a query's rows; statistics as JobStatistics2 has them."""

    statement_type: str
    schema: Schema | None = None
    table: Table | None = None
    dml: DmlStats | None = None
    bytes_processed: int = 0
    tables_billed: int = 0
    referenced: list[TableRef] = field(default_factory=list)
    ddl_operation: str | None = None
    ddl_table: TableRef | None = None
    ddl_dataset: Any = None
    statistics: dict[str, Any] = field(default_factory=dict)

    @property
    def bytes_billed(self) -> int:
        """Rounded up to MiB, at least 10 MiB for each table (docs/best-practices-costs; pricing#on_demand_pricing)."""
        if not self.bytes_processed:
            return 0
        rounded = -(-self.bytes_processed // MEBIBYTE) * MEBIBYTE
        return max(rounded, MINIMUM_BILLED * max(1, self.tables_billed))


_UDF = re.compile(r"Python exception occurred while executing the UDF: (\w+): (.*?)(?:\n\nAt:|\Z)", re.DOTALL)
_CODE = re.compile(r"Code: \d+, Message: (.*)\Z", re.DOTALL)


def api_error(error: duckdb.Error) -> ApiError:
    """A run-time error of DuckDB as BigQuery's invalidQuery; what looks like our own mistake is notImplemented."""
    text = str(error)
    udf = _UDF.search(text)
    if udf:
        if udf.group(1) not in ("GoogleSqlError", "ArithmeticError"):
            return ApiError("internalError", f"The stand-in failed in a function: {udf.group(1)}: {udf.group(2)}")
        text = udf.group(2)
    else:
        kind, _, text = text.partition(": ")
        if "More than one row returned by a subquery" in text:
            text = "Scalar subquery produced more than one element"
        elif isinstance(error, (duckdb.OutOfRangeException, duckdb.ConversionException)):
            text = _overflow(text)
        elif not isinstance(error, (duckdb.InvalidInputException, duckdb.ConstraintException)):
            return not_implemented(f"how to run this statement (DuckDB: {kind}: {text})")
    code = _CODE.match(text.strip())
    text = (code.group(1) if code else text).strip()
    unknown = re.match(r"Unsupported (?:built-in function|feature|type): (.*)", text)
    if unknown:
        return not_implemented(f"the function {unknown.group(1)}")
    return ApiError("invalidQuery", text, location="query")


def _overflow(text: str) -> str:
    found = re.match(r"Overflow in (\w+) of INT64 \((.*)\)", text)
    if found:
        return f"int64 overflow: {found.group(2)}"
    found = re.match(r"Overflow in (\w+) of DECIMAL\(\d+\) \((.*)\)", text)
    if found or "DECIMAL" in text or "HUGEINT" in text:
        return f"numeric overflow: {text}"
    if "INT128" in text or "INT64" in text:
        return f"int64 overflow: {text}"
    return text
