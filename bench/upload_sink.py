#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A BigQuery and Cloud Storage that take uploads, count their bytes, and forget them: what a load costs before the
service has anything to do. Prints its port. Knows just what one run of `bqferry run` asks; for tests there is
tests/standin."""

import json
import re
import socket
import sys
import threading

BUFFER = 1 << 20


class Sink:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.sessions = {}  # number → [bytes received, object's name or None]
        self.uploaded = 0
        self.schema = None

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        pending, room = b"", bytearray(BUFFER)
        with connection:
            while True:
                while b"\r\n\r\n" not in pending:
                    more = connection.recv(BUFFER)
                    if not more:
                        return
                    pending += more
                head, pending = pending.split(b"\r\n\r\n", 1)
                method, target, headers = self.parse(head)
                length = int(headers.get("content-length", 0))
                if headers.get("expect"):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                if method == "PUT":
                    taken = min(length, len(pending))
                    pending = pending[taken:]
                    while taken < length:
                        taken += connection.recv_into(room, min(BUFFER, length - taken))
                    body = b""
                else:
                    while len(pending) < length:
                        pending += connection.recv(BUFFER)
                    body, pending = pending[:length], pending[length:]
                connection.sendall(self.answer(method, target, headers, body, length))

    @staticmethod
    def parse(head):
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        return method, target, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @staticmethod
    def reply(status, body=None, **headers):
        text = b"" if body is None else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(text)}", "Content-Type: application/json",
                 *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + text

    @staticmethod
    def job(number):
        return {"jobReference": {"jobId": number}, "status": {"state": "DONE"}, "statistics": {"load": {}},
                "configuration": {"load": {}}}

    def answer(self, method, target, headers, body, length):
        path, _, query = target.partition("?")
        if method == "PUT":
            return self.chunk(query, headers, length)
        if method == "POST" and path.startswith("/upload/"):
            with self.lock:
                number = len(self.sessions) + 1
                self.sessions[number] = [0, json.loads(body or b"{}").get("name")]
            return self.reply(200, location=f"http://127.0.0.1:{self.port}{path}?uploadType=resumable&upload_id={number}")
        if "/jobs" in path:
            return self.reply(200, self.job("x"))
        if method == "GET" and path == "/bytes":
            return self.reply(200, self.uploaded)
        if method == "GET" and "/tables/" in path:
            return self.reply(404, {"error": {"code": 404, "message": "not here", "errors": [{"reason": "notFound"}]}})
        return self.reply(204) if method == "DELETE" else self.reply(200, {"location": "US"})

    def chunk(self, query, headers, length):
        number = int(re.search(r"upload_id=(\d+)", query).group(1))
        total = headers["content-range"].rpartition("/")[2]
        with self.lock:
            session = self.sessions[number]
            session[0] += length
            self.uploaded += length
        if total == "*":
            return self.reply(308, range=f"bytes=0-{session[0] - 1}")
        if session[1]:
            return self.reply(200, {"name": session[1], "generation": "1", "size": str(session[0])})
        return self.reply(200, self.job(str(number)))


if __name__ == "__main__":
    sink = Sink()
    print(sink.port, flush=True)
    try:
        sink.serve()
    except KeyboardInterrupt:
        sys.exit(0)
