"""Attempts whose worker has not polled here: after a restart, a take-over, or a death.

Each such session gets one full period from the moment it became of interest; a worker that
is alive polls well within it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.work import TaskKey


@dataclass(slots=True)
class _Missing:
    since: float
    keys: set[TaskKey] = field(default_factory=set)


class Absent:
    """The attempts of sessions that are not here, by session."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Missing] = {}

    def adopt(self, worker: str, key: TaskKey, now: float) -> None:
        """Know an attempt of a session that has not polled here."""
        self._sessions.setdefault(worker, _Missing(now)).keys.add(key)

    def take(self, worker: str) -> set[TaskKey]:
        """Hand over the attempts of a session that has come."""
        missing = self._sessions.pop(worker, None)
        return set() if missing is None else missing.keys

    def remove(self, worker: str, key: TaskKey) -> bool:
        """Forget an attempt that was closed; tell whether it was known."""
        missing = self._sessions.get(worker)
        if missing is None or key not in missing.keys:
            return False
        missing.keys.discard(key)
        if not missing.keys:
            del self._sessions[worker]
        return True

    def overdue(self, before: float) -> list[str]:
        """Name the sessions that have been missing since before an instant."""
        return [
            name for name, missing in self._sessions.items() if missing.since < before
        ]

    def excuse(self, worker: str, now: float) -> None:
        """Give a session another period: it polls another process."""
        missing = self._sessions.get(worker)
        if missing is not None:  # else it has come here while the others were asked
            missing.since = now

    def renew(self, now: float) -> None:
        """Give every session a fresh period, after an outage of ours."""
        for missing in self._sessions.values():
            missing.since = now

    def drop_shards(self, shards: set[int]) -> None:
        """Forget the attempts of some shards."""
        for worker, missing in list(self._sessions.items()):
            for key in [key for key in missing.keys if key[0] in shards]:
                self.remove(worker, key)
