"""Verdicts: across engines, twice, too late, and not at all."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from engine import router
from engine.engine import Engine
from engine.errors import (
    BusyError,
    ExecutionMissingError,
    TaskClosedError,
    TokenInvalidError,
    UnansweredError,
)
from runtime.limits import Limits
from tests.support.fleet import Fleet, Run, eventually
from tests.support.machines import callback, region, wait
from tests.support.visitors import Visitor

ASK = region(callback(TimeoutSeconds=600))


async def asked(engines: Fleet, engine: Engine, held_by: Engine) -> tuple[Run, str]:
    """Start an execution that waits for its token; return the token, too."""
    machine = await engines.machine(ASK)
    run = await engines.start(engine, machine, held_by=held_by)
    worker = Visitor(engine)
    given = await worker.task()
    assert await worker.succeed(given) == "accepted"
    await worker.bye()
    return run, given.token


async def test_stop_reaches_another_engine_and_back(engines: Fleet) -> None:
    one, other = await engines.pair()
    machine = await engines.machine(region(wait(seconds=3600)))
    run = await engines.start(one, machine, held_by=other)
    await engines.happened(run, "WaitStateEntered")

    date = await one.service.stop_execution(run.arn, "E", "C")

    assert await engines.status(run) == "ABORTED"
    assert await one.service.stop_execution(run.arn, None, None) == date
    await engines.at_rest()


async def test_stop_of_nothing_says_so(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(ASK)

    with pytest.raises(ExecutionMissingError):
        await engine.service.stop_execution(engines.run(machine, "no").arn, None, None)


@pytest.mark.parametrize("ends", ["success", "failure"])
async def test_callback_reaches_another_engine_and_back(
    engines: Fleet, ends: str
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)

    await one.service.send_task_heartbeat(token)
    if ends == "success":
        await one.service.send_task_success(token, '{"yes": true}')
    else:
        await one.service.send_task_failure(token, "No", "never")

    assert await engines.status(run) == ("SUCCEEDED" if ends == "success" else "FAILED")
    with pytest.raises(TaskClosedError):
        await one.service.send_task_success(token, "1")
    with pytest.raises(TaskClosedError):
        await other.service.send_task_heartbeat(token)


async def test_callbacks_at_once_from_two_engines_are_accepted_once(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)

    answers = await asyncio.gather(
        *(engine.service.send_task_success(token, "1") for engine in (one, other) * 5),
        return_exceptions=True,
    )

    assert answers.count(None) == 1
    assert all(isinstance(it, TaskClosedError) for it in answers if it is not None)
    assert (await engines.history(run)).count("TaskSucceeded") == 1


async def test_invented_token_is_refused(engines: Fleet) -> None:
    engine = await engines.engine()

    with pytest.raises(TokenInvalidError):
        await engine.service.send_task_success("A" * 60, "1")


async def test_without_a_holder_there_is_no_answer_and_the_effect_comes_later(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "PATIENCE_SECONDS", 0.3)
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)
    await engines.kill(other)
    await engines.rows(
        "UPDATE leases SET holder = 'away',"
        " expires_at = clock_timestamp() + interval '1 hour' WHERE shard = %s",
        run.shard,
    )

    with pytest.raises(UnansweredError):
        await one.service.send_task_success(token, "1")
    assert await engines.status(run) == "RUNNING"
    await engines.rows("UPDATE leases SET expires_at = 'epoch' WHERE holder = 'away'")

    assert await engines.closed(run) == "SUCCEEDED"


async def test_verdict_stays_in_the_inbox_for_whoever_asks_late(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    _, token = await asked(engines, one, other)

    await one.service.send_task_success(token, "1")

    rows = await engines.rows(
        "SELECT verdict, consumed_at IS NULL FROM inbox WHERE kind = 'task_success'"
    )
    assert rows == [("accepted", False)]


async def test_stimulus_sent_to_a_holder_that_dies_reaches_the_next(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)
    vars(other.shards)["_read_inbox"] = _never  # it does not hear any more

    sending = asyncio.create_task(one.service.send_task_success(token, "1"))
    await eventually(lambda: engines.rows("SELECT id FROM inbox WHERE verdict IS NULL"))
    await engines.kill(other)

    await sending
    assert await engines.status(run) == "SUCCEEDED"


async def _never() -> None:
    """Read nothing."""


async def test_stimuli_apply_in_the_order_in_which_they_were_sent(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)

    answers = await asyncio.gather(
        one.service.send_task_failure(token, "First", None),
        one.service.send_task_success(token, "2"),
        return_exceptions=True,
    )

    assert answers[0] is None
    assert isinstance(answers[1], TaskClosedError)
    assert await engines.status(run) == "FAILED"


# Bounds, and what there is while nobody holds a shard


async def test_full_queue_refuses_starts(engines: Fleet) -> None:
    engine = await engines.engine(limits=Limits(starts_waiting=0))
    machine = await engines.machine(ASK)

    with pytest.raises(BusyError):
        await engines.start(engine, machine)


async def test_too_many_waiting_askers_are_refused(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    _, token = await asked(engines, engine, engine)
    monkeypatch.setattr(engine.router, "_most", 0)

    with pytest.raises(BusyError):
        await engine.service.send_task_success(token, "1")


async def test_polls_stay_empty_while_nobody_holds_a_shard(engines: Fleet) -> None:
    await engines.rows(
        "UPDATE leases SET holder = 'away',"
        " expires_at = clock_timestamp() + interval '1 hour'"
    )
    engine = await engines.engine(whole=False)
    machine = await engines.machine(ASK)
    await engines.start(engine, machine)

    answer = await Visitor(engine).poll(wait=0.3)

    assert answer.tasks == ()


async def test_stimulus_whose_row_became_visible_late_is_taken(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(wait(seconds=3600)))
    runs = [await engines.start(engine, machine) for _ in range(2)]
    for run in runs:
        await engines.happened(run, "WaitStateEntered")
    late, early = runs
    insert = (
        "INSERT INTO inbox (execution_id, created_at, shard, kind, body)"
        """ VALUES (%s, now(), %s, 'stop', '{"error":null,"cause":null}') RETURNING id"""
    )

    async with await psycopg.AsyncConnection.connect(engines.url) as connection:
        cursor = await connection.execute(insert, (late.id, late.shard))
        first = await cursor.fetchone()
        ((second,),) = await engines.rows(insert, early.id, early.shard)
        assert await engines.closed(early) == "ABORTED"

    assert first is not None
    assert first[0] < second
    assert await engines.closed(late) == "ABORTED"
