"""JSON in which every string between `{%` and `%}` is an expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from asl.jsonata.expression import (
    Evaluate,
    body,
    compile_expression,
    is_expression,
    is_half_open,
    state_payload,
)
from asl.jsontext import dumps
from asl.language import Scope, is_too_deep
from asl.model import Environment, Expression
from asl.payload import Json, Payload
from asl.report import Location

_WHOLE: Final = re.compile(r"\$states\.(input|result|errorOutput)")


@dataclass(frozen=True, slots=True)
class Template:
    """One compiled template; `evaluate` is None where nothing in it is an expression."""

    value: Json
    evaluate: Evaluate | None


def compile_template(value: Json, location: Location, scope: Scope) -> Template:
    """Compile a template; what is wrong goes to the report."""
    if is_too_deep(location, scope):
        return Template(None, None)
    if isinstance(value, str):
        return _compile_text(value, location, scope)
    if isinstance(value, dict):
        return _compile_object(value, location, scope)
    if isinstance(value, list):
        return _compile_array(value, location, scope)
    return Template(value, None)


def compile_payload(value: Json, location: Location, scope: Scope) -> Expression:
    """Compile a template into the payload it yields; `$states.input` is the input itself."""
    template = compile_template(value, location, scope)
    evaluate = template.evaluate
    if evaluate is None:
        text = dumps(value)
        return lambda _environment: Payload(text, value)
    whole = _WHOLE.fullmatch(body(value)) if isinstance(value, str) else None
    if whole is None:
        return lambda environment: Payload.of_value(evaluate(environment))
    return _hand_on(whole[1], evaluate)


def _hand_on(field: str, evaluate: Evaluate) -> Expression:
    def read(environment: Environment) -> Payload:
        payload = state_payload(environment, field)
        return Payload.of_value(evaluate(environment)) if payload is None else payload

    return read


def _compile_text(value: str, location: Location, scope: Scope) -> Template:
    if is_expression(value):
        return Template(None, compile_expression(value, location, scope))
    if is_half_open(value):
        message = "A JSONata expression must start with '{%' and end with '%}'"
        scope.fields.report.error(message, location)
    return Template(value, None)


def _compile_object(
    value: dict[str, Json], location: Location, scope: Scope
) -> Template:
    static: dict[str, Json] = {}
    dynamic: list[tuple[str, Evaluate]] = []
    for name, item in value.items():
        inner = compile_template(item, (*location, name), scope)
        static[name] = inner.value
        if inner.evaluate is not None:
            dynamic.append((name, inner.evaluate))
    if not dynamic:
        return Template(value, None)

    def evaluate(environment: Environment) -> Json:
        filled = static.copy()
        for name, read in dynamic:
            filled[name] = read(environment)
        return filled

    return Template(static, evaluate)


def _compile_array(value: list[Json], location: Location, scope: Scope) -> Template:
    inner = [
        compile_template(item, (*location, index), scope)
        for index, item in enumerate(value)
    ]
    if all(item.evaluate is None for item in inner):
        return Template(value, None)

    def evaluate(environment: Environment) -> Json:
        return [
            item.value if item.evaluate is None else item.evaluate(environment)
            for item in inner
        ]

    return Template(value, evaluate)
