"""Warnings: what a definition may say and hardly means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asl.jsonpath.intrinsics import is_intrinsic
from asl.payload import Json
from asl.report import Code, Location, Report
from asl.walk import Placed, all_states

_PATH: Final = re.compile(r"\$(?:\$?[.\[]|[^\W\d]\w*(?:[.\[]|$)|\$?$)")
_TEMPLATES: Final = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
_LITERALS: Final = ("Error", "Cause")


def check_suspicions(definition: dict[str, Json], report: Report) -> None:
    """Report paths where they are taken literally."""
    default = definition.get("QueryLanguage")
    for state in all_states(definition):
        if state.fields.get("QueryLanguage", default) != "JSONata":
            _check_state(state, report)


def _check_state(state: Placed, report: Report) -> None:
    for name in _TEMPLATES:
        for location, value in _texts(state.fields.get(name), (*state.location, name)):
            is_dynamic = str(location[-1]).endswith(".$")
            if not is_dynamic and looks_dynamic(value):
                message = "No .$ on a field that appears to be a JSONPath or Intrinsic Function."
                report.warn(message, location, Code.NO_DOLLAR)
    if state.fields.get("Type") == "Pass":
        for location, value in _texts(
            state.fields.get("Result"), (*state.location, "Result")
        ):
            if looks_dynamic(value):
                message = "Attempt to use a path in the result of a pass state."
                report.warn(message, location, Code.PASS_RESULT_IS_STATIC)
    for name in _LITERALS:
        literal = state.fields.get(name)
        if isinstance(literal, str) and looks_dynamic(literal):
            message = "Field value looks like a path, but field name does not end with 'Path'."
            report.warn(message, (*state.location, name), Code.NO_PATH)


def looks_dynamic(value: str) -> bool:
    """Tell whether a text looks like a path or a call of an intrinsic function."""
    return _PATH.match(value) is not None or is_intrinsic(value)


def _texts(value: Json, location: Location) -> Iterator[tuple[Location, str]]:
    waiting = [(location, value)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, dict):
            waiting.extend(((*place, name), inner) for name, inner in item.items())
        elif isinstance(item, list):
            waiting.extend(((*place, index), inner) for index, inner in enumerate(item))
