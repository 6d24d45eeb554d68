"""How late the event loop comes to what it promised: what stalls it, delays everybody."""

from __future__ import annotations

import asyncio
from typing import Final

from scheduler.clock import Clock
from scheduler.histogram import Histogram

_PAUSE_SECONDS: Final = 0.1


async def watch_loop(stalls: Histogram, clock: Clock) -> None:
    """Measure ten times a second, until cancelled, how late a short sleep ends."""
    while True:
        due = clock.monotonic() + _PAUSE_SECONDS
        await asyncio.sleep(_PAUSE_SECONDS)
        stalls.observe(max(0.0, clock.monotonic() - due))
