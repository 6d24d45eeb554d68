"""API models of services, by the names that definitions use."""

from __future__ import annotations

import pytest

from api.service_models import BotocoreModels
from runtime.teststate.results import ResultModel

MODELS = BotocoreModels()


def model(service: str, action: str) -> ResultModel:
    found = MODELS.result_model(service, action)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("service", "action", "member"),
    [
        ("lambda", "invoke", "StatusCode"),
        ("states", "startExecution", "ExecutionArn"),
        ("aws-sdk:sfn", "startExecution", "ExecutionArn"),
        ("events", "putEvents", "Entries"),
        ("aws-sdk:cloudwatchlogs", "describeLogGroups", "LogGroups"),
        ("elasticmapreduce", "addStep", ""),
        ("dynamodb", "putItem", "Attributes"),
    ],
)
def test_services_are_found_by_their_names_in_resources(
    service: str, action: str, member: str
) -> None:
    found = MODELS.result_model(service, action)

    assert (member == "") is (found is None)
    assert found is None or member in found.shape(found.root).members


def test_payload_of_the_optimised_invoke_may_be_any_json() -> None:
    optimised, plain = model("lambda", "invoke"), model("aws-sdk:lambda", "invoke")

    assert optimised.shape(optimised.shape(optimised.root).members["Payload"]).kind == (
        "anything"
    )
    assert plain.shape(plain.shape(plain.root).members["Payload"]).kind == "blob"


def test_required_members_are_those_of_the_model() -> None:
    found = model("states", "startExecution")

    assert found.shape(found.root).required == {"ExecutionArn", "StartDate"}


def test_unknown_services_have_no_model() -> None:
    assert MODELS.result_model("aws-sdk:nowhere", "go") is None
    assert MODELS.result_model("http", "invoke") is None
