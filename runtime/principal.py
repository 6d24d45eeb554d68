"""Who asked for something, as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The access key that signed a request, and the name it was given."""

    key_id: str
    name: str
