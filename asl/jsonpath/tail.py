"""The functions that may end a path: `$.items.length()`, `$.prices.max()` and their kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

from asl.payload import Json

Tail: TypeAlias = Callable[[Json], Json]


def compile_tail(name: str, argument: str) -> Tail:
    """Return the function of a tail such as `length()` or `index(2)`; raise ValueError."""
    if name in _WITH_INDEX:
        return _compile_index(argument)
    function = _FUNCTIONS.get(name)
    if function is None or argument.strip():
        msg = f"Function of name: {name} cannot be created"
        raise ValueError(msg)
    return function


def _compile_index(argument: str) -> Tail:
    index = int(argument)
    return lambda value: _element(value, index)


def _element(value: Json, index: int) -> Json:
    if isinstance(value, list) and -len(value) <= index < len(value):
        return value[index]
    return None


def _length(value: Json) -> Json:
    return len(value) if isinstance(value, list | dict | str) else None


def _keys(value: Json) -> Json:
    return list(value) if isinstance(value, dict) else None


def _concat(value: Json) -> Json:
    if isinstance(value, list):
        return "".join(item for item in value if isinstance(item, str))
    return value if isinstance(value, str) else None


def _numbers(value: Json) -> list[float]:
    values = value if isinstance(value, list) else []
    return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


def _aggregate(function: Callable[[list[float]], float]) -> Tail:
    def apply(value: Json) -> Json:
        numbers = _numbers(value)
        found = function(numbers) if numbers else math.inf
        return found if math.isfinite(found) else None

    return apply


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def _deviation(numbers: list[float]) -> float:
    mean = _mean(numbers)
    return math.sqrt(sum((n - mean) ** 2 for n in numbers) / len(numbers))


_WITH_INDEX: Final = frozenset({"index"})
_FUNCTIONS: Final[dict[str, Tail]] = {
    "length": _length,
    "size": _length,
    "keys": _keys,
    "concat": _concat,
    "first": lambda value: _element(value, 0),
    "last": lambda value: _element(value, -1),
    "min": _aggregate(min),
    "max": _aggregate(max),
    "sum": _aggregate(sum),
    "avg": _aggregate(_mean),
    "stddev": _aggregate(_deviation),
}
