"""A simulated world: a database, engines, workers, callers, and what goes wrong between them.

All of it runs in one virtual event loop, and every chance is drawn from one seed, so a seed
names a world, event for event.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVarTuple

from asl.model import Machine
from asl.parse import parse_machine
from engine.work import QuarantinedError, ShardMovedError
from runtime import events as ev
from runtime import stimuli as st
from runtime.evolve import fold
from runtime.execution import OpenTask
from runtime.identity import ExecutionId, execution_id_of
from runtime.limits import DEFAULTS
from runtime.stimuli import Verdict
from storage.codec import decode
from tests.simulation.engines import SimEngine
from tests.simulation.store import Faults
from tests.simulation.vault import Letter, Record, Vault
from tests.simulation.workers import SimWorker
from tests.support.live import BEGINNING, payload, started
from tests.support.portraits import difference
from tests.support.punctuality import assert_punctual
from tests.support.random_machines import ERRORS, random_definition, random_input
from tests.support.random_walks import random_output

_Args = TypeVarTuple("_Args")
_LEFT_LYING = 40.0
_ANSWERS = (
    st.WorkerReturned,
    st.WorkerRaised,
    st.CallbackSucceeded,
    st.CallbackFailed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How large a world is, and how long things go wrong in it (virtual seconds)."""

    executions: int = 6
    shards: int = 2
    engines: int = 2
    workers: int = 2
    poisoned: int = 0
    trouble: float = 240.0
    trouble_every: float = 5.0
    calm: float = 120.0
    redrive_every: float = 20.0


class World:
    """One world; `live` lives it to its end."""

    def __init__(self, seed: int, plan: Plan, *, is_plain: bool) -> None:
        self.chance = Random(seed)
        self.plan = plan
        self.is_plain = is_plain
        self.limits = DEFAULTS
        self.faults = Faults()
        self.vault = Vault(self.now, plan.shards)
        self.engines: dict[str, SimEngine] = {}
        self.sessions: dict[str, SimWorker] = {}
        self.buried: dict[str, None] = {}
        self.ledger: dict[tuple[ExecutionId, int], str] = {}
        self.definitions = [
            random_definition(self.chance, is_plain=is_plain)
            for _ in range(plan.executions)
        ]
        self._machines = [parse_machine(json.dumps(d)) for d in self.definitions]
        self._accepted: dict[tuple[ExecutionId, int, str], None] = {}
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._failures: list[BaseException] = []
        self._may_redrive = True
        self._redriving = 0
        self._is_over = False
        self._births = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    # The clock of everybody

    def now(self) -> datetime:
        """Return workflow time."""
        return BEGINNING + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the virtual time in seconds."""
        return 0.0 if self._loop is None else self._loop.time()

    def later(
        self, seconds: float, callback: Callable[[*_Args], object], *args: *_Args
    ) -> None:
        """Call back after a while, until the world is over."""
        assert self._loop is not None

        def call() -> None:
            if self._is_over:
                return
            try:
                callback(*args)
            except Exception as error:  # noqa: BLE001 - told by `live`
                self._fail(error)

        self._loop.call_later(seconds, call)

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Let something happen beside."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks[task] = None
        task.add_done_callback(self.watch)

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Notice when something breaks."""
        self._tasks.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._failures.append(error)

    # Life

    async def live(self) -> None:
        """Live: trouble, calm, and the end of everything that is still open."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._live()
        finally:
            self._is_over = True
            for engine in self.engines.values():
                engine.kill()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.sleep(0)

    async def _live(self) -> None:
        plan = self.plan
        for _ in range(plan.engines):
            self._boot()
        for _ in range(plan.workers):
            self.employ()
        for shard in range(plan.shards):
            self._win(shard)
        for number in range(plan.executions):
            self.later(self.chance.random() * 20, self._start, number)
        self.spawn(self._make_trouble())
        self.spawn(self._redrive_some())
        await self._pass(plan.trouble)
        self._may_redrive = False
        self.faults = Faults(0.0, 0.0, 0.0)
        await self._pass(plan.calm)
        self._check_progress()
        for record in self.vault.records.values():
            if not record.is_over:
                self.spawn(self.ask(record.execution_id, st.Stop("Stopped", None)))
        await self._pass(60)
        self._check_end()

    async def _pass(self, seconds: float) -> None:
        """Let time pass, as long as nothing has failed and something is open."""
        end = self.monotonic() + seconds
        while self.monotonic() < end:
            await asyncio.sleep(10)
            if self._failures:
                raise self._failures[0]
            records = self.vault.records.values()
            all_started = len(records) == self.plan.executions
            is_over = all(record.is_over for record in records)
            if all_started and is_over and not self._redriving:
                return

    # Executions

    def _start(self, number: int) -> None:
        machine = self._machines[number]
        arn = f"arn:aws:states:us-east-1:123456789012:execution:m{number}:e"
        first = started(machine, random_input(self.chance), time=self.now(), arn=arn)
        shard, execution_id = number % self.plan.shards, execution_id_of(arn, 1)
        record = Record(shard, execution_id, number, fold(shard, execution_id, []))
        record.is_poison = number < self.plan.poisoned
        begin = Letter(shard, execution_id, st.Begin(), self.now())
        self.notify(self.vault.start(record, first, begin))
        if self.chance.random() < 0.05:
            stop = st.Stop("Stopped", "early")
            self.later(self.chance.random() * 100, self._ask_soon, execution_id, stop)

    async def machine_of(self, revision: str) -> Machine:
        """Compile a revision, as an engine does."""
        return self._machines[int(revision)]

    def task(self, execution_id: ExecutionId, task_id: int) -> OpenTask | None:
        """Look up an open task."""
        return self.vault.records[execution_id].shadow.tasks.get(task_id)

    # Callers

    def _ask_soon(self, execution_id: ExecutionId, stimulus: st.Stimulus) -> None:
        self.spawn(self.ask(execution_id, stimulus))

    async def call_back(self, execution_id: ExecutionId, task_id: int) -> None:
        """Answer a callback: soon, late, or never."""
        chance = self.chance
        if chance.random() < 0.1:
            return
        await asyncio.sleep(chance.random() * chance.choice((1.0, 10.0, 60.0)))
        if chance.random() < 0.8:
            output = payload(random_output(chance))
            answer: st.Stimulus = st.CallbackSucceeded(task_id, output)
        else:
            answer = st.CallbackFailed(task_id, chance.choice(ERRORS), None)
        await self.ask(execution_id, answer)

    async def ask(
        self, execution_id: ExecutionId, stimulus: st.Stimulus, patience: int = 1_000
    ) -> None:
        """Bring a stimulus to whoever holds the shard, until there is a verdict."""
        for _ in range(patience):
            verdict = await self._ask_once(execution_id, stimulus)
            if verdict is not None:
                self._check_verdict(execution_id, stimulus, verdict)
                break
            await asyncio.sleep(0.5 + self.chance.random())
        if self.chance.random() < 0.1:
            await asyncio.sleep(self.chance.random() * 30)
            await self._ask_once(execution_id, stimulus)

    async def _ask_once(
        self, execution_id: ExecutionId, stimulus: st.Stimulus
    ) -> Verdict | None:
        assert self._loop is not None
        shard = self.vault.records[execution_id].shard
        future: asyncio.Future[Verdict | Exception] = self._loop.create_future()

        def answer(verdict: Verdict | Exception) -> None:
            if not future.done():
                future.set_result(verdict)

        if self.chance.random() < 0.3:
            letter = Letter(
                shard, execution_id, stimulus, self.now(), True, None, answer
            )
            self.notify(self.vault.post(letter))
        else:
            engine = self._addressed(shard)
            if engine is None:
                return None
            engine.deliver(shard, execution_id, stimulus, answer)
        self.later(8.0, answer, ShardMovedError())
        told = await future
        if isinstance(told, QuarantinedError):
            return Verdict.UNKNOWN
        return None if isinstance(told, Exception) else told

    def _addressed(self, shard: int) -> SimEngine | None:
        """Find whom a caller turns to: mostly the holder, else one who may have been it."""
        if self.engines and self.chance.random() < 0.3:
            return self.engines[self.chance.choice(list(self.engines))]
        return self.engines.get(self.vault.leases[shard].holder)

    def notify(self, row: int) -> None:
        """Let the holder of a shard look at its inbox."""
        letter = self.vault.inbox.get(row)
        if letter is not None:
            holder = self.vault.leases[letter.shard].holder
            engine = self.engines.get(holder)
            if engine is not None:
                self.later(self.chance.random() * 0.1, engine.read, row)

    async def _redrive_some(self) -> None:
        """Redrive, now and then, what has ended, however it did."""
        number = 0
        while self._may_redrive:
            await asyncio.sleep(self.chance.expovariate(1 / self.plan.redrive_every))
            over = [it for it in self.vault.records.values() if it.is_over]
            if over and self._may_redrive:
                number += 1
                record = self.chance.choice(over)
                self.spawn(self._redrive(record, f"token {number}"))

    async def _redrive(self, record: Record, token: str) -> None:
        self._redriving += 1
        try:
            await self.ask(record.execution_id, st.Redrive(token))
        finally:
            self._redriving -= 1

    # Workers

    def employ(self) -> None:
        """Begin a worker session."""
        self._births += 1
        name = f"worker-{self._births}"
        self.sessions[name] = SimWorker(self, name)

    def free_session(self) -> str | None:
        """Choose a session that is not known to be dead; now and then nobody is free."""
        names = list(self.sessions)
        return (
            self.chance.choice(names) if names and self.chance.random() < 0.7 else None
        )

    def bury(self, worker: SimWorker) -> None:
        """Notice that a worker is gone: whoever holds its tasks ends them."""
        del self.sessions[worker.name]
        self.buried[worker.name] = None
        for (shard, execution_id, task), name in list(self.vault.tasks.items()):
            engine = self.engines.get(self.vault.leases[shard].holder)
            if name == worker.name and engine is not None:
                engine.bury(shard, execution_id, task, name)

    def note_side_effect(
        self, execution_id: ExecutionId, task_id: int, worker: str
    ) -> None:
        """Write into the ledger what happens in the world, once per attempt."""
        key = (execution_id, task_id)
        assert key not in self.ledger, f"attempt {key} ran twice"
        log = self.vault.records[execution_id].log
        visit = log[task_id - 1].visit
        begun = [
            event
            for event in log[task_id:]
            if isinstance(event, ev.Started) and event.visit == visit
        ]
        assert begun, f"attempt {key} ran before its start was durable"
        assert begun[0].worker == worker, f"attempt {key} is {begun[0].worker}'s"
        self.ledger[key] = worker

    # Trouble

    def _boot(self) -> None:
        self._births += 1
        name = f"engine-{self._births}"
        self.engines[name] = SimEngine(self, name)

    def _win(self, shard: int) -> None:
        """Give a shard whose lease has run out to some engine."""
        if not self.engines:
            self.later(1.0, self._win, shard)
            return
        name = self.chance.choice(list(self.engines))
        epoch = self.vault.bump(shard, name)
        self.later(self.chance.random() * 0.2, self._take_over, name, shard, epoch)

    def _take_over(self, name: str, shard: int, epoch: int) -> None:
        engine, lease = self.engines.get(name), self.vault.leases[shard]
        if engine is not None and (lease.epoch, lease.holder) == (epoch, name):
            engine.take_over(shard, epoch)

    async def _make_trouble(self) -> None:
        end = self.monotonic() + self.plan.trouble
        while self.monotonic() < end:
            await asyncio.sleep(self.chance.expovariate(1 / self.plan.trouble_every))
            if self.chance.random() < 0.4:
                await self._crash()
            else:
                await self._steal(self.chance.randrange(self.plan.shards))

    async def _crash(self) -> None:
        """Kill an engine; its leases run out, another begins."""
        if not self.engines:
            return
        engine = self.engines.pop(self.chance.choice(list(self.engines)))
        engine.kill()
        self.later(self.chance.random() * 5, self._boot)
        await asyncio.sleep(3)
        for shard, lease in self.vault.leases.items():
            if lease.holder == engine.name:
                self._win(shard)

    async def _steal(self, shard: int) -> None:
        """Let a lease run out under its holder, who learns of it too late."""
        old = self.engines.get(self.vault.leases[shard].holder)
        if old is None or shard not in old.epochs or len(self.engines) < 2:
            return
        old.is_certain = False
        await asyncio.sleep(0.2 + self.chance.random())
        if self.vault.leases[shard].holder == old.name:
            others = [name for name in self.engines if name != old.name]
            name = self.chance.choice(others)
            epoch = self.vault.bump(shard, name)
            self.later(self.chance.random() * 0.2, self._take_over, name, shard, epoch)
        await asyncio.sleep(self.chance.random() * 1.5)
        if old.is_alive:
            old.lose(shard)
            old.is_certain = True

    # What must hold

    def _check_verdict(
        self, execution_id: ExecutionId, stimulus: st.Stimulus, verdict: Verdict
    ) -> None:
        """A sender who is told *accepted* can rely on it: the event exists."""
        is_known = not self.vault.records[execution_id].is_poison
        assert verdict is not Verdict.UNKNOWN or not is_known
        if verdict is not Verdict.ACCEPTED:
            return
        log = self.vault.records[execution_id].log
        if isinstance(stimulus, st.Stop):
            assert any(isinstance(event, ev.ExecutionAborted) for event in log)
        if isinstance(stimulus, st.Redrive):
            redrives = [e for e in log if isinstance(e, ev.ExecutionRedriven)]
            tokens = [event.client_token for event in redrives]
            assert tokens.count(stimulus.client_token) == 1
        if not isinstance(stimulus, _ANSWERS):
            return
        task_id = stimulus.scheduled_id
        task = self.task(execution_id, task_id)
        assert task is None or task.submitted_id, f"accepted, but {task_id} is open"
        key = (execution_id, task_id, type(stimulus).__name__)
        assert key not in self._accepted, f"accepted twice: {key}"
        self._accepted[key] = None

    def _check_progress(self) -> None:
        """After a while of calm nothing may be left lying."""
        past = self.now() - timedelta(seconds=_LEFT_LYING)
        vault, records = self.vault, self.vault.records
        for key, due in vault.timers.items():
            is_well = due > past or records[key[1]].is_set_aside
            assert is_well, f"timer {key} was due at {due}"
        for row, letter in vault.inbox.items():
            is_well = letter.verdict is not None or letter.written > past
            is_well = is_well or records[letter.execution_id].is_set_aside
            assert is_well, f"inbox row {row} is not read: {letter}"
        for (_, execution_id, task_id), worker in vault.tasks.items():
            record = records[execution_id]
            if record.log[task_id - 1].time < past and not record.is_set_aside:
                self._check_task(execution_id, task_id, worker, past)

    def _check_task(
        self,
        execution_id: ExecutionId,
        task_id: int,
        worker: str | None,
        past: datetime,
    ) -> None:
        key = (execution_id, task_id)
        task = self.task(execution_id, task_id)
        assert task is not None
        assert task.started_id, f"nobody was found for {key}"
        started_at = self.vault.records[execution_id].log[task.started_id - 1].time
        if task.submitted_id or started_at > past:
            return
        assert worker not in self.buried, (
            f"nobody heard that the worker of {key} is gone"
        )
        assert key in self.ledger, f"attempt {key} was never delivered"

    def _check_end(self) -> None:
        for record in self.vault.records.values():
            assert record.is_over, "it can't even be stopped"
            again = fold(record.shard, record.execution_id, decode(record.rows))
            assert difference(again, record.shadow) == {}
            assert_punctual(record.log)
        for engine in self.engines.values():
            assert engine.reserved == 0, "a reserved slot was never given back"
