"""The JSONata engine behind its two methods, and the limits that every evaluation runs under.

`jlens` evaluates outside the interpreter lock and stops by itself at each of its limits; where
its binary cannot be installed, `asl.jsonata.fallback` takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias

import jlens

from asl.payload import Json

MAX_MILLISECONDS: Final = 100
MAX_DEPTH: Final = 500
MAX_STEPS: Final = 2_000_000
MAX_TEXT: Final = 4 * 1024 * 1024
MAX_ITEMS: Final = 1_000_000
MAX_RESULT: Final = 8 * 1024 * 1024

Host: TypeAlias = Callable[..., Json]
Bindings: TypeAlias = Mapping[str, "Json | Host"]


class JsonataSyntaxError(ValueError):
    """A text that is no JSONata expression."""


class JsonataError(Exception):
    """An evaluation that failed: the JSONata error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Query:
    """One compiled expression.

    `reads` are the variables that it mentions and does not bind itself, None when that cannot
    be told; `states` the fields of `$states` that it looks at, None for all.
    """

    source: str
    handle: object
    reads: frozenset[str] | None
    states: frozenset[str] | None


class Engine(Protocol):
    """Compiles and evaluates expressions."""

    def compile(self, source: str) -> Query:
        """Compile an expression; raise JsonataSyntaxError."""

    def evaluate(
        self, query: Query, bindings: Bindings, moment: datetime, seed: int
    ) -> str | None:
        """Return the result as JSON text, None for undefined; raise JsonataError."""


class JlensEngine:
    """The engine in Rust."""

    def compile(self, source: str) -> Query:
        """Compile an expression; raise JsonataSyntaxError."""
        try:
            expression = jlens.Expression(source)
            found = expression.reads()
        except jlens.JlensError as error:
            msg = f"{error.code}: {error}"
            raise JsonataSyntaxError(msg) from error
        names = found.get("bindings", {})
        states = names.get("states", {})
        return Query(
            source,
            expression,
            None if found.get("everyBinding") else frozenset(names) - {"states"},
            frozenset(states) if isinstance(states, dict) else None,
        )

    def evaluate(
        self, query: Query, bindings: Bindings, moment: datetime, seed: int
    ) -> str | None:
        """Return the result as JSON text, None for undefined; raise JsonataError."""
        expression = query.handle
        assert isinstance(expression, jlens.Expression)
        try:
            return expression.evaluate_json(
                None,
                dict(bindings),
                timeout=MAX_MILLISECONDS / 1000,
                max_depth=MAX_DEPTH,
                max_steps=MAX_STEPS,
                max_string_length=MAX_TEXT,
                max_array_length=MAX_ITEMS,
                max_result_size=MAX_RESULT,
                now=moment,
                seed=seed,
            )
        except jlens.JlensError as error:
            raise JsonataError(error.code, str(error)) from error
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise JsonataError("D1001", str(error)) from error


ENGINE: Final[Engine] = JlensEngine()

_CHANCE: Final = re.compile(r"\$(?:random|shuffle)\b")


def draws_lots(source: str) -> bool:
    """Tell whether an expression may depend on chance."""
    return _CHANCE.search(source) is not None
