"""What waits for a lane, and what a lane has done with it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from asl.model import Machine
from runtime.events import HistoryEvent
from runtime.execution import Execution, OpenTask, TimerKey
from runtime.identity import ExecutionId
from runtime.journal import Entry
from runtime.stimuli import Stimulus, Verdict

TaskKey: TypeAlias = tuple[int, ExecutionId, int]
"""Shard, execution and scheduled event: the key of a `tasks` row."""


class ShardMovedError(Exception):
    """The shard is not held here any more; whoever waits must ask its holder."""


class QuarantinedError(Exception):
    """The execution was set aside, because it could not be advanced or stored."""


Answer: TypeAlias = Callable[[Verdict | Exception], None]
"""Hears the verdict of a stimulus once its commit exists, or why there is none here."""


@dataclass(slots=True)
class Stimulation:
    """One stimulus on its way, kept until the commit that consumes it is known to exist.

    `inbox_id` is the inbox row it came from; with `has_sender` the verdict is written into
    the row. `timer` is the timer that fired.
    """

    stimulus: Stimulus
    answer: Answer | None = None
    inbox_id: int = 0
    has_sender: bool = False
    timer: TimerKey | None = None

    def tell(self, verdict: Verdict | Exception) -> None:
        """Answer whoever waits, once."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer(verdict)


def into(future: asyncio.Future[Verdict], late: Callable[[], None]) -> Answer:
    """Return an answer that settles a future; one given up is *late* to be accepted."""

    def settle(verdict: Verdict | Exception) -> None:
        if future.done():
            if verdict is Verdict.ACCEPTED:
                late()
        elif isinstance(verdict, Exception):
            future.set_exception(verdict)
        else:
            future.set_result(verdict)

    return settle


@dataclass(slots=True)
class Resident:
    """An execution in memory, with the stimuli that wait for its next turn."""

    execution: Execution
    machine: Machine
    size: int
    queue: deque[Stimulation] = field(default_factory=deque)
    beats: dict[int, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class TurnDone:
    """One execution's turn, decided and not yet committed.

    `claims` are the workers whose slots it has reserved; the entry tells which tasks after the commit; `closed`: those that do not. Without a resident it only consumes
    stimuli that came too late.
    """

    resident: Resident | None
    entry: Entry
    taken: Sequence[tuple[Stimulation, Verdict]]
    events: Sequence[HistoryEvent]
    claims: Sequence[str]
    closed: Sequence[OpenTask] = ()
