"""Which retrier or catcher takes an error, and how long a retry waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from asl.model import Catcher, Entropy, Retrier

TIMEOUT: Final = "States.Timeout"
HEARTBEAT_TIMEOUT: Final = "States.HeartbeatTimeout"
RUNTIME: Final = "States.Runtime"
DATA_LIMIT: Final = "States.DataLimitExceeded"

_LONGEST_DELAY: Final = 31_622_400.0


def matches(error: str, names: Sequence[str], *, is_heartbeat: bool = False) -> bool:
    """Tell whether ErrorEquals names the error.

    States.TaskFailed means every error but a timeout. A missed heartbeat is recorded as
    States.Timeout and is matched by its own name too.
    """
    if error in names or "States.ALL" in names:
        return True
    if is_heartbeat and HEARTBEAT_TIMEOUT in names:
        return True
    return "States.TaskFailed" in names and error != TIMEOUT


def pick_retrier(
    error: str,
    retriers: Sequence[Retrier],
    used: Mapping[int, int],
    *,
    is_heartbeat: bool = False,
) -> int | None:
    """Return the index of the first retrier that names the error, if it has attempts left."""
    for index, retrier in enumerate(retriers):
        if matches(error, retrier.errors, is_heartbeat=is_heartbeat):
            return index if used.get(index, 0) < retrier.max_attempts else None
    return None


def pick_catcher(
    error: str, catchers: Sequence[Catcher], *, is_heartbeat: bool = False
) -> Catcher | None:
    """Return the first catcher that names the error."""
    for catcher in catchers:
        if matches(error, catcher.errors, is_heartbeat=is_heartbeat):
            return catcher
    return None


def backoff(retrier: Retrier, used: int, entropy: Entropy) -> timedelta:
    """Return how long the next retry waits, `used` retries having been made.

    IntervalSeconds times BackoffRate to the power of `used`, at most MaxDelaySeconds; with
    full jitter, anything between nothing and that.
    """
    longest = float(retrier.max_delay_seconds or _LONGEST_DELAY)
    try:
        seconds = retrier.interval_seconds * retrier.backoff_rate**used
    except OverflowError:
        seconds = longest
    seconds = min(seconds, longest)
    if retrier.jitter:
        seconds *= entropy.random()
    return timedelta(seconds=seconds)
