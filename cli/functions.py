"""The user's functions beside a server: a worker process of its own, and its file watched.

The worker is `stepwell worker`, another process: the user's code never shares one with the
server, nor its import path.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from cli.children import KeptProcess, stepwell_command
from cli.errors import UsageError

log = structlog.get_logger(__name__)

REFUSED: Final = 2
_LOOK_SECONDS: Final = 0.5
_DRAIN_SECONDS: Final = 8.0
# What the server opens its access keys with is no business of the user's code.
_HIDDEN: Final = {"STEPWELL_SECRET_KEY": "", "STEPWELL_SECRET_KEY_FILE": ""}


class FunctionsFile:
    """What `--functions` names: `app.py`, `package.module`, or either with `:attribute`."""

    def __init__(self, target: str) -> None:
        """Take the target; refuse a file that is not there."""
        self.target = target
        place = target.partition(":")[0]
        is_file = place.endswith(".py") or "/" in place
        self._path = Path(place) if is_file else None
        if self._path is not None and not self._path.is_file():
            msg = f"there is no file {place}"
            raise UsageError(msg)
        self._seen = self._stamp()

    async def change(self) -> None:
        """Wait until the file has been changed; for ever where it is a module's name."""
        while (stamp := self._stamp()) == self._seen or stamp is None:
            await asyncio.sleep(_LOOK_SECONDS)
        self._seen = stamp

    def _stamp(self) -> tuple[int, int] | None:
        try:
            facts = self._path.stat() if self._path is not None else None
        except OSError:
            return None  # an editor is just replacing it
        return None if facts is None else (facts.st_mtime_ns, facts.st_size)


class FunctionsWorker:
    """A worker process that is replaced when it dies and when its file has changed."""

    def __init__(
        self,
        file: FunctionsFile,
        endpoint: str,
        log_level: str,
        *,
        stdout: int | None = None,
    ) -> None:
        """Take what it serves, where its server is, and where functions print to."""
        self._file = file
        self.has_died = asyncio.Event()
        self.has_refused = asyncio.Event()
        self._has_changed = asyncio.Event()
        command = stepwell_command(
            "worker",
            file.target,
            f"--endpoint={endpoint}",
            f"--drain-seconds={_DRAIN_SECONDS:g}",
            f"--log-level={log_level}",
        )
        # What functions send through the SDK's client goes to this server too.
        self._process = KeptProcess(
            "worker",
            command,
            environment={"STEPWELL_ENDPOINT": endpoint, **_HIDDEN},
            died=self._mourn,
            stdout=stdout,
        )

    async def run(self) -> None:
        """Keep it running until cancelled."""
        await self._process.run()

    async def watch(self) -> None:
        """Replace it whenever its file has changed, until cancelled."""
        while True:
            await self._file.change()
            log.warning("functions changed: starting the worker anew")
            self._has_changed.set()
            self._process.replace()

    async def _mourn(self, _pid: int, status: int) -> None:
        self.has_died.set()
        if status == REFUSED:
            self.has_refused.set()
            log.error("the worker cannot start: waiting for a change of its file")
            self._has_changed.clear()
            await self._has_changed.wait()
