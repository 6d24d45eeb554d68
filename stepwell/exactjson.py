"""JSON as workflows need it: whole numbers stay exact, NaN and Infinity are refused.

orjson is fast but turns integers beyond 64 bits into floats, refuses lone surrogates
and writes NaN as null. A scan finds the few texts and values where that matters; they
take the slower codec of the standard library.
"""

import enum
import json
import uuid
from decimal import Decimal
from typing import NoReturn, TypeAlias

import orjson

Json: TypeAlias = (
    None | bool | int | float | str | list["Json"] | dict[str, "Json"]  # noqa: RUF036
)

_DIGIT_MAP = bytes(ord("0") if chr(code).isdigit() else 32 for code in range(128)) + (
    b" " * 128
)
_TOO_MANY_DIGITS = b"0" * 19  # the shortest integer that may not fit into 64 bits
_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def loads(raw: bytes) -> Json:
    """Parse a JSON text; raises ValueError for what is not JSON."""
    if _needs_exactness(raw):
        return _loads_exactly(raw)
    try:
        value: Json = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _loads_exactly(raw)  # numbers out of range, very deep nesting
    return value


def dumps(value: object) -> bytes:
    """Encode a value; raises TypeError, ValueError or RecursionError like `json`."""
    try:
        raw = orjson.dumps(value, option=_OPTIONS)
    except TypeError:
        return _dumps_exactly(value)
    if b"null" in raw:
        _dumps_exactly(value)  # was it None or NaN? This one refuses NaN.
    return raw


def _needs_exactness(raw: bytes) -> bool:
    if b"\\ud" in raw or b"\\uD" in raw:
        return True
    return _TOO_MANY_DIGITS in raw.translate(_DIGIT_MAP)


def _loads_exactly(raw: bytes) -> Json:
    value: Json = json.loads(raw, parse_int=_integer, parse_constant=_refuse)
    return value


def _integer(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:  # beyond Python's limit of digits
        return Decimal(text)


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _dumps_exactly(value: object) -> bytes:
    text = json.dumps(
        value, allow_nan=False, separators=(",", ":"), default=_serialisable
    )
    return text.encode()


def _serialisable(value: object) -> object:
    """Accept what orjson accepts beyond `json`, and Decimal as AWS Lambda does."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    msg = f"Object of type {type(value).__name__} is not JSON serializable"
    raise TypeError(msg)
