"""An event loop whose time jumps: nothing waits, and a seed makes every run the same.

When no callback is ready the loop does not sleep until the next one is due, it moves its
clock there. When none is due either, nothing will ever happen again: that is an error.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Stuck(RuntimeError):  # noqa: N818 - a state of the world, not an error of a caller
    """Nothing is ready and nothing is due, but somebody still waits."""


class _JumpingSelector(selectors.SelectSelector):
    """Jumps over the time that a selector would wait for input."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is ready, and nothing is due")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own."""

    def __init__(self) -> None:
        """Begin at time 0."""
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jumping.now


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in a virtual loop of its own."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
