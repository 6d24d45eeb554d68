"""Which handler of a tested state takes an error, by its place in Retry or Catch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from asl.model import (
    Catcher,
    Entropy,
    MapState,
    ParallelState,
    Retrier,
    State,
    TaskState,
)
from runtime.failing import Trouble
from runtime.retry import backoff, matches

H = TypeVar("H", Retrier, Catcher)


def choose_retrier(state: State, trouble: Trouble) -> tuple[int, Retrier] | None:
    """Return the first retrier that names the error, used up or not."""
    if isinstance(state, TaskState | MapState | ParallelState):
        return _first(state.retriers, trouble)
    return None


def choose_catcher(state: State, trouble: Trouble) -> tuple[int, Catcher] | None:
    """Return the first catcher that names the error."""
    if isinstance(state, TaskState | MapState | ParallelState):
        return _first(state.catchers, trouble)
    return None


def retry_delay(retrier: Retrier, used: int, entropy: Entropy) -> int:
    """Return how many whole seconds the next retry waits."""
    return int(backoff(retrier, used, entropy).total_seconds())


def _first(handlers: Sequence[H], trouble: Trouble) -> tuple[int, H] | None:
    for index, handler in enumerate(handlers):
        if matches(trouble.error or "", handler.errors):
            return index, handler
    return None
