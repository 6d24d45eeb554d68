"""Payload templates: JSON in which a field `name.$` holds a path or an intrinsic function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from asl.errors import StatesError
from asl.jsonpath.intrinsics import (
    IntrinsicSyntaxError,
    compile_intrinsic,
    is_intrinsic,
    searched_text,
)
from asl.jsonpath.path import (
    ElementMiss,
    Path,
    PathMiss,
    PathSyntaxError,
    Reader,
    Root,
    compile_path,
)
from asl.jsontext import dumps
from asl.language import Scope, is_too_deep
from asl.model import Environment
from asl.payload import Json, Payload
from asl.report import Location

DYNAMIC: Final = ".$"
Stage: TypeAlias = Callable[[Environment, Payload], Payload]


@dataclass(frozen=True, slots=True)
class Template:
    """One compiled template; `read` is None where nothing in it is dynamic."""

    value: Json
    read: Reader | None


def compile_template(value: Json, location: Location, scope: Scope) -> Template:
    """Compile a template; what is wrong goes to the report."""
    if is_too_deep(location, scope):
        return Template(None, None)
    if isinstance(value, dict):
        return _compile_object(value, location, scope)
    if isinstance(value, list):
        return _compile_array(value, location, scope)
    return Template(value, None)


def payload_stage(template: Template) -> Stage:
    """Make the stage that turns a payload into what the template says."""
    read = template.read
    if read is None:
        value, text = template.value, dumps(template.value)
        return lambda _environment, _payload: Payload(text, value)
    return lambda environment, payload: Payload.of_value(read(environment, payload))


def _compile_object(
    value: dict[str, Json], location: Location, scope: Scope
) -> Template:
    static: dict[str, Json] = {}
    dynamic: list[tuple[str, Reader]] = []
    for name, item in value.items():
        if name.endswith(DYNAMIC):
            bare = _check_name(name, value, location, scope)
            dynamic.append((bare, compile_value(name, item, location, scope)))
            static[bare] = None
            continue
        inner = compile_template(item, (*location, name), scope)
        static[name] = inner.value
        if inner.read is not None:
            dynamic.append((name, inner.read))
    if not dynamic:
        return Template(value, None)
    return Template(static, _read_object(static, tuple(dynamic)))


def _read_object(
    static: dict[str, Json], dynamic: tuple[tuple[str, Reader], ...]
) -> Reader:
    def read(environment: Environment, payload: Payload) -> Json:
        filled = static.copy()
        for name, reader in dynamic:
            filled[name] = reader(environment, payload)
        return filled

    return read


def _check_name(
    name: str, value: dict[str, Json], location: Location, scope: Scope
) -> str:
    bare = name.removesuffix(DYNAMIC)
    if bare in value:
        message = f"The fields '{bare}' and '{name}' must not both be present"
        scope.fields.report.error(message, location)
    return bare


def _compile_array(value: list[Json], location: Location, scope: Scope) -> Template:
    inner = [
        compile_template(item, (*location, index), scope)
        for index, item in enumerate(value)
    ]
    if all(item.read is None for item in inner):
        return Template(value, None)

    def read(environment: Environment, payload: Payload) -> Json:
        return [
            item.value if item.read is None else item.read(environment, payload)
            for item in inner
        ]

    return Template(value, read)


def compile_value(name: str, text: Json, location: Location, scope: Scope) -> Reader:
    """Compile the value of one dynamic field."""
    try:
        if isinstance(text, str):
            if is_intrinsic(text):
                intrinsic = compile_intrinsic(text)
                scope.references.update(intrinsic.variables)
                return intrinsic.read
            path = reference(compile_path(text), scope)
            return read_field_path(name, _or_null(path))
    except (PathSyntaxError, IntrinsicSyntaxError):
        pass
    message = (
        f"The value for the field '{name}' must be a valid JSONPath or a valid "
        "intrinsic function call"
    )
    scope.fields.report.error(message, location)
    return lambda _environment, _payload: None


def reference(path: Path, scope: Scope) -> Path:
    """Note the variable that a path refers to."""
    if path.variable is not None:
        scope.references.add(path.variable)
    return path


def _or_null(path: Path) -> Path:
    """Let an element that its array does not have be null, as only templates do."""
    if not path.steps or not isinstance(path.steps[-1], int):
        return path
    inner = path.read

    def read(environment: Environment, payload: Payload) -> Json:
        try:
            return inner(environment, payload)
        except ElementMiss:
            return None

    return replace(path, read=read)


def read_field_path(name: str, path: Path) -> Reader:
    """Read a path for a field of a template, wording what may go wrong."""
    inner = path.read
    needs_input = path.root is Root.DOCUMENT

    def read(environment: Environment, payload: Payload) -> Json:
        try:
            value = inner(environment, payload)
        except PathMiss:
            raise _missing(name, path, environment, payload) from None
        if value is None and needs_input and payload.value is None:
            cause = "Unable to apply Path transformation to null or empty input."
            raise StatesError("States.Runtime", cause)
        return value

    return read


def _missing(
    name: str, path: Path, environment: Environment, payload: Payload
) -> StatesError:
    seen = searched_text(path, environment, payload)
    cause = (
        f"The JSONPath '{path.text}' specified for the field '{name}' could not be found "
        f"in the input '{seen}'"
    )
    return StatesError("States.Runtime", cause)
