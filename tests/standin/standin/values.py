# SPDX-License-Identifier: Apache-2.0
"""Text and JSON -> neutral values, with the checks of the service.

Formats in loads: https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#data_types and
…/loading-data-cloud-storage-json; ranges: …/reference/standard-sql/data-types; JSON columns: …/docs/json-data;
parameterized types: …/standard-sql/data-types#parameterized_data_types"""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import json
import re
from decimal import Decimal
from typing import Any, Callable
from zoneinfo import ZoneInfo

from standin.types import Field, Type

EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_DAY = datetime.date(1970, 1, 1)
MICRO = datetime.timedelta(microseconds=1)
FIRST_MICROS = -62135596800000000      # 0001-01-01 00:00:00
LAST_MICROS = 253402300799999999       # 9999-12-31 23:59:59.999999
FIRST_DAY, LAST_DAY = -719162, 2932896
DAY_MICROS = 86_400_000_000
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

NUMERIC_MAX = Decimal("99999999999999999999999999999.999999999")
BIGNUMERIC_MAX = Decimal("578960446186580977117854925043439539266.34992332820282019728792003956564819967")
BIGNUMERIC_MIN = Decimal("-578960446186580977117854925043439539266.34992332820282019728792003956564819968")
EXACT = decimal.Context(prec=200, Emin=-10**6, Emax=10**6)


class ValueRefused(Exception):
    """A value that its column cannot take. The message says why, without the column's name."""


# Checks of neutral values -----------------------------------------------------------------------------------

def check_text_length(kind: Type, value: str) -> str:
    if kind.length is not None and len(value) > kind.length:
        raise ValueRefused(f"has maximum length {kind.length} but got a value with length {len(value)}")
    return value


def check_bytes_length(kind: Type, value: bytes) -> bytes:
    if kind.length is not None and len(value) > kind.length:
        raise ValueRefused(f"has maximum length {kind.length} but got a value with length {len(value)}")
    return value


def check_decimal(kind: Type, value: Decimal, rounding: str | None = None) -> Decimal:
    """Range of NUMERIC or BIGNUMERIC; fractions too long for the type are refused without parameters and rounded with
    them (half away from zero unless the column says otherwise)."""
    if not value.is_finite():
        raise ValueRefused(f"Invalid {kind.name} value: {value}")
    scale = kind.scale if kind.precision is not None else 9 if kind.name == "NUMERIC" else 38
    exponent = -(scale or 0)
    if int(value.as_tuple().exponent) < exponent:
        mode = decimal.ROUND_HALF_EVEN if rounding == "ROUND_HALF_EVEN" else decimal.ROUND_HALF_UP
        rounded = value.quantize(Decimal(1).scaleb(exponent), rounding=mode, context=EXACT)
        if kind.precision is None and rounded != value:
            raise ValueRefused(f"Invalid {kind.name} value: {value:f} (at most {scale} digits after the decimal point)")
        value = rounded
    low, high = (NUMERIC_MAX.copy_negate(), NUMERIC_MAX) if kind.name == "NUMERIC" else (BIGNUMERIC_MIN, BIGNUMERIC_MAX)
    if not low <= value <= high:
        raise ValueRefused(f"Invalid {kind.name} value: {value:f} is out of range")
    if kind.precision is not None and value.copy_abs() >= Decimal(10) ** (kind.precision - (kind.scale or 0)):
        raise ValueRefused(f"has precision {kind.precision} and scale {kind.scale or 0} but got a value that is not in "
                           f"range: {value:f}")
    return value


def check_micros(value: int, what: str = "TIMESTAMP") -> int:
    if not FIRST_MICROS <= value <= LAST_MICROS:
        raise ValueRefused(f"Invalid {what} value: {value} microseconds are out of range "
                           "(0001-01-01 00:00:00 to 9999-12-31 23:59:59.999999)")
    return value


def check_days(value: int) -> int:
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueRefused(f"Invalid DATE value: day {value} is out of range (0001-01-01 to 9999-12-31)")
    return value


def check_time(value: int) -> int:
    if not 0 <= value < DAY_MICROS:
        raise ValueRefused(f"Invalid TIME value: {value} microseconds are out of range (00:00:00 to 23:59:59.999999)")
    return value


def check_int(value: int) -> int:
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueRefused(f"Invalid INT64 value: {value} is out of range")
    return value


# Text -> neutral --------------------------------------------------------------------------------------------

DATE = r"(\d{4})-(\d{2})-(\d{2})"
SLASHED = r"(\d{4})[-/](\d{2})[-/](\d{2})"
CLOCK = r"(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?"
SHORT_CLOCK = r"(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?"
ZONE = r"(?:\s*(Z|UTC|[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]+(?:/[A-Za-z_+-]+\d*)*))?"


def parse_date(text: str) -> int:
    found = re.fullmatch(DATE, text.strip(), re.ASCII)
    if found is None:
        raise ValueRefused(f"Could not parse '{text}' as DATE (the format is YYYY-MM-DD)")
    return _days(found.groups(), text)


def _days(parts: Any, text: str) -> int:
    try:
        return (datetime.date(*(int(part) for part in parts)) - EPOCH_DAY).days
    except ValueError:
        raise ValueRefused(f"Could not parse '{text}' as a date: there is no such day") from None


def _clock(parts: Any, text: str) -> int:
    hour, minute, second = (int(part or 0) for part in parts[:3])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueRefused(f"Could not parse '{text}': there is no such time of day")
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((parts[3] or "").ljust(6, "0"))


def parse_time(text: str) -> int:
    found = re.fullmatch(CLOCK, text.strip(), re.ASCII)
    if found is None:
        raise ValueRefused(f"Could not parse '{text}' as TIME (the format is HH:MM:SS[.SSSSSS])")
    return _clock(found.groups(), text)


def parse_datetime(text: str) -> int:
    found = re.fullmatch(f"{DATE}[ Tt]{CLOCK}", text.strip(), re.ASCII)
    if found is None:
        raise ValueRefused(f"Could not parse '{text}' as DATETIME (the format is YYYY-MM-DD HH:MM:SS[.SSSSSS])")
    parts = found.groups()
    return _days(parts[:3], text) * DAY_MICROS + _clock(parts[3:], text)


def parse_timestamp(text: str) -> int:
    """A civil time, with an optional zone (UTC without one), or seconds since 1970 as a number."""
    stripped = text.strip()
    if re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", stripped, re.ASCII):
        return timestamp_of_seconds(Decimal(stripped))
    found = re.fullmatch(f"{SLASHED}[ Tt]{SHORT_CLOCK}{ZONE}", stripped, re.ASCII)
    if found is None:
        raise ValueRefused(f"Could not parse '{text}' as a timestamp. Required format is YYYY-MM-DD HH:MM[:SS[.SSSSSS]] "
                           "or YYYY/MM/DD HH:MM[:SS[.SSSSSS]]")
    parts = found.groups()
    micros = _days(parts[:3], text) * DAY_MICROS + _clock(parts[3:7], text)
    return check_micros(micros - _offset(parts[7], micros, text))


def _offset(zone: str | None, micros: int, text: str) -> int:
    """Microseconds east of UTC."""
    if zone in (None, "Z", "UTC"):
        return 0
    found = re.fullmatch(r"([+-])(\d{1,2})(?::?(\d{2}))?", zone or "", re.ASCII)
    if found is not None:
        minutes = int(found.group(2)) * 60 + int(found.group(3) or 0)
        if minutes > 14 * 60 or int(found.group(3) or 0) > 59:
            raise ValueRefused(f"Could not parse '{text}' as a timestamp: the zone {zone} is out of range")
        return (-minutes if found.group(1) == "-" else minutes) * 60_000_000
    try:
        local = (EPOCH + datetime.timedelta(microseconds=micros)).replace(tzinfo=ZoneInfo(zone or ""))
        offset = local.utcoffset()
    except (OSError, ValueError, KeyError):
        raise ValueRefused(f"Could not parse '{text}' as a timestamp: there is no time zone {zone}") from None
    return 0 if offset is None else offset // MICRO


def timestamp_of_seconds(seconds: Decimal) -> int:
    micros = EXACT.multiply(seconds, Decimal(1_000_000))
    return check_micros(int(micros.to_integral_value(decimal.ROUND_HALF_UP, EXACT)))


def parse_decimal(kind: Type, text: str, rounding: str | None) -> Decimal:
    stripped = text.strip()
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,5})?", stripped, re.ASCII):
        raise ValueRefused(f"Invalid {kind.name} value: {text}")
    return check_decimal(kind, EXACT.create_decimal(stripped), rounding)


def parse_int(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?\d+\s*", text, re.ASCII):
        raise ValueRefused(f"Could not convert value '{text}' to integer")
    return check_int(int(text))


def parse_float(text: str) -> float:
    lowered = text.strip().lower()
    if lowered in ("nan", "inf", "infinity", "-inf", "-infinity", "+inf", "+infinity"):
        return float(lowered)
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", lowered, re.ASCII):
        raise ValueRefused(f"Could not convert value '{text}' to float")
    value = float(lowered)
    if value in (float("inf"), float("-inf")):
        raise ValueRefused(f"Could not convert value '{text}' to float: it is out of range")
    return value


def parse_bool(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("true", "t", "yes", "y", "1"):
        return True
    if lowered in ("false", "f", "no", "n", "0"):
        return False
    raise ValueRefused(f"Could not convert value '{text}' to boolean")


def parse_bytes(kind: Type, text: str) -> bytes:
    try:
        value = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueRefused(f"Could not decode base64 string to bytes: {text[:100]!r}") from None
    return check_bytes_length(kind, value)


ISO_INTERVAL = re.compile(r"P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?T(?:(-?\d+)H)?(?:(-?\d+)M)?"
                          r"(?:(-?)(\d+)(?:\.(\d{1,6}))?S)?", re.ASCII)


def parse_interval(text: str) -> tuple[int, int, int]:
    """ISO 8601 as JSON loads want it: PYMDTHMS, with P and T always, each number with its own sign."""
    found = ISO_INTERVAL.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueRefused(f"Could not parse '{text}' as INTERVAL (the format is ISO 8601: P1Y2M3DT4H5M6.7S)")
    years, months, days, hours, minutes, sign, seconds, fraction = found.groups()
    micros = int(seconds or 0) * 1_000_000 + int((fraction or "").ljust(6, "0"))
    micros = (-micros if sign else micros) + (int(hours or 0) * 60 + int(minutes or 0)) * 60_000_000
    return check_interval((int(years or 0) * 12 + int(months or 0), int(days or 0), micros))


def check_interval(value: tuple[int, int, int]) -> tuple[int, int, int]:
    """https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#interval_type"""
    months, days, micros = value
    if abs(months) > 120_000 or abs(days) > 3_660_000 or abs(micros) > 87_840_000 * 3600 * 1_000_000:
        raise ValueRefused("Invalid INTERVAL value: it is out of range (-10000-0 -3660000 -87840000:0:0 to "
                           "10000-0 3660000 87840000:0:0)")
    return value


GEOMETRY = re.compile(r"\s*(POINT|LINESTRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|GEOMETRYCOLLECTION)\s*"
                      r"(EMPTY|\(.*\))\s*", re.IGNORECASE | re.DOTALL)


def parse_geography(text: str) -> str:
    """WKT; only its outer form is checked. Other forms (GeoJSON, WKB) are not known here."""
    found = GEOMETRY.fullmatch(text)
    if found is None:
        raise ValueRefused(f"Invalid geography value: '{text[:100]}' (the stand-in reads WKT only)")
    return text.strip()


# JSON ---------------------------------------------------------------------------------------------------------

def first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that keeps the first of members with one name, as BigQuery's JSON type does."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def canonical_json(value: Any, depth: int = 0) -> Any:
    """Numbers as the JSON type holds them: int64, uint64 or float64."""
    if depth > 500:
        raise ValueRefused("Invalid JSON value: it is nested deeper than 500 levels")
    if isinstance(value, dict):
        return {name: canonical_json(value[name], depth + 1) for name in sorted(value)}
    if isinstance(value, list):
        return [canonical_json(item, depth + 1) for item in value]
    if isinstance(value, Decimal):
        return json_number(value)
    return value


def json_number(value: Decimal) -> Any:
    if int(value.as_tuple().exponent) >= 0 and -(2**63) <= value < 2**64:
        return int(value)
    number = float(value)
    if number in (float("inf"), float("-inf")):
        raise ValueRefused(f"Invalid JSON value: the number {value} is out of range")
    return number


def json_text(value: Any) -> str:
    """Canonical text of a parsed JSON value."""
    return json.dumps(canonical_json(value), ensure_ascii=False, separators=(",", ":"))


def parse_json_text(text: str) -> str:
    """Text of a JSON value -> canonical text."""
    def constant(name: str) -> Any:
        raise ValueError(name)
    try:
        value = json.loads(text, object_pairs_hook=first_wins, parse_float=Decimal, parse_int=Decimal,
                           parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise ValueRefused(f"Invalid JSON value: {error}") from None
    return json_text(value)


# One text form for each type -------------------------------------------------------------------------------------

def text_parser(item: Field) -> Callable[[str], Any]:
    """A function from text to the neutral value of a scalar column."""
    kind = item.type
    parsers: dict[str, Callable[[str], Any]] = {
        "STRING": lambda text: check_text_length(kind, text), "BYTES": lambda text: parse_bytes(kind, text),
        "INT64": parse_int, "FLOAT64": parse_float, "BOOL": parse_bool,
        "NUMERIC": lambda text: parse_decimal(kind, text, item.rounding),
        "BIGNUMERIC": lambda text: parse_decimal(kind, text, item.rounding),
        "DATE": parse_date, "TIME": parse_time, "DATETIME": parse_datetime, "TIMESTAMP": parse_timestamp,
        "INTERVAL": parse_interval, "JSON": parse_json_text, "GEOGRAPHY": parse_geography,
    }
    return parsers[kind.name]
