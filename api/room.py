"""As many executions as may be open: what would open one more is refused."""

from __future__ import annotations

from api.context import Api
from api.errors import ExecutionLimitExceeded
from runtime.identity import shard_of


async def require_room(api: Api) -> None:
    """Refuse to open an execution where no more may be."""
    if not await api.open_executions.has_room():
        raise _full(api)


async def require_room_for(api: Api, arn: str) -> None:
    """Refuse to start an execution where no more may be, unless it runs already."""
    if not await api.open_executions.has_room():
        record = await api.executions.newest(shard_of(arn, api.shards), arn)
        if record is None or record.stop_date is not None:
            raise _full(api)


def _full(api: Api) -> ExecutionLimitExceeded:
    return ExecutionLimitExceeded(
        f"There may be {api.limits.open_executions} open executions at most:"
        " wait for some to end, or stop them"
    )
