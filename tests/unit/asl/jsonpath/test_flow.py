from typing import Any

import pytest

from asl.errors import DefinitionError, StatesError
from asl.jsonpath.flow import put
from tests.support.expressions import compiled, environment, output_of

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


def task(**fields: Any) -> Any:
    return compiled({"Type": "Task", "Resource": FUNCTION, "End": True, **fields})


def leave_task(env: Any, **fields: Any) -> Any:
    return task(**fields).leave(env).output.value


def test_a_state_without_stages_hands_on_the_very_payload() -> None:
    env = environment({"a": 1}, result=[2])

    assert compiled({"Type": "Pass", "End": True}).leave(env).output is env.input
    assert compiled({"Type": "Succeed"}).leave(env).output is env.input
    assert task().arguments(env) is env.input
    assert task().leave(env).output is env.result


def test_identity_paths_hand_on_the_very_payload() -> None:
    env = environment({"a": 1}, result=[2])
    state = task(InputPath="$", ResultPath="$", OutputPath="$")

    assert state.arguments(env) is env.input
    assert state.leave(env).output is env.result


def test_dropping_the_result_hands_on_the_input() -> None:
    env = environment({"a": 1}, result=[2])

    assert task(ResultPath=None).leave(env).output is env.input


def test_the_whole_flow_of_a_task() -> None:
    env = environment({"in": {"x": 1}, "keep": True}, result={"body": {"y": 2}})
    state = task(
        InputPath="$.in",
        Parameters={"p.$": "$.x"},
        ResultSelector={"r.$": "$.body.y"},
        ResultPath="$.out.deep",
        OutputPath="$.out",
    )

    assert state.arguments(env).value == {"p": 1}
    assert state.leave(env).output.value == {"deep": {"r": 2}}


def test_null_paths_mean_an_empty_object() -> None:
    env = environment({"a": 1})

    assert output_of({"Type": "Pass", "End": True, "InputPath": None}, env) == {}
    assert output_of({"Type": "Pass", "End": True, "OutputPath": None}, env) == {}


def test_a_fixed_result_leaves_input_path_alone() -> None:
    state = {"Type": "Pass", "End": True, "InputPath": "$.no", "Result": {"x.$": "$.y"}}

    assert output_of(state, environment({})) == {"x.$": "$.y"}


@pytest.mark.parametrize("name", ["InputPath", "OutputPath"])
def test_a_missing_path_in_a_field_of_its_own(name: str) -> None:
    with pytest.raises(StatesError) as failure:
        output_of(
            {"Type": "Pass", "End": True, name: "$.NoSuch"}, environment({"a": 1})
        )

    assert failure.value.error == "States.Runtime"
    assert failure.value.cause == (
        "Invalid path '$.NoSuch' : No results for path: $['NoSuch']"
    )


def test_assign_of_a_task_sees_the_raw_result() -> None:
    env = environment({}, result={"v": 1}, variables={"old": 9})
    state = task(
        ResultSelector={"other": 1}, Assign={"a.$": "$.v", "b.$": "$old", "c": "$old"}
    )

    assert state.leave(env).assigned == {"a": 1, "b": 9, "c": "$old"}


def test_a_catcher_puts_the_error_into_the_input() -> None:
    catcher = {"ErrorEquals": ["States.ALL"], "Next": "There", "ResultPath": "$.e"}
    state = task(OutputPath="$.no", Catch=[catcher])
    env = environment({"a": 1}, error={"Error": "E", "Cause": "c"})

    outcome = state.catchers[0].leave(env)

    assert outcome.output.value == {"a": 1, "e": {"Error": "E", "Cause": "c"}}


def test_put_copies_only_along_the_path() -> None:
    shared = {"deep": [1]}
    document: Any = {"a": {"b": 1}, "shared": shared}

    changed = put(document, ("a", "c"), 2)

    assert changed == {"a": {"b": 1, "c": 2}, "shared": shared}
    assert changed["shared"] is shared
    assert document == {"a": {"b": 1}, "shared": shared}


@pytest.mark.parametrize(
    ("document", "steps"), [("text", ("a",)), ([1], (3,)), (None, ("a",))]
)
def test_put_without_a_place_fails(document: Any, steps: Any) -> None:
    with pytest.raises(StatesError) as failure:
        put(document, steps, 1)

    assert failure.value.error == "States.ResultPathMatchFailure"


@pytest.mark.parametrize("path", ["$.a[*]", "$$.x", "$v.x", "a"])
def test_result_path_must_lead_into_the_document(path: str) -> None:
    with pytest.raises(DefinitionError):
        task(ResultPath=path)
