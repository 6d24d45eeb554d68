"""Who asked for something, as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The access key that signed a request, and the name it was given."""

    key_id: str
    name: str

    def own(self, name: str) -> str:
        """Return a name that a caller gave to something of its own, kept apart by key."""
        return f"{self.key_id}.{name}"

    def owns(self, name: str) -> bool:
        """Tell whether a name is one that this key was given for something of its own."""
        return name.startswith(self.own(""))
