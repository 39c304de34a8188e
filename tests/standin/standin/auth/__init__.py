# SPDX-License-Identifier: Apache-2.0
"""Who asks, and what they may: token endpoints, bearer tokens, scopes and permissions.

https://docs.cloud.google.com/docs/authentication (credentials), https://developers.google.com/identity/protocols/oauth2
(tokens), https://google.aip.dev/auth (how Google's own clients go about it)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Iterable

from standin.auth import endpoints, jwt
from standin.auth.metadata import Metadata
from standin.auth.permissions import METHODS, Policies
from standin.auth.tokens import ANONYMOUS, CLOUD_PLATFORM, NUMBER, Directory, Identity
from standin.errors import ApiError, not_implemented
from standin.http import Request, Response, unquoted

SERVICE_HOSTS = {"bigquery": "https://bigquery.googleapis.com/", "storage": "https://storage.googleapis.com/",
                 "auth": "https://iamcredentials.googleapis.com/"}
SIGN_IN = "See https://developers.google.com/identity/sign-in/web/devconsole-project."


class AuthError(ApiError):
    """401, and 403 for a scope: with the details that Google's front end adds."""

    def __init__(self, reason: str, status: int, message: str, short: str, challenge: str, detail: str):
        super().__init__(reason, message, status=status, location="Authorization", location_type="header")
        self.short = short
        self.challenge = challenge
        self.detail = detail

    def body(self) -> dict[str, Any]:
        body = super().body()
        body["error"]["errors"][0]["message"] = self.short
        if self.status == 403:
            del body["error"]["errors"][0]["location"], body["error"]["errors"][0]["locationType"]
        body["error"]["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.detail,
                                     "domain": "googleapis.com"}]
        return body


@dataclass
class Provider:
    """The one identity provider of a workload identity pool: its tokens are exchanged by STS."""

    issuer: str = "https://idp.example.com"
    pool: str = f"//iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/standin-pool"
    key: jwt.Key = field(default_factory=jwt.Key.make)

    @property
    def audience(self) -> str:
        return f"{self.pool}/providers/standin-provider"

    def subject_token(self, subject: str, seconds: int = 600, audience: str | None = None) -> str:
        now = int(time.time())
        return self.key.sign({"iss": self.issuer, "sub": subject, "aud": audience or f"https:{self.audience}",
                              "iat": now, "exp": now + seconds})


class Auth:
    """All of it for one stand-in. mode "none": whoever comes is let in, with or without a token; "verify": a valid
    bearer token is needed, of an identity that the stand-in has made."""

    def __init__(self, app: Any):
        self.app = app
        self.mode: str = app.config.auth
        self.directory = Directory()
        self.policies = Policies()
        self.metadata = Metadata()
        self._provider: Provider | None = None

    def url(self, name: str) -> str:
        """One of the addresses of this port: "oauth", "sts", "iamcredentials" or "idp"."""
        path = {"oauth": "/token", "sts": "/v1/token", "idp": "/idp/subject-token"}.get(name, "")
        return self.app.urls["auth"] + path

    @property
    def provider(self) -> Provider:
        if self._provider is None:
            self._provider = Provider()
        return self._provider

    def reset(self) -> None:
        """Policies and tokens are forgotten; accounts, keys and logins stay."""
        self.policies.clear()
        with self.directory.lock:
            self.directory.tokens.clear()
            self.directory.lifetime = 3600
            for user in self.directory.users:
                user.revoked = False
            for account in self.directory.accounts.values():
                account.disabled = False
        self.metadata.attach(None, self.metadata.project, [])

    # Tokens -------------------------------------------------------------------------------------

    def account_keys(self, claims: dict[str, Any]) -> list[jwt.Key]:
        """The keys of a token's issuer."""
        account = self.directory.accounts.get(str(claims.get("iss")))
        if account is None or account.disabled:
            raise jwt.JwtError("Invalid grant: account not found")
        return account.keys

    def _bearer(self, request: Request) -> str | None:
        header = request.headers.get("Authorization")
        if header is None:
            return request.argument("access_token")
        kind, _, value = header.partition(" ")
        return value.strip() if kind.lower() == "bearer" else ""

    def authenticate(self, request: Request) -> Identity:
        """Sets request.identity; ApiError 401 when the token is missing or does not hold."""
        value = self._bearer(request)
        identity = self._identity(value, request.service) if value else None
        if identity is None:
            if self.mode == "verify":
                raise self.unauthenticated(value is None)
            identity = ANONYMOUS
        request.identity = identity
        return identity

    def _identity(self, value: str, service: str) -> Identity | None:
        if jwt.looks_like_jwt(value):
            try:
                return self._self_signed(value, service)
            except jwt.JwtError:
                return None
        token = self.directory.find(value)
        return token.identity if token is not None and token.valid else None

    def _self_signed(self, value: str, service: str) -> Identity:
        """https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth: the service's own address
        as audience, or scopes, never both (https://google.aip.dev/auth/4111)."""
        claims = jwt.verify(value, self.account_keys)
        jwt.check_times(claims)
        if claims.get("sub") != claims["iss"]:
            raise jwt.JwtError("sub is not iss")
        if "scope" in claims:
            if "aud" in claims:
                raise jwt.JwtError("both a scope and an audience")
            return Identity(claims["iss"], "service_account", frozenset(str(claims["scope"]).split()))
        if claims.get("aud") != SERVICE_HOSTS[service]:
            raise jwt.JwtError("another service's audience")
        return Identity(claims["iss"], "service_account", all_scopes=True)

    # Refusals -----------------------------------------------------------------------------------

    @staticmethod
    def unauthenticated(missing: bool) -> AuthError:
        if missing:
            return AuthError("required", 401, "Request is missing required authentication credential. Expected OAuth 2 "
                             f"access token, login cookie or other valid authentication credential. {SIGN_IN}",
                             "Login Required.", "", "CREDENTIALS_MISSING")
        return AuthError("authError", 401, "Request had invalid authentication credentials. Expected OAuth 2 access "
                         f"token, login cookie or other valid authentication credential. {SIGN_IN}",
                         "Invalid Credentials", "invalid_token", "ACCESS_TOKEN_EXPIRED")

    @staticmethod
    def insufficient_scope() -> AuthError:
        return AuthError("insufficientPermissions", 403, "Request had insufficient authentication scopes.",
                         "Insufficient Permission", "insufficient_scope", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")

    # Permissions --------------------------------------------------------------------------------

    def authorize(self, request: Request, scopes: Iterable[str], resources: dict[str, str] | None = None) -> None:
        """Scopes of a method (any of them is enough), then its permission on the resource that its path names.
        `resources` names what the path alone does not tell (a bucket's project)."""
        identity = request.identity
        allowed = set(scopes)
        if allowed and not identity.all_scopes and not identity.scopes & allowed:
            raise self.insufficient_scope()
        asked = METHODS.get(request.method_id or "", None)
        if asked is not None:
            permission, kind = asked
            named = resources or bigquery_resources(request.parameters)
            self.require(identity, permission, named[kind])

    def require(self, identity: Identity, permission: str, resource: str) -> None:
        """ApiError 403 in the words of the service that the permission belongs to."""
        if self.policies.allows(identity.email, permission, resource):
            return
        raise denied(identity, permission, resource)

    def require_job(self, identity: Identity, owner: str, permission: str, project: str) -> None:
        """Of one's own jobs nobody asks for a permission, unless a policy says no to it:
        https://docs.cloud.google.com/bigquery/docs/managing-jobs#view_job_details"""
        resource = f"projects/{project}"
        if self.policies.denies(identity.email, permission, resource):
            raise denied(identity, permission, resource)
        if owner != identity.email:
            self.require(identity, permission, resource)

    def held(self, identity: Identity, permissions: list[str], resource: str) -> list[str]:
        """Those of the permissions that the identity has: testIamPermissions."""
        return [name for name in permissions if self.policies.allows(identity.email, name, resource)]


def bigquery_resources(parameters: dict[str, Any]) -> dict[str, str]:
    """Resource names from the path parameters of a BigQuery method; a table's decorator is no part of its name."""
    project = f"projects/{parameters.get('projectId', '-')}"
    dataset = f"{project}/datasets/{parameters.get('datasetId', '-')}"
    table = re.split(r"[$@]", str(parameters.get("tableId", "-")))[0]
    return {"project": project, "dataset": dataset, "table": f"{dataset}/tables/{table}"}


def denied(identity: Identity, permission: str, resource: str) -> ApiError:
    """https://docs.cloud.google.com/bigquery/docs/error-messages (accessDenied),
    https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes#403-forbidden"""
    parts = resource.split("/")
    if permission.startswith("storage."):
        kind = "object" if "objects" in parts else "bucket" if "buckets" in parts else "project"
        return ApiError("forbidden", f"{identity.email} does not have {permission} access to the Google Cloud Storage "
                        f"{kind}. Permission '{permission}' denied on resource (or it may not exist).", status=403)
    if len(parts) <= 2:
        return ApiError(
            "accessDenied",
            f"Access Denied: Project {parts[1]}: User does not have {permission} permission in project {parts[1]}.",
        )
    kind, name = ("Table", f"{parts[1]}:{parts[3]}.{parts[5]}") if len(parts) > 5 else \
        ("Dataset", f"{parts[1]}:{parts[3]}")
    return ApiError("accessDenied", f"Access Denied: {kind} {name}: Permission {permission} denied on {kind.lower()} "
                    f"{name} (or it may not exist).")


# The port of the token endpoints ------------------------------------------------------------------

def _oauth_style(handler: Any) -> Any:
    def handle(app: Any, request: Request) -> Response:
        try:
            return handler(app.auth, request)
        except endpoints.OAuthError as error:
            return error.response
    return handle


class Router:
    """Paths of oauth2, sts, iamcredentials, cloudresourcemanager and the metadata server on one port: none of them
    is another's."""

    def resolve(self, app: Any, request: Request) -> tuple[str | None, Any]:
        if request.path.startswith("/standin/"):
            from standin import control
            return None, control.handle
        method_id = app.auth.metadata.method_id(request.path)
        if method_id is not None:
            return method_id, lambda app, request: app.auth.metadata.handle(app.auth, request)
        known = False
        for verb, pattern, method_id, handler in endpoints.ROUTES:
            match = re.fullmatch(pattern, request.path)
            if match and verb == request.method:
                request.parameters = {name: unquoted(value) for name, value in match.groupdict().items()}
                return method_id, _oauth_style(handler)
            known = known or bool(match)
        if known:
            raise ApiError("badRequest", f"{request.method} is not allowed here", status=405)
        raise not_implemented(f"{request.method} {request.path}")


__all__ = ["ANONYMOUS", "Auth", "CLOUD_PLATFORM", "Identity", "Router", "bigquery_resources"]
