"""Who an execution is: its shard, its id, and the keys that its attempts carry.

These rules can never change: rows, tokens and users' ledgers hold what they yield. An
execution id is the canonical text of a version 5 UUID, made here by hand because this
package takes nothing from the library that can also make random ones.
"""

from __future__ import annotations

from hashlib import sha1, sha256
from typing import Final, TypeAlias

ExecutionId: TypeAlias = str

# RFC 9562, appendix: the namespace of URLs.
_NAMESPACE_URL: Final = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")


# No shard has a number from here on. It fits the two bytes that a token has for one: an
# engine draws such a number for what it runs in memory.
FIRST_MARKER: Final = 0x8000


def shard_of(arn: str, shards: int) -> int:
    """Return the shard of an execution's ARN: the first four bytes of SHA-256, modulo."""
    return int.from_bytes(sha256(arn.encode()).digest()[:4], "big") % shards


def execution_id_of(arn: str, generation: int) -> ExecutionId:
    """Return the id of the given use of an execution's name, counted from 1."""
    return name_based_uuid(f"{arn}#{generation}")


def name_based_uuid(name: str) -> str:
    """Return the version 5 UUID that stands for a name."""
    digest = sha1(_NAMESPACE_URL + name.encode(), usedforsecurity=False).digest()
    return uuid_text(digest[:16], version=5)


def uuid_text(raw: bytes, *, version: int) -> str:
    """Write 16 bytes as a UUID of the given version and the standard variant."""
    number = int.from_bytes(raw, "big")
    number = number & ~(0xF000 << 64) & ~(0xC000 << 48) | version << 76 | 0x8000 << 48
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid_bytes(execution_id: ExecutionId) -> bytes:
    """Return the 16 bytes of an execution id."""
    return bytes.fromhex(execution_id.replace("-", ""))


def text_of_uuid_bytes(raw: bytes) -> ExecutionId:
    """Return the canonical text of 16 bytes."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def idempotency_key(execution_id: ExecutionId, visit: int) -> str:
    """Return the key that all retries of one visit of a state share."""
    return f"{execution_id}-{visit}"


def attempt_id(execution_id: ExecutionId, scheduled_id: int) -> str:
    """Return the id of one attempt of a task."""
    return f"{execution_id}-{scheduled_id}"
