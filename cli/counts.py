"""Numbers of things as a person reads them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return how many there are of something: 1 event, 2 events."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
