"""Where the members of a JSON text stand.

Only what leads to a wanted pointer is scanned here; everything else is stepped over by the
decoder of the standard library, so that a finding in a megabyte takes milliseconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from cli.places import Lines, Places, member_pointer, with_parents

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()


def json_places(text: str, pointers: Iterable[str]) -> Places:
    """Return the places of pointers in a well-formed text.

    A member of an object stands where its name does, an element of an array where it begins.
    """
    scan = _Scan(text, with_parents(pointers))
    scan.value("", scan.skip_blanks(0))
    lines = Lines(text)
    return {pointer: lines.place(at) for pointer, at in scan.offsets.items()}


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str, wanted: set[str]) -> None:
        self._text = text
        self._wanted = wanted
        self.offsets: dict[str, int] = {}

    def skip_blanks(self, at: int) -> int:
        match = _BLANKS.match(self._text, at)
        assert match is not None, "the pattern matches nothing, too"
        return match.end()

    def value(self, pointer: str, at: int) -> int:
        """Step over the value at an offset; return where it ends."""
        self.offsets.setdefault(pointer, at)
        opening = self._text[at]
        if pointer not in self._wanted or opening not in "{[":
            return _DECODER.raw_decode(self._text, at)[1]
        return self._members(pointer, at, is_object=opening == "{")

    def _members(self, pointer: str, at: int, *, is_object: bool) -> int:
        index, at = 0, self.skip_blanks(at + 1)
        while self._text[at] not in "}]":
            inner = f"{pointer}/{index}"
            if is_object:
                inner, at = self._name(pointer, at)
            at = self.skip_blanks(self.value(inner, at))
            if self._text[at] == ",":
                at = self.skip_blanks(at + 1)
            index += 1
        return at + 1

    def _name(self, pointer: str, at: int) -> tuple[str, int]:
        """Read a member's name; of members of the same name the last one counts."""
        name, end = _DECODER.raw_decode(self._text, at)
        inner = member_pointer(pointer, name)
        self.offsets[inner] = at
        colon = self.skip_blanks(end)
        return inner, self.skip_blanks(colon + 1)
