"""Map Runs: described, listed by their execution, and changed while they run."""

from __future__ import annotations

from collections import Counter
from typing import Any

from api.arns import parse_arn
from api.context import Api
from api.errors import ResourceNotFound, ValidationException
from api.executions import find_execution
from api.paging import Page
from api.pending import PENDING, redrive_of
from api.requests import DescribeMapRun, ListMapRuns, UpdateMapRun
from api.timestamps import epoch
from api.wire import Response
from runtime.execution import Status
from runtime.map_runs import labelled_machine
from runtime.redrive import REDRIVABLE
from storage.map_runs import Bounds, MapRunRecord


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
        **await _all_counts(api, run),
        "redriveCount": run.redrive_count,
        **_dates(run),
    }


def _dates(run: MapRunRecord) -> dict[str, float]:
    dates = {"stopDate": run.stop_date, "redriveDate": run.redrive_date}
    return {name: epoch(date) for name, date in dates.items() if date is not None}


async def _all_counts(api: Api, run: MapRunRecord) -> dict[str, dict[str, int]]:
    """Return both counts; those of a run that is being redriven are taken from its children.

    Such a run counts its children anew, as it comes to each of them once more.
    """
    now = api.clock.now()
    redrive = redrive_of(run, now)
    if redrive is None:
        progress = run.progress()
        children = _standing(progress.children, progress.children_started)
        items = _standing(progress.items, progress.items_started)
    else:
        census = await api.executions.census(run.arn, redrive)
        children = Counter({standing: of[0] for standing, of in census.items()})
        items = Counter({standing: of[1] for standing, of in census.items()})
    in_all = _children_in_all(run.items_total, items.total(), children.total())
    lost_children, lost_items = (0, 0)
    if any(children[status] for status in REDRIVABLE):
        lost_children, lost_items = await api.executions.not_redrivable(run.arn, now)
    return {
        "itemCounts": _counts(items, run.items_total, lost_items),
        "executionCounts": _counts(children, in_all, lost_children),
    }


def _standing(ended: Counter[Status], started: int) -> Counter[str]:
    """Return how many stand how: what was started and has not ended runs."""
    standing = Counter({str(status): count for status, count in ended.items()})
    standing["RUNNING"] = started - ended.total()
    return standing


def _counts(standing: Counter[str], total: int, lost: int) -> dict[str, int]:
    return {
        "pending": total - standing.total(),
        "running": standing["RUNNING"],
        "succeeded": standing["SUCCEEDED"],
        "failed": standing["FAILED"],
        "timedOut": standing["TIMED_OUT"],
        "aborted": standing["ABORTED"],
        "total": total,
        "resultsWritten": 0,
        "failuresNotRedrivable": lost,
        "pendingRedrive": standing[PENDING],
    }


def _children_in_all(items: int, items_begun: int, begun: int) -> int:
    """Return how many children there will be: as many items each as those so far had."""
    waiting = items - items_begun
    if not items_begun:
        return waiting
    return begun - (-waiting * begun // items_begun)


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
        raise ValidationException(msg, reason="CANNOT_UPDATE_COMPLETED_MAP_RUN")
    return {}


async def find_map_run(api: Api, arn: str) -> MapRunRecord:
    """Return the run of an ARN; raise ResourceNotFound."""
    parse_arn(arn, "mapRun")
    run = await api.map_runs.find(arn)
    if run is None:
        msg = f"Resource not found: '{arn}'"
        raise ResourceNotFound(msg, resourceName=arn)
    return run
