# SPDX-License-Identifier: Apache-2.0
"""Where tokens come from: OAuth 2.0, the Security Token Service, IAM Credentials, and the policies' test.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
https://developers.google.com/identity/protocols/oauth2/web-server#offline
https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
https://docs.cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions"""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from standin.auth import jwt
from standin.auth.tokens import CLOUD_PLATFORM, NUMBER, Identity, Token
from standin.errors import ApiError
from standin.http import Request, Response, parse_json

if TYPE_CHECKING:
    from standin.auth import Auth

TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"
OLD_AUDIENCES = ("https://www.googleapis.com/oauth2/v4/token", "https://accounts.google.com/o/oauth2/token",
                 "https://www.googleapis.com/oauth2/v3/token")
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SUBJECT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
SCOPE = re.compile(r"https://www\.googleapis\.com/auth/[a-z0-9_.\-/]+|openid|email|profile")
FORM = "application/x-www-form-urlencoded"
IAM_SCOPES = frozenset((CLOUD_PLATFORM, "https://www.googleapis.com/auth/iam"))


class OAuthError(Exception):
    """An error in the form of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400):
        super().__init__(description)
        self.response = Response.json({"error": error, "error_description": description}, status)


def _form(request: Request) -> dict[str, str]:
    """The fields of a form; one that comes twice is refused (RFC 6749, section 3.2)."""
    kind = (request.headers.get("Content-Type") or "").split(";")[0].strip().lower()
    if kind != FORM:
        raise OAuthError("invalid_request", f"Bad Request: the body has to be {FORM}, not {kind or 'of no type'}")
    try:
        pairs = parse_qsl(request.content().decode("utf-8"), keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise OAuthError("invalid_request", "Bad Request: the form cannot be read") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthError("invalid_request", "OAuth 2 parameters can only have a single value")
    return fields


def _scopes(text: str) -> frozenset[str]:
    scopes = frozenset(text.split())
    if not scopes:
        raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise OAuthError("invalid_scope", f"Some requested scopes were invalid. {{invalid=[{scope}]}}")
    return scopes


def _answer(token: Token, **more: Any) -> Response:
    seconds = max(0, int(token.expires - time.time()))
    return Response.json({"access_token": token.value, "expires_in": seconds, "token_type": "Bearer", **more},
                         headers={"Cache-Control": "no-store"})


# oauth2.googleapis.com ----------------------------------------------------------------------------

def oauth_token(auth: "Auth", request: Request) -> Response:
    fields = _form(request)
    grant = fields.get("grant_type")
    if grant is None:
        raise OAuthError("invalid_request", "Required parameter is missing: grant_type")
    if grant == JWT_BEARER:
        return _jwt_bearer(auth, fields)
    if grant == "refresh_token":
        return _refresh(auth, fields)
    raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {grant}")


def _jwt_bearer(auth: "Auth", fields: dict[str, str]) -> Response:
    if not fields.get("assertion"):
        raise OAuthError("invalid_request", "Required parameter is missing: assertion")
    try:
        claims = jwt.verify(fields["assertion"], auth.account_keys)
        jwt.check_times(claims)
    except jwt.JwtError as error:
        raise OAuthError("invalid_grant", str(error)) from error
    if claims.get("aud") not in (TOKEN_ENDPOINT, *OLD_AUDIENCES, auth.url("oauth")):
        raise OAuthError("invalid_grant", f"Invalid JWT: Failed audience check. The right audience is {TOKEN_ENDPOINT}")
    if claims.get("sub") not in (None, "", claims["iss"]):
        raise OAuthError(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or "
            "client not authorized for any of the scopes requested.",
            401,
        )
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return _answer(auth.directory.issue(Identity(claims["iss"], "service_account", _scopes(scope))))


def _refresh(auth: "Auth", fields: dict[str, str]) -> Response:
    for name in ("client_id", "client_secret", "refresh_token"):
        if not fields.get(name):
            raise OAuthError("invalid_request", f"Required parameter is missing: {name}")
    known = [user for user in auth.directory.users if user.client_id == fields["client_id"]]
    if not known:
        raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
    if all(user.client_secret != fields["client_secret"] for user in known):
        raise OAuthError("invalid_client", "Unauthorized", 401)
    user = next((user for user in known if user.refresh_token == fields["refresh_token"]), None)
    if user is None:
        raise OAuthError("invalid_grant", "Bad Request")
    if user.revoked:
        raise OAuthError("invalid_grant", "Token has been expired or revoked.")
    granted = frozenset((CLOUD_PLATFORM, "openid", "https://www.googleapis.com/auth/userinfo.email"))
    asked = _scopes(fields["scope"]) if fields.get("scope") else granted
    # cloud-platform includes the scopes of the services behind it
    return _answer(auth.directory.issue(Identity(user.email, "user", asked)), scope=" ".join(sorted(asked)))


def oauth_tokeninfo(auth: "Auth", request: Request) -> Response:
    """https://developers.google.com/identity/sign-in/web/backend-auth#calling-the-tokeninfo-endpoint"""
    token = auth.directory.find(request.argument("access_token") or "")
    if token is None or not token.valid:
        raise OAuthError("invalid_token", "Invalid Value")
    return Response.json({"azp": "standin", "aud": "standin", "scope": " ".join(sorted(token.identity.scopes)),
                          "exp": str(int(token.expires)), "expires_in": str(int(token.expires - time.time())),
                          "email": token.identity.email, "email_verified": "true", "access_type": "online"})


def oauth_revoke(auth: "Auth", request: Request) -> Response:
    """RFC 7009 as Google has it: an access token or a refresh token."""
    value = request.argument("token") or _form(request).get("token", "")
    token = auth.directory.find(value)
    if token is not None and token.valid:
        token.revoked = True
        return Response.json({})
    for user in auth.directory.users:
        if user.refresh_token == value and not user.revoked:
            user.revoked = True
            return Response.json({})
    raise OAuthError("invalid_token", "Token expired or revoked")


# sts.googleapis.com -------------------------------------------------------------------------------

def sts_token(auth: "Auth", request: Request) -> Response:
    fields = _form(request)
    if fields.get("grant_type") != EXCHANGE:
        raise OAuthError(
            "unsupported_grant_type", f"Invalid grant_type: {fields.get('grant_type')}. It has to be {EXCHANGE}"
        )
    for name in ("audience", "subject_token", "subject_token_type", "requested_token_type"):
        if not fields.get(name):
            raise OAuthError("invalid_request", f"Missing required parameter: {name}.")
    if fields["requested_token_type"] != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"Invalid requested_token_type: {fields['requested_token_type']}")
    scopes = _scopes(fields.get("scope", ""))
    if fields["audience"] != auth.provider.audience:
        raise OAuthError(
            "invalid_target",
            'The target service indicated by the "audience" parameters is invalid. This '
            "might either be because the pool or provider is disabled or deleted or because it doesn't exist.",
        )
    if fields["subject_token_type"] not in SUBJECT_TYPES:
        raise OAuthError(
            "invalid_request",
            "The subject token type does not match the provider's, which is OpenID Connect: "
            f"{fields['subject_token_type']}",
        )
    claims = _subject(auth, fields["subject_token"])
    principal = f"principal:{auth.provider.pool}/subject/{claims['sub']}"
    token = auth.directory.issue(Identity(principal, "principal", scopes))
    return _answer(token, issued_token_type=ACCESS_TOKEN)


def _subject(auth: "Auth", token: str) -> dict[str, Any]:
    """An OpenID Connect token of the pool's provider:
    https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-providers#oidc"""
    provider = auth.provider
    try:
        claims = jwt.verify(token, lambda claims: [provider.key])
    except jwt.JwtError as error:
        raise OAuthError("invalid_grant", f"The ID Token could not be verified: {error}") from error
    if claims.get("iss") != provider.issuer:
        raise OAuthError(
            "invalid_grant",
            f"The issuer in ID Token {claims.get('iss')} does not match the expected ones: {provider.issuer}.",
        )
    audiences = claims.get("aud") if isinstance(claims.get("aud"), list) else [claims.get("aud")]
    if not set(audiences) & {provider.audience, f"https:{provider.audience}"}:
        raise OAuthError("invalid_grant", f"The audience in ID Token {audiences} does not match the expected audience "
                         f"https:{provider.audience}.")
    if not claims.get("sub") or not isinstance(claims.get("exp"), (int, float)) or claims["exp"] <= time.time():
        raise OAuthError("invalid_grant", f"ID Token issued at {claims.get('iat')} is stale to sign-in.")
    return claims


def subject_token(auth: "Auth", request: Request) -> Response:
    """Not Google's: the identity provider of a workload, for credential sources of the kind `url`."""
    if request.headers.get("Authorization") != "Bearer workload":
        return Response.json({"error": "the workload's own token is missing"}, 401)
    token = auth.provider.subject_token(request.argument("subject") or "workload")
    if request.argument("format") == "json":
        return Response.json({"value": token})
    return Response(200, {"Content-Type": "text/plain"}, token.encode())


# iamcredentials.googleapis.com --------------------------------------------------------------------

def _lifetime(text: Any) -> int:
    match = re.fullmatch(r"(\d+)(?:\.\d+)?s", text) if isinstance(text, str) else None
    if match is None:
        raise ApiError(
            "badRequest", f"Invalid value at 'lifetime' (type.googleapis.com/google.protobuf.Duration), {text!r}"
        )
    if not 0 < int(match[1]) <= 3600:
        raise ApiError("badRequest", "The token lifetime cannot exceed 3600 seconds (1 hour)")
    return int(match[1])


def generate_access_token(auth: "Auth", request: Request) -> Response:
    identity = auth.authenticate(request)
    if not identity.all_scopes and not identity.scopes & IAM_SCOPES:
        raise auth.insufficient_scope()
    body = parse_json(request.content())
    unknown = sorted(set(body) - {"delegates", "scope", "lifetime"}) if isinstance(body, dict) else ["(no object)"]
    if unknown:
        raise ApiError("badRequest", f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.')
    scope = body.get("scope")
    if not scope or not isinstance(scope, list) or not all(isinstance(name, str) for name in scope):
        raise ApiError("badRequest", "Request contains an invalid argument: scope is required")
    if not all(SCOPE.fullmatch(name) for name in scope):
        raise ApiError("badRequest", f"Invalid OAuth scope or ID token audience provided: {scope}")
    lifetime = _lifetime(body.get("lifetime", "3600s"))
    email = request.parameters["email"]
    account = auth.directory.accounts.get(email)
    if account is None or account.disabled:
        raise ApiError("notFound", f"Not found; Gaia id not found for email {email}")
    chain = [
        identity.email,
        *(name.removeprefix("projects/-/serviceAccounts/") for name in body.get("delegates") or []),
    ]
    for holder, target in zip(chain, [*chain[1:], email], strict=True):
        owner = auth.directory.accounts.get(target)
        resource = f"projects/{owner.project if owner else '-'}/serviceAccounts/{target}"
        if not auth.policies.allows(holder, "iam.serviceAccounts.getAccessToken", resource):
            raise ApiError(
                "forbidden",
                "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
                status=403,
            )
    token = auth.directory.issue(Identity(email, "service_account", frozenset(scope)), lifetime)
    expires = datetime.fromtimestamp(token.expires, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Response.json({"accessToken": token.value, "expireTime": expires})


# cloudresourcemanager.googleapis.com --------------------------------------------------------------

def project_test_permissions(auth: "Auth", request: Request) -> Response:
    identity = auth.authenticate(request)
    body = parse_json(request.content())
    asked = body.get("permissions") if isinstance(body, dict) else None
    if not isinstance(asked, list) or set(body) != {"permissions"}:
        raise ApiError("badRequest", "Invalid JSON payload received: it has to be {\"permissions\": [...]}")
    if any("*" in name for name in asked):
        raise ApiError("badRequest", "Permissions with wildcards are not allowed")
    held = auth.held(identity, asked, f"projects/{request.parameters['project']}")
    return Response.json({"permissions": held} if held else {})


def project_get(auth: "Auth", request: Request) -> Response:
    identity = auth.authenticate(request)
    project = request.parameters["project"]
    if not auth.policies.allows(identity.email, "resourcemanager.projects.get", f"projects/{project}"):
        raise ApiError("forbidden", f"The caller does not have permission on {project}", status=403)
    return Response.json({"projectNumber": NUMBER, "projectId": project, "lifecycleState": "ACTIVE", "name": project})


ROUTES: list[tuple[str, str, str, Any]] = [
    ("POST", r"/token", "oauth.token", oauth_token),
    ("GET", r"/(?:tokeninfo|oauth2/v[13]/tokeninfo)", "oauth.tokeninfo", oauth_tokeninfo),
    ("POST", r"/(?:tokeninfo|oauth2/v[13]/tokeninfo)", "oauth.tokeninfo", oauth_tokeninfo),
    ("POST", r"/revoke", "oauth.revoke", oauth_revoke),
    ("POST", r"/v1/token", "sts.token", sts_token),
    ("GET", r"/idp/subject-token", "idp.subjectToken", subject_token),
    ("POST", r"/v1/projects/-/serviceAccounts/(?P<email>[^/:]+):generateAccessToken",
     "iamcredentials.projects.serviceAccounts.generateAccessToken", generate_access_token),
    ("POST", r"/v[13]/projects/(?P<project>[^/:]+):testIamPermissions",
     "cloudresourcemanager.projects.testIamPermissions", project_test_permissions),
    ("GET", r"/v[13]/projects/(?P<project>[^/:]+)", "cloudresourcemanager.projects.get", project_get),
]
