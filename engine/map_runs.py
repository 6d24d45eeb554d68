"""Keeps Map Runs going: starts their children, counts their ends, ends the runs.

A run goes on in rounds, each one transaction (`storage/map_run_rounds.py`): the ends of
children are counted, then either as many children are started as there is room for, or the
end of the run is sent to its execution, or, after that end, what still runs is stopped. A
round is bounded in children; a run with more to do goes to the end of the queue. Whatever
dies between two rounds loses nothing, since a round leaves in the run's row where to go on.

Only the engine that holds the run's shard makes its rounds. It hears of ends from its own
lanes; for those of other engines it looks, when it is hinted at and once a second.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from asl.errors import StatesError
from asl.model import Machine
from engine.letters import body_of, kind_of
from engine.map_run_sources import MapRunSource, MapRunSources
from engine.starts import started_resident
from engine.work import Resident, TurnDone
from runtime import stimuli as st
from runtime.execution import MapRunStatus, Status
from runtime.failing import Trouble
from runtime.identity import ExecutionId, execution_id_of, shard_of
from runtime.journal import FenceLostError
from runtime.leaving import too_large
from runtime.limits import MAX_DATA_BYTES
from runtime.map_run_ends import joined
from runtime.map_runs import THRESHOLD_EXCEEDED, Progress, child_arn, map_run_id
from runtime.redrive import reason_not_redrivable
from scheduler.clock import Clock
from storage.map_run_rounds import MapRunRounds, Round, Standing, is_passing
from storage.starts import StartRow

log = structlog.get_logger(__name__)

_MAX_CHILDREN: Final = 250
_RETRY_SECONDS: Final = 0.2


@dataclass(slots=True)
class _Outcome:
    """What a round that is committed lets go."""

    started: list[tuple[StartRow, Machine]] = field(default_factory=list)
    inbox: dict[str, int] = field(default_factory=dict)
    has_sent: bool = False
    goes_on: bool = False


class MapRunKeeper:
    """Makes the rounds of the runs of held shards."""

    def __init__(
        self,
        *,
        rounds: MapRunRounds,
        sources: MapRunSources,
        epochs: Callable[[], Mapping[int, int]],
        admit: Callable[[Resident], bool],
        hint: Callable[[], None],
        clock: Clock,
        shards: int,
    ) -> None:
        """Take where runs are, which shards are held, and who takes what is started."""
        self._rounds = rounds
        self._sources = sources
        self._epochs = epochs
        self._admit = admit
        self._hint = hint
        self._clock = clock
        self._shards = shards
        self._waiting: OrderedDict[tuple[int, str], None] = OrderedDict()
        self._has_to_look = False
        self._wake = asyncio.Event()
        self.children_started = 0

    def look(self) -> None:
        """Look soon for runs that have something to do."""
        self._has_to_look = True
        self._wake.set()

    def committed(self, turn: TurnDone) -> None:
        """Hear of a committed turn: of runs that it opened or closed, of a child's end."""
        entry = turn.entry
        for run in (*entry.opened_map_runs, *entry.redriven_map_runs):
            self._await_round(entry.shard, run.arn)
        for arn, _ in entry.closed_map_runs:
            self._await_round(entry.shard, arn)
        if entry.ended_child is not None:
            self._await_round(entry.ended_child.shard, entry.ended_child.map_run_arn)

    def _await_round(self, shard: int, arn: str) -> None:
        if shard in self._epochs():
            self._waiting[shard, map_run_id(arn)] = None
            self._wake.set()
        else:
            self._hint()

    # The loop

    async def run(self) -> None:
        """Make rounds until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._work()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("map runs not reached", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                self.look()

    async def _work(self) -> None:
        if self._has_to_look:
            self._has_to_look = False
            held = sorted(self._epochs())
            for key in await self._rounds.needing(held) if held else ():
                self._waiting[key] = None
        while self._waiting:
            (shard, run_id), _ = self._waiting.popitem(last=False)
            epoch = self._epochs().get(shard)
            if epoch is not None:
                await self._go_on(shard, run_id, epoch)

    async def _go_on(self, shard: int, run_id: str, epoch: int) -> None:
        """Make a round; what it lets go, goes once it is committed."""
        try:
            outcome = await self._round(shard, run_id, epoch)
        except FenceLostError:
            return
        except Exception as error:
            if is_passing(error):
                raise
            await self._set_aside(shard, run_id, error)
            return
        self._let_go(outcome)
        if outcome.goes_on:
            self._waiting[shard, run_id] = None

    async def _set_aside(self, shard: int, run_id: str, error: Exception) -> None:
        """Set the run's execution aside: its neighbours go on."""
        log.error("map run set aside", map_run=run_id, exc_info=error)
        execution_id = await self._rounds.execution_of(shard, run_id)
        if execution_id is not None:
            await self._rounds.store.quarantine(
                shard, execution_id, type(error).__name__, str(error), self._clock.now()
            )

    def _let_go(self, outcome: _Outcome) -> None:
        self.children_started += len(outcome.started)
        for row, machine in outcome.started:
            inbox_id = outcome.inbox.get(row.execution_id)
            if inbox_id is None:
                continue  # it was there already
            if not self._admit(started_resident(row, machine, inbox_id)):
                outcome.has_sent = True
        if outcome.has_sent:
            self._hint()

    # One round

    async def _round(self, shard: int, run_id: str, epoch: int) -> _Outcome:
        outcome = _Outcome()
        async with self._rounds.round(shard, run_id, epoch) as held:
            if held is None or held.run.is_settled:
                return outcome
            if _may_begin_again(held):
                self._sources.forget(run_id)
                held.progress.begin_again()
            if held.run.status != MapRunStatus.RUNNING:
                standing = await self._wind_up(held, outcome)
            elif held.run.is_redriven and held.progress.children_open:
                standing = await self._await_children(held, outcome)
            elif held.run.is_ending:
                standing = Standing(is_ending=True)
            elif held.progress.has_failed:
                failed = THRESHOLD_EXCEEDED
                end = _failure(held, failed.error, failed.cause)
                standing = await self._end(held, end, outcome)
            else:
                standing = await self._advance(held, outcome)
            await held.write(standing)
        outcome.goes_on = standing.is_due
        return outcome

    async def _wind_up(self, held: Round, outcome: _Outcome) -> Standing:
        """Stop what a run that has ended has left; it is settled when nothing runs."""
        is_settled = not held.progress.children_open
        if held.run.is_due and not is_settled:
            await held.stop_children(self._clock.now())
            outcome.has_sent = True
        self._sources.forget(held.run.map_run_id)
        return Standing(is_settled=is_settled)

    async def _await_children(self, held: Round, outcome: _Outcome) -> Standing:
        """Let the children end that a redriven run was still stopping when it had ended."""
        if held.run.is_due:
            await held.stop_children(self._clock.now())
            outcome.has_sent = True
        return Standing(is_redriven=True)

    async def _end(self, held: Round, end: st.OfMapRun, outcome: _Outcome) -> Standing:
        await held.tell(kind_of(end), body_of(end), self._clock.now())
        outcome.has_sent = True
        return Standing(is_ending=True)

    async def _advance(self, held: Round, outcome: _Outcome) -> Standing:
        source = await self._sources.get(held.run)
        if held.progress.is_done:
            end = await self._result(held, source)
            return await self._end(held, end, outcome)
        trouble = await self._start_children(held, source, outcome)
        if trouble is not None:
            end = _failure(held, trouble.error, trouble.cause)
            return await self._end(held, end, outcome)
        progress = held.progress
        may_go_on = progress.has_items and progress.room > 0
        is_over = progress.has_failed or not progress.children_open
        return Standing(is_due=may_go_on or is_over)

    async def _start_children(
        self, held: Round, source: MapRunSource, outcome: _Outcome
    ) -> Trouble | None:
        """Start as many as there is room for, up to one that cannot be made."""
        rows: list[StartRow] = []
        trouble: Trouble | None = None
        try:
            # Where one cannot be made, those before it are in the list already.
            rows.extend(self._next_children(held.progress, source))
        except StatesError as error:
            trouble = source.trouble(error)
        if rows:
            outcome.inbox = await held.start(rows)
            outcome.started = [(row, source.machine) for row in rows]
            await self._come_again(held, rows, outcome)
        return trouble

    async def _come_again(
        self, held: Round, rows: Sequence[StartRow], outcome: _Outcome
    ) -> None:
        """Take children that exist: a redriven run counts them, or lets them go on."""
        known = [row for row in rows if row.execution_id not in outcome.inbox]
        if not known:
            return
        keys = [(row.shard, row.execution_id) for row in known]
        before = await held.ended_before(keys)
        now = self._clock.now()
        again: list[tuple[int, ExecutionId]] = []
        for row in known:
            child = before[row.execution_id]
            if reason_not_redrivable(child.ended, now) is None:
                again.append((row.shard, row.execution_id))
            elif child.ended.stopped is not None:
                status = Status(child.ended.status)
                items = row.event.item_count
                held.progress.take(status, 1, items, child.output_bytes)
        if again:
            letter = st.RedriveChild()
            kind, body = kind_of(letter), body_of(letter)
            await held.redrive_children(again, kind, body, now)
            outcome.has_sent = True

    def _next_children(
        self, progress: Progress, source: MapRunSource
    ) -> Iterator[StartRow]:
        now = self._clock.now()
        for _ in range(min(progress.room, _MAX_CHILDREN)):
            if not progress.has_items:
                return
            row, items = source.child(progress, now, self._shards)
            progress.give(items)
            yield row

    async def _result(self, held: Round, source: MapRunSource) -> st.OfMapRun:
        """Make the end of a run all of whose children have ended."""
        run, progress = held.run, held.progress
        if progress.output_bytes > MAX_DATA_BYTES:
            error = too_large(source.state_name)
            return _failure(held, error.error, error.cause)
        arns = [
            child_arn(run.arn, index, run.execution_type)
            for index in range(progress.children_started)
        ]
        keys = [(shard_of(arn, self._shards), execution_id_of(arn, 1)) for arn in arns]
        results = await held.results(keys) if keys else []
        assert len(results) == len(keys), "children are kept as long as their run runs"
        output = joined(results, source.transformation)
        return st.ChildrenSucceeded(run.event_id, output)


def _may_begin_again(held: Round) -> bool:
    run = held.run
    is_redriven = run.is_redriven and run.status == MapRunStatus.RUNNING
    return is_redriven and not held.progress.children_open


def _failure(held: Round, error: str | None, cause: str | None) -> st.ChildrenFailed:
    return st.ChildrenFailed(held.run.event_id, error, cause)
