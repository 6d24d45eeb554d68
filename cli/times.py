"""Times and durations as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(epoch: float | None) -> str:
    """Return a wire time in UTC, to the second."""
    if epoch is None:
        return ""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    if seconds < 60:
        return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
