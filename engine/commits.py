"""A lane's commits, and what each way of failing means.

- *Fence lost*: some shard belongs to somebody else. Its turns are dropped, nothing of the
  batch was written, the rest is committed again.
- *Aborted*: nothing was written. Every state of the batch is forgotten, its stimuli are
  applied again to what the log says.
- *Row refused*: the batch is halved until the culprit is alone; it is set aside, durably,
  and its neighbours go on.
- *Outcome unknown*: the connection was lost at COMMIT. It counts as losing every lease of
  the lane: the epochs are bumped, which waits for the old session's transaction, and then
  one event of the batch tells whether all of it exists.

Only after a commit is known to exist are senders answered and tasks handed over, and only
while the leases are certain.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import psycopg
import structlog

from engine.measures import Measures
from engine.residents import Residents
from engine.tenure import Tenure
from engine.turns import consume
from engine.work import (
    QuarantinedError,
    Resident,
    ShardMovedError,
    Stimulation,
    TurnDone,
)
from runtime import stimuli as st
from runtime.identity import ExecutionId
from runtime.journal import (
    Batch,
    CommitAbortedError,
    Entry,
    FenceLostError,
    OutcomeUnknownError,
    RowRefusedError,
)
from runtime.stimuli import Verdict
from scheduler.clock import Clock
from scheduler.horizon import TimerId, TimerRow
from scheduler.timers import DueTimers
from storage.lane_store import LaneStore

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 0.2
_UNCERTAIN_SECONDS: Final = 0.02


class Dispatch(Protocol):
    """Who hands tasks over once they are committed."""

    def dispatch(self, turn: TurnDone, epoch: int) -> None:
        """Deliver, queue or cancel the tasks of a committed turn."""

    def unclaim(self, worker: str) -> None:
        """Give back a slot that was reserved for a turn that is not committed."""


def _nobody_hears(_turn: TurnDone) -> None:
    """Hear nothing."""


class Commits:
    """Commits the turns of one lane."""

    def __init__(
        self,
        *,
        store: LaneStore,
        residents: Residents,
        timers: DueTimers,
        dispatch: Dispatch,
        clock: Clock,
        tenure: Tenure,
        measures: Measures | None = None,
    ) -> None:
        """Take the lane's parts."""
        self.measures = measures or Measures()
        self.clock = clock
        self.tenure = tenure
        self.committed_events = 0
        self._store = store
        self._residents = residents
        self._timers = timers
        self._dispatch = dispatch
        # Who hears of committed turns that open or close a Map Run, or end a child of one.
        self.on_map_runs: Callable[[TurnDone], None] = _nobody_hears
        self._late: list[TurnDone] = []
        self._aside: list[tuple[int, ExecutionId, Exception]] = []

    def holds(self, shard: int) -> bool:
        """Whether the lane works for a shard."""
        return shard in self.tenure.epochs

    @property
    def has_more(self) -> bool:
        """Whether something is to be written that no turn will take along by itself."""
        return bool(self._late or self._aside)

    async def commit(self, turns: Sequence[TurnDone]) -> None:
        """Commit turns, whatever it takes; late stimuli are consumed with them."""
        late, self._late = self._late, []
        await self._try([*turns, *late])

    async def consume_late(self) -> None:
        """Consume late stimuli that no batch has taken along."""
        if self._late:
            await self.commit(())

    def refuse(
        self,
        shard: int,
        execution_id: ExecutionId,
        stimulations: deque[Stimulation],
        verdict: Verdict,
    ) -> None:
        """Consume stimuli for an execution that is closed or gone, with the next batch."""
        taken = [(stimulation, verdict) for stimulation in stimulations]
        entry = Entry(shard=shard, execution_id=execution_id)
        consume(taken, set(), entry)
        self._late.append(TurnDone(None, entry, taken, (), ()))

    # The attempts

    async def _try(self, turns: list[TurnDone]) -> None:
        turns = self._still_held(turns)
        if not turns:
            return
        batch = Batch(
            epochs=dict(self.tenure.epochs),
            entries=[turn.entry for turn in turns],
            now=self.clock.now(),
        )
        begun = self.clock.monotonic()
        try:
            await self._store.commit(batch)
        except FenceLostError:
            await self._try_without_the_lost(turns)
        except CommitAbortedError as error:
            log.warning("commit aborted", error=str(error), executions=len(turns))
            self._apply_again(turns)
        except RowRefusedError as error:
            await self._divide(turns, error)
        except (OutcomeUnknownError, OSError, psycopg.OperationalError) as error:
            log.warning("commit of unknown outcome", error=str(error))
            await self._reconcile(turns)
        else:
            self.measures.commit_took(self.clock.monotonic() - begun, turns)
            await self._settle(turns, batch)

    def _still_held(self, turns: list[TurnDone]) -> list[TurnDone]:
        held = []
        for turn in turns:
            if self.holds(turn.entry.shard):
                held.append(turn)
            else:
                self._abandon(turn)
        return held

    def _abandon(self, turn: TurnDone) -> None:
        """Drop a turn whose shard belongs to somebody else."""
        self._give_back(turn)
        for stimulation, _ in turn.taken:
            stimulation.tell(ShardMovedError())
        if turn.resident is not None:
            for stimulation in self._residents.forget(turn.resident):
                stimulation.tell(ShardMovedError())

    def _give_back(self, turn: TurnDone) -> None:
        for worker in turn.claims:
            self._dispatch.unclaim(worker)

    async def _try_without_the_lost(self, turns: list[TurnDone]) -> None:
        try:
            await self._drop_lost(turns)
        except (psycopg.OperationalError, OSError) as error:
            log.warning("leases not compared", error=str(error))
            await self._reconcile(turns)
        else:
            await self._try(turns)

    async def _drop_lost(self, turns: Sequence[TurnDone]) -> None:
        epochs = self.tenure.epochs
        shards = {turn.entry.shard for turn in turns if self.holds(turn.entry.shard)}
        wanted = {shard: epochs[shard] for shard in shards}
        self._lose(wanted.keys() - await self._store.held(wanted))

    def _lose(self, shards: Iterable[int]) -> None:
        lost = self.tenure.lose(set(shards))
        if lost:
            log.warning("leases lost", shards=sorted(lost))
            self._residents.drop_shards(lost)

    def _apply_again(self, turns: Iterable[TurnDone]) -> None:
        """Forget what was decided; the stimuli wait again, before what came meanwhile."""
        for turn in turns:
            self._give_back(turn)
            shard, execution_id = turn.entry.shard, turn.entry.execution_id
            queued: Iterable[Stimulation] = ()
            if turn.resident is not None:
                queued = self._residents.forget(turn.resident)
            for stimulation, _ in turn.taken:
                self._residents.queue(shard, execution_id, stimulation)
            for stimulation in queued:
                self._residents.queue(shard, execution_id, stimulation)

    async def _divide(self, turns: list[TurnDone], error: RowRefusedError) -> None:
        if len(turns) > 1:
            middle = len(turns) // 2
            await self._try(turns[:middle])
            await self._try(turns[middle:])
            return
        turn = turns[0]
        self._give_back(turn)
        for stimulation, _ in turn.taken:
            stimulation.tell(QuarantinedError())
        if turn.resident is not None:
            self.set_aside(turn.resident, error)

    async def _reconcile(self, turns: list[TurnDone]) -> None:
        """Find out whether a batch of unknown outcome exists; ask until there is an answer."""
        has_landed: bool | None = None
        while has_landed is None:
            try:
                await self._take_leases_anew()
                turns = self._still_held(turns)
                has_landed = await self._has_landed(turns)
            except (psycopg.OperationalError, OSError):
                await asyncio.sleep(_RETRY_SECONDS)
        log.info("commit reconciled", landed=has_landed, executions=len(turns))
        if has_landed:
            await self._settle(turns, None)
        else:
            self._apply_again(turns)

    async def _take_leases_anew(self) -> None:
        tenure = self.tenure
        held = dict(tenure.epochs)
        bumped = await self._store.bump_epochs(held, tenure.holder)
        self._lose(held.keys() - bumped.keys())
        tenure.bump({s: epoch for s, epoch in bumped.items() if self.holds(s)})
        tenure.heard_since = self.clock.now()

    async def _has_landed(self, turns: Sequence[TurnDone]) -> bool:
        """A batch is all or nothing, so any one of its events tells."""
        witness = next((turn.entry for turn in turns if turn.events), None)
        return witness is not None and await self._store.has_landed(witness)

    # After the commit

    async def _settle(self, turns: Sequence[TurnDone], batch: Batch | None) -> None:
        """Let go what the committed turns have decided."""
        await self._until_certain(turns)
        self._tell_timers(turns)
        self.measures.turns_done(turns)
        for turn in turns:
            entry = turn.entry
            self.committed_events += len(turn.events)
            if turn.resident is not None:
                if entry.is_cut and batch is not None:
                    row = batch.continuations.get(entry.execution_id, 0)
                    turn.resident.queue.append(Stimulation(st.Continue(), inbox_id=row))
                self._residents.keep(turn.resident)
            if self.holds(entry.shard):
                self._dispatch.dispatch(turn, self.tenure.epochs[entry.shard])
            else:
                self._give_back(turn)
            if entry.concerns_map_runs:
                self.on_map_runs(turn)
            for stimulation, verdict in turn.taken:
                stimulation.tell(verdict)

    async def _until_certain(self, turns: Sequence[TurnDone]) -> None:
        """Let nothing go while the leases may have passed to somebody else.

        The keeper either renews them, and they were ours all the time, or finds them lost.
        """
        while not self.tenure.may_act():
            if not any(self.holds(turn.entry.shard) for turn in turns):
                return
            await asyncio.sleep(_UNCERTAIN_SECONDS)

    def _tell_timers(self, turns: Sequence[TurnDone]) -> None:
        closed: list[TimerId] = []
        opened: list[TimerRow] = []
        for entry in (turn.entry for turn in turns):
            shard, execution_id = entry.shard, entry.execution_id
            if entry.closed_timers:
                closed += [(shard, execution_id, *key) for key in entry.closed_timers]
            if entry.opened_timers:
                timers = entry.opened_timers
                opened += [((shard, execution_id, *key), due) for key, due in timers]
        if closed or opened:
            self._timers.committed(closed, opened)

    # Quarantine

    def set_aside(self, resident: Resident, error: Exception) -> None:
        """Set an execution aside that was taken for its turn."""
        for stimulation in self._residents.forget(resident):
            stimulation.tell(QuarantinedError())
        execution = resident.execution
        self.set_aside_unloaded(execution.shard, execution.execution_id, error)

    def set_aside_unloaded(
        self, shard: int, execution_id: ExecutionId, error: Exception
    ) -> None:
        """Set an execution aside; the row is written by `write_quarantine`."""
        log.error("execution set aside", execution=execution_id, exc_info=error)
        self._aside.append((shard, execution_id, error))

    async def write_quarantine(self) -> None:
        """Make it durable that executions were set aside."""
        while self._aside:
            shard, execution_id, error = self._aside[0]
            reason = type(error).__name__
            await self._store.quarantine(
                shard, execution_id, reason, str(error), self.clock.now()
            )
            self._aside.pop(0)
