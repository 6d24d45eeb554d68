"""Page tokens: where a listing goes on, signed and only for who asked the same.

A token is base64url of: version, key id, when it expires, a digest of the operation with
its arguments and the caller, and the position, followed by the first 16 bytes of an
HMAC-SHA256. It tells nothing that the page before it did not show, it cannot be made or
changed elsewhere, and it is of no use for another operation, other arguments or another
caller. The page size is no such argument: it may change from page to page.
"""

from __future__ import annotations

import binascii
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol

import orjson

from api.errors import InvalidToken
from asl.payload import Json
from runtime.limits import PAGE_TOKEN_LIFETIME

_HEAD: Final = struct.Struct(">BHI8s")
_VERSION: Final = 1
_MAC_BYTES: Final = 16
# Keeps these keys apart from those of task tokens, which the same secrets sign.
_PURPOSE: Final = b"stepwell page token"


class _Clock(Protocol):
    def now(self) -> datetime:
        """Return workflow time."""


class PageTokens:
    """Makes page tokens with the newest key, opens those of every key still known."""

    def __init__(
        self, keys: Mapping[int, bytes], clock: _Clock, principal: str = ""
    ) -> None:
        """Take the server's keys by id; the highest id signs."""
        self._secrets = keys
        self._keys = {
            key_id: hmac.digest(secret, _PURPOSE, "sha256")
            for key_id, secret in keys.items()
        }
        self._current = max(self._keys)
        self._clock = clock
        self._principal = principal

    def of(self, principal: str) -> PageTokens:
        """Return the tokens that are good for one principal only."""
        return PageTokens(self._secrets, self._clock, principal)

    def issue(
        self, operation: str, arguments: Mapping[str, object], position: Json
    ) -> str:
        """Return the token that continues after `position`."""
        expires = int((self._clock.now() + PAGE_TOKEN_LIFETIME).timestamp())
        binding = self._binding(operation, arguments)
        head = _HEAD.pack(_VERSION, self._current, expires, binding)
        signed = head + orjson.dumps(position)
        mac = self._mac(self._current, signed)
        return urlsafe_b64encode(signed + mac).rstrip(b"=").decode()

    def open(self, token: str, operation: str, arguments: Mapping[str, object]) -> Json:
        """Return the position in a token; raise InvalidToken for any other text."""
        raw = _decode(token)
        if raw is None or len(raw) < _HEAD.size + _MAC_BYTES:
            raise _invalid()
        signed, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        version, key_id, expires, binding = _HEAD.unpack_from(signed)
        if version != _VERSION or key_id not in self._keys:
            raise _invalid()
        if not hmac.compare_digest(mac, self._mac(key_id, signed)):
            raise _invalid()
        if expires < self._clock.now().timestamp():
            raise _invalid()
        if binding != self._binding(operation, arguments):
            raise _invalid()
        position: Json = orjson.loads(signed[_HEAD.size :])
        return position

    def _mac(self, key_id: int, signed: bytes) -> bytes:
        return hmac.digest(self._keys[key_id], signed, "sha256")[:_MAC_BYTES]

    def _binding(self, operation: str, arguments: Mapping[str, object]) -> bytes:
        bound = [self._principal, operation, arguments]
        text = orjson.dumps(bound, option=orjson.OPT_SORT_KEYS)
        return sha256(text).digest()[:8]


def _decode(token: str) -> bytes | None:
    """Decode strictly: one token has one spelling."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == token else None


def _invalid() -> InvalidToken:
    return InvalidToken("Invalid Token: 'Invalid token'")
