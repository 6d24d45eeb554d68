"""Which activities there are: looked up before a turn, remembered for a second.

A task of an activity that does not exist fails its execution, so a turn has to know. What
was not looked up counts as there: its task waits, as for a poller who never comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from scheduler.clock import Clock

_LIFETIME_SECONDS: Final = 1.0
_LARGEST: Final = 10_000


class ExistingActivities:
    """What is known of activities, by ARN."""

    def __init__(
        self, clock: Clock, find: Callable[[list[str]], Awaitable[set[str]]]
    ) -> None:
        """Take who finds out which of some activities exist."""
        self._clock = clock
        self._find = find
        self._known: dict[str, tuple[bool, float]] = {}

    async def look_up(self, arns: Iterable[str]) -> None:
        """Find out about activities, unless that was done within the last second."""
        now = self._clock.monotonic()
        asked = [arn for arn in sorted(set(arns)) if not self._is_fresh(arn, now)]
        if not asked:
            return
        if len(self._known) > _LARGEST:
            self._known.clear()
        found = await self._find(asked)
        self._known |= {arn: (arn in found, now) for arn in asked}

    def _is_fresh(self, arn: str, now: float) -> bool:
        _, looked_up = self._known.get(arn, (True, float("-inf")))
        return now - looked_up < _LIFETIME_SECONDS

    def may_exist(self, arn: str) -> bool:
        """Tell whether an activity is there, as far as is known."""
        is_there, _ = self._known.get(arn, (True, 0.0))
        return is_there
