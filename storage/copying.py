"""Rows in the binary form of COPY, made of values that are packed already.

COPY writes many rows of a table at once into a page and its log record: a row of the log
costs the server two thirds of what an INSERT of it costs. It knows no conflict, so it is for
rows that nobody else can have written.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COUNT: Final = Struct(">h").pack
_END: Final = _COUNT(-1)


def row_head(columns: int) -> bytes:
    """Return what a row of so many columns begins with."""
    return _COUNT(columns)


def copy_data(rows: Iterable[bytes]) -> bytes:
    """Return all that a COPY FROM STDIN (FORMAT BINARY) is sent; rows may come in bundles.

    Each row is its head and its packed values.
    """
    return b"".join([_SIGNATURE, *rows, _END])
