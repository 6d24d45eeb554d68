"""What the API needs of the engine, as protocols: tests give it a small one of their own."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Protocol

from engine.handover import (
    ByeRequest,
    PollRequest,
    PollResponse,
    ReportRequest,
    ReportResponse,
)


class Started(Protocol):
    """What a start answers."""

    @property
    def arn(self) -> str:
        """The execution's ARN."""

    @property
    def start_date(self) -> datetime:
        """When it started."""


class WorkerHall(Protocol):
    """Where workers come for tasks."""

    def poll(self, request: PollRequest) -> Coroutine[Any, Any, PollResponse]:
        """Wait for tasks; when cancelled, whatever was assigned is delivered again."""

    async def report(self, request: ReportRequest) -> ReportResponse:
        """Take results and heartbeats."""

    async def bye(self, request: ByeRequest) -> None:
        """Deregister a session."""
