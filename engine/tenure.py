"""What a lane knows of its leases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Tenure:
    """The shards that a lane works for, at the epochs at which it holds them.

    `may_act` tells whether the leases are certain enough to let side effects go. `on_lost`
    hears of shards that turned out to belong to somebody else, with the epochs at which they
    were held, `on_bumped` of epochs that the lane has raised itself. `heard_since` is when the lane began, or began again, to hear
    heartbeats: a task whose beats could not have been received gets a fresh period.
    """

    holder: str
    may_act: Callable[[], bool]
    on_lost: Callable[[dict[int, int]], None]
    on_bumped: Callable[[dict[int, int]], None]
    heard_since: datetime
    epochs: dict[int, int] = field(default_factory=dict)

    def lose(self, shards: set[int]) -> set[int]:
        """Strike shards out; return those that were held until now."""
        lost = {shard: self.epochs.pop(shard) for shard in shards & self.epochs.keys()}
        if lost:
            self.on_lost(lost)
        return set(lost)

    def bump(self, epochs: dict[int, int]) -> None:
        """Take over raised epochs."""
        self.epochs.update(epochs)
        self.on_bumped(epochs)
