"""Many stimuli asked about at once, as a worker's report brings them.

One future for all of them: a task and a time limit for each would cost more than the turn
that answers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from engine.work import Answer
from runtime.identity import ExecutionId
from runtime.stimuli import Stimulus, Verdict

Ask: TypeAlias = tuple[int, ExecutionId, Stimulus]
"""Shard, execution and stimulus."""


class ManyAsks:
    """Collects the answers to a number of asks."""

    def __init__(self, count: int) -> None:
        """Wait for `count` answers."""
        self.answers: list[Verdict | Exception | None] = [None] * count
        self._left = count
        self._all: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answer(self, index: int) -> Answer:
        """Return what takes the answer to one of the asks."""
        return partial(self._take, index)

    def _take(self, index: int, answer: Verdict | Exception) -> None:
        self.answers[index] = answer
        self._left -= 1
        if self._left == 0 and not self._all.done():
            self._all.set_result(None)

    async def wait(self, seconds: float) -> Sequence[Verdict | Exception | None]:
        """Return the answers that have come in time; None for the others."""
        if self._left:
            try:
                async with asyncio.timeout(seconds):
                    await self._all
            except TimeoutError:
                pass
        return self.answers
