"""The facade that the API calls: what changes executions.

`caller` is who signed the request, and goes into the log with what the request causes; None
where requests are not signed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from asl.model import Machine
from asl.payload import Payload
from engine.compiled import CompiledMachines
from engine.errors import (
    BusyError,
    ExecutionExistsError,
    ExecutionMissingError,
    TaskClosedError,
    TaskMissingError,
    TokenInvalidError,
    UnansweredError,
)
from engine.expressdesk import ExpressDesk
from engine.expressends import ExpressResult
from engine.router import Router
from engine.starts import (
    NameTakenError,
    Started,
    StartQueueFullError,
    StartRequest,
    Starts,
)
from runtime import stimuli as st
from runtime.identity import ExecutionId, shard_of
from runtime.principal import Principal
from runtime.stimuli import Verdict
from runtime.tokens import TokenSigner
from storage.listings import Executions
from storage.machines import MachineRecord

EXPRESS: Final = "EXPRESS"


class Service:
    """Starts, stops, and answers for tasks."""

    def __init__(
        self,
        *,
        starts: Starts,
        router: Router,
        machines: CompiledMachines,
        executions: Executions,
        signer: TokenSigner,
        shards: int,
        express: ExpressDesk,
    ) -> None:
        """Take the parts of the engine that callers reach."""
        self._starts = starts
        self._router = router
        self._machines = machines
        self._executions = executions
        self._signer = signer
        self._shards = shards
        self._express = express

    async def start_execution(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace_header: str | None,
        caller: Principal | None = None,
    ) -> Started:
        """Start an execution durably, or return the running one of that name and input."""
        if machine.type == EXPRESS:
            return await self._express.start(
                machine, name, input_text, trace_header, caller
            )
        arn = execution_arn(machine.arn, name)
        revision_id = str(machine.revision_id)
        request = StartRequest(
            arn=arn,
            name=name,
            input=input_text,
            machine=await self._machines.get(revision_id),
            state_machine_arn=machine.arn,
            state_machine_name=machine.name,
            revision_id=revision_id,
            role_arn=machine.role_arn,
            version_arn=machine.version_arn,
            alias_arn=machine.alias_arn,
            trace_header=trace_header,
            caller=caller,
        )
        try:
            return await self._starts.start(request)
        except NameTakenError:
            raise ExecutionExistsError(arn) from None
        except StartQueueFullError:
            raise BusyError from None
        except TimeoutError:
            raise UnansweredError from None

    async def start_sync_execution(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace_header: str | None,
        caller: Principal | None = None,
    ) -> ExpressResult:
        """Run an Express execution to its end."""
        return await self._express.run(machine, name, input_text, trace_header, caller)

    async def try_out(
        self, machine: Machine, machine_arn: str, role_arn: str, input_text: str
    ) -> ExpressResult:
        """Run a machine that is stored nowhere to its end, as an Express execution."""
        return await self._express.try_out(machine, machine_arn, role_arn, input_text)

    async def stop_execution(
        self,
        arn: str,
        error: str | None,
        cause: str | None,
        caller: Principal | None = None,
    ) -> datetime:
        """Abort an execution; one that is closed already answers with its stop date."""
        shard = shard_of(arn, self._shards)
        record = await self._executions.newest(shard, arn)
        if record is None:
            raise ExecutionMissingError(arn)
        if record.stop_date is None:
            stop = st.Stop(error, cause, caller)
            await self._router.ask(shard, str(record.execution_id), stop)
            record = await self._executions.newest(shard, arn)
        assert record is not None
        assert record.stop_date is not None, "a stop that was answered has a date"
        return record.stop_date

    async def redrive_execution(
        self,
        shard: int,
        execution_id: ExecutionId,
        client_token: str,
        caller: Principal | None = None,
    ) -> bool:
        """Let an execution that ended badly go on; tell whether it may, by now.

        The same token again within 15 minutes is the same call, which was accepted.
        """
        redrive = st.Redrive(client_token, caller)
        verdict = await self._router.ask(shard, execution_id, redrive)
        return verdict is Verdict.ACCEPTED

    async def send_task_success(
        self, token: str, output_text: str, caller: Principal | None = None
    ) -> None:
        """End a waiting task with its output, JSON text within the limit."""
        output = Payload.of_text(output_text)
        await self._answer(
            token, lambda task: st.CallbackSucceeded(task, output, caller)
        )

    async def send_task_failure(
        self,
        token: str,
        error: str | None,
        cause: str | None,
        caller: Principal | None = None,
    ) -> None:
        """End a waiting task with an error."""
        await self._answer(
            token, lambda task: st.CallbackFailed(task, error, cause, caller)
        )

    async def send_task_heartbeat(self, token: str) -> None:
        """Start the heartbeat period of a waiting task anew."""
        await self._answer(token, st.Heartbeat)

    async def _answer(self, token: str, stimulus: Callable[[int], st.Stimulus]) -> None:
        parts = self._signer.verify(token)
        if parts is None:
            raise TokenInvalidError
        call = parts.shard, parts.execution_id, stimulus(parts.scheduled_id)
        match await self._router.call(*call):
            case Verdict.CLOSED:
                raise TaskClosedError
            case Verdict.UNKNOWN:
                raise TaskMissingError
            case Verdict.ACCEPTED:
                return


def execution_arn(state_machine_arn: str, name: str) -> str:
    """Return the ARN of an execution of a machine."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
