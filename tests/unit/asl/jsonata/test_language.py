from datetime import timedelta
from typing import Any

import pytest

from asl.errors import DefinitionError, StatesError
from tests.support.expressions import NOW, compiled, environment

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}


def jsonata(**state: Any) -> Any:
    return compiled(state, "JSONata")


def task(**fields: Any) -> Any:
    return jsonata(Type="Task", Resource=FUNCTION, End=True, **fields)


def map_of(**fields: Any) -> Any:
    return jsonata(Type="Map", End=True, ItemProcessor=INNER, **fields)


def failure_of(function: Any, *arguments: Any) -> Any:
    with pytest.raises(StatesError) as failure:
        function(*arguments)
    return failure.value


def test_a_task_without_fields_hands_payloads_on() -> None:
    env = environment({"a": 1}, result=[2])

    assert task().arguments(env) is env.input
    assert task().leave(env).output is env.result


def test_the_flow_of_a_task() -> None:
    env = environment({"a": 1}, result={"r": 2})
    state = task(
        Arguments={"x": "{% $states.input.a %}", "y": "z"},
        Output={"sum": "{% $states.input.a + $states.result.r %}"},
        Assign={"kept": "{% $states.result.r %}", "fixed": 1},
    )

    assert state.arguments(env).value == {"x": 1, "y": "z"}
    assert state.leave(env).output.value == {"sum": 3}
    assert state.leave(env).assigned == {"kept": 2, "fixed": 1}


def test_a_catcher_sees_the_error() -> None:
    catcher = {
        "ErrorEquals": ["States.ALL"],
        "Next": "There",
        "Output": "{% $states.errorOutput.Error %}",
        "Assign": {"input": "{% $states.input %}"},
    }
    env = environment({"a": 1}, error={"Error": "E", "Cause": "c"})

    outcome = task(Catch=[catcher]).catchers[0].leave(env)

    assert (outcome.output.value, outcome.assigned) == ("E", {"input": {"a": 1}})


def test_a_catcher_hands_the_error_on_by_default() -> None:
    catcher = {"ErrorEquals": ["States.ALL"], "Next": "There"}
    env = environment(error={"Error": "E"})

    assert task(Catch=[catcher]).catchers[0].leave(env).output is env.error_output


@pytest.mark.parametrize(
    ("condition", "taken"), [(True, "There"), ("{% $states.input.v = 2 %}", "Here")]
)
def test_conditions(condition: Any, taken: Any) -> None:
    rule = {"Condition": condition, "Next": "There", "Output": "by rule"}
    state = jsonata(Type="Choice", Choices=[rule], Default="Here", Output="by default")

    target, outcome = state.choose(environment({"v": 1}))

    assert target == taken
    assert outcome.output.value == ("by rule" if taken == "There" else "by default")


def test_a_condition_must_be_boolean() -> None:
    rule = {"Condition": "{% 'yes' %}", "Next": "There"}
    state = jsonata(Type="Choice", Choices=[rule], Default="Here")

    failure = failure_of(state.choose, environment())

    assert failure.location == "Choices[0]/Condition"
    assert failure.cause == (
        "The JSONata expression ''yes'' specified for the field 'Choices[0]/Condition' "
        "returned an unexpected result type. Expected 'boolean', but was 'string' for "
        'value: "yes"'
    )


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("{% 1 %}", "number", "1"),
        ("{% null %}", "null", "null"),
        ("{% {'foo': 'bar'} %}", "object", '{"foo":"bar"}'),
    ],
)
def test_items_must_be_a_list(value: Any, kind: str, shown: str) -> None:
    failure = failure_of(map_of(Items=value).items, environment())

    assert failure.location == "Items"
    assert failure.cause.endswith(
        f"Expected 'array', but was '{kind}' for value: {shown}"
    )


def test_items_may_be_a_list_of_expressions() -> None:
    assert map_of(Items=["{% $x %}", 2]).items(environment(variables={"x": 1})) == [
        1,
        2,
    ]


def test_the_input_is_iterated_over_by_default() -> None:
    env = environment([1, 2])

    assert map_of().items(env) is env.input.value


def test_an_item_selector_sees_the_item() -> None:
    state = map_of(ItemSelector={"v": "{% $states.context.Map.Item.Value %}"})
    env = environment({}, context={"Map": {"Item": {"Index": 0, "Value": 5}}})

    assert state.item_input(env, 0, 5).value == {"v": 5}


def test_numbers_may_be_expressions() -> None:
    env = environment({"n": 2})
    fields = {
        "MaxConcurrency": "{% $v := 3 %}",
        "ToleratedFailureCount": "{% $states.input.n %}",
        "ToleratedFailurePercentage": "{% 0.5 %}",
    }

    assert map_of(**fields).max_concurrency(env) == 3
    assert map_of(**fields).tolerance(env).count == 2
    assert map_of(**fields).tolerance(env).percentage == 0.5
    assert task(TimeoutSeconds="{% $states.input.n %}").timeout_seconds(env) == 2


@pytest.mark.parametrize("value", ["{% 0 %}", "{% 1.5 %}", "{% '1' %}"])
def test_a_timeout_must_be_a_positive_integer(value: Any) -> None:
    failure = failure_of(task(TimeoutSeconds=value).timeout_seconds, environment())

    assert (failure.error, failure.location) == (
        "States.QueryEvaluationError",
        "TimeoutSeconds",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"Seconds": 60},
        {"Seconds": "{% $states.input.n * 30 %}"},
        {"Timestamp": "2026-03-01T09:01:00Z"},
        {"Timestamp": "{% '2026-03-01T09:01:00Z' %}"},
    ],
)
def test_waits(fields: Any) -> None:
    state = jsonata(Type="Wait", End=True, **fields)

    assert state.due(environment({"n": 2}), NOW) == NOW + timedelta(seconds=60)


def test_a_timestamp_that_is_none() -> None:
    state = jsonata(Type="Wait", End=True, Timestamp="{% $states.input.t %}")

    failure = failure_of(state.due, environment({"t": "05-12-2016T21:29:29Z"}), NOW)

    assert failure.location == "Timestamp"
    assert failure.cause == (
        "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time "
        "format string: 05-12-2016T21:29:29Z"
    )


def test_a_fail_by_expression() -> None:
    state = jsonata(Type="Fail", Error="E", Cause="{% $states.input.why %}")

    assert state.failure(environment({"why": "because"})) == ("E", "because")


def test_credentials_need_a_role() -> None:
    state = task(Credentials={"RoleArn": "{% $states.input.r %}"})

    assert state.credentials(environment({"r": "arn"})) == {"RoleArn": "arn"}
    with pytest.raises(DefinitionError, match="'RoleArn' is required but was missing"):
        task(Credentials={"Other": "x"})


@pytest.mark.parametrize(
    "fields",
    [
        {"Parameters": {}},
        {"InputPath": "$"},
        {"ResultPath": None},
        {"TimeoutSecondsPath": "$.t"},
    ],
)
def test_fields_of_the_other_language_are_refused(fields: Any) -> None:
    (name,) = fields

    with pytest.raises(DefinitionError, match=f"field '{name}' is only supported for"):
        task(**fields)
