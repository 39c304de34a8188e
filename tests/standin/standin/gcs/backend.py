# SPDX-License-Identifier: Apache-2.0
"""fake-gcs-server as a child process: it keeps the bytes, and computes their checksums a second time.

Each generation of an object is one object of the child, so a reader is never overtaken by a writer. Names, generations,
preconditions, metadata and listings are the front's business: the child is lenient about them."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, Iterator
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[4]
PR_SET_PDEATHSIG = 1
PIECE = 1 << 18
BUCKET = "standin"


class BackendError(RuntimeError):
    """The child answered something that it should not have."""


def default_binary() -> Path:
    """Where tools/setup/fake-gcs.sh has put it."""
    return Path(os.environ.get("BQFERRY_DEPS_DIR") or ROOT / ".deps") / "fake-gcs/fake-gcs-server"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Backend:
    """One child. start() from the main thread: the kernel ends the child with the thread that made it."""

    def __init__(self, binary: Path | None = None, folder: Path | None = None):
        self.binary = binary or default_binary()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.local = threading.local()

    def start(self) -> "Backend":
        if not self.binary.exists():
            raise BackendError(f"{self.binary} is missing: tools/setup/fake-gcs.sh builds it")
        for _ in range(5):
            self.port = _free_port()
            command = [str(self.binary), "-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port),
                       "-log-level", "error", "-backend", "filesystem" if self.folder else "memory"]
            if self.folder:
                command += ["-filesystem-root", str(self.folder)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            preexec_fn=_end_with_parent)
            if self._wait():
                self._json("POST", "/storage/v1/b?project=standin", json.dumps({"name": BUCKET}).encode(), (200, 409))
                return self
        raise BackendError(f"{self.binary} does not start")

    def _wait(self) -> bool:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return True
            except OSError:
                time.sleep(0.01)
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    # Requests -----------------------------------------------------------------------------------

    def _connection(self) -> http.client.HTTPConnection:
        if getattr(self.local, "connection", None) is None:
            self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120, blocksize=PIECE)
        return self.local.connection

    def _request(self, method: str, path: str, body: Any = None,
                 headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        for attempt in (1, 2):
            connection = self._connection()
            try:
                connection.request(method, path, body, {"Accept-Encoding": "identity", **(headers or {})})
                return connection.getresponse()
            except (http.client.HTTPException, OSError):
                connection.close()
                self.local.connection = None
                if attempt == 2:
                    raise
                if hasattr(body, "seek"):
                    body.seek(0)
        raise AssertionError

    def _json(self, method: str, path: str, body: Any = None, wanted: tuple[int, ...] = (200,),
              headers: dict[str, str] | None = None) -> Any:
        response = self._request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        text = response.read()
        if response.status not in wanted:
            raise BackendError(f"fake-gcs-server: {method} {path}: {response.status} {text[:200]!r}")
        return json.loads(text) if text.startswith(b"{") else {}

    # Content ------------------------------------------------------------------------------------

    def put(self, key: str, content: BinaryIO, size: int) -> dict[str, Any]:
        """Stores `content` from its start: {size, crc32c, md5Hash} as the child computes them."""
        content.seek(0)
        return self._json(
            "POST",
            f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(key, safe='')}",
            content,
            headers={"Content-Length": str(size), "Content-Type": "application/octet-stream"},
        )

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes start … end - 1; the request is made before the first piece is asked for."""
        if start >= end:
            return iter(())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120, blocksize=PIECE)
        connection.request("GET", f"/storage/v1/b/{BUCKET}/o/{quote(key, safe='')}?alt=media",
                           headers={"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        if response.status not in (200, 206) or int(response.headers["Content-Length"]) != end - start:
            connection.close()
            raise BackendError(
                f"fake-gcs-server: {key}: {response.status} with {response.headers['Content-Length']} bytes"
            )
        return self._pieces(connection, response)

    @staticmethod
    def _pieces(connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while piece := response.read(PIECE):
                yield piece
        finally:
            connection.close()

    def delete(self, key: str) -> None:
        self._json("DELETE", f"/storage/v1/b/{BUCKET}/o/{quote(key, safe='')}", wanted=(200, 204, 404))
