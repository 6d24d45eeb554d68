"""An engine of the tests: runs each execution as far as it goes, and stores it.

For tests of the API that need executions of every status and no engine process.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime

import psycopg

from asl.payload import Payload
from engine.errors import (
    ExecutionExistsError,
    ExecutionMissingError,
    TaskClosedError,
    TokenInvalidError,
)
from engine.handover import (
    ByeRequest,
    PollRequest,
    PollResponse,
    ReportRequest,
    ReportResponse,
    Verdict,
)
from runtime import stimuli as st
from scheduler.clock import SystemClock
from storage.machines import MachineRecord
from tests.support.recorder import SIGNER, Recorder


@dataclass(frozen=True)
class Started:
    arn: str
    start_date: datetime


class _Recorder(Recorder):
    """Names things as the server does, whatever its account is."""

    head = ""

    @property
    def arn(self) -> str:
        return f"{self.head}:execution:{self.machine_name}:{self.name}"

    @property
    def machine_arn(self) -> str:
        return f"{self.head}:stateMachine:{self.machine_name}"


class RecordedEngine:
    """Starts are run to their first wait and stored; what comes later stays in memory."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._executions: dict[str, Recorder] = {}

    async def start_execution(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace_header: str | None,
    ) -> Started:
        head = machine.arn.rpartition(":stateMachine:")[0]
        recorder = type("Here", (_Recorder,), {"head": head})(
            machine_name=machine.name,
            definition=json.loads(machine.definition),
            name=name,
            now=SystemClock().now(),
        )
        known = self._executions.get(recorder.arn)
        if known is not None:
            return self._again(known, input_text)
        recorder.start(input_text)
        self._executions[recorder.arn] = recorder
        await asyncio.to_thread(self._save, recorder, machine)
        return Started(recorder.arn, recorder.log[0].time)

    def _again(self, known: Recorder, input_text: str) -> Started:
        payload = known.log[0].payload
        if not known.execution.is_open or payload != Payload.of_text(input_text):
            raise ExecutionExistsError(known.arn)
        return Started(known.arn, known.log[0].time)

    def _save(self, recorder: Recorder, machine: MachineRecord) -> None:
        with psycopg.connect(self._url) as connection:
            recorder.save(connection)
            connection.execute(
                "UPDATE execution_records SET revision_id = %s WHERE arn = %s",
                [machine.revision_id, recorder.arn],
            )

    async def stop_execution(
        self, arn: str, error: str | None, cause: str | None
    ) -> datetime:
        if arn not in self._executions:
            raise ExecutionMissingError(arn)
        recorder = self._executions[arn].feed(st.Stop(error, cause))
        stopped = recorder.execution.stopped
        assert stopped is not None
        return stopped

    async def send_task_success(self, token: str, output_text: str) -> None:
        self._of_token(token)

    async def send_task_failure(
        self, token: str, error: str | None, cause: str | None
    ) -> None:
        self._of_token(token)

    async def send_task_heartbeat(self, token: str) -> None:
        self._of_token(token)

    def _of_token(self, token: str) -> None:
        if SIGNER.verify(token) is None:
            raise TokenInvalidError
        raise TaskClosedError

    async def poll(self, request: PollRequest) -> PollResponse:
        return PollResponse()

    async def report(self, request: ReportRequest) -> ReportResponse:
        return ReportResponse(verdicts=(Verdict.UNKNOWN,) * len(request.results))

    async def bye(self, request: ByeRequest) -> None:
        """Take leave."""
