"""Map Runs: described, listed by their execution, and changed while they run."""

from __future__ import annotations

from typing import Any, Final

from api.arns import parse_arn
from api.context import Api
from api.errors import ResourceNotFound, ValidationException
from api.executions import find_execution
from api.paging import Page
from api.requests import DescribeMapRun, ListMapRuns, UpdateMapRun
from api.timestamps import epoch
from api.wire import Response
from runtime.map_runs import labelled_machine
from storage.map_runs import Bounds, MapRunRecord

_ENDINGS: Final = {
    "succeeded": "succeeded",
    "failed": "failed",
    "timedOut": "timed_out",
    "aborted": "aborted",
}


async def describe_map_run(api: Api, request: DescribeMapRun) -> Response:
    """Show a run: its bounds, and how far it is."""
    run = await find_map_run(api, request.map_run_arn)
    return {
        "mapRunArn": run.arn,
        "executionArn": await api.map_runs.execution_arn(run),
        "status": run.status,
        "startDate": epoch(run.start_date),
        "maxConcurrency": run.max_concurrency,
        "toleratedFailurePercentage": run.tolerated_percentage,
        "toleratedFailureCount": run.tolerated_count,
        "itemCounts": _counts(run, "items", run.items_total),
        "executionCounts": _counts(run, "children", _children_in_all(run)),
        "redriveCount": run.redrive_count,
        **_dates(run),
    }


def _dates(run: MapRunRecord) -> dict[str, float]:
    dates = {"stopDate": run.stop_date, "redriveDate": run.redrive_date}
    return {name: epoch(date) for name, date in dates.items() if date is not None}


def _counts(run: MapRunRecord, counted: str, total: int) -> dict[str, int]:
    ended = {
        shown: int(getattr(run, f"{counted}_{column}"))
        for shown, column in _ENDINGS.items()
    }
    started = int(getattr(run, f"{counted}_started"))
    return {
        "pending": total - started,
        "running": started - sum(ended.values()),
        **ended,
        "total": total,
        "resultsWritten": 0,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }


def _children_in_all(run: MapRunRecord) -> int:
    """Return how many children there will be: as many items each as those so far had."""
    waiting = run.items_total - run.items_started
    if not run.items_started:
        return waiting
    return run.children_started - (-waiting * run.children_started // run.items_started)


async def list_map_runs(api: Api, request: ListMapRuns) -> Response:
    """List the runs of an execution, the newest first."""
    execution = await find_execution(api, request.execution_arn)
    page = Page(api.pages, request)
    rows = await api.map_runs.page(
        execution.shard,
        execution.execution_id,
        before=page.position if isinstance(page.position, int) else None,
        limit=page.wanted,
    )
    shown, more = page.cut(rows, lambda last: last.event_id)
    return {"mapRuns": [_listed(run, execution.arn) for run in shown], **more}


def _listed(run: MapRunRecord, execution_arn: str) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "executionArn": execution_arn,
        "mapRunArn": run.arn,
        "stateMachineArn": labelled_machine(run.arn),
        "startDate": epoch(run.start_date),
    }
    if run.stop_date is not None:
        listed["stopDate"] = epoch(run.stop_date)
    return listed


async def update_map_run(api: Api, request: UpdateMapRun) -> Response:
    """Change what bounds a run; the engine that has it goes by that within a second."""
    run = await find_map_run(api, request.map_run_arn)
    bounds = Bounds(
        max_concurrency=request.max_concurrency,
        tolerated_count=request.tolerated_failure_count,
        tolerated_percentage=request.tolerated_failure_percentage,
    )
    if not await api.map_runs.update(run, bounds):
        msg = f"The Map Run has ended and cannot be updated: '{run.arn}'"
        raise ValidationException(msg)
    return {}


async def find_map_run(api: Api, arn: str) -> MapRunRecord:
    """Return the run of an ARN; raise ResourceNotFound."""
    parse_arn(arn, "mapRun")
    run = await api.map_runs.find(arn)
    if run is None:
        msg = f"Resource not found: '{arn}'"
        raise ResourceNotFound(msg)
    return run
