from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/orders"
ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:order"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def text(definition: object = PASS) -> str:
    return json.dumps(definition)


def create(client: Any, **changes: Any) -> Any:
    request = {"name": "order", "definition": text(), "roleArn": ROLE, **changes}
    return client.create_state_machine(**request)


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_created_machine_is_described(client: Any) -> None:
    created = create(client)

    described = client.describe_state_machine(stateMachineArn=ARN)
    described.pop("ResponseMetadata")
    assert created["stateMachineArn"] == ARN
    assert described == {
        "stateMachineArn": ARN,
        "name": "order",
        "status": "ACTIVE",
        "type": "STANDARD",
        "definition": text(),
        "roleArn": ROLE,
        "creationDate": created["creationDate"],
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }


def test_create_again_returns_the_same(client: Any) -> None:
    first = create(client)

    again = create(client, roleArn=ROLE + "2", loggingConfiguration={"level": "OFF"})

    assert again["creationDate"] == first["creationDate"]
    assert client.describe_state_machine(stateMachineArn=ARN)["roleArn"] == ROLE


@pytest.mark.parametrize(
    "changes",
    [
        {"definition": json.dumps(PASS, indent=1)},
        {"type": "EXPRESS"},
        {"tracingConfiguration": {"enabled": True}},
    ],
)
def test_create_again_and_different_is_refused(
    client: Any, changes: dict[str, Any]
) -> None:
    create(client)

    with pytest.raises(ClientError) as caught:
        create(client, **changes)

    message = f"State Machine Already Exists: '{ARN}'"
    assert error_of(caught) == ("StateMachineAlreadyExists", message)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"name": "a" * 81}, "ValidationException"),
        ({"definition": "{}"}, "InvalidDefinition"),
        ({"definition": "no json"}, "InvalidDefinition"),
        ({"roleArn": "role"}, "InvalidArn"),
        ({"type": "FAST"}, "ValidationException"),
        ({"loggingConfiguration": {"level": "ALL"}}, "InvalidLoggingConfiguration"),
        (
            {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY"}},
            "InvalidEncryptionConfiguration",
        ),
        ({"name": 1}, "SerializationException"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_request_stores_nothing(
    client: Any, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        create(client, **changes)

    assert error_of(caught)[0] == code
    assert client.list_state_machines()["stateMachines"] == []


def test_update_makes_a_revision(client: Any) -> None:
    create(client)

    updated = client.update_state_machine(stateMachineArn=ARN, roleArn=ROLE + "2")
    same = client.update_state_machine(stateMachineArn=ARN, roleArn=ROLE + "2")

    described = client.describe_state_machine(stateMachineArn=ARN)
    assert described["roleArn"] == ROLE + "2"
    assert described["revisionId"] == updated["revisionId"] == same["revisionId"]


def test_update_of_nothing_is_refused(client: Any) -> None:
    create(client)

    with pytest.raises(ClientError) as caught:
        client.update_state_machine(stateMachineArn=ARN)

    assert error_of(caught)[0] == "MissingRequiredParameter"


def test_missing_machine_is_named(client: Any) -> None:
    with pytest.raises(ClientError) as caught:
        client.describe_state_machine(stateMachineArn=ARN)

    message = f"State Machine Does Not Exist: '{ARN}'"
    assert error_of(caught) == ("StateMachineDoesNotExist", message)


def test_deleted_machine_is_gone_and_deleting_it_again_is_no_error(client: Any) -> None:
    create(client)

    client.delete_state_machine(stateMachineArn=ARN)
    client.delete_state_machine(stateMachineArn=ARN)

    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.describe_state_machine(stateMachineArn=ARN)


def test_machines_are_listed_in_pages(client: Any) -> None:
    names = [f"order-{number}" for number in range(5)]
    for name in reversed(names):
        create(client, name=name)

    pages = client.get_paginator("list_state_machines").paginate(
        PaginationConfig={"PageSize": 2}
    )

    listed = [[machine["name"] for machine in page["stateMachines"]] for page in pages]
    assert listed == [names[:2], names[2:4], names[4:]]


def test_references_to_variables_are_shown(client: Any) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"y.$": "$x"}, "End": True},
    }
    create(client, definition=text({"StartAt": "A", "States": states}))

    described = client.describe_state_machine(stateMachineArn=ARN)

    assert described["variableReferences"] == {"B": ["x"]}


def test_definition_is_judged_without_being_stored(client: Any) -> None:
    judged = client.validate_state_machine_definition(definition="{}")

    assert judged["result"] == "FAIL"
    assert judged["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": "These fields are required: [States, StartAt]",
            "location": "/",
        }
    ]
