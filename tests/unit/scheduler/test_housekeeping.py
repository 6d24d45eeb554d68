"""Interval jobs that meet a database which is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg

from scheduler.activity import Activity
from scheduler.clock import Clock, SystemClock, VirtualClock
from scheduler.housekeeping import Housekeeping
from scheduler.virtual import VirtualWakes
from storage.connections import Connection


@asynccontextmanager
async def no_connection() -> AsyncIterator[Connection]:
    raise psycopg.OperationalError("the server is away")
    yield


def housekeeping(
    clock: Clock, activity: Activity, keep: timedelta | None
) -> Housekeeping:
    return Housekeeping(
        clock=clock,
        connections=no_connection,
        shards=lambda: [1],
        deliver=lambda due: None,
        activity=activity,
        keep=keep,
    )


async def test_a_database_that_is_away_ends_no_job_for_good() -> None:
    clock, activity = VirtualClock(), Activity()
    wakes = VirtualWakes(clock)
    wakes.start(lambda: None)
    jobs = housekeeping(clock, activity, keep=timedelta(days=90))
    jobs.start(wakes)

    for _ in range(2):
        clock.advance(timedelta(days=1))
        assert not activity.is_idle
        await activity.idle()

    await jobs.stop()


async def test_only_a_real_clock_is_kept_to_the_database() -> None:
    names = []

    class Recorded(VirtualWakes):
        def every(self, name: str, *_: object) -> None:
            names.append(name)

    wakes = Recorded(VirtualClock())
    housekeeping(VirtualClock(), Activity(), keep=None).start(wakes)
    assert sorted(names) == [
        "machines",
        "overdue",
        "processes",
        "revisions",
        "verdicts",
    ]
    names.clear()

    housekeeping(SystemClock(), Activity(), keep=timedelta(days=1)).start(wakes)
    assert {"clock", "retention"} <= set(names)
