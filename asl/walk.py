"""Every state of a definition with its place, nested ones too, without compiling anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from asl.payload import Json
from asl.report import Location

MAX_NESTING: Final = 50
_PROCESSORS: Final = ("ItemProcessor", "Iterator")


@dataclass(frozen=True, slots=True)
class Placed:
    """One object of a definition and where it stands."""

    name: str
    fields: dict[str, Json]
    location: Location


def states(region: Placed) -> Iterator[Placed]:
    """Yield the states of one region, as far as they are objects."""
    found = region.fields.get("States")
    for name, state in found.items() if isinstance(found, dict) else ():
        if isinstance(state, dict):
            yield Placed(name, state, (*region.location, "States", name))


def subregions(state: Placed) -> Iterator[Placed]:
    """Yield the branches of a Parallel, or the processor of a Map."""
    branches = state.fields.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        if isinstance(branch, dict):
            yield Placed(state.name, branch, (*state.location, "Branches", index))
    for field in _PROCESSORS:
        processor = state.fields.get(field)
        if isinstance(processor, dict):
            yield Placed(state.name, processor, (*state.location, field))


def all_states(definition: dict[str, Json]) -> Iterator[Placed]:
    """Yield every state, outer before inner."""
    waiting = [(Placed("", definition, ()), 1)]
    while waiting:
        region, depth = waiting.pop()
        for state in states(region):
            yield state
            if depth < MAX_NESTING:
                waiting.extend((inner, depth + 1) for inner in subregions(state))
