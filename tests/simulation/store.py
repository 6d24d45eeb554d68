"""The connection of a simulated lane: slow, and sometimes lost at the worst moment.

A commit takes a while; while it does, anything may come. It lands, or is reported as
aborted, or its outcome stays unknown, landed or not. A lane that is killed during a commit
never learns the outcome either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from runtime.events import HistoryEvent
from runtime.execution import Execution
from runtime.identity import ExecutionId
from runtime.journal import Batch, CommitAbortedError, Entry, OutcomeUnknownError
from storage.codec import decode
from storage.lane_store import ExecutionFacts
from tests.simulation.vault import Vault


@dataclass(frozen=True, slots=True)
class Faults:
    """How often a commit ends otherwise than well, and how long it takes at most."""

    aborted: float = 0.06
    landed_unknown: float = 0.05
    lost_unknown: float = 0.05
    seconds: float = 0.2


class Store:
    """What `LaneStore` is to a lane."""

    def __init__(
        self,
        vault: Vault,
        chance: Random,
        faults: Faults,
        live: Callable[[ExecutionId], Execution | None],
        on_continued: Callable[[int], None],
    ) -> None:
        self._vault = vault
        self._chance = chance
        self._faults = faults
        self._live = live
        self._on_continued = on_continued

    async def commit(self, batch: Batch) -> None:
        """Write a batch, or fail in one of the ways in which a commit can."""
        chance, faults = self._chance, self._faults
        await self._travel()
        draw = chance.random()
        if draw < faults.aborted:
            raise CommitAbortedError("deadlock detected")
        draw -= faults.aborted
        if draw < faults.lost_unknown:
            raise OutcomeUnknownError("the connection was lost before the commit")
        self._vault.commit(batch, self._live)
        for row in batch.continuations.values():
            self._on_continued(row)
        await self._travel()
        if draw - faults.lost_unknown < faults.landed_unknown:
            batch.continuations = {}
            raise OutcomeUnknownError("the connection was lost after the commit")

    def _travel(self) -> Awaitable[None]:
        return asyncio.sleep(self._chance.random() * self._faults.seconds)

    async def load(
        self, executions: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, list[HistoryEvent]]:
        """Read whole logs."""
        await self._travel()
        return {
            execution_id: decode(self._vault.records[execution_id].rows)
            for _, execution_id in executions
        }

    async def facts(
        self, executions: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, ExecutionFacts]:
        """Read what must be known before a fold."""
        await self._travel()
        records = self._vault.records
        return {
            execution_id: ExecutionFacts(
                revision_id=str(records[execution_id].machine),
                status=records[execution_id].status.value,
                is_quarantined=records[execution_id].is_set_aside,
            )
            for _, execution_id in executions
        }

    async def has_landed(self, entry: Entry) -> bool:
        """Tell whether the first event of an entry exists."""
        await self._travel()
        rows = self._vault.records[entry.execution_id].rows
        return len(rows) >= entry.events[0].id

    async def bump_epochs(
        self, epochs: Mapping[int, int], holder: str
    ) -> dict[int, int]:
        """Take the own leases anew; leave out those that are not one's own any more."""
        await self._travel()
        leases = self._vault.leases
        return {
            shard: self._vault.bump(shard, holder)
            for shard, epoch in epochs.items()
            if leases[shard].epoch == epoch
        }

    async def held(self, epochs: Mapping[int, int]) -> set[int]:
        """Return which leases still stand at their epochs."""
        await self._travel()
        leases = self._vault.leases
        return {s for s, epoch in epochs.items() if leases[s].epoch == epoch}

    async def quarantine(
        self,
        shard: int,
        execution_id: ExecutionId,
        reason: str,
        detail: str,
        now: datetime,
    ) -> None:
        """Set a poisoned execution aside; no other deserves it."""
        record = self._vault.records[execution_id]
        told = f"{execution_id} of shard {shard} at {now}: {reason} {detail}"
        assert record.is_poison, told
        record.is_set_aside = True
