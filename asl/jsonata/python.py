"""JSONata by `jsonata-python`, an engine in Python: the fallback where `jlens` has no binary."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from asl.calculations import seeded_random
from asl.jsonata.engine import (
    MAX_DEPTH,
    MAX_MILLISECONDS,
    Bindings,
    JsonataError,
    JsonataSyntaxError,
    Query,
)
from asl.jsontext import dumps

_NAME: Final = re.compile(r"\$([A-Za-z_]\w*)", re.ASCII)
_BOUND: Final = re.compile(r"\$([A-Za-z_]\w*)\s*:=|function\s*\(([^)]*)\)", re.ASCII)
# The library lets Python's own errors through where it did not think of them.
_PYTHONS_OWN: Final = (
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)
_NULL: Final = Utils.NULL_VALUE


class PythonEngine:
    """The engine in Python."""

    def compile(self, source: str) -> Query:
        """Compile an expression; raise JsonataSyntaxError."""
        try:
            expression = Jsonata(source)
        except (JException, *_PYTHONS_OWN) as error:
            raise JsonataSyntaxError(str(error)) from error
        expression.set_output_convert_nulls(False)
        return Query(source, expression, _free_names(source), None)

    def evaluate(
        self, query: Query, bindings: Bindings, moment: datetime, seed: int
    ) -> str | None:
        """Return the result as JSON text, None for undefined; raise JsonataError."""
        expression: Any = query.handle
        frame = expression.create_frame()
        frame.set_runtime_bounds(MAX_MILLISECONDS, MAX_DEPTH)
        for name, value in {**_clock(moment, seed), **bindings}.items():
            frame.bind(name, _bound(value))
        try:
            result = expression.evaluate(None, frame)
            return None if result is None else dumps(_taken_out(result))
        except JException as error:
            raise JsonataError(str(error.error), str(error)) from error
        except _PYTHONS_OWN as error:
            raise JsonataError("D1001", str(error)) from error


def _free_names(source: str) -> frozenset[str]:
    bound: set[str] = set()
    for name, parameters in _BOUND.findall(source):
        bound.update({name}, _NAME.findall(parameters))
    bound.update({"states"}, Jsonata.static_frame.bindings)
    return frozenset(_NAME.findall(source)).difference(bound)


def _clock(moment: datetime, seed: int) -> dict[str, Any]:
    seeds = count(seed)
    shown = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
    return {
        "now": lambda *_: shown,
        "millis": lambda *_: int(moment.timestamp() * 1000),
        "random": lambda *_: seeded_random(next(seeds)),
    }


def _bound(value: Any) -> Any:
    return Jsonata.JLambda(value) if callable(value) else _put_in(value)


def _put_in(value: Any) -> Any:
    """The engine knows null by a value of its own; None is undefined there."""
    if value is None:
        return _NULL
    if isinstance(value, dict):
        return {name: _put_in(item) for name, item in value.items()}
    return [_put_in(item) for item in value] if isinstance(value, list) else value


def _taken_out(value: Any) -> Any:
    if value is _NULL:
        return None
    if isinstance(value, dict):
        return {name: _taken_out(item) for name, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_taken_out(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
