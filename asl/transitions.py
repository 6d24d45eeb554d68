"""Where the states of one region lead: missing targets, unreachable states, no way to an end."""

from __future__ import annotations

from collections.abc import Iterator

from asl.fields import Fields
from asl.payload import Json
from asl.report import Code, Location


def check_transitions(region: Fields, states: Fields) -> None:
    """Report what is wrong with the transitions of a region."""
    names = states.values.keys()
    start = region.raw("StartAt")
    if isinstance(start, str) and start not in names:
        message = f"Missing 'StartAt' target: {start}"
        region.refuse("StartAt", message, Code.MISSING_TRANSITION_TARGET)
    for location, field, target in _all_transitions(states):
        if target not in names:
            message = f"Missing '{field}' target: {target}"
            region.report.error(message, location, Code.MISSING_TRANSITION_TARGET)
    if isinstance(start, str) and start in names:
        _check_reachable(start, states)
    if names and not any(_is_terminal(state) for state in states.values.values()):
        message = "No terminal state"
        region.report.error(message, states.location, Code.MISSING_END_STATE)


def _check_reachable(start: str, states: Fields) -> None:
    reached = {start}
    frontier = [start]
    while frontier:
        state = states.values.get(frontier.pop())
        if not isinstance(state, dict):
            continue
        for _, _, target in transitions(state, ()):
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


def _all_transitions(states: Fields) -> Iterator[tuple[Location, str, str]]:
    for name, state in states.values.items():
        if isinstance(state, dict):
            yield from transitions(state, states.at(name))


def transitions(
    state: dict[str, Json], location: Location
) -> Iterator[tuple[Location, str, str]]:
    """Yield location, field and target of every transition of a state."""
    for field in ("Next", "Default"):
        target = state.get(field)
        if isinstance(target, str):
            yield (*location, field), field, target
    for field in ("Choices", "Catch"):
        entries = state.get(field)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            target = entry.get("Next") if isinstance(entry, dict) else None
            if isinstance(target, str):
                yield (*location, field, index, "Next"), "Next", target
