"""One engine process: its parts, and how they hold together.

All are made before anything runs; `engine.life` begins and ends them.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from functools import partial

from engine.activities import ActivityDesk
from engine.commits import Commits
from engine.compiled import CompiledMachines
from engine.correspondence import Correspondence
from engine.crossing import WorkerTables
from engine.elsewhere import Elsewhere
from engine.elsewheredesk import ElsewhereDesk
from engine.existing import ExistingActivities
from engine.express import Express
from engine.expressdesk import ExpressDesk
from engine.expressends import ExpressEnds
from engine.hall import Hall
from engine.handlers import Handlers
from engine.inbox import Inbox
from engine.lane import Lane
from engine.leases import LeaseKeeper
from engine.life import Life
from engine.loading import Loader
from engine.map_run_sources import MapRunSources
from engine.map_runs import MapRunKeeper
from engine.measures import Measures
from engine.openexecutions import OpenExecutions
from engine.options import EngineOptions, Installation
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
from runtime.stimuli import Stimulus, Verdict
from runtime.tokens import TokenSigner
from scheduler.activity import Activity
from scheduler.clock import Clock, SystemClock
from scheduler.housekeeping import Housekeeping
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


class Engine:
    """Holds shards and advances their executions.

    `leases` and `housekeeping` are there once it has started.
    """

    leases: LeaseKeeper
    housekeeping: Housekeeping

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
        self.url = url
        self._installation = installation
        self.connections = connections
        self.stores: list[LaneStore] = []
        self._deleting: frozenset[str] = frozenset()
        self.wakes = wakes or APSchedulerWakes(self.clock)
        self._build()
        self.life = Life(self)

    async def start(self) -> None:
        """Set the clock, begin every loop, and begin to hold shards."""
        await self.life.start()

    async def stop(self) -> None:
        """Give every shard up in good order and end; what runs elsewhere goes on there."""
        await self.life.stop()

    def living(self) -> int:
        """Tell how many engine processes share the installation's work."""
        return self.leases.living

    # Making the parts

    def _build(self) -> None:
        options, installation = self.options, self._installation
        signer = TokenSigner(installation.keys, self.options.account)
        self._machines = Machines(self.connections)
        compiled = CompiledMachines(self._definition)
        existing = Activities(self.connections).existing
        self._existing = ExistingActivities(self.clock, existing)
        self.post = Post(self.url, engine=self.id, lease_seconds=options.leases.lease)
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
            self.url,
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
        self.elsewhere_desk = self._new_elsewhere_desk()
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

    def _new_elsewhere_desk(self) -> ElsewhereDesk | None:
        if self.elsewhere is None:
            return None
        return ElsewhereDesk(
            elsewhere=self.elsewhere,
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
            self.url,
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
        """Tell how many more have begun here than ended: no children, which do not count."""
        return self.starts.started + self.measures.opened_again

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
            self.url,
            lease_seconds=self.options.leases.lease,
            name=f"stepwell {name}",
        )
        self.stores.append(store)
        return store

    async def _definition(self, revision_id: str) -> str | None:
        revision = await self._machines.revision(revision_id)
        return None if revision is None else revision.definition

    def note_deleting(self, arns: frozenset[str]) -> None:
        """Know which machines are being deleted."""
        self._deleting = arns

    def _is_deleting(self, arn: str) -> bool:
        return arn in self._deleting

    # What one part tells others

    def _lane_lost(self, epochs: dict[int, int]) -> None:
        self.shards.lost(epochs)
        self.leases.lost(epochs)

    def _lane_bumped(self, epochs: dict[int, int]) -> None:
        self.shards.bumped(epochs)

    def _look(self) -> None:
        self.shards.look()
        self.map_runs.look()
        self.activities.look()

    def _activity_waits(self) -> None:
        self.activities.look()
