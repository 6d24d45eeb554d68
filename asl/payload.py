"""JSON that belongs to the user: kept as its original text until somebody must look inside.

A payload has a text, a value, or both; each is made from the other at most once. A payload
that no state touched therefore travels byte for byte as it came, and a state's data is
serialised once however many events carry it.
"""

from __future__ import annotations

from typing import TypeAlias, Union

from asl.jsontext import dumps, loads

Json: TypeAlias = Union[bool, int, float, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007 - `|` has no place for the name of itself


class _Absent:
    """The type of the one marker for 'not made yet'."""


_ABSENT = _Absent()


class Payload:
    """One JSON value, lazily parsed and lazily serialised.

    `holder` is the id of the event that stores the text, in the folded execution whose
    ledger is `owner`; later events that carry the same payload only point at it. Values are
    shared between payloads and must never be mutated.
    """

    __slots__ = ("_text", "_value", "holder", "owner")

    def __init__(self, text: str | None, value: Json | _Absent) -> None:
        self._text = text
        self._value = value
        self.holder = 0
        self.owner: object = None

    @classmethod
    def of_text(cls, text: str) -> Payload:
        """Wrap a JSON text that is known to be well-formed."""
        return cls(text, _ABSENT)

    @classmethod
    def of_value(cls, value: Json) -> Payload:
        """Wrap a parsed value."""
        return cls(None, value)

    @property
    def text(self) -> str:
        """The JSON text: the original one, or the compact form of the value."""
        if self._text is None:
            assert not isinstance(self._value, _Absent)
            self._text = dumps(self._value)
        return self._text

    @property
    def value(self) -> Json:
        """The parsed value; shared, never to be mutated."""
        if isinstance(self._value, _Absent):
            assert self._text is not None
            self._value = loads(self._text)
        return self._value

    def __eq__(self, other: object) -> bool:
        """Two payloads are equal when their texts are."""
        return isinstance(other, Payload) and self.text == other.text

    def __hash__(self) -> int:
        """Hash like the text."""
        return hash(self.text)

    def __repr__(self) -> str:
        """Show the text, shortened."""
        return f"Payload({self.text[:80]})"


EMPTY_OBJECT_TEXT = "{}"
NULL_TEXT = "null"
