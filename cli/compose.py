"""The object graph of a server process: every part is made here, by its constructor.

From a database URL to a listening HTTP server: the pool, what the installation says of
itself, the engine, the API over it, the application, the server. `serving` brings all of it
up and takes it down in the opposite order; nothing else in the program builds these parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

from psycopg_pool import AsyncConnectionPool

from api.access.keyring import Keyring
from api.access.signed import SignatureGate
from api.app import App, Health
from api.arns import Site
from api.context import Api
from api.gate import Gate, LoopbackGate
from api.machine_cache import MachineCache, MachineFinder
from api.metrics import GaugeReader, Metrics
from api.operations import endpoints
from api.pages import PageTokens
from api.polls import Polls
from api.server import HttpServer
from api.wire import Wire
from api.worker import WorkerEndpoints
from cli.errors import CommandError
from cli.readiness import Readiness
from cli.settings import Settings
from cli.stalls import watch_loop
from cli.version import version
from engine.engine import Engine
from engine.lambdaclient import LambdaClient, LambdaSettings
from engine.leases import LeaseTimes
from engine.options import EngineOptions, Installation, usual_lanes
from runtime.tokens import TokenSigner
from scheduler.histogram import LATENESS_BOUNDS, Histogram
from storage.access_keys import AccessKeys
from storage.activities import Activities
from storage.aliases import Aliases
from storage.connections import Connection, Connections, connection_pool
from storage.histories import Histories
from storage.installation import InstallationFacts, read_installation
from storage.listings import Executions
from storage.machines import Machines
from storage.map_runs import MapRuns
from storage.master_keys import MasterKeys
from storage.tags import Tags
from storage.versions import Versions

_OPEN_SECONDS = 10.0


class PartEndedError(CommandError):
    """A part of the server has ended that must not: the process is of no use any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What a server process is started with.

    With `is_signed` it admits whom its access keys let in, which its master keys open;
    else everybody who reaches its loopback address.
    """

    url: str
    listener: socket.socket
    own_listener: socket.socket | None = None
    is_port_shared: bool = False
    is_signed: bool = False
    masters: MasterKeys | None = None
    lanes: int | None = None
    lease_seconds: float = 3.0
    worker_seconds: float = 7.0
    keep: timedelta | None = None
    functions: LambdaSettings | None = None
    settings: Settings = field(default_factory=Settings)
    site: Site = field(default_factory=lambda: Site.of_environment(os.environ))

    def engine(self) -> EngineOptions:
        """Return the part that the engine takes."""
        lease = self.lease_seconds
        return EngineOptions(
            region=self.site.region,
            account=self.site.account,
            lanes=self.lanes or usual_lanes(),
            leases=LeaseTimes(lease=lease, renew=lease / 3, margin=lease / 6),
            session_timeout=self.worker_seconds,
            keep=self.keep,
            limits=self.settings.limits,
            invoke=None if self.functions is None else LambdaClient(self.functions),
            invoke_slots=0 if self.functions is None else self.functions.slots,
            master_keys=() if self.masters is None else self.masters.ids,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server process that is up."""

    engine: Engine
    api: Api
    http: HttpServer
    readiness: Readiness
    stalls: Histogram
    keyring: Keyring | None
    host: str

    @property
    def endpoint(self) -> str:
        """The URL that clients and workers use."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.http.port}"

    async def ended(self) -> None:
        """Wait until a part has ended that must not, and raise."""
        failing = asyncio.create_task(self.engine.life.failed.wait())
        closing = asyncio.create_task(self.http.ended())
        try:
            await asyncio.wait((failing, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            failing.cancel()
            closing.cancel()
        try:
            self.engine.life.raise_failure()
        except Exception as error:
            raise PartEndedError(
                "a loop of the engine failed; the log says how"
            ) from error
        raise PartEndedError("the HTTP server has ended")


@contextlib.asynccontextmanager
async def serving(options: ServerOptions) -> AsyncIterator[Server]:
    """Bring a server process up, and take it down in good order."""
    async with connection_pool(options.url) as pool:
        await pool.wait(_OPEN_SECONDS)
        facts = await read_installation(pool.connection, options.masters)
        engine = Engine(
            options.url,
            Installation(shards=facts.shards, keys=facts.keys),
            pool.connection,
            options=options.engine(),
        )
        keyring = _keyring(options, engine, pool.connection)
        server = _assemble(options, facts, engine, pool, keyring)
        async with _running(server):
            yield server


def _keyring(
    options: ServerOptions, engine: Engine, connections: Connections
) -> Keyring | None:
    if not options.is_signed:
        return None
    assert options.masters is not None, "access keys are encrypted"
    keys = AccessKeys(connections)
    return Keyring(keys, options.masters, options.site, engine.clock)


def _assemble(
    options: ServerOptions,
    facts: InstallationFacts,
    engine: Engine,
    pool: AsyncConnectionPool[Connection],
    keyring: Keyring | None,
) -> Server:
    api = _api(options, facts, engine, pool.connection)
    readiness = Readiness(
        pool.connection, engine.clock, options.lease_seconds, pool.check
    )
    host = options.listener.getsockname()[0]
    listeners = [options.listener]
    if options.own_listener is not None:
        listeners.append(options.own_listener)
    ports = [each.getsockname()[1] for each in listeners]
    gate, polls = _gate(options.site, engine, keyring, ports), Polls()
    wire = Wire(
        endpoints(api),
        gate,
        polls,
        rates=options.settings.rates,
        processes=engine.living,
        request_bytes=options.settings.limits.request_bytes,
    )
    worker = WorkerEndpoints(engine.desk, gate, polls, options.site)
    stalls = Histogram(LATENESS_BOUNDS)
    metrics = Metrics(
        engine=engine,
        requests=wire.measures,
        worker_answers=worker.answers,
        stalls=stalls,
        gauges=GaugeReader(pool.connection, engine.clock),
        port=_metrics_port(options),
    )
    app = App(
        wire=wire,
        worker=worker,
        health=Health(version=version(), reasons_not_ready=readiness.reasons),
        gate=gate,
        polls=polls,
        routes={"/metrics": metrics},
    )
    http = HttpServer(app, *listeners)
    return Server(
        engine=engine,
        api=api,
        http=http,
        readiness=readiness,
        stalls=stalls,
        keyring=keyring,
        host=host,
    )


def _metrics_port(options: ServerOptions) -> int | None:
    """Name the one port that has metrics: none of the shared one's, which is 0."""
    if not options.is_port_shared:
        return None
    own = options.own_listener
    return 0 if own is None else int(own.getsockname()[1])


def _gate(
    site: Site, engine: Engine, keyring: Keyring | None, ports: list[int]
) -> Gate:
    if keyring is None:
        return LoopbackGate(*ports)
    return SignatureGate(keyring, site, engine.clock)


def _api(
    options: ServerOptions,
    facts: InstallationFacts,
    engine: Engine,
    connections: Connections,
) -> Api:
    limits, site = options.settings.limits, options.site
    machines, versions = (
        Machines(connections, limits.state_machines),
        Versions(connections),
    )
    finder = MachineFinder(machines, versions)
    return Api(
        site=site,
        shards=facts.shards,
        clock=engine.clock,
        pages=PageTokens(facts.keys, engine.clock, site.account),
        tokens=TokenSigner(facts.keys, site.account),
        machines=machines,
        finder=finder,
        cache=MachineCache(finder, engine.clock),
        versions=versions,
        aliases=Aliases(connections, limits.aliases_per_machine),
        tags=Tags(connections, limits.tags_per_resource),
        limits=limits,
        activities=Activities(connections, limits.activities),
        executions=Executions(connections),
        histories=Histories(connections),
        map_runs=MapRuns(connections),
        engine=engine.service,
        activity_hall=engine.activities,
        open_executions=engine.open_executions,
        serves=engine.hall.serves,
    )


@contextlib.asynccontextmanager
async def _running(server: Server) -> AsyncIterator[None]:
    """Start the engine, then listen; stop listening, then the engine."""
    await server.engine.start()
    watching = asyncio.gather(
        server.readiness.watch(),
        watch_loop(server.stalls, server.engine.clock),
        *([] if server.keyring is None else [server.keyring.watch()]),
    )
    await server.http.start()
    try:
        yield
    finally:
        await server.http.stop()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await server.engine.stop()
