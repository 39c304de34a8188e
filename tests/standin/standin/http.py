# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over plain sockets, one thread a connection, with a hand on every byte.

The standard library's server would hide what tests want to break: where a connection is reset, how
many bytes of a request had come, whether the work was done when the answer was lost."""

from __future__ import annotations

import fcntl
import gzip
import io
import json
import socket
import struct
import termios
import threading
import time
import traceback
import zlib
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Callable, Iterable, Iterator, Protocol
from urllib.parse import parse_qsl, unquote

from standin.errors import ApiError, standin_failed

MAX_HEAD = 64 * 1024
CHUNK = 64 * 1024
IDLE_SECONDS = 120.0
CONTROL = "/standin/"  # the stand-in's own API, on every port: neither counted nor broken


class Reset(Exception):
    """The connection ends now, with a TCP reset."""


class Gone(Exception):
    """The peer closed or broke the connection."""


class BadRequest(Exception):
    """Bytes that are not HTTP/1.1."""


class Headers:
    """Case-insensitive, ordered, repeatable."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()):
        self.items: list[tuple[str, str]] = list(items)

    def get(self, name: str, default: str | None = None) -> str | None:
        name = name.lower()
        for key, value in self.items:
            if key.lower() == name:
                return value
        return default

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None


class Wire:
    """A socket with counts, and with the byte after which it is to be reset."""

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.buffer = b""
        self.sent = 0
        self.reset_after_sent: int | None = None

    def _fill(self) -> None:
        try:
            data = self.socket.recv(CHUNK)
        except (OSError, socket.timeout) as error:
            raise Gone(str(error)) from error
        if not data:
            raise Gone("closed by the client")
        self.buffer += data

    def read_line(self) -> bytes:
        while b"\n" not in self.buffer:
            if len(self.buffer) > MAX_HEAD:
                raise BadRequest("line too long")
            self._fill()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def read_some(self, most: int) -> bytes:
        if not self.buffer:
            self._fill()
        data, self.buffer = self.buffer[:most], self.buffer[most:]
        return data

    def send(self, data: bytes) -> None:
        if self.reset_after_sent is not None and self.sent + len(data) >= self.reset_after_sent:
            data = data[: max(0, self.reset_after_sent - self.sent)]
            self._send_all(data)
            raise Reset()
        self._send_all(data)

    def _unsent(self) -> int:
        """Bytes in the kernel's send queue; a reset would drop them."""
        return struct.unpack("i", fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]

    def _send_all(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (OSError, socket.timeout) as error:
            raise Gone(str(error)) from error
        self.sent += len(data)

    def close_gently(self, seconds: float = 1.0) -> None:
        """After an answer that came before the request's end: the peer may still be sending, and must get the answer, not
        a reset."""
        deadline = time.monotonic() + seconds
        try:
            self.socket.shutdown(socket.SHUT_WR)
            self.socket.settimeout(seconds)
            while time.monotonic() < deadline and self.socket.recv(CHUNK):
                pass
        except OSError:
            pass

    def reset(self) -> None:
        """Closes so that the peer gets what was sent, and then sees ECONNRESET."""
        try:
            deadline = time.monotonic() + 2.0
            while self._unsent() and time.monotonic() < deadline:
                time.sleep(0.001)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.socket.close()


class BodyStream:
    """The body of a request, read from the wire when somebody wants it.

    `received` counts what came; `reset_after` (set by faults) breaks the connection when it is reached;
    `tap`, when set, is called with each piece."""

    def __init__(self, wire: Wire, headers: Headers):
        self._wire = wire
        self._decoder: Any = None
        self.received = 0
        self.reset_after: int | None = None
        self.tap: Callable[[bytes], None] | None = None
        self.expects_continue = (headers.get("Expect") or "").lower() == "100-continue"
        self.has_length = "Content-Length" in headers or "Transfer-Encoding" in headers
        self._chunked = "chunked" in (headers.get("Transfer-Encoding") or "").lower()
        length = headers.get("Content-Length")
        if self._chunked:
            self.length: int | None = None
        elif length is not None:
            if not length.isdigit():
                raise BadRequest("Content-Length is not a number")
            self.length = int(length)
        else:
            self.length = 0
        self._left = 0 if self.length is None else self.length
        self._done = not self._chunked and self._left == 0

    def _raw(self, most: int) -> bytes:
        if self._done:
            return b""
        if self.reset_after is not None and self.received >= self.reset_after:
            raise Reset()
        if self.expects_continue:
            self.expects_continue = False
            self._wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._chunked and self._left == 0:
            self._next_chunk()
            if self._done:
                return b""
        most = min(most, self._left)
        if self.reset_after is not None:
            most = min(most, self.reset_after - self.received)
        data = self._wire.read_some(most)
        self.received += len(data)
        self._left -= len(data)
        if self.tap is not None:
            self.tap(data)
        if self._left == 0:
            if self._chunked:
                if self._wire.read_line():
                    raise BadRequest("chunk without its end")
            else:
                self._done = True
        return data

    def _next_chunk(self) -> None:
        size = self._wire.read_line().split(b";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError as error:
            raise BadRequest("chunk size is not a number") from error
        if self._left == 0:
            while self._wire.read_line():
                pass
            self._done = True

    def pieces(self, most: int = CHUNK) -> Iterator[bytes]:
        """The body as it comes in, to its end."""
        while not self._done:
            data = self._raw(most)
            if data:
                yield data
        if self.reset_after is not None and self.received >= self.reset_after:
            raise Reset()

    def read(self) -> bytes:
        """The whole rest."""
        return b"".join(self.pieces())

    def drain(self) -> None:
        """Reads and forgets the rest, so that the connection can carry the next request."""
        if self.expects_continue:
            return
        for _ in self.pieces():
            pass


@dataclass
class Request:
    service: str
    method: str
    target: str
    path: str
    query: list[tuple[str, str]]
    headers: Headers
    body: BodyStream
    base_url: str
    number: int = 0
    method_id: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    identity: Any = None
    reset_after_sent: int | None = None
    started: float = 0.0
    old: bool = False  # HTTP/1.0

    @property
    def reset_after_received(self) -> int | None:
        return self.body.reset_after

    @reset_after_received.setter
    def reset_after_received(self, count: int | None) -> None:
        self.body.reset_after = count

    def argument(self, name: str, default: str | None = None) -> str | None:
        """The last value of a query parameter."""
        for key, value in reversed(self.query):
            if key == name:
                return value
        return default

    def content(self) -> bytes:
        """The whole body, with its Content-Encoding undone."""
        data = self.body.read()
        encoding = (self.headers.get("Content-Encoding") or "identity").lower()
        if encoding == "gzip":
            try:
                return gzip.decompress(data)
            except (OSError, EOFError, zlib.error) as error:
                raise ApiError("badRequest", "The body is not gzip data") from error
        if encoding != "identity":
            raise ApiError("badRequest", f"Unsupported Content-Encoding {encoding}")
        return data


@dataclass
class Response:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""

    @staticmethod
    def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Response":
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(status, {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}, body)

    @staticmethod
    def error(error: ApiError) -> "Response":
        body = error.body()
        response = Response.json(body, body["error"]["code"])
        challenge = getattr(error, "challenge", None)
        if response.status == 401 or challenge:
            tail = f', error="{challenge}"' if challenge else ""
            response.headers["WWW-Authenticate"] = f'Bearer realm="https://accounts.google.com/"{tail}'
        return response


Handler = Callable[[Any, Request], Response]


class Router(Protocol):
    def resolve(self, app: Any, request: Request) -> tuple[str | None, Handler]:
        """The method id (None: nothing known) and who answers. May raise ApiError."""


class NoFaults:
    """What http.py asks of faults.Faults."""

    def before(self, request: Request) -> Response | None:
        return None

    def after(self, request: Request, response: Response) -> Response | None:
        return None

    def finished(self, request: Request, response: Response | None, bytes_in: int, bytes_out: int,
                 error: str | None) -> None:
        pass


NO_FAULTS = NoFaults()


def reason_phrase(status: int) -> str:
    if status == 308:
        return "Resume Incomplete"
    if status == 499:
        return "Client Closed Request"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class Server:
    """One listening port of one service. start() returns when it listens; stop() ends its threads."""

    def __init__(self, app: Any, service: str, router: Router, port: int = 0, host: str = "127.0.0.1"):
        self.app = app
        self.service = service
        self.router = router
        self._listener = socket.create_server((host, port), backlog=256)
        self.host, self.port = self._listener.getsockname()[:2]
        self.url = f"http://{self.host}:{self.port}"
        self._stopping = False
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._number = 0
        self._thread = threading.Thread(target=self._accept, name=f"{service}-accept", daemon=True)

    def start(self) -> "Server":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._thread.join(2)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(IDLE_SECONDS)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True,
                             name=f"{self.service}-connection").start()

    def _serve(self, connection: socket.socket) -> None:
        wire = Wire(connection)
        try:
            while not self._stopping and self._serve_one(wire):
                pass
        except Reset:
            wire.reset()
        except Gone:
            pass
        except BadRequest as error:
            try:
                self._write(wire, None, Response(400, {"Content-Type": "text/plain"}, f"{error}\n".encode()), False)
            except (Gone, Reset):
                pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _serve_one(self, wire: Wire) -> bool:
        request = self._read_head(wire)
        wire.sent = 0
        wire.reset_after_sent = None
        response: Response | None = None
        error: str | None = None
        faults = NO_FAULTS if request.path.startswith(CONTROL) else self.app.faults
        try:
            response = self._answer(request, faults)
            wire.reset_after_sent = request.reset_after_sent
            if response.headers.get("Connection") == "close":
                self._write(wire, request, response, False)
                wire.close_gently()
                return False
            if not request.body.expects_continue:
                request.body.drain()
            keep = self._keeps_alive(request)
            self._write(wire, request, response, keep)
            return keep
        except Reset:
            error = "reset"
            raise
        except Gone as gone:
            error = f"gone: {gone}"
            raise
        finally:
            faults.finished(request, response, request.body.received, wire.sent, error)

    def _keeps_alive(self, request: Request) -> bool:
        # A body that was never asked for (100-continue) may still come or not: nobody can tell.
        if request.body.expects_continue:
            return False
        wish = (request.headers.get("Connection") or "").lower()
        return wish == "keep-alive" if request.old else wish != "close"

    def _answer(self, request: Request, faults: Any) -> Response:
        """Routing, faults, handler; every failure becomes a response, except a reset."""
        try:
            try:
                request.method_id, handler = self.router.resolve(self.app, request)
            except ApiError as error:
                refused = error
                handler = lambda app, request: Response.error(refused)  # noqa: E731
            early = faults.before(request)
            if early is not None:
                if early.headers.get("Connection") != "close":
                    request.body.drain()
                return early
            if request.method in ("POST", "PUT", "PATCH") and not request.body.has_length:
                return Response(411, {"Content-Type": "text/html; charset=UTF-8", "Connection": "close"},
                                b"<title>Error 411 (Length Required)</title>\n")
            response = handler(self.app, request)
        except ApiError as error:
            response = Response.error(error)
        except (Reset, Gone, BadRequest):
            raise
        except Exception as error:
            traceback.print_exc()
            response = Response.error(standin_failed(error))
        replaced = faults.after(request, response)
        return response if replaced is None else replaced

    def _read_head(self, wire: Wire) -> Request:
        line = wire.read_line()
        while not line:
            line = wire.read_line()
        words = line.split(b" ")
        if len(words) != 3 or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise BadRequest("not an HTTP/1.1 request line")
        headers: list[tuple[str, str]] = []
        size = 0
        while True:
            line = wire.read_line()
            if not line:
                break
            size += len(line)
            if size > MAX_HEAD:
                raise BadRequest("headers too long")
            name, colon, value = line.partition(b":")
            if not colon or name != name.strip() or not name:
                raise BadRequest("not a header line")
            headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        target = words[1].decode("latin-1")
        path, _, query = target.partition("?")
        with self._lock:
            self._number += 1
            number = self._number
        named = Headers(headers)
        return Request(self.service, words[0].decode("latin-1"), target, path,
                       parse_qsl(query, keep_blank_values=True), named, BodyStream(wire, named),
                       f"http://{named.get('Host') or f'{self.host}:{self.port}'}", number, started=time.monotonic(),
                       old=words[2] == b"HTTP/1.0")

    def _write(self, wire: Wire, request: Request | None, response: Response, keep: bool) -> None:
        headers = {"Date": formatdate(usegmt=True), "Server": "standin", **response.headers}
        if not keep:
            headers["Connection"] = "close"
        body: Any = response.body
        whole = isinstance(body, (bytes, bytearray))
        empty = response.status in (204, 304) or (request is not None and request.method == "HEAD")
        if whole and body and not empty and request is not None and self._wants_gzip(request, response):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        if response.status not in (204, 304):
            if whole:
                headers.setdefault("Content-Length", str(len(body)))
            elif not any(name.lower() == "content-length" for name in headers):
                headers["Transfer-Encoding"] = "chunked"
        head = [f"HTTP/1.1 {response.status} {reason_phrase(response.status)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        block = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")
        if whole:
            wire.send(block if empty else block + bytes(body))
            return
        wire.send(block)
        chunked = headers.get("Transfer-Encoding") == "chunked"
        for piece in () if empty else body:
            if piece:
                wire.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked and not empty:
            wire.send(b"0\r\n\r\n")

    @staticmethod
    def _wants_gzip(request: Request, response: Response) -> bool:
        """Google's front ends compress for those who accept gzip; small bodies and media stay as they are."""
        body: Any = response.body
        return ("gzip" in (request.headers.get("Accept-Encoding") or "").lower() and len(body) > 1024
                and response.headers.get("Content-Type", "").startswith("application/json")
                and "Content-Encoding" not in response.headers)


def unquoted(segment: str) -> str:
    return unquote(segment, errors="strict")


def parse_json(data: bytes) -> Any:
    """A JSON body; a name twice in one object, NaN and trailing bytes are refused as Google's parser does."""
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise ValueError(f"duplicate name {name!r}")
            found[name] = value
        return found

    def constant(text: str) -> Any:
        raise ValueError(f"unexpected token {text}")

    try:
        return json.load(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"), object_pairs_hook=once,
                         parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise ApiError("badRequest", f"Invalid JSON payload received. {error}") from error
