# SPDX-License-Identifier: Apache-2.0
"""What tests ask of the stand-in itself: /standin/… on every port. No token is needed, and no call is recorded.

GET    /standin/faults                 the faults that are set, with how often each was seen and has fired
POST   /standin/faults                 sets one (an object) or several (a list): see faults.py
DELETE /standin/faults[/ID]            clears all, or one
POST   /standin/release                {"job_id": …} or {}: jobs that a fault holds RUNNING go on
GET    /standin/calls?method=&service= calls in their order, with counts and bytes; the names are patterns
DELETE /standin/calls                  forgets them
POST   /standin/reset                  {"data": true|false}: faults, calls, policies, tokens; with data everything
GET    /standin/permissions            the policies
PUT    /standin/permissions/IDENTITY   {"allow": …, "grants": …, "deny": …}: see auth/permissions.py
DELETE /standin/permissions[/IDENTITY] forgets all, or one
POST   /standin/identities             makes a service account, a login, a workload's or an impersonator's credentials
POST   /standin/tokens                 {"lifetime": s}, {"expire": pattern}, {"revoke": pattern}, {"disable": account}
POST   /standin/metadata               {"name": …, "project": …, "scopes": […]}: who the metadata server speaks for
GET    /standin/urls                   the addresses"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from standin.auth.jwt import Key
from standin.auth.permissions import PolicyError
from standin.auth.tokens import CLOUD_PLATFORM, NUMBER
from standin.faults import FaultError
from standin.http import Request, Response

PREFIX = "/standin/"


class ControlError(ValueError):
    """A request of a test that makes no sense."""


def handle(app: Any, request: Request) -> Response:
    words = request.path[len(PREFIX):].rstrip("/").split("/")
    name, rest = words[0], [unquote(word) for word in words[1:]]
    handler = HANDLERS.get((request.method, name))
    if handler is None or len(rest) > 1:
        return Response.json(
            {"error": f"no control call: {request.method} {request.path}; see standin/control.py"}, 404
        )
    try:
        text = request.content()
        body = json.loads(text) if text.strip() else {}
        return Response.json(handler(app, request, body, rest[0] if rest else None))
    except (ControlError, FaultError, PolicyError, TypeError, json.JSONDecodeError, KeyError) as error:
        return Response.json({"error": f"{type(error).__name__}: {error}"}, 400)


# Faults and calls ---------------------------------------------------------------------------------

def get_faults(app: Any, request: Request, body: Any, name: str | None) -> Any:
    return {"faults": app.faults.listed()}


def post_faults(app: Any, request: Request, body: Any, name: str | None) -> Any:
    return {"faults": [app.faults.set(fault).shown() for fault in (body if isinstance(body, list) else [body])]}


def delete_faults(app: Any, request: Request, body: Any, name: str | None) -> Any:
    return {"cleared": app.faults.clear(None if name is None else int(name))}


def post_release(app: Any, request: Request, body: Any, name: str | None) -> Any:
    return {"released": app.faults.release(body.get("job_id"))}


def get_calls(app: Any, request: Request, body: Any, name: str | None) -> Any:
    return app.faults.report(request.argument("method") or "*", request.argument("service") or "*")


def delete_calls(app: Any, request: Request, body: Any, name: str | None) -> Any:
    app.faults.forget_calls()
    return {}


def post_reset(app: Any, request: Request, body: Any, name: str | None) -> Any:
    app.faults.reset()
    app.auth.reset()
    if body.get("data"):
        app.reset_data()
        if app.gcs is not None:
            app.gcs.reset()
    return {}


# Policies -----------------------------------------------------------------------------------------

def get_permissions(app: Any, request: Request, body: Any, name: str | None) -> Any:
    policies = app.auth.policies.policies
    return {"permissions": {email: {"grants": [vars(grant) for grant in policy.grants],
                                    "deny": [vars(grant) for grant in policy.deny]}
                            for email, policy in policies.items()}}


def put_permissions(app: Any, request: Request, body: Any, name: str | None) -> Any:
    if name is None:
        raise ControlError("whose? PUT /standin/permissions/IDENTITY")
    app.auth.policies.put(name, body)
    return {}


def delete_permissions(app: Any, request: Request, body: Any, name: str | None) -> Any:
    app.auth.policies.clear(name)
    return {}


# Identities ---------------------------------------------------------------------------------------

def _service_account(app: Any, body: dict[str, Any]) -> dict[str, Any]:
    """https://docs.cloud.google.com/iam/docs/keys-create-delete#creating: the key file"""
    account = app.auth.directory.account(body.get("name", "loader"), body.get("project", "test-project"))
    key = Key.make()
    account.keys.append(key)
    return {
        "type": "service_account",
        "project_id": account.project,
        "private_key_id": key.id,
        "private_key": key.pem(),
        "client_email": account.email,
        "client_id": account.unique_id,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": app.auth.url("oauth"),
        "universe_domain": "googleapis.com",
    }


def _authorized_user(app: Any, body: dict[str, Any]) -> dict[str, Any]:
    """What `gcloud auth application-default login` writes, and the token's address."""
    user = app.auth.directory.user(body["email"])
    return {"type": "authorized_user", "client_id": user.client_id, "client_secret": user.client_secret,
            "refresh_token": user.refresh_token, "account": "", "universe_domain": "googleapis.com",
            "token_uri": app.auth.url("oauth")}


def _impersonation_url(app: Any, body: dict[str, Any], name: str) -> str:
    account = app.auth.directory.account(name, body.get("project", "test-project"))
    return f"{app.auth.url('iamcredentials')}/v1/projects/-/serviceAccounts/{account.email}:generateAccessToken"


def _external_account(app: Any, body: dict[str, Any]) -> dict[str, Any]:
    """https://google.aip.dev/auth/4117"""
    provider = app.auth.provider
    source: dict[str, Any] = {"file": body.get("token_file")}
    if body.get("source") == "url":
        form = body.get("format", "text")
        source = {"url": f"{app.auth.url('idp')}?subject={body['subject']}&format={form}",
                  "headers": {"Authorization": "Bearer workload"}}
        source["format"] = {"type": "json", "subject_token_field_name": "value"} if form == "json" else {"type": "text"}
    elif body.get("source") not in (None, "file"):
        raise ControlError(f"no source of subject tokens: {body['source']}; there are file and url")
    made = {"type": "external_account", "audience": provider.audience, "universe_domain": "googleapis.com",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": app.auth.url("sts"),
            "credential_source": source}
    if body.get("impersonate"):
        made["service_account_impersonation_url"] = _impersonation_url(app, body, body["impersonate"])
    return made


def _impersonated(app: Any, body: dict[str, Any]) -> dict[str, Any]:
    """What `gcloud auth application-default login --impersonate-service-account` writes: https://google.aip.dev/auth/4118"""
    return {"type": "impersonated_service_account", "delegates": body.get("delegates", []),
            "service_account_impersonation_url": _impersonation_url(app, body, body.get("name", "loader")),
            "source_credentials": body["source_credentials"]}


def post_identities(app: Any, request: Request, body: Any, name: str | None) -> Any:
    kinds = {"service_account": _service_account, "authorized_user": _authorized_user,
             "external_account": _external_account, "impersonated_service_account": _impersonated}
    if body.get("type") not in kinds:
        raise ControlError(f"no type of credentials: {body.get('type')}; there are {', '.join(kinds)}")
    made: dict[str, Any] = {"credentials": kinds[body["type"]](app, body)}
    if body["type"] == "external_account":
        provider = app.auth.provider
        made["subject_token"] = provider.subject_token(
            body["subject"], int(body.get("seconds", 600)), body.get("audience")
        )
        made["principal"] = f"principal:{provider.pool}/subject/{body['subject']}"
    return made


def post_tokens(app: Any, request: Request, body: Any, name: str | None) -> Any:
    directory = app.auth.directory
    unknown = sorted(set(body) - {"lifetime", "expire", "revoke", "disable"})
    if unknown:
        raise ControlError(f"tokens have no {', '.join(unknown)}; there are lifetime, expire, revoke, disable")
    answer: dict[str, Any] = {}
    if "lifetime" in body:
        directory.lifetime = int(body["lifetime"])
    if "expire" in body:
        answer["expired"] = directory.expire(body["expire"])
    if "revoke" in body:
        answer["revoked"] = directory.revoke(body["revoke"])
    if "disable" in body:
        directory.accounts[body["disable"]].disabled = True
        directory.expire(body["disable"])
    app.auth.metadata.cached.clear()
    return answer


def post_metadata(app: Any, request: Request, body: Any, name: str | None) -> Any:
    email = None
    if body.get("name") is not None:
        email = app.auth.directory.account(body["name"], body.get("project", "test-project")).email
    app.auth.metadata.attach(email, body.get("project", "test-project"), body.get("scopes") or [CLOUD_PLATFORM])
    return {"email": email, "numeric_project_id": NUMBER}


def get_urls(app: Any, request: Request, body: Any, name: str | None) -> Any:
    return dict(app.urls)


HANDLERS = {
    ("GET", "faults"): get_faults, ("POST", "faults"): post_faults, ("DELETE", "faults"): delete_faults,
    ("POST", "release"): post_release,
    ("GET", "calls"): get_calls, ("DELETE", "calls"): delete_calls,
    ("POST", "reset"): post_reset,
    ("GET", "permissions"): get_permissions, ("PUT", "permissions"): put_permissions,
    ("DELETE", "permissions"): delete_permissions,
    ("POST", "identities"): post_identities, ("POST", "tokens"): post_tokens, ("POST", "metadata"): post_metadata,
    ("GET", "urls"): get_urls,
}
