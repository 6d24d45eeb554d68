"""A simulated engine: the real lane over a simulated store, timers, inbox and workers.

Everything it knows is lost when it is killed; what is durable is read back by whoever takes
its shards over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.commits import Commits
from engine.lane import Lane
from engine.loading import Loader
from engine.residents import Residents
from engine.tenure import Tenure
from engine.turns import Taker
from engine.work import Answer, Stimulation, TurnDone
from runtime import stimuli as st
from runtime.chance import SeededEntropy
from runtime.execution import Execution, TimerKind
from runtime.identity import ExecutionId
from runtime.turn import Turn
from tests.simulation.store import Store
from tests.simulation.vault import TimerRow
from tests.support.live import SIGNER

if TYPE_CHECKING:
    from tests.simulation.world import World


class SeededTaker(Taker):
    """Takes chance from the world, so that a seed makes every run the same."""

    world: World

    def turn(self) -> Turn:
        """Make the outside of a batch's advances."""
        seed = self.world.chance.randbytes(8)
        return replace(super().turn(), entropy=SeededEntropy(seed))


class SimEngine:
    """One incarnation of an engine process, with one lane."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.is_alive = True
        self.is_certain = True
        self.reserved = 0
        self._taken_rows: dict[int, int] = {}
        chance = world.chance
        self._residents = Residents(chance.choice((1, 20_000, 10**9)))
        self._tenure = Tenure(
            holder=name,
            may_act=lambda: self.is_certain,
            on_lost=self._on_lost,
            on_bumped=lambda _epochs: None,
            heard_since=world.now(),
        )
        self.lane = self._make_lane()
        loop = asyncio.get_running_loop()
        self._run = loop.create_task(self.lane.run())
        self._run.add_done_callback(world.watch)

    def _make_lane(self) -> Lane:
        world = self.world
        store: Any = Store(
            world.vault, world.chance, world.faults, self._live, self._continued
        )
        itself: Any = self
        commits = Commits(
            store=store,
            residents=self._residents,
            timers=itself,
            dispatch=itself,
            clock=world,
            tenure=self._tenure,
        )
        loader = Loader(
            store=store,
            residents=self._residents,
            machines=world.machine_of,
            refuse=commits.refuse,
            set_aside=commits.set_aside_unloaded,
        )
        taker = SeededTaker(
            now=world.now(),
            heard_since=world.now(),
            region="us-east-1",
            signer=SIGNER,
            claim=self._claim,
            unclaim=self.unclaim,
            limits=world.limits,
        )
        taker.world = world
        return Lane(
            residents=self._residents, loader=loader, commits=commits, taker=taker
        )

    def _live(self, execution_id: ExecutionId) -> Execution | None:
        resident = self._residents._residents.get(execution_id)
        return None if resident is None else resident.execution

    # Shards

    @property
    def epochs(self) -> dict[int, int]:
        """The shards that the engine believes to hold."""
        return self._tenure.epochs

    def take_over(self, shard: int, epoch: int) -> None:
        """Begin to work for a shard: read what owns progress there."""
        vault = self.world.vault
        self.lane.hold({shard: epoch})
        for key, due in list(vault.timers.items()):
            if key[0] == shard:
                self._arm(key, due)
        for row, letter in list(vault.inbox.items()):
            if letter.shard == shard:
                self.read(row)
        for place, worker in list(vault.tasks.items()):
            if place[0] == shard:
                self._follow(*place, worker)

    def lose(self, shard: int) -> None:
        """Learn that a shard belongs to somebody else."""
        self._tenure.lose({shard})
        self.lane.drop({shard})

    def _on_lost(self, shards: dict[int, int]) -> None:
        self._taken_rows = {
            row: shard for row, shard in self._taken_rows.items() if shard not in shards
        }

    def kill(self) -> None:
        """Die, in the middle of whatever it does."""
        self.is_alive = False
        self.epochs.clear()
        self._run.cancel()

    # Stimuli

    def deliver(
        self,
        shard: int,
        execution_id: ExecutionId,
        stimulus: st.Stimulus,
        answer: Answer | None = None,
    ) -> None:
        """Take a stimulus from whoever asks this process."""
        if self.is_alive:
            self.lane.deliver(shard, execution_id, Stimulation(stimulus, answer))

    def read(self, row: int) -> None:
        """Take a row of the inbox, once."""
        letter = self.world.vault.inbox.get(row)
        if letter is None or letter.verdict is not None or row in self._taken_rows:
            return
        if self.is_alive and letter.shard in self.epochs:
            self._taken_rows[row] = letter.shard
            stimulation = Stimulation(
                letter.stimulus, inbox_id=row, has_sender=letter.has_sender
            )
            self.lane.deliver(letter.shard, letter.execution_id, stimulation)

    def _continued(self, row: int) -> None:
        """Poll the inbox: a continuation is read there if nobody was told of it."""
        self.world.later(2.0, self.world.notify, row)

    # Timers

    def committed(
        self,
        _closed: Iterable[TimerRow],
        opened: Sequence[tuple[TimerRow, datetime]],
    ) -> None:
        """Hear which timers a commit has opened."""
        for key, due in opened:
            self._arm(key, due)

    def _arm(self, key: TimerRow, due: datetime) -> None:
        late = self.world.chance.random() * 0.1
        seconds = (due - self.world.now()).total_seconds()
        self.world.later(max(0.0, seconds) + late, self._fire, key)

    def _fire(self, key: TimerRow) -> None:
        shard, execution_id, event_id, kind = key
        due = self.world.vault.timers.get(key)
        if not self.is_alive or shard not in self.epochs or due is None:
            return
        if due > self.world.now():
            self._arm(key, due)
            return
        for _ in range(self.world.chance.choice((1, 1, 1, 2))):
            fired = st.TimerFired(event_id, TimerKind(kind))
            stimulation = Stimulation(fired, timer=(event_id, kind))
            self.lane.deliver(shard, execution_id, stimulation)

    # Workers

    def _claim(self, _function: str) -> str | None:
        session = self.world.free_session()
        if session is not None:
            self.reserved += 1
        return session

    def unclaim(self, _worker: str) -> None:
        """Give a reserved slot back."""
        self.reserved -= 1

    def dispatch(self, turn: TurnDone, epoch: int) -> None:
        """Hand over what a committed turn has started, seek workers for the rest."""
        self.reserved -= len(turn.claims)
        entry = turn.entry
        assert self.epochs[entry.shard] == epoch
        for task in (*entry.opened_tasks, *entry.changed_tasks):
            if not task.submitted_id:
                place = (entry.shard, entry.execution_id, task.scheduled_id)
                self._follow(*place, task.worker)

    def _follow(
        self, shard: int, execution_id: ExecutionId, task: int, worker: str | None
    ) -> None:
        """See to it that an open task goes on."""
        place = (shard, execution_id, task)
        wait = self.world.chance.random() * 0.2
        if worker is None:
            self.world.later(wait, self._seek, *place)
        elif worker in self.world.buried:
            self.world.later(wait, self.bury, *place, worker)
        else:
            self.world.later(wait, self._hand_over, *place, worker)

    def _seek(self, shard: int, execution_id: ExecutionId, task: int) -> None:
        key = (shard, execution_id, task)
        if shard not in self.epochs or self.world.vault.tasks.get(key, "") is not None:
            return
        record = self.world.vault.records[execution_id]
        if record.shadow.tasks[task].started_id:
            return
        session = self.world.free_session()
        if session is None:
            self.world.later(1.0, self._seek, *key)
        else:
            self.deliver(shard, execution_id, st.TaskClaimed(task, session))

    def _hand_over(
        self, shard: int, execution_id: ExecutionId, task: int, worker: str
    ) -> None:
        if not self.is_alive or shard not in self.epochs:
            return
        if not self.is_certain:
            self.world.later(0.5, self._hand_over, shard, execution_id, task, worker)
            return
        session = self.world.sessions.get(worker)
        if session is not None:
            session.receive(self.epochs[shard], shard, execution_id, task)

    def bury(
        self, shard: int, execution_id: ExecutionId, task: int, worker: str
    ) -> None:
        """Tell an execution that the worker of one of its tasks is gone."""
        self.deliver(shard, execution_id, st.WorkerLost(task, worker))
