"""From anywhere in this process to whichever engine holds the shard.

Straight into the lane where the shard is held here, through the inbox otherwise; a shard
that moves in between is followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from engine.errors import BusyError, UnansweredError
from engine.inbox import Inbox
from engine.manyasks import Ask, ManyAsks
from engine.repeats import Repeats
from engine.shards import Shards
from engine.work import QuarantinedError, ShardMovedError, Stimulation, into
from runtime.identity import FIRST_MARKER, ExecutionId
from runtime.limits import DEFAULTS, Limits
from runtime.stimuli import Stimulus, Verdict

PATIENCE_SECONDS: Final = 5.0


class Router:
    """Asks for verdicts, wherever they are given."""

    def __init__(
        self,
        shards: Shards,
        inbox: Inbox,
        repeats: Repeats,
        *,
        total: int,
        limits: Limits = DEFAULTS,
    ) -> None:
        """Take the shards held here, and the way to the others; `total` shards exist."""
        self._shards = shards
        self._inbox = inbox
        self.total = total
        self._repeats = repeats
        self._most = limits.verdicts_waiting
        self._waiting = 0
        self._sent: set[asyncio.Task[Verdict]] = set()

    @property
    def held(self) -> list[int]:
        """The shards that are held here."""
        return sorted(self._shards.epochs)

    def holds(self, shard: int) -> bool:
        """Whether the executions of a shard, or of a marker, are here."""
        return self._shards.holds(shard)

    @property
    def waiting(self) -> int:
        """How many callers wait for a verdict."""
        return self._waiting

    @property
    def holds_everything(self) -> bool:
        """Whether no other engine holds a shard."""
        return len(self._shards.epochs) == self.total

    async def call(
        self, shard: int, execution_id: ExecutionId, stimulus: Stimulus
    ) -> Verdict:
        """Ask for a caller outside, who may be making a call without answer once more."""
        verdict = await self.ask(shard, execution_id, stimulus)
        if verdict is not Verdict.CLOSED:
            return verdict
        try:
            await self._inbox.settle()
        except TimeoutError as error:
            raise UnansweredError from error
        was_accepted = await self._repeats.was_accepted(shard, execution_id, stimulus)
        return Verdict.ACCEPTED if was_accepted else verdict

    async def ask(
        self, shard: int, execution_id: ExecutionId, stimulus: Stimulus
    ) -> Verdict:
        """Return the verdict on a stimulus; a 200 may follow: its event exists.

        Raises BusyError when too many wait, UnansweredError when no engine answers in time.
        """
        if self._waiting >= self._most:
            raise BusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._ask(shard, execution_id, stimulus)
        except (TimeoutError, QuarantinedError) as error:
            raise UnansweredError from error
        finally:
            self._waiting -= 1

    async def _ask(
        self, shard: int, execution_id: ExecutionId, stimulus: Stimulus
    ) -> Verdict:
        if self._shards.holds(shard):
            future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
            late = partial(self._repeats.late, shard, execution_id, stimulus)
            stimulation = Stimulation(stimulus, answer=into(future, late))
            self._shards.deliver(shard, execution_id, stimulation)
            try:
                return await future
            except ShardMovedError:
                pass
        if shard >= FIRST_MARKER:
            # In another process's memory, which no row reaches.
            raise UnansweredError
        return await self._inbox.ask(shard, execution_id, stimulus, PATIENCE_SECONDS)

    async def ask_many(self, asks: Sequence[Ask]) -> list[Verdict | None]:
        """Return the verdicts on many stimuli; None where no engine has answered in time."""
        if self._waiting + len(asks) > self._most:
            raise BusyError
        self._waiting += len(asks)
        try:
            many = ManyAsks(len(asks))
            for index, (shard, execution_id, stimulus) in enumerate(asks):
                stimulation = Stimulation(stimulus, answer=many.answer(index))
                self._shards.deliver(shard, execution_id, stimulation)
            answers = await many.wait(PATIENCE_SECONDS)
        finally:
            self._waiting -= len(asks)
        moved = [
            index for index, a in enumerate(answers) if isinstance(a, ShardMovedError)
        ]
        found = [a if isinstance(a, Verdict) else None for a in answers]
        elsewhere = await asyncio.gather(
            *(self._ask_or_none(*asks[index]) for index in moved)
        )
        for index, verdict in zip(moved, elsewhere, strict=True):
            found[index] = verdict
        return found

    async def _ask_or_none(
        self, shard: int, execution_id: ExecutionId, stimulus: Stimulus
    ) -> Verdict | None:
        try:
            return await self.ask(shard, execution_id, stimulus)
        except (UnansweredError, BusyError):
            return None

    def send(self, shard: int, execution_id: ExecutionId, stimulus: Stimulus) -> None:
        """Send a stimulus without waiting for its verdict."""
        if self._shards.holds(shard):
            self._shards.deliver(shard, execution_id, Stimulation(stimulus))
            return
        if shard >= FIRST_MARKER:
            return
        task = asyncio.get_running_loop().create_task(
            self._inbox.ask(shard, execution_id, stimulus, PATIENCE_SECONDS)
        )
        self._sent.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Verdict]) -> None:
        self._sent.discard(task)
        if not task.cancelled():
            task.exception()
