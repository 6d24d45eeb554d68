"""How often a caller may ask: token buckets, one per caller and group of operations.

Nothing is throttled unless it is configured. A request takes one token of the first group
that names its operation; without one it is refused with ThrottlingException before anything
of it is read.

Buckets are a process's own. Where several engine processes live, each admits its share: the
rate and the burst, divided by how many they are. So all of them together admit no more than
is configured, and a caller whose connections lead to one process gets that one's share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from api.errors import ThrottlingException


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A group of operations, by names with wildcards, and how often one caller may ask."""

    operations: tuple[str, ...]
    per_second: float
    burst: int

    def names(self, operation: str) -> bool:
        """Tell whether an operation belongs to the group."""
        return any(fnmatchcase(operation, pattern) for pattern in self.operations)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float

    def take(self, rate: Rate, now: float, processes: int) -> bool:
        speed, most = rate.per_second / processes, rate.burst / processes
        grown = self.tokens + (now - self.filled_at) * speed
        self.filled_at = now
        self.tokens = min(max(1.0, most), grown)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Throttle:
    """The buckets of one process."""

    def __init__(
        self,
        rates: Sequence[Rate],
        monotonic: Callable[[], float],
        processes: Callable[[], int] = lambda: 1,
    ) -> None:
        """Take the groups, the first that names an operation counts; and who shares them."""
        self._rates = rates
        self._processes = processes
        self._monotonic = monotonic
        self._rate_of: dict[str, Rate | None] = {}
        self._buckets: dict[tuple[str, Rate], _Bucket] = {}

    def take(self, caller: str, operation: str) -> None:
        """Take a token, or raise ThrottlingException."""
        if not self._rates:
            return
        rate = self._find(operation)
        if rate is None:
            return
        now = self._monotonic()
        bucket = self._buckets.get((caller, rate))
        if bucket is None:
            bucket = self._buckets[caller, rate] = _Bucket(float(rate.burst), now)
        if not bucket.take(rate, now, self._processes()):
            raise ThrottlingException("Rate exceeded")

    def _find(self, operation: str) -> Rate | None:
        if operation not in self._rate_of:
            rates = (rate for rate in self._rates if rate.names(operation))
            self._rate_of[operation] = next(rates, None)
        return self._rate_of[operation]
