"""Tables of text: aligned columns, cut to the width of a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Final

_GAP: Final = "  "
_UNCUT: Final = 1_000_000
_NARROWEST: Final = 12


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, indent: str = ""
) -> str:
    """Return a table; the last column takes what is left of the terminal's width."""
    cells = [[_cell(value) for value in row] for row in rows]
    columns = list(zip(headers, *cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    room = _width() - len(indent) - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    widths[-1] = max(_NARROWEST, min(widths[-1], room))
    rule = ["-" * width for width in widths]
    return "\n".join(indent + _line(row, widths) for row in ([*headers], rule, *cells))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table."""
    print(table(headers, rows))


def shortened(text: str, longest: int) -> str:
    """Return a text on one line, cut where it is too long."""
    return _cut(" ".join(text.split()), longest)


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _cell(value: object) -> str:
    """Return a value on one line; it keeps its indentation, as the steps of a plan need."""
    text = "" if value is None else str(value)
    indentation = " " * (len(text) - len(text.lstrip(" ")))
    return indentation + " ".join(text.split())


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        _cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)
    ]
    return _GAP.join(cells).rstrip()


def _width() -> int:
    if not sys.stdout.isatty():
        return _UNCUT
    return shutil.get_terminal_size().columns
