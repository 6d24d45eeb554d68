from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from api import requests
from api.errors import ApiError, SerializationException, ValidationException
from api.model import api_model
from api.shapes import compile_request, python_name

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:order"


def read(operation: str, body: object) -> Any:
    return compile_request(api_model(), operation, getattr(requests, operation))(body)


def refusal(operation: str, body: object) -> str:
    with pytest.raises(ApiError) as caught:
        read(operation, body)
    return str(caught.value)


def request_classes() -> list[str]:
    return [name for name in api_model().operations if hasattr(requests, name)]


@pytest.mark.parametrize("operation", request_classes())
def test_request_class_has_the_members_of_the_model(operation: str) -> None:
    model = api_model()
    shape = model.shapes[model.operations[operation].request]

    attributes = {field.name for field in fields(getattr(requests, operation))}

    assert attributes == {python_name(member) for member in shape.members}


def test_request_becomes_a_typed_value() -> None:
    request = read("StartExecution", {"stateMachineArn": ARN, "input": '{"a": 1}'})

    assert request == requests.StartExecution(state_machine_arn=ARN, input='{"a": 1}')


def test_unknown_and_null_members_count_as_absent() -> None:
    request = read(
        "StartExecution", {"stateMachineArn": ARN, "name": None, "colour": [1]}
    )

    assert request.name is None


def test_missing_member_is_named() -> None:
    assert refusal("StartExecution", {}) == (
        "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy"
        " constraint: Member must not be null"
    )


def test_all_broken_constraints_are_listed() -> None:
    message = refusal("ListExecutions", {"stateMachineArn": "", "maxResults": 1001})

    assert message == (
        "2 validation errors detected: Value '' at 'stateMachineArn' failed to satisfy"
        " constraint: Member must have length greater than or equal to 1; Value '1001' at"
        " 'maxResults' failed to satisfy constraint: Member must have value less than or"
        " equal to 1000"
    )


def test_enum_is_listed_as_the_service_lists_it() -> None:
    body = {"stateMachineArn": ARN, "statusFilter": "succeeded"}

    assert refusal("ListExecutions", body).endswith(
        "Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE,"
        " ABORTED, FAILED, RUNNING]"
    )


def test_sensitive_value_is_not_repeated() -> None:
    body = {"stateMachineArn": ARN, "input": " " * 262_145}

    assert refusal("StartExecution", body) == (
        "1 validation error detected: Value at 'input' failed to satisfy constraint:"
        " Member must have length less than or equal to 262144"
    )


def test_pattern_is_quoted() -> None:
    body = {"name": "123", "routingConfiguration": [routing()]}

    assert refusal("CreateStateMachineAlias", body) == (
        "1 validation error detected: Value '123' at 'name' failed to satisfy constraint:"
        r" Member must satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])"
        r"[a-zA-Z0-9_\-\.]+$"
    )


def routing(**changes: object) -> dict[str, object]:
    return {"stateMachineVersionArn": f"{ARN}:1", "weight": 100, **changes}


def test_members_of_lists_are_named_by_position() -> None:
    items = [routing(), routing(weight=101)]
    body = {"name": "live", "routingConfiguration": items}

    assert "'routingConfiguration.2.member.weight'" in refusal(
        "CreateStateMachineAlias", body
    )


def test_unknown_members_of_structures_are_dropped() -> None:
    body = {"name": "live", "routingConfiguration": [routing(colour="red")]}

    request = read("CreateStateMachineAlias", body)

    assert request.routing_configuration == [routing()]


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {"stateMachineArn": 1},
        {"stateMachineArn": True},
        {"stateMachineArn": {"a": 1}},
        {"stateMachineArn": [ARN]},
        {"stateMachineArn": ARN, "maxResults": "1"},
        {"stateMachineArn": ARN, "maxResults": 1.5},
        {"stateMachineArn": ARN, "maxResults": True},
        {"stateMachineArn": ARN, "maxResults": 2**31},
    ],
    ids=repr,
)
def test_value_of_a_wrong_type_is_a_serialization_error(body: object) -> None:
    with pytest.raises(SerializationException):
        read("ListExecutions", body)


def test_text_that_no_column_can_hold_is_refused() -> None:
    body = {"resourceArn": ARN, "tags": [{"key": "a", "value": "\x00"}]}

    with pytest.raises(ValidationException):
        read("TagResource", body)


def test_list_of_wrong_length_is_shown_where_it_holds_no_structures() -> None:
    body = {"name": "live", "routingConfiguration": []}

    assert refusal("CreateStateMachineAlias", body) == (
        "1 validation error detected: Value '[]' at 'routingConfiguration' failed to"
        " satisfy constraint: Member must have length greater than or equal to 1"
    )
