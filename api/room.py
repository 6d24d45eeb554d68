"""As many executions as may be open: what would open one more is refused."""

from __future__ import annotations

from api.context import Api
from api.errors import ExecutionLimitExceeded
from runtime.identity import shard_of


def require_room(api: Api) -> None:
    """Refuse to open an execution where no more may be."""
    if api.open_executions.is_full:
        msg = (
            f"There may be {api.limits.open_executions} open executions at most:"
            " wait for some to end, or stop them"
        )
        raise ExecutionLimitExceeded(msg)


async def require_room_for(api: Api, arn: str) -> None:
    """Refuse to start an execution where no more may be, unless it runs already."""
    if not api.open_executions.is_full:
        return
    record = await api.executions.newest(shard_of(arn, api.shards), arn)
    if record is None or record.stop_date is not None:
        require_room(api)
