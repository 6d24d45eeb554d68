"""`start`: StartExecution over HTTP, durable, from a load generator of its own."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from benchmarks import workflows
from benchmarks.database import Database, fresh_database
from benchmarks.processes import Meter, percentile

_CLIENTS = 32
_WARM_UP = 20


def start(count: int) -> dict[str, Any]:
    """StartExecution over HTTP, 32 clients; the execution enters a Wait of a year."""
    with fresh_database() as database, serving(database) as port:
        return asyncio.run(_measure(port.number, 2 * count, port.meter))


class serving:  # noqa: N801 - reads as a verb in the with statement
    """A `stepwell serve` process on a free port, until the block ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.number = _free_port()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> serving:
        """Start it and wait for its ready line."""
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "stepwell", "serve", "--log-level", "warning"),
                *("--database", self._database.url, "--port", str(self.number)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert re.search(str(self.number), line), line
        return self

    def meter(self) -> Meter:
        """Begin to measure the server and PostgreSQL."""
        assert self._process is not None
        pids = {"engine": self._process.pid, "postgres": self._database.postmaster}
        return Meter.start(pids)

    def kill(self) -> None:
        """End it as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_error: object) -> None:
        """End it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Client:
    """A keep-alive connection that speaks just enough HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> Client:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port
        )
        return self

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call one operation; anything but 200 is an error."""
        headers = (
            b"Content-Type: application/x-amz-json-1.0\r\n"
            b"X-Amz-Target: AWSStepFunctions.%s\r\n" % operation.encode()
        )
        return await self._post(b"/", headers, body)

    async def work(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """Say something in the worker protocol."""
        path = b"/stepwell/v1/worker/%s" % verb.encode()
        return await self._post(path, b"Content-Type: application/json\r\n", body)

    async def _post(
        self, path: bytes, headers: bytes, body: dict[str, Any]
    ) -> dict[str, Any]:
        raw = json.dumps(body).encode()
        self._writer.write(
            b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%sContent-Length: %d\r\n\r\n%s"
            % (path, self._port, headers, len(raw), raw)
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        assert length is not None
        answer = await self._reader.readexactly(int(length[1]))
        assert " 200 " in head.splitlines()[0], answer
        found: dict[str, Any] = json.loads(answer)
        return found


async def _measure(port: int, count: int, begin: Any) -> dict[str, Any]:
    clients = [await Client(port).open() for _ in range(_CLIENTS)]
    machine = await clients[0].call(
        "CreateStateMachine",
        {
            "name": "measured",
            "definition": workflows.wait(),
            "roleArn": "arn:aws:iam::123456789012:role/measured",
        },
    )

    async def start_one(client: Client) -> None:
        await client.call("StartExecution", _request(machine["stateMachineArn"]))

    return await repeated(start_one, clients, count, begin)


async def repeated(
    ask: Callable[[Client], Awaitable[None]],
    clients: Sequence[Client],
    count: int,
    begin: Callable[[], Meter],
) -> dict[str, float]:
    """Let clients ask over and over, `count` times in all; return CPU and latencies."""
    seconds: list[float] = []

    async def run(client: Client, number: int) -> None:
        for _ in range(number):
            began = time.perf_counter()
            await ask(client)
            seconds.append(time.perf_counter() - began)

    await asyncio.gather(*(run(client, _WARM_UP) for client in clients))
    seconds.clear()
    meter = begin()
    await asyncio.gather(*(run(client, count // len(clients)) for client in clients))
    return meter.stop(len(seconds)) | {
        "p50_ms": 1000 * percentile(seconds, 50),
        "p99_ms": 1000 * percentile(seconds, 99),
    }


def _request(machine: str) -> dict[str, Any]:
    year = int(time.strftime("%Y")) + 1
    order = json.loads(workflows.payload())
    text = json.dumps(order | {"until": f"{year}-06-01T00:00:00Z"})
    return {"stateMachineArn": machine, "name": uuid.uuid4().hex, "input": text}
