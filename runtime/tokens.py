"""Task tokens: derivable from the log, verified without a lookup.

A token is base64url of: version, shard, execution, scheduled event, key id, and the first
16 bytes of an HMAC-SHA256 under that key, as derived for the account. It can be made again after a crash, and is dead
when the attempt it names is closed. The layout can't change without a new version byte.
"""

from __future__ import annotations

import binascii
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from runtime.identity import ExecutionId, text_of_uuid_bytes, uuid_bytes

_LAYOUT: Final = struct.Struct(">BH16sIH")
_VERSION: Final = 1
_MAC_BYTES: Final = 16
_PURPOSE: Final = b"stepwell task token of "
_TOKEN_BYTES: Final = _LAYOUT.size + _MAC_BYTES


@dataclass(frozen=True, slots=True)
class TokenParts:
    """Which attempt a token names."""

    shard: int
    execution_id: ExecutionId
    scheduled_id: int


class TokenSigner:
    """Signs with the newest key, verifies under every key still known."""

    def __init__(self, keys: Mapping[int, bytes], account: str = "") -> None:
        """Take the server's keys by id, and whose tasks are meant; the highest id signs."""
        self._keys = {
            key_id: _key_of(secret, account) for key_id, secret in keys.items()
        }
        self._current = max(self._keys)

    def sign(self, shard: int, execution_id: ExecutionId, scheduled_id: int) -> str:
        """Return the token of an attempt."""
        key_id = self._current
        head = _LAYOUT.pack(
            _VERSION, shard, uuid_bytes(execution_id), scheduled_id, key_id
        )
        return urlsafe_b64encode(head + self._mac(key_id, head)).rstrip(b"=").decode()

    def verify(self, token: str) -> TokenParts | None:
        """Return the parts of a token made here, or None for anything else."""
        raw = _decode(token)
        if raw is None or len(raw) != _TOKEN_BYTES:
            return None
        head, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        version, shard, execution, scheduled_id, key_id = _LAYOUT.unpack(head)
        if version != _VERSION or key_id not in self._keys:
            return None
        if not hmac.compare_digest(mac, self._mac(key_id, head)):
            return None
        return TokenParts(shard, text_of_uuid_bytes(execution), scheduled_id)

    def _mac(self, key_id: int, head: bytes) -> bytes:
        return hmac.digest(self._keys[key_id], head, "sha256")[:_MAC_BYTES]


def _key_of(secret: bytes, account: str) -> bytes:
    """Derive an account's key: a token is worth nothing to another account."""
    if not account:
        return secret
    return hmac.digest(secret, _PURPOSE + account.encode(), "sha256")


def _decode(token: str) -> bytes | None:
    """Decode strictly: one token has one spelling."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == token else None
