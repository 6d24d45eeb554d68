"""`describe`, `history`, `listing`, `pollers`: what reading and waiting cost over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import psycopg

from benchmarks import workflows
from benchmarks.database import Database, fresh_database
from benchmarks.processes import Meter, percentile
from benchmarks.starts import Client, repeated, serving

_ROLE: Final = "arn:aws:iam::123456789012:role/measured"
_HEAD: Final = "arn:aws:states:us-east-1:123456789012"
_MACHINE: Final = f"{_HEAD}:stateMachine:measured"
_ACTIVITY: Final = f"{_HEAD}:activity:measured"
_CLIENTS: Final = 32
_EVENTS: Final = 1_000
_EXECUTIONS: Final = 1_000_000
_PAGE: Final = 100
_POLLERS: Final = 1_000
_HANDED_OUT: Final = 500

# One execution in a thousand failed; one in a thousand was started through a version, one
# through an alias; a hundred are open. They began a second apart.
_FILL: Final = """
    INSERT INTO execution_records
        (execution_id, revision_id, start_date, stop_date, shard, last_event_id, arn, name,
         state_machine_arn, status, version_arn, alias_arn)
    SELECT gen_random_uuid(), revision_id, now() - serial * '1 s'::interval,
           CASE WHEN serial > 100 THEN now() END, serial % 64, 4,
           replace(state_machine_arn, 'stateMachine', 'execution') || ':' || serial,
           serial, state_machine_arn,
           CASE WHEN serial <= 100 THEN 'RUNNING'
                WHEN serial % 1000 = 7 THEN 'FAILED' ELSE 'SUCCEEDED' END,
           CASE WHEN serial % 1000 = 8 THEN state_machine_arn || ':1' END,
           CASE WHEN serial % 1000 = 9 THEN state_machine_arn || ':live' END
    FROM state_machine_revisions, generate_series(1, 1000000) AS serial
"""


def describe(count: int) -> dict[str, Any]:
    """DescribeExecution of a closed execution with a 300-byte payload, 32 clients."""
    with fresh_database() as database, serving(database) as server:
        return asyncio.run(_describe(server, 2 * count))


async def _describe(server: serving, count: int) -> dict[str, Any]:
    async with _clients(server, _CLIENTS) as clients:
        await _create(clients[0], workflows.states())
        arn = await _closed(clients[0], workflows.payload())
        return await repeated(
            lambda client: _ask(client, "DescribeExecution", executionArn=arn),
            clients,
            count,
            server.meter,
        )


def history(count: int) -> dict[str, Any]:
    """GetExecutionHistory of a thousand events, in one page, 8 clients."""
    with fresh_database() as database, serving(database) as server:
        return asyncio.run(_history(server, count // 8))


async def _history(server: serving, count: int) -> dict[str, Any]:
    async with _clients(server, 8) as clients:
        await _create(clients[0], _many_passes())
        arn = await _closed(clients[0], json.dumps(list(range(250))))
        return await repeated(
            lambda client: _ask(
                client, "GetExecutionHistory", executionArn=arn, maxResults=_EVENTS
            ),
            clients,
            count,
            server.meter,
        )


def listing(count: int) -> dict[str, Any]:
    """ListExecutions over a million executions, pages of 100, one client."""
    with fresh_database() as database:
        with serving(database) as server:
            asyncio.run(_create_version(server))
        _fill(database)
        with serving(database) as server:
            return asyncio.run(_list(server, count // 20))


async def _create_version(server: serving) -> None:
    async with _clients(server, 1) as (client,):
        await _create(client, workflows.wait())
        await _ask(client, "PublishStateMachineVersion", stateMachineArn=_MACHINE)
        routing = [{"stateMachineVersionArn": f"{_MACHINE}:1", "weight": 100}]
        await _ask(
            client, "CreateStateMachineAlias", name="live", routingConfiguration=routing
        )


def _fill(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(_FILL)
        connection.execute("VACUUM ANALYZE execution_records")


async def _list(server: serving, count: int) -> dict[str, Any]:
    pages: dict[str, dict[str, Any]] = {
        "first": {},
        "open": {"statusFilter": "RUNNING"},
        "failed": {"statusFilter": "FAILED"},
        "version": {"stateMachineArn": f"{_MACHINE}:1"},
        "alias": {"stateMachineArn": f"{_MACHINE}:live"},
    }
    async with _clients(server, 1) as clients:
        began = time.perf_counter()
        pages["deep"] = {"nextToken": await _halfway(clients[0])}
        found = {"halfway_s": time.perf_counter() - began}
        for name, members in pages.items():
            request = {"stateMachineArn": _MACHINE, "maxResults": _PAGE, **members}
            figures = await repeated(
                lambda client, request=request: _ask(  # type: ignore[misc]  # bound early
                    client, "ListExecutions", **request
                ),
                clients,
                count,
                server.meter,
            )
            found |= {f"{name}_{figure}": value for figure, value in figures.items()}
    return found


async def _halfway(client: Client) -> str:
    """Go through half of the executions; return the token of the next page."""
    request: dict[str, Any] = {"stateMachineArn": _MACHINE, "maxResults": 1_000}
    for _ in range(_EXECUTIONS // 2_000):
        page = await client.call("ListExecutions", request)
        request["nextToken"] = page["nextToken"]
    token: str = request["nextToken"]
    return token


def pollers(_count: int) -> dict[str, Any]:
    """Tasks handed to a thousand waiting pollers, and what they cost others meanwhile."""
    with fresh_database() as database, serving(database) as server:
        return asyncio.run(_poll(server))


async def _poll(server: serving) -> dict[str, Any]:
    async with _clients(server, 1 + _POLLERS) as (client, *polling):
        await _ask(client, "CreateActivity", name="measured")
        task = {"Type": "Task", "Resource": _ACTIVITY, "End": True}
        await _create(client, json.dumps({"StartAt": "A", "States": {"A": task}}))
        answers: asyncio.Queue[float] = asyncio.Queue()
        waiting = [asyncio.create_task(_wait(poller, answers)) for poller in polling]
        beside = await _beside(client, server.meter)
        meter = server.meter()
        seconds = [await _hand_out(client, answers) for _ in range(_HANDED_OUT)]
        found = meter.stop(_HANDED_OUT)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return {
        **found,
        **{f"beside_{name}": value for name, value in beside.items()},
        "p50_ms": 1000 * percentile(seconds, 50),
        "p99_ms": 1000 * percentile(seconds, 99),
    }


async def _wait(poller: Client, answers: asyncio.Queue[float]) -> None:
    await poller.call("GetActivityTask", {"activityArn": _ACTIVITY})
    answers.put_nowait(time.perf_counter())


async def _hand_out(client: Client, answers: asyncio.Queue[float]) -> float:
    """Start an execution; return how long after that some poller had its task."""
    began = time.perf_counter()
    await _ask(client, "StartExecution", stateMachineArn=_MACHINE)
    return await answers.get() - began


async def _beside(client: Client, begin: Callable[[], Meter]) -> dict[str, float]:
    """Describe the machine, with every poller waiting."""
    return await repeated(
        lambda client: _ask(client, "DescribeActivity", activityArn=_ACTIVITY),
        [client],
        1_000,
        begin,
    )


@contextlib.asynccontextmanager
async def _clients(server: serving, count: int) -> AsyncIterator[list[Client]]:
    clients = [await Client(server.number).open() for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


async def _ask(client: Client, operation: str, **members: Any) -> None:
    await client.call(operation, members)


async def _create(client: Client, definition: str) -> None:
    request = {"name": "measured", "definition": definition, "roleArn": _ROLE}
    await client.call("CreateStateMachine", request)


async def _closed(client: Client, text: str) -> str:
    request = {"stateMachineArn": _MACHINE, "input": text}
    started = await client.call("StartExecution", request)
    arn: str = started["executionArn"]
    described = {"status": "RUNNING"}
    while described["status"] == "RUNNING":
        described = await client.call("DescribeExecution", {"executionArn": arn})
    assert described["status"] == "SUCCEEDED", described
    return arn


def _many_passes() -> str:
    inner = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
    each = {"Type": "Map", "ItemProcessor": inner, "End": True}
    return json.dumps({"StartAt": "A", "States": {"A": each}})
