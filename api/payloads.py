"""Whether a text that a caller sends may be an execution's input or a task's output."""

from __future__ import annotations

from collections.abc import Iterable

from api.errors import InvalidExecutionInput, InvalidOutput
from api.shapes import broken_constraint
from asl.errors import PayloadError
from asl.jsonerrors import find_fault
from asl.jsontext import MAX_DEPTH, loads, with_escaped_surrogates
from asl.payload import Json
from runtime.limits import MAX_DATA_BYTES


def check_input(text: str) -> str:
    """Return an input that is JSON and not too large; refuse any other."""
    text = with_escaped_surrogates(text)
    _check_size(text, "input")
    try:
        _check_json(text)
    except PayloadError as error:
        msg = f"Invalid State Machine Execution Input: '{error}'"
        raise InvalidExecutionInput(msg) from None
    return text


def check_output(text: str) -> str:
    """Return an output that is JSON and not too large; refuse any other."""
    text = with_escaped_surrogates(text)
    _check_size(text, "output")
    try:
        _check_json(text)
    except PayloadError as error:
        msg = f"Invalid Output: '{error}'"
        raise InvalidOutput(msg) from None
    return text


def _check_size(text: str, member: str) -> None:
    """Bound the bytes; the model bounds the characters."""
    if not text.isascii() and len(text.encode()) > MAX_DATA_BYTES:
        raise broken_constraint(
            member, f"Member must have length less than or equal to {MAX_DATA_BYTES}"
        )


def _check_json(text: str) -> None:
    """Refuse what is no JSON as the service's parser words it, and what is nested too deep."""
    try:
        value = loads(text)
    except PayloadError as error:
        raise PayloadError(find_fault(text, str(error)).message) from None
    _check_depth(value, text)


def _check_depth(value: Json, text: str) -> None:
    """Count the levels, where there are brackets enough for too many."""
    if text.count("[") + text.count("{") > MAX_DEPTH and is_too_deep(value):
        msg = f"nesting is deeper than {MAX_DEPTH}"
        raise PayloadError(msg)


def is_too_deep(value: Json) -> bool:
    """Tell whether a value has more levels of lists and objects than a payload may."""
    level = _containers((value,))
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _containers(_children(item))]
        if not level:
            return False
    return True


def _containers(values: Iterable[Json]) -> list[Json]:
    return [value for value in values if isinstance(value, list | dict)]


def _children(item: Json) -> Iterable[Json]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()
