"""A distributed Map as its execution sees it: a Map Run begins, and one day ends."""

from __future__ import annotations

from typing import Any

import pytest

from asl.errors import StatesError
from asl.model import Transformation
from runtime import events as ev
from runtime import stimuli as st
from runtime.distributing import ChildInputs, child_started
from runtime.execution import MapRunStatus, OpenMapRun, Status
from runtime.map_run_ends import ChildResult, joined
from tests.support.live import BEGINNING, Live, live, payload
from tests.support.machines import distributed, machine, pass_on


def at_work(value: Any, **fields: Any) -> Live:
    return live(machine(distributed("Each", pass_on(), **fields)), value)


def run_of(it: Live) -> OpenMapRun:
    (run,) = it.execution.map_runs.values()
    return run


def inputs(it: Live) -> ChildInputs:
    return ChildInputs(it.machine, it.execution, run_of(it), it.turn)


def test_a_run_stands_open_with_what_bounds_it() -> None:
    it = at_work([1, 2], MaxConcurrency=5, ToleratedFailureCount=3, Label="each")

    run = run_of(it)
    assert (run.concurrency, run.tolerated_count, run.length) == (5, 3, 2)
    assert ":mapRun:orders/each:" in run.arn
    assert it.types[-2:] == ["MapStateStarted", "MapRunStarted"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (
            {"ItemReader": {"Resource": "arn:aws:states:::s3:getObject"}},
            "States.ItemReaderFailed",
        ),
        (
            {"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject"}},
            "States.ResultWriterFailed",
        ),
    ],
)
def test_a_run_without_the_service_it_needs_fails_at_once(
    fields: dict[str, Any], error: str
) -> None:
    it = at_work([1], **fields)

    assert it.types[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    assert it.execution.error == error
    assert "is installed on this server" in str(it.execution.cause)
    assert [*it.execution.closed_map_runs.values()] == [MapRunStatus.FAILED]


def test_the_exit_points_to_the_start_of_the_run() -> None:
    it = at_work([1])
    started = run_of(it).started_id

    ended = it.feed(st.ChildrenSucceeded(started, payload(["x"])))

    links = {type(event).__name__: event.previous_id for event in ended}
    assert links["MapRunSucceeded"] == links["MapStateExited"] == started
    assert links["MapStateSucceeded"] == started + 1
    assert it.execution.output == payload(["x"])


def test_the_end_of_a_run_counts_once() -> None:
    it = at_work([1])
    end = st.ChildrenFailed(run_of(it).started_id, "E", "why")
    it.feed(end)

    assert it.feed(end) == []


def test_a_stopped_execution_aborts_its_run() -> None:
    it = at_work([1])
    arn = run_of(it).arn

    it.stop()

    assert it.execution.closed_map_runs == {arn: MapRunStatus.ABORTED}
    assert not it.execution.map_runs


def test_a_redrive_opens_the_run_again() -> None:
    it = at_work([1])
    run = run_of(it)
    it.stop()

    it.feed(st.Redrive("again"))

    assert it.types[-2:] == ["ExecutionRedriven", "MapRunRedriven"]
    assert (run_of(it).arn, run_of(it).redrive_count) == (run.arn, 1)
    (redriven,) = [e for e in it.log if isinstance(e, ev.MapRunRedriven)]
    ended = it.feed(st.ChildrenSucceeded(run.started_id, payload([1])))
    assert ended[0].previous_id == redriven.id
    assert it.execution.status is Status.SUCCEEDED


def test_a_child_begins_with_its_share_at_the_first_state_of_the_processor() -> None:
    it = at_work([[1], [2]])
    share = inputs(it).share(1)

    event = child_started(it.execution, run_of(it), 1, share, BEGINNING)

    assert event.payload == payload([2])
    assert (event.region, event.start_at) == (1, "Pass")
    assert (event.map_run_index, event.item_count) == (1, 1)
    assert event.map_run_arn == run_of(it).arn
    assert event.deadline is None


def test_a_batch_begins_where_the_one_before_ended() -> None:
    batcher = {"MaxInputBytesPerBatch": 21}
    it = at_work(["aa", "bb", "cc"], ItemBatcher=batcher)

    first, second = inputs(it).share(0), inputs(it).share(2)

    assert (first.items, first.input.text) == (2, '{"Items":["aa","bb"]}')
    assert (second.items, second.input.text) == (1, '{"Items":["cc"]}')


def test_an_input_over_the_limit_is_refused() -> None:
    it = at_work([1], ItemSelector={"x": "x" * 262_144})

    with pytest.raises(StatesError) as caught:
        inputs(it).share(0)

    assert caught.value.error == "States.DataLimitExceeded"


def result(status: str = "SUCCEEDED", output: str | None = "[1]") -> ChildResult:
    return ChildResult(
        arn="arn:child",
        name="child",
        state_machine_arn="arn:machine",
        status=status,
        start_date=BEGINNING,
        stop_date=BEGINNING,
        redrive_count=0,
        input='{"n":  1}',
        output=output,
        error=None if output else "E",
        cause=None,
    )


def test_results_are_joined_as_they_are_or_flattened() -> None:
    results = [result(), result(output='{"a":  2}')]

    assert joined(results, Transformation.COMPACT).text == '[[1],{"a":  2}]'
    assert joined(results, Transformation.FLATTEN).text == '[1,{"a":  2}]'


@pytest.mark.parametrize("transformation", Transformation)
def test_a_child_that_failed_is_shown_whole(transformation: Transformation) -> None:
    shown = joined([result("FAILED", None)], transformation).value

    assert shown == [
        {
            "ExecutionArn": "arn:child",
            "Input": '{"n":  1}',
            "InputDetails": {"Included": True},
            "Name": "child",
            "Error": "E",
            "RedriveCount": 0,
            "StartDate": "2026-03-01T09:00:00.000Z",
            "StateMachineArn": "arn:machine",
            "Status": "FAILED",
            "StopDate": "2026-03-01T09:00:00.000Z",
        }
    ]
