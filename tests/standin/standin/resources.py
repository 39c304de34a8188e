# SPDX-License-Identifier: Apache-2.0
"""What datasets, tables and jobs have in common: labels, names, locations, pages, merging.

Labels: https://docs.cloud.google.com/bigquery/docs/labels-intro#requirements
Locations: https://docs.cloud.google.com/bigquery/docs/locations
Names: https://docs.cloud.google.com/bigquery/docs/datasets#dataset-naming, …/tables#table_naming
Pages: https://docs.cloud.google.com/bigquery/docs/paging-results"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from typing import Any, TypeVar

from standin.errors import ApiError, invalid
from standin.http import Request

MULTI_REGIONS = ("US", "EU")
REGIONS = frozenset("""
africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2
asia-southeast1 asia-southeast2 asia-southeast3 australia-southeast1 australia-southeast2 europe-central2 europe-north1
europe-north2 europe-southwest1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8
europe-west9 europe-west10 europe-west12 me-central1 me-central2 me-west1 northamerica-northeast1
northamerica-northeast2 northamerica-south1 southamerica-east1 southamerica-west1 us-central1 us-east1 us-east4
us-east5 us-south1 us-west1 us-west2 us-west3 us-west4
""".split())

MAX_LABELS = 64
T = TypeVar("T")


def location_of(text: str) -> str:
    """The canonical form of a location, or ApiError."""
    if text.upper() in MULTI_REGIONS:
        return text.upper()
    if text.lower() in REGIONS:
        return text.lower()
    raise invalid(f"Invalid storage region: {text} is not a location of BigQuery", "location")


def same_location(left: str, right: str) -> bool:
    return left.lower() == right.lower()


def check_labels(labels: dict[str, str] | None, what: str) -> None:
    """Up to 64; keys 1 to 63 characters, beginning with a lower-case or international letter; values up to 63; both of
    lower-case letters, digits, underscores, dashes."""
    labels = labels or {}
    if len(labels) > MAX_LABELS:
        raise invalid(f"{what} has {len(labels)} labels, allowed are {MAX_LABELS}", "labels")
    for key, value in labels.items():
        if not 1 <= len(key) <= 63 or not _label_text(key) or not unicodedata.category(key[0]).startswith("L"):
            raise invalid(f'Invalid label key "{key}" of {what}: label keys must start with a letter and only contain '
                          "lowercase letters, numeric characters, underscores and dashes, at most 63 characters", "labels")
        if len(value) > 63 or not _label_text(value):
            raise invalid(f'Invalid label value "{value}" of {what} (key "{key}"): label values must only contain '
                          "lowercase letters, numeric characters, underscores and dashes, at most 63 characters", "labels")


def _label_text(text: str) -> bool:
    return all(character in "_-" or unicodedata.category(character) in ("Ll", "Lo", "Lm", "Nd", "Mn", "Mc")
               for character in text)


def check_dataset_id(text: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_]{1,1024}", text, re.ASCII):
        raise invalid(f'Invalid dataset ID "{text}". Dataset IDs must be alphanumeric (plus underscores) and must be at '
                      "most 1024 characters long.")


def check_table_id(text: str) -> None:
    """Letters, marks, numbers, connectors, dashes and spaces of Unicode; up to 1,024 bytes of UTF-8."""
    fine = text and len(text.encode()) <= 1024 and all(
        unicodedata.category(character)[0] in "LMN" or unicodedata.category(character) in ("Pc", "Pd", "Zs")
        for character in text)
    if not fine:
        raise invalid(f'Invalid table ID "{text}". Table IDs must be alphanumeric (plus underscores, dashes and spaces) '
                      "and must be at most 1024 bytes long. Also, Table decorators cannot be used.")


def check_project_id(text: str) -> None:
    """https://docs.cloud.google.com/resource-manager/docs/creating-managing-projects (with a domain in old ones)"""
    if not re.fullmatch(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", text):
        raise invalid(f"Invalid project ID '{text}'. Project IDs must contain 6-63 lowercase letters, digits, or dashes. "
                      "Some project IDs also include domain name separated by colon. IDs must start with a letter and "
                      "may not end with a dash.")


def strip_nulls(value: Any) -> Any:
    """Nulls of a body mean "not set"."""
    if isinstance(value, dict):
        return {name: strip_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [strip_nulls(item) for item in value]
    return value


def merge_patch(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396: null removes, maps merge, lists and scalars replace."""
    merged = dict(old)
    for name, item in patch.items():
        if item is None:
            merged.pop(name, None)
        elif isinstance(item, dict):
            below = merged.get(name)
            merged[name] = merge_patch(below if isinstance(below, dict) else {}, item)
        else:
            merged[name] = strip_nulls(item)
    return merged


def encode_token(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def decode_token(text: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as error:
        raise ApiError("invalid", f"Invalid page token {text}", location="pageToken", location_type="parameter") from error


def page(request: Request, items: list[T], key: Any, default: int) -> tuple[list[T], str | None]:
    """One page of a list that is ordered by key (a function of an item giving JSON), and the next page's token. The
    token names the last item of its page, so that insertions between pages neither repeat nor skip others."""
    size = request.parameters.get("maxResults")
    if size is None or size == 0:
        size = default
    token = request.parameters.get("pageToken")
    start = 0
    if token:
        last = decode_token(token)
        while start < len(items) and key(items[start]) <= last:
            start += 1
    chosen = items[start:start + size]
    more = start + size < len(items)
    return chosen, encode_token(key(chosen[-1])) if more and chosen else None


def label_filter(text: str | None) -> list[tuple[str, str | None]]:
    """`labels.key[:value]`, several joined by spaces.
    https://docs.cloud.google.com/bigquery/docs/filtering-labels"""
    terms = []
    for term in (text or "").split():
        found = re.fullmatch(r"labels\.([^:\s]+)(?::(\S*))?", term)
        if found is None:
            raise invalid(f"Invalid filter: {text}. The syntax is labels.<name>[:<value>]", "filter")
        terms.append((found.group(1), found.group(2)))
    return terms


def passes(terms: list[tuple[str, str | None]], labels: dict[str, str]) -> bool:
    return all(key in labels and (value is None or value == "*" or labels[key] == value) for key, value in terms)
