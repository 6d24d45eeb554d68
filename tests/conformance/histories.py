"""Compare a recorded history with an actual one.

Without concurrency the events must come one by one as recorded. Where a Map or Parallel runs,
the recorded order is one of several: events compare as a set, each with what it points to.
What joins concurrent branches points to the one that happened to end last; any of them will do.
Some recordings mask ids or have lost an event: a masked id is not compared, and as many events
may be missing in them as their ids leave out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from tests.conformance.matching import Matcher

Event: TypeAlias = Mapping[str, Any]

_FORKS: Final = frozenset({"MapStateStarted", "ParallelStateStarted"})
_JOINS: Final = frozenset(
    {
        "MapIterationStarted",
        "MapStateSucceeded",
        "MapStateExited",
        "ParallelStateSucceeded",
        "ParallelStateExited",
    }
)


def history_differences(
    recorded: Sequence[Event], actual: Sequence[Event], matcher: Matcher
) -> list[str]:
    """Return the differences of two histories."""
    if matcher.ignores(("events",)):
        return []
    if any(event["type"] in _FORKS for event in recorded):
        return _AsSet(recorded, actual, matcher).differences()
    return _in_order(recorded, actual, matcher)


def _in_order(
    recorded: Sequence[Event], actual: Sequence[Event], matcher: Matcher
) -> list[str]:
    found = []
    if len(recorded) != len(actual) or _types(recorded) != _types(actual):
        found.append(f"events: {_types(recorded)} became {_types(actual)}")
    for index, (wanted, given) in enumerate(zip(recorded, actual, strict=False)):
        if wanted["type"] == given["type"]:
            found += matcher.differences(wanted, given, ("events", index))
    return found


def _types(events: Sequence[Event]) -> list[str]:
    return [event["type"] for event in events]


def _is_masked(event: Event) -> bool:
    return not isinstance(event["id"], int)


class _AsSet:
    """Finds for every recorded event the actual one that it became."""

    def __init__(
        self, recorded: Sequence[Event], actual: Sequence[Event], matcher: Matcher
    ) -> None:
        self._recorded = recorded
        self._matcher = matcher
        self._left = list(actual)
        self._became: dict[int, int] = {0: 0}
        self._types = {event["id"]: event["type"] for event in actual}
        self._has_masked = any(_is_masked(event) for event in recorded)

    def differences(self) -> list[str]:
        found = []
        for index, event in enumerate(self._recorded):
            found += self._differences_of(index, event)
        found += self._disorder()
        if len(self._left) > self._lost():
            found += [f"events has one more: {_told(event)}" for event in self._left]
        return found

    def _differences_of(self, index: int, recorded: Event) -> list[str]:
        same = [event for event in self._left if event["type"] == recorded["type"]]
        if not same:
            return [f"events[{index}] is missing: {_told(recorded)}"]
        candidates = [
            event for event in same if self._points_alike(index, recorded, event)
        ]
        candidates.sort(key=lambda event: not self._points_the_same(recorded, event))
        if not candidates:
            candidate, told = (
                same[0],
                [
                    f"events[{index}]: {_told(recorded)} points to "
                    f"{recorded['previousEventId']}, here to {same[0]['previousEventId']}"
                ],
            )
        else:
            candidate, told = self._best(index, recorded, candidates)
        self._left.remove(candidate)
        if not _is_masked(recorded):
            self._became[recorded["id"]] = candidate["id"]
        return told

    def _best(
        self, index: int, recorded: Event, candidates: list[Event]
    ) -> tuple[Event, list[str]]:
        fewest: tuple[Event, list[str]] | None = None
        for candidate in candidates:
            trial = self._matcher.trial()
            told = trial.differences(
                _details(recorded), _details(candidate), ("events", index)
            )
            if not told:
                self._matcher.adopt(trial)
                return candidate, []
            if fewest is None or len(told) < len(fewest[1]):
                fewest = candidate, told
        assert fewest is not None
        return fewest

    def _points_the_same(self, recorded: Event, actual: Event) -> bool:
        became = self._became.get(recorded["previousEventId"])
        return bool(became == actual["previousEventId"])

    def _points_alike(self, index: int, recorded: Event, actual: Event) -> bool:
        if self._points_the_same(recorded, actual):
            return True
        if self._matcher.ignores(("events", index, "previousEventId")):
            return True
        if self._has_masked:
            return recorded["previousEventId"] not in self._became or _is_masked(
                recorded
            )
        return recorded["type"] in _JOINS and self._ends_a_branch(
            recorded["previousEventId"], actual["previousEventId"]
        )

    def _ends_a_branch(self, recorded_id: int, actual_id: int) -> bool:
        """Tell whether two events are ends of branches that may have changed places."""
        became = self._types.get(self._became.get(recorded_id, 0), "")
        types = {became, self._types.get(actual_id, "")}
        return len(types) == 1 or all(name.endswith("Exited") for name in types)

    def _lost(self) -> int:
        ids = [event["id"] for event in self._recorded if not _is_masked(event)]
        return (max(ids, default=0) - len(self._recorded)) if self._has_masked else 0

    def _disorder(self) -> list[str]:
        """Return events of the recorded causal order that are not in the actual one."""
        outer = [
            event
            for event in self._recorded
            if event["type"] in _JOINS - {"MapIterationStarted"}
            or event["type"].startswith("Execution")
        ]
        ids = [
            self._became.get(event["id"], 0) for event in outer if not _is_masked(event)
        ]
        return (
            []
            if self._is_nested() or ids == sorted(ids)
            else [f"order of events: {ids}"]
        )

    def _is_nested(self) -> bool:
        forks = [event for event in self._recorded if event["type"] in _FORKS]
        return len(forks) > 1


def _details(event: Event) -> dict[str, Any]:
    left_out = {"id", "previousEventId", "timestamp", "type"}
    return {name: value for name, value in event.items() if name not in left_out}


def _told(event: Event) -> str:
    return f"{event['type']}({event['id']} <- {event['previousEventId']})"
