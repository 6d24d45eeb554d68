"""Paths: compiled once, read often.

A path has a root (`$` the document at hand, `$$` the context object, `$name` a variable) and
steps. A *definite* path names one place and yields the value there; reading it is a loop over
dictionary look-ups. Every other path (wildcards, slices, filters, `..`) yields a list, empty
when nothing matches. The messages of misses are those of the Java library that the public
service uses, which tells a missing leaf from a missing step before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn, TypeAlias

from asl.jsonpath.search import compile_search
from asl.jsonpath.tail import compile_tail
from asl.jsontext import dumps
from asl.model import Environment
from asl.payload import Json, Payload

Step: TypeAlias = str | int
Walk: TypeAlias = Callable[[Json], Json]
Reader: TypeAlias = Callable[[Environment, Payload], Json]


class PathSyntaxError(ValueError):
    """A text that is no path."""


class PathMiss(Exception):  # noqa: N818 - an answer, not a fault: the caller words the error
    """A definite path that leads nowhere; `str()` is the service's explanation."""


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


_ROOT: Final = re.compile(r"\$(?:(\$)|([^\W\d]\w*))?")
_STEP: Final = re.compile(
    r"""
    \.? \[ \s* (?: (?P<index>-?\d+)
                | '(?P<single>(?:[^'\\]|\\.)*)'
                | "(?P<double>(?:[^"\\]|\\.)*)" ) \s* \]
    | \. (?P<name>[^\s.\[\]()*?@'",:]+)
    """,
    re.VERBOSE,
)


def compile_path(text: str) -> Path:
    """Compile any path; raise PathSyntaxError."""
    root, variable, rest = _split_root(text)
    steps = _definite_steps(rest)
    walk = _compile_search(rest) if steps is None else _compile_walk(steps)
    return Path(text, root, variable, steps, _compile_read(root, variable, walk))


def compile_reference_path(text: str) -> Path:
    """Compile a path that must name one place."""
    _, _, rest = _split_root(text)
    if _definite_steps(rest) is None:
        msg = f"Value is not a Reference Path: {text}"
        raise PathSyntaxError(msg)
    return compile_path(text)


def _split_root(text: str) -> tuple[Root, str | None, str]:
    match = _ROOT.match(text)
    if match is None:
        msg = f"Value is not a valid JSONPath: {text}"
        raise PathSyntaxError(msg)
    rest = text[match.end() :]
    if match[1]:
        return Root.CONTEXT, None, rest
    if match[2]:
        return Root.VARIABLE, match[2], rest
    return Root.DOCUMENT, None, rest


def _definite_steps(rest: str) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            return None
        steps.append(_step_of(match))
        position = match.end()
    return tuple(steps)


def _step_of(match: re.Match[str]) -> Step:
    if match["index"] is not None:
        return int(match["index"])
    if match["single"] is not None:
        return match["single"].replace("\\'", "'")
    if match["double"] is not None:
        return match["double"].replace('\\"', '"')
    return match["name"]


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


_TAIL: Final = re.compile(r"\.([a-z]+)\(([^()]*)\)\s*$")


def _compile_search(rest: str) -> Walk:
    tail = _TAIL.search(rest)
    try:
        if tail is None:
            return compile_search(rest)
        apply = compile_tail(tail[1], tail[2])
    except ValueError as error:
        raise PathSyntaxError(str(error)) from error
    head = rest[: tail.start()]
    steps = _definite_steps(head)
    walk = _compile_search(head) if steps is None else _compile_walk(steps)
    return lambda document: apply(walk(document))


def _compile_walk(steps: tuple[Step, ...]) -> Walk:
    if not steps:
        return lambda document: document
    if all(isinstance(step, str) for step in steps):
        return _compile_keys(steps)
    return _compile_steps(steps)


def _compile_keys(steps: tuple[Step, ...]) -> Walk:
    """Object fields only: subscripting anything but an object with a string fails by itself."""

    def walk(document: Json) -> Json:
        value = document
        try:
            for step in steps:
                value = value[step]  # type: ignore[index]  # the failure is the test
        except (KeyError, TypeError):
            _explain(document, steps)
        return value

    return walk


def _compile_steps(steps: tuple[Step, ...]) -> Walk:
    def walk(document: Json) -> Json:
        value = document
        try:
            for step in steps:
                if value.__class__ is str:
                    _explain(document, steps)
                value = value[step]  # type: ignore[index]  # the failure is the test
        except (KeyError, TypeError, IndexError):
            _explain(document, steps)
        return value

    return walk


def _explain(document: Json, steps: tuple[Step, ...]) -> NoReturn:
    """Walk again, slowly, to say where the path ended."""
    value = document
    for position, step in enumerate(steps):
        here = canonical(steps[:position])
        if isinstance(step, str):
            if not isinstance(value, dict):
                raise PathMiss(_not_an_object(step, here, value))
            if step not in value:
                break
            value = value[step]
        else:
            if not isinstance(value, list):
                raise PathMiss(_not_an_array(step, value))
            if not -len(value) <= step < len(value):
                break
            value = value[step]
    else:
        raise AssertionError("a path that can be walked has no miss to explain")
    if isinstance(step, str) and position < len(steps) - 1:
        msg = f"Missing property in path {canonical(steps[: position + 1])}"
        raise PathMiss(msg)
    msg = f"No results for path: {canonical(steps)}"
    raise PathMiss(msg)


def canonical(steps: tuple[Step, ...]) -> str:
    """Write steps in bracket notation, as the messages show them."""
    return "$" + "".join(f"['{s}']" if isinstance(s, str) else f"[{s}]" for s in steps)


_NODE_CLASSES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "BooleanNode"),
    (int, "IntNode"),
    (float, "DoubleNode"),
    (str, "TextNode"),
    (list, "ArrayNode"),
    (dict, "ObjectNode"),
)


def _node_class(value: Json) -> str:
    for kind, name in _NODE_CLASSES:
        if isinstance(value, kind):
            return f"com.fasterxml.jackson.databind.node.{name}"
    return "com.fasterxml.jackson.databind.node.NullNode"


def _not_an_object(step: str, here: str, value: Json) -> str:
    return (
        f"Expected to find an object with property ['{step}'] in path {here} but found "
        f"'{_node_class(value)}'. This is not a json object according to the JsonProvider: "
        "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."
    )


def _not_an_array(step: int, value: Json) -> str:
    return f"Filter: [{step}] can only be applied to arrays. Current context is: {dumps(value)}"
