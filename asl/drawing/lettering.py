"""How wide a text is, without a font: never narrower than the usual sans-serif fonts set it.

The reader's browser chooses the font; the widths here are those of the widest of the common
ones, by groups of letters, so that a text that fits here fits there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_GROUPS: Final = (
    ("ijl'.,:; ", 0.37),
    ("frtI()[]/\\-!", 0.45),
    ('_"°*|`Jcsz?kvxy', 0.61),
    ("abdeghnopqu0123456789${}€£", 0.66),
    ("ABCDEFGHKLNOPQRSTUVXYZ&#+<=>^~", 0.85),
    ("mwMW@%…—", 1.03),
)
_EM: Final = {letter: width for letters, width in _GROUPS for letter in letters}
_OTHER: Final = 0.85
_WIDE: Final = 1.1
_MONOSPACE: Final = 0.61
_BOLD: Final = 1.09
_ELLIPSIS: Final = "…"
_BREAKS: Final = re.compile(
    r"\s+|(?<=[a-z0-9])(?=[A-Z])|(?<=[_\-./:,])(?=\w)|(?<=\w)(?=[(\[{$])"
)


@dataclass(frozen=True, slots=True)
class Font:
    """One way to set a text: `name` is its class in the stylesheet."""

    name: str
    size: float
    is_bold: bool = False
    is_monospace: bool = False

    @property
    def line_height(self) -> float:
        """The distance from one line to the next."""
        return round(self.size * 1.4, 1)

    def width(self, text: str) -> float:
        """Return how much room a text takes at most."""
        ems = _monospace_ems(text) if self.is_monospace else _ems(text)
        return ems * self.size * (_BOLD if self.is_bold else 1)


NAME: Final = Font("sw-name", 13, is_bold=True)
DETAIL: Final = Font("sw-detail", 11)
RULE: Final = Font("sw-rule", 11, is_monospace=True)
CAPTION: Final = Font("sw-caption", 11)


@lru_cache(maxsize=8192)
def _ems(text: str) -> float:
    return sum(_EM.get(letter) or _unusual(letter) for letter in text)


@lru_cache(maxsize=8192)
def _monospace_ems(text: str) -> float:
    return sum(
        _MONOSPACE if " " <= letter <= "ÿ" else _unusual(letter) for letter in text
    )


def _unusual(letter: str) -> float:
    is_wide = unicodedata.east_asian_width(letter) in "WF" or ord(letter) > 0xFFFF
    return _WIDE if is_wide else _OTHER


def cut(text: str, font: Font, room: float) -> str:
    """Return a text on one line, with an ellipsis where it is too long."""
    line = " ".join(text.split())
    if font.width(line) <= room:
        return line
    return (
        line[: _fitting(line, font, room - font.width(_ELLIPSIS))].rstrip() + _ELLIPSIS
    )


def _fitting(text: str, font: Font, room: float) -> int:
    """Count the letters that fit from the beginning."""
    used = 0.0
    for count, letter in enumerate(text):
        used += font.width(letter)
        if used > room:
            return count
    return len(text)


def wrap(text: str, font: Font, room: float, most: int) -> tuple[str, ...]:
    """Break a text into at most so many lines, at good places where there are some."""
    rest = " ".join(text.split())
    lines: list[str] = []
    while rest and len(lines) < most - 1 and font.width(rest) > room:
        end = _break(rest, font, room)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    if rest:
        lines.append(cut(rest, font, room))
    return tuple(lines)


def _break(text: str, font: Font, room: float) -> int:
    """Find where a line ends: the last good place that fits, else wherever it is full."""
    full = max(1, _fitting(text, font, room))
    ends = (match.start() for match in _BREAKS.finditer(text, 0, full + 1))
    good = [end for end in ends if full / 3 < end <= full]
    return good[-1] if good else full
