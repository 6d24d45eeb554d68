"""The comparison operators of choice rules, as tables of small predicates.

A comparison between values of the wrong types is false, never an error.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from asl.payload import Json
from asl.timestamps import parse_timestamp

_PATTERN_PART: Final = re.compile(r"\*+|\\.|[^*\\]+|\\", re.DOTALL)

Predicate: TypeAlias = Callable[[Json], bool]
Against: TypeAlias = Callable[[Json], Predicate]
Relation: TypeAlias = Callable[[Any, Any], bool]


def is_number(value: Json) -> bool:
    """Tell whether a value is a number (true is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_text(value: Json) -> bool:
    """Tell whether a value is a string."""
    return isinstance(value, str)


def is_boolean(value: Json) -> bool:
    """Tell whether a value is true or false."""
    return isinstance(value, bool)


def is_timestamp(value: Json) -> bool:
    """Tell whether a value is a string that holds a timestamp."""
    return isinstance(value, str) and parse_timestamp(value) is not None


def _never(_value: Json) -> bool:
    return False


def _string(relation: Relation) -> Against:
    def against(operand: Json) -> Predicate:
        if not isinstance(operand, str):
            return _never
        return lambda value: isinstance(value, str) and relation(value, operand)

    return against


def _numeric(relation: Relation) -> Against:
    def against(operand: Json) -> Predicate:
        if not is_number(operand):
            return _never
        return lambda value: is_number(value) and relation(value, operand)

    return against


def _boolean(operand: Json) -> Predicate:
    if not isinstance(operand, bool):
        return _never
    return lambda value: value is operand


def _timestamp(relation: Relation) -> Against:
    def against(operand: Json) -> Predicate:
        moment = parse_timestamp(operand) if isinstance(operand, str) else None
        if moment is None:
            return _never

        def matches(value: Json) -> bool:
            other = parse_timestamp(value) if isinstance(value, str) else None
            return other is not None and relation(other, moment)

        return matches

    return against


def _matches(operand: Json) -> Predicate:
    if not isinstance(operand, str):
        return _never
    pieces = split_pattern(operand)
    return lambda value: isinstance(value, str) and fits(value, pieces)


def split_pattern(pattern: str) -> tuple[str, ...]:
    """Split a pattern at its wildcards `*`; a backslash takes a character as it is."""
    pieces: list[list[str]] = [[]]
    for part in _PATTERN_PART.findall(pattern):
        if part[0] == "*":
            pieces.append([])
        else:
            pieces[-1].append(part[1:] if len(part) > 1 and part[0] == "\\" else part)
    return tuple(map("".join, pieces))


def fits(value: str, pieces: tuple[str, ...]) -> bool:
    """Tell whether the pieces stand in a value in their order, first and last at its ends."""
    first, *middle = pieces
    if not middle:
        return value == first
    last = middle.pop()
    if not value.startswith(first) or len(value) < len(first) + len(last):
        return False
    position, end = len(first), len(value) - len(last)
    for piece in middle:
        found = value.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return value.endswith(last)


_RELATIONS: Final[dict[str, Relation]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}

COMPARISONS: Final[dict[str, Against]] = {
    **{f"String{name}": _string(relation) for name, relation in _RELATIONS.items()},
    **{f"Numeric{name}": _numeric(relation) for name, relation in _RELATIONS.items()},
    **{
        f"Timestamp{name}": _timestamp(relation)
        for name, relation in _RELATIONS.items()
    },
    "BooleanEquals": _boolean,
    "StringMatches": _matches,
}
"""Operators that compare with a value; each but StringMatches has a `...Path` twin."""

TYPE_TESTS: Final[dict[str, Predicate]] = {
    "IsNull": lambda value: value is None,
    "IsString": is_text,
    "IsNumeric": is_number,
    "IsBoolean": is_boolean,
    "IsTimestamp": is_timestamp,
}
"""Operators that ask for a type; their operand says which answer is wanted."""

OPERAND_TYPES: Final[dict[str, tuple[Predicate, str]]] = {
    "String": (is_text, "String"),
    "Numeric": (is_number, "Number"),
    "Boolean": (is_boolean, "Boolean"),
    "Timestamp": (is_text, "String"),
}
"""The type of the literal operand of a family of operators."""
