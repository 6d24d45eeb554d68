"""Redrives: across engines, twice, against stops, and against retention."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from engine.engine import Engine
from storage.retention import purge
from tests.support.fleet import Fleet, Run, eventually
from tests.support.losing_proxy import LosingProxy
from tests.support.machines import fail, parallel, pass_on, region, task, wait
from tests.support.visitors import Visitor

BROKEN = region(pass_on(), fail(Error="E"))
WORK = region(parallel("Both", wait("Rest", seconds=600), task()))


async def redrive(engine: Engine, run: Run, token: str = "token") -> bool:
    """Redrive an execution through an engine."""
    return await engine.service.redrive_execution(run.shard, run.id, token)


async def ended(engines: Fleet, engine: Engine, **where: Any) -> Run:
    """Start an execution that fails, and wait until it has."""
    machine = await engines.machine(BROKEN)
    run = await engines.start(engine, machine, **where)
    assert await engines.closed(run) == "FAILED"
    return run


async def record(engines: Fleet, run: Run) -> tuple[Any, ...]:
    """Return what the row of an execution says of its redrives."""
    (row,) = await engines.rows(
        "SELECT status, redrive_count, redrive_date IS NULL, stop_date IS NULL,"
        " last_event_id FROM execution_records WHERE execution_id = %s",
        run.id,
    )
    return tuple(row)


async def test_redrive_reaches_another_engine_and_back(engines: Fleet) -> None:
    one, other = await engines.pair()
    run = await ended(engines, one, held_by=other)

    assert await redrive(one, run)

    assert await record(engines, run) == ("FAILED", 1, False, False, 8)
    assert await engines.verify(run) == []
    await engines.at_rest()


async def test_the_same_token_through_another_engine_is_the_same_call(
    engines: Fleet,
) -> None:
    one, other = await engines.pair()
    run = await ended(engines, one)

    assert await redrive(one, run)
    assert await redrive(other, run)

    assert (await engines.history(run)).count("ExecutionRedriven") == 1


async def test_redrives_at_once_from_two_engines_are_accepted_once(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(WORK)
    run = await engines.start(one, machine)
    await engines.happened(run, "LambdaFunctionScheduled")
    await one.service.stop_execution(run.arn, None, None)

    answers = await asyncio.gather(
        *(redrive(e, run, f"t{n}") for n, e in enumerate((one, other) * 4))
    )

    assert answers.count(True) == 1
    assert await record(engines, run) == ("RUNNING", 1, False, True, None)
    assert await engines.verify(run) == []


async def test_redriven_work_is_given_to_a_worker(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=10.0)
    run = await engines.start(engine, await engines.machine(region(task())))
    await engines.happened(run, "LambdaFunctionScheduled")
    await engine.service.stop_execution(run.arn, None, None)

    assert await redrive(engine, run)
    worker = Visitor(engine)

    assert await worker.succeed(await worker.task()) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"
    assert await engines.verify(run) == []
    await engines.at_rest()


async def test_redriven_work_outlives_its_engine(engines: Fleet) -> None:
    engine = await engines.engine()
    run = await engines.start(engine, await engines.machine(WORK))
    await engines.happened(run, "LambdaFunctionScheduled")
    await engine.service.stop_execution(run.arn, None, None)
    assert await redrive(engine, run)

    await engines.kill(engine)
    another = await engines.engine(session_timeout=10.0)
    worker = Visitor(another)

    assert await redrive(another, run)
    assert await worker.succeed(await worker.task()) == "accepted"
    await engines.happened(run, "TaskStateExited")
    assert await engines.verify(run) == []


async def test_stops_and_redrives_at_once_leave_one_truth(engines: Fleet) -> None:
    one, other = await engines.pair()
    run = await engines.start(one, await engines.machine(WORK))
    await engines.happened(run, "LambdaFunctionScheduled")
    await one.service.stop_execution(run.arn, None, None)

    accepted = 0
    for number in range(5):
        answers = await asyncio.gather(
            redrive(one, run, f"t{number}"),
            other.service.stop_execution(run.arn, None, None),
            return_exceptions=True,
        )
        accepted += answers[0] is True

    history = await engines.history(run)
    assert history.count("ExecutionRedriven") == accepted
    assert (await record(engines, run))[1] == accepted
    assert await engines.verify(run) == []


@pytest.mark.parametrize("before", [True, False], ids=["not landed", "landed"])
async def test_lost_commit_of_a_redrive_happens_exactly_once(
    engines: Fleet, proxy: LosingProxy, before: bool
) -> None:
    engine = await engines.engine(url=proxy.url, lanes=1)
    run = await ended(engines, engine)
    loss = proxy.lose("COMMIT", before=before, application="stepwell lane")

    assert await redrive(engine, run)

    await eventually(loss.happened.is_set, why="nothing was lost")
    assert (await engines.history(run)).count("ExecutionRedriven") == 1
    assert await engines.verify(run) == []


async def test_redrive_of_what_retention_deletes_meanwhile_writes_nothing(
    engines: Fleet,
) -> None:
    engine = await engines.engine(lanes=1)
    run = await ended(engines, engine)
    commits = engine.lanes[0]._commits
    commit = commits.commit

    async def delete_and_commit(turns: Any) -> None:
        vars(commits)["commit"] = commit
        async with engines.connections() as connection:
            await purge(connection, cutoff=engine.clock.now() + timedelta(days=1))
        await commit(turns)

    vars(commits)["commit"] = delete_and_commit

    assert not await redrive(engine, run)
    assert await engines.history(run) == []
    await engines.at_rest()
