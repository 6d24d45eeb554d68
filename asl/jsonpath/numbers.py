"""Numbers that a state takes from a path: seconds, concurrency, tolerated failures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from asl.errors import StatesError
from asl.fields import Fields
from asl.jsonpath.flow import field_path, invalid_path
from asl.jsonpath.path import (
    NOT_A_REFERENCE_PATH,
    Path,
    PathMiss,
    Root,
    compile_reference_path,
)
from asl.jsonpath.template import read_field_path
from asl.jsontext import dumps
from asl.language import Scope
from asl.model import Environment
from asl.payload import Json, Payload

Effective: TypeAlias = Callable[[Environment], Payload]
Integer: TypeAlias = Callable[[Environment], int]
Float: TypeAlias = Callable[[Environment], float]

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


def integer_path(
    fields: Fields, name: str, scope: Scope, effective: Effective
) -> Integer | None:
    """Compile a `...Path` field that leads to an integer; None when absent."""
    path = _reference_path(fields, name, scope)
    if path is None:
        return None

    def read(environment: Environment) -> int:
        return _integer(name, path, value_of(path, environment, effective))

    return read


def seconds_path(
    fields: Fields, name: str, scope: Scope, effective: Effective
) -> Integer | None:
    """Compile TimeoutSecondsPath or HeartbeatSecondsPath; None when absent."""
    path = field_path(fields, name, scope, compile_reference_path)
    if path is None:
        return None
    inner = read_field_path(name, path)

    def read(environment: Environment) -> int:
        value = _integer(name, path, inner(environment, effective(environment)))
        if value <= 0:
            cause = f"The {name} parameter references a non-positive value: {value}"
            raise StatesError("States.Runtime", cause)
        return value

    return read


def _integer(name: str, path: Path, value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise _not_valid(name, path, value, "integer")


def float_path(
    fields: Fields, name: str, scope: Scope, effective: Effective
) -> Float | None:
    """Compile a `...Path` field that leads to a number; None when absent."""
    path = _reference_path(fields, name, scope)
    if path is None:
        return None

    def read(environment: Environment) -> float:
        value = value_of(path, environment, effective)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        raise _not_valid(name, path, value, "float")

    return read


def _reference_path(fields: Fields, name: str, scope: Scope) -> Path | None:
    """Compile the path to a number of a Map: one into the input, or a variable."""
    path = field_path(fields, name, scope, compile_reference_path)
    if path is not None and path.root is Root.CONTEXT:
        fields.refuse(name, NOT_A_REFERENCE_PATH)
        return None
    return path


def value_of(path: Path, environment: Environment, effective: Effective) -> Json:
    """Read a path of a field of its own against the effective input."""
    try:
        return path.read(environment, effective(environment))
    except PathMiss as miss:
        raise invalid_path(path, miss) from None


def _not_valid(name: str, path: Path, value: Json, kind: str) -> StatesError:
    shown = value if isinstance(value, str) else dumps(value)
    cause = f'The {name} field refers to value "{shown}" which is not a valid {kind}: {path.text}'
    return StatesError("States.Runtime", cause)
