"""CPU per task of a worker process, against a server that does nothing but the protocol.

    python -m benchmarks.worker_alone [--in-flight 256] [--commit-ms 5] [--seconds 5]

The server answers a report at once and hands the next tasks out after `--commit-ms`, as an
engine does that commits in batches. Only the worker's CPU is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import httptools
import orjson
import uvloop

from benchmarks.processes import Meter, load

APP = """
import stepwell

@stepwell.task("plain")
def plain(event):
    return event

@stepwell.task("async")
async def on_the_loop(event):
    return event
"""
INPUT = {
    "order": {
        "id": "o-1234",
        "customer": "somebody@example.com",
        "items": [{"sku": f"A-{number}", "quantity": number} for number in range(5)],
        "total": 123.45,
    }
}
WARM_UP_SECONDS = 1.0


class Tasks:
    """A closed loop: every task that is reported comes again as a new one."""

    def __init__(self, function: str, in_flight: int, commit_seconds: float) -> None:
        self._rest = orjson.dumps(_delivery(function))[1:]
        self._commit_seconds = commit_seconds
        self._ready: list[bytes] = []
        self._committing = in_flight
        self._next = 0
        self._waiter: tuple[_Connection, int] | None = None
        self.done = self.polls = self.reports = 0
        self.has_worker = asyncio.Event()

    def commit(self) -> None:
        """Make what was reported since the last commit into new tasks, again and again."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._commit_seconds, self.commit)
        for _ in range(self._committing):
            self._next += 1
            self._ready.append(b'{"token":"AQADkzR5a_%045x",' % self._next + self._rest)
        self._committing = 0
        self._hand_out()

    def poll(self, connection: _Connection, request: dict[str, Any]) -> None:
        """Answer a poll now or when there are tasks; the last ones are not kept waiting."""
        self.polls += 1
        self.has_worker.set()
        if request["wait"] < 1:
            connection.reply(b'{"tasks":[],"cancelled":[]}')
            return
        self._waiter = connection, request["free"]
        self._hand_out()

    def report(self, connection: _Connection, request: dict[str, Any]) -> None:
        """Accept all results."""
        self.reports += 1
        self.done += len(request["results"])
        self._committing += len(request["results"])
        verdicts = [
            {"token": result["token"], "verdict": "accepted"}
            for result in request["results"]
        ]
        connection.reply(orjson.dumps({"results": verdicts, "cancelled": []}))

    def _hand_out(self) -> None:
        if self._waiter is None or not self._ready:
            return
        connection, free = self._waiter
        tasks, self._ready = self._ready[:free], self._ready[free:]
        self._waiter = None
        connection.reply(b'{"tasks":[%b],"cancelled":[]}' % b",".join(tasks))


class _Connection(asyncio.Protocol):
    """One connection of the worker; the parser calls the `on_` methods."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._path = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        request = orjson.loads(b"".join(self._body))
        self._body.clear()
        if self._path.endswith(b"poll"):
            self._tasks.poll(self, request)
        elif self._path.endswith(b"report"):
            self._tasks.report(self, request)
        else:
            self.reply(b"{}")

    def reply(self, body: bytes) -> None:
        if not self._transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
            self._transport.write(head + body)


async def measure(function: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one worker for a while; return its figures."""
    tasks = Tasks(function, options.in_flight, options.commit_ms / 1000)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(tasks), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        worker = await asyncio.to_thread(_start_worker, folder, port, options.in_flight)
        await tasks.has_worker.wait()
        tasks.commit()
        await asyncio.sleep(WARM_UP_SECONDS)
        figures = await _count(tasks, worker.pid, options.seconds)
        worker.terminate()
        await asyncio.to_thread(worker.wait)
    server.close()
    return {"function": function, **figures}


def _start_worker(folder: str, port: int, in_flight: int) -> subprocess.Popen[bytes]:
    app = Path(folder) / "app.py"
    app.write_text(APP)
    options = ["--endpoint", f"http://127.0.0.1:{port}", "--log-level", "error"]
    command = [sys.executable, "-m", "stepwell", "worker", str(app), *options]
    return subprocess.Popen([*command, "--concurrency", str(2 * in_flight)])


async def _count(tasks: Tasks, pid: int, seconds: float) -> dict[str, float]:
    meter = Meter.start({"worker": pid})
    done, polls, reports = tasks.done, tasks.polls, tasks.reports
    await asyncio.sleep(seconds)
    count = tasks.done - done
    figures = meter.stop(count)
    return {
        "worker_cpu_us": round(1000 * figures["worker_cpu_ms"], 1),
        "per_second": round(figures["per_second"]),
        "tasks_per_poll": round(count / (tasks.polls - polls), 1),
        "tasks_per_report": round(count / (tasks.reports - reports), 1),
        "load": round(load(), 1),
    }


def _delivery(function: str) -> dict[str, Any]:
    arn = "arn:aws:states:us-east-1:123456789012"
    execution_id = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    return {
        "function": function,
        "input": INPUT,
        "executionArn": f"{arn}:execution:orders:{execution_id}",
        "stateMachineArn": f"{arn}:stateMachine:orders",
        "stateName": "CheckInventory",
        "attemptId": f"{execution_id}-12",
        "idempotencyKey": f"{execution_id}-7",
        "retryCount": 0,
        "remainingSeconds": None,
        "heartbeatSeconds": None,
        "shard": 3,
        "epoch": 7,
        "traceHeader": None,
    }


def main() -> None:
    """Measure a plain and an async function; print one JSON object each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--commit-ms", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    for function in ("plain", "async"):
        print(json.dumps(uvloop.run(measure(function, options))), flush=True)


if __name__ == "__main__":
    main()
