"""Figures of the installation are read seldom, and missed without harm."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from api import metrics
from api.metrics import GaugeReader
from scheduler.clock import VirtualClock
from storage.gauges import Gauges

FOUND = Gauges(
    open_executions=1,
    waiting_tasks=(),
    inbox=0,
    inbox_oldest_seconds=0.0,
    quarantined=0,
    express_accepted=0,
    shards_without_engine=0,
)


class Database:
    """A database that may be away, and counts how often it is asked."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0
        self.takes: Callable[[], None] = lambda: None

    @contextlib.asynccontextmanager
    async def connections(self) -> AsyncIterator[Any]:
        yield None

    async def read(self, *_: object) -> Gauges:
        self.asked += 1
        self.takes()
        if self.is_away:
            raise psycopg.OperationalError
        return FOUND


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    it = Database()
    monkeypatch.setattr(metrics, "read_gauges", it.read)
    return it


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))


async def test_scrapes_that_follow_closely_ask_once(
    database: Database, clock: VirtualClock
) -> None:
    reader = GaugeReader(database.connections, clock)

    assert [await reader.read() for _ in range(3)] == [FOUND] * 3
    assert database.asked == 1


async def test_slow_counting_is_done_more_seldom(
    database: Database, clock: VirtualClock
) -> None:
    reader = GaugeReader(database.connections, clock)
    database.takes = lambda: clock.advance(timedelta(seconds=3))
    await reader.read()

    clock.advance(timedelta(seconds=59))
    await reader.read()
    assert database.asked == 1
    clock.advance(timedelta(seconds=2))
    await reader.read()
    assert database.asked == 2


async def test_a_database_that_is_away_leaves_the_figures_out(
    database: Database, clock: VirtualClock
) -> None:
    database.is_away = True
    reader = GaugeReader(database.connections, clock)

    assert await reader.read() is None
