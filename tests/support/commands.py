"""The `stepwell` command as a person has it: processes, with what they print.

A command that ends is run to its end; a server is read until its ready line, and ended in
order when its block ends.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO, TypeVar

T = TypeVar("T")

STEPWELL: Final = (sys.executable, "-P", "-m", "stepwell")
SECONDS: Final = 60.0
_ENDPOINT: Final = re.compile(r"ready at (http://\S+)")
# Neither the machine's settings nor those of a developer reach the commands.
_DROPPED: Final = ("AWS_", "STEPWELL_DATABASE_URL", "STEPWELL_ENDPOINT")


def environment(**extra: str) -> dict[str, str]:
    """Return an environment for a command."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED)}
    return {**kept, **extra}


def stepwell(
    *words: str, cwd: Path | None = None, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*STEPWELL, *words],
        cwd=cwd,
        env=environment(**(extra or {})),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def until(what: str, look: Callable[[], T | None], seconds: float = SECONDS) -> T:
    """Look until there is something."""
    ends, nobody = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        nobody.wait(0.02)
    msg = f"not within {seconds:g} s: {what}"
    raise AssertionError(msg)


class RunningCommand:
    """A command that serves; as a context manager it is ended with SIGTERM."""

    def __init__(
        self,
        *words: str,
        cwd: Path | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [*STEPWELL, *words],
            cwd=cwd,
            env=environment(**(extra or {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed: list[str] = []
        self.logged: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines))
            for stream, lines in (
                (self.process.stdout, self.printed),
                (self.process.stderr, self.logged),
            )
        ]
        for reader in self._readers:
            reader.start()

    @property
    def ready_line(self) -> str:
        """Wait for the line that says where it is, and return it."""
        return until("the command is ready", self._ready_line)

    @property
    def endpoint(self) -> str:
        """Wait until it is ready; return where it is."""
        found = _ENDPOINT.search(self.ready_line)
        assert found is not None, "the ready line has the endpoint"
        return found.group(1)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it in order; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(SECONDS)
        for reader in self._readers:
            reader.join()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.end()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def _ready_line(self) -> str | None:
        if self.process.poll() is not None:
            msg = f"it ended with {self.process.returncode}: {''.join(self.logged)}"
            raise AssertionError(msg)
        return next((line for line in self.printed if "ready at" in line), None)

    @staticmethod
    def _read(stream: TextIO, lines: list[str]) -> None:
        with stream:
            lines.extend(stream)
