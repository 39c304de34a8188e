# SPDX-License-Identifier: Apache-2.0
"""GoogleSQL scalar functions and casts that DuckDB computes itself, exactly.

A row says how a call is written in DuckDB; what has no row goes to Google's reference engine (reference.py).
Only what is the same for every argument belongs here: `/` on integers, string functions with positions, regular
expressions, parsing and formatting differ between the two, and stay out.

Functions: standard-sql/functions-all; casts: standard-sql/conversion_functions.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal

import duckdb

from standin.sql import farmhash, sqltypes
from standin.sql.sqltypes import SqlType

EXACT = decimal.Context(prec=200, Emin=-1000, Emax=1000, rounding=decimal.ROUND_HALF_UP)
_NUMERIC_LIMIT = 10**38
_BIGNUMERIC_LIMIT = 2**255

# Helpers in DuckDB; error() is evaluated only where its branch is taken.
MACROS = """
CREATE OR REPLACE MACRO {s}.plain(x) AS regexp_replace(CAST(x AS VARCHAR), '[.]0$', '');
CREATE OR REPLACE MACRO {s}.finite(r, a, b) AS
  CASE WHEN NOT isfinite(r) AND isfinite(a) AND isfinite(b) THEN error('double overflow: ' || a || ', ' || b) ELSE r END;
CREATE OR REPLACE MACRO {s}.divide(a, b) AS 
  CASE WHEN b = 0 THEN error('division by zero: ' || {s}.plain(a) || ' / ' || {s}.plain(b)) ELSE {s}.finite(a / b, a, b) END;
CREATE OR REPLACE MACRO {s}.mod(a, b) AS CASE WHEN b = 0 THEN error('division by zero: MOD(' || a || ', ' || b || ')')
  WHEN b = -1 THEN a - a ELSE a % b END;
CREATE OR REPLACE MACRO {s}.div(a, b) AS 
  CASE WHEN b = 0 THEN error('division by zero: ' || {s}.plain(a) || ' / ' || {s}.plain(b)) ELSE a // b END;
CREATE OR REPLACE MACRO {s}.element(list, i) AS
  CASE WHEN list IS NULL OR i IS NULL THEN NULL
       WHEN i < 0 OR i >= len(list) THEN error('Array index ' || i || ' is out of bounds') ELSE list[i + 1] END;
CREATE OR REPLACE MACRO {s}.safe_element(list, i) AS
  CASE WHEN list IS NULL OR i IS NULL OR i < 0 OR i >= len(list) THEN NULL ELSE list[i + 1] END;
CREATE OR REPLACE MACRO {s}.numeric_sum(total, about) AS
  CASE WHEN abs(about) > 1.2e29 OR length(translate(CAST(total AS VARCHAR), '-.', '')) > 38
       THEN error('numeric overflow: SUM is out of range') ELSE total END;
CREATE OR REPLACE MACRO {s}.required(x, message) AS CASE WHEN x IS NULL THEN error(message) ELSE x END;
CREATE OR REPLACE MACRO {s}.no_nulls(list, message) AS
  CASE WHEN len(list) <> list_count(list) THEN error(message) ELSE list END;
CREATE OR REPLACE MACRO {s}.timestamp_of(us) AS
  CASE WHEN us < -62135596800000000 OR us > 253402300799999999
       THEN error('Adding to the TIMESTAMP causes overflow') ELSE make_timestamptz(us) END;
CREATE OR REPLACE MACRO {s}.datetime_of(us) AS
  CASE WHEN us < -62135596800000000 OR us > 253402300799999999
       THEN error('Adding to the DATETIME causes overflow') ELSE make_timestamp(us) END;
CREATE OR REPLACE MACRO {s}.day_of(ts) AS CAST(make_timestamp(epoch_us(ts)) AS DATE);
CREATE OR REPLACE MACRO {s}.naive(ts) AS make_timestamp(epoch_us(ts));
CREATE OR REPLACE MACRO {s}.instant(ts) AS make_timestamptz(epoch_us(ts));
"""
SCHEMA = "standin_sql"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the helpers in a database; the connection must not be in a transaction."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    statements = [text for text in MACROS.format(s=SCHEMA).split(";\n") if text.strip()]
    for text in statements:
        connection.execute(text)
    for name, (function, kinds, result) in _PYTHON.items():
        connection.create_function(
            f"googlesql_{name}",
            function,
            [duckdb.sqltype(kind) for kind in kinds],
            duckdb.sqltype(result),
            null_handling="default",
            side_effects=False,
        )


def rounded(value: Decimal, scale: int, limit: int, what: str) -> int:
    """The unscaled integer of a NUMERIC or BIGNUMERIC result: half away from zero, or an overflow."""
    unscaled = int(value.scaleb(scale, EXACT).to_integral_value(decimal.ROUND_HALF_UP, EXACT))
    if limit == _BIGNUMERIC_LIMIT:
        fits = -limit <= unscaled < limit
    else:
        fits = -limit < unscaled < limit
    if not fits:
        raise ArithmeticError(f"{what} overflow")
    return unscaled


def _numeric(operation: Callable[[Decimal, Decimal], Decimal], sign: str) -> Callable[[str, str], str]:
    def compute(left: str, right: str) -> str:
        a, b = Decimal(left), Decimal(right)
        if sign == "/" and not b:
            raise ArithmeticError(f"division by zero: {plain(a)} / {plain(b)}")
        result = operation(a, b)
        unscaled = rounded(result, 9, _NUMERIC_LIMIT, f"numeric: {plain(a)} {sign} {plain(b)}:")
        return format(Decimal(unscaled).scaleb(-9, EXACT), "f")

    return compute


def _bignumeric(operation: Callable[[Decimal, Decimal], Decimal], sign: str) -> Callable[[str, str], str]:
    def compute(left: str, right: str) -> str:
        a, b = (Decimal(int(text)).scaleb(-38, EXACT) for text in (left, right))
        if sign == "/" and not b:
            raise ArithmeticError(f"division by zero: {plain(a)} / {plain(b)}")
        return str(rounded(operation(a, b), 38, _BIGNUMERIC_LIMIT, f"BIGNUMERIC: {plain(a)} {sign} {plain(b)}:"))

    return compute


def plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _numeric_of(unscaled: str) -> str:
    """BIGNUMERIC to NUMERIC: rounded half away from zero to 9 digits."""
    value = Decimal(int(unscaled)).scaleb(-38, EXACT)
    return format(Decimal(rounded(value, 9, _NUMERIC_LIMIT, "numeric")).scaleb(-9, EXACT), "f")


def _checked_sum(unscaled: str) -> str:
    """A sum of BIGNUMERIC values, in its range."""
    if not -_BIGNUMERIC_LIMIT <= int(unscaled) < _BIGNUMERIC_LIMIT:
        raise ArithmeticError("BIGNUMERIC overflow: SUM is out of range")
    return unscaled


def _with_parameters(scale: int) -> Callable[[str, int, int, str, str], str]:
    def compute(text: str, precision: int, digits: int, mode: str, what: str) -> str:
        from standin.sql.schemas import decimal_parameters

        value = Decimal(text).scaleb(-38, EXACT) if scale == 38 else Decimal(text)
        value = decimal_parameters(value, precision, digits, mode, what)
        return str(int(value.scaleb(38, EXACT))) if scale == 38 else format(value, "f")

    return compute


_PARAMETERS = (["VARCHAR", "INTEGER", "INTEGER", "VARCHAR", "VARCHAR"], "VARCHAR")
_TEXTS = (["VARCHAR", "VARCHAR"], "VARCHAR")
_PYTHON = {
    "numeric_multiply": (_numeric(EXACT.multiply, "*"), *_TEXTS),
    "numeric_divide": (_numeric(EXACT.divide, "/"), *_TEXTS),
    "bignumeric_add": (_bignumeric(EXACT.add, "+"), *_TEXTS),
    "bignumeric_subtract": (_bignumeric(EXACT.subtract, "-"), *_TEXTS),
    "bignumeric_multiply": (_bignumeric(EXACT.multiply, "*"), *_TEXTS),
    "bignumeric_divide": (_bignumeric(EXACT.divide, "/"), *_TEXTS),
    "numeric_parameters": (_with_parameters(9), *_PARAMETERS),
    "bignumeric_parameters": (_with_parameters(38), *_PARAMETERS),
    "farm_fingerprint": (farmhash.fingerprint, ["BLOB"], "BIGINT"),
    "bignumeric_sum": (_checked_sum, ["VARCHAR"], "VARCHAR"),
    "bignumeric_to_numeric": (_numeric_of, ["VARCHAR"], "VARCHAR"),
}


def decimal_call(operation: str, kind: SqlType, arguments: list[str]) -> str:
    """NUMERIC or BIGNUMERIC arithmetic in exact decimals."""
    texts = ", ".join(f"CAST({argument} AS VARCHAR)" for argument in arguments)
    call = f"googlesql_{kind.kind.lower()}_{operation}({texts})"
    return f"CAST({call} AS {sqltypes.duckdb_type(kind)})"


# --- calls ---------------------------------------------------------------------------------------

Writer = Callable[[list[SqlType], SqlType, list[str]], str | None]


def _pattern(text: str, *kinds: str) -> Writer:
    """A DuckDB expression with {0}, {1}, …; only for first arguments of the given kinds (all when none)."""

    def write(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
        if kinds and types[0].kind not in kinds:
            return None
        try:
            used = text.format(*args, s=SCHEMA)
        except IndexError:
            return None
        return used if len(args) == _places(text) else None

    return write


def _places(text: str) -> int:
    return max((int(text[i + 1]) for i in range(len(text) - 1) if text[i] == "{" and text[i + 1].isdigit()), default=-1) + 1


def _arithmetic(sign: str, operation: str) -> Writer:
    def write(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
        kind = result.kind
        if [t.kind for t in types] != [kind, kind]:
            return None
        if kind == "INT64":
            return f"({args[0]} {sign} {args[1]})"
        if kind == "FLOAT64":
            return f"{SCHEMA}.finite({args[0]} {sign} {args[1]}, {args[0]}, {args[1]})"
        if kind == "NUMERIC" and sign in "+-":
            return f"CAST({args[0]} {sign} {args[1]} AS DECIMAL(38,9))"
        if kind in ("NUMERIC", "BIGNUMERIC"):
            return decimal_call(operation, result, args)
        return None

    return write


def _divide(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    if result.kind == "FLOAT64":
        return f"{SCHEMA}.divide({args[0]}, {args[1]})"
    return decimal_call("divide", result, args) if result.kind in ("NUMERIC", "BIGNUMERIC") else None


def _comparison(sign: str) -> Writer:
    def write(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
        return compare(sign, types[0], args[0], args[1]) if types[0] == types[1] else None

    return write


def compare(sign: str, kind: SqlType, left: str, right: str) -> str | None:
    """A comparison in GoogleSQL's sense; None when only the reference engine knows it.

    DuckDB takes NaN for the largest number, equal to itself; IEEE says that it compares false."""
    if kind.kind == "STRUCT":
        return _compare_structs(sign, kind, left, right)
    if kind.kind in ("ARRAY", "JSON", "GEOGRAPHY", "RANGE"):
        return None
    plain = f"({left} {sign} {right})"
    if kind.kind != "FLOAT64" or _finite(left) and _finite(right):
        return plain
    if sign == "<>":
        return f"({left} <> {right} OR isnan({left}))"
    unordered = f"isnan({left}) OR isnan({right})"
    missing = f"({left} IS NULL OR {right} IS NULL)"
    return f"CASE WHEN {unordered} THEN {missing} AND NULL ELSE {plain} END"


def _finite(text: str) -> bool:
    return text.startswith("CAST('") and text.endswith("' AS DOUBLE)") and "nan" not in text


def _compare_structs(sign: str, kind: SqlType, left: str, right: str) -> str | None:
    if sign not in ("=", "<>"):
        return None
    parts = []
    for name, (_, field) in zip(kind.field_names(), kind.fields, strict=True):
        pick = sqltypes.string_literal(name)
        part = compare("=", field, f"struct_extract({left}, {pick})", f"struct_extract({right}, {pick})")
        if part is None:
            return None
        parts.append(part)
    equal = "(" + " AND ".join(parts) + ")"
    return equal if sign == "=" else f"(NOT {equal})"


def _between(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    low = compare(">=", types[0], args[0], args[1])
    high = compare("<=", types[0], args[0], args[2])
    return f"({low} AND {high})" if low and high and len(set(types)) == 1 else None


def _in(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    if len(set(types)) != 1:
        return None
    parts = [compare("=", types[0], args[0], item) for item in args[1:]]
    if None in parts:
        return None
    if types[0].kind not in ("FLOAT64", "STRUCT"):
        return f"({args[0]} IN ({', '.join(args[1:])}))"
    return "(" + " OR ".join(parts) + ")"


def _distinct(sign: str) -> Writer:
    def write(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
        if types[0] != types[1] or types[0].kind in ("JSON", "GEOGRAPHY"):
            return None
        return f"({args[0]} {sign} {args[1]})"

    return write


def _case(types: list[SqlType], result: SqlType, args: list[str]) -> str:
    pairs = "".join(f" WHEN {args[i]} THEN {args[i + 1]}" for i in range(0, len(args) - 1, 2))
    return f"CASE{pairs} ELSE {args[-1]} END" if len(args) % 2 else f"CASE{pairs} END"


def _case_value(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    whens = []
    for i in range(1, len(args) - 1, 2):
        test = compare("=", types[0], args[0], args[i]) if types[i] == types[0] else None
        if test is None:
            return None
        whens.append(f" WHEN {test} THEN {args[i + 1]}")
    return f"CASE{''.join(whens)}" + (f" ELSE {args[-1]} END" if len(args) % 2 == 0 else " END")


def _joined(word: str) -> Writer:
    return lambda types, result, args: "(" + f" {word} ".join(args) + ")"


def _concat(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    return "(" + " || ".join(args) + ")" if result.kind in ("STRING", "BYTES") else None


def _make_array(types: list[SqlType], result: SqlType, args: list[str]) -> str:
    return f"CAST([{', '.join(args)}] AS {sqltypes.duckdb_type(result)})"


def _negate(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    if result.kind in ("INT64", "FLOAT64", "NUMERIC"):
        return f"(-{args[0]})"
    return decimal_call("subtract", result, ["'0'", args[0]]) if result.kind == "BIGNUMERIC" else None


def _nullif(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    test = compare("=", types[0], args[0], args[1]) if types[0] == types[1] else None
    return f"CASE WHEN {test} THEN NULL ELSE {args[0]} END" if test else None


def _generate_array(types: list[SqlType], result: SqlType, args: list[str]) -> str | None:
    """Both ends are in it; of integers only."""
    if result.element != sqltypes.INT64:
        return None
    step = args[2] if len(args) > 2 else "1"
    missing = " OR ".join(f"{argument} IS NULL" for argument in args)
    series = f"generate_series({args[0]}, {args[1]}, {step})"
    return f"CASE WHEN {missing} THEN NULL WHEN {step} = 0 THEN error('Sequence step cannot be 0.') ELSE {series} END"


def _simple(name: str) -> Writer:
    return lambda types, result, args: f"{name}({', '.join(args)})"


def _digest(name: str) -> Writer:
    def write(types: list[SqlType], result: SqlType, args: list[str]) -> str:
        return f"unhex({name}({args[0]}))"

    return write


FUNCTIONS: dict[str, Writer] = {
    "$add": _arithmetic("+", "add"),
    "$subtract": _arithmetic("-", "subtract"),
    "$multiply": _arithmetic("*", "multiply"),
    "$divide": _divide,
    "$unary_minus": _negate,
    "$equal": _comparison("="),
    "$not_equal": _comparison("<>"),
    "$less": _comparison("<"),
    "$less_or_equal": _comparison("<="),
    "$greater": _comparison(">"),
    "$greater_or_equal": _comparison(">="),
    "$between": _between,
    "$in": _in,
    "$is_distinct_from": _distinct("IS DISTINCT FROM"),
    "$is_not_distinct_from": _distinct("IS NOT DISTINCT FROM"),
    "$and": _joined("AND"),
    "$or": _joined("OR"),
    "$not": _pattern("(NOT {0})"),
    "$is_null": _pattern("({0} IS NULL)"),
    "$is_true": _pattern("({0} IS TRUE)"),
    "$is_false": _pattern("({0} IS FALSE)"),
    "$like": _pattern("({0} LIKE {1} ESCAPE '\\')", "STRING"),
    "$case_no_value": _case,
    "$case_with_value": _case_value,
    "$concat_op": _concat,
    "$make_array": _make_array,
    "$array_at_offset": _pattern("{s}.element({0}, {1})"),
    "$array_at_ordinal": _pattern("{s}.element({0}, {1} - 1)"),
    "$safe_array_at_offset": _pattern("{s}.safe_element({0}, {1})"),
    "$safe_array_at_ordinal": _pattern("{s}.safe_element({0}, {1} - 1)"),
    "$bitwise_and": _pattern("({0} & {1})", "INT64"),
    "$bitwise_or": _pattern("({0} | {1})", "INT64"),
    "$bitwise_xor": _pattern("xor({0}, {1})", "INT64"),
    "$bitwise_not": _pattern("(~{0})", "INT64"),
    "if": _pattern("CASE WHEN {0} THEN {1} ELSE {2} END"),
    "ifnull": _simple("coalesce"),
    "coalesce": _simple("coalesce"),
    "nullif": _nullif,
    "concat": _concat,
    "mod": _pattern("{s}.mod({0}, {1})", "INT64"),
    "div": _pattern("{s}.div({0}, {1})", "INT64"),
    "ieee_divide": _pattern("({0} / {1})", "FLOAT64"),
    "is_nan": _pattern("isnan({0})", "FLOAT64"),
    "is_inf": _pattern("isinf({0})", "FLOAT64"),
    "abs": _pattern("abs({0})", "INT64", "FLOAT64", "NUMERIC"),
    "length": _pattern("length({0})", "STRING"),
    "char_length": _pattern("length({0})", "STRING"),
    "byte_length": _pattern("strlen({0})", "STRING"),
    "starts_with": _pattern("starts_with({0}, {1})", "STRING"),
    "ends_with": _pattern("ends_with({0}, {1})", "STRING"),
    "strpos": _pattern("strpos({0}, {1})", "STRING"),
    "md5": _digest("md5"),
    "farm_fingerprint": lambda types, result, args: (
        f"googlesql_farm_fingerprint({f'encode({args[0]})' if types[0].kind == 'STRING' else args[0]})"
    ),
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "to_hex": _pattern("lower(hex({0}))", "BYTES"),
    "to_base64": _pattern("base64({0})", "BYTES"),
    "generate_array": _generate_array,
    "array_length": _pattern("len({0})"),
    "error": _pattern("error({0})"),
    "rand": _pattern("random()"),
    "generate_uuid": _pattern("CAST(gen_random_uuid() AS VARCHAR)"),
    "unix_micros": _pattern("epoch_us({0})", "TIMESTAMP"),
    "unix_date": _pattern("({0} - DATE '1970-01-01')", "DATE"),
    "timestamp_micros": _pattern("make_timestamptz({0})", "INT64"),
    "date": _pattern("{s}.day_of({0})", "TIMESTAMP", "DATETIME"),
    "datetime": _pattern("{s}.naive({0})", "TIMESTAMP"),
}

_TRUNCATED = {"HOUR", "DAY", "MONTH", "YEAR"}


def truncate(name: str, kind: SqlType, argument: str, part: str) -> str | None:
    """date_trunc and its sisters for the parts that tables are partitioned by."""
    if part not in _TRUNCATED:
        return None
    unit = part.lower()
    if kind.kind == "TIMESTAMP" and name in ("timestamp_trunc",):
        return f"{SCHEMA}.instant(date_trunc('{unit}', {SCHEMA}.naive({argument})))"
    if kind.kind == "DATETIME" and name in ("datetime_trunc",):
        return f"CAST(date_trunc('{unit}', {argument}) AS TIMESTAMP)"
    if kind.kind == "DATE" and name == "date_trunc" and part != "HOUR":
        return f"CAST(date_trunc('{unit}', {argument}) AS DATE)"
    return None


_MICROS = {
    "MICROSECOND": 1,
    "MILLISECOND": 1000,
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}


def shift(name: str, argument: str, count: str, part: str) -> str | None:
    """timestamp_add, timestamp_sub, datetime_add, datetime_sub by fixed lengths of time."""
    kind, _, sign = name.rpartition("_")
    if part not in _MICROS or kind not in ("timestamp", "datetime"):
        return None
    moved = f"epoch_us({argument}) {'+' if sign == 'add' else '-'} {count} * {_MICROS[part]}"
    return f"{SCHEMA}.{kind}_of({moved})"


# --- casts ---------------------------------------------------------------------------------------

_CASTS = {
    ("INT64", "FLOAT64"): "CAST({0} AS DOUBLE)",
    ("INT64", "NUMERIC"): "CAST({0} AS DECIMAL(38,9))",
    ("INT64", "STRING"): "CAST({0} AS VARCHAR)",
    ("INT64", "BOOL"): "({0} <> 0)",
    ("INT64", "BIGNUMERIC"): "CAST(CAST({0} AS VARCHAR) || CASE WHEN {0} = 0 THEN '' ELSE repeat('0', 38) END AS BIGNUM)",
    ("BOOL", "INT64"): "CAST({0} AS BIGINT)",
    ("BOOL", "STRING"): "CAST({0} AS VARCHAR)",
    ("NUMERIC", "FLOAT64"): "CAST(CAST({0} AS VARCHAR) AS DOUBLE)",
    ("NUMERIC", "BIGNUMERIC"): "CAST(replace(CAST({0} AS VARCHAR), '.', '') || repeat('0', 29) AS BIGNUM)",
    ("BIGNUMERIC", "NUMERIC"): "CAST(googlesql_bignumeric_to_numeric(CAST({0} AS VARCHAR)) AS DECIMAL(38,9))",
    ("DATE", "DATETIME"): "CAST({0} AS TIMESTAMP)",
    ("DATE", "TIMESTAMP"): "{s}.instant(CAST({0} AS TIMESTAMP))",
    ("DATETIME", "DATE"): "CAST({0} AS DATE)",
    ("DATETIME", "TIMESTAMP"): "{s}.instant({0})",
    ("TIMESTAMP", "DATE"): "{s}.day_of({0})",
    ("TIMESTAMP", "DATETIME"): "{s}.naive({0})",
    ("STRING", "BYTES"): "encode({0})",
}


def cast(source: SqlType, target: SqlType, argument: str) -> str | None:
    """A cast that DuckDB does exactly as GoogleSQL does; None for the reference engine."""
    if source == target:
        return argument
    pattern = _CASTS.get((source.kind, target.kind))
    if pattern is not None:
        return pattern.format(argument, s=SCHEMA)
    if source.kind == target.kind == "ARRAY":
        inner = cast(source.element, target.element, "_x")
        return f"list_transform({argument}, lambda _x: {inner})" if inner else None
    if source.kind == target.kind == "STRUCT" and len(source.fields) == len(target.fields):
        parts = []
        for name, (_, a), (_, b) in zip(source.field_names(), source.fields, target.fields, strict=True):
            parts.append(cast(a, b, f"struct_extract({argument}, {sqltypes.string_literal(name)})"))
        if None in parts:
            return None
        return f"CASE WHEN {argument} IS NOT NULL THEN {sqltypes.struct_literal(target, parts)} END"
    return None
