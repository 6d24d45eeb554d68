from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from api import requests
from api.access.actions import RESOURCES, demands
from api.arns import Site
from api.model import api_model
from api.operations import OPERATIONS, Operation

SITE = Site()
ROLE = "arn:aws:iam::123456789012:role/r"
ORDERS = SITE.state_machine("orders")


def test_every_public_operation_has_its_resource() -> None:
    assert set(RESOURCES) == set(api_model().operations)


def needed(request: Any) -> list[tuple[str, str]]:
    found: Iterator[tuple[str, str]] = demands(type(request).__name__, SITE, request)
    return list(found)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            requests.StartExecution(state_machine_arn=f"{ORDERS}:PROD"),
            [("states:StartExecution", f"{ORDERS}:PROD")],
        ),
        (
            requests.CreateStateMachine(
                name="orders",
                definition="{}",
                role_arn=ROLE,
                publish=True,
                tags=[{"key": "a", "value": "b"}],
            ),
            [
                ("states:CreateStateMachine", ORDERS),
                ("iam:PassRole", ROLE),
                ("states:TagResource", ORDERS),
                ("states:PublishStateMachineVersion", ORDERS),
            ],
        ),
        (
            requests.UpdateStateMachine(state_machine_arn=ORDERS, definition="{}"),
            [("states:UpdateStateMachine", ORDERS)],
        ),
        (
            requests.UpdateStateMachine(state_machine_arn=ORDERS, role_arn=ROLE),
            [("states:UpdateStateMachine", ORDERS), ("iam:PassRole", ROLE)],
        ),
        (
            requests.TestState(definition="{}", role_arn=ROLE, reveal_secrets=True),
            [
                ("states:TestState", SITE.state_machine("*")),
                ("iam:PassRole", ROLE),
                ("states:RevealSecrets", SITE.state_machine("*")),
            ],
        ),
        (
            requests.CreateStateMachineAlias(
                name="PROD",
                routing_configuration=[{"stateMachineVersionArn": f"{ORDERS}:3"}],
            ),
            [("states:CreateStateMachineAlias", f"{ORDERS}:PROD")],
        ),
        (
            requests.ListExecutions(state_machine_arn=ORDERS, map_run_arn="arn:m"),
            [("states:ListExecutions", ORDERS), ("states:ListExecutions", "arn:m")],
        ),
        (
            requests.ListExecutions(),
            [("states:ListExecutions", SITE.state_machine("*"))],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_request_asks_for_what_it_touches(
    request_: Any, expected: list[tuple[str, str]]
) -> None:
    assert needed(request_) == expected


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_operation_here_names_its_resource(operation: Operation) -> None:
    kind = operation.request
    versions = [{"stateMachineVersionArn": f"{ORDERS}:1"}]
    values = {field.name: f"arn:{field.name}" for field in fields(kind)}
    known = {"routing_configuration": versions}
    request = kind(**values | {name: known[name] for name in known.keys() & values})

    found = needed(request)

    assert found[0][0] == f"states:{operation.name}"
    assert all(resource.startswith("arn:") for _, resource in found)
