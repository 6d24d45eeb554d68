"""The executions that a lane has in memory, bounded in size.

The least recently used go first, and only while nothing waits for them; what is gone is
folded again from the log when something touches it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime

from engine.work import Resident, ShardMovedError, Stimulation
from runtime.identity import ExecutionId

# What an execution weighs beside its payloads, in characters; measured on ten-state machines.
BASE_SIZE = 6_000


class Residents:
    """A lane's executions, the stimuli for them, and those that must be loaded first."""

    def __init__(self, capacity: int) -> None:
        """Take the capacity, in characters of payload and their like."""
        self._capacity = capacity
        self._size = 0
        self._sizes: dict[ExecutionId, int] = {}
        self._residents: OrderedDict[ExecutionId, Resident] = OrderedDict()
        self._runnable: dict[ExecutionId, Resident] = {}
        # Heartbeats of executions that are not in memory: no event tells of them.
        self._beats: dict[ExecutionId, tuple[int, dict[int, datetime]]] = {}
        self.missing: dict[tuple[int, ExecutionId], deque[Stimulation]] = {}

    def __len__(self) -> int:
        """Count the executions in memory."""
        return len(self._residents)

    @property
    def has_work(self) -> bool:
        """Whether some stimulus waits."""
        return bool(self._runnable or self.missing)

    @property
    def waiting(self) -> int:
        """How many executions some stimulus waits for."""
        return len(self._runnable) + len(self.missing)

    def activities(self) -> set[str]:
        """Return the activities that whatever is runnable may wait for."""
        runnable = self._runnable.values()
        return {arn for resident in runnable for arn in resident.machine.activities}

    def queue(
        self, shard: int, execution_id: ExecutionId, stimulation: Stimulation
    ) -> None:
        """Let a stimulus wait for its execution's next turn."""
        resident = self._residents.get(execution_id)
        if resident is None:
            waiting = self.missing.setdefault((shard, execution_id), deque())
            waiting.append(stimulation)
            return
        resident.queue.append(stimulation)
        self._runnable[execution_id] = resident

    def add(self, resident: Resident) -> None:
        """Take an execution into memory, with whatever waited for it."""
        execution = resident.execution
        execution_id = execution.execution_id
        known = self._residents.setdefault(execution_id, resident)
        _, beats = self._beats.pop(execution_id, (0, {}))
        known.beats |= beats
        if known is not resident:
            known.queue.extend(resident.queue)
        known.queue.extend(self.missing.pop((execution.shard, execution_id), ()))
        self._weigh(known)
        if known.queue:
            self._runnable[execution_id] = known

    def _weigh(self, resident: Resident) -> None:
        execution_id = resident.execution.execution_id
        self._size += resident.size - self._sizes.get(execution_id, 0)
        self._sizes[execution_id] = resident.size

    def next_runnable(self) -> Resident | None:
        """Take the execution that has waited longest for its turn."""
        if not self._runnable:
            return None
        return self._runnable.pop(next(iter(self._runnable)))

    def keep(self, resident: Resident) -> None:
        """Keep an execution whose turn was committed: still open, or gone for good."""
        execution = resident.execution
        execution_id = execution.execution_id
        if self._residents.get(execution_id) is not resident:
            return
        if not execution.is_open and not resident.queue:
            self.forget(resident)
            return
        self._weigh(resident)
        self._residents.move_to_end(execution_id)
        if resident.queue:
            self._runnable[execution_id] = resident

    def forget(self, resident: Resident) -> deque[Stimulation]:
        """Drop an execution; return what still waits for it."""
        execution_id = resident.execution.execution_id
        if self._residents.get(execution_id) is resident:
            del self._residents[execution_id]
            self._size -= self._sizes.pop(execution_id, 0)
            if resident.beats:
                shard = resident.execution.shard
                self._beats[execution_id] = (shard, resident.beats)
        if self._runnable.get(execution_id) is resident:
            del self._runnable[execution_id]
        return resident.queue

    def drop_shards(self, shards: set[int]) -> None:
        """Forget everything of some shards; whoever waits is told to ask elsewhere."""
        gone = [r for r in self._residents.values() if r.execution.shard in shards]
        for resident in gone:
            _refuse(self.forget(resident))
        for key in [key for key in self.missing if key[0] in shards]:
            _refuse(self.missing.pop(key))
        self._beats = {
            execution_id: (shard, beats)
            for execution_id, (shard, beats) in self._beats.items()
            if shard not in shards
        }

    def trim(self) -> None:
        """Drop what was not used for longest, down to the capacity."""
        while self._size > self._capacity:
            idle = next((r for r in self._residents.values() if not r.queue), None)
            if idle is None:
                return
            self.forget(idle)


def _refuse(stimulations: deque[Stimulation]) -> None:
    for stimulation in stimulations:
        stimulation.tell(ShardMovedError())
