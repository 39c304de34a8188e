# SPDX-License-Identifier: Apache-2.0
"""What the encoders write, seen by other readers: fastavro, Python's json and gzip. The rows
are those of tests/support/encode_sample.c; what they must read as is written down here, by hand."""

import gzip
import io
import json
import math
import os
import subprocess
import sys
import zlib
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path

import fastavro
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.program import find_program  # noqa: E402

NAMES = ["required", "bool", "int64", "float64", "numeric", "numeric_15_2", "bignumeric", "string",
         "bytes", "date", "time", "datetime", "timestamp", "interval", "json", "geography", "struct",
         "strings", "structs"]

DAYS = [date(1, 1, 1), date(1970, 1, 1), date(9999, 12, 31)]
FULL = {"n": 1, "inner": {"x": 0.1, "days": DAYS}}
NULLS = {"n": 2, "inner": {"x": None, "days": []}}
NULL = {"n": 3, "inner": None}
TEXTS = ["a", "", "größer 😀"]

AVRO = [
    [1, True, 42, 0.1, Decimal("1.5"), Decimal("12345.67"), Decimal("1e-38"),
     'line\nbreak "quoted" back\\slash \x01\x1f\x7f', b"\x00\xff\x10", date(2024, 2, 29),
     time(12, 34, 56, 700), datetime(2023, 11, 14, 22, 13, 20, 123456),
     datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc), "1-2 -3 4:5:6.7",
     '{\n\t"a" : [1, 2.50, "\\n"],\r\n "b":null}', "POINT(1 2)", FULL, TEXTS, [FULL, NULLS, NULL]],
    [-2**63, False, -2**63, -sys.float_info.max, Decimal("-99999999999999999999999999999.999999999"),
     Decimal("-9999999999999.99"), Decimal("-1e-38"), "", b"", date(1, 1, 1), time(0),
     datetime(1, 1, 1), datetime(1, 1, 1, tzinfo=timezone.utc), "-10000-0 -3660000 -87840000:0:0",
     '"text"', "POINT EMPTY", NULLS, [], []],
    [2**63 - 1, True, 2**63 - 1, 5e-324, Decimal("99999999999999999999999999999.999999999"),
     Decimal("9999999999999.99"), Decimal("9" * 38 + "." + "9" * 38), "\U0010ffff", b"\x00",
     date(9999, 12, 31), time(23, 59, 59, 999999), datetime(9999, 12, 31, 23, 59, 59, 999999),
     datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc),
     "10000-0 3660000 87840000:0:0", "-0.5e10", "LINESTRING(0 0, 1 1)", NULL, TEXTS,
     [FULL, NULLS, NULL]],
    [0] + [None] * 16 + [[], []],
    [-1, False, 9007199254740993, math.inf, Decimal(0), Decimal(0), Decimal(0), " ", b"\n",
     date(1970, 1, 1), time(0, 0, 0, 1), datetime(1969, 12, 31, 23, 59, 59, 999999),
     datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc), "0-0 0 0:0:0", "null",
     "POINT(0 0)", NULLS, [], []],
    [-2, False, -9007199254740993, -math.inf, Decimal("-1e-9"), Decimal("-0.05"), Decimal("1e-20"),
     "0123456789abcdef", b"0123456789abcdefg", date(1969, 12, 31), time(0, 0, 1),
     datetime(1970, 1, 1, 0, 0, 1), datetime(1970, 1, 1, 0, 0, 0, 999999, tzinfo=timezone.utc),
     "0-0 0 0:0:0", "[]", "POINT(0 0)", None, [], []],
]

DAYS_TEXT = '["0001-01-01","1970-01-01","9999-12-31"]'
FULL_TEXT = '{"n":1,"inner":{"x":0.1,"days":' + DAYS_TEXT + '}}'
NULLS_TEXT = '{"n":2,"inner":{"x":null,"days":[]}}'
NULL_TEXT = '{"n":3,"inner":null}'
STRUCTS_TEXT = f"[{FULL_TEXT},{NULLS_TEXT},{NULL_TEXT}]"
TEXTS_TEXT = '["a","","größer 😀"]'

# Column by column as JSON text, exactly.
NDJSON = [
    ["1", "true", "42", "0.1", '"1.5"', '"12345.67"', f'"0.{"0" * 37}1"',
     r'"line\nbreak \"quoted\" back\\slash \u0001\u001f' + '\x7f"', '"AP8Q"', '"2024-02-29"',
     '"12:34:56.000700"', '"2023-11-14T22:13:20.123456"', '"2023-11-14T22:13:20Z"',
     '"P1Y2M-3DT4H5M6.7S"', r'{  "a" : [1, 2.50, "\n"],   "b":null}', '"POINT(1 2)"', FULL_TEXT,
     TEXTS_TEXT, STRUCTS_TEXT],
    ['"-9223372036854775808"', "false", '"-9223372036854775808"', "-1.7976931348623157e+308",
     '"-99999999999999999999999999999.999999999"', '"-9999999999999.99"', f'"-0.{"0" * 37}1"', '""',
     '""', '"0001-01-01"', '"00:00:00"', '"0001-01-01T00:00:00"', '"0001-01-01T00:00:00Z"',
     '"P-10000Y0M-3660000DT-87840000H0M0S"', '"text"', '"POINT EMPTY"', NULLS_TEXT, "[]", "[]"],
    ['"9223372036854775807"', "true", '"9223372036854775807"', "5e-324",
     '"99999999999999999999999999999.999999999"', '"9999999999999.99"',
     f'"{"9" * 38}.{"9" * 38}"', '"\U0010ffff"', '"AA=="', '"9999-12-31"', '"23:59:59.999999"',
     '"9999-12-31T23:59:59.999999"', '"9999-12-31T23:59:59.999999Z"',
     '"P10000Y0M3660000DT87840000H0M0S"', "-0.5e10", '"LINESTRING(0 0, 1 1)"', NULL_TEXT, TEXTS_TEXT,
     STRUCTS_TEXT],
    ["0"] + ["null"] * 16 + ["[]", "[]"],
    ["-1", "false", '"9007199254740993"', '"Infinity"', '"0"', '"0.00"', '"0"', '" "', '"Cg=="',
     '"1970-01-01"', '"00:00:00.000001"', '"1969-12-31T23:59:59.999999"',
     '"1969-12-31T23:59:59.999999Z"', '"P0Y0M0DT0H0M0S"', "null", '"POINT(0 0)"', NULLS_TEXT, "[]", "[]"],
    ["-2", "false", '"-9007199254740993"', '"-Infinity"', '"-0.000000001"', '"-0.05"',
     f'"0.{"0" * 19}1"', '"0123456789abcdef"', '"MDEyMzQ1Njc4OWFiY2RlZmc="', '"1969-12-31"',
     '"00:00:01"', '"1970-01-01T00:00:01"', '"1970-01-01T00:00:00.999999Z"', '"P0Y0M0DT0H0M0S"', "[]",
     '"POINT(0 0)"', "null", "[]", "[]"],
]


def encode(file_format, compress, times=1):
    program = find_program().parent / "tests/unit/encode_sample"
    return subprocess.run([program, file_format, "compress" if compress else "plain", str(times)],
                          check=True, capture_output=True,
                          env={**os.environ, "ASAN_OPTIONS": "exitcode=99"}).stdout


@pytest.mark.parametrize("compress", [False, True])
def test_avro_values(compress):
    reader = fastavro.reader(io.BytesIO(encode("avro", compress)))
    assert reader.codec == ("zstandard" if compress else "null")
    rows = list(reader)
    assert [list(row) for row in rows] == [NAMES] * len(AVRO)
    for row, expected in zip(rows, AVRO, strict=True):
        for name, wanted in zip(NAMES, expected, strict=True):
            assert row[name] == wanted and type(row[name]) is type(wanted), (name, row[name])


def test_avro_schema_is_what_the_library_itself_would_parse():
    reader = fastavro.reader(io.BytesIO(encode("avro", False)))
    schema = reader.writer_schema
    fastavro.parse_schema(schema)
    assert schema["doc"] == "every type"
    fields = {field["name"]: field for field in schema["fields"]}
    assert fields["required"]["type"] == "long" and fields["required"]["doc"] == "a key"
    assert fields["json"]["type"] == ["null", {"type": "string", "sqlType": "JSON"}]
    assert all(field["default"] is None for field in schema["fields"]
               if isinstance(field["type"], list))


@pytest.mark.parametrize("compress", [False, True])
def test_many_avro_blocks(compress):
    times = 3000
    data = encode("avro", compress, times)
    blocks = list(fastavro.block_reader(io.BytesIO(data)))
    assert len(blocks) > 10
    assert sum(block.num_records for block in blocks) == times * len(AVRO)
    for number, row in enumerate(fastavro.reader(io.BytesIO(data))):
        wanted = AVRO[number % len(AVRO)]
        assert (row["required"], row["string"], row["structs"]) == (wanted[0], wanted[7], wanted[18])


def check_lines(text, times):
    lines = text.split("\n")
    assert lines.pop() == ""
    wanted = ["{" + ",".join(f'"{name}":{value}' for name, value in zip(NAMES, row, strict=True))
              + "}" for row in NDJSON]
    assert lines[:len(wanted)] == wanted
    assert lines == wanted * times
    for line in lines[:len(wanted)]:
        assert list(json.loads(line)) == NAMES


def test_ndjson_lines():
    check_lines(encode("ndjson", False).decode(), 1)


def test_ndjson_means_what_avro_means():
    """The two tables above agree with each other, where Python can see it."""
    for avro, ndjson in zip(AVRO, NDJSON, strict=True):
        for name, left, text in zip(NAMES, avro, ndjson, strict=True):
            right = json.loads(text)
            if name in ("numeric", "numeric_15_2", "bignumeric") and left is not None:
                assert Decimal(right) == left
            elif name in ("date", "datetime", "time") and left is not None:
                assert type(left).fromisoformat(right) == left
            elif name == "json" and left is not None:
                assert right == json.loads(left)
            elif name in ("string", "geography", "bool", "strings"):
                assert right == left


@pytest.mark.parametrize("times", [1, 4000])
def test_gzip_is_one_member(times):
    data = encode("ndjson", True, times)
    check_lines(gzip.decompress(data).decode(), times)
    stream = zlib.decompressobj(wbits=31)  # stops after one member
    stream.decompress(data)
    assert stream.eof and stream.unused_data == b""


def test_empty_files():
    assert list(fastavro.reader(io.BytesIO(encode("avro", True, 0)))) == []
    assert encode("ndjson", False, 0) == b""
    assert gzip.decompress(encode("ndjson", True, 0)) == b""
