"""Histograms in plain numbers: cheap to feed, read when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

LATENESS_BOUNDS: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
"""How late a timer is handed out, in seconds."""

DURATION_BOUNDS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0),
)
"""How long something takes, from a commit to a task, in seconds."""

SIZE_BOUNDS: Final = tuple(float(2**power) for power in range(14))
"""How many of something there are."""


class Histogram:
    """Counts of numbers by the bounds that they do not exceed; one bucket holds the rest."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """Take the upper bounds of the buckets, in order."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.count = 0
        self.sum = 0.0
        self.max = 0.0

    def observe(self, number: float) -> None:
        """Count one number."""
        self.counts[bisect_left(self.bounds, number)] += 1
        self.count += 1
        self.sum += number
        if number > self.max:
            self.max = number

    def quantile(self, share: float) -> float:
        """Return what a share of the numbers did not exceed, by the buckets.

        The value is the upper bound of its bucket, or the maximum where that is less.
        """
        rank = share * self.count
        seen = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            seen += count
            if count and seen >= rank:
                return min(bound, self.max)
        return self.max
