"""Whether an execution may be redriven, and why not."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from runtime.execution import Status
from runtime.limits import MAX_EVENTS_FOR_REDRIVE, MAX_OPEN_TIME, REDRIVE_WINDOW
from storage.listings import ExecutionRecord

_REDRIVABLE: Final = frozenset({Status.FAILED, Status.ABORTED, Status.TIMED_OUT})


def redrive_status(execution: ExecutionRecord, now: datetime) -> dict[str, str]:
    """Return the members redriveStatus and redriveStatusReason."""
    reason = reason_not_redrivable(execution, now)
    if reason is None:
        return {"redriveStatus": "REDRIVABLE"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def reason_not_redrivable(execution: ExecutionRecord, now: datetime) -> str | None:
    """Return what stands against a redrive, or None."""
    if execution.status not in _REDRIVABLE or execution.stop_date is None:
        return f"Execution is {execution.status} and cannot be redriven"
    if now - execution.stop_date > REDRIVE_WINDOW:
        return "Execution redrivable period exceeded"
    if (execution.last_event_id or 0) >= MAX_EVENTS_FOR_REDRIVE:
        return "Execution history event limit exceeded"
    if now - execution.start_date > MAX_OPEN_TIME:
        return "Execution max open time exceeded"
    return None
