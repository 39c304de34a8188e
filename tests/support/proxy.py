# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy before PostgreSQL that can hold a statement back or cut a connection.

It reads the client's bytes as they are, so connections through it go without TLS."""

import socket
import threading
import time


class Proxy:
    def __init__(self, port, host="127.0.0.1"):
        self.target = (host, port)
        self.lock = threading.Condition()
        self.hold_pattern = None
        self.hold_skip = 0
        self.held = 0
        self.cut_after = None
        self.cut_pattern = None
        self.cuts = 0
        self.connections = 0
        self.sockets = []
        self.closed = False
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    # What a test asks for -----------------------------------------------------------------------

    def hold(self, pattern, skip=0):
        """Keeps back every message that holds `pattern`, after the first `skip` of them."""
        with self.lock:
            self.hold_pattern, self.hold_skip, self.held = pattern.encode(), skip, 0

    def wait_held(self, run=None, count=1, seconds=30):
        """Until so many are held back; at once an error when the run ends before."""
        deadline = time.monotonic() + seconds
        with self.lock:
            while not self.lock.wait_for(lambda: self.held >= count, 0.1):
                if run is not None and not run.running():
                    raise AssertionError(f"the run ended before the statement came\n{run.wait()}")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.held} of {count} statements arrived in {seconds} s")

    def release(self):
        with self.lock:
            self.hold_pattern = None
            self.lock.notify_all()

    def cut(self, pattern, after):
        """Closes the first connection that sent `pattern` and then got `after` bytes back."""
        with self.lock:
            self.cut_pattern, self.cut_after = pattern.encode(), after

    # How it does it -----------------------------------------------------------------------------

    def _accept(self):
        while not self.closed:
            try:
                client, _ = self.server.accept()
                upstream = socket.create_connection(self.target)
            except OSError:
                return
            self.connections += 1
            self.sockets += [client, upstream]
            state = {"counting": False, "seen": 0}
            for forward, source, sink in ((self._from_client, client, upstream),
                                          (self._from_server, upstream, client)):
                threading.Thread(target=self._pump, args=(forward, source, sink, state),
                                 daemon=True).start()

    def _pump(self, forward, source, sink, state):
        try:
            while data := source.recv(65536):
                if not forward(data, state):
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _from_client(self, data, state):
        with self.lock:
            if self.hold_pattern and self.hold_pattern in data:
                if self.hold_skip > 0:
                    self.hold_skip -= 1
                else:
                    self.held += 1
                    self.lock.notify_all()
                    self.lock.wait_for(lambda: self.hold_pattern is None or self.closed)
            if self.cut_pattern and self.cut_pattern in data:
                state["counting"] = True
        return True

    def _from_server(self, data, state):
        with self.lock:
            if not state["counting"] or self.cut_after is None:
                return True
            state["seen"] += len(data)
            if state["seen"] < self.cut_after:
                return True
            self.cut_after = None
            self.cuts += 1
        return False

    def close(self):
        with self.lock:
            self.closed = True
            self.lock.notify_all()
        self.server.close()
        for end in self.sockets:
            try:
                end.close()
            except OSError:
                pass
