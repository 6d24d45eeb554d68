"""What the AWS endpoint counts: requests by operation and outcome, and how long they take."""

from __future__ import annotations

from collections import Counter
from typing import Final

from scheduler.clock import SystemClock
from scheduler.histogram import DURATION_BOUNDS, Histogram

SUCCESS: Final = "200"


class RequestMeasures:
    """Counts of the requests that one process has answered."""

    def __init__(self) -> None:
        self.monotonic = SystemClock().monotonic
        # By operation, and 200 or the name of the error.
        self.answers: Counter[tuple[str, str]] = Counter()
        self.seconds: dict[str, Histogram] = {}

    def answered(self, operation: str, outcome: str, begun: float) -> None:
        """Count one request that has ended; `begun` is by `monotonic`."""
        self.answers[operation, outcome] += 1
        histogram = self.seconds.get(operation)
        if histogram is None:
            histogram = self.seconds[operation] = Histogram(DURATION_BOUNDS)
        histogram.observe(self.monotonic() - begun)
