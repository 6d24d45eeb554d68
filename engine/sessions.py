"""Worker sessions: what each serves, what it holds, and how many slots are free.

A session's capacity is what its last poll said it could hold of what we assigned: its free
slots plus the assigned attempts in its inventory. What is free at any moment is the
capacity less what is assigned and reserved, so a result that is reported frees a slot at
once, without a poll in between. A poll that asks for nothing (a worker without room, or
one that drains) leaves no capacity until the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from engine.handover import PollRequest, TaskAssignment
from engine.work import TaskKey


@dataclass(slots=True)
class Loan:
    """Slots that another engine may use until an instant."""

    engine: str
    until: datetime
    count: int


@dataclass(slots=True)
class Session:
    """One worker process, for as long as it polls."""

    id: str
    name: str
    functions: frozenset[str]
    seen: float
    capacity: int = 0
    reserved: int = 0
    polls: int = 0
    assigned: dict[str, TaskKey] = field(default_factory=dict)
    outbox: deque[TaskAssignment] = field(default_factory=deque)
    queued: set[str] = field(default_factory=set)
    cancelled: list[str] = field(default_factory=list)
    waiter: asyncio.Future[None] | None = None
    # Slots lent to other engines, and who has started which attempt in one.
    loans: list[Loan] = field(default_factory=list)
    started_by: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """How many more attempts may be assigned now."""
        return self.capacity - len(self.assigned) - self.on_its_way

    @property
    def on_its_way(self) -> int:
        """How many attempts may still come of what was reserved and lent."""
        return self.reserved + sum(loan.count for loan in self.loans)

    @property
    def has_news(self) -> bool:
        """Whether a poll has something to answer."""
        return bool(self.outbox or self.cancelled)

    def meet(self, request: PollRequest, now: float) -> list[tuple[str, TaskKey]]:
        """Take in a poll; return the attempts that must be delivered again."""
        self.seen = now
        self.name = request.name
        self.functions = frozenset(request.functions)
        inventory = request.inventory
        known = sum(1 for token in self.assigned if token in inventory)
        self.capacity = known + request.free if request.free else 0
        return [
            (token, key)
            for token, key in self.assigned.items()
            if token not in inventory and token not in self.queued
        ]

    def assign(self, task: TaskAssignment, key: TaskKey) -> None:
        """Give an attempt to the worker, with the next answer to a poll."""
        self.assigned[task.token] = key
        if task.token not in self.queued:
            self.queued.add(task.token)
            self.outbox.append(task)
        self.wake()

    def drop(self, token: str) -> bool:
        """Forget an attempt; tell whether it was assigned."""
        self.started_by.pop(token, None)
        if self.assigned.pop(token, None) is None:
            return False
        if token in self.queued:
            self.queued.discard(token)
            self.outbox = deque(task for task in self.outbox if task.token != token)
        return True

    def cancel(self, token: str) -> None:
        """Tell the worker that an attempt it holds is closed."""
        if self.drop(token):
            self.cancelled.append(token)
            self.wake()

    def take_news(self) -> tuple[tuple[TaskAssignment, ...], tuple[str, ...]]:
        """Take all that a poll answers."""
        tasks, cancelled = tuple(self.outbox), tuple(self.cancelled)
        self.outbox.clear()
        self.queued.clear()
        self.cancelled.clear()
        return tasks, cancelled

    def wake(self) -> None:
        """Let the waiting poll answer."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
