"""Tasks that wait for a worker with a free slot, by function, the oldest first."""

from __future__ import annotations

from collections.abc import Iterable

from engine.work import TaskKey


class WaitingTasks:
    """What `open_waits` shows as waiting for a worker, of the held shards."""

    def __init__(self) -> None:
        self._by_function: dict[str, dict[TaskKey, None]] = {}

    def __len__(self) -> int:
        """Count the waiting tasks."""
        return sum(len(keys) for keys in self._by_function.values())

    @property
    def functions(self) -> frozenset[str]:
        """The functions that tasks wait for."""
        return frozenset(self._by_function)

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks wait for each function."""
        return {function: len(keys) for function, keys in self._by_function.items()}

    def add(self, function: str, key: TaskKey) -> None:
        """Let a task wait."""
        self._by_function.setdefault(function, {})[key] = None

    def remove(self, function: str, key: TaskKey) -> None:
        """Forget a task that was closed."""
        keys = self._by_function.get(function)
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del self._by_function[function]

    def take(self, functions: Iterable[str]) -> TaskKey | None:
        """Take the task that has waited longest for one of some functions."""
        if not self._by_function:
            return None
        for function in functions:
            keys = self._by_function.get(function)
            if keys:
                key = next(iter(keys))
                self.remove(function, key)
                return key
        return None

    def drop_shards(self, shards: set[int]) -> None:
        """Forget the tasks of some shards."""
        for function in list(self._by_function):
            for key in [key for key in self._by_function[function] if key[0] in shards]:
                self.remove(function, key)
