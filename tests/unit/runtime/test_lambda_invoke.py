"""The optimised integration with functions, seen from the workflow."""

from __future__ import annotations

from typing import Any

import pytest

from asl.resources import parse_resource
from runtime.lambda_invoke import (
    CallFacts,
    called_function,
    function_input,
    function_name,
    invoke_answer,
    is_lambda_invoke,
)
from tests.support.live import payload


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("work", "work"),
        ("work:7", "work"),
        ("arn:aws:lambda:us-east-1:123456789012:function:work", "work"),
        ("arn:aws:lambda:us-east-1:123456789012:function:work:PROD", "work"),
        ("123456789012:function:work", "work"),
    ],
)
def test_a_reference_is_reduced_to_the_bare_name(reference: str, name: str) -> None:
    assert function_name(reference) == name


@pytest.mark.parametrize(
    "parameters", [{}, [], None, {"FunctionName": 7}, {"FunctionName": "a\x00"}]
)
def test_parameters_may_name_no_function(parameters: Any) -> None:
    assert called_function(payload(parameters)) is None


def test_the_function_is_called_with_the_payload() -> None:
    given = payload({"FunctionName": "work", "Payload": {"n": 1}})

    assert function_input(given).value == {"n": 1}


def test_the_function_is_called_with_an_empty_object_where_there_is_none() -> None:
    assert function_input(payload({"FunctionName": "work"})).value == {}


def test_a_payload_of_null_is_none() -> None:
    given = payload({"FunctionName": "work", "Payload": None})

    assert function_input(given).value == {}


def test_the_result_is_the_answer_of_invoke() -> None:
    result = invoke_answer(payload({"n": 1}), CallFacts(request_id="e-3")).value

    assert isinstance(result, dict)
    assert result["Payload"] == {"n": 1}
    assert result["SdkResponseMetadata"] == {"RequestId": "e-3"}


@pytest.mark.parametrize(
    ("arn", "is_invoke"),
    [
        ("arn:aws:states:::lambda:invoke", True),
        ("arn:aws:states:::lambda:invoke.waitForTaskToken", True),
        ("arn:aws:states:::sqs:sendMessage", False),
        ("arn:aws:lambda:us-east-1:123456789012:function:work", False),
    ],
)
def test_only_the_integration_is_the_integration(arn: str, is_invoke: bool) -> None:
    resource = parse_resource(arn)

    assert resource is not None
    assert is_lambda_invoke(resource) is is_invoke
