"""Run the children of a Map Run in memory, one after another, each to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from asl.errors import StatesError
from asl.model import Machine
from runtime import events as ev
from runtime import stimuli as st
from runtime.distributing import ChildInputs, child_started
from runtime.execution import Execution, OpenMapRun
from runtime.map_run_ends import ChildResult, joined
from runtime.map_runs import THRESHOLD_EXCEEDED, Progress, child_end
from runtime.turn import Turn


def run_children(
    machine: Machine,
    parent: Execution,
    run: OpenMapRun,
    turn: Turn,
    run_child: Callable[[ev.ExecutionStarted], Execution],
) -> st.OfMapRun:
    """Return the end of a run, all of whose children `run_child` runs."""
    inputs = ChildInputs(machine, parent, run, turn)
    progress = Progress(
        items_total=run.length,
        max_concurrency=run.concurrency,
        tolerated_count=run.tolerated_count,
        tolerated_percentage=run.tolerated_percentage,
    )
    results: list[ChildResult] = []
    while progress.has_items:
        try:
            share = inputs.share(progress.items_started)
        except StatesError as error:
            trouble = inputs.trouble(error)
            return st.ChildrenFailed(run.started_id, trouble.error, trouble.cause)
        index = progress.children_started
        child = run_child(child_started(parent, run, index, share, turn.now))
        progress.give(share.items)
        end = child_end(child)
        assert end is not None
        progress.take(end.status, 1, end.items, end.output_bytes)
        if progress.has_failed:
            failed = THRESHOLD_EXCEEDED
            return st.ChildrenFailed(run.started_id, failed.error, failed.cause)
        results.append(_result(child, turn.now))
    distribution = inputs.state.distribution
    assert distribution is not None
    return st.ChildrenSucceeded(
        run.started_id, joined(results, distribution.transformation)
    )


def _result(child: Execution, now: datetime) -> ChildResult:
    return ChildResult(
        arn=child.arn,
        name=child.name,
        state_machine_arn=child.state_machine_arn,
        status=child.status,
        start_date=child.started or now,
        stop_date=child.stopped or now,
        redrive_count=child.redrive_count,
        input=child.input.text,
        output=None if child.output is None else child.output.text,
        error=child.error,
        cause=child.cause,
    )
