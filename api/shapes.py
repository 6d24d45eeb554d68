"""Request checks, compiled once per operation from the API model.

`compile_request` turns an operation's request shape into one function from the decoded body
to a typed request. A value of a wrong type is a SerializationException at once; broken
constraints are collected and answered together, in the service's words. Members that the
model does not know are dropped, and a member that is null counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from api.errors import SerializationException, ValidationException
from api.model import ApiModel, Shape

T = TypeVar("T")
Problems: TypeAlias = list[str]
# Returns the checked value; appends to the problems what it breaks.
Check: TypeAlias = Callable[[Any, str, Problems], Any]

_INTEGERS: Final = {"integer": 2**31, "long": 2**63}
_CAMEL_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Texts that are stored in text columns, which hold no NUL; every other string of a request
# is judged later, by an error of its own.
_PLAIN_TEXTS: Final = frozenset(
    {"AliasDescription", "KmsKeyId", "RevisionId", "TagKey", "TagValue"}
    | {"VersionDescription"}
)
# Java's class of ASCII characters; here without NUL, for the same reason.
_JAVA_ASCII: Final = r"\p{ASCII}"


def python_name(member: str) -> str:
    """Return the attribute that holds a member: `stateMachineArn` is `state_machine_arn`."""
    return _CAMEL_HUMP.sub("_", member).lower()


def compile_request(
    model: ApiModel, operation: str, build: Callable[..., T]
) -> Callable[[object], T]:
    """Return the function from a decoded body to `build(**members)` in Python names."""
    shape = model.shapes[model.operations[operation].request]
    members = tuple(
        (name, python_name(name), name in shape.required, _check(model, shape_name))
        for name, shape_name in shape.members.items()
    )

    def read(body: object) -> T:
        if type(body) is not dict:
            _refuse_type(body, "structure")
        values = {}
        problems: Problems = []
        for wire_name, attribute, required, check in members:
            value = body.get(wire_name)
            if value is not None:
                values[attribute] = check(value, wire_name, problems)
            elif required:
                problems.append(_null(wire_name))
        if problems:
            raise broken_constraints(problems)
        return build(**values)

    return read


def broken_constraints(problems: Problems) -> ValidationException:
    """Return the error that lists the problems, counted."""
    noun = "error" if len(problems) == 1 else "errors"
    joined = "; ".join(problems)
    return ValidationException(f"{len(problems)} validation {noun} detected: {joined}")


def broken_constraint(
    path: str, constraint: str, value: object = None
) -> ValidationException:
    """Return the error for one member; the value is shown where it is not None."""
    shown = "" if value is None else f"'{value}' "
    return broken_constraints([_problem(shown, path, constraint)])


def missing_member(path: str) -> ValidationException:
    """Return the error for a member that must be there and is not."""
    return broken_constraints([_null(path)])


def _problem(shown: str, path: str, constraint: str) -> str:
    return f"Value {shown}at '{path}' failed to satisfy constraint: {constraint}"


def _null(path: str) -> str:
    return _problem("null ", path, "Member must not be null")


def _check(model: ApiModel, shape_name: str) -> Check:
    shape = model.shapes[shape_name]
    match shape.type:
        case "string":
            return _string(shape)
        case "integer" | "long":
            return _integer(shape)
        case "float":
            return _float(shape)
        case "boolean":
            return _boolean
        case "list":
            return _list(model, shape)
        case "structure":
            return _structure(model, shape)
        case _:
            msg = f"no request has a {shape.type}"
            raise AssertionError(msg)


def _string(shape: Shape) -> Check:
    shortest = int(shape.minimum or 0)
    longest = int(shape.maximum) if shape.maximum is not None else 2**31
    further = _further_constraints(shape)

    def check(value: Any, path: str, problems: Problems) -> Any:
        if type(value) is not str:
            _refuse_type(value, "String")
        length = len(value)
        broken: str | None = None
        if length > longest:
            broken = f"Member must have length less than or equal to {longest}"
        elif length < shortest:
            broken = f"Member must have length greater than or equal to {shortest}"
        elif further is not None:
            broken = further(value)
        if broken is not None:
            shown = "" if shape.sensitive else f"'{value}' "
            problems.append(_problem(shown, path, broken))
        return value

    return check


def _further_constraints(shape: Shape) -> Callable[[str], str | None] | None:
    if shape.enum:
        allowed = frozenset(shape.enum)
        listed = ", ".join(shape.enum)
        message = f"Member must satisfy enum value set: [{listed}]"
        return lambda value: None if value in allowed else message
    if shape.pattern is not None:
        expression = re.compile(shape.pattern.replace(_JAVA_ASCII, r"[\x01-\x7f]"))
        message = f"Member must satisfy regular expression pattern: {shape.pattern}"
        return lambda value: None if expression.fullmatch(value) else message
    if shape.name in _PLAIN_TEXTS:
        message = "Member must not contain the character NUL"
        return lambda value: message if "\x00" in value else None
    return None


def _integer(shape: Shape) -> Check:
    bound = _INTEGERS[shape.type]

    def check(value: Any, path: str, problems: Problems) -> Any:
        if type(value) is not int or not -bound <= value < bound:
            _refuse_type(value, "Integer" if shape.type == "integer" else "Long")
        _check_range(shape, value, path, problems)
        return value

    return check


def _float(shape: Shape) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        if type(value) not in (int, float):
            _refuse_type(value, "Float")
        _check_range(shape, value, path, problems)
        return float(value)

    return check


def _check_range(shape: Shape, value: float, path: str, problems: Problems) -> None:
    if shape.maximum is not None and value > shape.maximum:
        constraint = f"Member must have value less than or equal to {shape.maximum}"
        problems.append(_problem(f"'{value}' ", path, constraint))
    elif shape.minimum is not None and value < shape.minimum:
        constraint = f"Member must have value greater than or equal to {shape.minimum}"
        problems.append(_problem(f"'{value}' ", path, constraint))


def _boolean(value: Any, _path: str, _problems: Problems) -> Any:
    if type(value) is not bool:
        _refuse_type(value, "Boolean")
    return value


def _list(model: ApiModel, shape: Shape) -> Check:
    assert shape.item is not None
    item = _check(model, shape.item)

    def check(value: Any, path: str, problems: Problems) -> Any:
        if type(value) is not list:
            _refuse_type(value, "list")
        _check_length(shape, value, path, problems)
        return [
            item(each, f"{path}.{position}.member", problems)
            for position, each in enumerate(value, start=1)
        ]

    return check


def _check_length(
    shape: Shape, value: list[Any], path: str, problems: Problems
) -> None:
    if shape.maximum is not None and len(value) > shape.maximum:
        constraint = f"Member must have length less than or equal to {shape.maximum}"
        problems.append(_problem(_shown(value), path, constraint))
    elif shape.minimum is not None and len(value) < shape.minimum:
        constraint = f"Member must have length greater than or equal to {shape.minimum}"
        problems.append(_problem(_shown(value), path, constraint))


def _shown(value: list[Any]) -> str:
    """Show a list of texts, as the service does; what structures look like there is unknown."""
    if all(isinstance(each, str) for each in value):
        return f"'[{', '.join(value)}]' "
    return ""


def _structure(model: ApiModel, shape: Shape) -> Check:
    members = tuple(
        (name, name in shape.required, _check(model, shape_name))
        for name, shape_name in shape.members.items()
    )

    def check(value: Any, path: str, problems: Problems) -> Any:
        if type(value) is not dict:
            _refuse_type(value, "structure")
        known = {}
        for name, required, member in members:
            inner = value.get(name)
            if inner is not None:
                known[name] = member(inner, f"{path}.{name}", problems)
            elif required:
                problems.append(_null(f"{path}.{name}"))
        return known

    return check


def _refuse_type(value: object, wanted: str) -> NoReturn:
    if isinstance(value, dict):
        reason = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        reason = "Start of list found where not expected"
    elif wanted in ("structure", "list"):
        reason = f"Unexpected token: a {wanted} was expected"
    else:
        reason = f"{_token_kind(value)} can not be converted to a {wanted}"
    raise SerializationException(reason)


def _token_kind(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if value is None:
        return "NULL_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    return "DECIMAL_VALUE" if isinstance(value, float) else "NUMBER_VALUE"
