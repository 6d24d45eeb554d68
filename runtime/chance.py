"""Chance from a seed: the same seed gives the same numbers, in every process."""

from __future__ import annotations

from hashlib import blake2b

from runtime.identity import uuid_text

_SCALE = 1 << 53


class SeededEntropy:
    """Random numbers and UUIDs drawn from a seed; satisfies `asl.model.Entropy`."""

    __slots__ = ("_counter", "_seed")

    def __init__(self, seed: bytes) -> None:
        """Start the stream of a seed of up to 64 bytes."""
        self._seed = seed
        self._counter = 0

    def _draw(self) -> bytes:
        self._counter += 1
        return blake2b(
            self._counter.to_bytes(8, "big"), key=self._seed, digest_size=16
        ).digest()

    def random(self) -> float:
        """Return a float in [0, 1)."""
        return (int.from_bytes(self._draw()[:8], "big") >> 11) / _SCALE

    def uuid(self) -> str:
        """Return a version 4 UUID as text."""
        return uuid_text(self._draw(), version=4)
