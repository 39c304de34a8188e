# SPDX-License-Identifier: Apache-2.0
"""Media uploads of load jobs: multipart and resumable.

https://docs.cloud.google.com/bigquery/docs/reference/api-uploads: chunks are multiples of 256 KiB but for the last,
308 with a Range header says what is stored, an empty PUT with `Content-Range: bytes */N` asks for it, sessions live a
week. multipart/related: RFC 2387."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from standin.discovery import Method
from standin.errors import ApiError
from standin.http import Gone, Request, Reset, Response, parse_json
from standin.jobs import resource as jobs

UNIT = 256 * 1024
WEEK_MS = 7 * 24 * 3600 * 1000


@dataclass
class Session:
    """One resumable upload. path holds `stored` bytes; total: the size, once it is known. answer: the final response,
    repeated to whoever asks again."""
    id: str
    project: str
    body: dict[str, Any]
    identity: Any
    path: str
    created_ms: int
    total: int | None = None
    stored: int = 0
    answer: Response | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Uploads:
    def __init__(self, app: Any):
        self.app = app
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def new_path(self) -> str:
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="standin-uploads-")
            return os.path.join(self._folder.name, uuid.uuid4().hex)

    def open(self, request: Request, body: dict[str, Any], total: int | None) -> Session:
        session = Session(uuid.uuid4().hex, request.parameters["projectId"], body, request.identity, self.new_path(),
                          self.app.clock.now_ms(), total)
        with open(session.path, "wb"):
            pass
        with self._lock:
            self._sessions[session.id] = session
        return session

    def find(self, request: Request) -> Session:
        name = request.argument("upload_id") or ""
        with self._lock:
            session = self._sessions.get(name)
        if session is None or session.project != request.parameters["projectId"]:
            raise ApiError("notFound", "Not found: upload session", status=404)
        if session.created_ms < self.app.clock.now_ms() - WEEK_MS:
            raise ApiError("notFound", "The upload session has expired", status=410)
        return session

    def drop(self, session: Session) -> None:
        with self._lock:
            self._sessions.pop(session.id, None)
        if os.path.exists(session.path):
            os.unlink(session.path)

    def reset(self) -> None:
        with self._lock:
            self._sessions.clear()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


def step_of(request: Request) -> str:
    """What a request to an open session is: chunk, status or cancel."""
    if request.method == "DELETE":
        return "cancel"
    return "status" if re.match(r"bytes\s+\*/", request.headers.get("Content-Range") or "") else "chunk"


def handle(app: Any, request: Request, method: Method) -> Any:
    kind = request.parameters.get("uploadType") or request.parameters.get("upload_protocol")
    if request.method == "PUT":
        return chunk(app, request)
    if request.method == "DELETE":
        app.uploads.drop(app.uploads.find(request))
        return Response(499, {"Content-Length": "0"})
    if kind == "multipart":
        return multipart(app, request, method)
    if kind == "resumable":
        return open_session(app, request, method)
    if kind == "media":
        raise ApiError("badRequest", "Media upload needs the job's configuration: use multipart or resumable")
    raise ApiError("badRequest", f"Invalid upload type {kind or '(none)'}: use uploadType=multipart or resumable")


def begin(app: Any, request: Request, project: str, identity: Any, body: dict[str, Any], path: str) -> Any:
    """The load job of a complete upload."""
    configuration = body.get("configuration") or {}
    if (configuration.get("load") or {}).get("sourceUris"):
        raise ApiError("invalid", "A load job with uploaded data cannot have sourceUris")
    request.identity = identity
    return jobs.begin(app, request, app.jobs.prepare(identity, project, body, path))


# multipart ---------------------------------------------------------------------------------------------------

def multipart(app: Any, request: Request, method: Method) -> Any:
    header = request.headers.get("Content-Type") or ""
    found = re.search(r'boundary="?([^";]+)"?', header)
    if not header.lower().startswith("multipart/related") or found is None:
        raise ApiError("badRequest", "A multipart upload needs Content-Type: multipart/related with a boundary")
    boundary = b"--" + found.group(1).strip().encode()
    parts = split_parts(request.content(), boundary)
    if len(parts) != 2:
        raise ApiError("badRequest", f"A multipart upload has two parts, the job and its data; this one has {len(parts)}")
    (head, resource), (_, data) = parts
    kind = head.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError("badRequest", f"The first part of a multipart upload is application/json, not {kind or 'untyped'}")
    body = app.discovery.check(method.request or "Job", parse_json(resource))
    path = app.uploads.new_path()
    with open(path, "wb") as file:
        file.write(data)
    try:
        return begin(app, request, request.parameters["projectId"], request.identity, body, path)
    except ApiError:
        os.unlink(path)
        raise


def split_parts(data: bytes, boundary: bytes) -> list[tuple[dict[str, str], bytes]]:
    """RFC 2046, section 5.1.1. Only delimiters at the begin of a line count: the data may hold anything else."""
    pieces = (b"\r\n" + data).split(b"\r\n" + boundary)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ApiError("badRequest", "Malformed multipart body.")
    parts = []
    for piece in pieces[1:-1]:
        line, found, rest = piece.partition(b"\r\n")
        if not found or line.strip():
            raise ApiError("badRequest", "Malformed multipart body.")
        if rest.startswith(b"\r\n"):
            head, content = b"", rest[2:]
        else:
            head, found, content = rest.partition(b"\r\n\r\n")
            if not found:
                raise ApiError("badRequest", "Malformed multipart body.")
        names = {}
        for entry in head.decode("latin-1").split("\r\n"):
            name, _, value = entry.partition(":")
            names[name.strip().lower()] = value.strip()
        parts.append((names, content))
    return parts


# resumable ---------------------------------------------------------------------------------------------------

def open_session(app: Any, request: Request, method: Method) -> Response:
    """Answers 200 with the session's address. What the job says is looked at when its data is complete."""
    data = request.content()
    body = app.discovery.check(method.request or "Job", parse_json(data) if data.strip() else {})
    length = request.headers.get("X-Upload-Content-Length")
    if length is not None and not length.isdigit():
        raise ApiError("badRequest", f"Invalid X-Upload-Content-Length {length}")
    session = app.uploads.open(request, body, None if length is None else int(length))
    where = f"{request.base_url}{request.path}?uploadType=resumable&upload_id={session.id}"
    return Response(200, {"Location": where, "X-GUploader-UploadID": session.id, "Content-Type": "text/html; charset=UTF-8"})


def parse_range(text: str | None, request: Request) -> tuple[int | None, int | None, int | None]:
    """(first, last, total) of a Content-Range; first None: a status query; total None: not known yet."""
    if text is None:
        # The whole data in one PUT needs no Content-Range.
        length = request.body.length
        return 0, None if length is None else length - 1, length
    found = re.fullmatch(r"bytes\s+(?:(\d+)-(\d+)|\*)/(\d+|\*)", text.strip())
    if found is None:
        raise ApiError("badRequest", f"Failed to parse Content-Range header: {text}")
    first, last, total = found.groups()
    return (None if first is None else int(first), None if last is None else int(last),
            None if total == "*" else int(total))


def chunk(app: Any, request: Request) -> Any:
    session = app.uploads.find(request)
    with session.lock:
        if session.answer is not None:
            request.body.drain()
            return session.answer
        first, last, total = parse_range(request.headers.get("Content-Range"), request)
        if total is not None:
            if session.total is not None and session.total != total:
                raise ApiError("badRequest", f"Invalid request. The upload's size was {session.total} bytes, now it is {total}")
            session.total = total
        if first is not None:
            whole = "Content-Range" not in request.headers
            refused = store(session, request, first, last, whole)
            if refused is not None:
                return refused
            if whole:
                session.total = session.stored
        else:
            request.body.drain()
        if session.total is None or session.stored < session.total:
            return incomplete(request, session)
        return complete(app, request, session)


def store(session: Session, request: Request, first: int, last: int | None, whole: bool) -> Response | None:
    """Appends a chunk. What the session has already is skipped; what breaks off or is no multiple of 256 KiB (unless it
    is the end) is kept in whole units."""
    if first > session.stored:
        request.body.drain()
        text = (f"Invalid request.  According to the Content-Range header, the upload offset is {first} byte(s), which "
                f"exceeds already uploaded size of {session.stored} byte(s).")
        return Response(503, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())
    position = first
    before = session.stored
    try:
        with open(session.path, "r+b") as file:
            file.seek(session.stored)
            for piece in request.body.pieces():
                position += len(piece)
                fresh = position - session.stored
                if fresh > 0:
                    file.write(piece[-fresh:])
                    session.stored = position
    except (Reset, Gone):
        truncate(session, before)
        raise
    if last is not None and position != last + 1:
        truncate(session, before)
        raise ApiError("badRequest", f"Invalid request. The Content-Range header promises {last - first + 1} byte(s), "
                       f"the body has {position - first}")
    if session.total is not None and session.stored > session.total:
        truncate(session, before)
        raise ApiError("badRequest", f"Invalid request. {session.stored} byte(s) were sent, the upload's size is "
                       f"{session.total}")
    if not whole and (session.total is None or session.stored < session.total):
        truncate(session, before)
    return None


def truncate(session: Session, before: int) -> None:
    session.stored = max(before, session.stored // UNIT * UNIT)
    os.truncate(session.path, session.stored)


def incomplete(request: Request, session: Session) -> Response:
    headers = {"X-GUploader-UploadID": session.id}
    if session.stored:
        headers["Range"] = f"bytes=0-{session.stored - 1}"
    if (request.headers.get("X-GUploader-No-308") or "").lower() == "yes":
        return Response(200, {**headers, "X-HTTP-Status-Code-Override": "308"})
    return Response(308, headers)


def complete(app: Any, request: Request, session: Session) -> Any:
    """The job starts; the same answer is given to a client that did not hear it, also of a job that was refused."""
    from standin.routes import finish
    path = app.uploads.new_path()
    os.rename(session.path, path)
    try:
        response = finish(request, begin(app, request, session.project, session.identity, session.body, path))
    except ApiError as error:
        os.unlink(path)
        response = Response.error(error)
    session.answer = response
    return response
