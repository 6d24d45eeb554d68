"""The functions that the service adds to JSONata: $partition, $range, $hash, $random, $uuid,
$parse; and the one it takes away: $eval.

They are lenient where the intrinsic functions are strict: a size of nothing, an empty list or
a range that goes the other way yields nothing, a range of one number is that number, and a
number that is not whole is cut off rather than rounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from asl.calculations import (
    FunctionError,
    array,
    digest,
    number,
    parse,
    partition,
    seeded_random,
    span,
)
from asl.jsonata.engine import MEMORY_LIMIT, Host, JsonataError
from asl.model import Environment
from asl.payload import Json

MakeHost: TypeAlias = Callable[[Environment], "Host | None"]

MAX_RANGE: Final = 360_145

_NAMES: Final = re.compile(r"\$(partition|range|hash|random|uuid|parsed|eval)\b")


def added_functions(source: str) -> tuple[tuple[str, MakeHost], ...]:
    """Return what an expression needs of the added functions, by name."""
    names = dict.fromkeys(_NAMES.findall(source))
    return tuple((name, _FUNCTIONS[name]) for name in names)


_PARSE: Final = re.compile(r"\$parse\b")
_UNBOX: Final = '$parse := function($text) { $lookup($parsed($text), "value") }'


def with_functions(source: str) -> str:
    """Return an expression with what it needs that no host function can do.

    A function of ours cannot return null to an engine: none is undefined there. `$parse`
    therefore takes its value out of a box.
    """
    return f"({_UNBOX}; {source}\n)" if _PARSE.search(source) else source


def _guarded(least: int, most: int, apply: Callable[..., Json]) -> Host:
    """Refuse a wrong number of arguments; an undefined first argument yields nothing."""

    def call(*arguments: Json) -> Json:
        if not least <= len(arguments) <= most:
            raise JsonataError(
                "T0410", "Argument count does not match function signature"
            )
        if arguments and arguments[0] is None:
            return None
        try:
            return apply(*arguments)
        except FunctionError as error:
            raise JsonataError("T0410", str(error)) from None

    return call


def _partition(values: Json, size: Json) -> Json:
    listed, most = array(values), _whole(size)
    return (partition(listed, most) or None) if most > 0 else None


def _range(first: Json, last: Json, step: Json = None) -> Json:
    """Count; without a step or in the wrong direction there is nothing, not an error."""
    if step is None:
        return None
    start, end, pace = _whole(first), _whole(last), _whole(step)
    if pace and (end - start) // pace >= MAX_RANGE:
        raise JsonataError(MEMORY_LIMIT, f"A range has at most {MAX_RANGE} numbers")
    numbers = span(start, end, pace, most=MAX_RANGE)
    return numbers if len(numbers) > 1 else next(iter(numbers), None)


def _hash(value: Json, algorithm: Json = None) -> Json:
    return None if algorithm is None else digest(value, algorithm)


def _whole(value: Json) -> int:
    """Require a number; what is not whole of it is dropped."""
    return (
        int(value)
        if isinstance(value, float) and math.isfinite(value)
        else number(value)
    )


def _random(environment: Environment) -> Host:
    def draw(seed: Json = None) -> Json:
        return (
            environment.entropy.random()
            if seed is None
            else seeded_random(_whole(seed))
        )

    return _guarded_optional(draw)


def _guarded_optional(apply: Callable[..., Json]) -> Host:
    def call(*arguments: Json) -> Json:
        if len(arguments) > 1:
            raise JsonataError(
                "T0410", "Argument count does not match function signature"
            )
        try:
            return apply(*arguments)
        except FunctionError as error:
            raise JsonataError("T0410", str(error)) from None

    return call


_FUNCTIONS: Final[dict[str, MakeHost]] = {
    "partition": lambda _: _guarded(2, 2, _partition),
    "range": lambda _: _guarded(2, 3, _range),
    "hash": lambda _: _guarded(1, 2, _hash),
    "random": _random,
    "uuid": lambda environment: _guarded(0, 0, environment.entropy.uuid),
    "parsed": lambda _: _guarded(1, 1, lambda text: {"value": parse(text)}),
    "eval": lambda _: None,
}
ADDED_NAMES: Final = frozenset(_FUNCTIONS)
"""The names that are no variables, in the expressions of whoever uses the functions."""
