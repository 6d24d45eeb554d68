"""Engines on one database, all in this process: started, stopped, killed, and looked at.

A killed engine vanishes as a killed process would: nothing is released, nothing is said,
what its connections were doing is cut off. What tests see of executions is what is in the
database.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cli.verification import findings
from engine.engine import Engine
from engine.leases import LeaseTimes
from engine.options import EngineOptions, Installation
from engine.service import execution_arn
from runtime.events import EVENT_TYPES
from runtime.identity import execution_id_of, shard_of
from scheduler.clock import Clock, SystemClock
from scheduler.wakes import WakeDriver
from storage.connections import Connections, connection_pool
from storage.database import connect
from storage.installation import read_installation
from storage.machines import Blueprint, MachineRecord, Machines
from storage.verification import Verification

SHORT: Final = LeaseTimes(lease=1.0, renew=0.2, margin=0.2)
ROLE: Final = "arn:aws:iam::123456789012:role/made-up"
PATIENCE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Run:
    """One execution, as a test names it."""

    arn: str
    shard: int
    id: str


async def eventually(
    claim: Callable[[], Any], seconds: float = PATIENCE, why: str = ""
) -> Any:
    """Ask until a claim holds, and return what it said."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        said = claim()
        if inspect.isawaitable(said):
            said = await said
        if said:
            return said
        assert asyncio.get_running_loop().time() < deadline, why or "did not happen"
        await asyncio.sleep(0.01)


class Fleet:
    """The engines of one installation."""

    def __init__(
        self, url: str, connections: Connections, installation: Installation
    ) -> None:
        self.url = url
        self.connections = connections
        self.installation = installation
        self.engines: list[Engine] = []

    # Engines

    async def engine(
        self,
        *,
        url: str | None = None,
        clock: Clock | None = None,
        wakes: WakeDriver | None = None,
        whole: bool = True,
        **options: Any,
    ) -> Engine:
        """Start an engine; with `whole`, wait until it holds every shard."""
        few = EngineOptions(lanes=2, leases=SHORT, session_timeout=1.0)
        chosen = replace(few, **options)
        engine = Engine(
            url or self.url,
            self.installation,
            self.connections,
            options=chosen,
            clock=clock or SystemClock(),
            wakes=wakes,
        )
        self.engines.append(engine)
        await engine.start()
        if whole:
            await self.holding(engine, self.installation.shards)
        return engine

    async def holding(self, engine: Engine, count: int) -> None:
        """Wait until an engine works for exactly so many shards."""
        await eventually(lambda: len(engine.shards.epochs) == count, why="no shards")

    async def pair(self, **options: Any) -> tuple[Engine, Engine]:
        """Start two engines and wait until each holds its half."""
        one = await self.engine(whole=False, **options)
        other = await self.engine(whole=False, **options)
        half = self.installation.shards // 2
        await self.holding(one, half)
        await self.holding(other, half)
        return one, other

    async def stop(self, engine: Engine) -> None:
        """Stop an engine in good order."""
        self.engines.remove(engine)
        await engine.stop()

    async def kill(self, engine: Engine) -> None:
        """Let an engine vanish."""
        self.engines.remove(engine)
        vars(engine.leases)["_execute"] = _refuse
        engine.wakes.stop()
        tasks = list(engine.life.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.housekeeping.stop()
        await engine.starts.close()
        for store in engine.stores:
            await store.close()
        await asyncio.to_thread(engine.leases.stop)

    async def close(self) -> None:
        """Stop what still runs."""
        for engine in list(self.engines):
            await self.stop(engine)

    # Executions

    async def machine(
        self, definition: Mapping[str, Any], kind: str = "STANDARD"
    ) -> MachineRecord:
        """Create a machine of its own for a definition."""
        arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:m{uuid.uuid4().hex}"
        blueprint = Blueprint(definition=json.dumps(definition), role_arn=ROLE)
        now = SystemClock().now()
        return await Machines(self.connections).create(arn, kind, blueprint, now)

    async def start(
        self,
        engine: Engine,
        machine: MachineRecord,
        value: Any = None,
        *,
        name: str | None = None,
        held_by: Engine | None = None,
    ) -> Run:
        """Start an execution, in a shard that some engine holds."""
        run = self.run(machine, name or await self.name(machine, held_by))
        text = json.dumps({} if value is None else value)
        await engine.service.start_execution(
            machine, run.arn.rpartition(":")[2], text, None
        )
        return run

    async def name(self, machine: MachineRecord, held_by: Engine | None = None) -> str:
        """Invent a name, whose shard some engine holds: one that has lost all wins some."""
        if held_by is not None:
            await eventually(lambda: held_by.shards.epochs, why="no shards")
        while True:
            name = uuid.uuid4().hex
            shard = self.run(machine, name).shard
            if held_by is None or shard in held_by.shards.epochs:
                return name

    def run(self, machine: MachineRecord, name: str, generation: int = 1) -> Run:
        """Name an execution."""
        arn = execution_arn(machine.arn, name)
        shard = shard_of(arn, self.installation.shards)
        return Run(arn, shard, execution_id_of(arn, generation))

    # What is in the database

    async def rows(self, statement: str, *parameters: Any) -> list[Any]:
        """Ask the database."""
        async with self.connections() as connection:
            cursor = await connection.execute(statement.encode(), parameters or None)
            return await cursor.fetchall() if cursor.description else []

    async def own(self, statement: str, *parameters: Any) -> None:
        """Do what only the owner of the database may."""

        def execute() -> None:
            with connect(self.url, autocommit=True) as connection:
                connection.execute(statement.encode(), parameters or None)

        await asyncio.to_thread(execute)

    async def status(self, run: Run) -> str:
        """Return the status of an execution."""
        ((status,),) = await self.rows(
            "SELECT status FROM execution_records WHERE execution_id = %s", run.id
        )
        return str(status)

    async def closed(self, run: Run, seconds: float = PATIENCE) -> str:
        """Wait for the end of an execution; return its status."""

        async def is_closed() -> str | None:
            status = await self.status(run)
            return None if status == "RUNNING" else status

        return str(await eventually(is_closed, seconds, why=f"{run.arn} is open"))

    async def history(self, run: Run) -> list[str]:
        """Return the types of an execution's events."""
        rows = await self.rows(
            "SELECT type FROM events WHERE execution_id = %s ORDER BY event_id", run.id
        )
        names = list(EVENT_TYPES)
        return [names[row[0] - 1] for row in rows]

    async def happened(self, run: Run, type_name: str, times: int = 1) -> None:
        """Wait until an event is in the log."""

        async def has_happened() -> bool:
            return (await self.history(run)).count(type_name) >= times

        await eventually(has_happened, why=f"no {type_name} in {run.arn}")

    async def details(self, run: Run, type_name: str) -> list[dict[str, Any]]:
        """Return the details of an execution's events of a type."""
        code = list(EVENT_TYPES).index(type_name) + 1
        rows = await self.rows(
            "SELECT details FROM events WHERE execution_id = %s AND type = %s"
            " ORDER BY event_id",
            run.id,
            code,
        )
        return [json.loads(row[0] or "{}") for row in rows]

    async def verify(self, run: Run) -> list[str]:
        """Compare everything stored of an execution with its log; return what differs."""

        def verify() -> list[str]:
            with connect(self.url, autocommit=True) as connection:
                (stored,) = Verification(connection).of_arn(run.arn)
                return findings(stored, self.installation.shards)

        return await asyncio.to_thread(verify)

    async def at_rest(self) -> None:
        """Wait until nothing is left that owns progress."""

        async def is_at_rest() -> bool:
            return not any((await self.leftovers()).values())

        await eventually(is_at_rest, why="something is left")

    async def leftovers(self) -> dict[str, int]:
        """Count the rows that own progress; nothing is left when all is closed."""
        counts = {}
        for table in ("timers", "tasks", "quarantine"):
            counts[table] = (await self.rows(f"SELECT count(*) FROM {table}"))[0][0]
        waiting = "SELECT count(*) FROM inbox WHERE consumed_at IS NULL"
        counts["inbox"] = (await self.rows(waiting))[0][0]
        return counts


def _refuse(*_arguments: object) -> None:
    msg = "the process is dead"
    raise OSError(msg)


@contextlib.asynccontextmanager
async def fleet(url: str) -> AsyncIterator[Fleet]:
    """Yield a fleet without engines; stop those that a test started."""
    async with connection_pool(url, largest=16) as pool:
        facts = await read_installation(pool.connection)
        installation = Installation(shards=facts.shards, keys=facts.keys)
        it = Fleet(url, pool.connection, installation)
        try:
            yield it
        finally:
            await it.close()
