#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""power10.py > src/base/power10_table.c: the powers of ten that base/real_text.c multiplies with.

Each is the upper 128 bits of 10^k, rounded up: ceil(10^k / 2^(floor(log2 10^k) - 127)).
"""

FIRST, LAST = -292, 324  # what the doubles between 2^-1074 and 2^1024 need


def upper_bits(k):
    if k >= 0:
        shift = (10**k).bit_length() - 128
        return -(-(10**k) // 2**shift) if shift > 0 else 10**k << -shift
    shift = (10**-k - 1).bit_length() + 127  # 2^127 <= 2^shift / 10^-k < 2^128
    return -(-(2**shift) // 10**-k)


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tools/generate/power10.py; do not edit. */")
    print('#include "base/power10_table.h"\n')
    print("/* clang-format off */")
    print("const Power10 power10_table[POWER10_COUNT] = {")
    row = []
    for k in range(FIRST, LAST + 1):
        bits = upper_bits(k)
        assert 2**127 <= bits < 2**128
        row.append(f"{{0x{bits >> 64:016x}, 0x{bits & (2**64 - 1):016x}}},")
        if len(row) == 2 or k == LAST:
            print("    " + " ".join(row))
            row = []
    print("};")


if __name__ == "__main__":
    main()
