"""Runs plain functions on a pool of threads that are reused and started as needed.

A batch wakes one thread. A thread that takes a call and sees more waiting wakes the
next, with at most one such wake under way: functions that return at once are all run
by one thread, functions that block get a thread each.
"""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from stepwell.calls import Call, run_sync

Finish = Callable[[Sequence[tuple[str, bytes]]], None]


class ThreadRunner:
    """Runs plain functions; `finish` hears of each end, on the function's thread."""

    def __init__(self, size: int, finish: Finish) -> None:
        self._size = size
        self._finish = finish
        self._waiting: deque[Call] = deque()
        self._wakes: SimpleQueue[bool] = SimpleQueue()
        self._waking = False
        self._lock = threading.Lock()
        self._idle = 0
        self._threads: list[threading.Thread] = []

    def submit(self, calls: Sequence[Call]) -> None:
        """Run these calls as soon as threads are free."""
        self._waiting.extend(calls)
        self._wake()

    def close(self) -> None:
        """Let every thread end once it is idle; does not wait for them."""
        with self._lock:
            threads = list(self._threads)
        for _ in threads:
            self._wakes.put(False)

    def _wake(self) -> None:
        if self._waking:
            return
        self._waking = True
        with self._lock:
            starting = not self._idle and len(self._threads) < self._size
            if starting:
                self._threads.append(self._new_thread())
        self._wakes.put(True)

    def _new_thread(self) -> threading.Thread:
        name = f"stepwell-function-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        while self._await_wake():
            self._waking = False
            self._run_waiting()

    def _await_wake(self) -> bool:
        with self._lock:
            self._idle += 1
        go_on = self._wakes.get()
        with self._lock:
            self._idle -= 1
        return go_on

    def _run_waiting(self) -> None:
        while True:
            try:
                call = self._waiting.popleft()
            except IndexError:
                return
            if self._waiting:
                self._wake()
            item = contextvars.Context().run(run_sync, call)
            self._finish(((call.token, item),))
