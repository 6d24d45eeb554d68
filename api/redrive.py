"""Whether an execution may be redriven, and why not."""

from __future__ import annotations

from datetime import datetime

from api.context import Api
from api.errors import ExecutionNotRedrivable
from runtime.limits import REDRIVE_TOKEN_LIFETIME
from runtime.redrive import reason_not_redrivable
from storage.listings import ExecutionRecord


async def redrive_status(api: Api, execution: ExecutionRecord) -> dict[str, str]:
    """Return the members redriveStatus and redriveStatusReason."""
    reason = await _reason_against(api, execution)
    if reason is not None:
        return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    if execution.map_run_arn is not None:
        return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    return {"redriveStatus": "REDRIVABLE"}


async def require_redrivable(api: Api, execution: ExecutionRecord) -> None:
    """Refuse an execution that may not be redriven now; say why."""
    reason = await _reason_against(api, execution)
    if reason is not None:
        raise ExecutionNotRedrivable(reason)


async def earlier_redrive(
    api: Api, execution: ExecutionRecord, client_token: str
) -> datetime | None:
    """Return the date of the redrive that the same call has brought about already."""
    now = api.clock.now()
    date = execution.redrive_date
    if date is not None and now - date <= REDRIVE_TOKEN_LIFETIME:
        date = await api.executions.redriven(execution, client_token)
    return date if date and now - date <= REDRIVE_TOKEN_LIFETIME else None


async def _reason_against(api: Api, execution: ExecutionRecord) -> str | None:
    reason = reason_not_redrivable(execution.ended, api.clock.now())
    if reason is None and await _is_machine_gone(api, execution):
        return "State machine is in DELETING status"
    return reason


async def _is_machine_gone(api: Api, execution: ExecutionRecord) -> bool:
    # A child of a Map Run has a label behind its machine's name.
    machine = await api.machines.get(execution.state_machine_arn.partition("/")[0])
    return machine is None or machine.is_deleting
