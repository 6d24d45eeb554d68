"""One engine process under measurement, with its load generator inside.

Starts are made through the engine's own start queue, so their cost counts; only HTTP does
not, which `start` measures by itself. Run by `benchmarks.engines` with a JSON object as its
argument; prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvloop
from psycopg import AsyncConnection

from asl.model import Machine
from asl.parse import parse_machine
from benchmarks import workflows
from benchmarks.processes import percentile
from cli.compose import ServerOptions, serving
from cli.lifetime import calm_collector
from cli.listening import listen
from cli.logs import configure_logs
from engine.engine import Engine
from engine.options import EngineOptions, Installation
from engine.starts import StartRequest
from runtime.execution import Execution
from storage.connections import connection_pool
from storage.installation import read_installation

_PATIENCE_SECONDS = 0.5
ARN = f"arn:aws:states:us-east-1:{workflows.ACCOUNT}"


@asynccontextmanager
async def running_engine(url: str, **options: Any) -> AsyncIterator[Engine]:
    """Run an engine that serves the measured function itself, until the block ends."""
    configure_logs("warning")
    calm_collector()
    options.setdefault("handlers", {workflows.FUNCTION: workflows.result})
    async with connection_pool(url) as pool:
        facts = await read_installation(pool.connection)
        installation = Installation(shards=facts.shards, keys=facts.keys)
        engine = Engine(
            url, installation, pool.connection, options=EngineOptions(**options)
        )
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


class Load:
    """Keeps a number of executions in flight until a number has ended."""

    def __init__(
        self, engine: Engine, machine: Machine, revision_id: str, in_flight: int
    ) -> None:
        self._engine = engine
        self._machine = machine
        self._revision_id = revision_id
        self._slots = asyncio.Semaphore(in_flight)
        self._ended = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = 0
        self._started: dict[str, float] = {}
        self.seconds: list[float] = []
        engine.hall.on_closed.append(self._closed)

    def _closed(self, execution: Execution) -> None:
        if execution.error is not None and not self._failed.done():
            self._failed.set_exception(AssertionError(execution.cause))
        # An execution may end in another process than the one that started it; that one ends
        # as many of ours.
        self._slots.release()
        began = self._started.pop(execution.name, None)
        if began is not None:
            self.seconds.append(time.perf_counter() - began)
            self._left -= 1
            if self._left == 0:
                self._ended.set()

    async def run(self, count: int) -> None:
        """Start `count` executions and wait for their ends; raise what one or the engine fails with."""
        running = asyncio.ensure_future(self._run(count))
        broken = asyncio.ensure_future(self._engine.life.failed.wait())
        ends = (running, broken, self._failed)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        broken.cancel()
        self._engine.life.raise_failure()
        if self._failed.done():
            self._failed.result()
        running.result()

    async def _run(self, count: int) -> None:
        self._left = count
        self._ended.clear()
        self.seconds.clear()
        starts = []
        for _ in range(count):
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._slots.acquire()
            starts.append(asyncio.ensure_future(self._start()))
        await asyncio.gather(*starts)
        if count and self._engine.router.holds_everything:
            await self._ended.wait()
        while await self._open():
            await asyncio.sleep(0.02)

    async def _open(self) -> bool:
        async with self._engine.connections() as connection:
            cursor = await connection.execute(
                "SELECT EXISTS (SELECT FROM execution_records WHERE status = 'RUNNING')"
            )
            row = await cursor.fetchone()
        return bool(row and row[0])

    async def _start(self) -> None:
        name = uuid.uuid4().hex
        self._started[name] = time.perf_counter()
        await self._engine.starts.start(
            StartRequest(
                arn=f"{ARN}:execution:measured:{name}",
                name=name,
                input=workflows.payload(),
                machine=self._machine,
                state_machine_arn=f"{ARN}:stateMachine:measured",
                state_machine_name="measured",
                revision_id=self._revision_id,
                role_arn="arn:aws:iam::123456789012:role/measured",
            )
        )


@asynccontextmanager
async def serving_engine(url: str, *, served: bool) -> AsyncIterator[Engine]:
    """Run an engine behind HTTP; tell the endpoint; a served one waits for its worker."""
    configure_logs("warning")
    calm_collector()
    listener = listen("127.0.0.1", 0)
    async with serving(ServerOptions(url=url, listener=listener)) as server:
        print(server.endpoint, flush=True)
        while served and not server.engine.hall.sessions:
            await asyncio.sleep(0.02)
        yield server.engine


async def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Run one job: warm up, wait for the word on standard input, run, report."""
    machine = parse_machine(job["definition"])
    made = (
        serving_engine(job["url"], served=job["served"])
        if job.get("http")
        else running_engine(job["url"])
    )
    async with made as engine:
        while len(engine.shards.epochs) != engine.router.total // job["nodes"]:
            await asyncio.sleep(0.02)
        load = Load(engine, machine, job["revision_id"], job["in_flight"])
        await load.run(job["warm_up"])
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        commit_ms: list[float] = []
        watch = asyncio.create_task(
            time_commits(job["url"], commit_ms, alone=job["in_flight"] == 1)
        )
        before = time.process_time()
        await load.run(job["count"])
        watch.cancel()
        return {
            "cpu_seconds": time.process_time() - before,
            "commit_p50_ms": percentile(commit_ms, 50) if commit_ms else None,
            "p50_ms": 1000 * percentile(load.seconds, 50),
            "p99_ms": 1000 * percentile(load.seconds, 99),
            "events": sum(lane.committed_events for lane in engine.lanes),
            "pid": os.getpid(),
        }


async def time_commits(url: str, found: list[float], *, alone: bool) -> None:
    """Measure one-row commits in between, when executions run one at a time."""
    if not alone:
        return
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS measured_commits (n integer)"
        )
        while True:
            began = time.perf_counter()
            await connection.execute("INSERT INTO measured_commits VALUES (1)")
            found.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.03)


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measure(json.loads(sys.argv[1])))))
