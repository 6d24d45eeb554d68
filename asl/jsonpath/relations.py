"""The operators of filters, as one table; a comparison of unlike types is false.

Regular expressions run on RE2, whose time is linear in the text: no pattern stalls an engine.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import re2

from asl.calculations import same

MAX_PATTERN: Final = 1000

Relation: TypeAlias = Callable[[Any, Any], bool]


class Missing:
    """The type of the value of a path that leads nowhere."""


MISSING: Final = Missing()

_FLAGS: Final = frozenset("imsdux")
_OWN_FLAGS: Final = frozenset("ims")


def compile_pattern(pattern: str, flags: str) -> Any:
    """Compile a regular expression; raise ValueError."""
    if len(pattern) > MAX_PATTERN or not set(flags) <= _FLAGS:
        msg = f"Could not parse the pattern: /{pattern[:80]}/{flags}"
        raise ValueError(msg)
    kept = "".join(sorted(_OWN_FLAGS.intersection(flags)))
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"(?{kept}){pattern}" if kept else pattern, options)
    except re2.error as error:
        raise ValueError(str(error)) from error


def _ordered(relation: Relation) -> Relation:
    def compare(left: Any, right: Any) -> bool:
        if isinstance(left, bool) or isinstance(right, bool):
            return False
        are_numbers = isinstance(left, int | float) and isinstance(right, int | float)
        are_texts = isinstance(left, str) and isinstance(right, str)
        return (are_numbers or are_texts) and relation(left, right)

    return compare


def _equal(left: Any, right: Any) -> bool:
    if left is MISSING or right is MISSING:
        return left is right
    return same(left, right)


def _unequal(left: Any, right: Any) -> bool:
    return not _equal(left, right)


def _is_in(left: Any, right: Any) -> bool:
    return isinstance(right, list) and any(_equal(left, item) for item in right)


def _is_not_in(left: Any, right: Any) -> bool:
    return not _is_in(left, right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _is_in(right, left)


def _has_size(left: Any, right: Any) -> bool:
    return isinstance(left, list | str) and _equal(len(left), right)


def _is_empty(left: Any, right: Any) -> bool:
    return isinstance(left, list | str | dict) and (not left) is right


def _lists(relation: Relation) -> Relation:
    def compare(left: Any, right: Any) -> bool:
        return (
            isinstance(left, list) and isinstance(right, list) and relation(left, right)
        )

    return compare


RELATIONS: Final[dict[str, Relation]] = {
    "==": _equal,
    "!=": _unequal,
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _is_in,
    "nin": _is_not_in,
    "contains": _contains,
    "size": _has_size,
    "empty": _is_empty,
    "subsetof": _lists(lambda left, right: all(_is_in(item, right) for item in left)),
    "anyof": _lists(lambda left, right: any(_is_in(item, right) for item in left)),
    "noneof": _lists(lambda left, right: not any(_is_in(item, right) for item in left)),
}
