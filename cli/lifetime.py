"""How long a process lives: until a signal, and then no longer than its drain may take.

The first SIGTERM or SIGINT asks for an orderly end, the second ends at once. Whatever hangs
in an orderly end is cut off by a thread that does not depend on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, Final, TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")

DRAIN_SECONDS: Final = 25.0
FAILED_SECONDS: Final = 5.0
_FILES: Final = 65_536
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Lifetime:
    """The wish to end, as an event of the running loop."""

    def __init__(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Listen to the signals from now on."""
        self._drain_seconds = drain_seconds
        self._stop = asyncio.Event()
        self._deadline: threading.Timer | None = None
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)

    async def wait(self) -> None:
        """Wait until this process is asked to end."""
        await self._stop.wait()

    async def spend(self, *others: Coroutine[Any, Any, object]) -> None:
        """Wait for that, or until one of the others has ended; raise what it raised.

        From then on the time for an orderly end runs; it is short after a failure, for
        what has failed may never answer.
        """
        tasks = [asyncio.ensure_future(other) for other in (self.wait(), *others)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Exception:
            self._drain_seconds = FAILED_SECONDS
            raise
        finally:
            self.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end(self) -> None:
        """Begin the end: from now on it is limited."""
        self._stop.set()
        if self._deadline is None:
            self._deadline = threading.Timer(self._drain_seconds, self._cut_off)
            self._deadline.daemon = True
            self._deadline.start()

    def _signalled(self, number: int) -> None:
        if self._stop.is_set():
            _exit_now(128 + number)
        log.info("stopping", signal=signal.Signals(number).name)
        self.end()

    def _cut_off(self) -> None:
        log.error("the orderly end took too long", seconds=self._drain_seconds)
        _exit_now(1)


def run_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on a uvloop."""
    import uvloop

    calm_collector()
    allow_many_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def calm_collector() -> None:
    """Let the garbage collector look seldom, and never at what was imported.

    Events and payloads hold no cycles and are freed by counting; looking for cycles among
    them with the default thresholds costs a third of the engine's CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def allow_many_files() -> None:
    """Raise the limit of open files as far as this process may: every client is one.

    Shells and service managers mostly start processes with 1,024, and let them have more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def leave_in_order_on_sigterm() -> None:
    """Let SIGTERM unwind what runs, as SIGINT does, while no event loop does."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _exit_now(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
