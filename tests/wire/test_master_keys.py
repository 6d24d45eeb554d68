"""Tokens stay good when the keys that sign them are encrypted, and encrypted anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from storage.access_keys import NewKey
from storage.database import connect
from storage.master_keys import MasterKeys
from storage.server_keys import ServerKeyRegister
from tests.support.api_server import serve
from tests.support.keys import client_of
from tests.wire.waiting import closed

ROLE = "arn:aws:iam::123456789012:role/r"
SITE = "arn:aws:states:us-east-1:123456789012"
APPROVALS = f"{SITE}:stateMachine:approvals"
APPROVE = f"{SITE}:activity:approve"
OLD, BOTH = MasterKeys([b"o" * 32]), MasterKeys([b"n" * 32, b"o" * 32])
NEW = MasterKeys([b"n" * 32])


@contextmanager
def client(url: str, masters: MasterKeys | None) -> Iterator[Any]:
    """Yield a client of a server without authentication."""
    with (
        serve(url, masters=masters, is_signed=False) as endpoint,
        client_of(endpoint, NewKey("any", "any")) as client,
    ):
        yield client


def make_approvals(client: Any) -> None:
    state = {"Type": "Task", "Resource": APPROVE, "End": True}
    definition = json.dumps({"StartAt": "A", "States": {"A": state}})
    client.create_activity(name="approve")
    client.create_state_machine(name="approvals", definition=definition, roleArn=ROLE)


def start(client: Any) -> tuple[str, str]:
    """Start an execution that waits for its activity; return its ARN and the token."""
    arn = client.start_execution(stateMachineArn=APPROVALS)["executionArn"]
    return arn, client.get_activity_task(activityArn=APPROVE)["taskToken"]


def page(client: Any, **more: str) -> Any:
    return client.list_executions(stateMachineArn=APPROVALS, maxResults=1, **more)


def test_tokens_outlive_encryption_and_rotation(clean_database: str) -> None:
    with client(clean_database, None) as plain:
        make_approvals(plain)
        waiting = [start(plain) for _ in range(2)]
        next_page = page(plain)["nextToken"]

    with client(clean_database, OLD) as encrypted:
        encrypted.send_task_success(taskToken=waiting[0][1], output="1")
        assert len(page(encrypted, nextToken=next_page)["executions"]) == 1
        assert closed(encrypted, waiting[0][0])["status"] == "SUCCEEDED"
    with connect(clean_database, autocommit=True) as connection:
        assert ServerKeyRegister(connection).rotate(BOTH) == 1

    with client(clean_database, NEW) as rotated:
        rotated.send_task_success(taskToken=waiting[1][1], output="1")
        assert len(page(rotated, nextToken=next_page)["executions"]) == 1
        assert closed(rotated, waiting[1][0])["status"] == "SUCCEEDED"
