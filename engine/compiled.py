"""Compiled machines by revision: parsed once, shared by every execution."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from asl.model import Machine
from asl.parse import parse_accepted

_CAPACITY: Final = 1_000


class UnknownRevisionError(Exception):
    """An execution refers to a revision that is not stored."""


class CompiledMachines:
    """The machines that executions of this process run."""

    def __init__(self, definition: Callable[[str], Awaitable[str | None]]) -> None:
        """Take who reads the definition of a revision."""
        self._definition = definition
        self._machines: OrderedDict[str, Machine] = OrderedDict()

    async def get(self, revision_id: str) -> Machine:
        """Return a machine; parse it where that has not been done."""
        machine = self._machines.get(revision_id)
        if machine is None:
            definition = await self._definition(revision_id)
            if definition is None:
                raise UnknownRevisionError(revision_id)
            machine = self.put(revision_id, parse_accepted(definition))
        self._machines.move_to_end(revision_id)
        return machine

    def put(self, revision_id: str, machine: Machine) -> Machine:
        """Keep a machine that was parsed already."""
        self._machines[revision_id] = machine
        while len(self._machines) > _CAPACITY:
            self._machines.popitem(last=False)
        return machine
