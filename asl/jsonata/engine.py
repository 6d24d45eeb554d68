"""The JSONata engine behind its two methods, and the limits that every evaluation runs under.

Depth, items and text are bounded as the service bounds them.

`asl.jsonata.rust` evaluates outside the interpreter lock and stops by itself at each of the
limits. `asl.jsonata.python` is the fallback for machines without its binary: it keeps the
limits of time and depth only, and belongs into a process of its own there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from asl.payload import Json

MAX_SOURCE: Final = 262_144
MAX_MILLISECONDS: Final = 100
MAX_DEPTH: Final = 100
MAX_STEPS: Final = 2_000_000
MAX_TEXT: Final = 4 * 1024 * 1024
MAX_ITEMS: Final = 873_782
MAX_RESULT: Final = 8 * 1024 * 1024

MEMORY_LIMIT: Final = "U1001"

Host: TypeAlias = Callable[..., Json]
Bindings: TypeAlias = Mapping[str, "Json | Host"]


class JsonataSyntaxError(ValueError):
    """A text that is no JSONata expression."""


class JsonataError(Exception):
    """An evaluation that failed: the JSONata error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def explanation(self) -> str:
        """The service's words: a limit that was reached has no code."""
        limit = _LIMITS.get(self.code)
        return f". {self.code}: {self}" if limit is None else f": {limit}"


_TIMEOUT: Final = (
    f"Expression evaluation timeout: {MAX_MILLISECONDS}ms. Check for infinite loop"
)
_LIMITS: Final = {
    "D1011": (
        "Stack overflow error: Check for non-terminating recursive function.  "
        "Consider rewriting as tail-recursive. "
        f"Depth={MAX_DEPTH + 1} max={MAX_DEPTH}"
    ),
    "D1012": _TIMEOUT,
    # Fast machines run out of steps first.
    "U1006": _TIMEOUT,
    MEMORY_LIMIT: (
        "Expression evaluation memory limit exceeded: Check for excessive memory usage"
    ),
}


@dataclass(frozen=True, slots=True)
class Query:
    """One compiled expression.

    `reads` are the variables that it mentions and does not bind itself, None when that cannot
    be told; `states` the fields of `$states` that it looks at, None for all. `roots` are the
    names that it looks up where there is nothing to look them up in, if that can be told:
    fields, or `$` or `$$` itself.
    """

    source: str
    handle: object
    reads: frozenset[str] | None
    states: frozenset[str] | None
    roots: tuple[str, ...] = ()


class Engine(Protocol):
    """Compiles and evaluates expressions."""

    def compile(self, source: str) -> Query:
        """Compile an expression; raise JsonataSyntaxError."""

    def evaluate(
        self, query: Query, bindings: Bindings, moment: datetime, seed: int
    ) -> str | None:
        """Return the result as JSON text, None for undefined; raise JsonataError."""


# What begins a text or a comment ends it, at the latest where the source ends: a quote may
# stand in a regular expression, and to look for its end again and again would take time by
# the square of the length.
_CONTEXT: Final = re.compile(
    r""" "(?:[^"\\]|\\.?)*(?:"|\Z) | '(?:[^'\\]|\\.?)*(?:'|\Z) | `[^`]*(?:`|\Z)
    | /\*.*?(?:\*/|\Z) | (?<![$\w]) (?P<context>\$\$?) (?![$\w]) """,
    re.VERBOSE | re.DOTALL,
)


def context_names(source: str) -> frozenset[str]:
    """Return which of `$` and `$$` stand outside of texts, quoted names and comments."""
    matches = _CONTEXT.finditer(source)
    return frozenset(match["context"] for match in matches if match["context"])


_CHANCE: Final = re.compile(r"\$(?:random|shuffle)\b")


def draws_lots(source: str) -> bool:
    """Tell whether an expression may depend on chance."""
    return _CHANCE.search(source) is not None
