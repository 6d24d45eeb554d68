"""Workers that poll one engine and serve all: slots lent, attempts handed over and called off."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from engine.engine import Engine
from engine.handover import TaskAssignment
from tests.support.fleet import Fleet, Run
from tests.support.machines import region, task
from tests.support.visitors import Visitor

WORK = region(task())
CHAIN = region(*(task(f"T{n}") for n in range(5)))


@contextlib.asynccontextmanager
async def working(worker: Visitor, *, free: int) -> AsyncIterator[None]:
    """Let a worker do all that it gets, at once; at the end it has nothing in hand."""
    is_over = asyncio.Event()

    async def work() -> None:
        while not is_over.is_set():
            for given in (await worker.poll(free=free, wait=0.2)).tasks:
                assert await worker.succeed(given) == "accepted"

    busy = asyncio.create_task(work())
    try:
        yield
    finally:
        is_over.set()
        await busy


async def outcomes(engines: Fleet, run: Run) -> list[str]:
    """Return the errors of an execution's failed attempts."""
    details = await engines.details(run, "LambdaFunctionFailed")
    return [detail["error"] for detail in details]


async def test_one_worker_serves_two_engines_without_a_stall(engines: Fleet) -> None:
    one, _ = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(CHAIN)
    runs = [await engines.start(one, machine) for _ in range(20)]
    began = asyncio.get_running_loop().time()

    async with working(Visitor(one), free=4):
        ends = {await engines.closed(run) for run in runs}

    assert ends == {"SUCCEEDED"}
    assert asyncio.get_running_loop().time() - began < 10


async def test_slot_lent_is_taken_at_decision_time(engines: Fleet) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(CHAIN)
    run = await engines.start(one, machine, held_by=other)

    async with working(Visitor(one), free=4):
        assert await engines.closed(run) == "SUCCEEDED"

    together = await engines.rows(
        "SELECT count(*) FROM events AS started"
        " JOIN events AS scheduled ON scheduled.execution_id = started.execution_id"
        " AND scheduled.event_id = started.event_id - 1"
        " JOIN event_types AS type ON type.code = started.type"
        " WHERE type.name = 'LambdaFunctionStarted'"
        " AND started.xmin = scheduled.xmin"
    )
    assert together[0][0] > 0
    assert await engines.rows("SELECT id FROM inbox WHERE kind = 'claim'") == []


async def test_worker_gets_no_more_than_it_has_room_for(engines: Fleet) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(WORK)
    for held_by in (one, other) * 5:
        await engines.start(one, machine, held_by=held_by)
    worker = Visitor(one)
    given: list[TaskAssignment] = []

    while len(given) < 2:
        given += (await worker.poll(free=2 - len(given))).tasks
    more = await worker.poll(free=0, wait=0.5)

    assert len(given) == 2
    assert more.tasks == ()


async def test_slot_of_an_aborted_commit_is_used_again(own: Fleet) -> None:
    one, other = await own.pair(session_timeout=10.0)
    await own.own(
        "CREATE SEQUENCE aborted; GRANT USAGE ON aborted TO PUBLIC;"
        " CREATE FUNCTION abort_some() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN IF nextval('aborted') % 3 = 1 THEN"
        " RAISE EXCEPTION USING ERRCODE = '40001'; END IF; RETURN NEW; END $$;"
        " CREATE TRIGGER abort_some BEFORE INSERT ON tasks"
        " FOR EACH STATEMENT EXECUTE FUNCTION abort_some()"
    )
    machine = await own.machine(CHAIN)
    runs = [await own.start(one, machine, held_by=other) for _ in range(3)]

    async with working(Visitor(one), free=1):
        ends = {await own.closed(run) for run in runs}

    assert ends == {"SUCCEEDED"}
    assert {(await own.history(r)).count("LambdaFunctionStarted") for r in runs} == {5}


async def test_lost_delivery_of_another_engines_task_comes_again(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(one)
    run = await engines.start(one, machine, held_by=other)
    lost = await worker.lose_poll()
    while not lost.tasks:
        lost = await worker.lose_poll()

    given = await worker.task()

    assert given.token == lost.tasks[0].token
    assert await worker.succeed(given) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


async def test_attempt_whose_letter_was_lost_is_delivered(engines: Fleet) -> None:
    one, other = await engines.pair(session_timeout=5.0)
    machine = await engines.machine(WORK)
    del one.post.readers["task"]
    run = await engines.start(one, machine, held_by=other)

    given = await Visitor(one).task()

    assert given.execution_arn == run.arn
    assert (await engines.history(run)).count("LambdaFunctionScheduled") == 1


async def test_attempt_too_large_for_a_letter_is_delivered(engines: Fleet) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(one)
    text = "é" * 9_000
    await engines.start(one, machine, {"text": text}, held_by=other)

    given = await worker.task()

    assert json.loads(given.input) == {"text": text}
    assert await worker.succeed(given) == "accepted"


async def test_dead_workers_attempt_in_another_engines_shard_ends(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=1.0)
    machine = await engines.machine(WORK)
    dead = Visitor(one)
    run = await engines.start(one, machine, held_by=other)
    await dead.task()

    assert await engines.closed(run) == "FAILED"

    assert await outcomes(engines, run) == ["Lambda.Unknown"]


async def test_worker_that_goes_to_another_engine_keeps_its_attempts(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=1.0)
    machine = await engines.machine(WORK)
    worker = Visitor(one)
    runs = [
        await engines.start(one, machine, held_by=one),
        await engines.start(one, machine, held_by=other),
    ]
    tasks = [await worker.task(), await worker.task()]

    worker.engine = other
    for _ in range(4):
        assert (await worker.poll(free=0, wait=0.8)).tasks == ()

    assert [await worker.succeed(given) for given in tasks] == ["accepted"] * 2
    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}


# Processes that die


async def test_executions_go_on_when_their_holder_is_killed(engines: Fleet) -> None:
    one, other = await engines.pair(session_timeout=5.0)
    machine = await engines.machine(CHAIN)
    runs = [await engines.start(one, machine, held_by=other) for _ in range(5)]

    async with working(Visitor(one), free=2):
        await engines.happened(runs[0], "LambdaFunctionStarted", 2)
        await engines.kill(other)
        ends = {await engines.closed(run) for run in runs}

    assert ends == {"SUCCEEDED"}


async def test_executions_go_on_when_the_process_that_is_polled_is_killed(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=5.0)
    machine = await engines.machine(CHAIN)
    worker = Visitor(one)
    runs = [await engines.start(one, machine, held_by=other) for _ in range(5)]
    async with working(worker, free=2):
        await engines.happened(runs[0], "LambdaFunctionStarted", 2)
    await engines.kill(one)
    worker.engine = other

    async with working(worker, free=2):
        ends = {await engines.closed(run) for run in runs}

    assert ends == {"SUCCEEDED"}


async def test_worker_that_leaves_is_given_nothing_more(engines: Fleet) -> None:
    one, other = await engines.pair(session_timeout=5.0)
    machine = await engines.machine(CHAIN)
    worker, next_one = Visitor(one), Visitor(one)
    runs = [await engines.start(one, machine, held_by=other) for _ in range(10)]
    async with working(worker, free=4):
        await engines.happened(runs[0], "LambdaFunctionStarted", 2)

    await leave(worker)
    async with working(next_one, free=4):
        ends = {await engines.closed(run) for run in runs}

    assert ends == {"SUCCEEDED"}


async def leave(worker: Visitor) -> None:
    """Take nothing more, finish what has come, and go, as the SDK does."""
    while True:
        given = (await worker.poll(free=0, wait=0.5)).tasks
        for each in given:
            assert await worker.succeed(each) == "accepted"
        if not given:
            break
    await worker.bye()


# Attempts that are closed elsewhere


async def attempt_abroad(
    engines: Fleet,
) -> tuple[Engine, Run, Visitor, TaskAssignment]:
    """Start an attempt of one engine's execution at a worker that polls another."""
    one, other = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(one)
    run = await engines.start(one, machine, held_by=other)
    return other, run, worker, await worker.task()


async def test_attempt_that_another_engine_closes_is_cancelled(engines: Fleet) -> None:
    other, run, worker, given = await attempt_abroad(engines)
    polling = asyncio.create_task(worker.poll(wait=5.0))

    await other.service.stop_execution(run.arn, None, None)

    assert (await polling).cancelled == (given.token,)


async def test_cancellation_whose_letter_was_lost_is_found(engines: Fleet) -> None:
    other, run, worker, given = await attempt_abroad(engines)
    del worker.engine.post.readers["closed"]
    await other.service.stop_execution(run.arn, None, None)

    answer = await worker.poll(wait=5.0)

    assert answer.cancelled == (given.token,)


async def test_attempt_that_has_ended_is_not_cancelled(engines: Fleet) -> None:
    other, run, worker, given = await attempt_abroad(engines)
    told: list[str] = []
    worker.engine.post.readers["closed"] = lambda *_: told.append("closed")

    assert await worker.succeed(given) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"
    await other.service.stop_execution(run.arn, None, None)

    assert (await worker.poll(wait=1.5)).cancelled == ()
    assert told == []
