"""JSON text to value and back, exactly: orjson where it is exact, the slow codec elsewhere.

orjson turns integers beyond 64 bits into floats and refuses lone surrogates, so a text that
may contain either is read, and a value that does is written, by the standard library.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

from asl.errors import PayloadError

if TYPE_CHECKING:
    from asl.payload import Json

MAX_DEPTH = 500
_INEXACT = re.compile(r"[0-9]{19}|\\u[dD][89abAB]")


def _refuse_constant(name: str) -> float:
    msg = f"{name} is not JSON"
    raise PayloadError(msg)


def loads(text: str) -> Json:
    """Parse a JSON text; raise PayloadError with a readable reason.

    Duplicate keys: the last wins. NaN and Infinity, a byte order mark, integers of more
    than 4,300 digits and nesting deeper than 500 are refused.
    """
    try:
        if _INEXACT.search(text) is None:
            value: Json = orjson.loads(text)
        else:
            value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise PayloadError("nesting is too deep") from None
    except UnicodeEncodeError:
        value = _loads_exact(text)
    except ValueError as error:
        raise PayloadError(str(error)) from None
    return value


def _loads_exact(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PayloadError(str(error)) from None
    return value


def dumps(value: Json) -> str:
    """Write a value as compact JSON text, keys in their order."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
