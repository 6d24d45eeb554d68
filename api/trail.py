"""Who changed what: a line of the log for each change that was granted to a signed request.

Who changed an execution is in its history, too; who changed anything else is here alone.
Starts and heartbeats leave no line, there are too many of them.
"""

from __future__ import annotations

from typing import Any, Final

import structlog

from api.access.actions import RESOURCES
from api.access.callers import Caller
from api.context import Api

_CHANGES: Final = (
    "Create",
    "Delete",
    "Publish",
    "Redrive",
    "SendTaskFailure",
    "SendTaskSuccess",
    "Stop",
    "Tag",
    "Untag",
    "Update",
)

_log = structlog.get_logger(__name__)


def note_change(operation: str, api: Api, caller: Caller, request: Any) -> None:
    """Log a request that was granted and done, if it changes something."""
    if caller.key_id is not None and operation.startswith(_CHANGES):
        _log.info(
            "change granted",
            operation=operation,
            caller=caller.arn,
            key=caller.key_id,
            **_subject(operation, api, request),
        )


def _subject(operation: str, api: Api, request: Any) -> dict[str, str | int]:
    """Name what was changed; of a task never its token, but where it is in the log."""
    token = getattr(request, "task_token", None)
    parts = token and api.tokens.verify(token)
    if parts:
        return {
            "execution_id": parts.execution_id,
            "scheduled_event_id": parts.scheduled_id,
        }
    return {"resource": RESOURCES[operation](api.site, request)}
