# SPDX-License-Identifier: Apache-2.0
"""The stand-in as one object: its parts, its ports, its life."""

from __future__ import annotations

import argparse
import os
from typing import Any

from standin.catalog import Catalog, Clock
from standin.discovery import Discovery
from standin.faults import Faults
from standin.http import Server


class App:
    """config: the parsed options of `serve` (see options()). start() opens the ports, stop() closes everything."""

    def __init__(self, config: argparse.Namespace):
        from standin.auth import Auth
        from standin.jobs.table import Jobs
        from standin.uploads import Uploads
        self.config = config
        self.clock = Clock()
        self.discovery = Discovery()
        self.catalog = Catalog(self.clock, projects=tuple(config.project or ()))
        self.faults: Any = Faults(config.record)
        self.auth: Any = Auth(self)
        self.gcs: Any = None
        self.uploads = Uploads(self)
        self.jobs = Jobs(self)
        self.urls: dict[str, str] = {}
        self.servers: list[Server] = []

    @property
    def sql(self) -> Any:
        """The SQL engine, loaded when the first statement comes."""
        from standin.sql import engine
        return engine

    def start(self) -> dict[str, Any]:
        """Opens the ports; returns what `serve` prints."""
        from standin import auth
        from standin.routes import Router
        host = self.config.host
        bigquery = Server(self, "bigquery", Router(), self.config.port, host).start()
        identity = Server(self, "auth", auth.Router(), self.config.auth_port, host).start()
        self.servers += [bigquery, identity]
        self.urls.update(bigquery=bigquery.url, auth=identity.url)
        if not self.config.no_gcs:
            from standin import gcs
            self.gcs = gcs.Gcs(self)
            storage = Server(self, "storage", gcs.Router(), self.config.gcs_port, host).start()
            self.servers.append(storage)
            self.urls["gcs"] = storage.url
            self.gcs.start()
        return {"pid": os.getpid(), "bigquery": bigquery.url, "gcs": self.urls.get("gcs"), "auth": identity.url,
                "oauth": f"{identity.url}/token", "sts": f"{identity.url}/v1/token", "iamcredentials": identity.url,
                "metadata": f"{identity.host}:{identity.port}"}

    def reset_data(self) -> None:
        """No dataset, no job, no upload; objects are the storage part's."""
        self.jobs.reset()
        self.uploads.reset()
        self.catalog.reset()

    def stop(self) -> None:
        for server in self.servers:
            server.stop()
        self.jobs.reset()
        self.uploads.reset()
        if self.gcs is not None:
            self.gcs.stop()


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serve", description="A small BigQuery for tests. Prints one line of JSON with its addresses, then serves "
        "until SIGTERM, SIGINT, or the end of its standard input (--until-eof).")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the BigQuery API; 0 (default) picks a free one")
    parser.add_argument("--gcs-port", type=int, default=0, help="port of the Cloud Storage API")
    parser.add_argument("--auth-port", type=int, default=0, help="port of tokens, impersonation and the metadata server")
    parser.add_argument("--auth", choices=("none", "verify"), default="none",
                        help="verify: requests need a token of this server that has not expired (default %(default)s)")
    parser.add_argument("--project", action="append", help="a project that exists (may be repeated; default: every name)")
    parser.add_argument("--record", metavar="FILE", help="write each request as a line of JSON")
    parser.add_argument("--storage", metavar="DIR", help="keep objects in a folder instead of memory")
    parser.add_argument("--fake-gcs", metavar="PATH", help="the fake-gcs-server program")
    parser.add_argument("--no-gcs", action="store_true", help="without Cloud Storage")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    return parser
