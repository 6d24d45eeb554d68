"""The number of open executions: counted now and then, and kept up with in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import OperationalError

from engine import openexecutions
from engine.openexecutions import OpenExecutions
from scheduler.clock import VirtualClock


class World:
    """What is stored, and what this process has done."""

    def __init__(self, most: int) -> None:
        self.clock = VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))
        self.counts = 0
        self.stored = self.changed = self.starting = 0
        self.is_away = self.is_slow = False
        self.open = OpenExecutions(
            most=most,
            count=self.count,
            change=lambda: self.changed,
            starting=lambda: self.starting,
            clock=self.clock,
        )

    async def count(self) -> int:
        self.counts += 1
        if self.is_away:
            raise OperationalError
        if self.is_slow:
            await asyncio.Event().wait()
        return self.stored

    def begin(self, number: int) -> None:
        self.stored += number
        self.changed += number


async def test_what_is_stored_fills_it() -> None:
    world = World(most=3)
    world.stored = 3

    assert not world.open.is_full
    await world.open.look()

    assert world.open.is_full


async def test_a_count_that_takes_long_keeps_no_start_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openexecutions, "_PATIENCE_SECONDS", 0.01)
    world = World(most=1)
    world.stored, world.is_slow = 1, True

    await world.open.look_shortly()

    assert not world.open.is_full
    world.is_slow = False
    await world.open.look()
    assert world.open.is_full


async def test_many_who_are_refused_wait_for_one_count_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openexecutions, "_PATIENCE_SECONDS", 0.01)
    world = World(most=1)
    world.begin(1)
    world.is_slow = True

    told = await asyncio.gather(*(world.open.has_room() for _ in range(20)))

    assert (any(told), world.counts) == (False, 1)


async def test_what_begins_and_ends_here_counts_at_once() -> None:
    world = World(most=3)
    world.stored = 2
    await world.open.look()

    world.begin(1)
    filled = world.open.is_full
    world.begin(-1)

    assert (filled, world.open.is_full) == (True, False)


async def test_a_count_does_not_count_twice_what_has_begun_here() -> None:
    world = World(most=3)
    world.begin(2)

    await world.open.look()

    assert not world.open.is_full


async def test_starts_that_are_on_their_way_count() -> None:
    world = World(most=1)

    world.starting = 1

    assert world.open.is_full


async def test_what_was_known_stays_while_the_database_is_away() -> None:
    world = World(most=1)
    world.stored = 1
    await world.open.look()
    world.is_away = True

    await world.open.look()

    assert world.open.is_full


async def test_nobody_is_refused_for_what_has_ended_elsewhere() -> None:
    world = World(most=1)
    world.begin(1)
    world.stored = 0

    assert world.open.is_full
    assert await world.open.has_room()


async def test_many_who_are_refused_at_once_are_counted_for_once() -> None:
    world = World(most=1)
    world.begin(1)

    told = await asyncio.gather(*(world.open.has_room() for _ in range(20)))
    world.clock.advance(timedelta(seconds=0.1))
    told.append(await world.open.has_room())

    assert (any(told), world.counts) == (False, 1)
    world.clock.advance(timedelta(seconds=0.2))
    world.stored = 0
    assert await world.open.has_room()


async def test_who_is_not_refused_is_not_counted_for() -> None:
    world = World(most=2)
    world.begin(1)

    assert await world.open.has_room()
    assert world.counts == 0
