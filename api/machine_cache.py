"""Machines as StartExecution needs them: found by ARN, and kept for a second.

So starts read no rows.
A change made through this process is seen at once; one made through another process within
the second, as the service allows itself after an update.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from typing import Final

from api.arns import parse_arn
from scheduler.clock import Clock
from storage.machines import Blueprint, MachineRecord, Machines
from storage.versions import Versions

_LIFETIME_SECONDS: Final = 1.0
_LARGEST: Final = 10_000


class MachineFinder:
    """Reads the machine of an ARN, or one of its versions in its place."""

    def __init__(self, machines: Machines, versions: Versions) -> None:
        """Take where machines and versions are stored."""
        self._machines = machines
        self._versions = versions

    async def __call__(self, text: str) -> MachineRecord | None:
        """Return the machine as that ARN means it; raise InvalidArn."""
        arn = parse_arn(text, "stateMachine")
        if arn.label is not None:
            return None
        if arn.qualifier is None:
            return await self._machines.get(text)
        if arn.version is None or arn.version >= 2**31:
            return None
        machine = await self._machines.get(arn.unqualified)
        version = await self._versions.get(arn.unqualified, arn.version)
        if machine is None or version is None:
            return None
        revision = await self._machines.revision(version.revision_id)
        assert revision is not None, "a version's revision is kept"
        blueprint = {
            field.name: getattr(revision, field.name) for field in fields(Blueprint)
        }
        return replace(
            machine,
            **blueprint,
            revision_id=revision.revision_id,
            number=revision.number,
            version_arn=text,
        )


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
