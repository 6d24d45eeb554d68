"""Error, ErrorPath, Cause and CausePath of a Fail; the paths may be intrinsic functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from asl.errors import StatesError
from asl.jsonpath.flow import field_path, invalid_path
from asl.jsonpath.intrinsics import (
    IntrinsicSyntaxError,
    compile_intrinsic,
    is_intrinsic,
)
from asl.jsonpath.path import PathMiss
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
    if text is not None and is_intrinsic(text):
        return _intrinsic(name, text, scope)
    path = field_path(scope.fields, name, scope)
    if path is None:
        return lambda _environment: None

    def read(environment: Environment) -> Json:
        try:
            return path.read(environment, environment.input)
        except PathMiss as miss:
            raise invalid_path(path, miss) from None

    return read


def _intrinsic(name: str, text: str, scope: Scope) -> Callable[[Environment], Json]:
    try:
        intrinsic = compile_intrinsic(text)
    except IntrinsicSyntaxError as error:
        scope.fields.refuse(name, str(error))
        return lambda _environment: None
    scope.references.update(intrinsic.variables)
    return lambda environment: intrinsic.read(environment, environment.input)
