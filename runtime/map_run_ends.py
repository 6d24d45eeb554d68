"""How a Map Run ends: the result that its children's results make, and the parent's events.

The exit of the Map points to MapRunStarted, as recorded since November 2024; MapRunSucceeded
and MapStateSucceeded are leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asl.jsontext import dumps, loads
from asl.model import MapState, Transformation
from asl.payload import Json, Payload
from runtime import events as ev
from runtime import stimuli as st
from runtime.context import iso_milliseconds
from runtime.decide import leave_with_result
from runtime.distributing import fail_map_run
from runtime.draft import Visit
from runtime.execution import OpenMapRun, Status
from runtime.failing import Trouble
from runtime.retry import DATA_LIMIT, RUNTIME


def end_map_run(visit: Visit, run: OpenMapRun, stimulus: st.OfMapRun) -> None:
    """Put the end of a run that is open, and what follows from it."""
    visit.last_id = run.started_id
    if isinstance(stimulus, st.ChildrenFailed):
        error = stimulus.error
        is_catchable = error not in (RUNTIME, DATA_LIMIT)
        trouble = Trouble(error=error, cause=stimulus.cause, is_catchable=is_catchable)
        fail_map_run(visit, trouble)
        return
    _put_succeeded(visit, run)
    state = visit.draft.state_of(visit.scope)
    assert isinstance(state, MapState), "a Map Run belongs to a Map"
    leave_with_result(visit, state, stimulus.output)


def _put_succeeded(visit: Visit, run: OpenMapRun) -> None:
    draft = visit.draft
    succeeded_id = draft.put(
        ev.MapRunSucceeded(
            id=draft.next_id,
            previous_id=run.started_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            map_run_arn=run.arn,
        )
    )
    draft.put(
        ev.MapStateSucceeded(
            id=draft.next_id,
            previous_id=succeeded_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildResult:
    """A child that has ended. Its input is there where it is shown."""

    arn: str
    name: str
    state_machine_arn: str
    status: str
    start_date: datetime
    stop_date: datetime
    redrive_count: int
    input: str | None
    output: str | None
    error: str | None
    cause: str | None


def joined(results: Sequence[ChildResult], transformation: Transformation) -> Payload:
    """Return the result of a run: the list of its children's, in the order of the items.

    A child that has not succeeded is shown whole, whatever the transformation.
    """
    texts: list[str] = []
    for result in results:
        if result.status != Status.SUCCEEDED or transformation is Transformation.NONE:
            texts.append(dumps(_whole(result)))
            continue
        assert result.output is not None, "an execution that succeeded has an output"
        texts += _outputs(result.output, transformation)
    return Payload.of_text(f"[{','.join(texts)}]")


def _outputs(output: str, transformation: Transformation) -> list[str]:
    if transformation is Transformation.FLATTEN:
        value = loads(output)
        if isinstance(value, list):
            return [dumps(each) for each in value]
    return [output]


def _whole(result: ChildResult) -> dict[str, Json]:
    shown: dict[str, Json | None] = {
        "ExecutionArn": result.arn,
        "Input": result.input,
        "InputDetails": {"Included": True},
        "Name": result.name,
        "Output": result.output,
        "OutputDetails": None if result.output is None else {"Included": True},
        "Error": result.error,
        "Cause": result.cause,
        "RedriveCount": result.redrive_count,
        "StartDate": iso_milliseconds(result.start_date),
        "StateMachineArn": result.state_machine_arn,
        "Status": result.status,
        "StopDate": iso_milliseconds(result.stop_date),
    }
    return {name: value for name, value in shown.items() if value is not None}
