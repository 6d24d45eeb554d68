"""Machines as StartExecution needs them: kept for a second, so that starts read no rows.

A change made through this process is seen at once; one made through another process within
the second, as the service allows itself after an update.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from scheduler.clock import Clock
from storage.machines import MachineRecord

_LIFETIME_SECONDS: Final = 1.0
_LARGEST: Final = 10_000


class MachineCache:
    """Remembers machines by ARN for a second."""

    def __init__(
        self, fetch: Callable[[str], Awaitable[MachineRecord | None]], clock: Clock
    ) -> None:
        """Take where machines come from."""
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, tuple[float, MachineRecord]] = {}
        self._changes = 0

    async def get(self, arn: str) -> MachineRecord | None:
        """Return the machine, as it was a second ago or later."""
        now = self._clock.monotonic()
        kept = self._kept.get(arn)
        if kept is not None and now - kept[0] < _LIFETIME_SECONDS:
            return kept[1]
        changes = self._changes
        machine = await self._fetch(arn)
        # What was read before a change that came meanwhile is not kept.
        if machine is not None and changes == self._changes:
            self._keep(arn, machine, now)
        return machine

    def forget(self, arn: str) -> None:
        """Drop a machine that has been changed."""
        self._changes += 1
        self._kept.pop(arn, None)

    def _keep(self, arn: str, machine: MachineRecord, now: float) -> None:
        if len(self._kept) >= _LARGEST:
            self._kept.clear()
        self._kept[arn] = (now, machine)
