"""Values in PostgreSQL's binary form, each with its length before it.

Arrays and COPY want them alike. Columns of the log repeat small numbers and short texts, so
what was packed before is looked up; every packer takes a value, None being NULL.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final, TypeVar

_INT2: Final = Struct(">ih").pack
_INT4: Final = Struct(">ii").pack
_INT8: Final = Struct(">iq").pack
_LENGTH: Final = Struct(">i").pack
NULL: Final = _LENGTH(-1)
_UUID_LENGTH: Final = _LENGTH(16)
_POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_KEPT: Final = 4096
_LONGEST_KEPT: Final = 256

_Value = TypeVar("_Value")


class _Packed(dict[_Value, bytes]):
    """What was packed before; when it becomes too much, all is dropped."""

    __slots__ = ()

    def keep(self, value: _Value, packed: bytes) -> bytes:
        """Keep a value for the next time."""
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[value] = packed
        return packed


class _Int2(_Packed[int | None]):
    def __missing__(self, value: int | None) -> bytes:
        return self.keep(value, NULL if value is None else _INT2(2, value))


class _Int4(_Packed[int | None]):
    def __missing__(self, value: int | None) -> bytes:
        return self.keep(value, NULL if value is None else _INT4(4, value))


class _Int8(_Packed[int | None]):
    def __missing__(self, value: int | None) -> bytes:
        return self.keep(value, NULL if value is None else _INT8(8, value))


class _Text(_Packed[str | None]):
    def __missing__(self, value: str | None) -> bytes:
        if value is None:
            return self.keep(value, NULL)
        raw = value.encode(errors="surrogatepass")
        packed = _LENGTH(len(raw)) + raw
        return self.keep(value, packed) if len(raw) <= _LONGEST_KEPT else packed


int2: Final = _Int2().__getitem__
int4: Final = _Int4().__getitem__
int8: Final = _Int8().__getitem__
# A lone surrogate, which UTF-8 has not, is left for the server to refuse: the row is the
# culprit then, not the batch.
text: Final = _Text().__getitem__


def uuid(value: bytes) -> bytes:
    """Pack a UUID given as its 16 bytes."""
    return _UUID_LENGTH + value


def timestamptz(value: datetime) -> bytes:
    """Pack a time, to the microsecond."""
    return _INT8(8, (value - _POSTGRES_EPOCH) // _MICROSECOND)


def timestamptz_column(values: Iterable[datetime | None]) -> list[bytes]:
    """Pack times, to the microsecond; the same object is converted once in a row."""
    column = []
    last: datetime | None = None
    packed = NULL
    for value in values:
        if value is not last:
            last = value
            packed = NULL if value is None else timestamptz(value)
        column.append(packed)
    return column
