"""How the API is put together, from what the database and the engine offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.app import App, Health
from api.arns import Site
from api.context import Api
from api.http import AsgiApp
from api.machine_cache import MachineCache, MachineFinder
from api.operations import endpoints
from api.pages import PageTokens
from api.polls import Polls
from api.ports import Engine, WorkerHall
from api.wire import Gate, Wire
from api.worker import WorkerEndpoints
from scheduler.clock import Clock
from storage.activities import Activities
from storage.aliases import Aliases
from storage.connections import Connections
from storage.histories import Histories
from storage.listings import Executions
from storage.machines import Machines
from storage.tags import Tags
from storage.versions import Versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the API stands on: the database with its facts, the clock, the account."""

    connections: Connections
    shards: int
    keys: Mapping[int, bytes]
    clock: Clock
    site: Site


def build_api(around: Surroundings, engine: Engine) -> Api:
    """Make the parts that the operations work with."""
    connections, clock = around.connections, around.clock
    machines, versions = Machines(connections), Versions(connections)
    finder = MachineFinder(machines, versions)
    return Api(
        site=around.site,
        shards=around.shards,
        clock=clock,
        pages=PageTokens(around.keys, clock),
        machines=machines,
        finder=finder,
        cache=MachineCache(finder, clock),
        versions=versions,
        aliases=Aliases(connections),
        tags=Tags(connections),
        activities=Activities(connections),
        executions=Executions(connections),
        histories=Histories(connections),
        engine=engine,
    )


def build_app(
    api: Api,
    hall: WorkerHall,
    *,
    gate: Gate,
    health: Health,
    routes: dict[str, AsgiApp] | None = None,
) -> App:
    """Make the ASGI application; `routes` are those of other packages, by path."""
    polls = Polls()
    return App(
        wire=Wire(endpoints(api), gate, polls),
        worker=WorkerEndpoints(hall, gate, polls),
        health=health,
        gate=gate,
        polls=polls,
        routes=routes,
    )
