# SPDX-License-Identifier: Apache-2.0
"""`python -m standin`: see app.options()."""

from __future__ import annotations

import json
import signal
import sys
import threading

from standin.app import App, options


def main() -> int:
    config = options().parse_args()
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    app = App(config)
    try:
        print(json.dumps(app.start()), flush=True)
        if config.until_eof:
            threading.Thread(target=lambda: (sys.stdin.buffer.read(), stopped.set()), daemon=True).start()
        # A wait without an end would not notice signals on some platforms.
        while not stopped.wait(3600):
            pass
    finally:
        app.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
