"""JSON text to value and back, exactly: orjson where it is exact, the slow codec elsewhere.

orjson turns integers beyond 64 bits into floats and refuses lone surrogates, so a text that
may contain either is read, and a value that does is written, by the standard library.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final

import orjson

from asl.errors import PayloadError

if TYPE_CHECKING:
    from asl.payload import Json

MAX_DEPTH: Final = 500
# The depth of a text that wraps payloads: a variable's value lies two levels down in the
# details of an event.
WRAPPED_DEPTH: Final = MAX_DEPTH + 4
_MAX_DIGITS: Final = 4_300
_LONG_NUMBER: Final = re.compile(r"[0-9]{19}")
_SAMPLED_DIGITS: Final = re.compile(r"[0-9]{3}")
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_NO_BRACKETS: Final = re.compile(r"[^\[\]{}]+")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


def loads(text: str, depth: int = MAX_DEPTH) -> Json:
    """Parse a JSON text; raise PayloadError with a readable reason.

    Duplicate keys: the last wins. NaN and Infinity, a byte order mark, numbers beyond the
    range of a double, integers of more than 4,300 digits and nesting deeper than `depth`
    are refused.
    """
    if text.count("[") + text.count("{") > depth:
        _check_depth(text, depth)
    try:
        value: Json = _loads_exact(text) if _is_inexact(text) else orjson.loads(text)
    except (ValueError, RecursionError) as error:
        raise PayloadError(str(error)) from None
    return value


def _is_inexact(text: str) -> bool:
    """Tell whether a text may hold what orjson does not read exactly.

    Of 19 digits in a row every sixth character taken shows three in a row: a look at a sixth
    of the text mostly suffices.
    """
    return (
        (
            _SAMPLED_DIGITS.search(text[::6]) is not None
            and _LONG_NUMBER.search(text) is not None
        )
        or ("\\u" in text and _ESCAPED_SURROGATE.search(text) is not None)
        or (not text.isascii() and _SURROGATE.search(text) is not None)
    )


def _loads_exact(text: str) -> Json:
    value: Json = json.loads(
        text,
        parse_constant=_refuse_constant,
        parse_float=_finite_float,
        parse_int=_bounded_int,
    )
    return value


def _refuse_constant(name: str) -> float:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _bounded_int(text: str) -> int:
    if len(text) > _MAX_DIGITS and len(text.lstrip("-")) > _MAX_DIGITS:
        msg = f"a number has more than {_MAX_DIGITS} digits"
        raise ValueError(msg)
    return int(text)


def _finite_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        msg = f"the number {text[:40]} is out of range"
        raise ValueError(msg)
    return value


def _check_depth(text: str, most: int) -> None:
    depth = 0
    for character in _NO_BRACKETS.sub("", _STRING.sub("", text)):
        if character in "[{":
            depth += 1
            if depth > most:
                raise PayloadError("nesting is too deep")
        elif character in "]}":
            depth -= 1


def dumps(value: Json, depth: int = MAX_DEPTH) -> str:
    """Write a value as compact JSON text, keys in their order.

    A value that `loads` would refuse (too deep, not finite) raises PayloadError.
    """
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return _dumps_exact(value, depth)


def _dumps_exact(value: Json, depth: int) -> str:
    try:
        text = json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except (ValueError, RecursionError) as error:
        raise PayloadError(str(error)) from None
    if text.count("[") + text.count("{") > depth:
        _check_depth(text, depth)
    return _SURROGATE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def with_escaped_surrogates(text: str) -> str:
    """Spell the lone surrogates of a JSON text as escapes: the same value, in UTF-8."""
    return text if text.isascii() else _SURROGATE.sub(_escape, text)


def is_storable(text: str) -> bool:
    """Tell whether a text can be stored as it is, without JSON's escapes around it."""
    return _UNSTORABLE.search(text) is None
