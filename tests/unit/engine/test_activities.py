from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from engine.activities import ActivityDesk, ActivityTask
from engine.crossing import WorkerTables
from engine.errors import PollersFullError, UnansweredError
from engine.handover import TaskAssignment
from engine.router import Router
from runtime.limits import MAX_POLLERS_PER_ACTIVITY
from runtime.stimuli import Stimulus, TaskClaimed, Verdict
from runtime.tokens import TokenSigner
from scheduler.clock import VirtualClock

ARN = "arn:aws:states:us-east-1:123456789012:activity:approve"


@dataclass
class Installation:
    """Tasks that wait, and claims as the holder of their shard answers them."""

    waiting_tasks: list[int] = field(default_factory=list)
    claims: list[tuple[int, str]] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0

    def __post_init__(self) -> None:
        self.held.set()

    async def waiting(
        self, functions: list[str], most: int
    ) -> list[tuple[int, str, int, str]]:
        return [(0, "e", number, functions[0]) for number in self.waiting_tasks[:most]]

    async def ask(self, _shard: int, _execution_id: str, stimulus: Stimulus) -> Verdict:
        await self.held.wait()
        if self.failures:
            self.failures -= 1
            raise UnansweredError
        assert isinstance(stimulus, TaskClaimed)
        if stimulus.scheduled_id not in self.waiting_tasks:
            return Verdict.CLOSED
        self.waiting_tasks.remove(stimulus.scheduled_id)
        self.claims.append((stimulus.scheduled_id, stimulus.worker))
        return Verdict.ACCEPTED

    async def assignment(self, key: Any, _worker: str, **_more: Any) -> TaskAssignment:
        return TaskAssignment(
            token=f"token {key[2]}",
            function=ARN,
            input=str(key[2]),
            execution_arn="",
            state_machine_arn="",
            state_name="",
            attempt_id="",
            idempotency_key="",
            retry_count=0,
            remaining_seconds=None,
            heartbeat_seconds=None,
            shard=0,
            epoch=1,
        )


@pytest.fixture
def installation() -> Installation:
    return Installation()


@pytest.fixture
async def desk(installation: Installation) -> AsyncIterator[ActivityDesk]:
    desk = ActivityDesk(
        tables=cast(WorkerTables, installation),
        router=cast(Router, installation),
        signer=TokenSigner({1: b"k" * 32}),
        clock=VirtualClock(),
    )
    running = asyncio.create_task(desk.run())
    yield desk
    running.cancel()


async def test_poller_gets_the_task_that_waits(
    desk: ActivityDesk, installation: Installation
) -> None:
    installation.waiting_tasks.append(5)

    task = await desk.poll(ARN, "ann", 10)

    assert task == ActivityTask(activity_arn=ARN, token="token 5", input="5")
    assert installation.claims == [(5, "ann")]


async def test_poll_ends_empty(desk: ActivityDesk) -> None:
    assert await desk.poll(ARN, "ann", 0.01) is None


async def test_pollers_are_served_in_their_order(
    desk: ActivityDesk, installation: Installation
) -> None:
    first = asyncio.create_task(desk.poll(ARN, "first", 10))
    await asyncio.sleep(0)
    second = asyncio.create_task(desk.poll(ARN, "second", 10))
    await asyncio.sleep(0)

    installation.waiting_tasks.append(5)
    desk.look()
    await first

    assert not second.done()
    assert installation.claims == [(5, "first")]
    second.cancel()


async def test_task_claimed_for_a_poller_that_left_goes_to_the_next(
    desk: ActivityDesk, installation: Installation
) -> None:
    installation.held.clear()
    installation.waiting_tasks.append(5)
    leaving = asyncio.create_task(desk.poll(ARN, "gone", 10))
    while desk._claims == {}:
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    installation.held.set()

    task = await desk.poll(ARN, "next", 10)

    assert task is not None
    assert (task.token, installation.claims) == ("token 5", [(5, "gone")])


async def test_task_given_back_goes_to_who_waits(desk: ActivityDesk) -> None:
    waiting = asyncio.create_task(desk.poll(ARN, "ann", 10))
    await asyncio.sleep(0)
    task = ActivityTask(activity_arn=ARN, token="t", input="1")

    desk.give_back(task)

    assert await waiting == task


async def test_claim_without_an_answer_is_made_again(
    desk: ActivityDesk, installation: Installation
) -> None:
    installation.failures = 1
    installation.waiting_tasks.append(5)

    task = await desk.poll(ARN, "ann", 10)

    assert task is not None
    assert installation.claims == [(5, "ann")]


async def test_pollers_are_bounded(desk: ActivityDesk) -> None:
    polls = [
        asyncio.create_task(desk.poll(ARN, None, 10))
        for _ in range(MAX_POLLERS_PER_ACTIVITY)
    ]
    await asyncio.sleep(0)

    with pytest.raises(PollersFullError):
        await desk.poll(ARN, None, 10)

    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    assert await desk.poll(ARN, None, 0.01) is None
