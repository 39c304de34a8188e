# SPDX-License-Identifier: Apache-2.0
"""The metadata server of a virtual machine or a Cloud Run job.

https://docs.cloud.google.com/compute/docs/metadata/querying-metadata: requests need `Metadata-Flavor: Google`, those
with X-Forwarded-For are refused, answers carry `Metadata-Flavor: Google`.
https://docs.cloud.google.com/compute/docs/access/authenticate-workloads#applications: tokens are cached until a few
minutes before they expire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from standin.auth.tokens import NUMBER, Identity, Token
from standin.http import Request, Response

if TYPE_CHECKING:
    from standin.auth import Auth

ROOT = "/computeMetadata/v1/"
ACCOUNTS = ROOT + "instance/service-accounts/"
CACHED_SECONDS = 240  # a token with less than that to live is replaced


def _text(status: int, body: str, kind: str = "application/text") -> Response:
    return Response(status, {"Content-Type": kind, "Metadata-Flavor": "Google", "Server": "Metadata Server for VM"},
                    body.encode())


def _json(value: Any) -> Response:
    response = Response.json(value)
    response.headers.update({"Content-Type": "application/json", "Metadata-Flavor": "Google",
                             "Server": "Metadata Server for VM"})
    return response


def _page(status: int, title: str, text: str) -> Response:
    return _text(status, f"<!DOCTYPE html>\n<html lang=en>\n<title>Error {status} ({title})!!1</title>\n"
                 f"<p><b>{status}.</b> <ins>{text}</ins>\n", "text/html; charset=UTF-8")


class Metadata:
    """What the server tells, and whose tokens it hands out."""

    def __init__(self) -> None:
        self.project = "test-project"
        self.email: str | None = None
        self.scopes: tuple[str, ...] = ()
        self.zone = "us-central1-a"
        self.cached: dict[frozenset[str], Token] = {}

    def attach(self, email: str | None, project: str, scopes: list[str]) -> None:
        self.email, self.project, self.scopes = email, project, tuple(scopes)
        self.cached.clear()

    def method_id(self, path: str) -> str | None:
        """Of a path that is the metadata server's, else None."""
        if path == "/":
            return "metadata.ping"
        if not path.startswith("/computeMetadata"):
            return None
        return "metadata." + {"token": "token", "identity": "identity", "email": "email", "scopes": "scopes",
                              "project-id": "projectId", "universe-domain": "universeDomain",
                              "service-accounts": "serviceAccounts"}.get(path.rstrip("/").rsplit("/", 1)[-1], "get")

    def handle(self, auth: "Auth", request: Request) -> Response:
        if "X-Forwarded-For" in request.headers:
            return _page(403, "Forbidden", "Requests with X-Forwarded-For are refused")
        if request.headers.get("Metadata-Flavor") != "Google":
            return _page(403, "Forbidden", "Missing Metadata-Flavor:Google header.")
        if request.method not in ("GET", "HEAD"):
            return _page(405, "Method Not Allowed", f"The request method {request.method} is inappropriate for the URL")
        if request.path == "/":
            return _text(200, "computeMetadata/\n")
        plain = {"project/project-id": self.project, "project/numeric-project-id": NUMBER,
                 "instance/zone": f"projects/{NUMBER}/zones/{self.zone}", "universe/universe-domain": "googleapis.com",
                 "": "instance/\noslogin/\nproject/\nuniverse/\n"}
        if request.path.startswith(ACCOUNTS):
            return self._account(auth, request)
        path = request.path.removeprefix(ROOT)
        return _text(200, plain[path]) if request.path.startswith(ROOT) and path in plain else self._missing(request)

    @staticmethod
    def _missing(request: Request) -> Response:
        return _page(404, "Not Found", f"The requested URL {request.path} was not found on this server.")

    def _account(self, auth: "Auth", request: Request) -> Response:
        name, slash, what = request.path.removeprefix(ACCOUNTS).partition("/")
        if not name:
            return _text(200, f"default/\n{self.email}/\n" if self.email else "")
        if self.email is None or name not in ("default", self.email):
            return self._missing(request)
        if not slash:
            response = _text(301, "")
            response.headers["Location"] = f"{request.base_url}{request.path}/"
            return response
        if what == "token":
            return self._token(auth, request)
        if what == "" and request.argument("recursive") == "true":
            return _json({"aliases": ["default"], "email": self.email, "scopes": list(self.scopes)})
        plain = {"": "aliases\nemail\nidentity\nscopes\ntoken\n", "email": self.email, "aliases": "default\n",
                 "scopes": "\n".join(self.scopes) + "\n"}
        return _text(200, plain[what]) if what in plain else self._missing(request)

    def _token(self, auth: "Auth", request: Request) -> Response:
        asked = request.argument("scopes")
        scopes = frozenset(asked.split(",")) if asked else frozenset(self.scopes)
        token = self.cached.get(scopes)
        if (
            token is None
            or not token.valid
            or token.expires - time.time() < min(CACHED_SECONDS, auth.directory.lifetime / 2)
        ):
            token = auth.directory.issue(Identity(str(self.email), "service_account", scopes))
            self.cached[scopes] = token
        return _json({"access_token": token.value, "expires_in": max(0, int(token.expires - time.time())),
                      "token_type": "Bearer"})
