"""What may be made up for which state, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.teststate.contexts import mocked_context
from runtime.teststate.errors import RefusedTrialError, UnsupportedStateError
from runtime.teststate.mocks import (
    check_needs_no_mock,
    check_takes_mock,
    mocked_result,
)
from runtime.teststate.results import FieldValidation, ResultModel, ResultShape
from tests.support.trials import INVOKE, PROCESSOR, each, subject, task

SHAPES = {
    "Answer": ResultShape(
        kind="structure",
        members={"Name": "Text", "Parts": "Parts", "Kind": "Kind", "On": "Flag"},
        required=frozenset({"Name"}),
    ),
    "Text": ResultShape(kind="string"),
    "Flag": ResultShape(kind="boolean"),
    "Kind": ResultShape(kind="string", enum=frozenset({"A", "B"})),
    "Parts": ResultShape(kind="list", item="Part"),
    "Part": ResultShape(kind="structure", members={"Size": "Number"}),
    "Number": ResultShape(kind="integer"),
}


class Models:
    """One service with one action."""

    def result_model(self, service: str, action: str) -> ResultModel | None:
        known = (service, action) == ("lambda", "invoke")
        return ResultModel("Answer", SHAPES.__getitem__) if known else None


def judged(text: str, state: Any = None, mode: str = "STRICT") -> str | None:
    """Return the reason for which a mocked result is refused."""
    try:
        mocked_result(text, state or task(), FieldValidation(mode), Models())
    except RefusedTrialError as error:
        return str(error).removeprefix("Mock result schema validation error: ")
    return None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"Name": "x", "Unknown": 1}', None),
        ('{"Name": 1}', "Field 'Name' must be a string"),
        ('{"Name": "x", "Kind": "C"}', "Field 'Kind' is not an expected value"),
        ('{"Name": "x", "On": 1}', "Field 'On' must be a boolean"),
        ('{"Name": "x", "Parts": {}}', "Field 'Parts' must be an array"),
        ('{"Name": "x", "Parts": [1]}', "Field 'Parts' must be an object"),
        ('{"Name": "x", "Parts": [{"Size": true}]}', "Field 'Size' must be a number"),
        ("{}", "Required field 'Name' is missing"),
        ("[]", "Mocked result must be a JSON object."),
        ("{", "Mocked result must be valid JSON"),
    ],
)
def test_strict_result_of_a_task_fits_the_model(text: str, reason: str | None) -> None:
    assert judged(text) == reason


def test_present_lets_required_fields_be_missing() -> None:
    assert judged("{}", mode="PRESENT") is None
    assert judged('{"Name": 1}', mode="PRESENT") == "Field 'Name' must be a string"


def test_none_asks_for_json_only() -> None:
    assert judged('{"Name": 1}', mode="NONE") is None
    assert judged("Name", mode="NONE") == "Mocked result must be valid JSON"


def test_result_of_a_callback_or_function_may_be_anything() -> None:
    callback = subject(Type="Task", Resource=f"{INVOKE}.waitForTaskToken", End=True)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:work"

    assert judged("1", callback) is None
    assert judged("1", subject(Type="Task", Resource=arn, End=True)) is None


def test_map_and_parallel_yield_lists_and_a_writer_an_object() -> None:
    parallel = subject(Type="Parallel", Branches=[PROCESSOR], End=True)
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {}}

    assert judged("{}", each()) == "Mocked result must be an array."
    assert judged("{}", parallel) == "Mocked result must be an array."
    assert judged("[]", each(ResultWriter=writer)) == (
        "Mocked result must be a JSON object."
    )


def test_states_without_work_take_no_mock() -> None:
    with pytest.raises(RefusedTrialError, match="'Pass' is not supported when a mock"):
        check_takes_mock(subject(Type="Pass", End=True))


SEND = subject(Type="Task", Resource="arn:aws:states:::sqs:sendMessage", End=True)
CALLBACK = subject(Type="Task", Resource=f"{INVOKE}.waitForTaskToken", End=True)


@pytest.mark.parametrize("state", [each(), SEND, CALLBACK])
def test_states_with_work_need_one(state: Any) -> None:
    with pytest.raises(UnsupportedStateError, match="TestState"):
        check_needs_no_mock(state)


def test_a_function_can_be_called_in_its_place() -> None:
    check_needs_no_mock(task())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "must be valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"Map": {}}', "'Map' field is not supported when mocking"),
        ('{"State": 1}', "'State' field must be a JSON object"),
        ('{"Task": {"Token": "x"}}', "contains 'Task' when state is not a Task"),
    ],
)
def test_context_that_cannot_be_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RefusedTrialError, match=reason):
        mocked_context(text, task())


def test_context_is_taken_as_it_is() -> None:
    callback = subject(Type="Task", Resource=f"{INVOKE}.waitForTaskToken", End=True)

    assert mocked_context('{"State": {}}', task()) == {"State": {}}
    assert mocked_context('{"Task": {"Token": "x"}}', callback) == {
        "Task": {"Token": "x"}
    }
