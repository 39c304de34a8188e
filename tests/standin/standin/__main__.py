# SPDX-License-Identifier: Apache-2.0
"""`python -m standin`: see app.options()."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading

from standin.app import App, options


def main() -> int:
    config = options().parse_args()
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    # One folder for whatever is written aside, so that nothing is left behind, or one thing after a kill -9.
    with tempfile.TemporaryDirectory(prefix="standin-") as folder:
        tempfile.tempdir = folder
        return serve(App(config), config.until_eof, stopped)


def serve(app: App, until_eof: bool, stopped: threading.Event) -> int:
    try:
        print(json.dumps(app.start()), flush=True)
        if until_eof:
            threading.Thread(target=wait_for_eof, args=(stopped,), daemon=True).start()
        # A wait without an end would not notice signals on some platforms.
        while not stopped.wait(3600):
            pass
    finally:
        app.stop()
    return 0


def wait_for_eof(stopped: threading.Event) -> None:
    sys.stdin.buffer.read()
    stopped.set()


if __name__ == "__main__":
    sys.exit(main())
