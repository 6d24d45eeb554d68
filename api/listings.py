"""ListExecutions: those of a machine, a version or an alias, or the children of a Map Run."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from api.arns import parse_arn
from api.context import Api
from api.errors import ValidationException
from api.executions import machine_behind, optional, require_type, summary
from api.map_runs import find_map_run
from api.paging import Page
from api.pending import PENDING, as_seen, redrive_of
from api.requests import ListExecutions
from api.wire import Response
from runtime.execution import Status
from runtime.redrive import REDRIVABLE
from storage.listings import BEFORE_ALL, ExecutionRecord, Listed, Position

_ALL: Final = tuple(str(status) for status in Status)
_ENDED_BADLY: Final = tuple(str(status) for status in REDRIVABLE)


async def list_executions(api: Api, request: ListExecutions) -> Response:
    """List the executions of a machine or a Map Run, the newest first."""
    listed = await _listed(api, request)
    page = Page(api.pages, request)
    statuses, is_awaiting = _wanted(listed, request.status_filter)
    redriven = request.redrive_filter
    rows = await api.executions.page(
        listed,
        statuses=statuses,
        is_redriven=None if redriven is None else redriven == "REDRIVEN",
        is_awaiting=is_awaiting,
        after=_position(page),
        limit=page.wanted,
    )
    shown, more = page.cut(
        rows, lambda last: [last.start_date.isoformat(), str(last.execution_id)]
    )
    return {"executions": [_item(listed, execution) for execution in shown], **more}


def _wanted(
    listed: Listed, status_filter: str | None
) -> tuple[tuple[str, ...], bool | None]:
    """Return the stored statuses that a filter means, and whether they await a redrive."""
    if status_filter is None:
        return _ALL, None
    if status_filter != PENDING:
        return (status_filter,), False
    return (() if listed.redrive is None else _ENDED_BADLY), True


def _item(listed: Listed, execution: ExecutionRecord) -> dict[str, Any]:
    seen = as_seen(execution, listed.redrive)
    return {**summary(seen), **optional(itemCount=seen.item_count)}


async def _listed(api: Api, request: ListExecutions) -> Listed:
    machine_arn, map_run_arn = request.state_machine_arn, request.map_run_arn
    if machine_arn is None and map_run_arn is not None:
        run = await find_map_run(api, map_run_arn)
        return Listed("map_run", map_run_arn, redrive_of(run, api.clock.now()))
    if machine_arn is None or map_run_arn is not None:
        raise ValidationException(
            "Must specify exactly one of stateMachineArn or mapRunArn"
        )
    _refuse_filters_of_children(request)
    require_type(await machine_behind(api, machine_arn), "STANDARD")
    arn = parse_arn(machine_arn, "stateMachine")
    if arn.qualifier is None:
        return Listed("machine", arn.text)
    return Listed("alias" if arn.version is None else "version", arn.text)


def _refuse_filters_of_children(request: ListExecutions) -> None:
    if request.redrive_filter is not None:
        raise ValidationException(
            "redriveFilter is only for the executions of a Map Run"
        )
    if request.status_filter == PENDING:
        msg = f"The statusFilter {PENDING} is only for the executions of a Map Run"
        raise ValidationException(msg)


def _position(page: Page) -> Position:
    if not isinstance(page.position, list):
        return BEFORE_ALL
    start_date, execution_id = page.position
    return Position(datetime.fromisoformat(str(start_date)), str(execution_id))
