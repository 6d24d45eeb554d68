"""Definite paths: those that name one place; a loop over look-ups, and why it ended.

The messages of misses are those of the Java library that the public service uses, which tells
a missing leaf from a missing step before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias

from asl.jsontext import dumps
from asl.payload import Json

Step: TypeAlias = str | int
Walk: TypeAlias = Callable[[Json], Json]


class PathMiss(Exception):  # noqa: N818 - an answer, not a fault: the caller words the error
    """A definite path that leads nowhere; `str()` is the service's explanation."""


class ElementMiss(PathMiss):
    """A path whose last step is an index that the array does not have."""


_STEP: Final = re.compile(
    r"""
    \.? \[ \s* (?: (?P<index>-?\d+)
                | '(?P<single>(?:[^'\\]|\\.)*)'
                | "(?P<double>(?:[^"\\]|\\.)*)" ) \s* \]
    | \. (?P<name>[^\s.\[\]()*?@'",:]+)
    """,
    re.VERBOSE,
)


def definite_steps(rest: str) -> tuple[Step, ...] | None:
    """Take what follows the root of a path apart; None when it is not definite."""
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


def compile_walk(steps: tuple[Step, ...]) -> Walk:
    """Compile the steps of a definite path; the walk raises PathMiss."""
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


def compile_object_walk(
    steps: tuple[Step, ...], wanted: tuple[str, ...]
) -> Callable[[Json], dict[str, Json]]:
    """Compile the way to an object of which some fields are wanted, whichever it has."""
    walk = compile_walk(steps)
    listed, here = ",".join(f"'{name}'" for name in wanted), canonical(steps)

    def find(document: Json) -> dict[str, Json]:
        try:
            found = walk(document)
        except PathMiss:
            _explain(document, (*steps, wanted[0]))
        if isinstance(found, dict):
            return found
        raise PathMiss(_not_an_object(listed, here, found))

    return find


def _explain(document: Json, steps: tuple[Step, ...]) -> NoReturn:
    """Walk again, slowly, to say where the path ended."""
    value = document
    for position, step in enumerate(steps):
        here = canonical(steps[:position])
        if isinstance(step, str):
            if not isinstance(value, dict):
                raise PathMiss(_not_an_object(f"'{step}'", here, value))
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
    is_element = isinstance(step, int) and position == len(steps) - 1
    raise ElementMiss(msg) if is_element else PathMiss(msg)


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


def _not_an_object(wanted: str, here: str, value: Json) -> str:
    return (
        f"Expected to find an object with property [{wanted}] in path {here} but found "
        f"'{_node_class(value)}'. This is not a json object according to the JsonProvider: "
        "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."
    )


def _not_an_array(step: int, value: Json) -> str:
    return f"Filter: [{step}] can only be applied to arrays. Current context is: {dumps(value)}"
