"""`sync` and `express`: Express workflows of ten Choice and Pass states.

`sync` is StartSyncExecution over HTTP; `express` accepts executions durably in the engine's
own process, runs them, and is done when the whole log of each is written and its row gone.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from datetime import UTC, datetime
from typing import Any

import uvloop

from benchmarks import workflows
from benchmarks.database import Database, fresh_database
from benchmarks.node import ARN, running_engine
from benchmarks.processes import Meter
from benchmarks.starts import Client, repeated, serving
from storage.machines import MachineRecord

_CLIENTS = 32
_STARTS = 200
_ROLE = "arn:aws:iam::123456789012:role/measured"
_LOGGING = {"level": "ALL", "includeExecutionData": True}


def sync(count: int) -> dict[str, Any]:
    """StartSyncExecution over HTTP, 32 clients; nothing is logged."""
    with fresh_database() as database, serving(database) as server:
        return asyncio.run(_over_http(server.number, 2 * count, server.meter))


async def _over_http(port: int, count: int, begin: Any) -> dict[str, Any]:
    clients = [await Client(port).open() for _ in range(_CLIENTS)]
    machine = await clients[0].call(
        "CreateStateMachine",
        {
            "name": "measured",
            "type": "EXPRESS",
            "definition": workflows.states(),
            "roleArn": _ROLE,
        },
    )
    request = {
        "stateMachineArn": machine["stateMachineArn"],
        "input": workflows.payload(),
    }

    async def run(client: Client) -> None:
        ended = await client.call("StartSyncExecution", request)
        assert ended["status"] == "SUCCEEDED"

    return await repeated(run, clients, count, begin)


def express(count: int) -> dict[str, Any]:
    """Asynchronous executions, accepted, run and logged in full."""
    with fresh_database() as database:
        return uvloop.run(_accepted(database, 2 * count))


async def _accepted(database: Database, count: int) -> dict[str, Any]:
    machine = _machine(database)
    text = workflows.payload()
    async with running_engine(database.url) as engine:

        async def start(number: int) -> None:
            for _ in range(number):
                await engine.service.start_execution(machine, "n", text, None)

        await _all(start, _STARTS * 5)
        await engine.express.settled()
        pids = {"engine": os.getpid(), "postgres": database.postmaster}
        meter = Meter.start(pids)
        await _all(start, count)
        await engine.express.settled()
        return meter.stop(count)


async def _all(start: Any, count: int) -> None:
    await asyncio.gather(*(start(count // _STARTS) for _ in range(_STARTS)))


def _machine(database: Database) -> MachineRecord:
    definition = workflows.states()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return MachineRecord(
        arn=f"{ARN}:stateMachine:measured",
        name="measured",
        type="EXPRESS",
        status="ACTIVE",
        created_at=now,
        updated_at=now,
        revision_id=uuid.UUID(database.add_machine(definition)),
        number=1,
        definition=definition,
        role_arn=_ROLE,
        logging_configuration=_LOGGING,
    )
