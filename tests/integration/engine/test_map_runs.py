"""Map Runs through the engine: children of their own, whatever happens to the engines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.fleet import Fleet, Run, eventually
from tests.support.losing_proxy import LosingProxy
from tests.support.machines import (
    catch,
    choice,
    distributed,
    fail,
    parallel,
    pass_on,
    region,
    task,
    wait,
)
from tests.support.visitors import Visitor

CHILDREN = (
    "SELECT status, name, arn, item_count, execution_id::text FROM execution_records"
    " WHERE map_run_arn IS NOT NULL AND state_machine_arn LIKE %s || '/%%'"
)
RUNS = (
    "SELECT status, children_started, children_succeeded, children_failed,"
    " children_aborted, is_settled FROM map_runs WHERE execution_id = %s"
    " ORDER BY event_id"
)


async def output(fleet: Fleet, run: Run) -> Any:
    """Return what an execution has yielded."""
    rows = await fleet.rows(
        "SELECT coalesce(e.data, h.data) FROM execution_records r"
        " JOIN events e ON e.execution_id = r.execution_id"
        "  AND e.event_id = r.last_event_id"
        " LEFT JOIN events h ON h.execution_id = r.execution_id"
        "  AND h.event_id = e.data_from WHERE r.execution_id = %s",
        run.id,
    )
    return json.loads(rows[0][0])


async def settled(fleet: Fleet, run: Run) -> list[Any]:
    """Wait until the runs of an execution have ended with all their children."""

    async def are_settled() -> list[Any] | None:
        rows = await fleet.rows(RUNS, run.id)
        return rows if rows and all(row[-1] for row in rows) else None

    found: list[Any] = await eventually(are_settled, why="a run is not settled")
    return found


async def test_every_item_has_a_child_and_the_results_keep_their_order(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    definition = region(distributed("Each", pass_on(), MaxConcurrency=7, Label="L"))
    machine = await engines.machine(definition)

    run = await engines.start(engine, machine, list(range(40)))

    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == list(range(40))
    assert await settled(engines, run) == [("SUCCEEDED", 40, 40, 0, 0, True)]
    children = await engines.rows(CHILDREN, machine.arn)
    assert {child[0] for child in children} == {"SUCCEEDED"}
    assert len(children) == 40
    assert await engines.history(run) == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    await engines.at_rest()


async def test_children_are_none_of_the_executions_that_are_counted(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    machine = await engines.machine(
        region(distributed("Each", task()), wait(seconds=60))
    )
    counted = engine.open_executions
    counted.most = 2
    worker = Visitor(engine)

    run = await engines.start(engine, machine, [1, 2, 3])
    at_work = [await worker.task() for _ in range(3)]
    assert not counted.is_full
    await counted.look()
    for each in at_work:
        await worker.succeed(each)
    await engines.happened(run, "WaitStateEntered")

    assert not counted.is_full
    counted.most = 1
    assert counted.is_full


IS_BAD = {"Variable": "$", "NumericLessThan": 2, "Next": "Bad"}


def some_fail(**fields: Any) -> dict[str, Any]:
    """Fail for the items 0 and 1."""
    return distributed(
        "Each",
        choice("Which", IS_BAD, Default="Good"),
        fail("Bad", Error="Refused", Cause="too small"),
        pass_on("Good"),
        **fields,
    )


async def test_failures_that_are_tolerated_are_shown_whole_among_the_results(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(some_fail(ToleratedFailureCount=2)))

    run = await engines.start(engine, machine, [5, 1, 0, 7])

    assert await engines.closed(run) == "SUCCEEDED"
    first, second, third, last = await output(engines, run)
    assert (first, last) == (5, 7)
    assert second["Input"] == "1"
    assert (second["Status"], third["Error"]) == ("FAILED", "Refused")
    assert await settled(engines, run) == [("SUCCEEDED", 4, 2, 2, 0, True)]


async def test_one_failure_too_many_fails_the_run_and_stops_its_children(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    each = distributed(
        "Each",
        choice("Which", IS_BAD, Default="Sleep"),
        fail("Bad", Error="Refused"),
        wait("Sleep", 3_000),
        ToleratedFailurePercentage=25,
    )
    machine = await engines.machine(region(each))

    run = await engines.start(engine, machine, [1, 0, 7, 9])

    assert await engines.closed(run) == "FAILED"
    assert (await engines.history(run))[-3:] == [
        "MapRunFailed",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    (details,) = await engines.details(run, "MapRunFailed")
    assert details == {
        "error": "States.ExceedToleratedFailureThreshold",
        "cause": "The specified tolerated failure threshold was exceeded",
    }
    assert await settled(engines, run) == [("FAILED", 4, 0, 2, 2, True)]
    await engines.at_rest()


async def test_a_retry_begins_a_new_run_and_a_catch_takes_what_is_left(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    each = some_fail(Retry=again, Catch=[catch("Sorry")], Next="Sorry")
    machine = await engines.machine(region(each, pass_on("Sorry")))

    run = await engines.start(engine, machine, [5, 0])

    assert await engines.closed(run) == "SUCCEEDED"
    error = (await output(engines, run))["Error"]
    assert error == "States.ExceedToleratedFailureThreshold"
    history = await engines.history(run)
    assert history.count("MapRunStarted") == history.count("MapRunFailed") == 2
    assert history.count("MapStateFailed") == 1
    rows = await settled(engines, run)
    assert [row[0] for row in rows] == ["FAILED", "FAILED"]


async def test_stopping_the_parent_aborts_the_run_and_its_children(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(distributed("Each", wait("Sleep", 3_000))))
    run = await engines.start(engine, machine, [1, 2, 3])
    await children_are(engines, run, "children_started", 3)

    await engine.service.stop_execution(run.arn, "Enough", None)

    assert await engines.status(run) == "ABORTED"
    assert await settled(engines, run) == [("ABORTED", 3, 0, 0, 3, True)]
    await engines.at_rest()


async def test_a_failing_neighbour_aborts_a_run(engines: Fleet) -> None:
    engine = await engines.engine()
    neighbour = [wait("Breathe", 1), fail("Bad")]
    both = parallel("Both", [distributed("Each", wait("Sleep", 3_000))], neighbour)
    machine = await engines.machine(region(both))

    run = await engines.start(engine, machine, [1, 2])

    assert await engines.closed(run) == "FAILED"
    history = await engines.history(run)
    assert history[-4:-2] == ["MapRunAborted", "MapStateAborted"]
    assert (await settled(engines, run))[0][0] == "ABORTED"
    await engines.at_rest()


async def children_are(engines: Fleet, run: Run, column: str, count: int) -> None:
    """Wait until a run has counted so many children."""

    async def are_so_many() -> bool:
        statement = f"SELECT {column} FROM map_runs WHERE execution_id = %s"
        return (await engines.rows(statement, run.id)) == [(count,)]

    await eventually(are_so_many, why=f"never {count} {column}")


async def redriven(engines: Fleet, count: int) -> None:
    """Wait until each of so many children goes on for the first time."""
    rows = "SELECT redrive_count FROM execution_records WHERE map_run_arn IS NOT NULL"

    async def are_redriven() -> bool:
        return await engines.rows(rows) == [(1,)] * count

    await eventually(are_redriven, why="not all children go on")


async def test_no_more_children_run_at_once_than_may(engines: Fleet) -> None:
    engine = await engines.engine()
    each = distributed("Each", task("Work"), MaxConcurrency=2)
    machine = await engines.machine(region(each))
    worker = Visitor(engine)
    run = await engines.start(engine, machine, [10, 20, 30])
    await children_are(engines, run, "children_started", 2)
    taken = [await worker.task(), await worker.task()]

    for each_task in taken:
        await worker.succeed(each_task, "done")
    await worker.succeed(await worker.task(), "last")

    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == ["done", "done", "last"]


async def test_items_go_in_batches_with_what_all_of_them_carry(engines: Fleet) -> None:
    engine = await engines.engine()
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"of.$": "$.name"}}
    each = distributed("Each", pass_on(), ItemsPath="$.xs", ItemBatcher=batcher)
    machine = await engines.machine(region(each))

    run = await engines.start(engine, machine, {"name": "n", "xs": [1, 2, 3]})

    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == [
        {"BatchInput": {"of": "n"}, "Items": [1, 2]},
        {"BatchInput": {"of": "n"}, "Items": [3]},
    ]
    children = await engines.rows(CHILDREN, machine.arn)
    assert sorted(child[3] for child in children) == [1, 2]


async def test_an_item_that_cannot_be_selected_fails_the_run(engines: Fleet) -> None:
    engine = await engines.engine()
    selector = {"x.$": "$$.Map.Item.Value.x"}
    each = distributed("Each", wait("Sleep", 3_000), ItemSelector=selector)
    machine = await engines.machine(region(each))

    run = await engines.start(engine, machine, [{"x": 1}, {"y": 2}])

    assert await engines.closed(run) == "FAILED"
    (details,) = await engines.details(run, "MapRunFailed")
    assert details["error"] == "States.Runtime"
    assert "$$.Map.Item.Value.x" in details["cause"]
    assert (await settled(engines, run))[0][0] == "FAILED"


async def test_a_run_inside_a_child_is_a_run_of_its_own(engines: Fleet) -> None:
    engine = await engines.engine()
    inner = distributed("Inner", pass_on(), ItemsPath="$", Label="in")
    machine = await engines.machine(region(distributed("Outer", inner, Label="out")))

    run = await engines.start(engine, machine, [[1, 2], [3]])

    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == [[1, 2], [3]]
    arns = await engines.rows("SELECT arn FROM map_runs")
    labels = sorted(arn.split(":")[6].partition("/")[2] for (arn,) in arns)
    assert labels == ["in", "in", "out"]


async def test_a_result_that_is_too_large_fails_the_run(engines: Fleet) -> None:
    engine = await engines.engine()
    selector = {"x": "x" * 60_000}
    each = distributed("Each", pass_on(), ItemSelector=selector)
    machine = await engines.machine(region(each))

    run = await engines.start(engine, machine, [1, 2, 3, 4, 5])

    assert await engines.closed(run) == "FAILED"
    (details,) = await engines.details(run, "MapRunFailed")
    assert details["error"] == "States.DataLimitExceeded"


@pytest.mark.parametrize("before", [True, False], ids=["not landed", "landed"])
async def test_a_round_of_unknown_outcome_starts_no_child_twice(
    engines: Fleet, proxy: LosingProxy, before: bool
) -> None:
    engine = await engines.engine(url=proxy.url)
    each = distributed("Each", pass_on(), MaxConcurrency=2)
    machine = await engines.machine(region(each))
    losses = [
        proxy.lose("COMMIT", before=before, application="stepwell map runs")
        for _ in range(3)
    ]

    run = await engines.start(engine, machine, [1, 2, 3, 4, 5])

    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == [1, 2, 3, 4, 5]
    assert await settled(engines, run) == [("SUCCEEDED", 5, 5, 0, 0, True)]
    assert all(loss.happened.is_set() for loss in losses)
    await engines.at_rest()


async def test_engines_that_vanish_lose_no_child_and_start_none_twice(
    engines: Fleet,
) -> None:
    each = distributed("Each", pass_on("Stir"), pass_on("Again"), MaxConcurrency=40)
    machine = await engines.machine(region(each))
    one, other = await engines.pair()
    run = await engines.start(one, machine, list(range(300)), held_by=one)

    for progress, victim in ((30, one), (120, None), (200, None)):
        await has_started(engines, run, progress)
        await engines.kill(victim or engines.engines[0])
        await engines.engine(whole=False)
    assert other not in engines.engines

    assert await engines.closed(run, 60) == "SUCCEEDED"
    assert await output(engines, run) == list(range(300))
    assert await settled(engines, run) == [("SUCCEEDED", 300, 300, 0, 0, True)]
    children = await engines.rows(CHILDREN, machine.arn)
    assert len({child[1] for child in children}) == len(children) == 300
    await engines.at_rest()


async def has_started(engines: Fleet, run: Run, count: int) -> None:
    """Wait until a run has started some of its children."""

    async def has() -> bool:
        statement = "SELECT children_started FROM map_runs WHERE execution_id = %s"
        rows = await engines.rows(statement, run.id)
        return bool(rows) and rows[0][0] >= count

    await eventually(has, 30, why=f"never {count} children")


async def test_a_redrive_keeps_the_children_that_have_ended_well(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    each = distributed("Each", task("Work"), MaxConcurrency=1)
    machine = await engines.machine(region(each))
    worker = Visitor(engine)
    run = await engines.start(engine, machine, [10, 20, 30])
    await worker.succeed(await worker.task(), "first")
    await worker.fail(await worker.task(), "Broken")
    assert await engines.closed(run) == "FAILED"

    assert await engine.service.redrive_execution(run.shard, run.id, "token")
    again = await worker.task()
    await worker.succeed(again, "second")
    await worker.succeed(await worker.task(), "third")

    assert again.input == "20"
    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == ["first", "second", "third"]
    assert await settled(engines, run) == [("SUCCEEDED", 3, 3, 0, 0, True)]
    history = await engines.history(run)
    assert history.count("MapRunStarted") == history.count("MapStateEntered") == 1
    assert await engines.details(run, "MapRunRedriven") == [
        {
            "mapRunArn": (await engines.details(run, "MapRunStarted"))[0]["mapRunArn"],
            "redriveCount": 1,
        }
    ]
    await engines.at_rest()


async def test_a_redrive_of_what_was_stopped_lets_all_children_go_on(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    each = distributed("Each", task("Work"), kind="EXPRESS")
    machine = await engines.machine(region(each))
    run = await engines.start(one, machine, [1, 2, 3, 4])
    await children_are(engines, run, "children_started", 4)
    await one.service.stop_execution(run.arn, None, None)

    assert await other.service.redrive_execution(run.shard, run.id, "token")
    await redriven(engines, 4)
    worker = Visitor(one)
    verdicts = [await worker.succeed(await worker.task(), "done") for _ in range(4)]

    assert verdicts == ["accepted"] * 4
    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == ["done"] * 4
    await engines.at_rest()


async def test_a_redriven_run_outlives_its_engine(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(distributed("Each", task("Work"))))
    run = await engines.start(engine, machine, [1, 2])
    await children_are(engines, run, "children_started", 2)
    await engine.service.stop_execution(run.arn, None, None)
    assert await engine.service.redrive_execution(run.shard, run.id, "token")

    await engines.kill(engine)
    another = await engines.engine(session_timeout=10.0)
    worker = Visitor(another)
    for _ in range(2):
        await worker.succeed(await worker.task(), "done")

    assert await engines.closed(run) == "SUCCEEDED"
    assert await settled(engines, run) == [("SUCCEEDED", 2, 2, 0, 0, True)]
    await engines.at_rest()


async def test_stops_and_redrives_of_a_parent_leave_no_child_behind(
    engines: Fleet,
) -> None:
    one, other = await engines.pair()
    machine = await engines.machine(region(distributed("Each", wait("Sleep", 3_000))))
    run = await engines.start(one, machine, [1, 2, 3, 4, 5])
    await children_are(engines, run, "children_started", 5)
    await one.service.stop_execution(run.arn, None, None)

    for number in range(4):
        assert await other.service.redrive_execution(run.shard, run.id, f"t{number}")
        await one.service.stop_execution(run.arn, None, None)

    assert await engines.status(run) == "ABORTED"
    await settled(engines, run)
    await engines.at_rest()


async def test_a_redriven_run_may_fail_again(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(some_fail()))
    run = await engines.start(engine, machine, [5, 0])
    assert await engines.closed(run) == "FAILED"
    await settled(engines, run)

    assert await engine.service.redrive_execution(run.shard, run.id, "token")

    assert await engines.closed(run) == "FAILED"
    assert await settled(engines, run) == [("FAILED", 2, 1, 1, 0, True)]
    assert (await engines.history(run))[-5:] == [
        "ExecutionRedriven",
        "MapRunRedriven",
        "MapRunFailed",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    await engines.at_rest()
