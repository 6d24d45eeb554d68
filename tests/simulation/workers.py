"""A simulated worker session: runs each attempt once, reports until it is answered, may die.

Its ledger is outside of the database: what stands there has happened in the world.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runtime import stimuli as st
from runtime.execution import OpenTask
from runtime.identity import ExecutionId
from tests.support.live import payload
from tests.support.random_machines import ERRORS
from tests.support.random_walks import random_output

if TYPE_CHECKING:
    from tests.simulation.world import World

_DIES = 0.1


class SimWorker:
    """One session."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.is_alive = True
        self._seen: dict[tuple[ExecutionId, int], None] = {}
        self._epochs: dict[int, int] = {}

    def receive(
        self, epoch: int, shard: int, execution_id: ExecutionId, task: int
    ) -> None:
        """Take an attempt, unless it was taken before or comes from a zombie."""
        key = (execution_id, task)
        if epoch < self._epochs.get(shard, 0) or not self.is_alive or key in self._seen:
            return
        self._epochs[shard] = epoch
        self._seen[key] = None
        self.world.note_side_effect(execution_id, task, self.name)
        self.world.spawn(self._work(execution_id, task))

    async def _work(self, execution_id: ExecutionId, task_id: int) -> None:
        world, chance = self.world, self.world.chance
        task = world.task(execution_id, task_id)
        if task is None:
            return
        for _ in range(chance.choice((0, 0, 1, 3))):
            await asyncio.sleep(chance.random() * 3)
            beat = st.Heartbeat(task_id)
            world.spawn(world.ask(execution_id, beat, patience=2))
        await asyncio.sleep(chance.random() * chance.choice((0.1, 1.0, 20.0)))
        if chance.random() < _DIES:
            self.die()
        if self.is_alive or chance.random() < 0.3:
            await self._report(execution_id, task)

    async def _report(self, execution_id: ExecutionId, task: OpenTask) -> None:
        """Report; a worker that died meanwhile may have sent its report before."""
        world, chance = self.world, self.world.chance
        task_id = task.scheduled_id
        if task.waits_for_token or task.family == "Activity":
            world.spawn(world.call_back(execution_id, task_id))
        if chance.random() < 0.2:
            report: st.Stimulus = st.WorkerRaised(
                task_id, chance.choice(ERRORS), "cause"
            )
        else:
            report = st.WorkerReturned(task_id, payload(random_output(chance)))
        await world.ask(execution_id, report)

    def die(self) -> None:
        """Stop answering; the others notice after a while, and another session begins."""
        if self.is_alive:
            self.is_alive = False
            self.world.later(3 + self.world.chance.random() * 5, self.world.bury, self)
            self.world.later(self.world.chance.random() * 5, self.world.employ)
