"""One `{% ... %}` of a definition, compiled into a callable over the environment.

Expressions that only fetch something (`$states.input.order`, `$total`) are read directly, so
that the payload itself travels on; all others go to the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

from asl.errors import PayloadError, StatesError
from asl.jsonata.choosing import ENGINE
from asl.jsonata.engine import (
    MAX_SOURCE,
    Bindings,
    JsonataError,
    Query,
    draws_lots,
)
from asl.jsonata.functions import (
    ADDED_NAMES,
    MakeHost,
    added_functions,
    with_functions,
)
from asl.jsontext import dumps, loads
from asl.language import Scope
from asl.model import Environment
from asl.payload import Json, Payload
from asl.report import Code, Location, service_location

Evaluate: TypeAlias = Callable[[Environment], Json]

OPENING: Final = "{%"
CLOSING: Final = "%}"
QUERY_ERROR: Final = "States.QueryEvaluationError"
_FETCH: Final = re.compile(r"\$([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)", re.ASCII)
_ERROR_OUTPUT: Final = "errorOutput"
_SYNTAX_ERROR: Final = "S0201"
_KEYWORDS: Final = frozenset({"and", "or", "in", "true", "false", "null", "function"})


class _Undefined(Exception):  # noqa: N818 - an answer: the expression yields nothing
    pass


class _Unsupported(Exception):  # noqa: N818 - an answer: the expression yields a function
    pass


class _NotPlain(Exception):  # noqa: N818 - an answer: ask the engine instead
    pass


def is_expression(value: Json) -> bool:
    """Tell whether a value of a definition is an expression."""
    return (
        isinstance(value, str) and value.startswith(OPENING) and value.endswith(CLOSING)
    )


def is_half_open(value: str) -> bool:
    """Tell whether a text has only one of the two ends of an expression."""
    return value.startswith(OPENING) != value.endswith(CLOSING)


def body(text: str) -> str:
    """Return what stands between the ends of an expression."""
    return text[len(OPENING) : -len(CLOSING)].strip()


def evaluation_failed(cause: str, field: str) -> StatesError:
    """Make the error of an evaluation, at a field."""
    return StatesError(QUERY_ERROR, cause, location=field)


def field_name(location: Location, scope: Scope) -> str:
    """Write a location within a state as the messages name fields: `Output/total`."""
    return service_location(location[len(scope.fields.location) :]).lstrip("/")


def compile_expression(text: str, location: Location, scope: Scope) -> Evaluate:
    """Compile an expression; what is wrong goes to the report."""
    source = body(text)
    fetch = _plain_fetch(source)
    if fetch is not None and fetch[1] == "states":
        _check_error_output(frozenset(fetch[2].split(".")[1:2]), location, scope)
    if fetch is None:
        evaluate = _compile_source(source, location, scope)
    elif fetch[1] == "states":
        evaluate = _compile_fetch(fetch, _compile_late(source))
    elif fetch[2]:
        scope.references.add(fetch[1])
        evaluate = _compile_fetch(fetch, _compile_late(source))
    else:  # one word only: it may be the name of a function
        evaluate = _compile_fetch(fetch, _compile_source(source, location, scope))
    return _worded(source, location, scope, evaluate)


def _plain_fetch(source: str) -> re.Match[str] | None:
    """Match an expression that only fetches something, and needs no engine for that."""
    fetch = _FETCH.fullmatch(source)
    if fetch is None or _KEYWORDS.intersection(fetch[2].split(".")):
        return None
    return fetch


def _compile_source(source: str, location: Location, scope: Scope) -> Evaluate:
    report = scope.fields.report
    if len(source) > MAX_SOURCE:
        message = f"JSONata expression is longer than {MAX_SOURCE} characters"
        report.error(message, location)
        return _compiled_to_nothing(message)
    try:
        query = ENGINE.compile(source)
    except ValueError as error:
        report.error(str(error), location, Code.INVALID_JSONATA)
        return _compiled_to_nothing(str(error))
    for name in query.roots:
        where = "" if name == "$$" else " at the top level"
        _refuse_reference(f"'{name}'{where}", location, scope)
    _check_error_output(query.states or frozenset(), location, scope)
    scope.references.update((query.reads or frozenset()) - ADDED_NAMES)
    whole = with_functions(source)
    return _compile_query(query if whole == source else ENGINE.compile(whole))


def _compiled_to_nothing(reason: str) -> Evaluate:
    """Fail the state that needs it: where a machine is run despite all, data must not get lost."""

    def read(_environment: Environment) -> Json:
        raise JsonataError(_SYNTAX_ERROR, reason)

    return read


def _check_error_output(
    reads: frozenset[str], location: Location, scope: Scope
) -> None:
    """Report $states.errorOutput where no error can have been caught: outside a catcher."""
    is_in_catcher = location[len(scope.fields.location) :][:1] == ("Catch",)
    if _ERROR_OUTPUT in reads and not is_in_catcher:
        _refuse_reference(f"'$states.{_ERROR_OUTPUT}'", location, scope)


def _refuse_reference(what: str, location: Location, scope: Scope) -> None:
    message = f"Reference to {what} is not supported."
    scope.fields.report.error(message, location, Code.UNSUPPORTED_JSONATA)


def _compile_late(source: str) -> Evaluate:
    """Compile an expression that is well-formed only when the engine is needed for it."""

    def read(environment: Environment) -> Json:
        return _compiled(source)(environment)

    return read


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Evaluate:
    return _compile_query(ENGINE.compile(source))


def _worded(
    source: str, location: Location, scope: Scope, evaluate: Evaluate
) -> Evaluate:
    def read(environment: Environment) -> Json:
        try:
            return evaluate(environment)
        except _Undefined:
            what = "returned nothing (undefined)."
        except _Unsupported:
            what = "returned an unsupported result type."
        except JsonataError as error:
            what = f"threw an error during evaluation{error.explanation}"
        except PayloadError as error:
            what = f"returned what cannot be written as JSON: {error}."
        field = field_name(location, scope)
        cause = f"The JSONata expression '{source}' specified for the field '{field}' "
        raise evaluation_failed(cause + what, field)

    return read


def _compile_fetch(match: re.Match[str], slow: Evaluate) -> Evaluate:
    root, steps = match[1], tuple(match[2].split(".")[1:])
    fetch = _fetch_state if root == "states" else _fetch_variable(root)

    def read(environment: Environment) -> Json:
        try:
            value, rest = fetch(environment, steps)
            for step in rest:
                value = _step(value, step)
        except _NotPlain:
            return slow(environment)
        return value

    return read


def _step(value: Json, step: str) -> Json:
    if not isinstance(value, dict):
        raise _NotPlain
    if step not in value:
        raise _Undefined
    return value[step]


def _fetch_variable(
    name: str,
) -> Callable[[Environment, tuple[str, ...]], tuple[Json, tuple[str, ...]]]:
    def fetch(
        environment: Environment, steps: tuple[str, ...]
    ) -> tuple[Json, tuple[str, ...]]:
        if name not in environment.variables:
            raise _NotPlain
        return environment.variables[name], steps

    return fetch


def _fetch_state(
    environment: Environment, steps: tuple[str, ...]
) -> tuple[Json, tuple[str, ...]]:
    if not steps:
        return states_object(environment, None), ()
    if steps[0] == "context":
        return environment.context(), steps[1:]
    payload = state_payload(environment, steps[0])
    if payload is None:
        raise _Undefined
    return payload.value, steps[1:]


def state_payload(environment: Environment, field: str) -> Payload | None:
    """Return the payload behind a field of `$states`, None where there is none."""
    if field == "input":
        return environment.input
    if field == "result":
        return environment.result
    return environment.error_output if field == _ERROR_OUTPUT else None


_STATE_PAYLOADS: Final = ("result", _ERROR_OUTPUT)


def states_object(
    environment: Environment, wanted: frozenset[str] | None
) -> dict[str, Json]:
    """Build `$states`, or the fields of it that are wanted."""
    states: dict[str, Json] = {}
    if wanted is None or "input" in wanted:
        states["input"] = environment.input.value
    if wanted is None or "context" in wanted:
        states["context"] = environment.context()
    for field in _STATE_PAYLOADS:
        payload = state_payload(environment, field)
        if payload is not None and (wanted is None or field in wanted):
            states[field] = payload.value
    return states


def _compile_query(query: Query) -> Evaluate:
    added = added_functions(query.source)
    is_random = draws_lots(query.source)

    def read(environment: Environment) -> Json:
        seed = int(environment.entropy.random() * (1 << 53)) if is_random else 0
        bindings = _bindings(query, environment, added)
        text = ENGINE.evaluate(query, bindings, environment.now, seed)
        if text is not None:
            return loads(text)
        if _yields_function(query, bindings, environment, seed):
            raise _Unsupported
        raise _Undefined

    return read


def _yields_function(
    query: Query, bindings: Bindings, environment: Environment, seed: int
) -> bool:
    """The engines return nothing for a function, too: ask for the type."""
    asking = ENGINE.compile(f"($yielded := {query.source}\n; $type($yielded))")
    return ENGINE.evaluate(asking, bindings, environment.now, seed) == '"function"'


def _bindings(
    query: Query, environment: Environment, added: tuple[tuple[str, MakeHost], ...]
) -> Bindings:
    variables = environment.variables
    bindings: dict[str, object] = {name: make(environment) for name, make in added}
    names = variables if query.reads is None else query.reads
    bindings.update((name, variables[name]) for name in names if name in variables)
    if query.states is None or query.states:
        bindings["states"] = states_object(environment, query.states)
    return bindings  # type: ignore[return-value]  # values are Json or functions by construction


_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (int, "number"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def kind_of(value: Json) -> str:
    """Name the type of a value as the messages do."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


def require_kind(expected: str, text: str, field: str, evaluate: Evaluate) -> Evaluate:
    """Wrap an expression so that a result of another type is an error."""
    prefix = f"The JSONata expression '{body(text)}' specified for the field '{field}' "

    def read(environment: Environment) -> Json:
        value = evaluate(environment)
        if kind_of(value) == expected:
            return value
        cause = (
            f"{prefix}returned an unexpected result type. Expected '{expected}', but was "
            f"'{kind_of(value)}' for value: {dumps(value)}"
        )
        raise evaluation_failed(cause, field)

    return read
