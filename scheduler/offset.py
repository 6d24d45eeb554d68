"""How far this machine's clock is from the database's.

The server's clock is read between two readings of our own: its time belongs to some instant
between them, the middle at best, and half their distance is what we do not know. Of a few
attempts the quickest counts. A difference within the uncertainty corrects nothing, so that
an undisturbed clock stays undisturbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler.clock import SystemClock
from storage.connections import Connection

_STATEMENT = "SELECT clock_timestamp()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """The database's clock less `SystemClock.local()`, give or take the uncertainty."""

    value: timedelta
    uncertainty: timedelta


def estimate(before: datetime, server: datetime, after: datetime) -> Offset:
    """Compare the server's time with our own before and after it was read."""
    half = (after - before) / 2
    return Offset(value=server - (before + half), uncertainty=half)


async def measure_offset(
    connection: Connection, clock: SystemClock, attempts: int = 5
) -> Offset:
    """Measure over a connection in autocommit mode; the quickest attempt counts."""
    estimates = []
    for _ in range(attempts):
        before = clock.local()
        answer = await (await connection.execute(_STATEMENT)).fetchone()
        after = clock.local()
        assert answer is not None, "SELECT without a table has one row"
        estimates.append(estimate(before, answer[0], after))
    return min(estimates, key=lambda offset: offset.uncertainty)


async def keep_to_database(connection: Connection, clock: SystemClock) -> Offset:
    """Measure, and correct the clock where it is off by more than the measure is unsure."""
    measured = await measure_offset(connection, clock)
    if abs(measured.value - clock.offset) > measured.uncertainty:
        clock.set_offset(measured.value)
    return measured
