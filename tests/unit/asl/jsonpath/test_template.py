from typing import Any

import pytest

from asl.errors import DefinitionError, StatesError
from tests.support.expressions import compiled, environment, output_of


def parameters(template: Any, env: Any) -> Any:
    return output_of({"Type": "Pass", "End": True, "Parameters": template}, env)


def test_only_fields_that_end_in_dot_dollar_are_dynamic() -> None:
    env = environment({"a": 1})

    value = parameters(
        {"x.$": "$.a", "y": "$.a", "z": {"w.$": "$"}, "l": [{"v.$": "$.a"}]}, env
    )

    assert value == {"x": 1, "y": "$.a", "z": {"w": {"a": 1}}, "l": [{"v": 1}]}


def test_a_missing_path_names_the_field_and_the_input() -> None:
    with pytest.raises(StatesError) as failure:
        parameters({"deep": {"value.$": "$.no"}}, environment({"int": 0}))

    assert failure.value.error == "States.Runtime"
    assert failure.value.cause == (
        "The JSONPath '$.no' specified for the field 'value.$' could not be found in the "
        "input '{\"int\":0}'"
    )


def test_a_path_of_null_input_fails() -> None:
    state = compiled({"Type": "Pass", "End": True, "Parameters": {"v.$": "$"}})
    env = environment([])
    env.input = type(env.input).of_value(None)

    with pytest.raises(StatesError) as failure:
        state.leave(env)

    assert failure.value.cause == (
        "Unable to apply Path transformation to null or empty input."
    )


@pytest.mark.parametrize("value", ["a", 1, None, "States.No()", {"b": 1}, "$.a["])
def test_a_dynamic_field_must_hold_a_path_or_a_call(value: Any) -> None:
    with pytest.raises(DefinitionError) as refusal:
        parameters({"parsed.$": value}, environment())

    assert str(refusal.value) == (
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The value for the "
        "field 'parsed.$' must be a valid JSONPath or a valid intrinsic function call at "
        "/States/Here/Parameters'"
    )


def test_a_constant_template_is_serialised_once() -> None:
    state = compiled({"Type": "Pass", "End": True, "Parameters": {"a": [1]}})

    first, second = (state.leave(environment()).output for _ in range(2))

    assert first is not second
    assert first.text is second.text


def test_templates_are_never_changed_by_evaluation() -> None:
    state = compiled(
        {"Type": "Pass", "End": True, "Parameters": {"a": {"b.$": "$.x"}, "c": {}}}
    )

    first = state.leave(environment({"x": 1})).output.value
    second = state.leave(environment({"x": 2})).output.value

    assert (first, second) == ({"a": {"b": 1}, "c": {}}, {"a": {"b": 2}, "c": {}})
