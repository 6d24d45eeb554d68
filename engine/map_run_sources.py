"""What a Map Run gives its children: read from its execution's log once, then kept."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asl.errors import StatesError
from asl.model import Machine, Transformation
from runtime.chance import SeededEntropy
from runtime.distributing import ChildInputs, child_started
from runtime.evolve import fold
from runtime.execution import Execution, OpenMapRun
from runtime.failing import Trouble
from runtime.identity import execution_id_of, shard_of
from runtime.map_runs import Progress
from runtime.tokens import TokenSigner
from runtime.turn import Turn
from storage.codec import encode
from storage.lane_store import LaneStore
from storage.map_runs import MapRunRecord
from storage.starts import StartRow

_CAPACITY: Final = 200
_SEED_BYTES: Final = 16


@dataclass(slots=True)
class MapRunSource:
    """One run's execution as it was when it was read; its Map has not moved since."""

    execution: Execution
    run: OpenMapRun
    machine: Machine
    revision_id: str
    inputs: ChildInputs

    @property
    def state_name(self) -> str:
        """The name of the Map."""
        return self.inputs.state.name

    @property
    def transformation(self) -> Transformation:
        """How the children's results become the run's."""
        distribution = self.inputs.state.distribution
        assert distribution is not None, "a Map Run belongs to a distributed Map"
        return distribution.transformation

    def child(
        self, progress: Progress, now: datetime, shards: int
    ) -> tuple[StartRow, int]:
        """Return the next child and how many items it takes; raise StatesError."""
        share = self.inputs.share(progress.items_started)
        index = progress.children_started
        event = child_started(self.execution, self.run, index, share, now)
        row = StartRow(
            shard=shard_of(event.arn, shards),
            execution_id=execution_id_of(event.arn, 1),
            generation=1,
            revision_id=self.revision_id,
            event=event,
            row=encode(event),
        )
        return row, share.items

    def trouble(self, error: StatesError) -> Trouble:
        """Say what a child that could not be made means for the run."""
        return self.inputs.trouble(error)


class MapRunSources:
    """The sources of the runs that went on most lately."""

    def __init__(
        self,
        *,
        store: LaneStore,
        machines: Callable[[str], Awaitable[Machine]],
        now: Callable[[], datetime],
        signer: TokenSigner,
        region: str,
    ) -> None:
        """Take where logs are read, and what expressions may see."""
        self._store = store
        self._machines = machines
        self._now = now
        self._signer = signer
        self._region = region
        self._sources: OrderedDict[str, MapRunSource] = OrderedDict()

    async def get(self, record: MapRunRecord) -> MapRunSource:
        """Return the source of a run that has not ended."""
        source = self._sources.get(record.map_run_id)
        if source is None:
            source = await self._read(record)
            self._sources[record.map_run_id] = source
        self._sources.move_to_end(record.map_run_id)
        while len(self._sources) > _CAPACITY:
            self._sources.popitem(last=False)
        return source

    def forget(self, run_id: str) -> None:
        """Drop the source of a run that has ended."""
        self._sources.pop(run_id, None)

    async def _read(self, record: MapRunRecord) -> MapRunSource:
        key = (record.shard, record.execution_id)
        facts = (await self._store.facts([key]))[record.execution_id]
        events = (await self._store.load([key]))[record.execution_id]
        machine = await self._machines(facts.revision_id)
        execution = fold(*key, events)
        run = execution.map_runs[record.event_id]
        turn = Turn(
            now=self._now(),
            entropy=SeededEntropy(os.urandom(_SEED_BYTES)),
            signer=self._signer,
            region=self._region,
        )
        inputs = ChildInputs(machine, execution, run, turn)
        return MapRunSource(execution, run, machine, facts.revision_id, inputs)
