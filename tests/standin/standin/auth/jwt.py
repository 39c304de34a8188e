# SPDX-License-Identifier: Apache-2.0
"""Signed JSON Web Tokens: RS256 and nothing else (RFC 7515, RFC 7519), checked by `cryptography`."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class JwtError(ValueError):
    """A token that does not hold; the text is what Google's token endpoint says of it."""


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise JwtError("Invalid JWT: Failed to parse the JWT") from error


@dataclass(frozen=True)
class Key:
    """An RSA key pair, named by its id."""

    id: str
    private: rsa.RSAPrivateKey

    @classmethod
    def make(cls) -> "Key":
        return cls(secrets.token_hex(20), rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def pem(self) -> str:
        """PKCS #8, as key files carry it."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    def sign(self, claims: dict[str, Any]) -> str:
        header = _encode(json.dumps({"alg": "RS256", "typ": "JWT", "kid": self.id}).encode())
        text = f"{header}.{_encode(json.dumps(claims).encode())}"
        return f"{text}.{_encode(self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def verifies(self, text: bytes, signature: bytes) -> bool:
        try:
            self.private.public_key().verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
            return True
        except InvalidSignature:
            return False


def looks_like_jwt(token: str) -> bool:
    return token.count(".") == 2 and token.startswith("ey")


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_decode(part))
    except (ValueError, UnicodeDecodeError) as error:
        raise JwtError("Invalid JWT: Failed to parse the JWT") from error
    if not isinstance(found, dict):
        raise JwtError("Invalid JWT: Failed to parse the JWT")
    return found


def verify(token: str, keys_of: Callable[[dict[str, Any]], list[Key]]) -> dict[str, Any]:
    """The claims of a token that one of its issuer's keys has signed. `keys_of(claims)` finds them, and raises
    JwtError for an issuer that nobody knows."""
    parts = token.split(".")
    if len(parts) != 3:
        raise JwtError("Invalid JWT: Failed to parse the JWT")
    header, claims = _object(parts[0]), _object(parts[1])
    if header.get("alg") != "RS256":
        raise JwtError(f"Invalid JWT: unsupported algorithm {header.get('alg')}")
    keys = keys_of(claims)
    if "kid" in header:
        keys = [key for key in keys if key.id == header["kid"]]
    text = f"{parts[0]}.{parts[1]}".encode()
    signature = _decode(parts[2])
    if not any(key.verifies(text, signature) for key in keys):
        raise JwtError("Invalid JWT Signature.")
    return claims


def check_times(claims: dict[str, Any], longest: int = 3600, skew: int = 300) -> None:
    """https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth: `exp` is at most one hour after
    `iat`. Clocks may differ by a few minutes."""
    wrong = JwtError("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                     "Check your iat and exp values in the JWT claim.")
    issued, expires = claims.get("iat"), claims.get("exp")
    for value in (issued, expires):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise wrong
    now = time.time()
    if expires <= now or expires - issued > longest or issued > now + skew:
        raise wrong
