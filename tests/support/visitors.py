"""Workers that a test plays itself, poll by poll and report by report."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from engine.engine import Engine
from engine.handover import (
    ByeRequest,
    PollRequest,
    PollResponse,
    ReportRequest,
    TaskAssignment,
    TaskFailure,
    TaskSuccess,
)


class Visitor:
    """One worker session at one engine, which a test may take to another."""

    def __init__(self, engine: Engine, *functions: str) -> None:
        self.engine = engine
        self.functions = functions or ("work",)
        self.session = uuid.uuid4().hex
        self.inventory: set[str] = set()

    async def poll(self, *, free: int = 1, wait: float = 5.0) -> PollResponse:
        """Ask for tasks and take them in hand."""
        answer = await self.lose_poll(free=free, wait=wait)
        self.inventory |= {task.token for task in answer.tasks}
        return answer

    async def lose_poll(self, *, free: int = 1, wait: float = 5.0) -> PollResponse:
        """Ask for tasks; the answer never reaches the worker."""
        return await self.engine.desk.poll(
            PollRequest(
                session=self.session,
                name=f"visitor {self.session[:6]}",
                functions=self.functions,
                free=free,
                inventory=frozenset(self.inventory),
                wait=wait,
            )
        )

    async def task(self, *, free: int = 1) -> TaskAssignment:
        """Poll until there is a task."""
        while True:
            answer = await self.poll(free=free, wait=1.0)
            if answer.tasks:
                (task,) = answer.tasks
                return task

    async def report(
        self, results: Iterable[TaskSuccess | TaskFailure] = (), *beats: str
    ) -> list[str | None]:
        """Report results and heartbeats; return the verdicts."""
        items = tuple(results)
        answer = await self.engine.desk.report(
            ReportRequest(session=self.session, results=items, heartbeats=beats)
        )
        self.inventory -= {item.token for item in items}
        return [verdict and verdict.value for verdict in answer.verdicts]

    async def succeed(self, task: TaskAssignment, value: Any = None) -> str | None:
        """Report that a function returned."""
        result = TaskSuccess(token=task.token, output=json.dumps(value))
        return (await self.report([result]))[0]

    async def fail(self, task: TaskAssignment, error: str) -> str | None:
        """Report that a function failed."""
        result = TaskFailure(token=task.token, error=error, cause=None)
        return (await self.report([result]))[0]

    async def bye(self) -> None:
        """Sign off."""
        await self.engine.desk.bye(ByeRequest(session=self.session))
