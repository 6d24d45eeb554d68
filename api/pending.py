"""Children that await the redrive of their Map Run: they show as PENDING_REDRIVE.

Nothing of it is stored. A run that was redriven comes to its children again, one after
another; until it has come to one that had ended badly, that one is as it was.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from api.context import Api
from runtime.execution import MapRunStatus
from storage.listings import ExecutionRecord, RunRedrive
from storage.map_runs import MapRunRecord

R = TypeVar("R", bound=ExecutionRecord)

PENDING: Final = "PENDING_REDRIVE"


def redrive_of(run: MapRunRecord, now: datetime) -> RunRedrive | None:
    """Return the redrive of a run, while it is under way."""
    if run.redrive_date is None or run.status != MapRunStatus.RUNNING:
        return None
    return RunRedrive(run.redrive_date, now)


def as_seen(child: R, redrive: RunRedrive | None) -> R:
    """Return a child of a run as it shows."""
    if redrive is None or not redrive.awaits(child):
        return child
    return replace(child, status=PENDING)


async def as_its_run_sees(api: Api, execution: R) -> R:
    """Return an execution as it shows, whether it is a child of a run or not."""
    if execution.map_run_arn is None or execution.stop_date is None:
        return execution
    run = await api.map_runs.find(execution.map_run_arn)
    redrive = None if run is None else redrive_of(run, api.clock.now())
    return as_seen(execution, redrive)
