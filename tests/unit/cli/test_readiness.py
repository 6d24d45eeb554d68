"""When a server says that it is ready."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from cli import readiness
from cli.readiness import Readiness
from scheduler.clock import VirtualClock

LEASE = 3.0


class Leases:
    """What the database would say: how many shards are unheld; None: it is down."""

    def __init__(self) -> None:
        self.unheld: int | None = 0
        self.renewals = 0

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        if self.unheld is None:
            raise psycopg.OperationalError("down")
        yield self

    async def renew(self) -> None:
        self.renewals += 1


async def count(leases: Any) -> int:
    unheld: int = leases.unheld
    return unheld


class Case:
    """A readiness over leases and a clock that the test moves."""

    def __init__(self) -> None:
        self.leases = Leases()
        self.clock = VirtualClock()
        self.readiness = Readiness(
            self.leases.connection, self.clock, LEASE, self.leases.renew
        )

    async def sees(self, unheld: int | None, after: float = 0.0) -> list[str]:
        """Let time pass, look, and return the reasons not to be ready."""
        self.clock.advance(timedelta(seconds=after))
        self.leases.unheld = unheld
        await self.readiness.look()
        return await self.readiness.reasons()


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(readiness, "count_unheld", count)
    return Case()


async def test_it_is_not_ready_before_every_shard_had_an_engine(case: Case) -> None:
    assert await case.readiness.reasons() == ["starting"]
    assert await case.sees(64) == ["64 shards have no engine"]
    assert await case.sees(0) == []


async def test_a_hand_over_does_not_make_it_red(case: Case) -> None:
    await case.sees(0)

    assert await case.sees(3, after=LEASE) == []
    assert await case.sees(0, after=1) == []
    assert await case.sees(3, after=LEASE) == []


async def test_a_shard_without_engine_for_longer_than_a_lease_does(case: Case) -> None:
    await case.sees(0)

    assert await case.sees(1, after=LEASE + 0.1) == ["1 shards have no engine"]


async def test_a_database_that_is_away_for_that_long_does(case: Case) -> None:
    await case.sees(0)

    assert await case.sees(None, after=1) == []
    assert await case.sees(None, after=LEASE) == ["the database cannot be reached"]


async def test_connections_are_renewed_once_after_an_outage(case: Case) -> None:
    for unheld in (0, None, None, 0, 0):
        await case.sees(unheld)

    assert case.leases.renewals == 1
