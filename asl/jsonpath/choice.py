"""Choice rules in JSONPath mode: a tree of And, Or, Not and comparisons, as one closure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from asl.errors import StatesError
from asl.fields import Fields
from asl.jsonpath.comparison import (
    COMPARISONS,
    OPERAND_TYPES,
    TYPE_TESTS,
    Against,
    Predicate,
    is_timestamp,
)
from asl.jsonpath.flow import field_path
from asl.jsonpath.path import Path, PathMiss, Reader, compile_rooted_path
from asl.language import Scope
from asl.model import Environment
from asl.payload import Json, Payload

Test: TypeAlias = Callable[[Environment, Payload], bool]

MAX_NESTING: Final = 50
_PATH: Final = "Path"
_COMBINATIONS: Final = frozenset({"And", "Or", "Not"})
_IS_PRESENT: Final = "IsPresent"
_OPERATORS: Final = frozenset(
    {
        *COMPARISONS,
        *(f"{name}{_PATH}" for name in COMPARISONS if name != "StringMatches"),
        *TYPE_TESTS,
        _IS_PRESENT,
    }
)
_RULE_FIELDS: Final = frozenset({"Next", "Assign", "Comment"})


def compile_rule(rule: Fields, scope: Scope) -> Test:
    """Compile the condition of one choice rule."""
    return _compile_test(rule, scope, _RULE_FIELDS, 1)


def _compile_test(
    rule: Fields, scope: Scope, extra: frozenset[str], depth: int
) -> Test:
    combinations = [name for name in rule.values if name in _COMBINATIONS]
    operators = [name for name in rule.values if name in _OPERATORS]
    rule.allow(_COMBINATIONS | _OPERATORS | extra | {"Variable", "Comment"})
    if len(combinations) + len(operators) != 1:
        rule.report.error(
            "A choice rule must have exactly one comparison", rule.location
        )
        return _never
    if depth > MAX_NESTING:
        rule.report.error("Choice rules are too deeply nested", rule.location)
        return _never
    if combinations:
        return _compile_combination(combinations[0], rule, scope, depth)
    return _compile_comparison(operators[0], rule, scope)


def _never(_environment: Environment, _payload: Payload) -> bool:
    return False


def _compile_combination(name: str, rule: Fields, scope: Scope, depth: int) -> Test:
    if "Variable" in rule:
        rule.refuse("Variable", f"Field 'Variable' is not supported beside '{name}'")
    if name == "Not":
        inner = rule.object(name)
        return _never if inner is None else _negate(_nested(inner, scope, depth))
    tests = tuple(_nested(inner, scope, depth) for inner in rule.objects(name))
    if not rule.array(name):
        rule.refuse(name, "Value cannot be empty")
    return _all(tests) if name == "And" else _any(tests)


def _nested(rule: Fields, scope: Scope, depth: int) -> Test:
    return _compile_test(rule, scope, frozenset(), depth + 1)


def _negate(test: Test) -> Test:
    return lambda environment, payload: not test(environment, payload)


def _all(tests: tuple[Test, ...]) -> Test:
    return lambda environment, payload: all(
        test(environment, payload) for test in tests
    )


def _any(tests: tuple[Test, ...]) -> Test:
    return lambda environment, payload: any(
        test(environment, payload) for test in tests
    )


def _compile_comparison(name: str, rule: Fields, scope: Scope) -> Test:
    if not rule.require("Variable"):
        return _never
    variable = field_path(rule, "Variable", scope, compile_rooted_path)
    if variable is None:
        return _never
    if name == _IS_PRESENT:
        return _is_present(variable, wanted=rule.flag(name) is True)
    if name in TYPE_TESTS:
        return _has_type(variable, TYPE_TESTS[name], wanted=rule.flag(name) is True)
    if name.endswith(_PATH):
        return _compare_path(name, variable, rule, scope)
    return _compare_literal(name, variable, rule)


def _is_present(variable: Path, *, wanted: bool) -> Test:
    def test(environment: Environment, payload: Payload) -> bool:
        try:
            value = variable.read(environment, payload)
        except PathMiss:
            return not wanted
        return (variable.is_definite or bool(value)) is wanted

    return test


def _has_type(variable: Path, predicate: Predicate, *, wanted: bool) -> Test:
    read = _read(variable)
    return lambda environment, payload: predicate(read(environment, payload)) is wanted


def _compare_literal(name: str, variable: Path, rule: Fields) -> Test:
    operand = rule.raw(name)
    _check_operand(name, operand, rule)
    matches = COMPARISONS[name](operand)
    inner = variable.read

    def test(environment: Environment, payload: Payload) -> bool:
        try:
            return matches(inner(environment, payload))
        except PathMiss:
            raise _invalid(variable) from None

    return test


def _check_operand(name: str, operand: Json, rule: Fields) -> None:
    for family, (is_one, kind) in OPERAND_TYPES.items():
        if name.startswith(family) and not is_one(operand):
            rule.refuse(name, f"Expected value of type {kind}")
            return
    if name.startswith("Timestamp") and not is_timestamp(operand):
        rule.refuse(name, "String does not match RFC3339 timestamp")


def _compare_path(name: str, variable: Path, rule: Fields, scope: Scope) -> Test:
    operand = field_path(rule, name, scope, compile_rooted_path)
    if operand is None:
        return _never
    against: Against = COMPARISONS[name.removesuffix(_PATH)]
    left, right = _read(variable), _read(operand)

    def test(environment: Environment, payload: Payload) -> bool:
        return against(right(environment, payload))(left(environment, payload))

    return test


def _read(path: Path) -> Reader:
    inner = path.read

    def read(environment: Environment, payload: Payload) -> Json:
        try:
            return inner(environment, payload)
        except PathMiss:
            raise _invalid(path) from None

    return read


def _invalid(path: Path) -> StatesError:
    cause = (
        f"Invalid path '{path.text}': The choice state's condition path references an "
        "invalid value."
    )
    return StatesError("States.Runtime", cause)
