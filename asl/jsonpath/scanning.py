"""Finding one's way in the text of a path: brackets, quotes, names within them."""

from __future__ import annotations

import re
from typing import Final

_QUOTED: Final = re.compile(
    r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,|$)"""
)
_OPENING: Final = "[("
_CLOSING: Final = "])"


def end_of_bracket(text: str, start: int) -> int:
    """Return where the bracket that opens at `start` closes; raise ValueError."""
    depth = 0
    position = start
    while position < len(text):
        character = text[position]
        if character in "'\"":
            position = end_of_quote(text, position)
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise ValueError("Could not find the closing bracket")


def end_of_quote(text: str, start: int) -> int:
    """Return where the quotation that opens at `start` ends; raise ValueError."""
    quote = text[start]
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == quote:
            return position
        position += 1
    raise ValueError("Could not find the closing quote")


def quoted_names(content: str) -> tuple[str, ...]:
    """Return the names in a bracket such as `'a', "b"`; none when it holds something else."""
    names: list[str] = []
    position = 0
    while position <= len(content):
        match = _QUOTED.match(content, position)
        if match is None:
            return ()
        names.append(unquoted(match[1], "'") if match[1] is not None else match[2])
        if match[3] != ",":
            return tuple(names)
        position = match.end()
    return ()


def unquoted(text: str, quote: str) -> str:
    """Resolve an escaped quotation mark; every other backslash stands for itself."""
    return text.replace(f"\\{quote}", quote)
