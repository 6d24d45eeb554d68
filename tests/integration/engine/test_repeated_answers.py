"""SendTask* made again: accepted where the first call got no answer, closed where it did."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from engine import router
from engine.engine import Engine
from engine.errors import TaskClosedError, UnansweredError
from tests.support.fleet import Fleet, Run
from tests.support.machines import callback, region
from tests.support.visitors import Visitor

ASK = region(callback(TimeoutSeconds=600))
OUTPUT = '{"n": 1.0}'


async def asked(engines: Fleet, engine: Engine, held_by: Engine) -> tuple[Run, str]:
    """Start an execution that waits for its token; return the token, too."""
    machine = await engines.machine(ASK)
    run = await engines.start(engine, machine, held_by=held_by)
    worker = Visitor(engine)
    given = await worker.task()
    assert await worker.succeed(given) == "accepted"
    await worker.bye()
    return run, given.token


def deaf(engine: Engine) -> None:
    """Let an engine read nothing from its inbox."""

    async def nothing() -> None:
        """Read nothing."""

    vars(engine.shards)["_read_inbox"] = nothing


def hearing(engine: Engine) -> None:
    """Let an engine read its inbox again."""
    del vars(engine.shards)["_read_inbox"]
    engine.shards.look()


async def unanswered(engines: Fleet, one: Engine, other: Engine) -> tuple[Run, str]:
    """Make a call that is told 503 and accepted afterwards, by the other engine."""
    run, token = await asked(engines, one, other)
    deaf(other)
    with pytest.raises(UnansweredError):
        await one.service.send_task_success(token, OUTPUT)
    hearing(other)
    assert await engines.closed(run) == "SUCCEEDED"
    return run, token


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "PATIENCE_SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("by", [0, 1])
async def test_same_call_after_a_503_finds_the_verdict_of_the_first(
    engines: Fleet, by: int
) -> None:
    pair = await engines.pair(session_timeout=10.0)
    _, token = await unanswered(engines, *pair)
    service = pair[by].service

    with pytest.raises(TaskClosedError):
        await service.send_task_success(token, '{"n": 2}')
    with pytest.raises(TaskClosedError):
        await service.send_task_failure(token, "E", None)
    await service.send_task_success(token, OUTPUT)

    with pytest.raises(TaskClosedError):
        await service.send_task_success(token, OUTPUT)


@pytest.mark.usefixtures("impatient")
async def test_same_call_after_a_503_may_overtake_the_first(engines: Fleet) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)
    deaf(other)
    for _ in range(2):
        with pytest.raises(UnansweredError):
            await one.service.send_task_success(token, OUTPUT)
    hearing(other)

    await one.service.send_task_success(token, OUTPUT)

    assert await engines.status(run) == "SUCCEEDED"


@pytest.mark.usefixtures("impatient")
async def test_verdict_that_came_late_from_the_own_lane_is_found(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    run, token = await asked(engines, engine, engine)
    async with no_commits(engines.url):
        with pytest.raises(UnansweredError):
            await engine.service.send_task_failure(token, "No", "why")

    assert await engines.closed(run) == "FAILED"
    await engine.service.send_task_failure(token, "No", "why")

    with pytest.raises(TaskClosedError):
        await engine.service.send_task_failure(token, "No", "why")


@contextlib.asynccontextmanager
async def no_commits(url: str) -> AsyncIterator[None]:
    """Let whatever writes events wait until the block ends."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("LOCK TABLE events IN SHARE MODE")
        yield


@pytest.mark.parametrize("outcome", ["success", "failure"])
async def test_same_call_after_the_death_of_the_process_that_took_it_is_accepted(
    engines: Fleet, outcome: str
) -> None:
    one = await engines.engine(session_timeout=10.0)
    run, token = await asked(engines, one, one)

    async def call(engine: Engine) -> None:
        if outcome == "success":
            await engine.service.send_task_success(token, OUTPUT)
        else:
            await engine.service.send_task_failure(token, "No", None)

    await call(one)
    await engines.kill(one)
    other = await engines.engine(session_timeout=10.0)

    with pytest.raises(TaskClosedError):
        await other.service.send_task_success(token, '{"n": 2}')
    await call(other)

    assert (await engines.history(run))[-1].startswith("Execution")


async def test_same_call_after_the_death_of_the_process_that_passed_it_on_is_accepted(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)
    vars(one.inbox)["_fetch_verdicts"] = _never
    calling = asyncio.create_task(one.service.send_task_success(token, OUTPUT))
    assert await engines.closed(run) == "SUCCEEDED"
    await engines.kill(one)
    calling.cancel()

    await other.service.send_task_success(token, OUTPUT)

    with pytest.raises(TaskClosedError):
        await other.service.send_task_success(token, OUTPUT)


async def _never(_connection: object) -> None:
    """Fetch nothing."""


async def test_call_that_was_answered_is_closed_when_it_is_made_again(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(session_timeout=10.0)

    for held_by in (one, other):
        _, token = await asked(engines, one, held_by)
        await one.service.send_task_success(token, OUTPUT)
        for again in (one, other):
            with pytest.raises(TaskClosedError):
                await again.service.send_task_success(token, OUTPUT)


async def test_answer_of_long_ago_is_closed(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await engines.engine(session_timeout=10.0)
    _, token = await asked(engines, one, one)
    await one.service.send_task_success(token, OUTPUT)
    await engines.kill(one)
    other = await engines.engine(session_timeout=10.0)
    monkeypatch.setattr("engine.repeats.REMEMBERED", timedelta(0))

    with pytest.raises(TaskClosedError):
        await other.service.send_task_success(token, OUTPUT)
