"""How late timers are handed out: a histogram in plain numbers."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

BOUNDS: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
"""Upper bounds of the buckets, in seconds; one more bucket holds what is later."""


class Lateness:
    """Counts of timers by how many seconds they were late."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.count = 0
        self.sum = 0.0
        self.max = 0.0

    def observe(self, seconds: float) -> None:
        """Count one timer."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.count += 1
        self.sum += seconds
        self.max = max(self.max, seconds)

    def quantile(self, share: float) -> float:
        """Return the lateness that a share of the timers did not exceed, by the buckets.

        The value is the upper bound of its bucket, or the maximum where that is less.
        """
        rank = share * self.count
        seen = 0
        for bound, count in zip(BOUNDS, self.counts, strict=False):
            seen += count
            if count and seen >= rank:
                return min(bound, self.max)
        return self.max
