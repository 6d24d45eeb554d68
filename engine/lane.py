"""A lane: one loop, one connection, its share of the shards; one commit per batch.

The loop takes every execution that has stimuli, advances each in memory until it needs
something from outside, writes all of it in one transaction, and only then lets answers and
tasks go. While a commit is in flight the next stimuli queue up and form the next batch, so
the busier the lane, the larger the batch.

Nothing here is read by anybody else before its commit is known to exist. What happens to a
batch whose commit fails is in `engine/commits.py`; how executions come into memory is in
`engine/loading.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog

from engine.commits import Commits
from engine.existing import ExistingActivities
from engine.loading import Loader
from engine.residents import Residents
from engine.turns import Taker
from engine.work import Resident, ShardMovedError, Stimulation, TurnDone
from runtime.identity import ExecutionId

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """When a batch is large enough: events, characters of payload, seconds of work."""

    events: int = 8_000
    characters: int = 8 * 1024 * 1024
    seconds: float = 0.03


class Lane:
    """Advances and commits the executions of its shards."""

    def __init__(
        self,
        *,
        residents: Residents,
        loader: Loader,
        commits: Commits,
        taker: Taker,
        activities: ExistingActivities | None = None,
        limits: BatchLimits | None = None,
    ) -> None:
        """Take the parts, made for this lane alone."""
        self._residents = residents
        self._loader = loader
        self._commits = commits
        self._taker = taker
        self._activities = activities
        self._limits = limits or BatchLimits()
        self._wake = asyncio.Event()
        self._is_busy = False
        self._idle = asyncio.Event()
        self._idle.set()

    # Intake

    def deliver(
        self, shard: int, execution_id: ExecutionId, stimulation: Stimulation
    ) -> None:
        """Queue a stimulus for an execution of a held shard."""
        if not self._commits.holds(shard):
            stimulation.tell(ShardMovedError())
            return
        self._residents.queue(shard, execution_id, stimulation)
        self._wake.set()

    def admit(self, resident: Resident) -> None:
        """Take an execution that was committed as started just now, with its Begin."""
        if self._commits.holds(resident.execution.shard):
            self._residents.add(resident)
            self._wake.set()

    @property
    def committed_events(self) -> int:
        """How many events the lane has written."""
        return self._commits.committed_events

    # Shards

    @property
    def in_memory(self) -> int:
        """How many executions are in memory."""
        return len(self._residents)

    @property
    def waiting(self) -> int:
        """How many executions have stimuli that wait for a turn."""
        return self._residents.waiting

    def hold(self, epochs: dict[int, int]) -> None:
        """Begin to work for shards that were won."""
        if epochs:
            self._commits.tenure.epochs.update(epochs)
            self._hear_afresh()

    def _hear_afresh(self) -> None:
        self._commits.tenure.heard_since = self._commits.clock.now()

    def drop(self, shards: set[int]) -> None:
        """Stop intake for shards and forget their executions, at once."""
        for shard in shards:
            self._commits.tenure.epochs.pop(shard, None)
        self._residents.drop_shards(shards)

    async def at_rest(self) -> None:
        """Wait for the end of the commit in flight."""
        await self._idle.wait()

    # The loop

    async def run(self) -> None:
        """Work until cancelled; a database that cannot be reached is asked again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._work()
            except (psycopg.OperationalError, OSError) as error:
                log.warning("database not reached", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                self._hear_afresh()
                self._wake.set()

    async def _work(self) -> None:
        while self._residents.has_work or self._commits.has_more:
            self._idle.clear()
            try:
                await self._loader.load_missing()
                await self._look_up_activities()
                turns = self._collect()
                if turns:
                    await self._commits.commit(turns)
                await self._commits.consume_late()
                await self._commits.write_quarantine()
            finally:
                self._idle.set()
            self._residents.trim()

    async def _look_up_activities(self) -> None:
        """Find out about all that may be waited for, by what came meanwhile, too."""
        if self._activities is None:
            return
        known: set[str] = set()
        while wanted := self._residents.activities() - known:
            await self._activities.look_up(wanted)
            known |= wanted

    def _collect(self) -> list[TurnDone]:
        """Advance what is runnable, up to the limits of a batch."""
        limits, clock = self._limits, self._commits.clock
        self._taker.now = clock.now()
        self._taker.heard_since = self._commits.tenure.heard_since
        turn = self._taker.turn()
        deadline = clock.monotonic() + limits.seconds
        turns: list[TurnDone] = []
        events = characters = 0
        while (resident := self._residents.next_runnable()) is not None:
            size = resident.size
            try:
                done = self._taker.take(resident, turn)
            except Exception as error:  # noqa: BLE001 - the boundary around one execution
                self._commits.set_aside(resident, error)
                continue
            turns.append(done)
            events += len(done.events)
            characters += resident.size - size
            if (
                events >= limits.events
                or characters >= limits.characters
                or clock.monotonic() >= deadline
            ):
                break
        return turns
