"""Where the states of one region lead: missing targets, unreachable states, no way to an end."""

from __future__ import annotations

from collections.abc import Iterator

from asl.fields import Fields
from asl.payload import Json
from asl.report import Code, Location


def check_transitions(region: Fields, states: Fields) -> None:
    """Report what is wrong with the transitions of a region."""
    start = region.raw("StartAt")
    if isinstance(start, str):
        _check_target(region.at("StartAt"), start, states)
    targets = set()
    for location, target in _all_transitions(states):
        _check_target(location, target, states)
        targets.add(target)
    if states.values and not any(map(_is_terminal, states.values.values())):
        region.report.endless(states.location)
    elif isinstance(start, str):
        _check_reachable({start} if start in states else targets, states)


def _check_target(location: Location, target: str, states: Fields) -> None:
    if target not in states:
        message = f"Missing 'Next' target: {target}"
        states.report.error(message, location, Code.MISSING_TRANSITION_TARGET)


def _check_reachable(starts: set[str], states: Fields) -> None:
    """Report what nothing leads to; where the start is missing, any transition counts."""
    reached = starts & states.values.keys()
    frontier = [*reached]
    while frontier:
        state = states.values.get(frontier.pop())
        if not isinstance(state, dict):
            continue
        for _, target in transitions(state, ()):
            if target in states.values and target not in reached:
                reached.add(target)
                frontier.append(target)
    for name in states.values:
        if name not in reached:
            message = f'State "{name}" is not reachable.'
            states.refuse(name, message, Code.MISSING_TRANSITION_TARGET)


def _is_terminal(state: Json) -> bool:
    if not isinstance(state, dict):
        return True
    return state.get("End") is True or state.get("Type") in ("Succeed", "Fail")


def _all_transitions(states: Fields) -> Iterator[tuple[Location, str]]:
    for name, state in states.values.items():
        if isinstance(state, dict):
            yield from transitions(state, states.at(name))


def transitions(
    state: dict[str, Json], location: Location
) -> Iterator[tuple[Location, str]]:
    """Yield location and target of every transition of a state."""
    for field in ("Next", "Default"):
        target = state.get(field)
        if isinstance(target, str):
            yield (*location, field), target
    for field in ("Choices", "Catch"):
        entries = state.get(field)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            target = entry.get("Next") if isinstance(entry, dict) else None
            if isinstance(target, str):
                yield (*location, field, index, "Next"), target
