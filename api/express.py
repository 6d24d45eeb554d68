"""StartSyncExecution: an Express execution, from its start to its end, in one request."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from api.context import Api
from api.executions import require_type, startable_machine
from api.names import check_name
from api.payloads import check_input
from api.requests import StartSyncExecution
from api.timestamps import epoch
from api.wire import Response
from engine.expressends import ExpressResult
from runtime.execution import Status

_BILLED_MEGABYTES: Final = 64
_BILLED_MILLISECONDS: Final = 100


async def start_sync_execution(api: Api, request: StartSyncExecution) -> Response:
    """Run an execution and answer with its end."""
    name = str(uuid4()) if request.name is None else check_name(request.name)
    text = check_input(request.input)
    machine = await startable_machine(api, request.state_machine_arn)
    require_type(machine, "EXPRESS")
    result = await api.engine.start_sync_execution(
        machine, name, text, request.trace_header, api.caller.principal
    )
    data = _data if request.included_data == "ALL_DATA" else _no_data
    response = {
        "executionArn": result.arn,
        "stateMachineArn": machine.arn,
        "name": result.name,
        "startDate": epoch(result.start_date),
        "stopDate": epoch(result.stop_date),
        "status": result.status,
        "error": result.error,
        "cause": result.cause,
        "traceHeader": request.trace_header,
        "billingDetails": _billing(result.start_date, result.stop_date),
        **data(text, result),
    }
    return {name: value for name, value in response.items() if value is not None}


def _data(text: str, result: ExpressResult) -> dict[str, Any]:
    shown: dict[str, Any] = {"input": text, "inputDetails": {"included": True}}
    if result.status == Status.SUCCEEDED:
        shown |= {"output": result.output, "outputDetails": {"included": True}}
    return shown


def _no_data(_text: str, result: ExpressResult) -> dict[str, Any]:
    shown: dict[str, Any] = {"inputDetails": {"included": False}}
    if result.status == Status.SUCCEEDED:
        shown["outputDetails"] = {"included": False}
    return shown


def _billing(start: datetime, stop: datetime) -> dict[str, int]:
    """Return what the service would bill: memory in steps of 64 MB, time of 100 ms."""
    milliseconds = int((stop - start).total_seconds() * 1000)
    steps = max(1, -(-milliseconds // _BILLED_MILLISECONDS))
    return {
        "billedMemoryUsedInMB": _BILLED_MEGABYTES,
        "billedDurationInMilliseconds": steps * _BILLED_MILLISECONDS,
    }
