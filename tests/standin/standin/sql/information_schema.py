# SPDX-License-Identifier: Apache-2.0
"""INFORMATION_SCHEMA views (docs/information-schema-intro)."""

from __future__ import annotations

from typing import Any

from standin.errors import not_implemented


def relation(context: Any, parts: list[str]) -> Any:
    raise not_implemented("INFORMATION_SCHEMA." + parts[-1])
