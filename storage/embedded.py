"""The embedded PostgreSQL server: started by the first who needs it, stopped by the last.

The server belongs to its data folder and not to the process that launched it. Whoever
needs it shares the lock `users` for as long as it does; a lock dies with its process,
so a killed user never counts. Starting and stopping happen one at a time under `lock`:

* Starting first tries to connect. A server that answers is adopted, whoever launched
  it. Nothing is ever concluded from a process id alone.
* One that does not answer but lives (`Cluster.is_alive`) is starting, recovering or
  stopping, and is waited for.
* Otherwise nothing of it is left, and it is launched. PostgreSQL then repairs its data
  from its log if it was killed.

The last user stops the server. When every user is killed it goes on alone until the
next one adopts it.
"""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg
import structlog

from storage.cluster import DATABASE, Cluster
from storage.errors import EmbeddedServerError
from storage.filelock import FileLock, exclusively
from storage.serverprocess import SUPERUSER
from storage.socketpath import client_folder

SILENCE_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
FAILURES: Final = 3
POLL_SECONDS: Final = 0.02
REPORT_SECONDS: Final = 5.0
BUSY: Final = ("starting up", "not yet accepting", "recovery", "shutting down")
HOPELESS: Final = ("password authentication failed", "does not exist", "pg_hba.conf")
NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})

log = structlog.get_logger(__name__)

# A server outlives the object that launched it when others still use it; its handle is
# kept until then, so that it is waited for and leaves no zombie.
_launched: dict[Path, subprocess.Popen[bytes]] = {}


class EmbeddedServer:
    """One process's use of the server of a data folder.

    As a context manager it starts on entry and stops on exit; `start` may be called
    again at any time to bring a server back that was killed meanwhile.
    """

    def __init__(
        self, data: Path, *, settings: Mapping[str, str] = NO_SETTINGS
    ) -> None:
        """Address the data folder; `settings` apply only if this call launches."""
        self._cluster = Cluster(data=data.expanduser().resolve())
        self._settings = settings
        self._users = FileLock(self._cluster.data / "users")

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._cluster.data

    @property
    def url(self) -> str:
        """The address of the server's database, for libpq and everything on it."""
        return self._url(DATABASE)

    def start(self) -> str:
        """Start, adopt or revive the server; return its URL once it answers."""
        self._cluster.prepare()
        with exclusively(self._cluster.data / "lock"):
            self._users.share()
            try:
                self._bring_up()
            except BaseException:
                self._users.release()
                raise
        return self.url

    def stop(self) -> bool:
        """Give the server up; stop it and return True if nobody else uses it."""
        if not self._cluster.data.exists():
            return False
        with exclusively(self._cluster.data / "lock"):
            self._users.release()
            if not self._users.try_acquire():
                return False
            try:
                self._take_down()
            finally:
                self._users.release()
        log.debug("embedded server stopped", data=str(self.data))
        return True

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server unless others use it."""
        self.stop()

    def postmaster(self) -> int | None:
        """Return the id of the server's first process while it lives."""
        return self._cluster.postmaster()

    def _bring_up(self) -> None:
        """Return once the server lets us in; launch it when nothing of it lives.

        Repairing its data may take a server long, and it says so; silence may not.
        One that was killed is launched again, one that gives up is so a few times.
        """
        patience = _Patience(SILENCE_SECONDS)
        failures = 0
        while (problem := self._probe()) is not None:
            failures += self._reap()
            if failures == FAILURES:
                raise self._failed("does not stay up", problem)
            if not self._cluster.is_alive():
                self._launch()
            if any(phrase in problem for phrase in BUSY):
                patience.renew()
            if patience.is_over():
                raise self._failed("does not answer", problem)
            if patience.should_report():
                log.info("waiting for the embedded server", answer=problem)
            self._wait_a_moment()

    def _probe(self) -> str | None:
        """Find or create our database; return what stands in the way, or None."""
        if not self._cluster.exists:
            return "there is no data yet"
        try:
            _ensure_database(self._url("postgres"))
        except psycopg.OperationalError as error:
            if any(phrase in str(error) for phrase in HOPELESS):
                raise self._failed("refuses us", str(error)) from error
            return str(error)
        return None

    def _launch(self) -> None:
        """Launch the server, on a new cluster if there is none."""
        if not self._cluster.exists:
            log.info("creating the embedded database", data=str(self.data))
            self._cluster.create()
        ending = _launched.pop(self.data, None)
        if ending is not None:
            ending.wait()  # it holds nothing any more, and is all but gone
        try:
            _launched[self.data] = self._cluster.launch(self._settings)
        except OSError as error:
            raise self._failed("cannot be launched", str(error)) from error

    def _take_down(self) -> None:
        """Stop the server in order, or at once if it takes too long."""
        self._cluster.shut_down(signal.SIGINT)
        patience = _Patience(STOP_SECONDS)
        while self._cluster.is_alive():
            if patience.is_over():
                log.warning("stopping the embedded server at once")
                self._cluster.shut_down(signal.SIGQUIT)
                patience = _Patience(STOP_SECONDS)
            self._wait_a_moment()
        self._reap()

    def _wait_a_moment(self) -> None:
        """Wait for the process we launched to end, but not for long."""
        process = _launched.get(self.data)
        if process is None or process.poll() is not None:
            threading.Event().wait(POLL_SECONDS)
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)

    def _reap(self) -> bool:
        """Forget the process we launched once it ended; tell whether it failed."""
        process = _launched.get(self.data)
        if process is None or process.poll() is None:
            return False
        del _launched[self.data]
        return process.returncode > 0  # a signal's number is negative

    def _url(self, database: str) -> str:
        """Return the address of one database of the server."""
        host = quote(str(client_folder(self._cluster.folder)), safe="")
        credentials = f"{SUPERUSER}:{self._cluster.password}"
        # The port is a part of the socket's name; PGPORT would change it.
        return f"postgresql://{credentials}@/{database}?host={host}&port=5432"

    def _failed(self, what: str, why: str) -> EmbeddedServerError:
        """Describe a failure with the server's last words."""
        return EmbeddedServerError(
            f"the PostgreSQL server of {self.data} {what}: {why.strip()}\n"
            f"The end of {self._cluster.log}:\n{self._cluster.last_words()}"
        )


def _ensure_database(maintenance_url: str) -> None:
    """Create our database where it is missing."""
    with psycopg.connect(
        maintenance_url, autocommit=True, connect_timeout=5
    ) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [DATABASE]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())


class _Patience:
    """How long to wait, and how often to say so; by monotonic time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._report = time.monotonic() + REPORT_SECONDS
        self.renew()

    def renew(self) -> None:
        """Begin to wait afresh."""
        self._deadline = time.monotonic() + self._seconds

    def is_over(self) -> bool:
        """Tell whether to give up."""
        return time.monotonic() > self._deadline

    def should_report(self) -> bool:
        """Tell, every few seconds, that it is time for a line of log."""
        if time.monotonic() < self._report:
            return False
        self._report += REPORT_SECONDS
        return True
