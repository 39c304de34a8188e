# SPDX-License-Identifier: Apache-2.0
"""The three ways to upload an object.

https://docs.cloud.google.com/storage/docs/uploads-downloads
https://docs.cloud.google.com/storage/docs/performing-resumable-uploads, https://docs.cloud.google.com/storage/docs/resumable-uploads
https://docs.cloud.google.com/storage/docs/data-validation (checksums that the writer declares)"""

from __future__ import annotations

import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any, Iterator
from urllib.parse import quote

from standin.errors import ApiError, not_implemented
from standin.gcs.store import SETTABLE, STORAGE_CLASSES, Checked, Conditions, Object, check_object_name
from standin.http import Request, Response, parse_json

if TYPE_CHECKING:
    from standin.gcs import Gcs

UNIT = 256 * 1024
WEEK = 7 * 24 * 3600
RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
CHECKSUM = re.compile(r"(crc32c|md5)=([A-Za-z0-9+/]+=*)")
# Fields of an object that ask for something that the stand-in does not have.
NOT_KNOWN = ("acl", "contexts", "customerEncryption", "eventBasedHold", "kmsKeyName", "retention", "temporaryHold")


def object_fields(body: dict[str, Any]) -> dict[str, Any]:
    """What a writer says of an object, checked; the service's own fields are ignored, as it does."""
    for name in NOT_KNOWN:
        if body.get(name):
            raise not_implemented(f"the field {name} of an object")
    fields = {name: body[name] for name in SETTABLE if body.get(name) is not None}
    if fields.get("storageClass", "STANDARD") not in STORAGE_CLASSES:
        raise ApiError("invalid", f"Invalid argument: storage class {fields['storageClass']}")
    return fields


def declared_checksums(request: Request, body: dict[str, Any]) -> dict[str, str]:
    """From the metadata and from the header x-goog-hash, which may come in parts."""
    found = {}
    if body.get("crc32c"):
        found["crc32c"] = body["crc32c"]
    if body.get("md5Hash"):
        found["md5"] = body["md5Hash"]
    if request.headers.get("Content-MD5"):
        found["md5"] = str(request.headers.get("Content-MD5"))
    for name, value in request.headers.items:
        if name.lower() == "x-goog-hash":
            found.update(CHECKSUM.findall(value))
    return found


def check_content(content: Checked, declared: dict[str, str]) -> None:
    """A declared checksum that does not hold: the upload is refused and nothing is kept."""
    for name, title, actual in (("crc32c", "CRC32C", content.crc32c), ("md5", "MD5 hash", content.md5)):
        if name in declared and declared[name] != actual:
            raise ApiError(
                "invalid", f'Provided {title} "{declared[name]}" doesn\'t match calculated {title} "{actual}".'
            )


@dataclass
class Target:
    """What an upload is going to make."""

    bucket: str
    name: str
    fields: dict[str, Any]
    conditions: Conditions
    checksums: dict[str, str]


@dataclass
class Session:
    """A resumable upload. What has come is in `content`, whole units of 256 KiB until the last chunk."""

    id: str
    target: Target
    identity: Any
    length: int | None         # as the first request has declared it
    begun: float = field(default_factory=time.time)
    content: Checked = field(default_factory=Checked)
    result: Object | None = None
    failure: ApiError | None = None
    cancelled: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


# Multipart ----------------------------------------------------------------------------------------

class Multipart:
    """A multipart/related body of two parts, cut while it comes in: the metadata's JSON, then the media.
    RFC 2387; the boundary's lines as in RFC 2046, section 5.1.1."""

    def __init__(self, content_type: str | None, pieces: Iterator[bytes]):
        message = Message()
        message["content-type"] = content_type or ""
        boundary = message.get_param("boundary")
        if message.get_content_type() != "multipart/related" or not isinstance(boundary, str):
            raise ApiError(
                "badRequest",
                f"Bad Content-Type: a multipart upload is multipart/related with a boundary, not {content_type}",
            )
        self.line = b"--" + boundary.encode("latin-1")
        self.pieces = pieces
        self.buffer = b""

    @staticmethod
    def _malformed(what: str) -> ApiError:
        return ApiError("badRequest", f"Malformed multipart body: {what}")

    def _fill(self) -> bool:
        piece = next(self.pieces, None)
        self.buffer += piece or b""
        return piece is not None

    def _until(self, mark: bytes, most: int) -> bytes:
        while mark not in self.buffer:
            if len(self.buffer) > most or not self._fill():
                raise self._malformed(f"{mark!r} is missing")
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def _headers(self) -> Message:
        message = Message()
        for line in self._until(b"\r\n\r\n", 1 << 16).split(b"\r\n"):
            name, colon, value = line.decode("latin-1").partition(":")
            if line and not colon:
                raise self._malformed("a part's header is no header")
            if line:
                message[name] = value.strip()
        return message

    def metadata(self) -> bytes:
        """The first part's content."""
        if self._until(b"\r\n", 1 << 12).rstrip() != self.line:
            raise self._malformed("it does not begin with its boundary")
        self.buffer = b"\r\n" + self.buffer  # a part may have no headers
        headers = self._headers()
        if headers.get_content_type() != "application/json":
            raise self._malformed(f"the first part has to be application/json, not {headers.get_content_type()}")
        return self._until(b"\r\n" + self.line, 1 << 20)

    def media(self, content: Checked) -> str:
        """Writes the second part into `content`; its Content-Type."""
        if self._until(b"\r\n", 1 << 12).strip():
            raise self._malformed("there has to be a second part")
        self.buffer = b"\r\n" + self.buffer
        headers = self._headers()
        mark = b"\r\n" + self.line
        self.buffer = b"\r\n" + self.buffer  # an empty part ends at once
        skip = 2
        while mark not in self.buffer:
            keep = len(mark) - 1
            if len(self.buffer) > keep + skip:
                content.write(self.buffer[skip:-keep])
                self.buffer, skip = self.buffer[-keep:], 0
            if not self._fill():
                raise self._malformed("the last boundary is missing")
        rest, _, tail = self.buffer.partition(mark)
        content.write(rest[skip:])
        self.buffer = tail
        while self._fill():
            if len(self.buffer) > 1 << 12:
                raise self._malformed("there is more than two parts")
        if not self.buffer.startswith(b"--") or self.buffer[2:].strip():
            raise self._malformed("there is more than two parts")
        return headers.get("Content-Type") or ""


# The service --------------------------------------------------------------------------------------

class Uploads:
    def __init__(self, gcs: "Gcs"):
        self.gcs = gcs
        self.lock = threading.Lock()
        self.sessions: dict[str, Session] = {}

    def clear(self) -> None:
        with self.lock:
            for session in self.sessions.values():
                session.content.close()
            self.sessions.clear()

    def _target(self, request: Request, parameters: dict[str, Any], body: dict[str, Any]) -> Target:
        name = check_object_name(parameters.get("name") or body.get("name") or "")
        fields = object_fields(body)
        if parameters.get("contentEncoding"):
            fields["contentEncoding"] = parameters["contentEncoding"]
        return Target(request.parameters["bucket"], name, fields, Conditions.of(parameters),
                      declared_checksums(request, body))

    def _body(self, text: bytes) -> dict[str, Any]:
        return self.gcs.discovery.check("Object", parse_json(text)) if text.strip() else {}

    def insert(self, request: Request, parameters: dict[str, Any]) -> Response:
        """The POST that every upload begins with."""
        kind = request.argument("uploadType")
        handler = {"media": self._simple, "multipart": self._multipart, "resumable": self._start}.get(kind or "")
        if handler is None:
            raise ApiError("badRequest", f"Invalid uploadType: {kind!r}; it is media, multipart or resumable")
        self.gcs.store.bucket(request.parameters["bucket"])
        return handler(request, parameters)

    def _commit(self, target: Target, content: Checked, identity: Any) -> Object:
        check_content(content, target.checksums)
        self.gcs.may_write(identity, target.bucket, target.name)
        target.fields.setdefault("contentType", "application/octet-stream")
        return self.gcs.store.insert(target.bucket, target.name, content, target.fields, target.conditions)

    def _simple(self, request: Request, parameters: dict[str, Any]) -> Response:
        target = self._target(request, parameters, {})
        if request.headers.get("Content-Type"):
            target.fields["contentType"] = request.headers.get("Content-Type")
        content = Checked()
        try:
            for piece in request.body.pieces():
                content.write(piece)
            return self.gcs.resource(request, self._commit(target, content, request.identity))
        finally:
            content.close()

    def _multipart(self, request: Request, parameters: dict[str, Any]) -> Response:
        parts = Multipart(request.headers.get("Content-Type"), request.body.pieces())
        target = self._target(request, parameters, self._body(parts.metadata()))
        content = Checked()
        try:
            kind = parts.media(content)
            if kind:
                target.fields.setdefault("contentType", kind)
            return self.gcs.resource(request, self._commit(target, content, request.identity))
        finally:
            content.close()

    # Resumable ----------------------------------------------------------------------------------

    def _start(self, request: Request, parameters: dict[str, Any]) -> Response:
        text = request.content()
        kind = (request.headers.get("Content-Type") or "").split(";")[0].strip()
        if text.strip() and kind != "application/json":
            raise ApiError("badRequest", f"The metadata has to be application/json, not {kind or 'of no type'}")
        target = self._target(request, parameters, self._body(text))
        if request.headers.get("X-Upload-Content-Type"):
            target.fields.setdefault("contentType", request.headers.get("X-Upload-Content-Type"))
        length = request.headers.get("X-Upload-Content-Length")
        if length is not None and not length.isdigit():
            raise ApiError("badRequest", f"Invalid X-Upload-Content-Length: {length}")
        target.conditions.check(self.gcs.store.find(target.bucket, target.name))
        session = Session(secrets.token_urlsafe(96), target, request.identity, None if length is None else int(length))
        with self.lock:
            self.sessions[session.id] = session
        location = (f"{request.base_url}{request.path}?uploadType=resumable&name={quote(target.name, safe='')}"
                    f"&upload_id={session.id}")
        return Response(200, {"Location": location, "X-GUploader-UploadID": session.id,
                              "Content-Type": "text/plain; charset=utf-8"})

    def session(self, request: Request) -> Session:
        with self.lock:
            session = self.sessions.get(request.argument("upload_id") or "")
        if session is None:
            raise ApiError("notFound", "Not Found: the upload session does not exist")
        if session.cancelled:
            raise ApiError("stopped", "The upload was cancelled", status=499)
        if time.time() - session.begun > WEEK:
            raise ApiError("gone", "The upload session has expired", status=410)
        return session

    def cancel(self, request: Request) -> Response:
        """https://docs.cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload: 499"""
        session = self.session(request)
        with session.lock:
            session.cancelled = True
            session.content.close()
        return Response(499, {"Content-Type": "text/plain; charset=utf-8"})

    def put(self, request: Request) -> Response:
        """A chunk, the whole content, or the question how far it came."""
        session = self.session(request)
        with session.lock:
            if session.result is not None:
                request.body.drain()
                return self.gcs.resource(request, session.result)
            if session.failure is not None:
                raise session.failure
            start, end, total = self._range(request)
            self._check_total(session, total)
            if start is None:
                request.body.drain()
                return (
                    self._finish(request, session)
                    if total == session.content.size
                    else self._incomplete(request, session)
                )
            return self._chunk(request, session, start, end, total)

    @staticmethod
    def _range(request: Request) -> tuple[int | None, int | None, int | None]:
        """(first, last, total): first is None for a status query, last for an unknown length, total for `*`."""
        header = request.headers.get("Content-Range")
        if header is None:
            length = request.body.length
            return 0, None if length is None else length - 1, length
        match = RANGE.fullmatch(header.strip())
        if match is None:
            raise ApiError("badRequest", f"Failed to parse Content-Range header: {header}")
        total = None if match[3] == "*" else int(match[3])
        if match[1] is None:
            return None, None, total
        first, last = int(match[1]), int(match[2])
        if last < first or (total is not None and last >= total):
            raise ApiError("badRequest", f"Failed to parse Content-Range header: {header}")
        if request.body.length is not None and request.body.length != last - first + 1:
            raise ApiError(
                "badRequest",
                f"Invalid request.  There were {request.body.length} byte(s) in the request body.  "
                f"There should have been {last - first + 1} byte(s) (starting at offset {first} and ending at "
                f"offset {last}) according to the Content-Range header.",
            )
        return first, last, total

    @staticmethod
    def _check_total(session: Session, total: int | None) -> None:
        if None not in (total, session.length) and total != session.length:
            raise ApiError(
                "badRequest",
                f"Invalid request.  The upload has {total} byte(s) according to the Content-Range "
                f"header, and {session.length} byte(s) according to the X-Upload-Content-Length header before.",
            )
        if total is not None and total < session.content.size:
            raise ApiError(
                "badRequest",
                f"Invalid request.  {session.content.size} byte(s) are there already, more than "
                f"the {total} byte(s) of the Content-Range header.",
            )

    def _chunk(self, request: Request, session: Session, start: int, end: int | None, total: int | None) -> Response:
        have = session.content.size
        if start > have:
            text = (
                f"Invalid request.  According to the Content-Range header, the upload offset is {start} byte(s), which "
                f"exceeds already uploaded size of {have} byte(s)."
            )
            return Response(503, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())
        # the end of the content: the header says it, or a body without it
        last = end is None or (total is not None and end == total - 1)
        tail = self._receive(request, session, have - start)
        if not last:
            return self._incomplete(request, session)
        session.content.write(tail)
        whole = total if total is not None else session.length
        if whole is not None and session.content.size < whole:
            return self._incomplete(request, session)
        return self._finish(request, session)

    def _receive(self, request: Request, session: Session, skip: int) -> bytes:
        """Keeps whole units of 256 KiB, even of a body that breaks; the rest of a whole one is returned."""
        pending = bytearray()
        for piece in request.body.pieces():
            if skip:
                cut = min(skip, len(piece))
                piece, skip = piece[cut:], skip - cut
            pending += piece
            # units are counted from the content's start
            whole = (session.content.size + len(pending)) // UNIT * UNIT - session.content.size
            if whole > 0:
                session.content.write(bytes(pending[:whole]))
                del pending[:whole]
        return bytes(pending)

    @staticmethod
    def _incomplete(request: Request, session: Session) -> Response:
        headers = {"X-GUploader-UploadID": session.id, "Content-Type": "text/plain; charset=utf-8"}
        if session.content.size:
            headers["Range"] = f"bytes=0-{session.content.size - 1}"
        if (request.headers.get("X-GUploader-No-308") or "").lower() == "yes":
            return Response(200, {**headers, "X-HTTP-Status-Code-Override": "308"})
        return Response(308, headers)

    def _finish(self, request: Request, session: Session) -> Response:
        session.target.checksums.update(declared_checksums(request, {}))
        try:
            session.result = self._commit(session.target, session.content, session.identity)
        except ApiError as error:
            session.failure = error
            raise
        finally:
            session.content.close()
        return self.gcs.resource(request, session.result)
