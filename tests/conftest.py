"""Fixtures for databases, and the option that chooses the server.

| fixture | gives |
| --- | --- |
| `clean_database` | the URL of a migrated database without a row of another test |
| `database_url` | the same database as it is, for tests that only read the schema |
| `fresh_database` | the URL of a migrated database of the test's own |
| `empty_database` | the URL of a database without tables |
| `durable_server` | an embedded server of the module's own, with fsync on, to be killed |
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import EmbeddedServer
from tests.conformance.table import print_results
from tests.support.databases import CleanableDatabase, DatabaseServer
from tests.support.servers import (
    CHOICES,
    FAST_SETTINGS,
    FOLDER_VARIABLE,
    URL_VARIABLE,
    ServerChoice,
)

CHOICE = pytest.StashKey[ServerChoice]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        choices=CHOICES,
        default="auto",
        help="the PostgreSQL server for the tests; auto takes "
        "STEPWELL_TEST_DATABASE_URL, else the embedded one, else the system's, else "
        "Docker",
    )
    parser.addoption(
        "--histories",
        type=int,
        default=20_000,
        help="how many histories the long simulation lives through",
    )
    crashes = parser.getgroup("crashes")
    crashes.addoption("--rounds", type=int, help="how many rounds of kills")
    crashes.addoption(
        "--seed",
        type=int,
        help="the seed of a run of kills, or of a simulated world, to repeat",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[CHOICE] = ServerChoice(config.getoption("--postgres"))


def pytest_collection_finish() -> None:
    """Spare every later look for garbage what the collected tests keep for good."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have recorded as said, passed or failed, in whichever process."""
    reports = [
        *terminalreporter.getreports("passed"),
        *terminalreporter.getreports("failed"),
    ]
    for report in reports:
        for name, line in report.user_properties:
            if name == "said":
                terminalreporter.write_line(f"{report.nodeid}: {line}")
    print_results(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    choice = config.stash.get(CHOICE, None)
    if choice is None:
        return
    given = os.environ.get(URL_VARIABLE)
    if given:
        DatabaseServer(url=given, folder=choice.folder).drop_template()
    choice.close()


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    folder = Path(os.environ[FOLDER_VARIABLE])
    folder.mkdir(mode=0o700, exist_ok=True)
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield DatabaseServer(url=given, folder=folder)
        return
    with EmbeddedServer(folder / "server", settings=FAST_SETTINGS) as server:
        yield DatabaseServer(url=server.url, folder=folder)


@pytest.fixture(scope="session")
def process_database(database_server: DatabaseServer) -> Iterator[CleanableDatabase]:
    with database_server.clone() as url:
        database = CleanableDatabase(url)
        yield database
        database.close()


@pytest.fixture
def database_url(process_database: CleanableDatabase) -> str:
    return process_database.url


@pytest.fixture
def clean_database(process_database: CleanableDatabase) -> str:
    process_database.clean()
    return process_database.url


@pytest.fixture
def fresh_database(database_server: DatabaseServer) -> Iterator[str]:
    with database_server.clone() as url:
        yield url


@pytest.fixture
def empty_database(database_server: DatabaseServer) -> Iterator[str]:
    with database_server.empty() as url:
        yield url


@pytest.fixture(scope="module")
def durable_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("durable")) as server:
        yield server
