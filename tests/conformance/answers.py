"""What the tasks of an execution were answered, read from its recorded history.

The attempts of a state are told apart by where they are (the iterations around them) and by
their number. A recorded answer has the id of its event, so that those of concurrent tasks are
given in the recorded order.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from asl.jsontext import dumps
from tests.conformance.matching import parsed

Event: TypeAlias = Mapping[str, Any]
# The indexes of the iterations around a state, the outermost first, and its name.
Place: TypeAlias = tuple[tuple[int, ...], str]

_TASKS: Final = ("Task", "LambdaFunction", "Activity")
_FIELDS: Final = {
    "Started": "started",
    "Submitted": "submitted",
    "Succeeded": "outcome",
    "Failed": "outcome",
    "TimedOut": "outcome",
}
NEVER: Final = 10**9
STOPPED: Final = "ExecutionAborted"


@dataclass(slots=True)
class Attempt:
    """One recorded attempt of a task, and the events that tell of it."""

    scheduled: int
    given: Any = None
    started: Event | None = None
    submitted: Event | None = None
    outcome: Event | None = None


def details(event: Event) -> dict[str, Any]:
    """Return the details of an event, whatever their key."""
    return next((value for value in event.values() if isinstance(value, dict)), {})


def text_of(value: Any) -> str:
    """Return a recorded value as the text that it was parsed from."""
    return value if isinstance(value, str) else dumps(value)


class Answers:
    """The attempts of one recorded execution."""

    def __init__(self, history: Sequence[Event]) -> None:
        """Read a history."""
        self._events = {
            event["id"]: event for event in history if isinstance(event["id"], int)
        }
        self._attempts: dict[Place, list[Attempt]] = defaultdict(list)
        self._exits: dict[Place, list[int]] = defaultdict(list)
        self._taken: dict[Place, int] = defaultdict(int)
        self._by_event: dict[int, Attempt] = {}
        for event in history:
            if isinstance(event["id"], int):
                self._read(event)
        self._masked = _masked_attempts(history)
        stops = [event for event in history if event["type"] == STOPPED]
        self.stop: Event | None = stops[0] if stops else None

    def next_attempt(self, place: Place) -> Attempt | None:
        """Return the attempt that was made next at a place."""
        attempts = self._attempts.get(place, self._masked)
        number = self._taken[place]
        self._taken[place] += 1
        return attempts[number] if number < len(attempts) else None

    def scheduled_next(self, place: Place) -> int:
        """Return when the next attempt at a place was scheduled, as the id of an event."""
        attempts = self._attempts.get(place, self._masked)
        number = self._taken[place]
        return attempts[number].scheduled if number < len(attempts) else NEVER

    def left(self, place: Place) -> int:
        """Return when a place was left for the first time, as the id of an event."""
        return min(self._exits.get(place, []), default=NEVER)

    @property
    def has_attempts(self) -> bool:
        """Whether any task was scheduled; an activity without is one that was deleted."""
        return bool(self._attempts or self._masked)

    def places(self) -> Iterator[tuple[Place, list[Attempt]]]:
        """Yield every place with its attempts; those with masked ids have no name."""
        yield from self._attempts.items()
        yield ((), ""), self._masked

    def _read(self, event: Event) -> None:
        kind = event["type"]
        if kind.endswith("StateExited") and kind.startswith("Wait"):
            self._exits[self._place(event)].append(event["id"])
        family = next((name for name in _TASKS if kind.startswith(name)), None)
        suffix = kind.removeprefix(family or "-")
        if suffix == "Scheduled":
            attempt = Attempt(event["id"], _given(event))
            self._attempts[self._place(event)].append(attempt)
            self._by_event[event["id"]] = attempt
        elif suffix in _FIELDS:
            attempt = self._by_event[event["previousEventId"]]
            setattr(attempt, _FIELDS[suffix], event)
            self._by_event[event["id"]] = attempt

    def _place(self, event: Event) -> Place:
        """Walk back to the state that an event belongs to, and out of its iterations."""
        name, iterations = "", []
        current: Event | None = event
        while current is not None:
            kind = current["type"]
            if not name and kind.endswith("StateEntered"):
                name = details(current).get("name", "")
            if kind == "MapIterationStarted":
                iterations.append(details(current)["index"])
                current = self._start_of_map(current)
            current = self._events.get(current["previousEventId"])
        return tuple(reversed(iterations)), name

    def _start_of_map(self, event: Event) -> Event:
        """Find the start of the Map that an iteration belongs to."""
        current = event
        while current["type"] != "MapStateStarted":
            current = self._events[current["previousEventId"]]
        return current


def _masked_attempts(history: Sequence[Event]) -> list[Attempt]:
    """Put the events with masked ids together, in the order in which each type stands."""
    masked = [event for event in history if not isinstance(event["id"], int)]
    kinds: dict[str, list[Event]] = defaultdict(list)
    for event in masked:
        family = next((name for name in _TASKS if event["type"].startswith(name)), "-")
        suffix = event["type"].removeprefix(family)
        kinds[_FIELDS.get(suffix, suffix)].append(event)
    attempts = []
    for index, _ in enumerate(kinds["Scheduled"]):
        attempt = Attempt(index)
        for field in ("started", "submitted", "outcome"):
            if index < len(kinds[field]):
                setattr(attempt, field, kinds[field][index])
        attempts.append(attempt)
    return attempts


def _given(event: Event) -> Any:
    """Return what the function behind a task is called with."""
    found = details(event)
    if "parameters" in found:
        parameters = found["parameters"]
        return parameters.get("Payload", {}) if isinstance(parameters, dict) else None
    given = found.get("input")
    return parsed(given) if isinstance(given, str) else given


def failure(event: Event) -> tuple[str | None, str | None]:
    """Return error and cause of a recorded failure."""
    found = details(event)
    cause = found.get("cause")
    return found.get("error"), None if cause is None else text_of(cause)


def output(event: Event) -> str:
    """Return the recorded output."""
    return text_of(details(event).get("output"))


def payload(event: Event) -> str:
    """Return what the function behind a recorded lambda:invoke had returned."""
    found = details(event).get("output")
    value: Any = json.loads(found) if isinstance(found, str) else found
    return dumps(value["Payload"])
