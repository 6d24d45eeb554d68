"""Functions that run inside the engine's own process: for tests and benchmarks.

They go the way of every task: Scheduled and Started are committed, then the function is
called, then its result is a stimulus. The Started event names this engine's incarnation; a
result that died with the process ends as Lambda.Unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from asl.payload import Json, Payload
from runtime.stimuli import WorkerRaised, WorkerReturned

Handler: TypeAlias = Callable[[Json], Json]

PREFIX: Final = "engine:"


class Handlers:
    """The functions of one engine process, by name."""

    def __init__(
        self, incarnation: str, handlers: Mapping[str, Handler] | None = None
    ) -> None:
        """Take the name of this engine's life, and the functions."""
        self.worker = f"{PREFIX}{incarnation}"
        self._handlers = dict(handlers or {})

    def serves(self, function: str) -> bool:
        """Whether a function runs here."""
        return function in self._handlers

    def call(
        self, function: str, scheduled_id: int, payload: Payload
    ) -> WorkerReturned | WorkerRaised:
        """Run a function; what it throws is its error, named after the class."""
        try:
            result = self._handlers[function](payload.value)
        except Exception as error:  # noqa: BLE001 - the function's own failure
            return WorkerRaised(scheduled_id, type(error).__name__, str(error))
        return WorkerReturned(scheduled_id, Payload.of_value(result))
