"""The context object: what `$$` and `$states.context` show."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from asl.model import MapState, ParallelState, TaskState
from asl.payload import Json
from runtime.execution import Execution

if TYPE_CHECKING:
    from runtime.draft import Visit


def iso_milliseconds(time: datetime) -> str:
    """Write a time as the context object does: UTC, milliseconds, `Z`."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def context_object(
    visit: Visit, *, scheduled_id: int = 0, item: tuple[int, Json] | None = None
) -> dict[str, Json]:
    """Build the context object of a visit.

    `State.RetryCount` is there in a state that can be retried, `Task.Token` while a task is
    being scheduled that waits for it, `Map.Item` inside an iteration and for the
    ItemSelector of the iteration that is being started.
    """
    execution = visit.draft.execution
    context: dict[str, Json] = {
        "Execution": _execution(execution),
        "StateMachine": {
            "Id": execution.state_machine_arn,
            "Name": execution.state_machine_name,
        },
        "State": _state(visit),
    }
    if scheduled_id:
        token = visit.draft.turn.signer.sign(
            execution.shard, execution.execution_id, scheduled_id
        )
        context["Task"] = {"Token": token}
    item = item or _item(visit)
    if item is not None:
        context["Map"] = {"Item": {"Index": item[0], "Value": item[1]}}
    return context


def _execution(execution: Execution) -> dict[str, Json]:
    assert execution.started is not None, "only a started execution has a context"
    shown: dict[str, Json] = {
        "Id": execution.arn,
        "Input": execution.input.value,
        "StartTime": iso_milliseconds(execution.started),
        "Name": execution.name,
        "RoleArn": execution.role_arn,
        "RedriveCount": execution.redrive_count,
    }
    if execution.redriven is not None:
        shown["RedriveTime"] = iso_milliseconds(execution.redriven)
    return shown


def _state(visit: Visit) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "Name": visit.name,
        "EnteredTime": iso_milliseconds(visit.entered),
    }
    if isinstance(
        visit.draft.state_of(visit.scope), TaskState | MapState | ParallelState
    ):
        shown["RetryCount"] = visit.retry_count
    return shown


def _item(visit: Visit) -> tuple[int, Json] | None:
    scope = visit.draft.execution.iteration_of(visit.scope)
    if scope is None or scope.items is None:
        return None
    items = scope.items.value
    assert isinstance(items, list), "the items of a Map are a list"
    return scope.index, items[scope.index]
