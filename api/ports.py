"""What the API needs of the engine, as protocols: tests give it a small one of their own."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Protocol

from asl.model import Machine
from engine.activities import ActivityTask
from engine.expressends import ExpressResult
from engine.handover import (
    ByeRequest,
    PollRequest,
    PollResponse,
    ReportRequest,
    ReportResponse,
)
from runtime.identity import ExecutionId
from runtime.principal import Principal
from storage.machines import MachineRecord


class Started(Protocol):
    """What a start answers."""

    @property
    def arn(self) -> str:
        """The execution's ARN."""

    @property
    def start_date(self) -> datetime:
        """When it started."""


class Engine(Protocol):
    """What changes executions; raises the errors of `engine.errors`."""

    async def start_execution(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace_header: str | None,
        caller: Principal | None = None,
    ) -> Started:
        """Start an execution, or return the running one of that name and input."""

    async def start_sync_execution(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace_header: str | None,
        caller: Principal | None = None,
    ) -> ExpressResult:
        """Run an Express execution to its end."""

    async def try_out(
        self, machine: Machine, machine_arn: str, role_arn: str, input_text: str
    ) -> ExpressResult:
        """Run a machine that is stored nowhere to its end, as an Express execution."""

    async def stop_execution(
        self,
        arn: str,
        error: str | None,
        cause: str | None,
        caller: Principal | None = None,
    ) -> datetime:
        """Abort an execution and return when it stopped."""

    async def redrive_execution(
        self,
        shard: int,
        execution_id: ExecutionId,
        client_token: str,
        caller: Principal | None = None,
    ) -> bool:
        """Let an execution go on; tell whether it may, by now."""

    async def send_task_success(
        self, token: str, output_text: str, caller: Principal | None = None
    ) -> None:
        """End a waiting task with its output."""

    async def send_task_failure(
        self,
        token: str,
        error: str | None,
        cause: str | None,
        caller: Principal | None = None,
    ) -> None:
        """End a waiting task with an error."""

    async def send_task_heartbeat(self, token: str) -> None:
        """Start the heartbeat period of a waiting task anew."""


class ActivityHall(Protocol):
    """Where those who poll activities come for tasks."""

    async def poll(
        self, arn: str, worker: str | None, seconds: float
    ) -> ActivityTask | None:
        """Wait for a task; None when none comes in time."""

    def give_back(self, task: ActivityTask) -> None:
        """Let the next poller have a task whose poller is gone."""


class WorkerHall(Protocol):
    """Where workers come for tasks."""

    def poll(self, request: PollRequest) -> Coroutine[Any, Any, PollResponse]:
        """Wait for tasks; when cancelled, whatever was assigned is delivered again."""

    async def report(self, request: ReportRequest) -> ReportResponse:
        """Take results and heartbeats."""

    async def bye(self, request: ByeRequest) -> None:
        """Deregister a session."""
