"""Calculations behind the functions of both languages: States.ArrayRange and $range, say."""

from __future__ import annotations

import hashlib
import math
from typing import Final

from asl.errors import PayloadError
from asl.jsontext import dumps, loads
from asl.payload import Json

MAX_RANGE: Final = 1000
MAX_CHARACTERS: Final = 10_000


class FunctionError(Exception):
    """A function that cannot be applied to its arguments; `str()` says why."""


def array(value: Json) -> list[Json]:
    """Require an array."""
    if isinstance(value, list):
        return value
    msg = f"Invalid argument: expected an array, but got {dumps(value)}"
    raise FunctionError(msg)


def text(value: Json) -> str:
    """Require a text."""
    if isinstance(value, str):
        return value
    msg = f"Invalid argument: expected a string, but got {dumps(value)}"
    raise FunctionError(msg)


def number(value: Json) -> int:
    """Require a number; one that is not whole is rounded to the nearest, halves upwards."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"Invalid argument: expected a number, but got {dumps(value)}"
        raise FunctionError(msg)
    return value if isinstance(value, int) else math.floor(value + 0.5)


def same(left: Json, right: Json) -> bool:
    """Compare two values as JSON: true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            same(left[k], right[k]) for k in left
        )
    return left == right


def partition(values: list[Json], size: int) -> list[Json]:
    """Cut an array into pieces of a size."""
    if size < 1:
        raise FunctionError("The chunk size must be a positive integer")
    return [values[start : start + size] for start in range(0, len(values), size)]


def span(first: int, last: int, step: int, most: int = MAX_RANGE) -> list[Json]:
    """List the numbers from first to last, both included."""
    if step == 0:
        raise FunctionError("The step must not be zero")
    if (last - first) // step >= most:
        msg = f"The range must have at most {most} elements"
        raise FunctionError(msg)
    return list(range(first, last + (1 if step > 0 else -1), step))


def digest(value: Json, algorithm: Json) -> str:
    """Hash a value's text."""
    name = _ALGORITHMS.get(text(algorithm))
    if name is None:
        msg = f"Unknown hash algorithm: {algorithm}"
        raise FunctionError(msg)
    data = value if isinstance(value, str) else dumps(value)
    return hashlib.new(name, bounded(data).encode(errors="surrogatepass")).hexdigest()


def parse(value: Json) -> Json:
    """Parse a text as JSON; a blank one is null."""
    source = text(value)
    if not source.strip():
        return None
    try:
        return loads(source)
    except PayloadError as error:
        msg = f"Invalid JSON: {error}"
        raise FunctionError(msg) from None


_ALGORITHMS: Final = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


def bounded(data: str) -> str:
    """Refuse a text that is too long for a function."""
    if len(data) > MAX_CHARACTERS:
        msg = f"The input must have at most {MAX_CHARACTERS} characters"
        raise FunctionError(msg)
    return data


_JAVA_MASK: Final = (1 << 48) - 1


def _java_next(state: int) -> int:
    return (state * 0x5DEECE66D + 0xB) & _JAVA_MASK


def seeded_bits(seed: int) -> int:
    """Return the 31 bits that Java's generator yields first for a seed."""
    return _java_next((seed ^ 0x5DEECE66D) & _JAVA_MASK) >> 17


def seeded_random(seed: int) -> float:
    """Return the number in [0, 1) that Java's generator yields first for a seed."""
    first = _java_next((seed ^ 0x5DEECE66D) & _JAVA_MASK)
    second = _java_next(first)
    return ((first >> 22 << 27) + (second >> 21)) / (1 << 53)
