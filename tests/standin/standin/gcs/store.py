# SPDX-License-Identifier: Apache-2.0
"""Buckets and objects as Cloud Storage sees them: names, generations, preconditions, resources.

https://docs.cloud.google.com/storage/docs/json_api/v1/objects (the resource),
https://docs.cloud.google.com/storage/docs/objects#naming, https://docs.cloud.google.com/storage/docs/buckets#naming,
https://docs.cloud.google.com/storage/docs/request-preconditions"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, BinaryIO, Iterable
from urllib.parse import quote

import google_crc32c

from standin.errors import ApiError
from standin.gcs.backend import Backend, BackendError

SPOOL_MEMORY = 8 << 20
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
MULTI_REGIONS = ("US", "EU", "ASIA")
DUAL_REGIONS = ("NAM4", "EUR4", "ASIA1")
STORAGE_CLASSES = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL",
                   "DURABLE_REDUCED_AVAILABILITY")
# Fields of an object that whoever writes it sets; the others are the service's.
SETTABLE = ("cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "contentType", "customTime",
            "metadata", "storageClass")


def timestamp(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{int(seconds * 1000) % 1000:03d}Z"
    )


class Checked:
    """A spooled file with the checksums of what was written into it."""

    def __init__(self) -> None:
        self.file: BinaryIO = tempfile.SpooledTemporaryFile(max_size=SPOOL_MEMORY)  # type: ignore[assignment]
        self.size = 0
        self.crc = google_crc32c.Checksum()
        self.md5_state = hashlib.md5(usedforsecurity=False)

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.size += len(data)
        self.crc.update(data)
        self.md5_state.update(data)

    @property
    def crc32c(self) -> str:
        """Base64 of the big-endian value: https://docs.cloud.google.com/storage/docs/data-validation"""
        return base64.b64encode(self.crc.digest()).decode()

    @property
    def md5(self) -> str:
        return base64.b64encode(self.md5_state.digest()).decode()

    def close(self) -> None:
        self.file.close()


@dataclass
class Object:
    """One live object. `fields` holds what its writer said of it."""

    bucket: str
    name: str
    generation: int
    size: int
    crc32c: str
    md5: str | None
    created: float
    fields: dict[str, Any]
    metageneration: int = 1
    updated: float = 0.0
    components: int | None = None

    @property
    def key(self) -> str:
        """Its name in the child."""
        return f"generation-{self.generation}"

    @property
    def etag(self) -> str:
        return base64.b64encode(b"\x08" + struct.pack(">qi", self.generation, self.metageneration)).decode()

    def resource(self, base_url: str) -> dict[str, Any]:
        path = f"/storage/v1/b/{self.bucket}/o/{quote(self.name, safe='')}"
        shown = {
            "kind": "storage#object", "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": base_url + path,
            "mediaLink": f"{base_url}/download{path}?generation={self.generation}&alt=media",
            "name": self.name, "bucket": self.bucket, "generation": str(self.generation),
            "metageneration": str(self.metageneration), "storageClass": "STANDARD", "size": str(self.size),
            "crc32c": self.crc32c, "etag": self.etag, "timeCreated": timestamp(self.created),
            "updated": timestamp(self.updated), "timeStorageClassUpdated": timestamp(self.created),
            "timeFinalized": timestamp(self.created), **self.fields}
        if self.md5 is not None:
            shown["md5Hash"] = self.md5
        if self.components is not None:
            shown["componentCount"] = self.components
        return shown


@dataclass
class Bucket:
    name: str
    project: str
    created: float
    fields: dict[str, Any]
    generation: int
    metageneration: int = 1
    updated: float = 0.0
    objects: dict[str, Object] = field(default_factory=dict)

    @property
    def location(self) -> str:
        return str(self.fields["location"])

    def resource(self, base_url: str) -> dict[str, Any]:
        kind = "multi-region" if self.location in MULTI_REGIONS else \
            "dual-region" if self.location in DUAL_REGIONS else "region"
        return {"kind": "storage#bucket", "id": self.name, "selfLink": f"{base_url}/storage/v1/b/{self.name}",
                "name": self.name, "projectNumber": "123456789012", "generation": str(self.generation),
                "metageneration": str(self.metageneration), "locationType": kind,
                "etag": base64.b64encode(b"\x08" + struct.pack(">i", self.metageneration)).decode(),
                "timeCreated": timestamp(self.created), "updated": timestamp(self.updated), **self.fields}


# Preconditions ------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Conditions:
    """What must hold of the live object (generation 0: there is none)."""

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    @classmethod
    def of(cls, parameters: dict[str, Any], source: bool = False) -> "Conditions":
        infix = "Source" if source else ""
        names = [f"if{infix}{what}" for what in ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch",
                                                 "MetagenerationNotMatch")]
        values = [parameters.get(name) for name in names]
        for match, other in ((0, 1), (2, 3)):
            if values[match] is not None and values[other] is not None:
                raise ApiError("invalid", f"You cannot specify both {names[match]} and {names[other]} conditions.")
        return cls(*(None if value is None else int(value) for value in values))

    def failed(self, found: Object | Bucket | None) -> str:
        """"" when they hold, "match" or "not-match" when one does not."""
        generation = found.generation if found else 0
        metageneration = found.metageneration if found else 0
        if self.generation_match not in (None, generation) or self.metageneration_match not in (None, metageneration):
            return "match"
        if self.generation_not_match is not None and self.generation_not_match == generation:
            return "not-match"
        if self.metageneration_not_match is not None and self.metageneration_not_match == metageneration:
            return "not-match"
        return ""

    def check(self, found: Object | Bucket | None) -> None:
        if self.failed(found):
            raise precondition_failed()


class NotModified(Exception):
    """A ...NotMatch condition of a read does not hold: 304 without a body."""


def precondition_failed() -> ApiError:
    return ApiError("conditionNotMet", "At least one of the pre-conditions you specified did not hold.",
                    location="If-Match", location_type="header")


def no_bucket() -> ApiError:
    return ApiError("notFound", "The specified bucket does not exist.")


def no_object(bucket: str, name: str) -> ApiError:
    return ApiError("notFound", f"No such object: {bucket}/{name}")


def check_object_name(name: str) -> str:
    """1 to 1024 bytes of UTF-8, no carriage return or line feed, not `.` or `..`, not below .well-known/acme-challenge/"""
    if not name:
        raise ApiError("required", "Required parameter: name", status=400)
    wrong = (len(name.encode("utf-8", "surrogateescape")) > 1024 or "\r" in name or "\n" in name or name in (".", "..")
             or name.startswith(".well-known/acme-challenge/"))
    if wrong or any("\ud800" <= character <= "\udfff" for character in name):
        raise ApiError("invalid", f"Invalid object name: {name[:80]!r}")
    return name


def check_bucket_name(name: str) -> str:
    parts = name.split(".")
    wrong = (not BUCKET_NAME.fullmatch(name) or len(name) < 3 or any(len(part) > 63 or not part for part in parts)
             or name.startswith("goog") or "google" in name or ".-" in name or "-." in name
             or re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name))
    if wrong:
        raise ApiError("invalid", f"Invalid bucket name: '{name}'")
    return name


# The store ----------------------------------------------------------------------------------------

class Store:
    """All buckets. A write is made in the child first and becomes visible in one step, under `lock`."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.lock = threading.RLock()
        self.buckets: dict[str, Bucket] = {}
        self.last_generation = 0

    def next_generation(self) -> int:
        """Microseconds since 1970, never twice."""
        with self.lock:
            self.last_generation = max(self.last_generation + 1, int(time.time() * 1_000_000))
            return self.last_generation

    def bucket(self, name: str) -> Bucket:
        with self.lock:
            if name not in self.buckets:
                raise no_bucket()
            return self.buckets[name]

    def find(self, bucket: str, name: str, generation: int | None = None) -> Object | None:
        with self.lock:
            found = self.bucket(bucket).objects.get(name)
            return found if found is not None and generation in (None, found.generation) else None

    def get(self, bucket: str, name: str, generation: int | None = None) -> Object:
        found = self.find(bucket, name, generation)
        if found is None:
            raise no_object(bucket, name)
        return found

    def add_bucket(self, name: str, project: str, fields: dict[str, Any]) -> Bucket:
        check_bucket_name(name)
        now = time.time()
        with self.lock:
            if name in self.buckets:
                raise ApiError("conflict", "Your previous request to create the named bucket succeeded and you already "
                               "own it.", status=409)
            made = self.buckets[name] = Bucket(name, project, now, fields, self.next_generation(), updated=now)
            return made

    def remove_bucket(self, name: str, conditions: Conditions) -> None:
        with self.lock:
            bucket = self.bucket(name)
            conditions.check(bucket)
            if bucket.objects:
                raise ApiError("conflict", "The bucket you tried to delete is not empty.", status=409)
            del self.buckets[name]

    def insert(self, bucket: str, name: str, content: Checked, fields: dict[str, Any], conditions: Conditions,
               components: int | None = None) -> Object:
        """Makes a new generation of an object; nothing at all when a precondition fails."""
        with self.lock:
            conditions.check(self.find(bucket, name))
        now = time.time()
        made = Object(
            bucket,
            name,
            self.next_generation(),
            content.size,
            content.crc32c,
            content.md5 if components is None else None,
            now,
            dict(fields),
            updated=now,
            components=components,
        )
        self._put(made, content)
        try:
            with self.lock:
                objects = self.bucket(bucket).objects
                old = objects.get(name)
                conditions.check(old)
                objects[name] = made
        except ApiError:
            self.backend.delete(made.key)
            raise
        if old is not None:
            self.backend.delete(old.key)
        return made

    def _put(self, made: Object, content: Checked) -> None:
        kept = self.backend.put(made.key, content.file, content.size)
        if (kept["size"], kept["crc32c"]) != (str(made.size), made.crc32c):
            raise BackendError(f"fake-gcs-server keeps {kept['size']} bytes with {kept['crc32c']} of {made.key}, which "
                               f"has {made.size} with {made.crc32c}")

    def remove(self, bucket: str, name: str, generation: int | None, conditions: Conditions) -> None:
        with self.lock:
            found = self.get(bucket, name, generation)
            conditions.check(found)
            del self.bucket(bucket).objects[name]
        self.backend.delete(found.key)

    def named(self, bucket: str) -> list[Object]:
        """All objects of a bucket, in the order of their names' bytes."""
        with self.lock:
            objects = list(self.bucket(bucket).objects.values())
        return sorted(objects, key=lambda found: found.name.encode())

    def content(self, found: Object, start: int = 0, end: int | None = None) -> Iterable[bytes]:
        return self.backend.read(found.key, start, found.size if end is None else end)

    def clear(self) -> None:
        with self.lock:
            gone = [found.key for bucket in self.buckets.values() for found in bucket.objects.values()]
            self.buckets.clear()
        for key in gone:
            self.backend.delete(key)
