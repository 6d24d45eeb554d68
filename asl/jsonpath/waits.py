"""Seconds, SecondsPath, Timestamp and TimestampPath of a Wait."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from asl.errors import StatesError
from asl.jsonpath.flow import DataFlow, field_path
from asl.jsonpath.path import Path, PathMiss, compile_reference_path
from asl.jsontext import dumps
from asl.language import Due, Scope
from asl.model import Environment
from asl.payload import Json
from asl.timestamps import parse_timestamp
from asl.waits import (
    after_seconds,
    at_once,
    end_of_wait,
    fixed_moment,
    fixed_seconds,
    only_field,
)

_FIELDS: Final = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")


def compile_due(scope: Scope, flow: DataFlow) -> Due:
    """Compile the one field that says when the wait ends."""
    name = only_field(scope.fields, _FIELDS)
    if name == "Seconds":
        return fixed_seconds(scope.fields)
    if name == "Timestamp":
        return fixed_moment(scope.fields)
    if name is None:
        return at_once
    path = field_path(scope.fields, name, scope, compile_reference_path)
    if path is None:
        return at_once
    return _seconds(path, flow) if name == "SecondsPath" else _moment(path, flow)


def _seconds(path: Path, flow: DataFlow) -> Due:
    def due(environment: Environment, entered: datetime) -> datetime:
        value = _waited_for("SecondsPath", path, flow, environment)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _refused(
                "SecondsPath", "cannot be parsed as a long value", path, value
            )
        if value < 0:
            raise _refused("SecondsPath", "references a negative value", path, value)
        return after_seconds(entered, value)

    return due


def _moment(path: Path, flow: DataFlow) -> Due:
    def due(environment: Environment, entered: datetime) -> datetime:
        value = _waited_for("TimestampPath", path, flow, environment)
        moment = parse_timestamp(value) if isinstance(value, str) else None
        if moment is None:
            trouble = "does not reference a valid ISO-8601 extended offset date-time format string"
            raise _refused("TimestampPath", trouble, path, value)
        return end_of_wait(entered, moment)

    return due


def _waited_for(
    name: str, path: Path, flow: DataFlow, environment: Environment
) -> Json:
    try:
        return path.read(environment, flow.effective(environment))
    except PathMiss:
        cause = f"The {name} parameter does not reference an input value: {path.text}"
        raise StatesError("States.Runtime", cause) from None


def _refused(name: str, trouble: str, path: Path, value: Json) -> StatesError:
    shown = value if isinstance(value, str) else dumps(value)
    cause = f"The {name} parameter {trouble}: {path.text} == {shown}"
    return StatesError("States.Runtime", cause)
