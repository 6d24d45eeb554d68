"""Error, ErrorPath, Cause and CausePath of a Fail; the paths may be intrinsic functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from asl.errors import StatesError
from asl.jsonpath.template import compile_value
from asl.jsontext import dumps
from asl.language import Failure, Scope
from asl.model import Environment
from asl.payload import Json

Part: TypeAlias = Callable[[Environment], str | None]


def compile_failure(scope: Scope) -> Failure:
    """Compile both parts of a failure."""
    error, cause = _part("Error", scope), _part("Cause", scope)
    return lambda environment: (error(environment), cause(environment))


def _part(name: str, scope: Scope) -> Part:
    path_name = f"{name}Path"
    scope.fields.exclusive(name, path_name)
    if path_name not in scope.fields:
        fixed = scope.fields.text(name)
        return lambda _environment: fixed
    return _text_only(path_name, _dynamic(path_name, scope))


def _text_only(name: str, read: Callable[[Environment], Json]) -> Part:
    def part(environment: Environment) -> str | None:
        value = read(environment)
        if isinstance(value, str):
            return value
        cause = (
            f"The {name} parameter does not reference a string value: {dumps(value)}"
        )
        raise StatesError("States.Runtime", cause)

    return part


def _dynamic(name: str, scope: Scope) -> Callable[[Environment], Json]:
    text = scope.fields.text(name)
    if text is None:
        return lambda _environment: None
    read = compile_value(name, text, scope.fields.at(name), scope)
    return lambda environment: read(environment, environment.input)
