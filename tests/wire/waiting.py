"""Waiting for executions as a client can: by asking again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MOST = 2_000


def eventually(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer, and return it."""
    for _ in range(_MOST):
        answer = ask()
        if answer:
            return answer
    msg = "there was never an answer"
    raise AssertionError(msg)


def described_when(client: Any, arn: str, *statuses: str) -> Any:
    """Ask for an execution until it has one of the statuses."""
    for _ in range(_MOST):
        described = client.describe_execution(executionArn=arn)
        if described["status"] in statuses:
            return described
    msg = f"{arn} is none of {statuses}"
    raise AssertionError(msg)


def closed(client: Any, arn: str) -> Any:
    """Ask for an execution until it is closed."""
    return described_when(client, arn, "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")


def until_gone(client: Any, machine: str) -> None:
    """Describe a machine that is being deleted until it does not exist."""
    for _ in range(_MOST):
        try:
            described = client.describe_state_machine(stateMachineArn=machine)
        except client.exceptions.StateMachineDoesNotExist:
            return
        assert described["status"] == "DELETING"
    msg = f"{machine} is still there"
    raise AssertionError(msg)


def event_of_type(client: Any, arn: str, event_type: str) -> Any:
    """Ask for the history until it has an event of the type."""
    for _ in range(_MOST):
        events = client.get_execution_history(executionArn=arn)["events"]
        found = [event for event in events if event["type"] == event_type]
        if found:
            return found[0]
    msg = f"{arn} has no {event_type}"
    raise AssertionError(msg)
