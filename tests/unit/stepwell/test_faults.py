"""A server that loses requests and answers, repeats deliveries, and changes owners.

Whatever it does: no function runs twice for one token, every attempt is answered, and
the worker's promise holds: what it left out of an inventory does not run afterwards.
"""

import asyncio
import random
from collections import Counter

import pytest

import stepwell
from tests.unit.stepwell.scripted_server import (
    Exchange,
    Json,
    ScriptedServer,
    delivery,
    serving,
)

ATTEMPTS = 150
FAULTS = 0.25


class FaultyServer:
    """Keeps the books of attempts, and answers as unreliably as a network may."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._waiting = [f"t{number}" for number in range(ATTEMPTS)]
        self._epoch = 1
        self.open: set[str] = set()
        self.closed: set[str] = set()
        self.verdicts: Counter[str] = Counter()
        self.is_done = asyncio.Event()

    async def answer_polls(self, server: ScriptedServer) -> None:
        while True:
            poll = await server.poll()
            self._maybe(poll, self._tasks(poll.request))

    async def answer_reports(self, server: ScriptedServer) -> None:
        while True:
            report = await server.report()
            if self._random.random() < FAULTS:
                report.drop()  # the request never arrived
                continue
            self._maybe(report, self._verdicts(report.request))
            if not self._waiting and not self.open:
                self.is_done.set()

    def _maybe(self, exchange: Exchange, answer: Json) -> None:
        """Answer, or lose the answer although the request was carried out."""
        if self._random.random() < FAULTS:
            exchange.drop()
        else:
            exchange.reply(answer)

    def _tasks(self, request: Json) -> Json:
        count = min(request["free"], self._random.randint(0, 9))
        fresh = [self._waiting.pop() for _ in range(min(count, len(self._waiting)))]
        self.open |= set(fresh)
        missing = self.open - set(request["inventory"])
        known = sorted(self.open | self.closed)
        again = self._random.sample(known, min(3, len(known)))
        tasks = [self._delivery(token) for token in [*missing, *again]]
        self._random.shuffle(tasks)
        return {"tasks": tasks, "cancelled": []}

    def _delivery(self, token: str) -> Json:
        """By the owner of the shard, or by one that lost it."""
        self._epoch += self._random.random() < 0.1
        epoch = self._epoch - (self._random.random() < 0.1)
        function = self._random.choice(["work", "async-work"])
        return delivery(token, function, input=token, epoch=epoch)

    def _verdicts(self, request: Json) -> Json:
        results = []
        for item in request["results"]:
            token = item["token"]
            verdict = "accepted" if token in self.open else "closed"
            assert verdict == "closed" or item.get("output") == token
            self.open.discard(token)
            self.closed.add(token)
            self.verdicts[verdict] += 1
            results.append({"token": token, "verdict": verdict})
        return {"results": results, "cancelled": []}


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_runs_twice_and_nothing_is_lost(
    server: ScriptedServer, seed: int
) -> None:
    runs: list[str] = []
    books = FaultyServer(seed)

    @stepwell.task("work")
    def work(event: str) -> str:
        runs.append(event)
        return event

    @stepwell.task("async-work")
    async def async_work(event: str) -> str:
        runs.append(event)
        await asyncio.sleep(0)
        return event

    async with serving(server, work, async_work, concurrency=12):
        polls = asyncio.create_task(books.answer_polls(server))
        reports = asyncio.create_task(books.answer_reports(server))
        async with asyncio.timeout(30):
            await asyncio.wait(
                [polls, reports, asyncio.create_task(books.is_done.wait())],
                return_when=asyncio.FIRST_COMPLETED,
            )
        polls.cancel()
        reports.cancel()

    assert books.is_done.is_set()
    assert books.verdicts["accepted"] == ATTEMPTS
    assert sorted(runs) == sorted(f"t{number}" for number in range(ATTEMPTS))
