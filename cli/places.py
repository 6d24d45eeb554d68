"""Where in a text something stands: the line and column behind a JSON pointer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Places: TypeAlias = Mapping[str, "Place"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and a column, both counted from 1."""

    line: int
    column: int


class Lines:
    """The lines of a text, to find the place of an offset in it."""

    def __init__(self, text: str) -> None:
        """Note where each line begins."""
        self._starts = [0]
        start = text.find("\n") + 1
        while start:
            self._starts.append(start)
            start = text.find("\n", start) + 1

    def place(self, offset: int) -> Place:
        """Return the place of an offset."""
        line = bisect_right(self._starts, offset)
        return Place(line, offset - self._starts[line - 1] + 1)


def nearest(pointer: str, places: Places) -> Place:
    """Return the place of a pointer or, where it has none, of what is around it."""
    while pointer and pointer not in places:
        pointer = pointer.rpartition("/")[0]
    return places.get(pointer, Place(1, 1))


def with_parents(pointers: Iterable[str]) -> set[str]:
    """Return pointers and those of everything around them, up to the whole text."""
    wanted = {""}
    for each in pointers:
        pointer = each
        while pointer and pointer not in wanted:
            wanted.add(pointer)
            pointer = pointer.rpartition("/")[0]
    return wanted


def member_pointer(pointer: str, name: str) -> str:
    """Return the pointer of a member of an object."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
