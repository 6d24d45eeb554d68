"""Rules of Map that hold in both languages: bounds of its numbers, the cutting into batches."""

from __future__ import annotations

from asl.errors import StatesError
from asl.model import Tolerance


def checked_concurrency(value: int) -> int:
    """Return the bound on concurrent iterations, or fail when it is negative."""
    if value < 0:
        cause = (
            f"Expected non-negative integer for MaxConcurrency, got '{value}' instead."
        )
        raise StatesError("States.Runtime", cause)
    return value


def checked_tolerance(count: int, percentage: float) -> Tolerance:
    """Return the tolerance, or fail when one of its parts is out of bounds."""
    if count < 0:
        raise StatesError("States.Runtime", "ToleratedFailureCount cannot be negative.")
    if not 0 <= percentage <= 100:
        cause = "ToleratedFailurePercentage must be between 0 and 100."
        raise StatesError("States.Runtime", cause)
    return Tolerance(count=count, percentage=percentage)
