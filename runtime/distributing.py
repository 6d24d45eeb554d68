"""What a distributed Map does when it is entered, and what its children are given.

The run's beginning is in the log: the items, and how many may run at once, may fail, and go
into one batch. ItemSelector is evaluated for a child at the moment it is started; the
result is in the child's own ExecutionStarted, which is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asl.errors import StatesError
from asl.model import (
    Batcher,
    Distribution,
    Environment,
    ExecutionType,
    Machine,
    MapState,
    Seconds,
)
from asl.payload import Json, Payload
from runtime import events as ev
from runtime.batches import BatchBounds
from runtime.draft import Draft, Visit
from runtime.execution import Execution, OpenMapRun
from runtime.failing import Trouble, evaluation_trouble, fail
from runtime.leaving import within_limit
from runtime.limits import EXPRESS_MAX_OPEN_TIME, LARGEST_INTEGER
from runtime.map_runs import (
    child_arn,
    child_name,
    default_label,
    labelled_machine,
    map_run_arn,
)
from runtime.turn import Turn

NO_BATCHER: Final = Batcher(max_items=None, max_bytes=None, batch_input=None)


def start_map_run(visit: Visit, state: MapState, distribution: Distribution) -> None:
    """Put MapStateStarted and MapRunStarted; a run without its services fails at once."""
    draft = visit.draft
    environment = visit.environment()
    items = [] if distribution.reader else state.items(environment)
    concurrency = state.max_concurrency(environment)
    same = items is visit.input.value
    visit.put(
        ev.MapStateStarted(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=visit.input if same else Payload.of_value(items),
            length=len(items),
            region=state.processor,
            start_at=draft.machine.regions[state.processor].start_at,
            is_distributed=True,
        )
    )
    _put_run_started(visit, state, distribution, environment, concurrency)
    trouble = _missing_service(distribution)
    if trouble is not None:
        fail_map_run(visit, trouble)


def redrive_map_run(visit: Visit, state: MapState, run: OpenMapRun) -> None:
    """Put MapRunRedriven: children that have ended badly go on, the others are kept."""
    assert state.distribution is not None, "a Map Run belongs to a distributed Map"
    draft = visit.draft
    visit.put(
        ev.MapRunRedriven(
            id=draft.next_id,
            previous_id=run.started_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            map_run_arn=run.arn,
            redrive_count=run.redrive_count + 1,
        )
    )
    trouble = _missing_service(state.distribution)
    if trouble is not None:
        fail_map_run(visit, trouble)


def _put_run_started(
    visit: Visit,
    state: MapState,
    distribution: Distribution,
    environment: Environment,
    concurrency: int,
) -> None:
    draft, batcher = visit.draft, distribution.batcher or NO_BATCHER
    tolerance = state.tolerance(environment)
    machine_arn = draft.execution.state_machine_arn
    label = distribution.label or default_label(machine_arn, state.name)
    head = batcher.batch_input
    visit.put(
        ev.MapRunStarted(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=None if head is None else _written(head(environment)),
            map_run_arn=map_run_arn(machine_arn, label, draft.turn.entropy.uuid()),
            execution_type=distribution.execution_type.value,
            concurrency=min(concurrency, LARGEST_INTEGER),
            tolerated_count=min(tolerance.count, LARGEST_INTEGER),
            tolerated_percentage=tolerance.percentage,
            most_items=_amount(batcher.max_items, environment),
            most_bytes=_amount(batcher.max_bytes, environment),
        )
    )


def _written(payload: Payload) -> Payload:
    """Write a payload now, when its state can still fail for one that has no text."""
    return Payload.of_text(payload.text)


def _amount(read: Seconds | None, environment: Environment) -> int | None:
    return None if read is None else read(environment) or None


def _missing_service(distribution: Distribution) -> Trouble | None:
    """Say which service the run would need that no integration is installed for."""
    for resource, error in (
        (distribution.reader, "States.ItemReaderFailed"),
        (distribution.writer, "States.ResultWriterFailed"),
    ):
        if resource:
            wanted = resource.rpartition(":::")[2]
            cause = f"No integration with {wanted} is installed on this server."
            return Trouble(error=error, cause=cause)
    return None


def fail_map_run(visit: Visit, trouble: Trouble) -> None:
    """Put MapRunFailed behind the run's start, and let the failure find who takes it."""
    draft = visit.draft
    visit.put(
        ev.MapRunFailed(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            error=trouble.error,
            cause=trouble.cause,
        )
    )
    fail(visit, trouble)


@dataclass(frozen=True, slots=True)
class Share:
    """What one child is given: how many of the items, as which input."""

    items: int
    input: Payload


class ChildInputs:
    """Makes the inputs of a run's children, one after another."""

    def __init__(
        self, machine: Machine, execution: Execution, run: OpenMapRun, turn: Turn
    ) -> None:
        """Take the parent as it stands, at rest at its Map."""
        scope = execution.scopes[run.scope]
        self._visit = Visit(Draft(machine, execution, turn), scope)
        state = self._visit.draft.state_of(scope)
        assert isinstance(state, MapState), "a Map Run belongs to a Map"
        items = run.items.value
        assert isinstance(items, list), "the items of a Map are a list"
        self.state = state
        self._items = items
        self._bounds = _bounds(run)

    def share(self, first: int) -> Share:
        """Return the share that begins at an item; raise StatesError."""
        name, bounds = self._visit.name, self._bounds
        if bounds is None:
            return Share(1, within_limit(name, self._input(first)))
        batch = bounds.take(
            self._input(index).value for index in range(first, len(self._items))
        )
        whole = Payload.of_value(bounds.input_of(batch))
        return Share(len(batch), within_limit(name, whole))

    def _input(self, index: int) -> Payload:
        item = self._items[index]
        environment = self._visit.environment(item=(index, item))
        return self.state.item_input(environment, index, item)

    def trouble(self, error: StatesError) -> Trouble:
        """Say what a share that could not be made means for the run."""
        return evaluation_trouble(self._visit, error)


def _bounds(run: OpenMapRun) -> BatchBounds | None:
    if run.most_items is None and run.most_bytes is None:
        return None
    head: dict[str, Json] = {}
    if run.batch_input is not None:
        head["BatchInput"] = run.batch_input.value
    return BatchBounds(most_items=run.most_items, most_bytes=run.most_bytes, head=head)


def child_started(
    parent: Execution, run: OpenMapRun, index: int, share: Share, now: datetime
) -> ev.ExecutionStarted:
    """Return the first event of a run's child."""
    machine_arn = labelled_machine(run.arn)
    is_express = run.execution_type == ExecutionType.EXPRESS
    return ev.ExecutionStarted(
        id=1,
        time=now,
        payload=share.input,
        role_arn=parent.role_arn,
        arn=child_arn(run.arn, index, run.execution_type),
        name=child_name(run.arn, index),
        state_machine_arn=machine_arn,
        state_machine_name=machine_arn.rpartition(":")[2],
        start_at=run.start_at,
        deadline=now + EXPRESS_MAX_OPEN_TIME if is_express else None,
        trace_header=parent.trace_header,
        region=run.region,
        map_run_arn=run.arn,
        map_run_shard=parent.shard,
        map_run_index=index,
        item_count=share.items,
    )
