"""Paths: compiled once, read often.

A path has a root (`$` the document at hand, `$$` the context object, `$name` a variable) and
steps. A *definite* path names one place and yields the value there. Every other path
(wildcards, slices, filters, `..`) yields a list, empty when nothing matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from asl.jsonpath.definite import (
    ElementMiss,
    PathMiss,
    Step,
    Walk,
    compile_walk,
    definite_steps,
)
from asl.jsonpath.search import compile_inner
from asl.jsonpath.visit import Visit
from asl.model import Environment
from asl.payload import Json, Payload

MAX_LENGTH: Final = 10_000
MAX_STEPS: Final = 200
MAX_PARENTHESES: Final = 100

Reader: TypeAlias = Callable[[Environment, Payload], Json]


class PathSyntaxError(ValueError):
    """A text that is no path."""


class Root(StrEnum):
    """What a path starts from."""

    DOCUMENT = "$"
    CONTEXT = "$$"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Path:
    """One compiled path; `read` raises PathMiss."""

    text: str
    root: Root
    variable: str | None
    steps: tuple[Step, ...] | None
    read: Reader

    @property
    def is_definite(self) -> bool:
        """Whether the path names exactly one place."""
        return self.steps is not None

    @property
    def within_root(self) -> str:
        """The text of the path as if its root were the document."""
        return self.text[1:] if self.root is Root.CONTEXT else self.text

    @property
    def is_document(self) -> bool:
        """Whether the path is `$`, the document itself."""
        return self.root is Root.DOCUMENT and self.steps == ()


NOT_A_PATH: Final = "Value must be a valid JSONPath."
NOT_A_REFERENCE_PATH: Final = "Value is not a Reference Path"
_ROOT: Final = re.compile(r"\$(?:(\$)|([^\W\d]\w*))?")


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile any path; raise PathSyntaxError."""
    root, variable, rest = _split_root(text[: MAX_LENGTH + 1])
    steps = definite_steps(rest)
    is_long = len(text) > MAX_LENGTH or len(steps or ()) > MAX_STEPS
    if is_long or text.count("(") > MAX_PARENTHESES:
        msg = f"The path is too long: {text[:80]}"
        raise PathSyntaxError(msg)
    try:
        walk = compile_walk(steps) if steps is not None else _compile_search(rest)
    except ValueError as error:
        raise PathSyntaxError(NOT_A_PATH) from error
    return Path(text, root, variable, steps, _compile_read(root, variable, walk))


def _compile_search(rest: str) -> Walk:
    inner = compile_inner(rest)
    return lambda document: inner(document, Visit(document))


def compile_reference_path(text: str) -> Path:
    """Compile a path that must name one place."""
    path = compile_rooted_path(text)
    if not path.is_definite:
        msg = f"{NOT_A_REFERENCE_PATH}: {text}"
        raise PathSyntaxError(msg)
    return path


def compile_rooted_path(text: str) -> Path:
    """Compile a path that should name one place, yet is not held to it."""
    if not text.startswith("$"):
        msg = f"{NOT_A_REFERENCE_PATH}: Reference path didn't start with '$'"
        raise PathSyntaxError(msg)
    return compile_path(text)


def _split_root(text: str) -> tuple[Root, str | None, str]:
    match = _ROOT.match(text)
    if match is None:
        raise PathSyntaxError(NOT_A_PATH)
    rest = text[match.end() :]
    if match[1]:
        return Root.CONTEXT, None, rest
    if match[2]:
        return Root.VARIABLE, match[2], rest
    return Root.DOCUMENT, None, rest


def _compile_read(root: Root, variable: str | None, walk: Walk) -> Reader:
    if root is Root.CONTEXT:
        return lambda environment, _payload: walk(environment.context())
    if root is Root.VARIABLE:
        assert variable is not None
        return _compile_variable(variable, walk)
    return lambda _environment, payload: walk(payload.value)


def _compile_variable(variable: str, walk: Walk) -> Reader:
    def read(environment: Environment, _payload: Payload) -> Json:
        try:
            value = environment.variables[variable]
        except KeyError:
            msg = f"No results for path: ${variable}"
            raise PathMiss(msg) from None
        return walk(value)

    return read


__all__ = [
    "NOT_A_REFERENCE_PATH",
    "ElementMiss",
    "Path",
    "PathMiss",
    "PathSyntaxError",
    "Reader",
    "Root",
    "Step",
    "compile_path",
    "compile_reference_path",
    "compile_rooted_path",
]
