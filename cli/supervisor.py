"""Several engine processes behind one port: started, watched, replaced.

Engines need nobody to watch them: whoever is left takes over the shards of one that died
once its leases have run out. A supervisor that has reaped the dead process need not wait for
that: it frees the leases at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from cli.children import KeptProcess
from cli.errors import CommandError
from engine.host import host_name
from storage.database import connect
from storage.installation import free_leases_of

log = structlog.get_logger(__name__)

_REFUSED = 2


class Supervisor:
    """Keeps a number of engine processes running."""

    def __init__(
        self,
        url: str,
        commands: Sequence[Sequence[str]],
        *,
        environment: Mapping[str, str],
    ) -> None:
        """Take the database, and the command of each engine process."""
        self._url = url
        self.engines = [
            KeptProcess(
                f"engine {number}",
                command,
                environment=environment,
                died=self._bury,
                patience=20.0,
            )
            for number, command in enumerate(commands, 1)
        ]

    async def run(self) -> None:
        """Keep the engines running until cancelled; then end them in order."""
        running = [asyncio.create_task(engine.run()) for engine in self.engines]
        try:
            await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _bury(self, pid: int, status: int) -> None:
        """Free what a dead process held; give up where starting again is of no use."""
        if status == _REFUSED:
            msg = "an engine process refused to start; it said why"
            raise CommandError(msg)
        try:
            freed = await asyncio.to_thread(self._free, pid)
        except Exception as error:  # noqa: BLE001 - the leases run out by themselves too
            log.warning("leases of a dead engine not freed", pid=pid, error=str(error))
        else:
            log.info("leases of a dead engine freed", pid=pid, engines=freed)

    def _free(self, pid: int) -> int:
        with connect(self._url, autocommit=True) as connection:
            return free_leases_of(connection, host_name(), pid)
