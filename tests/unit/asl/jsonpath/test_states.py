"""Waits, failures, maps and numbers in JSONPath mode."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from asl.errors import DefinitionError, StatesError
from tests.support.expressions import NOW, compiled, environment

INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}


def due(fields: Any, value: Any = None, **given: Any) -> Any:
    state = compiled({"Type": "Wait", "End": True, **fields})
    return state.due(environment(value, **given), NOW)


def map_of(**fields: Any) -> Any:
    return compiled({"Type": "Map", "End": True, "ItemProcessor": INNER, **fields})


def cause_of(function: Any, *arguments: Any) -> Any:
    with pytest.raises(StatesError) as failure:
        function(*arguments)
    assert failure.value.error == "States.Runtime"
    return failure.value.cause


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"Seconds": 60}, {}),
        ({"SecondsPath": "$.s"}, {"s": 60}),
        ({"Timestamp": "2026-03-01T09:01:00Z"}, {}),
        ({"TimestampPath": "$.t"}, {"t": "2026-03-01T10:01:00.000+01:00"}),
    ],
)
def test_a_wait_ends_at(fields: Any, value: Any) -> None:
    assert due(fields, value) == NOW + timedelta(seconds=60)


def test_a_wait_may_take_its_end_from_a_variable() -> None:
    assert due({"SecondsPath": "$s"}, variables={"s": 0}) == NOW


def test_nanoseconds_are_cut() -> None:
    moment = due({"TimestampPath": "$.t"}, {"t": "2016-03-05T21:29:29.243167252Z"})

    assert moment == datetime(2016, 3, 5, 21, 29, 29, 243167, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "value", "cause"),
    [
        (
            {"SecondsPath": "$.s"},
            {},
            "SecondsPath parameter does not reference an input value: $.s",
        ),
        (
            {"SecondsPath": "$.s"},
            {"s": -1},
            "SecondsPath parameter references a negative value: $.s == -1",
        ),
        (
            {"SecondsPath": "$.s"},
            {"s": 1.5},
            "SecondsPath parameter cannot be parsed as a long value: $.s == 1.5",
        ),
        (
            {"TimestampPath": "$.t"},
            {"t": "2016-12-05 21:29:29Z"},
            "TimestampPath parameter does not reference a valid ISO-8601 extended offset "
            "date-time format string: $.t == 2016-12-05 21:29:29Z",
        ),
    ],
)
def test_a_wait_that_cannot_be(fields: Any, value: Any, cause: str) -> None:
    assert cause_of(due, fields, value) == f"The {cause}"


def test_a_wait_has_a_longest() -> None:
    def after(days: int) -> Any:
        return {"t": f"{NOW + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"}

    assert due({"TimestampPath": "$.t"}, after(24_855)) == NOW + timedelta(days=24_855)
    assert cause_of(due, {"TimestampPath": "$.t"}, after(24_856)) == (
        "Wait state delay is too long."
    )


def test_seconds_of_the_definition_have_a_bound_of_their_own() -> None:
    assert due({"Seconds": 99_999_999}) == NOW + timedelta(seconds=99_999_999)
    with pytest.raises(DefinitionError):
        due({"Seconds": 100_000_000})


def test_seconds_of_the_input_have_the_bound_of_timestamps() -> None:
    longest = 2**31 - 1

    ends = due({"SecondsPath": "$.s"}, {"s": longest})

    assert ends == NOW + timedelta(seconds=longest)
    assert cause_of(due, {"SecondsPath": "$.s"}, {"s": longest + 1}) == (
        "Wait state delay is too long."
    )


@pytest.mark.parametrize(
    "fields",
    [{}, {"Seconds": -1}, {"Seconds": 1, "SecondsPath": "$.s"}, {"Seconds": "1"}],
)
def test_a_wait_says_once_how_long(fields: Any) -> None:
    with pytest.raises(DefinitionError):
        due(fields)


def test_a_fail_takes_its_parts_from_paths_calls_and_variables() -> None:
    state = compiled(
        {"Type": "Fail", "ErrorPath": "$e", "CausePath": "States.Format('{}!', $.c)"}
    )

    assert state.failure(environment({"c": "why"}, variables={"e": "E"})) == (
        "E",
        "why!",
    )


def test_a_fail_may_have_no_parts() -> None:
    assert compiled({"Type": "Fail"}).failure(environment()) == (None, None)


def test_a_map_iterates_over_its_path() -> None:
    env = environment({"list": [1, 2]})

    assert map_of(ItemsPath="$.list").items(env) == [1, 2]
    assert (
        map_of(ItemsPath="$list").items(environment({}, variables={"list": []})) == []
    )


@pytest.mark.parametrize(
    ("fields", "shown"),
    [({}, "$"), ({"ItemsPath": "$.a"}, "$.a"), ({"ItemsPath": "$$"}, "$")],
)
def test_a_map_needs_a_list(fields: Any, shown: str) -> None:
    cause = cause_of(map_of(**fields).items, environment({"a": 1}))

    assert cause == f'Reference path "{shown}" must point to array.'


@pytest.mark.parametrize("name", ["ItemSelector", "Parameters"])
def test_an_item_selector_sees_the_effective_input_and_the_item(name: str) -> None:
    state = map_of(
        **{name: {"all.$": "$", "item.$": "$$.Map.Item.Value"}}, InputPath="$.in"
    )
    env = environment({"in": [1]}, context={"Map": {"Item": {"Index": 0, "Value": 1}}})

    assert state.item_input(env, 0, 1).value == {"all": [1], "item": 1}


@pytest.mark.parametrize(("value", "expected"), [(3, 3), ("3", 3), (0, 0)])
def test_concurrency_by_path(value: Any, expected: Any) -> None:
    assert (
        map_of(MaxConcurrencyPath="$.m").max_concurrency(environment({"m": value}))
        == expected
    )


@pytest.mark.parametrize(
    ("value", "shown"), [("NoNumber", "NoNumber"), ({}, "{}"), (1.5, "1.5")]
)
def test_concurrency_must_be_an_integer(value: Any, shown: str) -> None:
    state = map_of(MaxConcurrencyPath="$.m")

    assert cause_of(state.max_concurrency, environment({"m": value})) == (
        f'The MaxConcurrencyPath field refers to value "{shown}" which is not a valid '
        "integer: $.m"
    )


@pytest.mark.parametrize(
    ("fields", "value", "cause"),
    [
        ("ToleratedFailureCountPath", -1, "ToleratedFailureCount cannot be negative."),
        (
            "ToleratedFailurePercentagePath",
            101,
            "ToleratedFailurePercentage must be between 0 and 100.",
        ),
        (
            "ToleratedFailurePercentagePath",
            {},
            'The ToleratedFailurePercentagePath field refers to value "{}" which is not a '
            "valid float: $.t",
        ),
    ],
)
def test_tolerance_has_bounds(fields: Any, value: Any, cause: str) -> None:
    state = map_of(**{fields: "$.t"})

    assert cause_of(state.tolerance, environment({"t": value})) == cause
