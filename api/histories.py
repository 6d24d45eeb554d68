"""GetExecutionHistory: the log, page by page, in either direction.

A page has as many events as were asked for, or as fit into some megabytes: a thousand events
may carry a quarter of a gigabyte, and whoever reads them must not hold up the engine. They
are read in growing portions, so that no more is fetched than one page takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import accumulate
from typing import Final, TypeAlias

from api.callbacks import without_tokens
from api.context import Api
from api.executions import find_execution
from api.history import history_event, history_event_without_data
from api.paging import Page
from api.requests import GetExecutionHistory
from api.wire import Response
from storage.histories import EventRow
from storage.listings import ExecutionRecord

Read: TypeAlias = Callable[[int | None, int], Awaitable[list[EventRow]]]

_PAGE_CHARACTERS: Final = 8 * 1024 * 1024
_FIRST_PORTION: Final = 128
_GROWTH: Final = 4


async def get_execution_history(api: Api, request: GetExecutionHistory) -> Response:
    """Show the events of an execution."""
    page = Page(api.pages, request)
    execution = await find_execution(api, request.execution_arn)
    read = _reading(api, execution, is_reversed=request.reverse_order)
    bound = page.position if isinstance(page.position, int) else None
    rows = await _read_page(read, bound, page.wanted)
    shown, more = page.cut(rows, lambda row: row.event_id, most=_fitting(rows))
    show = (
        history_event if request.include_execution_data else history_event_without_data
    )
    return without_tokens(api, {"events": [show(row) for row in shown], **more})


def _reading(api: Api, execution: ExecutionRecord, *, is_reversed: bool) -> Read:
    """Return what reads some events behind one that was read already, if any."""
    key = (execution.shard, execution.execution_id)

    async def forward(bound: int | None, limit: int) -> list[EventRow]:
        return await api.histories.page(*key, after=bound or 0, limit=limit)

    async def backward(bound: int | None, limit: int) -> list[EventRow]:
        if bound is None:
            return await api.histories.page_backward(*key, limit=limit)
        return await api.histories.page_backward(*key, before=bound, limit=limit)

    return backward if is_reversed else forward


async def _read_page(read: Read, bound: int | None, wanted: int) -> list[EventRow]:
    """Read as many events as are wanted, or more than fit into a page."""
    rows: list[EventRow] = []
    portion = _FIRST_PORTION
    while len(rows) < wanted:
        limit = min(portion, wanted - len(rows))
        some = await read(bound, limit)
        rows += some
        if len(some) < limit or _fitting(rows) < len(rows):
            break
        bound, portion = some[-1].event_id, portion * _GROWTH
    return rows


def _fitting(rows: Sequence[EventRow]) -> int:
    """Count the events that fit into a page: at least one."""
    sizes = accumulate(row.characters for row in rows)
    return max(1, sum(size <= _PAGE_CHARACTERS for size in sizes))
