"""When a Wait ends, whatever language said so, and the longest wait there is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from asl.errors import StatesError

LONGEST_WAIT: Final = timedelta(seconds=2**31 - 1)


def end_of_wait(entered: datetime, due: datetime) -> datetime:
    """Return the end, or fail when it lies too far ahead."""
    if due - entered > LONGEST_WAIT:
        raise StatesError("States.Runtime", "Wait state delay is too long.")
    return due


def after_seconds(entered: datetime, seconds: int) -> datetime:
    """Return the moment a number of seconds later."""
    if seconds > LONGEST_WAIT.total_seconds():
        raise StatesError("States.Runtime", "Wait state delay is too long.")
    return entered + timedelta(seconds=seconds)
