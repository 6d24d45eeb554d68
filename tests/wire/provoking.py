"""A small world of machines, executions and tokens in which every error can be provoked.

One server for a whole module of tests, which therefore change nothing in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

import psycopg

from api.arns import Site
from runtime.identity import execution_id_of
from runtime.tokens import TokenSigner
from storage.connections import connection_pool
from storage.installation import read_installation
from tests.wire.test_activities import polling
from tests.wire.test_machines import PASS, ROLE
from tests.wire.waiting import closed

ACCOUNT: Final = "arn:aws:states:us-east-1:123456789012"
MACHINES: Final = f"{ACCOUNT}:stateMachine"
EXECUTIONS: Final = f"{ACCOUNT}:execution"
ACTIVITIES: Final = f"{ACCOUNT}:activity"

ORDER: Final = f"{MACHINES}:order"
VERSION: Final = f"{ORDER}:1"
ALIAS: Final = f"{ORDER}:live"
QUICK: Final = f"{MACHINES}:quick"
FULL: Final = f"{MACHINES}:full"
LEAVING: Final = f"{MACHINES}:leaving"
NO_MACHINE: Final = f"{MACHINES}:none"
OPEN: Final = f"{EXECUTIONS}:order:open"
NO_EXECUTION: Final = f"{EXECUTIONS}:order:none"
APPROVE: Final = f"{ACTIVITIES}:approve"
CROWDED: Final = f"{ACTIVITIES}:crowded"
NO_ACTIVITY: Final = f"{ACTIVITIES}:none"
POLLERS: Final = 1_000

# Stand in requests for tokens that are known once the world is there.
CLOSED_TASK: Final = "<token of a closed task>"
PURGED_TASK: Final = "<token of a task that nobody remembers>"

_FILL: Final = """
    INSERT INTO state_machine_versions
        (state_machine_arn, number, revision_id, created_at)
    SELECT state_machine_arn, serial, revision_id, created_at
    FROM state_machine_revisions, generate_series(2, 1000) AS serial
    WHERE state_machine_arn = %(arn)s AND number = 1;
"""
_NAME: Final = """
    INSERT INTO state_machine_aliases
        (arn, created_at, updated_at, state_machine_arn, name, routing)
    SELECT arn || ':a' || serial, created_at, created_at, arn, 'a' || serial,
           '{"1": 100}'
    FROM state_machines, generate_series(1, 100) AS serial
    WHERE arn = %(arn)s;
"""


def wait_of(seconds: int) -> str:
    """Return the definition of a machine that waits."""
    state = {"Type": "Wait", "Seconds": seconds, "End": True}
    return json.dumps({"StartAt": "A", "States": {"A": state}})


def task_of(activity: str) -> str:
    """Return the definition of a machine with one task of an activity."""
    state = {"Type": "Task", "Resource": activity, "End": True}
    return json.dumps({"StartAt": "A", "States": {"A": state}})


@contextlib.contextmanager
def world(client: Any, endpoint: str, database: str) -> Iterator[dict[str, str]]:
    """Make the world; yield what stands for the placeholders."""
    _make_machines(client)
    _fill(database)
    tokens = {
        CLOSED_TASK: _closed_task(client),
        PURGED_TASK: asyncio.run(_purged_task(database)),
    }
    client.create_activity(name="crowded")
    with contextlib.ExitStack() as stack:
        for _ in range(POLLERS):
            stack.enter_context(polling(endpoint, CROWDED))
        yield tokens


def _make_machines(client: Any) -> None:
    for name in ("order", "leaving", "full"):
        client.create_state_machine(
            name=name, definition=wait_of(86_400), roleArn=ROLE, publish=True
        )
        client.start_execution(stateMachineArn=f"{MACHINES}:{name}", name="open")
    routing = [{"stateMachineVersionArn": VERSION, "weight": 100}]
    client.create_state_machine_alias(name="live", routingConfiguration=routing)
    client.create_state_machine(
        name="quick", definition=json.dumps(PASS), roleArn=ROLE, type="EXPRESS"
    )
    client.update_state_machine(stateMachineArn=FULL, definition=wait_of(1))
    client.delete_state_machine(stateMachineArn=LEAVING)


def _fill(database: str) -> None:
    """Give a machine as many versions and aliases as it may have."""
    with psycopg.connect(database) as connection:
        connection.execute(_FILL, {"arn": FULL})
        connection.execute(_NAME, {"arn": FULL})


def _closed_task(client: Any) -> str:
    client.create_activity(name="approve")
    client.create_state_machine(name="ask", definition=task_of(APPROVE), roleArn=ROLE)
    started = client.start_execution(stateMachineArn=f"{MACHINES}:ask")
    token: str = client.get_activity_task(activityArn=APPROVE)["taskToken"]
    client.send_task_success(taskToken=token, output="1")
    closed(client, started["executionArn"])
    return token


async def _purged_task(database: str) -> str:
    async with connection_pool(database) as pool:
        facts = await read_installation(pool.connection)
    signer = TokenSigner(facts.keys, Site().account)
    return signer.sign(0, execution_id_of(NO_EXECUTION, 1), 3)
