"""What the operations work with, in one object that `cli/compose.py` builds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from api.access.callers import ANYBODY, Caller
from api.arns import Site
from api.machine_cache import MachineCache, MachineFinder
from api.pages import PageTokens
from api.ports import ActivityHall, Engine
from engine.openexecutions import OpenExecutions
from runtime.limits import DEFAULTS, Limits
from runtime.tokens import TokenSigner
from scheduler.clock import Clock
from storage.activities import Activities
from storage.aliases import Aliases
from storage.histories import Histories
from storage.listings import Executions
from storage.machines import Machines
from storage.map_runs import MapRuns
from storage.tags import Tags
from storage.versions import Versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The parts behind the operations; `serves` tells of a function whether anybody does."""

    site: Site
    shards: int
    clock: Clock
    pages: PageTokens
    tokens: TokenSigner
    machines: Machines
    finder: MachineFinder
    cache: MachineCache
    versions: Versions
    aliases: Aliases
    tags: Tags
    activities: Activities
    executions: Executions
    histories: Histories
    map_runs: MapRuns
    engine: Engine
    activity_hall: ActivityHall
    open_executions: OpenExecutions
    serves: Callable[[str], bool]
    limits: Limits = DEFAULTS
    caller: Caller = ANYBODY

    def seen_by(self, caller: Caller) -> Api:
        """Return the same parts, for the requests of one caller."""
        if caller is self.caller:
            return self
        return replace(self, caller=caller, pages=self.pages.of(caller.arn))
