"""Slots of workers that poll other processes, lent to this one for a moment.

The process that holds a worker's poll lends some of its free slots to an engine that has
tasks for it. Such a slot is reserved at decision time like one of a worker's here: Scheduled
and Started share one commit, and only after it the attempt is handed over, by a letter to the
process that holds the poll. A slot serves one attempt. What is not used within a second has
lapsed, here as there; so a lender that dies, or a letter that is lost, costs that second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from engine.handover import TaskAssignment
from engine.post import Post
from scheduler.clock import Clock

_ASK_SECONDS: Final = 0.005
_KEPT: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Borrowed:
    """The slots that one session's process has lent, the oldest first."""

    id: str
    home: str
    clock: Clock
    until: datetime
    functions: frozenset[str] = frozenset()
    reserved: int = 0
    slots: deque[datetime] = field(default_factory=deque)

    @property
    def free(self) -> int:
        """How many attempts may be assigned now."""
        now = self.clock.now()
        while self.slots and self.slots[0] <= now:
            self.slots.popleft()
        return len(self.slots) - self.reserved


class Abroad:
    """Everything that is lent to this process, and how it asks for more."""

    def __init__(self, post: Post, clock: Clock) -> None:
        """Take how to write to other processes."""
        self.is_alone: Callable[[], bool] = lambda: False
        self._post = post
        self._clock = clock
        self._sessions: dict[str, Borrowed] = {}
        self._wanted: Callable[[], dict[str, int]] = dict
        self._is_asking = False

    # Asking

    def connect(self, wanted: Callable[[], dict[str, int]]) -> None:
        """Take who counts the tasks that wait, by function."""
        self._wanted = wanted

    def ask_soon(self) -> None:
        """Ask the others for what waits here, with all that comes to wait meanwhile."""
        if not self._is_asking and not self.is_alone():
            self._is_asking = True
            asyncio.get_running_loop().call_later(_ASK_SECONDS, self._ask)

    def _ask(self) -> None:
        self._is_asking = False
        for function, count in self._wanted().items():
            self._post.tell_all(["want", function, count])

    # What is lent

    def borrow(
        self, home: str, session: str, functions: Iterable[str], count: int, until: str
    ) -> Borrowed:
        """Take slots that were lent; `until` is in ISO format."""
        end = datetime.fromisoformat(until)
        lent = self._sessions.get(session)
        if lent is None or lent.home != home:
            lent = Borrowed(session, home, self._clock, end)
            self._sessions[session] = lent
        lent.functions |= frozenset(functions)
        lent.until = end
        lent.slots.extend([end] * count)
        return lent

    def give_up(self, session: str) -> None:
        """Start nothing more at a worker that takes nothing more."""
        lent = self._sessions.get(session)
        if lent is not None:
            lent.slots.clear()

    def tidy(self) -> None:
        """Forget sessions that have lent nothing for long."""
        past = self._clock.now() - _KEPT
        for name in [n for n, lent in self._sessions.items() if lent.until < past]:
            del self._sessions[name]

    # Using it

    def find(self, function: str) -> Borrowed | None:
        """Find a slot for a function."""
        for lent in self._sessions.values():
            if function in lent.functions and lent.free > 0:
                return lent
        return None

    def get(self, session: str) -> Borrowed | None:
        """Return what a session has lent."""
        return self._sessions.get(session)

    def hand_over(self, task: TaskAssignment, session: str) -> None:
        """Send a started attempt to the process that holds its worker's poll.

        One that is too large is found there in the tables.
        """
        lent = self._sessions.get(session)
        if lent is None:
            return
        if lent.slots:
            lent.slots.popleft()
        if not self._post.tell(lent.home, ["task", session, task]):
            self._post.tell(lent.home, ["started", session, task.token, task.function])

    def closed(self, session: str, token: str) -> None:
        """Tell whoever holds a worker's poll that nobody waits for an attempt any more."""
        self._post.tell_all(["closed", session, token])
