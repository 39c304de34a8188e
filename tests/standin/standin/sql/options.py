# SPDX-License-Identifier: Apache-2.0
"""OPTIONS(…) of tables, views and datasets as members of their resources.

standard-sql/data-definition-language#table_option_list, #view_option_list, #schema_option_list
"""

from __future__ import annotations

from typing import Any

from standin import rows
from standin.errors import invalid, not_implemented
from standin.sql import sqltypes
from standin.sql.analyzer import Analyzed
from standin.sql.compiler import Compiler
from standin.sql.nodes import Node

DAY_MS = 24 * 3600 * 1000
_UNKNOWN_TABLE = {
    "enable_change_history", "enable_fine_grained_mutations", "storage_uri", "file_format", "table_format",
    "bigframes_runtime", "privacy_policy", "partition_column_type_mapping",
}  # fmt: skip
_TEXT = {"friendly_name": "friendlyName", "description": "description", "default_rounding_mode": "defaultRoundingMode"}
_DATASET_TEXT = {
    "friendly_name": "friendlyName",
    "description": "description",
    "default_rounding_mode": "defaultRoundingMode",
    "location": "location",
    "storage_billing_model": "storageBillingModel",
}


class Options:
    """Evaluated options; NULL takes a member away."""

    def __init__(self, context: Any, analyzed: Analyzed, items: list[Node]):
        compiler = Compiler(analyzed, context.environment(analyzed.scope))
        self.values: dict[str, tuple[sqltypes.SqlType, Any]] = {}
        for item in items:
            if item.enum("assignment_op") != "DEFAULT_ASSIGN":
                raise not_implemented("options with += and -=")
            if item.name in self.values:
                raise invalid(f"Duplicate option specified for '{item.name}'")
            self.values[item.name] = compiler.constant(item.value)

    def apply_to_table(self, body: dict[str, Any]) -> None:
        """Set members of a table's resource."""
        for name, (kind, value) in self.values.items():
            if name in _TEXT:
                body[_TEXT[name]] = value
            elif name == "labels":
                body["labels"] = _pairs(value)
            elif name == "expiration_timestamp":
                _expect(name, kind, "TIMESTAMP")
                body["expirationTime"] = None if value is None else str(value // 1000)
            elif name == "partition_expiration_days":
                self._partitioning(body)["expirationMs"] = None if value is None else str(int(value * DAY_MS))
            elif name == "require_partition_filter":
                body["requirePartitionFilter"] = bool(value)
            elif name == "kms_key_name":
                body["encryptionConfiguration"] = None if value is None else {"kmsKeyName": value}
            elif name == "max_staleness":
                body["maxStaleness"] = None if value is None else rows.interval_text(value)
            elif name == "tags":
                body["resourceTags"] = _pairs(value)
            elif name in _UNKNOWN_TABLE:
                raise not_implemented(f"the table option {name}")
            else:
                raise invalid(f"Unknown option: {name}")
        for name in [name for name, item in body.items() if item is None]:
            del body[name]

    @staticmethod
    def _partitioning(body: dict[str, Any]) -> dict[str, Any]:
        if "timePartitioning" not in body:
            raise invalid("partition_expiration_days is only allowed on tables that are partitioned by time")
        body["timePartitioning"] = {name: v for name, v in body["timePartitioning"].items() if name != "expirationMs"}
        return body["timePartitioning"]

    def apply_to_dataset(self, body: dict[str, Any], changed: bool = False) -> None:
        """Set members of a dataset's resource."""
        for name, (_, value) in self.values.items():
            if name == "location" and changed:
                raise invalid("The location of a dataset cannot be changed")
            if name in _DATASET_TEXT:
                body[_DATASET_TEXT[name]] = value
            elif name == "labels":
                body["labels"] = _pairs(value)
            elif name == "default_table_expiration_days":
                body["defaultTableExpirationMs"] = None if value is None else str(int(value * DAY_MS))
            elif name == "default_partition_expiration_days":
                body["defaultPartitionExpirationMs"] = None if value is None else str(int(value * DAY_MS))
            elif name == "default_kms_key_name":
                body["defaultEncryptionConfiguration"] = None if value is None else {"kmsKeyName": value}
            elif name == "is_case_insensitive":
                body["isCaseInsensitive"] = bool(value)
            elif name == "max_time_travel_hours":
                body["maxTimeTravelHours"] = None if value is None else str(value)
            elif name in ("failover_reservation", "is_primary", "primary_replica", "tags", "external_source"):
                raise not_implemented(f"the schema option {name}")
            else:
                raise invalid(f"Unknown option: {name}")
        for name in [name for name, item in body.items() if item is None]:
            del body[name]


def _expect(name: str, kind: sqltypes.SqlType, wanted: str) -> None:
    if kind.kind != wanted:
        raise invalid(f"Option {name} must be of type {wanted}, it is {kind}")


def _pairs(value: Any) -> dict[str, str] | None:
    """ARRAY<STRUCT<STRING, STRING>>."""
    if value is None:
        return None
    found: dict[str, str] = {}
    for key, text in value:
        if key in found:
            raise invalid(f"Duplicate label key: {key}")
        found[key] = text
    return found
