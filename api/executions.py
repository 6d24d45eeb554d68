"""Executions: start, stop, redrive, describe, and the machine that one runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import uuid4

from api.arns import parse_arn
from api.callbacks import without_tokens
from api.context import Api
from api.errors import (
    ExecutionDoesNotExist,
    StateMachineTypeNotSupported,
    ValidationException,
)
from api.names import check_name
from api.payloads import check_input
from api.pending import as_its_run_sees
from api.redrive import earlier_redrive, redrive_status, require_redrivable
from api.requests import (
    DescribeExecution,
    DescribeStateMachineForExecution,
    RedriveExecution,
    StartExecution,
    StopExecution,
)
from api.room import require_room, require_room_for
from api.routing import find_machine
from api.state_machines import (
    described_revision,
    refuse_deleting,
    refuse_label,
    refuse_missing,
)
from api.timestamps import epoch
from api.wire import Response
from asl.jsontext import loads
from engine.errors import UnansweredError
from engine.service import execution_arn
from runtime.execution import Status
from runtime.identity import shard_of
from storage.listings import ExecutionDescription, ExecutionRecord
from storage.machines import MachineRecord


async def start_execution(api: Api, request: StartExecution) -> Response:
    """Start an execution; it exists, durably, when this answers."""
    name = str(uuid4()) if request.name is None else check_name(request.name)
    text = check_input(request.input)
    machine = await startable_machine(api, request.state_machine_arn)
    if machine.type == "STANDARD":
        await require_room_for(api, execution_arn(machine.arn, name))
    started = await api.engine.start_execution(
        machine, name, text, request.trace_header, api.caller.principal
    )
    return {"executionArn": started.arn, "startDate": epoch(started.start_date)}


async def startable_machine(api: Api, arn: str) -> MachineRecord:
    """Return the machine, of either type, that an ARN lets start; refuse any other."""
    machine = await machine_behind(api, arn)
    if machine.is_deleting:
        refuse_deleting(machine.arn)
    return machine


async def machine_behind(api: Api, arn: str) -> MachineRecord:
    """Return the machine that an ARN leads to; refuse one that leads to none."""
    machine = await find_machine(api, arn)
    if machine is None:
        refuse_label(arn)
        refuse_missing(arn)
    return machine


def require_type(machine: MachineRecord, kind: str) -> None:
    """Refuse what is only for machines of the other type."""
    if machine.type != kind:
        raise StateMachineTypeNotSupported(
            "This operation is not supported by this type of state machine"
        )


async def stop_execution(api: Api, request: StopExecution) -> Response:
    """Abort an execution; a closed one stays as it is and tells when it stopped."""
    arn = request.execution_arn
    parse_arn(arn, "execution")
    stop_date = await api.engine.stop_execution(
        arn, request.error, request.cause, api.caller.principal
    )
    return {"stopDate": epoch(stop_date)}


async def redrive_execution(api: Api, request: RedriveExecution) -> Response:
    """Let an execution that ended badly go on from what had not ended well."""
    _refuse_label_of_execution(request.execution_arn)
    token = request.client_token or str(uuid4())
    execution = await find_execution(api, request.execution_arn)
    date = await earlier_redrive(api, execution, token)
    if date is None:
        await require_redrivable(api, execution)
        await require_room(api)
        date = await _redrive(api, execution, token)
    return {"redriveDate": epoch(date)}


async def _redrive(api: Api, execution: ExecutionRecord, token: str) -> datetime:
    """Redrive; where somebody else was faster, say what stands against it now."""
    shard, execution_id = execution.shard, str(execution.execution_id)
    caller = api.caller.principal
    if await api.engine.redrive_execution(shard, execution_id, token, caller):
        date = await api.executions.redriven(execution, token)
        assert date is not None, "a redrive that was accepted is in the log"
        return date
    await require_redrivable(api, await find_execution(api, execution.arn))
    raise UnansweredError


def _refuse_label_of_execution(arn: str) -> None:
    """Refuse the ARN of an execution that a Map Run started."""
    if parse_arn(arn, "execution").label is not None:
        raise ValidationException(
            "Labeled execution ARNs are not supported by this operation",
            reason="API_DOES_NOT_SUPPORT_LABELED_ARNS",
        )


async def describe_execution(api: Api, request: DescribeExecution) -> Response:
    """Show an execution with its input and, once it is closed, its end."""
    arn = request.execution_arn
    _require_describable(arn)
    execution = await api.executions.describe(shard_of(arn, api.shards), arn)
    if execution is None:
        refuse_missing_execution(arn)
    execution = await as_its_run_sees(api, execution)
    data = _data if request.included_data == "ALL_DATA" else _no_data
    shown = {
        **summary(execution),
        **optional(traceHeader=execution.trace_header),
        **await redrive_status(api, execution),
        **data(execution),
    }
    return without_tokens(api, shown)


def _require_describable(arn: str) -> None:
    """Refuse Express executions, unless they are children of a Map Run: those bear a label."""
    is_child = ":express:" in arn and parse_arn(arn, "express").label is not None
    if not is_child:
        parse_arn(arn, "execution")


# Of an execution that timed out, only its last event says so.
_TOLD_WHY: Final = frozenset({Status.FAILED, Status.ABORTED})


def _data(execution: ExecutionDescription) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if execution.input is not None:
        shown |= {"input": execution.input, "inputDetails": {"included": True}}
    if execution.status == Status.SUCCEEDED and execution.output is not None:
        shown |= {"output": execution.output, "outputDetails": {"included": True}}
    if execution.details is not None and execution.status in _TOLD_WHY:
        details = loads(execution.details)
        assert isinstance(details, dict), "details are an object"
        shown |= optional(error=details.get("error"), cause=details.get("cause"))
    return shown


def _no_data(execution: ExecutionDescription) -> dict[str, Any]:
    shown: dict[str, Any] = {"inputDetails": {"included": False}}
    if execution.status == Status.SUCCEEDED:
        shown["outputDetails"] = {"included": False}
    return shown


def summary(execution: ExecutionRecord) -> dict[str, Any]:
    """Return what lists and descriptions both show."""
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": epoch(execution.start_date),
        "redriveCount": execution.redrive_count,
        **optional(
            stopDate=_optional_epoch(execution.stop_date),
            redriveDate=_optional_epoch(execution.redrive_date),
            mapRunArn=execution.map_run_arn,
            stateMachineVersionArn=execution.version_arn,
            stateMachineAliasArn=execution.alias_arn,
        ),
    }


async def describe_state_machine_for_execution(
    api: Api, request: DescribeStateMachineForExecution
) -> Response:
    """Show the revision that an execution runs, whatever its machine is now."""
    execution = await find_execution(api, request.execution_arn)
    revision = await api.machines.revision(execution.revision_id)
    assert revision is not None, "an execution's revision is kept as long as itself"
    with_data = request.included_data == "ALL_DATA"
    return {
        "stateMachineArn": revision.state_machine_arn,
        "name": parse_arn(revision.state_machine_arn, "stateMachine").name,
        "updateDate": epoch(revision.created_at),
        **await described_revision(revision, with_data=with_data),
        **_of_map_run(execution),
    }


def _of_map_run(execution: ExecutionRecord) -> dict[str, Any]:
    """Return what sets the machine of a Map Run's child apart: its ARN bears a label."""
    if execution.map_run_arn is None:
        return {}
    arn = parse_arn(execution.state_machine_arn, "stateMachine")
    return {
        "stateMachineArn": arn.text,
        "mapRunArn": execution.map_run_arn,
        "label": arn.label,
    }


async def find_execution(api: Api, arn: str) -> ExecutionRecord:
    """Return the newest execution of an ARN; raise ExecutionDoesNotExist."""
    parse_arn(arn, "execution")
    execution = await api.executions.newest(shard_of(arn, api.shards), arn)
    if execution is None:
        refuse_missing_execution(arn)
    return execution


def refuse_missing_execution(arn: str) -> NoReturn:
    """Say that there is no such execution."""
    msg = f"Execution Does Not Exist: '{arn}'"
    raise ExecutionDoesNotExist(msg)


def optional(**members: object) -> dict[str, object]:
    """Return the members that there are."""
    return {name: value for name, value in members.items() if value is not None}


def _optional_epoch(time: datetime | None) -> float | None:
    return None if time is None else epoch(time)
