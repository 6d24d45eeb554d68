from typing import Any

import pytest

from asl.errors import DefinitionError, StatesError
from asl.jsonpath.comparison import COMPARISONS, fits, split_pattern
from tests.support.expressions import compiled, environment


def chooses(rule: Any, value: Any, **fields: Any) -> Any:
    """Tell whether a rule matches a value at $.v; Default is the other way."""
    state = {
        "Type": "Choice",
        "Choices": [{**rule, "Next": "There"}],
        "Default": "Here",
        **fields,
    }
    target, _ = compiled(state).choose(environment(value))
    return target == "There"


def compare(operator: str, left: Any, right: Any) -> Any:
    return chooses({"Variable": "$.v", operator: right}, {"v": left})


@pytest.mark.parametrize(
    ("operator", "left", "right", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringLessThan", "A", "AB", True),
        ("StringGreaterThanEquals", "A", "AB", False),
        ("StringEquals", 1, "1", False),
        ("NumericEquals", 0.0, 0, True),
        ("NumericEquals", True, 1, False),
        ("NumericLessThan", 1, 1.5, True),
        ("NumericGreaterThan", None, 1, False),
        ("BooleanEquals", True, True, True),
        ("BooleanEquals", 1, True, False),
        ("TimestampEquals", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00Z", True),
        ("TimestampLessThan", "2020-01-01", "2021-01-01T00:00:00Z", False),
        ("StringMatches", "log-1.txt", "log-*.txt", True),
        ("StringMatches", "a*b", "a\\*b", True),
        ("StringMatches", "axb", "a\\*b", False),
        ("IsNull", None, True, True),
        ("IsString", "", False, False),
        ("IsNumeric", True, True, False),
        ("IsBoolean", False, True, True),
        ("IsTimestamp", "2012-10-09T19:00:55+01:00", True, True),
        ("IsTimestamp", "2012-10-09T19:00:55", True, False),
        ("IsPresent", None, True, True),
    ],
)
def test_operators(operator: str, left: Any, right: Any, expected: Any) -> None:
    assert compare(operator, left, right) is expected


@pytest.mark.parametrize("name", sorted(set(COMPARISONS) - {"StringMatches"}))
def test_every_comparison_has_a_path_twin(name: str) -> None:
    samples = {"S": "a", "N": 1, "B": True, "T": "2020-01-01T00:00:00Z"}
    value = samples[name[0]]

    equal = chooses({"Variable": "$.l", f"{name}Path": "$.r"}, {"l": value, "r": value})

    assert equal is name.endswith("Equals")


def test_combinations() -> None:
    positive = {"Variable": "$.v", "NumericGreaterThan": 0}
    small = {"Variable": "$.v", "NumericLessThan": 10}

    assert chooses({"And": [positive, small]}, {"v": 5})
    assert not chooses({"And": [positive, small]}, {"v": 15})
    assert chooses({"Or": [positive, small]}, {"v": 15})
    assert chooses({"Not": {"Or": [{"Not": small}]}}, {"v": 5})


def test_and_stops_at_the_first_that_fails() -> None:
    present = {"Variable": "$.v", "IsPresent": True}
    equal = {"Variable": "$.v", "StringEquals": "a"}

    assert not chooses({"And": [present, equal]}, {})


def test_a_missing_variable_fails_the_state() -> None:
    with pytest.raises(StatesError) as failure:
        compare_missing()

    assert failure.value.error == "States.Runtime"
    assert failure.value.cause == (
        "Invalid path '$.v': The choice state's condition path references an invalid value."
    )


def compare_missing() -> Any:
    return chooses({"Variable": "$.v", "StringEquals": "a"}, {})


def test_no_match_without_default_fails() -> None:
    rule = {"Variable": "$.v", "NumericEquals": 1, "Next": "There"}
    state = compiled({"Type": "Choice", "Choices": [rule]})

    with pytest.raises(StatesError) as failure:
        state.choose(environment({"v": 2}))

    assert failure.value.error == "States.Runtime"


def test_variables_and_the_context_object_are_compared() -> None:
    env = environment({}, variables={"guess": "x", "answer": "x"})
    rules = [
        {"Variable": "$guess", "StringEqualsPath": "$answer", "Next": "There"},
        {"Variable": "$$.State.Name", "StringEquals": "Here", "Next": "There"},
    ]

    state = compiled({"Type": "Choice", "Choices": rules, "Default": "Here"})

    assert state.choose(env)[0] == "There"


def test_the_rule_assigns_or_by_default_the_state() -> None:
    rule = {
        "Variable": "$.v",
        "NumericEquals": 1,
        "Next": "There",
        "Assign": {"by": "rule"},
    }
    state = compiled(
        {
            "Type": "Choice",
            "Choices": [rule],
            "Default": "There",
            "Assign": {"by": "state"},
        }
    )

    assert state.choose(environment({"v": 1}))[1].assigned == {"by": "rule"}
    assert state.choose(environment({"v": 2}))[1].assigned == {"by": "state"}


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"Variable": "$.v"},
        {"StringEquals": "a"},
        {"Variable": "$.v", "StringEquals": 1},
        {"Variable": "$.v", "StringEquals": "a", "NumericEquals": 1},
        {"Variable": "v", "StringEquals": "a"},
        {"And": []},
        {"And": [{"Variable": "$.v", "IsNull": True, "Next": "There"}]},
        {"Variable": "$.v", "TimestampEquals": "yesterday"},
        {"Variable": "$.v", "Equals": 1},
        {"Condition": "{% true %}"},
    ],
)
def test_broken_rules_are_refused(rule: Any) -> None:
    with pytest.raises(DefinitionError):
        chooses(rule, {})


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("*", "", True),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*a", "a", False),
        ("a\\\\*", "a\\x", True),
        ("abc", "abd", False),
    ],
)
def test_patterns(pattern: str, value: Any, expected: Any) -> None:
    assert fits(value, split_pattern(pattern)) is expected
