# SPDX-License-Identifier: Apache-2.0
"""Who there is, and which access tokens they hold."""

from __future__ import annotations

import fnmatch
import secrets
import threading
import time
from dataclasses import dataclass, field

from standin.auth.jwt import Key

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
NUMBER = "123456789012"


@dataclass(frozen=True)
class Identity:
    """Somebody who asks. `email` is a service account's or a person's, or a federated principal's name."""

    email: str
    kind: str                  # service_account, user, principal, anonymous
    scopes: frozenset[str] = frozenset()
    all_scopes: bool = False   # a self-signed token for one service carries no scopes

    @property
    def member(self) -> str:
        """As IAM policies spell it: https://docs.cloud.google.com/iam/docs/principal-identifiers"""
        prefix = {"service_account": "serviceAccount:", "user": "user:"}.get(self.kind, "")
        return prefix + self.email


ANONYMOUS = Identity("anonymous@example.com", "anonymous", all_scopes=True)


@dataclass
class ServiceAccount:
    email: str
    project: str
    unique_id: str
    keys: list[Key] = field(default_factory=list)
    disabled: bool = False


@dataclass
class User:
    """A person who has logged in: the client that asked and the refresh token that it got."""

    email: str
    client_id: str
    client_secret: str
    refresh_token: str
    revoked: bool = False


@dataclass
class Token:
    value: str
    identity: Identity
    expires: float
    revoked: bool = False

    @property
    def valid(self) -> bool:
        return not self.revoked and time.time() < self.expires


class Directory:
    """Accounts, people and tokens of one stand-in."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.accounts: dict[str, ServiceAccount] = {}
        self.users: list[User] = []
        self.tokens: dict[str, Token] = {}
        self.lifetime = 3600

    # Accounts -----------------------------------------------------------------------------------

    def account(self, name: str, project: str) -> ServiceAccount:
        """The service account NAME@PROJECT (or of that whole address), made when it is missing."""
        email = name if "@" in name else f"{name}@{project}.iam.gserviceaccount.com"
        with self.lock:
            if email not in self.accounts:
                self.accounts[email] = ServiceAccount(email, project, str(10**20 + secrets.randbelow(10**20)))
            return self.accounts[email]

    def user(self, email: str) -> User:
        """A new login of a person."""
        user = User(email, f"{NUMBER}-{secrets.token_hex(8)}.apps.googleusercontent.com",
                    f"GOCSPX-{secrets.token_hex(14)}", f"1//{secrets.token_urlsafe(48)}")
        with self.lock:
            self.users.append(user)
        return user

    # Tokens -------------------------------------------------------------------------------------

    def issue(self, identity: Identity, lifetime: int | None = None) -> Token:
        with self.lock:
            seconds = self.lifetime if lifetime is None else min(lifetime, self.lifetime)
            token = Token(f"ya29.{secrets.token_urlsafe(90)}", identity, time.time() + seconds)
            self.tokens[token.value] = token
            return token

    def find(self, value: str) -> Token | None:
        with self.lock:
            return self.tokens.get(value)

    def expire(self, pattern: str) -> int:
        """Tokens of matching identities have had their time. How many."""
        with self.lock:
            hit = [token for token in self.tokens.values() if fnmatch.fnmatchcase(token.identity.email, pattern)
                   and token.valid]
            for token in hit:
                token.expires = 0.0
            return len(hit)

    def revoke(self, pattern: str) -> int:
        """Access and refresh tokens of matching identities are revoked. How many."""
        with self.lock:
            users = [user for user in self.users if fnmatch.fnmatchcase(user.email, pattern)]
            for user in users:
                user.revoked = True
            return len(users) + self.expire(pattern)
