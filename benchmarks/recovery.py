"""`recovery`: attempts in flight at a worker, the engine killed, everything reconciled.

A worker holds all attempts. The server gets SIGKILL and is started again; the worker shows
its inventory and reports. Measured from the start of the new process until the last report
is accepted, which means that every execution has appended its outcome.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

from benchmarks import workflows
from benchmarks.database import fresh_database
from benchmarks.starts import Client, serving

IN_FLIGHT = 10_000
_CLIENTS = 16
_REPORT = 250


def recovery(_count: int) -> dict[str, Any]:
    """Kill the engine with 10,000 attempts in flight."""
    with fresh_database() as database:
        with serving(database) as server:
            worker = _Worker()
            asyncio.run(_fill(server.number, worker))
            server.kill()
        began = time.perf_counter()
        with serving(database) as server:
            ready = time.perf_counter() - began
            accepted = asyncio.run(worker.report_all(server.number))
            seconds = time.perf_counter() - began
    assert accepted == IN_FLIGHT, accepted
    return {"seconds": seconds, "ready_s": ready, "in_flight": IN_FLIGHT}


async def _fill(port: int, worker: _Worker) -> None:
    client = await Client(port).open()
    machine = await client.call(
        "CreateStateMachine",
        {
            "name": "measured",
            "definition": workflows.tasks(2),
            "roleArn": "arn:aws:iam::123456789012:role/measured",
        },
    )
    polling = asyncio.create_task(worker.take_all(port))
    clients = [await Client(port).open() for _ in range(_CLIENTS)]

    async def start(client: Client) -> None:
        for _ in range(IN_FLIGHT // _CLIENTS):
            request = {
                "stateMachineArn": machine["stateMachineArn"],
                "name": uuid.uuid4().hex,
                "input": workflows.payload(),
            }
            await client.call("StartExecution", request)

    await asyncio.gather(*(start(client) for client in clients))
    await polling


class _Worker:
    """A worker that takes everything and answers nothing until it is told to."""

    def __init__(self) -> None:
        self._session = uuid.uuid4().hex
        self._tokens: list[str] = []

    async def take_all(self, port: int) -> None:
        """Poll until all attempts are here."""
        client = await Client(port).open()
        while len(self._tokens) < IN_FLIGHT:
            answer = await client.work("poll", self._poll(wait=5))
            self._tokens += [task["token"] for task in answer["tasks"]]

    def _poll(self, *, wait: float) -> dict[str, Any]:
        return {
            "session": self._session,
            "name": "measured",
            "functions": [workflows.FUNCTION],
            "free": IN_FLIGHT - len(self._tokens),
            "inventory": self._tokens,
            "wait": wait,
        }

    async def report_all(self, port: int) -> int:
        """Show the inventory, then report every attempt; return how many were accepted."""
        client = await Client(port).open()
        await client.work("poll", self._poll(wait=0))
        accepted = 0
        for first in range(0, len(self._tokens), _REPORT):
            tokens = self._tokens[first : first + _REPORT]
            results = [
                {"token": token, "output": {"status": "done"}} for token in tokens
            ]
            answer = await client.work(
                "report", {"session": self._session, "results": results}
            )
            accepted += sum(
                1 for item in answer["results"] if item["verdict"] == "accepted"
            )
        return accepted
