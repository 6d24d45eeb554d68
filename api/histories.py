"""GetExecutionHistory: the log, page by page, in either direction."""

from __future__ import annotations

from api.callbacks import without_tokens
from api.context import Api
from api.executions import find_execution
from api.history import history_event, history_event_without_data
from api.paging import Page
from api.requests import GetExecutionHistory
from api.wire import Response


async def get_execution_history(api: Api, request: GetExecutionHistory) -> Response:
    """Show the events of an execution."""
    page = Page(api.pages, request)
    execution = await find_execution(api, request.execution_arn)
    key = (execution.shard, execution.execution_id)
    bound = page.position if isinstance(page.position, int) else None
    if not request.reverse_order:
        rows = await api.histories.page(*key, after=bound or 0, limit=page.wanted)
    elif bound is None:
        rows = await api.histories.page_backward(*key, limit=page.wanted)
    else:
        rows = await api.histories.page_backward(*key, before=bound, limit=page.wanted)
    shown, more = page.cut(rows, lambda row: row.event_id)
    show = (
        history_event if request.include_execution_data else history_event_without_data
    )
    return without_tokens(api, {"events": [show(row) for row in shown], **more})
