# SPDX-License-Identifier: Apache-2.0
"""FARM_FINGERPRINT: Fingerprint64 of Google's FarmHash, as a signed integer (standard-sql/hash_functions#farm_fingerprint).

Written out because checksums of whole tables are made with it; test_sql_reference.py holds it against Google's engine.
The algorithm: https://github.com/google/farmhash (farmhashna::Hash64)."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _turn(value: int, bits: int) -> int:
    value &= _MASK
    return (value >> bits | value << (64 - bits)) & _MASK


def _mix(value: int) -> int:
    return value ^ value >> 47


def _pair(u: int, v: int, mul: int) -> int:
    a = _mix((u ^ v) * mul & _MASK)
    return _mix((v ^ a) * mul & _MASK) * mul & _MASK


def _short(data: bytes, size: int) -> int:
    mul = _K2 + size * 2
    if size >= 8:
        a = _word(data, 0) + _K2 & _MASK
        b = _word(data, size - 8)
        return _pair(_turn(b, 37) * mul + a & _MASK, (_turn(a, 25) + b) * mul & _MASK, mul & _MASK)
    if size >= 4:
        first, last = int.from_bytes(data[:4], "little"), int.from_bytes(data[-4:], "little")
        return _pair(size + (first << 3), last, mul & _MASK)
    if size:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[-1] << 2)
        return _mix((y * _K2 ^ z * _K0) & _MASK) * _K2 & _MASK
    return _K2


def _ends(data: bytes, size: int, mul: int) -> tuple[int, int, int, int]:
    """The words at both ends, and the two halves that 17 to 64 bytes share."""
    a, b = _word(data, 0) * (_K1 if size <= 32 else _K2) & _MASK, _word(data, 8)
    c, d = _word(data, size - 8) * mul & _MASK, _word(data, size - 16) * _K2 & _MASK
    return a, b, _turn(a + b, 43) + _turn(c, 30) + d & _MASK, a + _turn(b + _K2, 18) + c & _MASK


def _medium(data: bytes, size: int) -> int:
    mul = _K2 + size * 2 & _MASK
    a, _, y, other = _ends(data, size, mul)
    z = _pair(y, other, mul)
    if size <= 32:
        return z
    e, f = _word(data, 16) * mul & _MASK, _word(data, 24)
    g, h = (y + _word(data, size - 32)) * mul & _MASK, (z + _word(data, size - 24)) * mul & _MASK
    return _pair(_turn(e + f, 43) + _turn(g, 30) + h & _MASK, e + _turn(f + a, 18) + g & _MASK, mul)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(data, at + step) for step in (0, 8, 16, 24))
    a += w
    b = _turn(b + a + z, 21)
    c = a
    a += x + y
    return a + z & _MASK, b + _turn(a, 44) + c & _MASK


def _round(data: bytes, at: int, state: tuple, mul: int, nine: int) -> tuple:
    x, y, z, v, w = state
    x = _turn(x + y + v[0] + _word(data, at + 8), 37) * mul & _MASK
    y = _turn(y + v[1] + _word(data, at + 48), 42) * mul & _MASK
    x ^= w[1] * nine & _MASK
    y = y + v[0] * nine + _word(data, at + 40) & _MASK
    z = _turn(z + w[0], 33) * mul & _MASK
    v = _weak(data, at, v[1] * mul & _MASK, x + w[0])
    w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w


def _long(data: bytes, size: int) -> int:
    seed = 81
    y = seed * _K1 + 113 & _MASK
    z = _mix(y * _K2 + 113 & _MASK) * _K2 & _MASK
    state = (seed * _K2 + _word(data, 0) & _MASK, y, z, (0, 0), (0, 0))
    end = (size - 1) // 64 * 64
    for at in range(0, end, 64):
        state = _round(data, at, state, _K1, 1)
    x, y, z, v, w = state
    mul = _K1 + ((z & 0xFF) << 1) & _MASK
    w = (w[0] + (size - 1 & 63) & _MASK, w[1])
    v = (v[0] + w[0] & _MASK, v[1])
    w = (w[0] + v[0] & _MASK, w[1])
    x, y, z, v, w = _round(data, size - 64, (x, y, z, v, w), mul, 9)
    left = _pair(v[0], w[0], mul) + _mix(y) * _K0 + z & _MASK
    return _pair(left, _pair(v[1], w[1], mul) + x & _MASK, mul)


def fingerprint(data: bytes) -> int:
    """FARM_FINGERPRINT of bytes."""
    size = len(data)
    value = _short(data, size) if size <= 16 else _medium(data, size) if size <= 64 else _long(data, size)
    return value - (1 << 64) if value >> 63 else value
