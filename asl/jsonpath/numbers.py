"""Numbers that a state takes from a path: seconds, concurrency, tolerated failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from asl.errors import StatesError
from asl.fields import Fields
from asl.jsonpath.flow import field_path, invalid_path
from asl.jsonpath.path import Path, PathMiss, compile_reference_path
from asl.jsontext import dumps
from asl.language import Scope
from asl.model import Environment
from asl.payload import Json, Payload

Effective: TypeAlias = Callable[[Environment], Payload]
Integer: TypeAlias = Callable[[Environment], int]
Float: TypeAlias = Callable[[Environment], float]


def integer_path(
    fields: Fields, name: str, scope: Scope, effective: Effective
) -> Integer | None:
    """Compile a `...Path` field that leads to an integer; None when absent."""
    path = field_path(fields, name, scope, compile_reference_path)
    if path is None:
        return None

    def read(environment: Environment) -> int:
        value = value_of(path, environment, effective)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        try:
            return int(value) if isinstance(value, str) else _refuse(name, path, value)
        except ValueError:
            return _refuse(name, path, value)

    return read


def float_path(
    fields: Fields, name: str, scope: Scope, effective: Effective
) -> Float | None:
    """Compile a `...Path` field that leads to a number; None when absent."""
    path = field_path(fields, name, scope, compile_reference_path)
    if path is None:
        return None

    def read(environment: Environment) -> float:
        value = value_of(path, environment, effective)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        raise _not_valid(name, path, value, "float")

    return read


def value_of(path: Path, environment: Environment, effective: Effective) -> Json:
    """Read a path of a field of its own against the effective input."""
    try:
        return path.read(environment, effective(environment))
    except PathMiss as miss:
        raise invalid_path(path, miss) from None


def _refuse(name: str, path: Path, value: Json) -> int:
    raise _not_valid(name, path, value, "integer")


def _not_valid(name: str, path: Path, value: Json, kind: str) -> StatesError:
    shown = value if isinstance(value, str) else dumps(value)
    cause = f'The {name} field refers to value "{shown}" which is not a valid {kind}: {path.text}'
    return StatesError("States.Runtime", cause)
