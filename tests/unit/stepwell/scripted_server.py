"""A server over real loopback HTTP whose every answer a test writes itself."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from stepwell.worker import Worker

PATIENCE_SECONDS = 20
Json = Any


class Exchange:
    """One request, to be answered or broken off."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.request: Json = json.loads(body)
        self.outcome: asyncio.Future[tuple[int, bytes] | None] = (
            asyncio.get_running_loop().create_future()
        )

    def reply(self, answer: Json, status: int = 200) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.outcome.set_result((status, body))

    def drop(self) -> None:
        self.outcome.set_result(None)

    def deliver(self, *tasks: Json, cancelled: Sequence[str] = ()) -> None:
        self.reply({"tasks": list(tasks), "cancelled": list(cancelled)})

    def accept(self, verdict: str = "accepted", cancelled: Sequence[str] = ()) -> None:
        """Answer each result of a report."""
        results = [
            {"token": item["token"], "verdict": verdict}
            for item in self.request["results"]
        ]
        self.reply({"results": results, "cancelled": list(cancelled)})

    @property
    def results(self) -> dict[str, Json]:
        return {item["token"]: item for item in self.request["results"]}


class ScriptedServer:
    """Hands every request to the test as an Exchange."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._queues: dict[str, asyncio.Queue[Exchange]] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._listener)

    async def close(self) -> None:
        if self._server is None:
            self._listener.close()
            return
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def next(self, kind: str) -> Exchange:
        """The next request whose path ends with `kind`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._queue(kind).get()

    async def answer_all(self, kind: str, answer: Json) -> None:
        """Give every request of a kind the same answer, until cancelled."""
        while True:
            (await self._queue(kind).get()).reply(answer)

    async def poll(self) -> Exchange:
        return await self.next("poll")

    async def report(self) -> Exchange:
        return await self.next("report")

    async def bye(self) -> Exchange:
        return await self.next("bye")

    def _queue(self, kind: str) -> "asyncio.Queue[Exchange]":
        return self._queues.setdefault(kind, asyncio.Queue())

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while exchange := await _read(reader):
                self._queue(exchange.path.rpartition("/")[2]).put_nowait(exchange)
                outcome = await exchange.outcome
                if outcome is None:
                    break
                writer.write(_answer(*outcome))
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def delivery(token: str, function: str = "work", **more: Json) -> Json:
    """One attempt as the server hands it over."""
    return {
        "token": token,
        "function": function,
        "input": None,
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:m:e",
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        "stateName": "Work",
        "attemptId": f"attempt-{token}",
        "idempotencyKey": "visit-1",
        "retryCount": 0,
        "remainingSeconds": None,
        "heartbeatSeconds": None,
        "shard": 1,
        "epoch": 1,
        "traceHeader": None,
        **more,
    }


async def see_off(server: ScriptedServer, leaving: "asyncio.Future[Any]") -> None:
    """Answer what a worker that drains still asks, until it is gone."""
    answering = [
        asyncio.create_task(server.answer_all("poll", {"tasks": []})),
        asyncio.create_task(server.answer_all("bye", {})),
    ]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.wait([leaving, *answering], return_when=asyncio.FIRST_COMPLETED)
    for task in answering:
        task.cancel()


@contextlib.asynccontextmanager
async def serving(
    server: ScriptedServer, *functions: Callable[..., object], **options: Any
) -> AsyncIterator["tuple[Worker, asyncio.Task[bool]]"]:
    """Run a worker; at the end it is told to give up whatever it has."""
    worker = Worker(functions, endpoint=server.endpoint, **options)
    worker.first_pause_seconds = 0.005
    running = asyncio.create_task(worker.run())
    try:
        yield worker, running
    finally:
        await server.close()
        worker.parting_seconds = 0.01
        worker.stop()
        worker.stop()
        await running


async def _read(reader: asyncio.StreamReader) -> Exchange | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers["content-length"]))
    return Exchange(first.split(" ")[1], headers, body)


def _answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d -\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)
