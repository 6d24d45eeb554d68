"""One execution on a server of its own: brought up, run, watched, taken down."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Final

from cli.client import Client
from cli.compose import Server, ServerOptions, serving
from cli.errors import CommandError
from cli.functions import FunctionsFile, FunctionsWorker
from cli.inputs import machine_name
from cli.lifetime import Lifetime
from cli.names import role_arn
from cli.progress import Progress, view
from cli.serverprocess import until_ready
from runtime.identity import shard_of

_LOOK_SECONDS: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be run, and with which functions."""

    definition: str
    path: Path
    input: str
    name: str | None
    functions: FunctionsFile | None
    is_quiet: bool
    log_level: str

    async def carry_out(self, url: str, listener: socket) -> dict[str, Any] | None:
        """Run it; return the execution as it is described, or None if interrupted."""
        life = Lifetime()
        async with serving(ServerOptions(url=url, listener=listener)) as server:
            ended: list[dict[str, Any]] = []
            others = [server.ended()]
            worker = self._worker(server)
            if worker is not None:
                others += [worker.run(), _refusal(worker)]
            await life.spend(self._follow(server, worker, ended), *others)
        return ended[0] if ended else None

    def _worker(self, server: Server) -> FunctionsWorker | None:
        if self.functions is None:
            return None
        return FunctionsWorker(
            self.functions, server.endpoint, self.log_level, stdout=sys.stderr.fileno()
        )

    async def _follow(
        self,
        server: Server,
        worker: FunctionsWorker | None,
        ended: list[dict[str, Any]],
    ) -> None:
        await until_ready(server)
        while worker is not None and not server.engine.hall.sessions:
            await asyncio.sleep(_LOOK_SECONDS)
        arn = await asyncio.to_thread(self._start, Client(server.endpoint))
        await self._watch(server, arn)
        client = Client(server.endpoint)
        ended.append(
            await asyncio.to_thread(
                lambda: client.call("DescribeExecution", executionArn=arn)
            )
        )

    def _start(self, client: Client) -> str:
        machine = client.call(
            "CreateStateMachine",
            name=machine_name(self.path),
            definition=self.definition,
            roleArn=role_arn(),
        )
        started = client.call(
            "StartExecution",
            stateMachineArn=machine["stateMachineArn"],
            name=self.name,
            input=self.input,
        )
        arn: str = started["executionArn"]
        return arn

    async def _watch(self, server: Server, arn: str) -> None:
        """Show progress until the execution has ended."""
        shard = shard_of(arn, server.api.shards)
        progress, last, is_open = Progress(), 0, True
        shown = None if self.is_quiet else view()
        try:
            while is_open:
                record = await server.api.executions.newest(shard, arn)
                assert record is not None, "the execution was started"
                is_open = record.stop_date is None
                rows = await server.api.histories.page(
                    shard, record.execution_id, after=last, limit=1000
                )
                last = rows[-1].event_id if rows else last
                said = [line for line in map(progress.take, rows) if line is not None]
                if shown is not None and rows:
                    shown.show(progress, said)
                if is_open:
                    self._require_served(server)
                    await asyncio.sleep(_LOOK_SECONDS)
        finally:
            if shown is not None:
                shown.close()

    def _require_served(self, server: Server) -> None:
        """Give up when a function is called that nobody will ever serve."""
        hall = server.engine.hall
        served = {name for each in hall.sessions.values() for name in each.functions}
        missing = hall.waiting.functions - served
        if not missing or (self.functions is not None and not served):
            return
        if self.functions is None:
            msg = f"the workflow calls {_names(missing)}: give --functions FILE"
        else:
            file = self.functions.target
            msg = f"{file} does not serve {_names(missing)}, only {_names(served)}"
        raise CommandError(msg)


async def _refusal(worker: FunctionsWorker) -> None:
    """Wait until the worker has refused to start; it has said why."""
    await worker.has_refused.wait()
    raise CommandError("the functions could not be loaded")


def _names(functions: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(functions)) or "none"
