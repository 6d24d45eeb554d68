"""Times as the wire has them: seconds since 1970, to the millisecond."""

from __future__ import annotations

from datetime import datetime


def epoch(time: datetime) -> float:
    """Return the wire form of a time; what is below a millisecond is cut off."""
    return int(time.timestamp() * 1_000_000 + 0.5) // 1_000 / 1_000
