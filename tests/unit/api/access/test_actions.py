from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api import requests
from api.access.actions import RESOURCES, demands
from api.access.callers import ANYBODY, Caller
from api.access.policies import parse_policy
from api.access.presets import preset_policy
from api.arns import Site
from api.context import Api
from api.errors import AccessDeniedException
from api.model import api_model
from api.operations import OPERATIONS, Operation, endpoints
from api.wire import Endpoint

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


def request_of(operation: Operation) -> Any:
    """Make a request that names something with each of its members."""
    kind = operation.request
    versions = [{"stateMachineVersionArn": f"{ORDERS}:1"}]
    values = {field.name: f"arn:{field.name}" for field in fields(kind)}
    known = {"routing_configuration": versions}
    return kind(**values | {name: known[name] for name in known.keys() & values})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_operation_here_names_its_resource(operation: Operation) -> None:
    found = needed(request_of(operation))

    assert found[0][0] == f"states:{operation.name}"
    assert all(resource.startswith("arn:") for _, resource in found)


def bound(operation: Operation) -> Endpoint:
    """Bind the operations to a site and to nothing else."""
    api = SimpleNamespace(site=SITE)
    return endpoints(cast("Api", api))[operation.name]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_no_operation_is_for_who_may_do_all_the_others(operation: Operation) -> None:
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": f"states:{operation.name}", "Resource": "*"},
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    policy = parse_policy(json.dumps(document))
    denied = Caller(arn="a", account=SITE.account, policy=policy)

    with pytest.raises(AccessDeniedException, match=f"states:{operation.name} on"):
        bound(operation).authorize(denied, request_of(operation))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_operation_is_for_an_admin_and_for_anybody_where_nobody_signs(
    operation: Operation,
) -> None:
    admin = Caller(arn="a", account=SITE.account, policy=preset_policy("admin"))

    for caller in (admin, ANYBODY):
        bound(operation).authorize(caller, request_of(operation))
