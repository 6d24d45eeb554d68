"""One engine process: its parts, put together, started and stopped.

Everything runs on one event loop, except the lease renewal, which has a thread, and
APScheduler's thread, which only calls back. Parts are made before anything runs; `start`
begins to hold shards, `stop` gives them up in good order.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from engine.activities import ActivityDesk
from engine.commits import Commits
from engine.compiled import CompiledMachines
from engine.correspondence import Correspondence
from engine.crossing import WorkerTables
from engine.elsewhere import Elsewhere, Invoke
from engine.elsewheredesk import ElsewhereDesk
from engine.existing import ExistingActivities
from engine.express import Express
from engine.expressdesk import ExpressDesk
from engine.expressends import ExpressEnds
from engine.hall import Hall
from engine.handlers import Handler, Handlers
from engine.inbox import Inbox
from engine.lane import Lane
from engine.leases import LeaseEvents, LeaseKeeper, LeaseTimes
from engine.loading import Loader
from engine.map_run_sources import MapRunSources
from engine.map_runs import MapRunKeeper
from engine.measures import Measures
from engine.openexecutions import OpenExecutions
from engine.post import Post
from engine.repeats import Repeats
from engine.residents import Residents
from engine.router import Router
from engine.service import Service
from engine.shards import Shards
from engine.starts import Starts
from engine.tenure import Tenure
from engine.turns import Taker
from engine.workerdesk import WorkerDesk
from runtime.identity import FIRST_MARKER, ExecutionId
from runtime.limits import DEFAULTS, Limits
from runtime.stimuli import Stimulus, Verdict
from runtime.tokens import TokenSigner
from scheduler.activity import Activity
from scheduler.clock import Clock, SystemClock
from scheduler.housekeeping import Housekeeping
from scheduler.offset import keep_to_database
from scheduler.postgres_timers import PostgresTimers
from scheduler.timers import DueTimers
from scheduler.wakes import APSchedulerWakes, WakeDriver
from storage.activities import Activities
from storage.answers import Answers
from storage.connections import Connections
from storage.express import ExpressTable
from storage.gauges import count_open_executions
from storage.lane_store import LaneStore
from storage.listings import Executions
from storage.machines import Machines
from storage.map_run_rounds import MapRunRounds

log = structlog.get_logger(__name__)

_INBOX_POLL: Final = timedelta(seconds=1)
_CANCEL_SECONDS: Final = 1.0
_PARTING_SECONDS: Final = 10.0
# How long an orderly end waits for the functions that the engine has called elsewhere.
_CALL_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What may be chosen: all have good defaults.

    `cache_characters` bounds the executions kept in memory, `session_timeout` is how long a
    worker may be silent, `keep` after how long closed executions are deleted.
    `limits` bounds what callers and executions may have. `invoke` calls functions that no worker serves, `invoke_slots` at once at most. `master_keys` names those that this process has.
    """

    region: str = "us-east-1"
    account: str = ""
    lanes: int = 2
    leases: LeaseTimes = field(default_factory=LeaseTimes)
    session_timeout: float = 7.0
    cache_characters: int = 64 * 1024 * 1024
    keep: timedelta | None = None
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    limits: Limits = DEFAULTS
    invoke: Invoke | None = None
    invoke_slots: int = 100
    master_keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the database says of itself: how many shards, and the keys that sign tokens."""

    shards: int
    keys: Mapping[int, bytes]


class Engine:
    """Holds shards and advances their executions."""

    def __init__(
        self,
        url: str,
        installation: Installation,
        connections: Connections,
        *,
        options: EngineOptions | None = None,
        clock: Clock | None = None,
        wakes: WakeDriver | None = None,
    ) -> None:
        """Make the parts; `connections` lends connections for everything off the hot path."""
        self.options = options or EngineOptions()
        self.id = uuid.uuid4().hex
        self.clock = clock or SystemClock()
        self.activity = Activity()
        self.measures = Measures()
        self._url = url
        self._installation = installation
        self.connections = connections
        self._tasks: list[asyncio.Task[None]] = []
        self._stores: list[LaneStore] = []
        self._deleting: frozenset[str] = frozenset()
        self._failure: BaseException | None = None
        self.failed = asyncio.Event()
        self.wakes = wakes or APSchedulerWakes(self.clock)
        self._build()

    # Making the parts

    def _build(self) -> None:
        options, installation = self.options, self._installation
        signer = TokenSigner(installation.keys, self.options.account)
        self._machines = Machines(self.connections)
        compiled = CompiledMachines(self._definition)
        existing = Activities(self.connections).existing
        self._existing = ExistingActivities(self.clock, existing)
        self.post = Post(self._url, engine=self.id, lease_seconds=options.leases.lease)
        self.shards = Shards(self._store("shards"), self.post.tell)
        self.timers = self._due_timers()
        self.elsewhere = self._new_elsewhere()
        self.hall = self._new_hall(signer)
        self.map_runs = self._map_run_keeper(signer, compiled)
        self.lanes = [
            self._lane(index, signer, compiled) for index in range(options.lanes)
        ]
        self.shards.connect(self.lanes, self.hall, self.timers)
        self.inbox = Inbox(
            self._url,
            clock=self.clock,
            lease_seconds=options.leases.lease,
            post=self.post,
            on_hint=self._look,
        )
        self.express = self._express_desk(signer, compiled)
        self.router = Router(
            self.shards,
            self.inbox,
            self._new_repeats(),
            total=installation.shards,
            limits=options.limits,
        )
        self.starts = self._new_starts()
        self.open_executions = self._count_open()
        self.desk = self._desk(signer)
        Correspondence(self.post, self.hall, signer=signer, deliver=self.desk.deliver)
        self.activities = self._activity_desk(signer)
        self.service = Service(
            starts=self.starts,
            router=self.router,
            machines=compiled,
            executions=Executions(self.connections),
            signer=signer,
            shards=installation.shards,
            express=self.express,
        )

    def _new_repeats(self) -> Repeats:
        lease = self.options.leases.lease
        answers = Answers(self.connections, asker=self.id, lease=lease)
        return Repeats(answers, self.clock)

    def _new_hall(self, signer: TokenSigner) -> Hall:
        return Hall(
            post=self.post,
            elsewhere=self.elsewhere,
            handlers=Handlers(self.id, self.options.handlers),
            signer=signer,
            clock=self.clock,
            deliver=self.shards.deliver,
            activity_waits=self._activity_waits,
        )

    def _new_elsewhere(self) -> Elsewhere | None:
        invoke = self.options.invoke
        if invoke is None:
            return None
        return Elsewhere(
            incarnation=self.id,
            invoke=invoke,
            slots=self.options.invoke_slots,
            ask=self._ask,
        )

    async def _ask(
        self, shard: int, execution_id: ExecutionId, stimulus: Stimulus
    ) -> Verdict:
        return await self.router.ask(shard, execution_id, stimulus)

    def _elsewhere_desk(self, elsewhere: Elsewhere) -> ElsewhereDesk:
        return ElsewhereDesk(
            elsewhere=elsewhere,
            tables=WorkerTables(self._store("calls"), process=self.id),
            router=self.router,
            clock=self.clock,
            session_timeout=self.options.session_timeout,
            offer=self.hall.call_elsewhere,
        )

    def _express_desk(
        self, signer: TokenSigner, compiled: CompiledMachines
    ) -> ExpressDesk:
        express = Express(
            marker=FIRST_MARKER + secrets.randbelow(FIRST_MARKER),
            clock=self.clock,
            taker=self._taker(signer, self.hall.claim_here),
            dispatch=self.hall,
            limits=self.options.limits,
        )
        self.shards.apart[express.marker] = express.deliver
        return ExpressDesk(
            express=express,
            starts=ExpressTable(self._store("express starts"), holder=self.id),
            ends=ExpressEnds(ExpressTable(self._store("express ends"), holder=self.id)),
            machines=compiled,
            revision=self._machines.revision,
            clock=self.clock,
            shards=self._installation.shards,
        )

    def _map_run_keeper(
        self, signer: TokenSigner, compiled: CompiledMachines
    ) -> MapRunKeeper:
        rounds = MapRunRounds(self._store("map runs"))
        return MapRunKeeper(
            rounds=rounds,
            sources=MapRunSources(
                store=rounds.store,
                machines=compiled.get,
                now=self.clock.now,
                signer=signer,
                region=self.options.region,
            ),
            epochs=lambda: self.shards.epochs,
            admit=self.shards.admit,
            hint=self._hint,
            clock=self.clock,
            shards=self._installation.shards,
        )

    def _hint(self) -> None:
        """Have the inbox looked into, here and elsewhere."""
        self.inbox.hint()
        self.shards.look()

    def _due_timers(self) -> DueTimers:
        return DueTimers(
            clock=self.clock,
            wakes=self.wakes,
            table=PostgresTimers(self.connections),
            deliver=self.shards.deliver_timers,
            activity=self.activity,
        )

    def _new_starts(self) -> Starts:
        return Starts(
            self._url,
            shards=self._installation.shards,
            lease_seconds=self.options.leases.lease,
            clock=self.clock,
            admit=self.shards.admit,
            hint=lambda _shard: self.inbox.hint(),
            limits=self.options.limits,
        )

    def _count_open(self) -> OpenExecutions:
        return OpenExecutions(
            most=self.options.limits.open_executions,
            count=partial(count_open_executions, self.connections),
            change=self._opened_here,
            starting=lambda: self.starts.in_hand,
            clock=self.clock,
        )

    def _opened_here(self) -> int:
        begun = self.starts.started + self.map_runs.children_started
        return begun + self.measures.opened_again

    def _activity_desk(self, signer: TokenSigner) -> ActivityDesk:
        return ActivityDesk(
            tables=WorkerTables(self._store("activities"), process=self.id),
            router=self.router,
            signer=signer,
            clock=self.clock,
            limits=self.options.limits,
        )

    def _desk(self, signer: TokenSigner) -> WorkerDesk:
        return WorkerDesk(
            hall=self.hall,
            router=self.router,
            tables=WorkerTables(
                self._store("workers"),
                process=self.id,
                in_memory=self.express.express.execution,
            ),
            look_tables=WorkerTables(self._store("looks"), process=self.id),
            signer=signer,
            clock=self.clock,
            session_timeout=self.options.session_timeout,
        )

    def _lane(
        self, index: int, signer: TokenSigner, compiled: CompiledMachines
    ) -> Lane:
        options = self.options
        store = self._store(f"lane {index}")
        residents = Residents(options.cache_characters // options.lanes)
        commits = Commits(
            store=store,
            residents=residents,
            timers=self.timers,
            dispatch=self.hall,
            clock=self.clock,
            tenure=Tenure(
                holder=self.id,
                may_act=lambda: self.leases.is_certain,
                on_lost=self._lane_lost,
                on_bumped=self._lane_bumped,
                heard_since=self.clock.now(),
            ),
            measures=self.measures,
        )
        commits.on_map_runs = self.map_runs.committed
        loader = Loader(
            store=store,
            residents=residents,
            machines=compiled.get,
            refuse=commits.refuse,
            set_aside=commits.set_aside_unloaded,
        )
        return Lane(
            residents=residents,
            loader=loader,
            commits=commits,
            taker=self._taker(signer, self.hall.claim),
            activities=self._existing,
        )

    def _taker(self, signer: TokenSigner, claim: Callable[[str], str | None]) -> Taker:
        return Taker(
            now=self.clock.now(),
            heard_since=self.clock.now(),
            region=self.options.region,
            limits=self.options.limits,
            signer=signer,
            claim=claim,
            unclaim=self.hall.unclaim,
            has_activity=self._existing.may_exist,
            is_deleting=self._is_deleting,
        )

    def _store(self, name: str) -> LaneStore:
        store = LaneStore(
            self._url,
            lease_seconds=self.options.leases.lease,
            name=f"stepwell {name}",
        )
        self._stores.append(store)
        return store

    async def _definition(self, revision_id: str) -> str | None:
        revision = await self._machines.revision(revision_id)
        return None if revision is None else revision.definition

    def _note_deleting(self, arns: frozenset[str]) -> None:
        self._deleting = arns

    def _is_deleting(self, arn: str) -> bool:
        return arn in self._deleting

    # Leases

    def _lane_lost(self, shards: set[int]) -> None:
        self.shards.lost(shards)
        self.leases.lost(shards)

    def _lane_bumped(self, epochs: dict[int, int]) -> None:
        self.shards.bumped(epochs)

    def _keeper_lost(self, shards: set[int]) -> None:
        self.shards.lost(shards)

    def _keeper_asks(self, shard: int) -> None:
        self._spawn(self._give_up({shard}))

    async def _give_up(self, shards: set[int]) -> None:
        await self.shards.give_up(shards)
        self.leases.given_up(shards)

    def _look(self) -> None:
        self.shards.look()
        self.map_runs.look()
        self.activities.look()

    def _activity_waits(self) -> None:
        self.activities.look()

    # Life

    async def start(self) -> None:
        """Set the clock, begin every loop, and begin to hold shards."""
        async with self.connections() as connection:
            if isinstance(self.clock, SystemClock):
                await keep_to_database(connection, self.clock)
        loop = asyncio.get_running_loop()
        self.hall.abroad.is_alone = lambda: self.leases.is_alone
        self.leases = LeaseKeeper(
            self._url,
            self.id,
            clock=self.clock,
            times=self.options.leases,
            events=LeaseEvents(
                on_won=self.shards.won,
                on_lost=self._keeper_lost,
                on_give_up=self._keeper_asks,
                on_failed=self._fail,
            ),
            call_soon=loop.call_soon_threadsafe,
            capabilities=json.dumps({"master_keys": [*self.options.master_keys]}),
        )
        loops = [lane.run() for lane in self.lanes]
        loops += [self.shards.run(), self.timers.run(), self.inbox.run()]
        loops += [self.starts.run(), self.desk.run(), self.desk.run_looks()]
        loops += [self.activities.run(), self.post.run(), self.inbox.listen()]
        loops += [self.map_runs.run(), self.open_executions.run()]
        loops += [self.express.run_starts(), self.express.run_ends()]
        if self.elsewhere is not None:
            loops.append(self._elsewhere_desk(self.elsewhere).run())
        for coroutine in loops:
            self._spawn(coroutine)
        self.wakes.start(self.timers.wake)
        self.wakes.every("inbox", _INBOX_POLL, self.shards.look)
        self.wakes.every("map runs", _INBOX_POLL, self.map_runs.look)
        self.housekeeping = Housekeeping(
            clock=self.clock,
            connections=self.connections,
            shards=lambda: sorted(self.shards.epochs),
            deliver=self.shards.deliver_timers,
            activity=self.activity,
            on_deleting=self._note_deleting,
            keep=self.options.keep,
        )
        self.housekeeping.start(self.wakes)
        self.leases.start()
        await self.open_executions.look()
        log.info("engine started", engine=self.id, lanes=len(self.lanes))

    def living(self) -> int:
        """Tell how many engine processes share the installation's work."""
        return self.leases.living

    async def stop(self) -> None:
        """Give every shard up in good order and end; what runs elsewhere goes on there."""
        self.leases.retire()
        if self.elsewhere is not None:
            await self.elsewhere.drain(_CALL_SECONDS)
        self.wakes.stop()
        await self.housekeeping.stop()
        await self.express.stop()
        try:
            async with asyncio.timeout(_PARTING_SECONDS):
                await self._give_up(set(self.shards.epochs))
        except TimeoutError:
            log.warning("stopped before the last commits were known", engine=self.id)
        await asyncio.to_thread(self.leases.stop)
        await _end_all(self._tasks)
        if self.elsewhere is not None:
            await self.elsewhere.stop()
        await self.starts.close()
        for store in self._stores:
            await store.close()
        log.info("engine stopped", engine=self.id)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        log.error("engine loop failed", engine=self.id, exc_info=error)
        self._failure = self._failure or error
        self.failed.set()

    def raise_failure(self) -> None:
        """Raise what a loop has failed with; the process should end."""
        if self._failure is not None:
            raise self._failure


async def _end_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end: the driver waits for the server's word on the first one."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
