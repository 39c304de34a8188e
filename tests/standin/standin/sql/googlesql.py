# SPDX-License-Identifier: Apache-2.0
"""Google's own SQL parser, analyzer and reference engine, as WebAssembly.

The PyPI package `zetasql` carries ZetaSQL's local service compiled to WebAssembly. Its Python layer copies
memory byte by byte and wraps every message in a class, so this module talks to the module's exported
functions directly, with the package's generated protobuf classes.

Compiling 28 MB of WebAssembly takes a minute or more, so the machine code is kept in a cache file; it is
made once for each version of package and runtime.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import sys
import tempfile
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import tzdata
import wasmtime
from google.protobuf import empty_pb2
from google.protobuf.message import Message
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service_pb2

_SIZE_T = 4


class GoogleSqlError(Exception):
    """What the analyzer (or the reference engine) refuses, in its own words."""


def cache_folder() -> Path:
    """Where the compiled module is kept: $STANDIN_CACHE, the project's .deps, or the user's cache."""
    chosen = os.environ.get("STANDIN_CACHE")
    if chosen:
        return Path(chosen)
    project = Path(__file__).resolve().parents[4] / ".deps"
    if project.is_dir():
        return project / "googlesql"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bigquery-standin"


def _compiled_module(engine: wasmtime.Engine) -> wasmtime.Module:
    versions = "-".join(metadata.version(name) for name in ("zetasql", "wasmtime"))
    cpu = hashlib.sha256(_cpu_flags().encode()).hexdigest()[:8]
    path = cache_folder() / f"zetasql-{versions}-{platform.machine()}-{cpu}.cwasm"
    if path.exists():
        try:
            return wasmtime.Module.deserialize_file(engine, str(path))
        except wasmtime.WasmtimeError:
            pass  # made by another build of the runtime: made again below
    print("standin: compiling Google's SQL analyzer, once: a minute or two", file=sys.stderr, flush=True)
    module = wasmtime.Module.from_file(engine, str(get_wasm_path()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(module.serialize())
    os.replace(file.name, path)
    return module


def _cpu_flags() -> str:
    """Machine code made on one processor must not be loaded on another that lacks its instructions."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("flags"):
                return line
    except OSError:
        pass
    return platform.processor()


class GoogleSql:
    """One instance of the WebAssembly module. Calls are serialized: the module has one thread."""

    def __init__(self, generation: int = 0) -> None:
        self.generation = generation  # ids that one instance gave mean nothing to the next
        config = wasmtime.Config()
        config.shared_memory = True
        engine = wasmtime.Engine(config)
        self._store = wasmtime.Store(engine)
        wasi = wasmtime.WasiConfig()
        wasi.inherit_stderr()
        wasi.preopen_dir(str(Path(tzdata.__file__).parent / "zoneinfo"), "/usr/share/zoneinfo")
        self._store.set_wasi(wasi)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        instance = linker.instantiate(self._store, _compiled_module(engine))
        exports = instance.exports(self._store)
        if "_initialize" in exports:
            exports["_initialize"](self._store)
        self._exports = exports
        self._memory = exports["memory"]
        self._lock = threading.Lock()

    def call(self, method: str, request: Message, response: type[Message] = empty_pb2.Empty) -> Any:
        """Call ZetaSqlLocalService's method; raises GoogleSqlError with the service's message."""
        data = request.SerializeToString()
        with self._lock:
            try:
                answer = self._call(f"ZetaSqlLocalService_{method}", data)
            except wasmtime.Trap as trap:
                # Memory may be in any state now: whoever calls next gets a fresh instance.
                _discard(self)
                raise GoogleSqlError(f"Code: 13, Message: the SQL analyzer crashed in {method}") from trap
        return response.FromString(answer)

    def _call(self, name: str, data: bytes) -> bytes:
        store, exports = self._store, self._exports
        request = exports["wasm_malloc"](store, max(len(data), 1))
        size = exports["wasm_malloc"](store, _SIZE_T)
        try:
            self._write(request, data)
            answer = exports[name](store, request, len(data), size)
            if answer == 0:
                raise GoogleSqlError(self._last_error())
            length = int.from_bytes(self._read(size, _SIZE_T), "little")
            result = self._read(answer, length)
            exports["wasm_free"](store, answer)
            return result
        finally:
            if sys.exc_info()[0] is not wasmtime.Trap:
                exports["wasm_free"](store, request)
                exports["wasm_free"](store, size)

    def _address(self, offset: int) -> int:
        return ctypes.addressof(self._memory.data_ptr().contents) + offset

    def _write(self, offset: int, data: bytes) -> None:
        ctypes.memmove(self._address(offset), data, len(data))

    def _read(self, offset: int, length: int) -> bytes:
        return ctypes.string_at(self._address(offset), length)

    def _last_error(self) -> str:
        length = self._exports["wasm_get_last_error_size"](self._store)
        start = self._exports["wasm_get_last_error"](self._store)
        return self._read(start, length).decode("utf-8", "replace")


_instance: GoogleSql | None = None
_generation = 0
_instance_lock = threading.Lock()


def instance() -> GoogleSql:
    """The process's only instance, made when SQL is first needed, and anew after a crash."""
    global _instance
    with _instance_lock:
        if _instance is None:
            _instance = GoogleSql(_generation)
        return _instance


def _discard(crashed: GoogleSql) -> None:
    global _instance, _generation
    with _instance_lock:
        if _instance is crashed:
            _instance = None
            _generation += 1


def main() -> None:
    """`python -m standin.sql.googlesql` makes the compiled module, so that no test has to wait for it."""
    instance()
    print(cache_folder())


__all__ = ["GoogleSql", "GoogleSqlError", "cache_folder", "instance", "service_pb2"]

if __name__ == "__main__":
    main()
