"""`children`: what a child of a Map Run costs, beside an execution that is started alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from benchmarks import workflows
from benchmarks.database import fresh_database
from benchmarks.engines import run_nodes
from benchmarks.starts import Client, serving

_ROLE = "arn:aws:iam::123456789012:role/measured"
_PAUSE_SECONDS = 0.05


def children(count: int) -> dict[str, Any]:
    """A Map Run over so many items, each a child of one Pass state."""
    with fresh_database() as database:
        alone = run_nodes(database, workflows.one_pass(), count)
    with fresh_database() as database, serving(database) as server:
        found = asyncio.run(_measure(server, count))
    return found | {
        "alone_cpu_ms": alone["cpu_ms"],
        "ratio": found["cpu_ms"] / alone["cpu_ms"],
    }


async def _measure(server: serving, count: int) -> dict[str, Any]:
    client = await Client(server.number).open()
    machine = await client.call(
        "CreateStateMachine",
        {
            "name": "measured",
            "definition": workflows.distributed(),
            "roleArn": _ROLE,
        },
    )
    await _run(client, machine["stateMachineArn"], 20)
    meter = server.meter()
    await _run(client, machine["stateMachineArn"], count)
    return meter.stop(count)


async def _run(client: Client, machine: str, items: int) -> None:
    """Run a Map over some items to its end."""
    request = {"stateMachineArn": machine, "input": json.dumps(list(range(items)))}
    started = await client.call("StartExecution", request)
    asked = {"executionArn": started["executionArn"], "includedData": "METADATA_ONLY"}
    while (shown := await client.call("DescribeExecution", asked))[
        "status"
    ] == "RUNNING":
        await asyncio.sleep(_PAUSE_SECONDS)
    assert shown["status"] == "SUCCEEDED", shown
