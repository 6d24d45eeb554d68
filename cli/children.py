"""Child processes: other commands of ours, kept running for as long as they are wanted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_TETHER: Final = Path(__file__).with_name("tether.py")
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_STEADY_SECONDS: Final = 5.0

Died = Callable[[int, int], Awaitable[None]]


def stepwell_command(*words: str) -> list[str]:
    """Return the command line of another command of this installation.

    It ends with this process. `-P` keeps the folder it runs in off Python's path.
    """
    tether = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid())]
    return [*tether, sys.executable, "-P", "-m", "stepwell", *words]


class KeptProcess:
    """Keeps a child process running: starts it again whenever it ends.

    One that ends soon after its start is started again after pauses that grow.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        died: Died | None = None,
        stdout: int | None = None,
        patience: float = 12.0,
    ) -> None:
        """Take the command, and whom to tell of an end (process id, exit status).

        `died` is awaited before the next start. `patience` is how long an orderly end may
        take.
        """
        self.name = name
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._died = died
        self._stdout = stdout
        self._patience = patience
        self._process: Process | None = None
        self._is_replaced = False
        self.starts = 0

    async def run(self) -> None:
        """Keep it running until cancelled; then end it in order."""
        pause = _FIRST_PAUSE
        try:
            while True:
                began = time.monotonic()
                await self._run_once()
                if self._is_replaced or time.monotonic() - began > _STEADY_SECONDS:
                    pause = _FIRST_PAUSE
                if not self._is_replaced:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                self._is_replaced = False
        finally:
            await self._end()

    def replace(self) -> None:
        """End the process in order, so that a new one takes its place at once."""
        if self._process is not None:
            self._is_replaced = True
            self._signal(signal.SIGTERM)

    async def _run_once(self) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdout=self._stdout,
            start_new_session=True,
        )
        self.starts += 1
        status = await process.wait()
        self._process = None
        if not self._is_replaced:
            log.warning("process ended", name=self.name, pid=process.pid, status=status)
        if self._died is not None:
            await self._died(process.pid, status)

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._patience)
        except TimeoutError:
            log.warning("process killed", name=self.name, pid=process.pid)
            self._signal(signal.SIGKILL)
            await process.wait()

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
